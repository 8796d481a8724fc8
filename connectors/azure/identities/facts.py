"""The lists of the tenant, with their gaps, and the facts about an application: owners, attributes (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from connectors.azure import sections as s
from connectors.azure.client.clouds import CloudName
from connectors.azure.identities.faces import Faces, known
from connectors.azure.identities.payloads import (
    AgentUser,
    Application,
    CopilotAgent,
    FederatedCredential,
    Person,
    ServicePrincipal,
)
from connectors.azure.rights.inheritance import Inheritable
from connectors.azure.spec import SPEC
from connectors.azure.usage.record import UseRecord
from connectors.core.contract import Scope
from connectors.core.reading import unread_facts
from scanner.model import Assignment, Fact, Grant, TokenSubject
from scanner.model.attributes import EXTERNAL, OWNERS, PUBLISHER, RESTORABLE_UNTIL, SPONSORS


class TenantFacts(Struct, kw_only=True):
    """Ids are in lower case. ``principals``, ``owners``, ``sponsors``: by object id; ``applications``: by client id.

    ``agents``, ``left_out``: object ids; ``blueprints``: client ids. ``federated``: by the object id of an application.
    ``inheritable``: what a blueprint hands on, by the object id of its registration.
    ``deleted``: deleted registrations by client id, with the day until which they can be restored. ``gaps``: names
    of sections that ended as one.
    """

    scope: Scope
    tenant: str
    gaps: set[str]
    cloud: CloudName = "public"
    principals: dict[str, ServicePrincipal] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    agents: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    blueprints: set[str] = field(default_factory=set)
    agent_users: dict[str, AgentUser] = field(default_factory=dict)
    owners: dict[str, tuple[Person, ...]] = field(default_factory=dict)
    sponsors: dict[str, tuple[Person, ...]] = field(default_factory=dict)
    federated: dict[str, tuple[FederatedCredential, ...]] = field(default_factory=dict)
    inheritable: dict[str, tuple[Inheritable, ...]] = field(default_factory=dict)
    deleted: dict[str, datetime] = field(default_factory=dict)
    copilot_agents: list[CopilotAgent] = field(default_factory=list)
    environments: dict[str, str] = field(default_factory=dict)
    """Names of Power Platform's environments, by id in lower case."""
    sign_ins: UseRecord = UseRecord()
    credential_use: UseRecord = UseRecord()

    def application_of(self, principal: ServicePrincipal) -> Application | None:
        """Its registration, if it is in this tenant."""
        return None if principal.app_id is None else self.applications.get(principal.app_id.lower())

    def handed_on(self, blueprint: str | None) -> tuple[Inheritable, ...] | None:
        """What a blueprint (its client id) declares inheritable; None if that is unknown."""
        application = self.applications.get((blueprint or "").lower())
        return None if application is None else self.inheritable.get(application.id.lower())

    def agent_ids(self) -> Mapping[str, str]:
        """The object ids of agent identities, by object id and by client id in lower case."""
        agents = [one for one in self.principals.values() if self.is_agent(one)]
        by_client = {(one.app_id or one.id).lower(): one.id for one in agents}
        return by_client | {one.id.lower(): one.id for one in agents}

    def principals_by_client(self) -> Mapping[str, ServicePrincipal]:
        """Service principals but agents, whose client id is their blueprint's, by client id in lower case."""
        others = (one for one in self.principals.values() if one.app_id is not None and not self.is_agent(one))
        return {(one.app_id or "").lower(): one for one in others}

    def agents_by_blueprint(self) -> Mapping[str, Sequence[ServicePrincipal]]:
        """Agent identities by the client id of their blueprint; without one, by an empty text."""
        found: defaultdict[str, list[ServicePrincipal]] = defaultdict(list)
        for principal in self.principals.values():
            if self.is_agent(principal):
                found[(principal.agent_identity_blueprint_id or "").lower()].append(principal)
        return found

    def faces(self) -> Iterator[Faces]:
        """Applications: without managed identities, agents, and those that are left out."""
        seen: set[str] = set()
        for key, principal in self.principals.items():
            if principal.is_managed or self.is_agent(principal):
                continue
            seen.add((principal.app_id or "").lower())
            if key not in self.left_out:
                yield Faces(principal=principal, application=self.application_of(principal))
        for client, application in self.applications.items():
            if client not in seen:
                yield Faces(application=application)

    def is_agent(self, principal: ServicePrincipal) -> bool:
        """Whether it is an agent identity."""
        return principal.is_agent or principal.id.lower() in self.agents

    def is_blueprint(self, faces: Faces) -> bool:
        """Whether it is a blueprint of agents."""
        return any(face.is_blueprint for face in faces) or (faces.client_id or "").lower() in self.blueprints

    @property
    def has_blueprints(self) -> bool:
        """Whether any blueprint was listed."""
        return any(one.is_blueprint for one in (*self.applications.values(), *self.principals.values()))

    @property
    def registrations_known(self) -> bool:
        """Whether registrations were read completely, so that a missing one does not exist."""
        return s.APPLICATIONS not in self.gaps


# --- Owners and sponsors (pure) ---
#
# The owner of an application or its service principal can add credentials to it, and so sign in as it. Source:
# https://learn.microsoft.com/entra/identity/enterprise-apps/overview-assign-app-owners

OWNER = "owner"
_MACHINES = frozenset({"servicePrincipal", "agentIdentity", "agentIdentityBlueprintPrincipal"})
_GUEST = "#ext#"


def contacts(people: Iterable[Person] | None) -> list[dict[str, str | None]] | None:
    """Owners or sponsors for ``attributes``, without duplicates; None if they could not be read."""
    if people is None:
        return None
    by_id = {one.id.lower(): one for one in people}
    return [
        {"id": one.id, "name": one.display_name, "email": _email(one), "kind": one.kind}
        for one in sorted(by_id.values(), key=lambda one: one.id)
    ]


def _email(person: Person) -> str | None:
    """The e-mail address; a guest's sign-in name is none."""
    name = person.user_principal_name or ""
    return person.mail or (name if "@" in name and _GUEST not in name.lower() else None)


def is_nameless(person: Person) -> bool:
    """Whether only the id of a user is known, because the permission to read users is missing."""
    return person.kind == "user" and person.display_name is None and person.user_principal_name is None


def ownership(scope: Scope, person: Person, owned: str, name: str, *, becomes: bool) -> Assignment | None:
    """The right that a service principal has over what it owns (its key); None for people."""
    if person.kind not in _MACHINES:
        return None
    facts: dict[str, Any] = {"becomes": (owned,)} if becomes else {}
    return Assignment(
        key=f"{owned}#{OWNER}:{person.id.lower()}",
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        holder=person.id,
        holder_kind="ServicePrincipal",
        holder_name=person.display_name,
        gone=False,
        grant=Grant(name=OWNER, via="direct", resource=name),
        **facts,
    )


# --- Attributes and unknown fields of applications (pure) ---

ISSUERS: Mapping[CloudName, tuple[str, str]] = {
    "public": ("https://login.microsoftonline.com/{tenant}/v2.0", "https://sts.windows.net/{tenant}/"),
    "usgov": ("https://login.microsoftonline.us/{tenant}/v2.0", "https://sts.windows.net/{tenant}/"),
    "china": ("https://login.partner.microsoftonline.cn/{tenant}/v2.0", "https://sts.chinacloudapi.cn/{tenant}/"),
}
"""Issuers of an identity's tokens, of both versions. Source:
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference"""


def token_subjects(found: TenantFacts, object_id: str | None) -> tuple[TokenSubject, ...]:
    """The subjects of its tokens: the object id, by issuer."""
    issuers = ISSUERS[found.cloud] if object_id is not None else ()
    return tuple(TokenSubject(issuer.format(tenant=found.tenant), object_id or "") for issuer in issuers)


def people_of(
    of: Mapping[str, tuple[Person, ...]], faces: Faces, *, whole: bool = True
) -> list[dict[str, str | None]] | None:
    """The owners or sponsors of all faces; None if none was found and some may be unread.

    ``whole``: all faces were read.
    """
    ids = [face.id.lower() for face in faces]
    people = [person for one in ids for person in of.get(one, ())]
    return contacts(people) if people or (whole and all(one in of for one in ids)) else None


def attributes_of(found: TenantFacts, faces: Faces, words: list[str]) -> dict[str, Any]:
    """``words``: tags that are not pairs."""
    application = faces.application
    third_party = faces.origin(found.tenant) == "third_party"
    sign = found.sign_ins.sign(faces.client_id)
    whole = not (is_principal_unread(found, faces) or _is_registration_unread(found, faces))
    return known({
        **_registration(found, faces),
        EXTERNAL: third_party or None,
        PUBLISHER: publisher_of(faces) if third_party else None,
        "publisher_domain": application.publisher_domain if application else None,
        "multi_tenant": faces.in_many_tenants or third_party or None,
        "gallery_template": faces.gallery_template,
        "disabled_by_microsoft": faces.stopped_by_microsoft,
        "service_management_reference": application.service_management_reference if application else None,
        "labels": words or None,
        "used_as": sign.used_as if sign else None,
        "last_successful_use": sign.succeeded_at.isoformat() if sign and sign.succeeded_at else None,
        OWNERS: people_of(found.owners, faces, whole=whole),
        SPONSORS: people_of(found.sponsors, faces, whole=whole) if found.is_blueprint(faces) else None,
    })  # fmt: skip


def _registration(found: TenantFacts, faces: Faces) -> dict[str, str]:
    """The place and state of its registration.

    If the registration is missing or deleted, no sign-in works until it is restored.
    """
    principal = faces.principal
    if faces.application is not None or principal is None:
        return {"registration": "here"}
    if faces.origin(found.tenant) != "own":
        return {"registration": "elsewhere"}
    if not found.registrations_known or principal.service_principal_type != "Application":
        return {}
    until = found.deleted.get((faces.client_id or "").lower())
    return {"registration": "deleted", RESTORABLE_UNTIL: until.isoformat()} if until else {"registration": "missing"}


def publisher_of(faces: Faces) -> dict[str, Any]:
    """See ``PUBLISHER``; with the id of its tenant."""
    principal = faces.principal
    told_of = principal.verified_publisher if principal else None
    return {
        "name": told_of.display_name if told_of else None,
        "verified": faces.has_verified_publisher,
        "tenant": principal.app_owner_organization_id if principal else None,
    }


def is_principal_unread(found: TenantFacts, faces: Faces) -> bool:
    """Whether it may have a principal that could not be read: the principal holds its rights, and may be disabled."""
    return faces.principal is None and s.SERVICE_PRINCIPALS in found.gaps


def _is_registration_unread(found: TenantFacts, faces: Faces) -> bool:
    """Whether it may have a registration in this tenant that could not be read."""
    principal = faces.principal
    if faces.application is not None or principal is None or found.is_agent(principal):
        return False
    return faces.origin(found.tenant) == "own" and not found.registrations_known


def _has_keys(faces: Faces) -> bool:
    """Whether it has credentials whose use is reported. The use of federated credentials is not."""
    return any(face.key_credentials or face.password_credentials for face in faces)


def unread_of(found: TenantFacts, faces: Faces) -> tuple[Fact, ...]:
    """The facts that are unread because of a gap."""
    application, principal = faces.application, faces.principal
    no_registration, no_principal = _is_registration_unread(found, faces), is_principal_unread(found, faces)
    no_federation = application is not None and application.id.lower() not in found.federated
    is_agent = principal is not None and found.is_agent(principal)
    no_target = (is_agent and s.AGENT_USERS in found.gaps) or (
        found.is_blueprint(faces) and s.AGENT_IDENTITIES in found.gaps
    )
    return unread_facts(
        credentials=no_registration or no_principal or no_federation,
        permissions=no_principal or no_target,
        tags=no_registration or no_principal,
        trusts=no_registration or no_federation,
        use=no_principal or found.sign_ins.unread or (found.credential_use.unread and _has_keys(faces)),
    )
