"""Sign-in: the metadata of an OpenID provider, and tokens for clients with the secret."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from scanner.demo.fakes.azure.tenant import Tenant
from scanner.demo.fakes.azure.wire import Call, Reply, Service

AUDIENCES: Mapping[Service, str] = {
    "graph": "https://graph.microsoft.com",
    "arm": "https://management.azure.com",
    "vault": "https://vault.azure.net",
}
"""Audiences of tokens: the services of the public cloud, which this server replaces."""


class Login:
    """Issues and validates tokens. ``lifetime``: of a token, in seconds."""

    def __init__(self, tenant: Tenant) -> None:
        self.lifetime = 3600
        self._tenant = tenant
        self._audiences: dict[str, str] = {}
        self.given = 0
        """The number of issued tokens."""

    def reply(self, call: Call, base: str) -> Reply:
        """The discovery document, or a token."""
        here = f"{base}/{self._tenant.id}"
        path = call.path.removeprefix(f"/{self._tenant.id}")
        if call.method == "GET" and path == "/v2.0/.well-known/openid-configuration":
            return Reply(
                body={
                    "issuer": f"{here}/v2.0",
                    "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{here}/oauth2/v2.0/token",
                    "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
                }
            )
        if call.method == "POST" and path == "/oauth2/v2.0/token":
            return self._token(parse_qs(call.body.decode()))
        error = {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."}
        return Reply(status=400, body=error)

    def is_for(self, token: str, service: Service, base: str) -> bool:
        """Whether the token was issued for that service, at its own address or at this server's."""
        return self._audiences.get(token) in (AUDIENCES.get(service), base)

    def revoke(self) -> None:
        """Revoke all issued tokens."""
        self._audiences.clear()

    def _token(self, form: dict[str, list[str]]) -> Reply:
        client, secret, scope = (form.get(name, [""])[0] for name in ("client_id", "client_secret", "scope"))
        if (client, secret) != (self._tenant.client_id, self._tenant.client_secret):
            error = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
            return Reply(status=401, body=error)
        audience = next((one for one in scope.split() if one.endswith("/.default")), "").removesuffix("/.default")
        self.given += 1
        token = f"token-{self.given}-for-{audience}"
        self._audiences[token] = audience
        return Reply(body={"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token})
