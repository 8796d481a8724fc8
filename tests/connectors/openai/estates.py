"""Organizations of OpenAI that several tests read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.openai.connector import OpenaiConnector
from connectors.openai.settings import OpenaiSettings
from scanner.redaction.redact import SecretRef
from tests.connectors.ai_vendors.fake import Json, Vendor, VendorEstate

TOKEN, AGENTS_TOKEN = "OPENAI_ADMIN_KEY_OF_TESTS", "OPENAI_PROJECT_KEY_OF_TESTS"  # the variables' names
VALUE, AGENTS_VALUE = "sk-admin-that-opens-nothing", "sk-proj-that-opens-nothing"
PLANTED = "planted"
MADE, USED = 1760000000, 1790000000
GITHUB = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"
ORGANIZATION = "/v1/organization"


def key_of(headers: Mapping[str, str]) -> str | None:
    """The key that a request is signed in with."""
    return headers.get("authorization", "").removeprefix("Bearer ")


def role(name: str, *permissions: str, resource: str = "api.organization") -> Json:
    """A role that someone holds."""
    return {"id": f"role_{name}", "name": name, "permissions": list(permissions), "predefined_role": False,
            "resource_type": resource, "created_by_user_obj": {"email": PLANTED}}  # fmt: skip


def key(id_: str, owner: Json, *, access: str = "active", **fields: Json) -> Json:
    """A key of a project."""
    return {"id": id_, "object": "organization.project.api_key", "name": id_.removeprefix("key_"), "created_at": MADE,
            "last_used_at": USED, "owner": owner, "owner_project_access": access,
            "redacted_value": f"sk-...{PLANTED}", **fields}  # fmt: skip


def held_by_user(id_: str, email: str) -> Json:
    """The owner of a key that a person has."""
    return {"type": "user", "user": {"id": id_, "created_at": MADE, "email": email, "name": email.partition("@")[0],
                                     "role": "member"}}  # fmt: skip


def held_by_account(id_: str, name: str, held: str = "member") -> Json:
    """The owner of a key that a service account has."""
    of = {"id": id_, "created_at": MADE, "name": name, "role": held}
    return {"type": "service_account", "service_account": of}


def mcp(label: str, secret: str, *, url: str = "https://mcp.acme.example") -> Json:
    """An MCP server of an agent, reached over HTTP."""
    transport = {"type": "http", "server_url": f"{url}/{secret}", "headers": {"X-Note": secret}}
    return {"type": "mcp", "server_label": label, "transport": transport, "allowed_tools": ["search"],
            "connection_origin": "service", "credential_id": "vcred_1", "request_metadata": {"note": secret},
            "required": True}  # fmt: skip


def agent(id_: str, name: str | None, *tools: Json, secret: str = PLANTED) -> Json:
    """An agent of a project, with instructions."""
    return {
        "id": id_, "object": "agent", "name": name, "created_at": MADE, "updated_at": MADE, "model": "gpt-6",
        "instructions": f"You know the password {secret}", "metadata": {"team": "support"},
        "multi_agent": {"enabled": False}, "reasoning": {}, "service_tier": "auto",
        "text": {"format": {"type": "text"}, "verbosity": "low"}, "tools": list(tools),
    }  # fmt: skip


def automation(id_: str, agent_id: str, *, secret: str = PLANTED, status: str = "active") -> Json:
    """What starts an agent each morning."""
    target = {
        "type": "new_session", "agent_id": agent_id, "agent": None, "environment": {"type": "none"},
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": secret}]}],
        "metadata": {}, "vault_ids": ["vault_1"],
    }  # fmt: skip
    return {"id": id_, "object": "agent.automation", "name": "morning", "type": "periodic", "status": status,
            "expression": "0 6 * * *", "timezone": "Europe/Berlin", "created_at": MADE, "metadata": {},
            "created_by": {"type": "developer"}, "target": target}  # fmt: skip


def invocation(automation_id: str) -> Json:
    """A run of it."""
    return {"id": "inv_1", "object": "agent.automation.invocation", "automation_id": automation_id, "created_at": USED,
            "status": "completed", "source": {"type": "manual"}, "session_id": "sess_1"}  # fmt: skip


def event(id_: str, type_: str, about: str, email: str = "ada@acme.example") -> Json:
    """An event of the audit log, by a person."""
    session = {"user": {"id": "user-ada", "email": email}, "ip_address": "192.0.2.7"}
    return {"id": id_, "type": type_, "effective_at": USED, "actor": {"type": "session", "session": session},
            type_: {"id": about}}  # fmt: skip


def organization(secret: str = PLANTED, *, per_page: int = 100) -> Vendor:
    """One of everything, and two where a listing has pages; ``secret`` wherever an answer could hold one."""
    api = Vendor("openai", key_of, per_page=per_page)
    api.opens = {VALUE: (ORGANIZATION, "/v1/projects/"), AGENTS_VALUE: ("/v1/agents", "/v1/vaults")}
    rest = api.rest
    rest[f"{ORGANIZATION}/projects"] = [
        {"id": id_, "object": "organization.project", "name": name, "created_at": MADE, "status": status}
        for id_, name, status in (
            ("proj_shop", "shop", "active"),
            ("proj_lab", "lab", "active"),
            ("proj_old", "old", "archived"),
        )
    ]
    for project in ("proj_shop", "proj_lab", "proj_old"):
        below = f"{ORGANIZATION}/projects/{project}"
        rest[f"{below}/service_accounts"] = []
        rest[f"{below}/api_keys"] = []
        rest[f"{below}/hosted_tool_permissions"] = {
            name: {"enabled": name in ("mcp", "web_search")}
            for name in ("code_interpreter", "file_search", "image_generation", "mcp", "web_search")
        }
        rest[f"{below}/model_permissions"] = {
            "object": "project.model_permissions", "mode": "allow_list", "model_ids": ["gpt-6"],
        }  # fmt: skip
    for project, id_, name, held in (
        ("proj_shop", "svc_acct_deploy", "deploy", "owner"),
        ("proj_shop", "svc_acct_chat", "chat", "member"),
        ("proj_old", "svc_acct_old", "old", "member"),
    ):
        rest[f"{ORGANIZATION}/projects/{project}/service_accounts"].append(
            {"id": id_, "object": "organization.project.service_account", "name": name, "role": held,
             "created_at": MADE}
        )  # fmt: skip
        rest[f"/v1/projects/{project}/users/{id_}/roles"] = []
    rest[f"{ORGANIZATION}/projects/proj_shop/api_keys"] += [
        key("key_deploy", held_by_account("svc_acct_deploy", "deploy", "owner")),
        key("key_chat", held_by_account("svc_acct_chat", "chat"), last_used_at=None, expires_at=MADE + 10**8),
        key("key_ada", held_by_user("user-ada", "ada@acme.example")),
        key("key_leaver", held_by_user("user-leaver", "leaver@acme.example"), access="inactive"),
        key("key_lost", {}),
    ]
    rest[f"{ORGANIZATION}/users"] = [
        {"id": f"user-{name}", "object": "organization.user", "email": f"{name}@acme.example", "name": name,
         "role": role, "added_at": MADE}
        for name, role in (("ada", "reader"), ("root", "owner"), ("grace", "reader"))
    ]  # fmt: skip
    rest[f"{ORGANIZATION}/admin_api_keys"] = [
        {"id": "key_root", "object": "organization.admin_api_key", "name": "root", "created_at": MADE,
         "last_used_at": USED, "redacted_value": f"sk-admin-...{secret}",
         "owner": {"type": "user", "object": "organization.user", "id": "user-root", "name": "root",
                   "created_at": MADE, "role": "owner"}}
    ]  # fmt: skip
    rest[f"{ORGANIZATION}/groups"] = [
        {"id": "group_ops", "name": "ops", "created_at": MADE, "group_type": "group", "is_scim_managed": True}
    ]
    rest[f"{ORGANIZATION}/groups/group_ops/roles"] = [role("rota", "api.roles.write", "api.model.request")]
    rest[f"{ORGANIZATION}/groups/group_ops/users"] = [{"id": "user-ada", "email": "ada@acme.example", "name": "ada"}]
    for user in ("user-ada", "user-root", "user-leaver"):
        rest[f"{ORGANIZATION}/users/{user}/roles"] = []
    rest["/v1/projects/proj_shop/users/svc_acct_chat/roles"] = [
        role("reader", "api.files.read", resource="api.project")
    ]
    rest[f"{ORGANIZATION}/workload_identity_providers"] = [
        {"id": "wip_github", "object": "organization.workload_identity_provider", "type": "oidc", "name": "github",
         "issuer": GITHUB, "audience": "https://api.openai.com", "enabled": True, "created_at": MADE,
         "updated_at": MADE, "attribute_transformations": [{"attribute": "repo", "expression": "assertion.repository"}],
         "verification": {"type": "uploaded_jwks", "jwks": {"keys": [secret]}}}
    ]  # fmt: skip
    rest[f"{ORGANIZATION}/workload_identity_providers/wip_github/federation_rules"] = [
        {"id": id_, "object": "organization.workload_identity_federation_rule", "name": id_, "enabled": enabled,
         "workload_identity_provider_id": "wip_github", "project_id": "proj_shop", "created_at": MADE,
         "updated_at": MADE, "service_account_id": "svc_acct_deploy", "attribute_matchers": matchers,
         "permissions": {"type": "restricted", "scopes": ["api.model.request"]}}
        for id_, matchers, enabled in (
            ("main", {"sub": SUBJECT}, True),
            ("any", {"repo": "acme/shop"}, True),
            ("stopped", {"sub": "repo:evil/*"}, False),
        )
    ]  # fmt: skip
    rest[f"{ORGANIZATION}/audit_logs"] = [
        event("audit_2", "api_key.created", "key_deploy"),
        event("audit_1", "service_account.created", "svc_acct_deploy"),
    ]
    result = {"object": "organization.usage.completions.result", "input_tokens": 5, "output_tokens": 7,
              "num_model_requests": 3, "api_key_id": "key_chat", "model": None}  # fmt: skip
    rest[f"{ORGANIZATION}/usage/completions"] = [
        {"object": "bucket", "start_time": USED + day, "end_time": USED + day + 86400, "results": [result]}
        for day in (0, 86400, 172800)
    ]
    for kind in ("embeddings", "images", "audio_speeches", "audio_transcriptions", "moderations"):
        rest[f"{ORGANIZATION}/usage/{kind}"] = []
    embedded = {"object": "organization.usage.embeddings.result", "input_tokens": 5, "num_model_requests": 4,
                "api_key_id": "key_lost", "model": None}  # fmt: skip
    rest[f"{ORGANIZATION}/usage/embeddings"].append(
        {"object": "bucket", "start_time": USED, "end_time": USED + 86400, "results": [embedded]}
    )
    function = {"type": "function", "name": "refund", "description": secret, "parameters": {"x": secret},
                "defer_loading": False}  # fmt: skip
    stdio = {"type": "stdio", "command": "run", "args": [secret], "cwd": "/", "env_vars": ["CRM_KEY"]}
    api.own[AGENTS_VALUE] = {
        "/v1/agents": [
            agent("agent_support", "support", function, mcp("tracker", secret), secret=secret),
            agent("agent_local", None, {**mcp("crm", secret), "transport": stdio}, secret=secret),
        ],
        "/v1/agents/automations": [automation("auto_1", "agent_support", secret=secret)],
        "/v1/agents/automations/auto_1/invocations": [invocation("auto_1")],
        "/v1/vaults": [
            {"id": "vault_1", "object": "vault", "name": "support", "created_at": MADE, "metadata": {"note": secret}}
        ],
        "/v1/vaults/vault_1/credentials": [
            _credential("vcred_1", {"type": "static_bearer", "mcp_server_url": f"https://mcp.acme.example/{secret}"}),
            _credential("vcred_2", {"type": "environment_variable", "secret_name": "CRM_KEY",
                                    "networking": {"type": "unrestricted"}}),
        ],
    }  # fmt: skip
    return api


def _credential(id_: str, auth: Json) -> Json:
    return {"id": id_, "object": "vault.credential", "vault_id": "vault_1", "name": id_.removeprefix("vcred_"),
            "created_at": MADE, "updated_at": USED, "metadata": {}, "auth": auth}  # fmt: skip


def connector(url: str, **settings: Any) -> OpenaiConnector:
    """A connector for the fake, which retries little and at once."""
    given: dict[str, Any] = {
        "token": SecretRef(env=TOKEN),
        "project_tokens": {"proj_shop": SecretRef(env=AGENTS_TOKEN)},
        "max_attempts": 2,
        "backoff": 0.001,
        "organization": "acme",
    }
    return OpenaiConnector("prod", OpenaiSettings(endpoint_url=url, **(given | settings)))


def _small() -> Vendor:
    """A part of it, with one of each request: the checks ask everything a hundred times."""
    api = organization(per_page=2)
    shop = f"{ORGANIZATION}/projects/proj_shop"
    api.rest[f"{ORGANIZATION}/projects"] = api.rest[f"{ORGANIZATION}/projects"][:1]
    api.rest[f"{shop}/service_accounts"] = api.rest[f"{shop}/service_accounts"][:1]
    api.rest["/v1/projects/proj_shop/users/svc_acct_deploy/roles"] = [role("reader", "api.files.read")]
    api.rest[f"{shop}/api_keys"] = [api.rest[f"{shop}/api_keys"][at] for at in (0, 2, 4)]
    api.rest[f"{ORGANIZATION}/admin_api_keys"] = []
    return api


def estate(*, max_attempts: int) -> VendorEstate:
    """For the checks of ``connectors.testing``."""
    make = partial(connector, max_attempts=max_attempts)
    maps = ("metadata", "attribute_matchers")
    return VendorEstate(
        make=make,
        answers={"/": [{"name": "n"}]},
        secret=VALUE,
        maps=maps,
        patience=0.5,
        server=_small(),
        given={},
    )
