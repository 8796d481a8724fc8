"""What was listed of the tenant, and what gaps kept from us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct, field

from connectors.azure import sections as s
from connectors.azure.clouds import CloudName
from connectors.azure.directory.faces import Faces
from connectors.azure.directory.payloads import AgentUser, Application, FederatedCredential, Person, ServicePrincipal
from connectors.azure.usage.record import UseRecord
from connectors.base import Scope


class Found(Struct, kw_only=True):
    """Ids are in lower case. ``principals``, ``owners``, ``sponsors``: by object id; ``applications``: by client id.

    ``agents``, ``left_out``: object ids; ``blueprints``: client ids. ``federated``: by the object id of an application.
    ``deleted``: registrations in the bin by client id, with the day until which they can be had back. ``gaps``: names
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
    deleted: dict[str, datetime] = field(default_factory=dict)
    sign_ins: UseRecord = UseRecord()
    credential_use: UseRecord = UseRecord()

    def application_of(self, principal: ServicePrincipal) -> Application | None:
        """Its registration, where that is in this tenant."""
        return None if principal.app_id is None else self.applications.get(principal.app_id.lower())

    def faces(self) -> Iterator[Faces]:
        """Applications: neither managed identities nor agents, nor those that are left out."""
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
        """Whether any list told of a blueprint."""
        return any(one.is_blueprint for one in (*self.applications.values(), *self.principals.values()))

    @property
    def registrations_known(self) -> bool:
        """Whether a registration that was not found is not there."""
        return s.APPLICATIONS not in self.gaps
