"""Every request that this connector can send, with its permission. The client accepts no others.

Source: GitHub's OpenAPI description, and for permissions "Permissions required for GitHub Apps". None returns the value
of a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

PER_PAGE: Final = "100"
Plan = Literal["any", "enterprise", "enterprise_cloud", "cloud"]


class Permission(Struct, frozen=True):
    """The permission for a request: read access of an App, or one of these scopes of a classic token.

    ``app``: empty if an App with read access is refused.
    """

    app: str
    scopes: tuple[str, ...]

    @property
    def line(self) -> str:
        """For people."""
        token = f"{' or '.join(self.scopes)} (token)"
        return f"{self.app}: read (App), or {token}" if self.app else token


_ADMINISTRATION = Permission("organization_administration", ("admin:org", "read:org"))
_MEMBERS = Permission("members", ("read:org", "admin:org"))
_RUNNERS = Permission("organization_self_hosted_runners", ("admin:org",))
_ORG_SECRETS = Permission("organization_secrets", ("admin:org",))
_ORG_VARIABLES = Permission("organization_actions_variables", ("admin:org",))
_AGENTS = Permission("organization_copilot_agent_settings", ("admin:org",))


class Request(Struct, frozen=True, kw_only=True):
    """A GET. ``at``: where the rows of a listing are, as a JSON pointer. ``params``: what is always asked.

    ``plan``: what has it: Enterprise (Cloud or Server), Enterprise Cloud alone, or all but Enterprise Server.
    ``file``: what it is called in an export, if not like the path. ``is_paged``: False for a listing that comes whole.
    """

    path: str
    permission: Permission
    at: str = ""
    params: Mapping[str, str] = {}
    plan: Plan = "any"
    file: str = ""
    is_paged: bool = True


ORGANIZATION: Final = Request(path="/orgs/{org}", permission=_MEMBERS)
INSTALLATIONS: Final = Request(path="/orgs/{org}/installations", at="/installations", permission=_ADMINISTRATION)
ACCESS_TOKENS: Final = Request(
    path="/orgs/{org}/personal-access-tokens",
    permission=Permission("organization_personal_access_tokens", ("no token: only an App may list these",)),
)
TOKEN_REPOSITORIES: Final = Request(
    path="/orgs/{org}/personal-access-tokens/{pat_id}/repositories", permission=ACCESS_TOKENS.permission
)
AUTHORIZATIONS: Final = Request(
    path="/orgs/{org}/credential-authorizations", permission=_ADMINISTRATION, plan="enterprise_cloud"
)
MEMBERS: Final = Request(path="/orgs/{org}/members", permission=_MEMBERS)
OWNERS: Final = replace(MEMBERS, params={"role": "admin"}, file="/orgs/{org}/members?role=admin")
OUTSIDE: Final = Request(path="/orgs/{org}/outside_collaborators", permission=_MEMBERS)
RUNNER_GROUPS: Final = Request(path="/orgs/{org}/actions/runner-groups", at="/runner_groups", permission=_RUNNERS)
RUNNERS: Final = Request(path="/orgs/{org}/actions/runners", at="/runners", permission=_RUNNERS)
DEPLOY_KEYS: Final = Request(path="/repos/{owner}/{repo}/keys", permission=Permission("administration", ("repo",)))
ORG_SECRETS: Final = Request(path="/orgs/{org}/actions/secrets", at="/secrets", permission=_ORG_SECRETS)
DEPENDABOT_SECRETS: Final = Request(
    path="/orgs/{org}/dependabot/secrets",
    at="/secrets",
    permission=Permission("organization_dependabot_secrets", ("admin:org",)),
)
AGENT_SECRETS: Final = Request(
    path="/orgs/{org}/agents/secrets",
    at="/secrets",
    permission=Permission("organization_agent_secrets", ("admin:org",)),
    plan="cloud",
)
REPOSITORY_SECRETS: Final = Request(
    path="/repos/{owner}/{repo}/actions/secrets", at="/secrets", permission=Permission("secrets", ("repo",))
)
REPOSITORY_DEPENDABOT_SECRETS: Final = Request(
    path="/repos/{owner}/{repo}/dependabot/secrets",
    at="/secrets",
    permission=Permission("dependabot_secrets", ("repo",)),
)
REPOSITORY_AGENT_SECRETS: Final = Request(
    path="/repos/{owner}/{repo}/agents/secrets",
    at="/secrets",
    permission=Permission("agent_secrets", ("repo",)),
    plan="cloud",
)
CODESPACES_SECRETS: Final = Request(
    path="/orgs/{org}/codespaces/secrets",
    at="/secrets",
    permission=Permission("organization_codespaces_secrets", ("admin:org",)),
    plan="cloud",
)
ENVIRONMENT_SECRETS: Final = Request(
    path="/repos/{owner}/{repo}/environments/{environment_name}/secrets",
    at="/secrets",
    permission=Permission("environments", ("repo",)),
)
ORG_VARIABLES: Final = Request(path="/orgs/{org}/actions/variables", at="/variables", permission=_ORG_VARIABLES)
VARIABLE_REPOSITORIES: Final = Request(
    path="/orgs/{org}/actions/variables/{name}/repositories", at="/repositories", permission=_ORG_VARIABLES
)
REPOSITORY_VARIABLES: Final = Request(
    path="/repos/{owner}/{repo}/actions/variables",
    at="/variables",
    permission=Permission("actions_variables", ("repo",)),
)
ENVIRONMENT_VARIABLES: Final = Request(
    path="/repos/{owner}/{repo}/environments/{environment_name}/variables",
    at="/variables",
    permission=Permission("environments", ("repo",)),
)
ORG_SUBJECT: Final = Request(path="/orgs/{org}/actions/oidc/customization/sub", permission=_ADMINISTRATION)
CLAIMED_PROPERTIES: Final = Request(
    path="/orgs/{org}/actions/oidc/customization/properties/repo", permission=_ADMINISTRATION, plan="cloud"
)
REPOSITORY_SUBJECT: Final = Request(
    path="/repos/{owner}/{repo}/actions/oidc/customization/sub", permission=Permission("actions", ("repo",))
)
PROPERTIES: Final = Request(
    path="/orgs/{org}/properties/values",
    permission=Permission("organization_custom_properties", ("read:org", "admin:org")),
)
AGENT_POLICY: Final = Request(path="/orgs/{org}/copilot/coding-agent/permissions", permission=_AGENTS, plan="cloud")
AGENT_REPOSITORIES: Final = Request(
    path="/orgs/{org}/copilot/coding-agent/permissions/repositories",
    at="/repositories",
    permission=_AGENTS,
    plan="cloud",
)
AGENT_CONFIGURATION: Final = Request(
    path="/repos/{owner}/{repo}/copilot/cloud-agent/configuration",
    permission=Permission("copilot_agent_settings", ("repo",)),
    plan="cloud",
)
AGENT_TASKS: Final = Request(
    path="/agents/repos/{owner}/{repo}/tasks",
    at="/tasks",
    permission=Permission("", ("a fine-grained token with agent tasks: read",)),
    plan="cloud",
)
ENTERPRISE_AGENTS: Final = Request(
    path="/enterprises/{enterprise}/copilot/custom-agents",
    params={"per_page": PER_PAGE},
    permission=Permission("enterprise_ai_controls", ("admin:enterprise",)),
    plan="cloud",
)
AUDIT_LOG: Final = Request(
    path="/orgs/{org}/audit-log",
    permission=Permission("organization_administration", ("read:audit_log",)),
    plan="enterprise",
)
INSTALLED: Final = replace(AUDIT_LOG, params={"phrase": "action:integration_installation.create"})
RENAMED: Final = replace(AUDIT_LOG, params={"phrase": "action:repo.rename"})
ORG_HOOKS: Final = Request(path="/orgs/{org}/hooks", permission=Permission("organization_hooks", ("admin:org_hook",)))
REPOSITORY_HOOKS: Final = Request(
    path="/repos/{owner}/{repo}/hooks", permission=Permission("repository_hooks", ("read:repo_hook", "repo"))
)
SECRET_ALERTS: Final = Request(
    path="/orgs/{org}/secret-scanning/alerts",
    permission=Permission("secret_scanning_alerts", ("repo", "security_events")),
    params={"hide_secret": "true"},
)
ALERTS_WITH_ID: Final = replace(SECRET_ALERTS, params={**SECRET_ALERTS.params, "included_metadata": "secret-id"})
ALERTS_WITH_OWNER: Final = replace(SECRET_ALERTS, params={**SECRET_ALERTS.params, "included_metadata": "owner-id"})
SECRET_ALERT: Final = replace(SECRET_ALERTS, path="/repos/{owner}/{repo}/secret-scanning/alerts/{alert_number}")
"""Never sent to an Enterprise Server, which does not know ``hide_secret`` here and would send the secret."""

HOSTED_RUNNERS: Final = Request(
    path="/orgs/{org}/actions/hosted-runners", at="/runners", permission=_ADMINISTRATION, plan="cloud"
)
ACTIONS_POLICY: Final = Request(path="/orgs/{org}/actions/permissions", permission=_ADMINISTRATION)
WORKFLOW_POLICY: Final = Request(path="/orgs/{org}/actions/permissions/workflow", permission=_ADMINISTRATION)
RUNNER_POLICY: Final = Request(
    path="/orgs/{org}/actions/permissions/self-hosted-runners", permission=_ADMINISTRATION, plan="cloud"
)
FORK_APPROVAL: Final = Request(
    path="/orgs/{org}/actions/permissions/fork-pr-contributor-approval", permission=_ADMINISTRATION, plan="cloud"
)
FORK_POLICY: Final = Request(
    path="/orgs/{org}/actions/permissions/fork-pr-workflows-private-repos", permission=_ADMINISTRATION, plan="cloud"
)
ROLES: Final = Request(
    path="/orgs/{org}/organization-roles",
    at="/roles",
    permission=Permission("organization_custom_org_roles", ("admin:org",)),
    is_paged=False,
)
ROLE_USERS: Final = Request(
    path="/orgs/{org}/organization-roles/{role_id}/users", permission=Permission("members", ("admin:org",))
)
PRIVATE_REGISTRIES: Final = Request(
    path="/orgs/{org}/private-registries",
    at="/configurations",
    permission=Permission("organization_private_registries", ("admin:org",)),
)

OWN_INSTALLATIONS: Final = Request(path="/app/installations", permission=Permission("metadata", ()))
OWN_TOKEN: Final = Request(
    path="/app/installations/{installation_id}/access_tokens", permission=Permission("metadata", ())
)
"""Both are asked by the App itself, which takes no permission. The second is the one POST besides GraphQL's."""
RATE_LIMIT: Final = Request(path="/rate_limit", permission=Permission("metadata", ()))
"""The request of ``doctor`` with a token: it does not count against the limit, and returns the token's scopes."""

CONTENTS: Final = Permission("contents", ("repo",))
"""For the texts of workflows, through GraphQL."""
ENVIRONMENTS: Final = Permission("actions", ("repo",))
"""For lists of environments."""
METADATA: Final = Permission("metadata", ("repo",))
BYPASSES: Final = Permission("", ("admin:org of an owner; an App would have to write",))
"""For the bypass lists of rulesets, through GraphQL."""
API_VERSION: Final = "2022-11-28"


def names(full_name: str) -> Mapping[str, str]:
    """Owner and name, for the path of a request."""
    owner, _, repo = full_name.partition("/")
    return {"owner": owner, "repo": repo}
