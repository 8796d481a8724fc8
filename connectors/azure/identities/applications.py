"""Applications and managed identities as Entra lists them, and which object is which identity (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure.identities.credentials import credentials_of, federation_of, signs_in
from connectors.azure.identities.faces import Faces, managed_by, tags_of
from connectors.azure.identities.facts import TenantFacts, attributes_of, is_principal_unread, token_subjects, unread_of
from connectors.azure.identities.federation import federates
from connectors.azure.identities.payloads import ServicePrincipal
from connectors.azure.keys import (
    agent_blueprint_key,
    agent_identity_key,
    application_key,
    arm_name,
    managed_identity_key,
    subscription_of,
)
from connectors.azure.rights.holders import Api, Directory
from connectors.azure.rights.inheritance import AzureLine
from connectors.azure.spec import APPLICATION, MANAGED_IDENTITY, SERVICE_PRINCIPAL, SPEC
from connectors.core.reading import unread_facts
from scanner.model import Identity, Privilege

NO_RIGHT_YET = Privilege(level="normal")
"""Assignments report rights, and raise the level."""
_NO_HOLDER = Privilege(level="unknown", evidence=("its service principal, which holds its rights, was not read",))
_SEEN_FROM_ITS_SUBSCRIPTION = unread_facts(credentials=True, tags=True, trusts=True)
"""Facts of a managed identity that Entra does not have. The unit of the subscription reads them."""


def application(found: TenantFacts, faces: Faces) -> Identity:
    """A service principal, or a registration that has none in this tenant."""
    kind = APPLICATION if faces.principal is None else SERVICE_PRINCIPAL
    return of_faces(found, faces, application_key(found.tenant, faces.client_id or faces.name), kind)


def of_faces(found: TenantFacts, faces: Faces, key: str, kind: str) -> Identity:
    """Service principal and registration as one identity.

    The use of a multi-tenant application is only partly known.
    """
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
        managed_by=managed_by(
            faces.origin(found.tenant),
            from_gallery=faces.gallery_template is not None,
            is_vouched_for=faces.origin(found.tenant) == "own" or faces.has_verified_publisher,
            has_credentials=any(signs_in(one) for one in credentials),
        ),
        tags=tags,
        attributes=attributes_of(found, faces, words),
        token_subjects=token_subjects(found, faces.principal.id if faces.principal else None),
        privilege=_NO_HOLDER if no_principal else NO_RIGHT_YET,
        consequences=(),
        credentials=tuple(sorted(credentials, key=lambda one: one.key)),
        links=federates(trusts),
        trusts=trusts,
        unread=unread_of(found, faces),
    )


def arm_id_of(principal: ServicePrincipal) -> str | None:
    """The resource id of a managed identity, which Graph lists among its alternative names; None for others."""
    if not principal.is_managed:
        return None
    return next((name for name in principal.alternative_names if name.lower().startswith("/subscriptions/")), None)


def managed_key(tenant: str, principal: ServicePrincipal) -> str:
    """The key that the subscription's unit uses; with the client id if the resource is unknown."""
    arm_id = arm_id_of(principal)
    return managed_identity_key(arm_id) if arm_id else application_key(tenant, principal.app_id or principal.id)


def managed_identity(found: TenantFacts, principal: ServicePrincipal) -> Identity:
    """A managed identity in Entra. The reports list client ids, not every managed identity: absence is no proof."""
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
        token_subjects=token_subjects(found, principal.id),
        privilege=NO_RIGHT_YET,
        consequences=(),
        unread=_SEEN_FROM_ITS_SUBSCRIPTION if subscription else (),
    )


# --- Identities by object id (pure) ---


def key_of(found: TenantFacts, faces: Faces) -> str:
    """The key of an application, or of a blueprint."""
    client = faces.client_id or faces.name
    return (agent_blueprint_key if found.is_blueprint(faces) else application_key)(found.tenant, client)


def named_objects(found: TenantFacts) -> Iterator[tuple[str, str, str]]:
    """The id of each object that is an identity, or a face of one, with the identity's key and the object's name."""
    for id_, principal in found.principals.items():
        if principal.is_managed:
            yield id_, managed_key(found.tenant, principal), principal.display_name or id_
        elif found.is_agent(principal):
            yield id_, agent_identity_key(found.tenant, principal.id), principal.display_name or id_
    for faces in found.faces():
        for face in faces:
            yield face.id.lower(), key_of(found, faces), faces.name


def directory_for_rights(found: TenantFacts) -> Directory:
    """The directory as the reading of rights needs it; Microsoft's own applications are among its APIs."""
    named = list(named_objects(found))
    return Directory(
        keys={id_: key for id_, key, _ in named},
        names={id_: one.display_name or id_ for id_, one in found.principals.items()},
        left_out=frozenset(found.left_out),
        apis={id_: _api(one) for id_, one in found.principals.items() if one.app_id is not None},
        lines=_lines(found),
    )


def _lines(found: TenantFacts) -> dict[str, AzureLine]:
    """Blueprints that have agents here, by the id of their principal in this tenant."""
    agents = found.agents_by_blueprint()
    return {
        id_: AzureLine(
            name=one.display_name or one.app_id or id_,
            agents={agent.id: agent.display_name or agent.id for agent in agents[(one.app_id or "").lower()]},
            declared=found.handed_on(one.app_id),
        )
        for id_, one in found.principals.items()
        if one.app_id and not found.is_agent(one) and one.app_id.lower() in agents
    }


def _api(principal: ServicePrincipal) -> Api:
    roles = {role.id.lower(): role.value or role.display_name or role.id for role in principal.app_roles}
    client = principal.app_id or principal.id
    return Api(id=principal.id, app_id=client, name=principal.display_name or client, app_roles=roles)
