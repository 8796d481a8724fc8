"""Organizations of Anthropic that several tests read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.anthropic.connector import AnthropicConnector
from connectors.anthropic.settings import AnthropicSettings
from scanner.redaction.redact import SecretRef
from tests.connectors.ai_vendors.fake import Json, Vendor, VendorEstate

TOKEN, ORG_TOKEN, AGENTS_TOKEN = "ADMIN_KEY_OF_TESTS", "ORG_TOKEN_OF_TESTS", "WORKSPACE_KEY_OF_TESTS"
VALUE, ORG_VALUE, AGENTS_VALUE = "admin-key-that-opens-nothing", "token-that-opens-nothing", "key-that-opens-nothing"
VALUES = {TOKEN: VALUE, ORG_TOKEN: ORG_VALUE, AGENTS_TOKEN: AGENTS_VALUE}
"""By the variable's name."""
PLANTED = "planted"
MADE, USED = "2026-01-02T03:04:05Z", "2026-09-20T00:00:00Z"
GITHUB = "https://token.actions.githubusercontent.com"
CLUSTER = "https://oidc.acme.example/cluster"
ROLE = "arn:aws:iam::111122223333:role/agent-runner"
VERSION = "2026-10-21"
BELOW = "/v1/organizations"
_BY_TOKEN = tuple(f"{BELOW}/{name}" for name in ("service_accounts", "federation_issuers", "federation_rules"))
_BY_KEY = (
    *(f"{BELOW}/{name}" for name in ("me", "api_keys", "users", "workspaces", "rbac_", "analytics", "usage_report")),
    "/v1/compliance",
)


def key_of(headers: Mapping[str, str]) -> str | None:
    """The key that a request is signed in with; none without the version."""
    if headers.get("anthropic-version") != VERSION:
        return None
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")


def key(id_: str, *, principal: Json = None, by: str = "user_ada", status: str = "active", **fields: Json) -> Json:
    """An API key."""
    scope = {"type": "workspace", "workspace_id": "wrkspc_prod"}
    return {"id": id_, "type": "api_key", "name": id_.removeprefix("apikey_"), "status": status, "created_at": MADE,
            "created_by": {"type": "user", "id": by}, "expires_at": None, "principal": principal, "scope": scope,
            "partial_key_hint": f"sk-ant-...{PLANTED}", **fields}  # fmt: skip


def account(id_: str, name: str, role: str = "developer", **fields: Json) -> Json:
    """A service account."""
    return {"id": id_, "type": "service_account", "name": name, "organization_role": role, "created_at": MADE,
            "updated_at": MADE, "created_by_actor_id": "user_root", "archived_at": None, **fields}  # fmt: skip


def issuer(id_: str, url: str, secret: str = PLANTED, **fields: Json) -> Json:
    """An issuer with keys of its own."""
    jwks = {"type": "inline", "keys": [{"kid": secret}]}
    return {"id": id_, "type": "federation_issuer", "name": id_, "issuer_url": url, "jwks": jwks, "check_jti": True,
            "max_jwt_lifetime_seconds": 3600, "created_at": MADE, "updated_at": MADE, **fields}  # fmt: skip


def rule(id_: str, issuer_id: str, target: str, match: Json, scope: str = "workspace:developer", **more: Json) -> Json:
    """A federation rule."""
    return {"id": id_, "type": "federation_rule", "name": id_, "issuer_id": issuer_id, "match": match,
            "target": {"type": "service_account", "service_account_id": target}, "oauth_scope": scope,
            "token_lifetime_seconds": 600, "workspace_ids": ["wrkspc_prod"], "applies_to_all_workspaces": False,
            "created_at": MADE, "updated_at": MADE, **more}  # fmt: skip


def toolset(policy: str = "always_ask") -> Json:
    """The tools that Anthropic runs: a shell alone."""
    asked = {"type": policy}
    shell = {"type": "bash", "name": "bash", "enabled": True, "permission_policy": asked}
    return {"type": "agent_toolset_20260401", "configs": [shell],
            "default_config": {"enabled": False, "permission_policy": asked}}  # fmt: skip


def agent(id_: str, name: str, *tools: Json, role: str | None = None, secret: str = PLANTED, **fields: Json) -> Json:
    """A managed agent, with a system prompt."""
    runs_as = {"type": "service_account"} if role is None else {"type": "aws_role", "role_arn": role}
    server = {"type": "url", "name": "tracker", "url": f"https://mcp.acme.example/{secret}"}
    used = any(one["type"] == "mcp_toolset" for one in tools)
    return {"id": id_, "type": "agent", "name": name, "description": "answers customers", "system": secret,
            "version": 3, "model": {"id": "claude-opus-5"}, "execution_identity": runs_as,
            "mcp_servers": [server] if used else [], "tools": list(tools), "created_at": MADE, "updated_at": MADE,
            "skills": [{"type": "custom", "skill_id": "skill_refunds", "version": "1"}],
            "metadata": {"team": "support"}, "archived_at": None, **fields}  # fmt: skip


def mcp_toolset(policy: str = "always_ask") -> Json:
    """One tool of the MCP server."""
    search = {"name": "search", "enabled": True, "permission_policy": {"type": policy}}
    return {"type": "mcp_toolset", "mcp_server_name": "tracker", "configs": [search],
            "default_config": {"enabled": False, "permission_policy": {"type": policy}}}  # fmt: skip


def deployment(id_: str, agent_id: str, secret: str = PLANTED, **fields: Json) -> Json:
    """A deployment that runs each morning with a vault."""
    event = {"type": "user.message", "content": [{"type": "text", "text": secret}]}
    schedule = {"type": "cron", "expression": "0 6 * * *", "timezone": "UTC", "last_run_at": USED}
    return {"id": id_, "type": "deployment", "name": "morning", "status": "active", "environment_id": "env_1",
            "agent": {"type": "agent", "id": agent_id, "version": 3}, "created_at": MADE, "updated_at": MADE,
            "initial_events": [event], "metadata": {}, "resources": [], "schedule": schedule,
            "vault_ids": ["vlt_1"], **fields}  # fmt: skip


def usage(day: str, **group: Json) -> Json:
    """The usage of a key or agent on a day."""
    cache = {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0}
    metrics = {"cache_creation": cache, "cache_read_input_tokens": 0, "output_tokens": 5, "requests": 2,
               "server_tool_use": {"web_search_requests": 0}, "total_tokens": 9,
               "uncached_input_tokens": 4}  # fmt: skip
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day}T23:59:59Z", "group": group, "usage": metrics}


def _workspace(id_: str, name: str) -> Json:
    residency = {"allowed_inference_geos": "unrestricted", "default_inference_geo": "global", "workspace_geo": "us"}
    return {"id": id_, "type": "workspace", "name": name, "archived_at": None, "compartment_id": "c", "tags": {},
            "created_at": MADE, "data_residency": residency, "display_color": "#fff"}  # fmt: skip


def _user(name: str, role: str) -> Json:
    return {"id": f"user_{name}", "type": "user", "email": f"{name}@acme.example", "name": name, "role": role,
            "added_at": MADE}  # fmt: skip


def organization(secret: str = PLANTED, *, per_page: int = 1000) -> Vendor:
    """One of everything, and two where a listing has pages; ``secret`` wherever an answer could hold one."""
    api = Vendor("anthropic", key_of, per_page=per_page)
    api.rest["/v1/compliance/activities"] = []
    api.opens = {VALUE: _BY_KEY, ORG_VALUE: _BY_TOKEN, AGENTS_VALUE: ("/v1/agents", "/v1/deployments", "/v1/vaults")}
    acting, human = {"type": "service_account_actor"}, {"type": "user_actor", "user_id": "user_ada"}
    api.rest |= {
        f"{BELOW}/me": {"id": "org_acme", "type": "organization", "name": "Acme"},
        f"{BELOW}/api_keys": [
            key("apikey_shop"),
            key("apikey_old", status="inactive", by="user_leaver"),
            key("apikey_deploy", principal={**acting, "service_account_id": "svac_deploy"}, expires_at=USED),
            key("apikey_ada", principal=human),
        ],
        f"{BELOW}/users": [_user("ada", "developer"), _user("root", "admin"), _user("grace", "user")],
        f"{BELOW}/workspaces": [_workspace("wrkspc_prod", "production"), _workspace("wrkspc_lab", "lab")],
        f"{BELOW}/workspaces/wrkspc_prod/members": [
            {"type": "workspace_member", "user_id": "user_ada", "workspace_id": "wrkspc_prod",
             "workspace_role": "workspace_admin"}
        ],
        f"{BELOW}/workspaces/wrkspc_lab/members": [],
        f"{BELOW}/rbac_groups": [
            {"id": "rbg_ops", "type": "rbac_group", "name": "ops", "role_ids": ["rbr_keys"], "source_type": "scim",
             "created_at": MADE, "updated_at": MADE}
        ],
        f"{BELOW}/rbac_groups/rbg_ops/members": [
            {"type": "rbac_group_member", "user_id": "user_ada", "email": "ada@acme.example",
             "rbac_group_id": "rbg_ops", "created_at": MADE}
        ],
        f"{BELOW}/rbac_roles": [
            {"id": "rbr_keys", "type": "rbac_role", "display_name": "keys", "source": {"type": "custom"},
             "created_at": MADE, "updated_at": MADE}
        ],
        f"{BELOW}/rbac_roles/rbr_keys/permissions": [
            {"type": "rbac_role_permission", "action": "permission_api_keys",
             "resource": {"type": "organization", "organization_id": "org_acme"}}
        ],
        f"{BELOW}/analytics/usage": [
            usage("2026-09-18", api_key_id="apikey_shop"), usage("2026-09-20", api_key_id="apikey_shop"),
            usage("2026-09-19", api_key_id="apikey_ada", agent_id="agent_support"),
        ],
        f"{BELOW}/service_accounts": [account("svac_deploy", "deploy"), account("svac_root", "root", "admin")],
        f"{BELOW}/service_accounts/svac_deploy/workspaces": [
            {"type": "service_account_workspace_member", "service_account_id": "svac_deploy",
             "workspace_id": "wrkspc_prod", "workspace_role": "workspace_developer"}
        ],
        f"{BELOW}/service_accounts/svac_root/workspaces": [],
        f"{BELOW}/federation_issuers": [issuer("fdis_github", GITHUB, secret), issuer("fdis_cluster", CLUSTER, secret)],
        f"{BELOW}/federation_rules": [
            rule("fdrl_main", "fdis_github", "svac_deploy", {"subject_prefix": "repo:acme/shop:ref:refs/heads/main"}),
            rule("fdrl_all", "fdis_github", "svac_deploy", {"subject_prefix": "repo:acme/*", "audience": "anthropic"}),
            rule("fdrl_pod", "fdis_cluster", "svac_root",
                 {"claims": {"namespace": "ops"}, "condition": "claims.level > 3"}, "org:admin"),
            rule("fdrl_old", "fdis_github", "svac_root", {"subject_prefix": "*"}, archived_at=MADE),
        ],
    }  # fmt: skip
    custom = {"type": "custom", "name": "refund", "description": secret,
              "input_schema": {"type": "object", "properties": {}}}  # fmt: skip
    auth = {"type": "static_bearer", "mcp_server_url": f"https://mcp.acme.example/{secret}"}
    vault = {"type": "vault", "display_name": "support", "metadata": {}, "created_at": MADE, "updated_at": MADE}
    api.own[AGENTS_VALUE] = {
        "/v1/agents": [
            agent("agent_support", "support", toolset(), mcp_toolset(), role=ROLE, secret=secret),
            agent("agent_free", "free", toolset("always_allow"), custom, secret=secret),
        ],
        "/v1/deployments": [deployment("depl_1", "agent_support", secret)],
        "/v1/vaults": [{"id": "vlt_1", **vault}, {"id": "vlt_2", **vault}],
        "/v1/vaults/vlt_1/credentials": [
            {"id": "vcrd_1", "type": "vault_credential", "vault_id": "vlt_1", "display_name": "tracker", "auth": auth,
             "metadata": {"note": secret}, "created_at": MADE, "updated_at": USED}
        ],
        "/v1/vaults/vlt_2/credentials": [],
    }  # fmt: skip
    return api


def connector(url: str, **settings: Any) -> AnthropicConnector:
    """A connector for the fake, which retries little and at once."""
    given: dict[str, Any] = {
        "token": SecretRef(env=TOKEN),
        "org_token": SecretRef(env=ORG_TOKEN),
        "workspace_tokens": {"wrkspc_prod": SecretRef(env=AGENTS_TOKEN)},
        "max_attempts": 2,
        "backoff": 0.001,
    }
    return AnthropicConnector("prod", AnthropicSettings(endpoint_url=url, **(given | settings)))


def _small() -> Vendor:
    """A part of it, with one of each request: the checks ask everything a hundred times."""
    api = organization(per_page=2)
    for path in (f"{BELOW}/workspaces", f"{BELOW}/service_accounts"):
        api.rest[path] = api.rest[path][:1]
    vaults = api.own[AGENTS_VALUE]["/v1/vaults"]
    api.own[AGENTS_VALUE]["/v1/vaults"] = vaults[:1]
    return api


def estate(*, max_attempts: int) -> VendorEstate:
    """For the checks of ``connectors.testing``."""
    make = partial(connector, max_attempts=max_attempts, usage_days=1)
    maps = ("metadata", "claims", "tags")
    return VendorEstate(
        make=make,
        answers={"/": [{"name": "n"}]},
        secret=VALUE,
        maps=maps,
        patience=0.5,
        server=_small(),
        given={},
    )
