"""Where an application is from, and whether somebody else answers for it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from connectors.azure.directory.payloads import Application, ServicePrincipal

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
nobody in the tenant has to answer for an application of Microsoft's, so whose it is has to be certain."""
NOT_GALLERY = frozenset({
    "8adf8e6e-67b2-4cf2-a259-e3dc5476c621",
    "4602d0b4-76bb-404b-bca9-2652e1a39c6d",
    "5a532e38-1581-4918-9658-008dc27c1d68",
})  # fmt: skip
"""The template of "your own application" in each cloud: made from it is whatever the gallery does not have. Source:
https://learn.microsoft.com/powershell/module/microsoft.entra.applications/new-entraapplicationfromapplicationtemplate"""
MANY_TENANTS = frozenset({"AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"})
FIRST_PARTY_REASON = "it is one of Microsoft's own applications"
GALLERY_REASON = "it is from Microsoft's gallery, and has no credential with which anybody here could sign in as it"


def origin_of(tenant: str, principal: ServicePrincipal | None, application: Application | None) -> Origin:
    """The tenant's own, unless its principal names another one; Microsoft's are registered in no other tenant."""
    owner = (principal.app_owner_organization_id or "").lower() if principal is not None else ""
    if owner in ("", tenant):
        return "own"
    return "microsoft" if owner in MICROSOFT and application is None else "third_party"


def gallery_template(face: ServicePrincipal | Application | None) -> str | None:
    """The template of the gallery that it was made from.

    Tags tell of the gallery, too, but whoever owns an application writes them; the template's id is the service's.
    """
    template = face.application_template_id if face is not None else None
    return template if template and template.lower() not in NOT_GALLERY else None


def managed_by(origin: Origin, *, from_gallery: bool, is_vouched_for: bool, has_credentials: bool) -> str | None:
    """Why somebody else answers for it.

    None where somebody here can sign in as it: then it is used by whoever holds that credential, and exempt is nobody
    who may hide one. ``is_vouched_for``: it is registered here, or its publisher is verified.
    """
    if has_credentials:
        return None
    if origin == "microsoft":
        return FIRST_PARTY_REASON
    return GALLERY_REASON if from_gallery and is_vouched_for else None
