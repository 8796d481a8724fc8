"""OpenBao as an OpenID provider: people with an e-mail each, who sign in without a page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.servers.openbao import OpenBao

PASSWORD = "correct horse battery"
_POLICY = 'path "identity/oidc/provider/+/authorize" { capabilities = ["read", "update"] }'
_TEMPLATE = '{"email": {{identity.entity.metadata.email}}}'


class OpenId:
    """A provider in a running OpenBao, with what a server that trusts it is given."""

    def __init__(self, bao: OpenBao, redirect: str, people: tuple[str, ...]) -> None:
        self._bao = bao
        write = bao.client.write_data
        bao.client.sys.enable_auth_method("userpass")
        accessor = bao.client.sys.list_auth_methods()["data"]["userpass/"]["accessor"]
        write("sys/policies/acl/sign-in", data={"policy": _POLICY})
        for email in people:
            name = email.partition("@")[0]
            write(f"auth/userpass/users/{name}", data={"password": PASSWORD, "policies": "sign-in"})
            entity = write("identity/entity", data={"name": name, "metadata": {"email": email}})["data"]["id"]
            alias = {"name": name, "canonical_id": entity, "mount_accessor": accessor}
            write("identity/entity-alias", data=alias)
        write("identity/oidc/scope/email", data={"template": _TEMPLATE})
        write("identity/oidc/key/muster", data={"allowed_client_ids": "*", "algorithm": "RS256"})
        client = {"key": "muster", "redirect_uris": redirect, "assignments": "allow_all"}
        write("identity/oidc/client/muster", data=client)
        made = bao.client.read("identity/oidc/client/muster")["data"]
        self.client_id, self.client_secret = made["client_id"], made["client_secret"]
        provider = {"issuer": bao.url, "allowed_client_ids": "*", "scopes_supported": "email"}
        write("identity/oidc/provider/muster", data=provider)
        self.issuer = f"{bao.url}/v1/identity/oidc/provider/muster"

    def answer(self, address: str, name: str) -> dict[str, str]:
        """What the provider's page sends the browser back with, after that person signed in there."""
        token = self._bao.client.auth.userpass.login(name, PASSWORD, use_token=False)["auth"]["client_token"]
        query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        found = httpx.get(
            f"{self.issuer}/authorize", params=query, headers={"X-Vault-Token": token}, timeout=60, trust_env=False
        )
        return {"code": found.json()["code"], "state": found.json()["state"]}
