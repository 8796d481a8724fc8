"""Applications as identities, and managed identities as Entra sees them (pure)."""

from __future__ import annotations

from connectors.azure.directory import origins
from connectors.azure.directory.credentials import credentials_of, federation_of, signs_in
from connectors.azure.directory.faces import Faces, known
from connectors.azure.directory.facts import attributes_of, is_principal_unread, token_subjects, unread_of
from connectors.azure.directory.found import Found
from connectors.azure.directory.labels import tags_of
from connectors.azure.directory.payloads import ServicePrincipal
from connectors.azure.federation import federates
from connectors.azure.keys import application_key, arm_name, managed_identity_key, subscription_of
from connectors.azure.spec import APPLICATION, MANAGED_IDENTITY, SERVICE_PRINCIPAL, SPEC
from connectors.unread import unread_facts
from scanner.model import Identity, Privilege
from scanner.model.attributes import TOKEN_SUBJECTS

NO_RIGHT_YET = Privilege(level="normal")
"""Rights are told as assignments, and raise it."""
_NO_HOLDER = Privilege(level="unknown", evidence=("its service principal, which holds its rights, was not read",))
_SEEN_FROM_ITS_SUBSCRIPTION = unread_facts(credentials=True, tags=True, trusts=True)
"""What Entra does not know of a managed identity; the subscription's unit does, and clears it."""


def application(found: Found, faces: Faces) -> Identity:
    """A service principal, wherever it is registered, or a registration that has none here."""
    kind = APPLICATION if faces.principal is None else SERVICE_PRINCIPAL
    return of_faces(found, faces, application_key(found.tenant, faces.client_id or faces.name), kind)


def of_faces(found: Found, faces: Faces, key: str, kind: str) -> Identity:
    """Both faces as one identity. Which of its uses are missing is not known of one that other tenants take, too."""
    federated = found.federated.get(faces.application.id.lower(), ()) if faces.application else ()
    federation, trusts = federation_of(key, found.tenant, federated)
    no_principal = is_principal_unread(found, faces)
    own_elsewhere = faces.in_many_tenants and faces.origin(found.tenant) == "own"
    use = found.credential_use.shown_only() if own_elsewhere else found.credential_use
    credentials = (*credentials_of(key, faces, use), *federation)
    tags, words = tags_of(faces)
    return Identity(
        key=key,
        provider=SPEC.name,
        source=found.scope.source,
        scope=found.scope.id,
        kind=kind,
        name=faces.name,
        description=faces.description,
        unique_id=faces.principal.id if faces.principal else None,
        aliases=faces.aliases,
        enabled=faces.enabled,
        created_at=faces.created_at,
        created_by=faces.created_by,
        last_used_at=found.sign_ins.last(faces.client_id),
        use_tracked_days=None if own_elsewhere or no_principal else found.sign_ins.reach,
        managed_by=origins.managed_by(
            faces.origin(found.tenant),
            from_gallery=faces.gallery_template is not None,
            is_vouched_for=faces.origin(found.tenant) == "own" or faces.has_verified_publisher,
            has_credentials=any(signs_in(one) for one in credentials),
        ),
        tags=tags,
        attributes=attributes_of(found, faces, words),
        privilege=_NO_HOLDER if no_principal else NO_RIGHT_YET,
        credentials=tuple(sorted(credentials, key=lambda one: one.key)),
        links=federates(trusts),
        trusts=trusts,
        unread=unread_of(found, faces),
    )


def arm_id_of(principal: ServicePrincipal) -> str | None:
    """The resource id of a managed identity, which Graph keeps among its alternative names; None for others."""
    if not principal.is_managed:
        return None
    return next((name for name in principal.alternative_names if name.lower().startswith("/subscriptions/")), None)


def managed_key(tenant: str, principal: ServicePrincipal) -> str:
    """As the subscription's own unit has it. One whose resource is not told is known by its client id."""
    arm_id = arm_id_of(principal)
    return managed_identity_key(arm_id) if arm_id else application_key(tenant, principal.app_id or principal.id)


def managed_identity(found: Found, principal: ServicePrincipal) -> Identity:
    """The tenant's reports are of client ids, and do not promise to have each managed identity: absence is no proof."""
    arm_id = arm_id_of(principal)
    subscription = subscription_of(arm_id) if arm_id else None
    name = arm_name(arm_id) if arm_id else principal.display_name
    aliases = (principal.app_id, arm_id)
    faces = Faces(principal=principal)
    return Identity(
        key=managed_key(found.tenant, principal),
        provider=SPEC.name,
        source=found.scope.source,
        scope=subscription or found.scope.id,
        kind=MANAGED_IDENTITY,
        name=name or principal.id,
        unique_id=principal.id,
        aliases=tuple(alias for alias in aliases if alias),
        enabled=faces.enabled,
        created_at=faces.created_at,
        last_used_at=found.sign_ins.last(principal.app_id),
        attributes=known({TOKEN_SUBJECTS: token_subjects(found, principal.id)}),
        privilege=NO_RIGHT_YET,
        unread=_SEEN_FROM_ITS_SUBSCRIPTION if subscription else (),
    )
