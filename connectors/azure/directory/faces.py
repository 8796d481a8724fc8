"""The two faces of an application, its principal in this tenant and its registration; one of them may be missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.azure.dates import moment
from connectors.azure.directory import origins
from connectors.azure.directory.payloads import Application, ServicePrincipal

_NOT_DISABLED = "notdisabled"


class Faces(Struct, frozen=True, kw_only=True):
    """At least one of the two."""

    principal: ServicePrincipal | None = None
    application: Application | None = None

    def __iter__(self) -> Iterator[ServicePrincipal | Application]:
        """Those that are there, the principal first."""
        return (face for face in (self.principal, self.application) if face is not None)

    @property
    def client_id(self) -> str | None:
        """Shared by both."""
        return next((face.app_id for face in self if face.app_id), None)

    @property
    def name(self) -> str:
        """What it is called here; an id where it has no name."""
        return first_text(*(face.display_name for face in self), self.client_id, *(face.id for face in self)) or ""

    @property
    def aliases(self) -> tuple[str, ...]:
        """What else it is known by: client id, the registration's id, and the names of what it serves."""
        registration = self.application.id if self.application else None
        names = self.principal.service_principal_names if self.principal else ()
        return tuple(dict.fromkeys(name for name in (self.client_id, registration, *names) if name))

    @property
    def description(self) -> str | None:
        """The first note, or description, that says something."""
        return first_text(*(text for face in self for text in (face.notes, face.description)))

    @property
    def enabled(self) -> bool | None:
        """Whether it can sign in: its account is on, and nobody, Microsoft included, has switched it off."""
        if any(face.is_disabled for face in self) or self.stopped_by_microsoft:
            return False
        return self.principal.account_enabled if self.principal else None

    @property
    def stopped_by_microsoft(self) -> str | None:
        """The reason that Microsoft tells for having disabled it."""
        told = (face.disabled_by_microsoft_status for face in self)
        return next((status for status in told if status and status.lower() != _NOT_DISABLED), None)

    @property
    def created_at(self) -> datetime | None:
        """When it was registered; else, where the service tells it, when it came into this tenant."""
        told = (moment(face.created_date_time) for face in (self.application, self.principal) if face is not None)
        return next((one for one in told if one is not None), None)

    @property
    def created_by(self) -> str | None:
        """The client id of the application that made it; None where a person did."""
        return next((face.created_by_app_id for face in self if face.created_by_app_id), None)

    @property
    def in_many_tenants(self) -> bool:
        """Whether it is taken in other tenants, too: of its use there, this tenant's records say nothing."""
        audiences = (face.sign_in_audience for face in (self.application, self.principal) if face is not None)
        return next((one for one in audiences if one), None) in origins.MANY_TENANTS

    @property
    def gallery_template(self) -> str | None:
        """The template of Microsoft's gallery that it was made from."""
        return next((one for face in self if (one := origins.gallery_template(face))), None)

    @property
    def has_verified_publisher(self) -> bool:
        """Whether Microsoft knows who publishes it."""
        return any(face.verified_publisher and face.verified_publisher.verified_publisher_id for face in self)

    def origin(self, tenant: str) -> origins.Origin:
        """Where it is from, seen from a tenant."""
        return origins.origin_of(tenant, self.principal, self.application)


def first_text(*texts: str | None) -> str | None:
    """The first that says something."""
    return next((text for text in texts if text and text.strip()), None)


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are."""
    return {name: value for name, value in facts.items() if value is not None}
