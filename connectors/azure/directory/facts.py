"""Facts of applications that have no field of their own, and what gaps kept from us (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.azure import sections as s
from connectors.azure.clouds import CloudName
from connectors.azure.directory.faces import Faces, known
from connectors.azure.directory.found import Found
from connectors.azure.directory.payloads import Person
from connectors.azure.directory.people import told
from connectors.unread import unread_facts
from scanner.model import Fact
from scanner.model.attributes import EXTERNAL, OWNERS, PUBLISHER, RESTORABLE_UNTIL, SPONSORS, TOKEN_SUBJECTS

ISSUERS: Mapping[CloudName, tuple[str, str]] = {
    "public": ("https://login.microsoftonline.com/{tenant}/v2.0", "https://sts.windows.net/{tenant}/"),
    "usgov": ("https://login.microsoftonline.us/{tenant}/v2.0", "https://sts.windows.net/{tenant}/"),
    "china": ("https://login.partner.microsoftonline.cn/{tenant}/v2.0", "https://sts.chinacloudapi.cn/{tenant}/"),
}
"""Whose tokens an identity shows, of both versions. Source:
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference"""


def token_subjects(found: Found, object_id: str | None) -> list[list[str]] | None:
    """Under which names it can show itself to others: a token's subject is its object id."""
    if object_id is None:
        return None
    return [[issuer.format(tenant=found.tenant), object_id] for issuer in ISSUERS[found.cloud]]


def people_of(
    of: Mapping[str, tuple[Person, ...]], faces: Faces, *, whole: bool = True
) -> list[dict[str, str | None]] | None:
    """The owners or sponsors of all faces; None where nobody was found, and there may be some that could not be read.

    ``whole``: no face is missing that could not be read.
    """
    ids = [face.id.lower() for face in faces]
    people = [person for one in ids for person in of.get(one, ())]
    return told(people) if people or (whole and all(one in of for one in ids)) else None


def attributes_of(found: Found, faces: Faces, words: list[str]) -> dict[str, Any]:
    """``words``: tags that are no pairs."""
    principal, application = faces.principal, faces.application
    third_party = faces.origin(found.tenant) == "third_party"
    sign = found.sign_ins.sign(faces.client_id)
    whole = not (is_principal_unread(found, faces) or _is_registration_unread(found, faces))
    return known({
        **_registration(found, faces),
        EXTERNAL: third_party or None,
        PUBLISHER: _publisher(faces) if third_party else None,
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
        TOKEN_SUBJECTS: token_subjects(found, principal.id if principal else None),
    })  # fmt: skip


def _registration(found: Found, faces: Faces) -> dict[str, str]:
    """Where it is registered. Where that is missing or deleted, nobody can sign in as it until it is back."""
    principal = faces.principal
    if faces.application is not None or principal is None:
        return {"registration": "here"}
    if faces.origin(found.tenant) != "own":
        return {"registration": "elsewhere"}
    if not found.registrations_known or principal.service_principal_type != "Application":
        return {}
    until = found.deleted.get((faces.client_id or "").lower())
    return {"registration": "deleted", RESTORABLE_UNTIL: until.isoformat()} if until else {"registration": "missing"}


def _publisher(faces: Faces) -> dict[str, Any]:
    principal = faces.principal
    told_of = principal.verified_publisher if principal else None
    return {
        "name": told_of.display_name if told_of else None,
        "verified": faces.has_verified_publisher,
        "tenant": principal.app_owner_organization_id if principal else None,
    }


def is_principal_unread(found: Found, faces: Faces) -> bool:
    """Whether it may have a principal that could not be read: that is who holds its rights, and may be disabled."""
    return faces.principal is None and s.SERVICE_PRINCIPALS in found.gaps


def _is_registration_unread(found: Found, faces: Faces) -> bool:
    """Whether it may be registered here, where that could not be read."""
    principal = faces.principal
    if faces.application is not None or principal is None or found.is_agent(principal):
        return False
    return faces.origin(found.tenant) == "own" and not found.registrations_known


def _has_keys(faces: Faces) -> bool:
    """Whether it has credentials whose use is reported: those of others' making, as tokens are, are not."""
    return any(face.key_credentials or face.password_credentials for face in faces)


def unread_of(found: Found, faces: Faces) -> tuple[Fact, ...]:
    """What of it a gap kept from us; whom an agent or its blueprint becomes is among its permissions."""
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
        use=no_principal or found.sign_ins.untold or (found.credential_use.untold and _has_keys(faces)),
    )
