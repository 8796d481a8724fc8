"""The sections of the Azure connector, and what is lost if one cannot be read."""

from __future__ import annotations

from connectors.azure import sections as s
from connectors.azure.client.requests import permissions_of
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Section, Spec
from scanner.model import ANY_KIND, RUNGS, Fact, Rung
from scanner.model.providers import read_providers

SERVICE_PRINCIPAL, APPLICATION, MANAGED_IDENTITY = "service_principal", "application", "managed_identity"
AGENT_IDENTITY, AGENT_BLUEPRINT, AGENT_USER = "agent_identity", "agent_blueprint", "agent_user"
COPILOT_AGENT = "copilot_agent"
KINDS = (SERVICE_PRINCIPAL, APPLICATION, MANAGED_IDENTITY, AGENT_IDENTITY, AGENT_BLUEPRINT, AGENT_USER, COPILOT_AGENT)
STORED = "secret"

_IDENTITY_RUNGS: tuple[Rung, ...] = ("key", "unique_id", "tag", "alias", "name", "glob")
_RIGHTS: tuple[Fact, ...] = ("permissions",)


def _section(
    name: str,
    title: str,
    without: str,
    *,
    kinds: tuple[str, ...] = (),
    rungs: tuple[Rung, ...] = (),
    feeds: tuple[Fact, ...] = (),
    optional: bool = False,
) -> Section:
    return Section(
        name=name,
        title=title,
        permissions=permissions_of(name),
        without=without,
        kinds=kinds,
        rungs=rungs,
        feeds=feeds,
        optional=optional,
    )


SPEC = Spec(
    name="azure",
    providers=read_providers("connectors.azure", "azure"),
    title="Microsoft Azure, Entra",
    settings=AzureSettings,
    kinds=KINDS,
    sections=(
        Section(
            name=s.TENANT,
            title="Signing in to the tenant",
            permissions=("an application, or a managed identity, of the tenant",),
            without="nothing can be read",
            kinds=(ANY_KIND, STORED),
            rungs=RUNGS,
            feeds=_RIGHTS,
        ),
        _section(
            s.SERVICE_PRINCIPALS,
            "Service principals",
            "service principals are not found, nor managed identities of subscriptions that cannot be read",
            kinds=(SERVICE_PRINCIPAL, MANAGED_IDENTITY, AGENT_IDENTITY, AGENT_BLUEPRINT),
            rungs=(*_IDENTITY_RUNGS, "credential"),
        ),
        _section(
            s.APPLICATIONS,
            "Application registrations",
            "applications without a service principal are not found, and the credentials of the others are not known",
            kinds=(APPLICATION, AGENT_BLUEPRINT),
            rungs=(*_IDENTITY_RUNGS, "credential"),
        ),
        _section(
            s.AGENT_IDENTITIES,
            "Agent identities",
            "agent identities are not found, nor who sponsors them",
            kinds=(AGENT_IDENTITY,),
            rungs=_IDENTITY_RUNGS,
        ),
        _section(
            s.AGENT_BLUEPRINTS,
            "Agent blueprints",
            "blueprints of agents are not found, nor who sponsors them",
            kinds=(AGENT_BLUEPRINT,),
            rungs=(*_IDENTITY_RUNGS, "credential"),
        ),
        _section(
            s.AGENT_USERS,
            "User accounts of agents",
            "user accounts of agents are not found",
            kinds=(AGENT_USER,),
            rungs=_IDENTITY_RUNGS,
        ),
        _section(
            s.INHERITABLE,
            "What blueprints hand on to their agents",
            "which permissions agents inherit from their blueprints is not known: what they may do is unknown",
        ),
        _section(
            s.COPILOT_AGENTS,
            "Agents of Copilot Studio and Power Platform",
            "agents of Copilot Studio are not found, nor who owns them and what they sign in as",
            kinds=(COPILOT_AGENT,),
            rungs=_IDENTITY_RUNGS,
        ),
        _section(
            s.OWNERS,
            "Owners",
            "owners of applications are not known, nor who can take over an application as its owner",
            feeds=_RIGHTS,
        ),
        _section(
            s.FEDERATED_CREDENTIALS,
            "Federated credentials of applications",
            "who can sign in as an application without a secret is not known",
        ),
        _section(
            s.DELETED,
            "Recently deleted applications",
            "rights of deleted applications cannot be distinguished from rights of unknown ones",
        ),
        _section(
            s.DIRECTORY_ROLES, "Directory roles", "roles in the directory are missing from privilege", feeds=_RIGHTS
        ),
        _section(
            s.APP_PERMISSIONS,
            "Application permissions",
            "permissions on Graph and other APIs are missing from privilege",
            feeds=_RIGHTS,
        ),
        _section(
            s.DELEGATED_GRANTS,
            "Delegated grants",
            "delegated permissions are missing from privilege",
            feeds=_RIGHTS,
        ),
        _section(
            s.GROUP_MEMBERS,
            "Service principals in groups",
            "rights that come through groups are missing from privilege",
            feeds=_RIGHTS,
        ),
        _section(s.SIGN_INS, "Last sign-ins", "last use is not known"),
        _section(s.CREDENTIAL_USE, "Last use of credentials", "which credentials are unused is not known"),
        _section(
            s.SUBSCRIPTIONS,
            "Subscriptions",
            "subscriptions are not found: nothing in them can be read",
            kinds=(MANAGED_IDENTITY, STORED),
            rungs=_IDENTITY_RUNGS,
            feeds=_RIGHTS,
        ),
        _section(
            s.MANAGEMENT_GROUPS,
            "Management groups",
            "rights that are given on a management group are missing from privilege",
            feeds=_RIGHTS,
        ),
        _section(
            s.ROLE_ASSIGNMENTS,
            "Azure role assignments",
            "rights on resources are missing from privilege",
            feeds=_RIGHTS,
        ),
        _section(
            s.ROLE_DEFINITIONS,
            "Azure role definitions",
            "what custom roles and rarer built-in ones allow is missing from privilege",
            feeds=_RIGHTS,
        ),
        _section(
            s.DENY_ASSIGNMENTS,
            "Azure deny assignments",
            "rights that deny assignments remove are reported as effective",
        ),
        _section(s.PRINCIPALS, "Holders of role assignments", "role assignments of deleted principals are not found"),
        _section(
            s.MANAGED_IDENTITIES,
            "Managed identities",
            "managed identities are found without tags and the resources that use them",
            kinds=(MANAGED_IDENTITY,),
            rungs=_IDENTITY_RUNGS,
        ),
        _section(
            s.IDENTITY_FEDERATION,
            "Federated credentials of managed identities",
            "which external workloads can sign in as a managed identity is unknown",
        ),
        _section(
            s.WORKLOADS,
            "Resources with an identity",
            "which workloads run as a managed identity is unknown, and system-assigned identities are not found",
            kinds=(MANAGED_IDENTITY,),
            rungs=_IDENTITY_RUNGS,
        ),
        _section(
            s.VAULTS,
            "Key vaults",
            "vaults are not found: nothing in them can be listed, and their access policies are missing from privilege",
            kinds=(STORED,),
            feeds=_RIGHTS,
        ),
        _section(s.SECRETS, "Names of stored secrets", "which secrets are stored is not known", kinds=(STORED,)),
        _section(s.KEYS, "Names of stored keys", "which keys are stored is not known", kinds=(STORED,)),
        _section(
            s.CERTIFICATES,
            "Names of stored certificates",
            "which of them are stored is not known",
            kinds=(STORED,),
        ),
    ),
    extra="azure",
    entrances=(s.TENANT, s.SUBSCRIPTIONS, s.MANAGEMENT_GROUPS),
    records={
        "workload": (s.WORKLOADS,),
        "assignment": (
            s.OWNERS,
            s.DIRECTORY_ROLES,
            s.APP_PERMISSIONS,
            s.DELEGATED_GRANTS,
            s.GROUP_MEMBERS,
            s.ROLE_ASSIGNMENTS,
            s.VAULTS,
        ),
    },
    depends_on={
        s.OWNERS: (s.SERVICE_PRINCIPALS, s.APPLICATIONS),
        s.INHERITABLE: (s.AGENT_BLUEPRINTS,),
        s.FEDERATED_CREDENTIALS: (s.APPLICATIONS,),
        s.APP_PERMISSIONS: (s.SERVICE_PRINCIPALS,),
        s.DELETED: (s.SERVICE_PRINCIPALS, s.APPLICATIONS),
        s.GROUP_MEMBERS: (s.DIRECTORY_ROLES, s.ROLE_ASSIGNMENTS),
        s.MANAGEMENT_GROUPS: (s.SUBSCRIPTIONS,),
        s.ROLE_DEFINITIONS: (s.ROLE_ASSIGNMENTS,),
        s.PRINCIPALS: (s.ROLE_ASSIGNMENTS,),
        s.DENY_ASSIGNMENTS: (s.ROLE_ASSIGNMENTS,),
        s.IDENTITY_FEDERATION: (s.MANAGED_IDENTITIES,),
        s.WORKLOADS: (s.MANAGED_IDENTITIES,),
        s.VAULTS: (s.MANAGED_IDENTITIES,),
        s.SECRETS: (s.VAULTS,),
        s.KEYS: (s.VAULTS,),
        s.CERTIFICATES: (s.VAULTS,),
    },
)
