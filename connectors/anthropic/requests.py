"""Every request that this connector can send, with its parameters. The client accepts no others.

Source: Anthropic's API reference, "Admin" and "Managed Agents", and the types of its SDK 2.14. None returns the value
of a key or the secret of a credential.
"""

from __future__ import annotations

from typing import Final

from connectors.vendors.sections import Request

VERSION: Final = "2026-10-21"
USAGE_BETA: Final = "analytics-usage-cost-2026-08-24"
AGENTS_BETA: Final = "managed-agents-2026-04-01"
"""The beta header of requests with an admin key, for usage, and with a workspace key."""
_ADMIN: Final = "an admin key"
_ORG_ADMIN: Final = "an OAuth token with the scope org:admin"
_WORKSPACE: Final = "a key of the workspace"


def _by_id(path: str, **params: str) -> Request:
    """Pages that start after the id of a row."""
    return Request(path=path, permission=_ADMIN, params={"limit": "1000", **params}, turns="after_id")


def _by_token(path: str, permission: str, *, limit: str = "100", **params: str) -> Request:
    """Pages with a token for the next page."""
    return Request(
        path=path, permission=permission, params={"limit": limit, **params}, turns="page", cursor="/next_page"
    )


_BELOW: Final = "/v1/organizations"
ORGANIZATION: Final = Request(path=f"{_BELOW}/me", permission=_ADMIN)
API_KEYS: Final = _by_id(f"{_BELOW}/api_keys")
USERS: Final = _by_id(f"{_BELOW}/users")
WORKSPACES: Final = _by_id(f"{_BELOW}/workspaces", include_archived="true", include_default="true")
MEMBERS: Final = _by_id(f"{_BELOW}/workspaces/{{workspace}}/members")
RBAC_GROUPS: Final = _by_token(f"{_BELOW}/rbac_groups", _ADMIN)
RBAC_MEMBERS: Final = _by_token(f"{_BELOW}/rbac_groups/{{group}}/members", _ADMIN)
RBAC_ROLES: Final = _by_token(f"{_BELOW}/rbac_roles", _ADMIN)
RBAC_PERMISSIONS: Final = _by_token(f"{_BELOW}/rbac_roles/{{role}}/permissions", _ADMIN)
USAGE: Final = Request(
    path=f"{_BELOW}/analytics/usage",
    permission="an admin key, or one with the scope read:analytics",
    params={"group_by[]": ("api_key_id", "agent_id"), "time_bucket_width": "1d", "limit": "1000"},
    turns="page",
    cursor="/next_page",
    spanned=True,
)

ACTIVITIES: Final = Request(
    path="/v1/compliance/activities",
    permission="an admin key, or a compliance access key, with the scope read:compliance_activities",
    params={"limit": "1000"},
    turns="after_id",
)

REPORT: Final = Request(
    path=f"{_BELOW}/usage_report/messages",
    permission=_ADMIN,
    params={"group_by[]": "api_key_id", "bucket_width": "1d", "limit": "31"},
    turns="page",
    cursor="/next_page",
    spanned=True,
)
"""The fallback for usage: of keys only, without agents."""

SERVICE_ACCOUNTS: Final = _by_token(f"{_BELOW}/service_accounts", _ORG_ADMIN, include_archived="true")
ACCOUNT_WORKSPACES: Final = _by_token(f"{_BELOW}/service_accounts/{{account}}/workspaces", _ORG_ADMIN)
ISSUERS: Final = _by_token(f"{_BELOW}/federation_issuers", _ORG_ADMIN)
RULES: Final = _by_token(f"{_BELOW}/federation_rules", _ORG_ADMIN)

AGENTS: Final = _by_token("/v1/agents", _WORKSPACE)
DEPLOYMENTS: Final = _by_token("/v1/deployments", _WORKSPACE)
VAULTS: Final = _by_token("/v1/vaults", _WORKSPACE)
CREDENTIALS: Final = _by_token("/v1/vaults/{vault}/credentials", _WORKSPACE)
