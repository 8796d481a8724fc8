"""An organization of Okta that several tests read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connectors.okta.connector import OktaConnector
from connectors.okta.settings import OktaSettings
from connectors.testing import Asked, Estate, Reply, Server
from scanner.redaction.redact import SecretRef

VARIABLE, VALUE = "OKTA_TOKEN_OF_TESTS", "00token-that-opens-nothing"
ORG = "00o1a2b3c4d5e6f7g8h9"
AGENTS = "/workload-principals/api/v1/ai-agents"
OWNERS = "/governance/api/v1/resource-owners"
MADE = "2026-01-02T03:04:05.000Z"
BOT, OTHER = "wlp1a2b3c4d5e6f7g8h9", "wlp9a2b3c4d5e6f7g8h9"
APP, SECOND = "0oa1a2b3c4d5e6f7g8h9", "0oa9a2b3c4d5e6f7g8h9"
ORN = f"orn:okta:directory:{ORG}:workload-principals:ai-agents:{BOT}"


def app(id_: str, label: str, *, sort: str = "service", secret: str = "x") -> dict[str, Any]:  # noqa: S107  # planted
    """A row of the list of apps, with the secret that it may have."""
    client = {"client_id": id_, "client_secret": secret, "token_endpoint_auth_method": "private_key_jwt"}
    return {"id": id_, "label": label, "status": "ACTIVE", "created": MADE,
            "settings": {"oauthClient": {"application_type": sort, "redirect_uris": [f"https://x.example/{secret}"]}},
            "credentials": {"oauthClient": client}}  # fmt: skip


def agent(id_: str, name: str, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    """A row of the list of agents."""
    return {"id": id_, "status": status, "platform": "CUSTOM", "profile": {"name": name}, "created": MADE, **more}


def answers(secret: str = "x") -> dict[str, Any]:  # noqa: S107  # planted
    """The answers by path. ``secret``: wherever Okta could answer with any."""
    link = {"Link": f'<{{url}}/api/v1/apps?after={SECOND}&limit=200>; rel="next"'}
    mcp = {"name": "crm tools", "endpointUrl": f"https://mcp.acme.example/{secret}", "orn": "orn:x"}
    return {
        "/api/v1/org": {"id": ORG, "companyName": "Acme", "subdomain": "acme"},
        "/api/v1/apps?limit=200": Reply(body=[app(APP, "deploy", secret=secret)], headers=link),
        f"/api/v1/apps?after={SECOND}&limit=200": [
            app(SECOND, "reader", secret=secret), app("0oaweb", "portal", sort="web", secret=secret),
        ],
        f"/api/v1/apps/{APP}/credentials/secrets": [
            {"id": "ocs1", "status": "ACTIVE", "created": MADE, "client_secret": secret, "secret_hash": secret},
        ],
        f"/api/v1/apps/{APP}/credentials/jwks": [{"kid": "k1", "id": "pks1", "status": "INACTIVE", "created": MADE}],
        f"/oauth2/v1/clients/{APP}/roles": [{"type": "SUPER_ADMIN", "label": "Super", "status": "ACTIVE"}],
        f"/api/v1/apps/{APP}/grants": [{"scopeId": "okta.users.manage", "status": "ACTIVE"}],
        f"/api/v1/apps/{SECOND}/credentials/secrets": [],
        f"/api/v1/apps/{SECOND}/credentials/jwks": {"keys": []},
        f"/oauth2/v1/clients/{SECOND}/roles": [{"type": "READ_ONLY_ADMIN", "label": "Read", "status": "ACTIVE"}],
        f"/api/v1/apps/{SECOND}/grants": [{"scopeId": "okta.users.manage", "status": "ACTIVE"}],
        "/api/v1/api-tokens": [
            {"id": "00T1", "name": "sync", "userId": "00u1", "clientName": "Okta API", "created": MADE,
             "expiresAt": "2026-12-31T00:00:00.000Z", "tokenWindow": "P30D"},
        ],
        AGENTS: {"data": [agent(BOT, "triage", orn=ORN), agent(OTHER, "staged", "STAGED")], "_links": {}},
        f"{AGENTS}/{BOT}/credentials/jwks": {"keys": [{"kid": "a1", "status": "ACTIVE", "created": MADE, "n": secret}]},
        f"{AGENTS}/{BOT}/connections": {"data": [
            {"id": "mcn1", "connectionType": "IDENTITY_ASSERTION_CUSTOM_AS", "status": "ACTIVE",
             "resourceIndicator": "api://crm", "scopes": ["crm.read"], "authorizationServer": {"name": "crm"}},
            {"id": "mcn2", "connectionType": "IDENTITY_ASSERTION_VIRTUAL_MCP_SERVER", "status": "ACTIVE",
             "resource": mcp},
            {"id": "mcn3", "connectionType": "STS_VAULT_SECRET", "status": "ACTIVE", "secret": {"name": "pager"}},
            {"id": "mcn4", "connectionType": "STS_SERVICE_ACCOUNT", "status": "INACTIVE",
             "serviceAccount": {"name": "old"}},
        ]},
        f"{AGENTS}/{OTHER}/credentials/jwks": [],
        f"{AGENTS}/{OTHER}/connections": {"data": []},
        OWNERS: {"data": [{"principals": [
            {"id": "00u1", "type": "users", "profile": {"name": "Ada", "email": "ada@example.com"}},
            {"id": "00g1", "type": "groups", "profile": {"name": "Bots"}},
        ]}]},
    }  # fmt: skip


@contextmanager
def served(secret: str = "x") -> Iterator[str]:  # noqa: S107  # planted
    """The address of a server with the organization."""
    found = answers(secret)

    def answer(asked: Asked) -> Reply:
        reply = found.get(asked.target, found.get(asked.path))
        if reply is None:
            return Reply(status=404, body={"errorCode": "E0000007"})
        return reply if isinstance(reply, Reply) else Reply(body=reply)

    with Server(answer) as server:
        yield server.url


def connector(url: str, **settings: Any) -> OktaConnector:
    """A connector for it."""
    given = {"token": SecretRef(env=VARIABLE), "backoff": 0.001, "max_attempts": 2, **settings}
    return OktaConnector("prod", OktaSettings(url=url, **given))


def estate(answered: Mapping[str, Any] | None = None) -> Estate:
    """The organization for the checks that every connector is held to."""
    return Estate(make=connector, answers=answered or answers(), secret=VALUE,
                  unread=("client_secret", "secret_hash", "n"), names=("name", "label"))  # fmt: skip
