"""An application's two faces, its principal and its registration: origin, who manages it, tags (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from connectors.azure.client.payloads import moment
from connectors.azure.identities.payloads import Application, ServicePrincipal

Origin: TypeAlias = Literal["own", "microsoft", "third_party"]
MICROSOFT: Mapping[str, str] = MappingProxyType({
    "f8cdef31-a31e-4b4a-93e4-5f571e91255a": "Microsoft Services",
    "72f988bf-86f1-41af-91ab-2d7cd011db47": "Microsoft",
    "33e01921-4d64-4f8c-a055-5bdaffd5e33d": "AME, production of Azure",
    "cdc5aeea-15c5-4db6-b079-fcadd2505dc2": "Torus, production of Microsoft 365",
})  # fmt: skip
"""The tenants that Microsoft's own applications are registered in, by id. Sources, as of 2026-11: the first two,
https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in; AME, the checks of
Maester, https://github.com/maester365/maester; Torus, where Graph Explorer and the Graph command line are from,
EntraOps 1.2.0, https://www.powershellgallery.com/packages/EntraOps. Others that only a single list names are not here:
no one in the tenant has to answer for an application of Microsoft's, so whose it is has to be certain."""
NOT_GALLERY = frozenset({
    "8adf8e6e-67b2-4cf2-a259-e3dc5476c621",
    "4602d0b4-76bb-404b-bca9-2652e1a39c6d",
    "5a532e38-1581-4918-9658-008dc27c1d68",
})  # fmt: skip
"""The template of "your own application" in each cloud: applications that are not in the gallery are made from it.

Source:
https://learn.microsoft.com/powershell/module/microsoft.entra.applications/new-entraapplicationfromapplicationtemplate
"""
MANY_TENANTS = frozenset({"AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"})
FIRST_PARTY_REASON = "it is one of Microsoft's own applications"
GALLERY_REASON = "it is a gallery application without a credential to sign in with"


def origin_of(tenant: str, principal: ServicePrincipal | None, application: Application | None) -> Origin:
    """The tenant's own, unless its principal names another one; Microsoft's are registered in no other tenant."""
    owner = (principal.app_owner_organization_id or "").lower() if principal is not None else ""
    if owner in ("", tenant):
        return "own"
    return "microsoft" if owner in MICROSOFT and application is None else "third_party"


def gallery_template(face: ServicePrincipal | Application | None) -> str | None:
    """The template of the gallery that it was made from.

    Tags report on the gallery, too, but anyone who owns an application writes them; the template's id is the service's.
    """
    template = face.application_template_id if face is not None else None
    return template if template and template.lower() not in NOT_GALLERY else None


def managed_by(origin: Origin, *, from_gallery: bool, is_vouched_for: bool, has_credentials: bool) -> str | None:
    """The reason why someone else is accountable for it.

    None if someone in this tenant can sign in as it: such an application is not exempt. ``is_vouched_for``: it is
    registered here, or its publisher is verified.
    """
    if has_credentials:
        return None
    if origin == "microsoft":
        return FIRST_PARTY_REASON
    return GALLERY_REASON if from_gallery and is_vouched_for else None


# --- The two faces of an application: its principal in this tenant and its registration; one may be missing ---

_NOT_DISABLED = "notdisabled"


class Faces(Struct, frozen=True, kw_only=True):
    """At least one of the two."""

    principal: ServicePrincipal | None = None
    application: Application | None = None

    def __iter__(self) -> Iterator[ServicePrincipal | Application]:
        """The faces that exist, the principal first."""
        return (face for face in (self.principal, self.application) if face is not None)

    @property
    def client_id(self) -> str | None:
        """Shared by both."""
        return next((face.app_id for face in self if face.app_id), None)

    @property
    def name(self) -> str:
        """Its name in this tenant; an id without one."""
        return first_text(*(face.display_name for face in self), self.client_id, *(face.id for face in self)) or ""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names: client id, the registration's id, and the names of what it serves."""
        registration = self.application.id if self.application else None
        names = self.principal.service_principal_names if self.principal else ()
        return tuple(dict.fromkeys(name for name in (self.client_id, registration, *names) if name))

    @property
    def description(self) -> str | None:
        """The first note or description that is not empty."""
        return first_text(*(text for face in self for text in (face.notes, face.description)))

    @property
    def enabled(self) -> bool | None:
        """Whether it can sign in: the account is enabled, and neither the tenant nor Microsoft has disabled it."""
        if any(face.is_disabled for face in self) or self.stopped_by_microsoft:
            return False
        return self.principal.account_enabled if self.principal else None

    @property
    def stopped_by_microsoft(self) -> str | None:
        """Microsoft's reason for disabling it."""
        reported = (face.disabled_by_microsoft_status for face in self)
        return next((status for status in reported if status and status.lower() != _NOT_DISABLED), None)

    @property
    def created_at(self) -> datetime | None:
        """The time of registration, or, if the service returns it, of addition to this tenant."""
        reported = (moment(face.created_date_time) for face in (self.application, self.principal) if face is not None)
        return next((one for one in reported if one is not None), None)

    @property
    def created_by(self) -> str | None:
        """The client id of the application that made it; None if a person did."""
        return next((face.created_by_app_id for face in self if face.created_by_app_id), None)

    @property
    def in_many_tenants(self) -> bool:
        """Whether it is multi-tenant: this tenant has no records of its use in other tenants."""
        audiences = (face.sign_in_audience for face in (self.application, self.principal) if face is not None)
        return next((one for one in audiences if one), None) in MANY_TENANTS

    @property
    def gallery_template(self) -> str | None:
        """The template of Microsoft's gallery that it was made from."""
        return next((one for face in self if (one := gallery_template(face))), None)

    @property
    def has_verified_publisher(self) -> bool:
        """Whether Microsoft knows who publishes it."""
        return any(face.verified_publisher and face.verified_publisher.verified_publisher_id for face in self)

    def origin(self, tenant: str) -> Origin:
        """Its origin, relative to a tenant."""
        return origin_of(tenant, self.principal, self.application)


def first_text(*texts: str | None) -> str | None:
    """The first text that is not empty."""
    return next((text for text in texts if text and text.strip()), None)


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The texts that are not None."""
    return {name: value for name, value in facts.items() if value is not None}


# --- Tags of Entra objects (pure) ---

_SEPARATORS = ":="


def tags_of(faces: Faces) -> tuple[dict[str, str], list[str]]:
    """Tags of the form ``key:value`` or ``key=value``, and the others. The first face with a key decides."""
    pairs: dict[str, str] = {}
    others: dict[str, None] = {}
    for tag in (tag for face in faces for tag in face.tags):
        key, value = _split(tag)
        if key and value:
            pairs.setdefault(key, value)
        else:
            others[tag] = None
    return pairs, list(others)


def _split(tag: str) -> tuple[str, str]:
    """Split a tag into key and value; None if a part is missing or the tag is a URL."""
    at = min((place for sign in _SEPARATORS if (place := tag.find(sign)) >= 0), default=-1)
    key, value = tag[:at].strip(), tag[at + 1 :].strip()
    return ("", "") if at < 0 or value.startswith("//") else (key, value)
