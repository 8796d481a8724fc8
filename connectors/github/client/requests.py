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


class GithubPermission(Struct, frozen=True):
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


_ADMINISTRATION = GithubPermission("organization_administration", ("admin:org", "read:org"))
_MEMBERS = GithubPermission("members", ("read:org", "admin:org"))
_RUNNERS = GithubPermission("organization_self_hosted_runners", ("admin:org",))
_ORG_SECRETS = GithubPermission("organization_secrets", ("admin:org",))
_ORG_VARIABLES = GithubPermission("organization_actions_variables", ("admin:org",))
_AGENTS = GithubPermission("organization_copilot_agent_settings", ("admin:org",))


class GithubRequest(Struct, frozen=True, kw_only=True):
    """A GET. ``at``: where the rows of a listing are, as a JSON pointer. ``params``: what is always asked.

    ``plan``: what has it: Enterprise (Cloud or Server), Enterprise Cloud alone, or all but Enterprise Server.
    ``file``: what it is called in an export, if not like the path. ``is_paged``: False for a listing that comes whole.
    """

    path: str
    permission: GithubPermission
    at: str = ""
    params: Mapping[str, str] = {}
    plan: Plan = "any"
    file: str = ""
    is_paged: bool = True


ORGANIZATION: Final = GithubRequest(path="/orgs/{org}", permission=_MEMBERS)
INSTALLATIONS: Final = GithubRequest(path="/orgs/{org}/installations", at="/installations", permission=_ADMINISTRATION)
ACCESS_TOKENS: Final = GithubRequest(
    path="/orgs/{org}/personal-access-tokens",
    permission=GithubPermission("organization_personal_access_tokens", ("no token: only an App may list these",)),
)
TOKEN_REPOSITORIES: Final = GithubRequest(
    path="/orgs/{org}/personal-access-tokens/{pat_id}/repositories", permission=ACCESS_TOKENS.permission
)
AUTHORIZATIONS: Final = GithubRequest(
    path="/orgs/{org}/credential-authorizations", permission=_ADMINISTRATION, plan="enterprise_cloud"
)
MEMBERS: Final = GithubRequest(path="/orgs/{org}/members", permission=_MEMBERS)
OWNERS: Final = replace(MEMBERS, params={"role": "admin"}, file="/orgs/{org}/members?role=admin")
OUTSIDE: Final = GithubRequest(path="/orgs/{org}/outside_collaborators", permission=_MEMBERS)
RUNNER_GROUPS: Final = GithubRequest(path="/orgs/{org}/actions/runner-groups", at="/runner_groups", permission=_RUNNERS)
RUNNERS: Final = GithubRequest(path="/orgs/{org}/actions/runners", at="/runners", permission=_RUNNERS)
DEPLOY_KEYS: Final = GithubRequest(
    path="/repos/{owner}/{repo}/keys", permission=GithubPermission("administration", ("repo",))
)
ORG_SECRETS: Final = GithubRequest(path="/orgs/{org}/actions/secrets", at="/secrets", permission=_ORG_SECRETS)
DEPENDABOT_SECRETS: Final = GithubRequest(
    path="/orgs/{org}/dependabot/secrets",
    at="/secrets",
    permission=GithubPermission("organization_dependabot_secrets", ("admin:org",)),
)
AGENT_SECRETS: Final = GithubRequest(
    path="/orgs/{org}/agents/secrets",
    at="/secrets",
    permission=GithubPermission("organization_agent_secrets", ("admin:org",)),
    plan="cloud",
)
REPOSITORY_SECRETS: Final = GithubRequest(
    path="/repos/{owner}/{repo}/actions/secrets", at="/secrets", permission=GithubPermission("secrets", ("repo",))
)
REPOSITORY_DEPENDABOT_SECRETS: Final = GithubRequest(
    path="/repos/{owner}/{repo}/dependabot/secrets",
    at="/secrets",
    permission=GithubPermission("dependabot_secrets", ("repo",)),
)
REPOSITORY_AGENT_SECRETS: Final = GithubRequest(
    path="/repos/{owner}/{repo}/agents/secrets",
    at="/secrets",
    permission=GithubPermission("agent_secrets", ("repo",)),
    plan="cloud",
)
CODESPACES_SECRETS: Final = GithubRequest(
    path="/orgs/{org}/codespaces/secrets",
    at="/secrets",
    permission=GithubPermission("organization_codespaces_secrets", ("admin:org",)),
    plan="cloud",
)
ENVIRONMENT_SECRETS: Final = GithubRequest(
    path="/repos/{owner}/{repo}/environments/{environment_name}/secrets",
    at="/secrets",
    permission=GithubPermission("environments", ("repo",)),
)
ORG_VARIABLES: Final = GithubRequest(path="/orgs/{org}/actions/variables", at="/variables", permission=_ORG_VARIABLES)
VARIABLE_REPOSITORIES: Final = GithubRequest(
    path="/orgs/{org}/actions/variables/{name}/repositories", at="/repositories", permission=_ORG_VARIABLES
)
REPOSITORY_VARIABLES: Final = GithubRequest(
    path="/repos/{owner}/{repo}/actions/variables",
    at="/variables",
    permission=GithubPermission("actions_variables", ("repo",)),
)
ENVIRONMENT_VARIABLES: Final = GithubRequest(
    path="/repos/{owner}/{repo}/environments/{environment_name}/variables",
    at="/variables",
    permission=GithubPermission("environments", ("repo",)),
)
ORG_SUBJECT: Final = GithubRequest(path="/orgs/{org}/actions/oidc/customization/sub", permission=_ADMINISTRATION)
CLAIMED_PROPERTIES: Final = GithubRequest(
    path="/orgs/{org}/actions/oidc/customization/properties/repo", permission=_ADMINISTRATION, plan="cloud"
)
REPOSITORY_SUBJECT: Final = GithubRequest(
    path="/repos/{owner}/{repo}/actions/oidc/customization/sub", permission=GithubPermission("actions", ("repo",))
)
PROPERTIES: Final = GithubRequest(
    path="/orgs/{org}/properties/values",
    permission=GithubPermission("organization_custom_properties", ("read:org", "admin:org")),
)
AGENT_POLICY: Final = GithubRequest(
    path="/orgs/{org}/copilot/coding-agent/permissions", permission=_AGENTS, plan="cloud"
)
AGENT_REPOSITORIES: Final = GithubRequest(
    path="/orgs/{org}/copilot/coding-agent/permissions/repositories",
    at="/repositories",
    permission=_AGENTS,
    plan="cloud",
)
AGENT_CONFIGURATION: Final = GithubRequest(
    path="/repos/{owner}/{repo}/copilot/cloud-agent/configuration",
    permission=GithubPermission("copilot_agent_settings", ("repo",)),
    plan="cloud",
)
AGENT_TASKS: Final = GithubRequest(
    path="/agents/repos/{owner}/{repo}/tasks",
    at="/tasks",
    permission=GithubPermission("", ("a fine-grained token with agent tasks: read",)),
    plan="cloud",
)
ENTERPRISE_AGENTS: Final = GithubRequest(
    path="/enterprises/{enterprise}/copilot/custom-agents",
    params={"per_page": PER_PAGE},
    permission=GithubPermission("enterprise_ai_controls", ("admin:enterprise",)),
    plan="cloud",
)
AUDIT_LOG: Final = GithubRequest(
    path="/orgs/{org}/audit-log",
    permission=GithubPermission("organization_administration", ("read:audit_log",)),
    plan="enterprise",
)
INSTALLED: Final = replace(AUDIT_LOG, params={"phrase": "action:integration_installation.create"})
RENAMED: Final = replace(AUDIT_LOG, params={"phrase": "action:repo.rename"})
ORG_HOOKS: Final = GithubRequest(
    path="/orgs/{org}/hooks", permission=GithubPermission("organization_hooks", ("admin:org_hook",))
)
REPOSITORY_HOOKS: Final = GithubRequest(
    path="/repos/{owner}/{repo}/hooks", permission=GithubPermission("repository_hooks", ("read:repo_hook", "repo"))
)
SECRET_ALERTS: Final = GithubRequest(
    path="/orgs/{org}/secret-scanning/alerts",
    permission=GithubPermission("secret_scanning_alerts", ("repo", "security_events")),
    params={"hide_secret": "true"},
)
ALERTS_WITH_ID: Final = replace(SECRET_ALERTS, params={**SECRET_ALERTS.params, "included_metadata": "secret-id"})
ALERTS_WITH_OWNER: Final = replace(SECRET_ALERTS, params={**SECRET_ALERTS.params, "included_metadata": "owner-id"})
SECRET_ALERT: Final = replace(SECRET_ALERTS, path="/repos/{owner}/{repo}/secret-scanning/alerts/{alert_number}")
"""Never sent to an Enterprise Server, which does not know ``hide_secret`` here and would send the secret."""

HOSTED_RUNNERS: Final = GithubRequest(
    path="/orgs/{org}/actions/hosted-runners", at="/runners", permission=_ADMINISTRATION, plan="cloud"
)
ACTIONS_POLICY: Final = GithubRequest(path="/orgs/{org}/actions/permissions", permission=_ADMINISTRATION)
WORKFLOW_POLICY: Final = GithubRequest(path="/orgs/{org}/actions/permissions/workflow", permission=_ADMINISTRATION)
RUNNER_POLICY: Final = GithubRequest(
    path="/orgs/{org}/actions/permissions/self-hosted-runners", permission=_ADMINISTRATION, plan="cloud"
)
FORK_APPROVAL: Final = GithubRequest(
    path="/orgs/{org}/actions/permissions/fork-pr-contributor-approval", permission=_ADMINISTRATION, plan="cloud"
)
FORK_POLICY: Final = GithubRequest(
    path="/orgs/{org}/actions/permissions/fork-pr-workflows-private-repos", permission=_ADMINISTRATION, plan="cloud"
)
ROLES: Final = GithubRequest(
    path="/orgs/{org}/organization-roles",
    at="/roles",
    permission=GithubPermission("organization_custom_org_roles", ("admin:org",)),
    is_paged=False,
)
ROLE_USERS: Final = GithubRequest(
    path="/orgs/{org}/organization-roles/{role_id}/users", permission=GithubPermission("members", ("admin:org",))
)
PRIVATE_REGISTRIES: Final = GithubRequest(
    path="/orgs/{org}/private-registries",
    at="/configurations",
    permission=GithubPermission("organization_private_registries", ("admin:org",)),
)

OWN_INSTALLATIONS: Final = GithubRequest(path="/app/installations", permission=GithubPermission("metadata", ()))
OWN_TOKEN: Final = GithubRequest(
    path="/app/installations/{installation_id}/access_tokens", permission=GithubPermission("metadata", ())
)
"""Both are asked by the App itself, which takes no permission. The second is the one POST besides GraphQL's."""
RATE_LIMIT: Final = GithubRequest(path="/rate_limit", permission=GithubPermission("metadata", ()))
"""The request of ``doctor`` with a token: it does not count against the limit, and returns the token's scopes."""

CONTENTS: Final = GithubPermission("contents", ("repo",))
"""For the texts of workflows, through GraphQL."""
ENVIRONMENTS: Final = GithubPermission("actions", ("repo",))
"""For lists of environments."""
METADATA: Final = GithubPermission("metadata", ("repo",))
BYPASSES: Final = GithubPermission("", ("admin:org of an owner; an App would have to write",))
"""For the bypass lists of rulesets, through GraphQL."""
API_VERSION: Final = "2022-11-28"


def names(full_name: str) -> Mapping[str, str]:
    """Owner and name, for the path of a request."""
    owner, _, repo = full_name.partition("/")
    return {"owner": owner, "repo": repo}
