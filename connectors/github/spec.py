"""The sections of an organization, with the requests that each takes; the spec and the policy are made from them."""

from __future__ import annotations

from msgspec import Struct

from connectors.core.contract import Section, Spec
from connectors.github.client import requests as r
from connectors.github.client.requests import GithubPermission, GithubRequest
from connectors.github.settings import GithubSettings
from scanner.model import EXPOSURE_KIND, Rung
from scanner.model.providers import read_providers

ORGANIZATION = "organization"
APPS = "apps"
ACCESS_TOKENS = "personal_access_tokens"
LIMITED_TO = "token_repositories"
AUTHORIZATIONS = "credential_authorizations"
DEPLOY_KEYS = "deploy_keys"
MEMBERS = "members"
RUNNERS = "runners"
SECRETS = "secrets"
MORE_SECRETS = "more_secrets"
REPOSITORIES = "repositories"
OIDC = "oidc"
WORKFLOWS = "workflows"
AGENTS = "agents"
AGENT_CONFIGURATION = "agent_configuration"
AGENT_TASKS = "agent_tasks"
ENTERPRISE_AGENTS = "enterprise_agents"
WEBHOOKS = "webhooks"
ALERTS = "secret_scanning_alerts"
RULESETS = "rulesets"
ROLES = "organization_roles"
ACTIONS_POLICY = "actions_policy"
PRIVATE_REGISTRIES = "private_registries"
AUDIT_LOG = "audit_log"

_ACCOUNTS = ("member", "outside_collaborator", "former_member")
_RUNGS: tuple[Rung, ...] = ("key", "unique_id", "name", "glob")
KINDS = (
    "app",
    *_ACCOUNTS,
    "deploy_key",
    "workflow",
    "actions_token",
    "runner_group",
    "private_registry",
    "coding_agent",
    "custom_agent",
    "mcp_client",
    "agent_definition",
    "webhook",
)


class GithubSection(Struct, frozen=True, kw_only=True):
    """A section, and the permissions that its requests take; ``graphql``: those of its queries.

    ``setting``: what switches it on; empty for one that is always read.
    """

    name: str
    title: str
    without: str
    requests: tuple[GithubRequest, ...] = ()
    graphql: tuple[GithubPermission, ...] = ()
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    setting: str = ""

    @property
    def permissions(self) -> tuple[GithubPermission, ...]:
        """All of them, once."""
        return tuple(dict.fromkeys((*(one.permission for one in self.requests), *self.graphql)))

    @property
    def section(self) -> Section:
        """As the contract knows it."""
        return Section(
            name=self.name,
            title=self.title,
            permissions=tuple(one.line for one in self.permissions),
            without=self.without,
            kinds=self.kinds,
            rungs=self.rungs,
            optional=bool(self.setting),
        )


READINGS: tuple[GithubSection, ...] = (
    GithubSection(
        name=ORGANIZATION,
        title="The organization",
        without="everything",
        requests=(r.ORGANIZATION,),
        kinds=(*KINDS, "secret"),
    ),
    GithubSection(
        name=AUDIT_LOG,
        title="Audit log (Enterprise): who installed Apps, and which repositories were renamed",
        without="who installed an App, and when a repository got its name",
        requests=(r.AUDIT_LOG,),
    ),
    GithubSection(
        name=RULESETS,
        title="Who bypasses rulesets (rulesets = true, with the token of an owner)",
        without="which Apps and deploy keys the organization's rulesets do not hold for",
        graphql=(r.BYPASSES,),
        setting="rulesets",
    ),
    GithubSection(
        name=APPS,
        title="Installed GitHub Apps",
        without="Apps, their permissions and contacts",
        requests=(r.INSTALLATIONS,),
        kinds=("app",),
        rungs=("key", "unique_id", "alias", "name", "glob"),
    ),
    GithubSection(
        name=MEMBERS,
        title="Members and outside collaborators",
        without="machine users, and whether who holds a token or added a key is still a member",
        requests=(r.MEMBERS, r.OUTSIDE),
        graphql=(r.MEMBERS.permission, r.ORG_SUBJECT.permission),
        kinds=_ACCOUNTS,
        rungs=("key", "unique_id", "alias", "name", "glob"),
    ),
    GithubSection(
        name=ACCESS_TOKENS,
        title="Fine-grained personal access tokens",
        without="fine-grained tokens, their permissions, expiry and last use",
        requests=(r.ACCESS_TOKENS,),
        kinds=_ACCOUNTS,
        rungs=("credential",),
    ),
    GithubSection(
        name=LIMITED_TO,
        title="Repositories of fine-grained tokens that are limited to some (token_repositories = true)",
        without="which repositories a limited token may change",
        requests=(r.TOKEN_REPOSITORIES,),
        setting="token_repositories",
    ),
    GithubSection(
        name=AUTHORIZATIONS,
        title="Classic tokens and SSH keys that are authorized for single sign-on (Enterprise Cloud)",
        without="classic tokens, SSH keys and OAuth tokens of members, and their last use",
        requests=(r.AUTHORIZATIONS,),
        kinds=_ACCOUNTS,
        rungs=("credential",),
    ),
    GithubSection(
        name=ROLES,
        title="Roles of the organization, and who has them",
        without="which accounts may act on all repositories or on the organization by a role",
        requests=(r.ROLES, r.ROLE_USERS),
    ),
    GithubSection(
        name=ACTIONS_POLICY,
        title="Policy of GitHub Actions: default permissions, actions that are allowed, pull requests from forks",
        without="what the token of a workflow may do by default",
        requests=(r.ACTIONS_POLICY, r.WORKFLOW_POLICY, r.RUNNER_POLICY, r.FORK_APPROVAL, r.FORK_POLICY),
        kinds=("actions_token",),
        rungs=_RUNGS,
    ),
    GithubSection(
        name=RUNNERS,
        title="Runners and their groups",
        without="runners, and which of them public repositories may use",
        requests=(r.RUNNER_GROUPS, r.RUNNERS, r.HOSTED_RUNNERS),
        kinds=("runner_group",),
        rungs=_RUNGS,
    ),
    GithubSection(
        name=REPOSITORIES,
        title="Repositories: workflows, environments, owners and properties",
        without="workflows, deploy keys, stored secrets and agents of repositories, because these are not known",
        requests=(r.PROPERTIES,),
        graphql=(r.METADATA, r.CONTENTS, r.DEPLOY_KEYS.permission, r.ENVIRONMENTS, r.MEMBERS.permission),
        kinds=("workflow", "deploy_key", "coding_agent", "custom_agent", "mcp_client", "agent_definition", "secret"),
    ),
    GithubSection(
        name=OIDC,
        title="Subjects of workflow tokens",
        without="how the subjects of workflow tokens are made",
        requests=(r.ORG_SUBJECT, r.CLAIMED_PROPERTIES, r.REPOSITORY_SUBJECT),
    ),
    GithubSection(
        name=DEPLOY_KEYS,
        title="Deploy keys",
        without="deploy keys, who added them, and their last use",
        requests=(r.DEPLOY_KEYS,),
        kinds=("deploy_key",),
        rungs=("key", "unique_id", "credential", "name", "glob"),
    ),
    GithubSection(
        name=SECRETS,
        title="Names of stored secrets",
        without="which secrets are stored, and when they were last rotated",
        requests=(r.ORG_SECRETS, r.DEPENDABOT_SECRETS, r.REPOSITORY_SECRETS, r.ENVIRONMENT_SECRETS),
        kinds=("secret",),
    ),
    GithubSection(
        name=MORE_SECRETS,
        title="Names of secrets for Dependabot, agents and Codespaces (all_secrets = true)",
        without="secrets of repositories for Dependabot and agents, and the organization's for Codespaces",
        requests=(r.CODESPACES_SECRETS, r.REPOSITORY_DEPENDABOT_SECRETS, r.REPOSITORY_AGENT_SECRETS),
        kinds=("secret",),
        setting="all_secrets",
    ),
    GithubSection(
        name=WORKFLOWS,
        title="Workflows that may ask for tokens, and variables that name cloud identities",
        without="workflows as identities, or which cloud identity a variable of theirs names",
        requests=(r.ORG_VARIABLES, r.VARIABLE_REPOSITORIES, r.REPOSITORY_VARIABLES, r.ENVIRONMENT_VARIABLES),
        graphql=(r.CONTENTS, r.ENVIRONMENTS),
        kinds=("workflow",),
        rungs=("key", "alias", "name", "glob"),
    ),
    GithubSection(
        name=PRIVATE_REGISTRIES,
        title="Private registries: names of their secrets, and what GitHub's tokens sign in as",
        without="which registries have a stored secret, and which cloud identities they sign in as",
        requests=(r.PRIVATE_REGISTRIES,),
        kinds=("private_registry", "secret"),
        rungs=_RUNGS,
    ),
    GithubSection(
        name=AGENTS,
        title="Coding agents: where they may work, what files describe, and their secrets",
        without="where the coding agent may work, and who changed custom agents",
        requests=(r.AGENT_POLICY, r.AGENT_REPOSITORIES, r.AGENT_SECRETS),
        graphql=(r.CONTENTS,),
        kinds=("coding_agent", "custom_agent", "mcp_client", "agent_definition", "secret"),
        rungs=_RUNGS,
    ),
    GithubSection(
        name=AGENT_CONFIGURATION,
        title="How coding agents are set up (agent_configuration = true)",
        without="tools, MCP servers and the firewall of the coding agent",
        requests=(r.AGENT_CONFIGURATION,),
        setting="agent_configuration",
    ),
    GithubSection(
        name=AGENT_TASKS,
        title="Tasks of coding agents (agent_tasks = true, with a person's fine-grained token)",
        without="when coding agents were last used, and who set them off",
        requests=(r.AGENT_TASKS,),
        setting="agent_tasks",
    ),
    GithubSection(
        name=ENTERPRISE_AGENTS,
        title="Custom agents of the enterprise (enterprise = its slug)",
        without="custom agents that another organization describes for the whole enterprise",
        requests=(r.ENTERPRISE_AGENTS,),
        kinds=("custom_agent",),
        rungs=_RUNGS,
        setting="enterprise",
    ),
    GithubSection(
        name=WEBHOOKS,
        title="Webhooks (webhooks = true)",
        without="which hosts events are sent to",
        requests=(r.ORG_HOOKS, r.REPOSITORY_HOOKS),
        kinds=("webhook",),
        rungs=_RUNGS,
        setting="webhooks",
    ),
    GithubSection(
        name=ALERTS,
        title="Leaked keys that secret scanning found (secret_scanning_alerts = true)",
        without="where leaked keys are, which identity they open, and which of them GitHub knows to work",
        requests=(r.SECRET_ALERTS, r.SECRET_ALERT),
        kinds=(EXPOSURE_KIND,),
        setting="secret_scanning_alerts",
    ),
)

SPEC = Spec(
    name="github",
    title="GitHub",
    settings=GithubSettings,
    kinds=KINDS,
    sections=tuple(reading.section for reading in READINGS),
    extra="github",
    entrances=(ORGANIZATION,),
    records={"workload": (WORKFLOWS,)},
    depends_on={
        DEPLOY_KEYS: (REPOSITORIES,),
        LIMITED_TO: (ACCESS_TOKENS,),
        SECRETS: (REPOSITORIES,),
        MORE_SECRETS: (REPOSITORIES,),
        WORKFLOWS: (REPOSITORIES,),
        AGENTS: (REPOSITORIES,),
        AGENT_CONFIGURATION: (AGENTS, REPOSITORIES),
        AGENT_TASKS: (AGENTS, REPOSITORIES),
        WEBHOOKS: (REPOSITORIES,),
    },
    providers=read_providers("connectors.github", "github"),
)
