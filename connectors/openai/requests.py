"""Every request that this connector can send, with its permission. The client accepts no others.

Source: OpenAI's API reference, "Administration" and "Agents", and the types of its SDK 3.57. None returns the value of
a key.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from connectors.vendors.sections import Request

_MANAGEMENT: Final = "an admin key with Organization Administration: Read (api.management.read)"
_AUDIT: Final = "an admin key with Audit Logs: Read (api.audit_logs.read)"
_USAGE: Final = "an admin key with Usage: Read (api.usage.read)"
_AGENTS: Final = "a project's key, restricted to Agents: Read"
_ALL: Final = {"limit": "100"}


def _managed(path: str, **params: str) -> Request:
    return Request(path=f"/v1{path}", permission=_MANAGEMENT, params={**_ALL, **params})


PROJECTS: Final = _managed("/organization/projects", include_archived="true")
USERS: Final = _managed("/organization/users")
USER_ROLES: Final = _managed("/organization/users/{user}/roles")
GROUPS: Final = _managed("/organization/groups")
GROUP_USERS: Final = _managed("/organization/groups/{group}/users")
GROUP_ROLES: Final = _managed("/organization/groups/{group}/roles")
ADMIN_KEYS: Final = _managed("/organization/admin_api_keys")
SERVICE_ACCOUNTS: Final = _managed("/organization/projects/{project}/service_accounts")
ACCOUNT_ROLES: Final = _managed("/projects/{project}/users/{user}/roles")
KEYS: Final = _managed("/organization/projects/{project}/api_keys", owner_project_access="any")
"""Without that parameter, keys are hidden if their owner lost access to the project."""
TOOLS: Final = replace(_managed("/organization/projects/{project}/hosted_tool_permissions"), params={})
MODELS: Final = replace(_managed("/organization/projects/{project}/model_permissions"), params={})
PROVIDERS: Final = _managed("/organization/workload_identity_providers")
RULES: Final = _managed("/organization/workload_identity_providers/{provider}/federation_rules")

AUDIT_LOG: Final = Request(path="/v1/organization/audit_logs", permission=_AUDIT, params=_ALL)
CREATED: Final = replace(AUDIT_LOG, params={**_ALL, "event_types[]": ("api_key.created", "service_account.created")})
USAGES: Final = tuple(
    Request(
        path=f"/v1/organization/usage/{kind}",
        permission=_USAGE,
        params={"group_by": "api_key_id", "bucket_width": "1d", "limit": "31"},
        turns="page",
        cursor="/next_page",
        spanned=True,
    )
    for kind in ("completions", "embeddings", "images", "audio_speeches", "audio_transcriptions", "moderations")
)
"""Of every kind that is counted by key. Vector stores and sessions of the code interpreter are by project alone."""

AGENTS_BETA: Final = {"OpenAI-Beta": "agents=v1"}
"""The headers of requests about agents."""
AGENTS: Final = Request(path="/v1/agents", permission=_AGENTS, params=_ALL)
AUTOMATIONS: Final = Request(path="/v1/agents/automations", permission=_AGENTS, params=_ALL)
INVOCATIONS: Final = Request(
    path="/v1/agents/automations/{automation}/invocations",
    permission=_AGENTS,
    params={"limit": "1", "order": "desc"},
)
VAULTS: Final = Request(path="/v1/vaults", permission=_AGENTS, params=_ALL)
CREDENTIALS: Final = Request(path="/v1/vaults/{vault}/credentials", permission=_AGENTS, params=_ALL)
