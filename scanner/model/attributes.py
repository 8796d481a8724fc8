"""Names of ``attributes`` that rules and joins read, whichever connector sets them. A missing attribute is unknown.

Token subjects, clusters and issuers are typed fields of the records (:mod:`scanner.model.reach`). Reports publish them,
and lists and other connectors may set them, under the names here.
"""

from __future__ import annotations

from typing import Final

# Of a credential.
EXPOSED: Final = "exposed"
"""True if the credential has leaked, or a text with the place where the provider found it."""
UNRESTRICTED: Final = "unrestricted"
"""True if an API key works for every API that is enabled in its project."""

FORMER_MEMBER: Final = "former_member"
"""The account that holds or added it, if that is no member of the provider's organization any more."""

UNLISTED: Final = "not_listed_for_long"
"""True if the provider lists only requests for such credentials, and only for a while.

The credentials cannot be renewed: one that is no longer listed is gone once it has expired.
"""

STORED_IN: Final = "stored_in"
"""Where a planned credential is kept for its user, such as ``secrets.AWS_KEY of jobs.deploy``."""

LIVES_HOURS: Final = "lives_hours"
"""Of a planned credential: how many hours after its creation it ends, a number."""
END_COMPUTED: Final = "end_computed"
"""Of a planned credential: True if its end is not known before deployment."""

# Of an identity.
SCOPE_NAME: Final = "scope_name"
"""The display name of its scope, such as an account."""
SCOPE_CONTACT: Final = "scope_contact"
"""The contact e-mail of its scope."""
EXTERNAL: Final = "external"
"""True if another organisation owns and runs it, such as an application of another tenant."""
PUBLISHER: Final = "publisher"
"""The publisher of an application: ``{"name": str | None, "verified": bool}``."""
BLUEPRINT_PUBLISHER: Final = "blueprint_publisher"
"""Of an agent whose blueprint belongs to another organisation: its publisher, in the form of PUBLISHER."""
OWNERS: Final = "owners"
"""The owners that the provider lists: ``[{"id": str, "name": str | None, "email": str | None}, …]``."""
SPONSORS: Final = "sponsors"
"""The people accountable for an agent, in the format of OWNERS. An empty list: the provider knows none."""
CHANGED_BY: Final = "changed_by"
"""Who last changed it, under the provider's name: only a candidate for its owner."""
DOMAIN_WIDE_DELEGATION: Final = "domain_wide_delegation"
"""True if it may act as any user of the organisation, or the list of OAuth scopes that this is limited to."""
SERVICE_NAMES: Final = "service_principal_names"
"""Names under which any account of its domain gets a ticket that its password encrypts: a list of texts."""
ACCOUNT_FLAGS: Final = "account_flags"
"""What is set of an account of a directory: a list of texts, such as ``no_pre_authentication`` and ``des_only``."""
ENCRYPTION_TYPES: Final = "encryption_types"
"""The ciphers that it allows for its tickets, as ``AES256`` and ``RC4``: a list; empty: what the domain allows."""
UNCONSTRAINED_DELEGATION: Final = "unconstrained_delegation"
"""True if it may act for whoever signs in to it at any service, and is no domain controller."""
ADMIN_COUNT_LEFT: Final = "admin_count_left_behind"
"""True if it is protected like an administrator's account, and is in none of the protected groups."""
DEFAULT_ACCOUNT: Final = "default_account"
"""True if the provider created it for workloads that name no account."""
BOUND_BY_NAME: Final = "bound_by_name"
"""Of a default account: the roles that are bound to it by name, not through everyone: a list of texts."""
HOST_ACCESS: Final = "workloads_near_host"
"""Workloads that run as it and can reach their machine: a list of texts, such as ``pod web/a (hostPath)``."""
UNUSED_TOKENS: Final = "tokens_without_rights"
"""Workloads that are given its tokens, though it has no rights: a list of texts. Absent if its rights are unknown."""
SHARED_SUBJECTS: Final = "shared_subjects"
"""Subjects that it trusts and that identities of several scopes have, such as accounts of one name in clusters with one
pool: ``[{"subject": str, "identities": [key, …]}, …]``. Made by :mod:`scanner.access.federation`.
"""
GRANTS_ACROSS: Final = "grants_across_environments"
"""Rights that it has in another environment than its own: a list of texts."""
NARROWER_RIGHTS: Final = "narrower_rights"
"""Rights that have a narrower replacement: ``[{"right": str, "by": str, "instead": str}, …]``."""
TOKEN_SUBJECTS: Final = "token_subjects"  # noqa: S105  # the name of an attribute, not a token
"""The issuers and subjects of the tokens that it can present: a list of ``[issuer, subject]``.
See ``TokenSubject``.
"""
GRANTED_SERVICES: Final = "granted_services"
"""The services for which its permissions allow an action, under their names in audit logs: a list; absent if any may
be.
"""
ALLOWED_ACTIONS: Final = "allowed_actions"
"""What each of its policies allows: a list of patterns by the policy's name, as :mod:`scanner.matching.actions` writes
them; absent if that is unknown.
"""
ALLOWED_UNREAD: Final = "allowed_actions_unread"
"""What could take some of ALLOWED_ACTIONS away, or add to them, and could not be read: a list of texts."""
SERVICES_USED: Final = "services_used"
"""The services that its provider saw it use, of those that its permissions allow: a list."""
SERVICES_UNUSED: Final = "services_unused"
"""The services that its permissions allow and that its provider saw no use of, over ``use_tracked_days``: a list."""
SERVICES_LAST_USED: Final = "services_last_used"
"""By service, the last day on which its provider saw it used, as ISO 8601."""
ROLES_USED: Final = "roles_used"
"""How much of each role its provider saw used in 90 days: a list of texts, as ``roles/x: 3 of 40 permissions used``."""
USE_LAG_DAYS: Final = "use_recorded_within_days"
"""How many days after a use the provider may still show an earlier one as the last: a whole number."""
RECORDS_OF_USE: Final = ("used_as", "last_successful_use", "last_used_region")
"""Details of the last use, besides its time."""
FACTS_OF_CREDENTIALS: Final = ("console_password", "active_keys", "mfa_active", "second_factors")
"""Facts about its credentials as a whole: whether it has a kind of them, how many, and what protects them."""

REPOSITORY: Final = "repository"
"""The repository that it belongs to, as ``OWNER/NAME``. Of a workflow: anyone who may write there may change it."""
TOKENS_OF_ANY_AGENT: Final = "tokens_of_any_agent"
"""How it takes the tokens of any agent of its account for other services: ``{"actions": [str, …], "by": [str, …]}``."""
DENIES_WITHOUT_EFFECT: Final = "denies_without_effect"
"""Denies in its policies of actions that their service no longer checks: a list of texts."""
OPEN_GATEWAYS: Final = "gateways_without_authorizer"
"""Gateways for AI agents that run as it and let in everybody: ``[{"gateway": str, "decides": str | None}, …]``. Made
by :mod:`scanner.access.workloads`.
"""
SIGN_IN: Final = "sign_in"
"""Of a workload that others call: how they sign in, in the provider's word."""
MOUNT: Final = "mount"
"""The mount of the method by which it signs in, as Vault names it."""
PROJECT_ID: Final = "project_id"
"""The project that a service account of a vendor is in, by its id."""
PARTS: Final = (REPOSITORY, MOUNT, PROJECT_ID)
"""Attributes that name the part of its scope that an identity is in, as ``Coverage.unread_in`` names it."""
PUBLIC_REPOSITORIES: Final = "allows_public_repositories"
"""Of a group of self-hosted runners: True if jobs of public repositories may use them."""
RESTRICTED_TO_WORKFLOWS: Final = "restricted_to_workflows"
"""Of a group of self-hosted runners: True if only selected workflows may use them."""
DEFAULT_PERMISSIONS: Final = "default_workflow_permissions"
"""Of the token of an organization's jobs: ``read`` or ``write``, its permissions in a workflow that sets none."""
APPROVES: Final = "can_approve_pull_request_reviews"
"""Of the token of an organization's jobs: whether it may approve pull requests."""
BY_DEFAULT: Final = "workflows_by_default"
"""Of the token of an organization's jobs: the workflows with a job that does not set the permissions of its token: a
list of texts, such as ``acme/shop/.github/workflows/deploy.yml``.
"""
UNRESOLVED: Final = "unresolved"
"""References of a workflow or an agent's definition that the file does not resolve: a list of texts, such as
``jobs.go: role-to-assume is ${{ vars.X }}``.
"""
FEDERATES_TO: Final = "federates_to"
"""Keys or aliases of the identities elsewhere that a workflow names: a list of texts. While one of them is not known,
the workflow's privilege is unknown, too.
"""

# Of an AI agent. The view ``agents`` shows them.
MODEL: Final = "model"
"""The model that it calls, as the provider names it."""
TOOLS: Final = "tools"
"""The names of the tools that it may use, sorted."""
TOOL_HASHES: Final = "tool_hashes"
"""Where its source shows what defines its tools, such as descriptions: a hash of that by the tool's name."""
MCP_SERVERS: Final = "mcp_servers"
"""The MCP servers that it is connected with: ``[{"name": str, "host": str | None, …}, …]``; never variables' values.
``hashes``: of its tools, as TOOL_HASHES.
"""
INHERITS: Final = "inherits"
"""What it has from its blueprint, as texts, sorted."""
INPUTS: Final = "inputs"
"""What starts it, or is handed to it, beside what its tools read: ``[{"what": str, "from": "anybody" | "outsiders" |
"insiders", "gate": str | None}, …]``. ``gate``: what a person has to do first. An empty list: nobody else's texts.
"""
ON_BEHALF_OF: Final = "on_behalf_of"
"""On whose behalf it acted, as its provider lists it without a log:
``[{"person": str | None, "last_at": str | None}, …]``, the time as ISO 8601; the person None for itself.
"""
SCHEDULE: Final = "schedule"
"""When it runs by itself, as the provider writes it, such as a cron expression."""
HUMAN_IN_THE_LOOP: Final = "human_in_the_loop"
"""True if the provider asks a person before the agent acts; absent if unknown."""

ENVIRONMENT_RULES: Final = "environment_rules"
"""Of a workflow: by the name of each environment that it names, the rules that its jobs have to pass, as
``{"by": "approval" | "branches" | "wait" | "other", "text": str}``; None where they were not read.
"""
GUARDED_BY: Final = "guarded_by"
"""Of a workflow: the environments with rules that anyone who changes it has to pass to become anything by its tokens:
``[{"environment": str, "by": [str, …], "text": str}, …]``, ``by`` as in ENVIRONMENT_RULES, or ``unknown`` if these
were not read. Missing if an identity is reachable without any rule.
"""

NOT_TRUSTED_BY: Final = "not_trusted_by"
"""Of an account of a cluster: the keys of identities that it names as its own elsewhere, and that do not trust it."""

# Of a stored secret.
FEDERATION_BESIDE: Final = "federation_beside"
"""Of a cloud's key: the jobs that may sign in to that cloud without a key: a list of texts, such as
``.github/workflows/deploy.yml jobs.deploy``.
"""

# Of a workload.
JOBS_SUBJECTS: Final = "subjects_of_jobs"
"""Of a repository: the subjects of its jobs' tokens, also in forms that are not sent: ``[[issuer, pattern], …]``."""
TENANT_SUBJECTS: Final = "subjects_of_tenant"
"""Of a repository: as JOBS_SUBJECTS, of all repositories of its organization. If every section of its scope that lists
identities of the kind HOLDERS was read, no other identity has such tokens.
"""
UNREAD_CREDENTIALS: Final = "unread_credentials"
"""The kinds of credentials, or their ``attributes.type``, that could not all be listed: a list of texts.

Without it, that may be any if its credentials are unread.
"""
LISTED_IN: Final = "listed_in"
"""The names of the only sections that list it, if others list more identities of its kind: a list of texts."""
ACCOUNTED_IN: Final = "gaps_accounted_in"
"""Of a repository: the sections that record what they did not read by repository, as JOBS_UNREAD: a list of names.

If one of them is partial, the facts of other repositories are still known.
"""
JOBS_UNREAD: Final = "jobs_unread"
"""Of a repository: True if one of its jobs, or the subject that it sends, could not be read."""
HOLDERS: Final = "kind_of_holders"
"""Of a repository: the kind of identities that have its jobs' tokens."""
RUNS_IN: Final = "cluster"
"""The key of the cluster it runs in, or a list of keys. A takeover of the cluster is a takeover of the workload.

Agents, which are identities, have it, too.
"""
SIGNS_TOKENS_AS: Final = "signs_tokens_as"
"""The issuer of the tokens that a cluster gives its workloads, as trust policies name it, or a list of issuers."""
NO_LOCAL_ACCOUNTS: Final = "local_accounts_disabled"
"""Of a cluster: True if its administrator certificate is disabled."""
CONTROL_PLANE: Final = "control_plane"
"""Of a cluster: the key of the identity that its control plane runs as. Workloads in the cluster cannot reach it."""

# Of an assignment.
ROLE_MISSING: Final = "role_missing"
"""True if the role that it gives does not exist."""
RESTORABLE_UNTIL: Final = "restorable_until"
"""The last time at which a deleted holder, and with it the assignment, can be restored: ISO 8601."""
