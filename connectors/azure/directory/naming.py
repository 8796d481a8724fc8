"""Which identity an object of the directory is, by the object's id (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure.directory.faces import Faces
from connectors.azure.directory.found import Found
from connectors.azure.directory.identities import managed_key
from connectors.azure.directory.payloads import ServicePrincipal
from connectors.azure.keys import agent_blueprint_key, agent_identity_key, application_key
from connectors.azure.rights.directory import Api, Directory


def key_of(found: Found, faces: Faces) -> str:
    """The key of an application, or of a blueprint."""
    client = faces.client_id or faces.name
    return (agent_blueprint_key if found.is_blueprint(faces) else application_key)(found.tenant, client)


def named_objects(found: Found) -> Iterator[tuple[str, str, str]]:
    """The id of each object that is an identity, or a face of one, with the identity's key and the object's name."""
    for id_, principal in found.principals.items():
        if principal.is_managed:
            yield id_, managed_key(found.tenant, principal), principal.display_name or id_
        elif found.is_agent(principal):
            yield id_, agent_identity_key(found.tenant, principal.id), principal.display_name or id_
    for faces in found.faces():
        for face in faces:
            yield face.id.lower(), key_of(found, faces), faces.name


def as_told_to_rights(found: Found) -> Directory:
    """The directory as the reading of rights needs it; Microsoft's own applications are among its APIs."""
    named = list(named_objects(found))
    return Directory(
        keys={id_: key for id_, key, _ in named},
        names={id_: one.display_name or id_ for id_, one in found.principals.items()},
        left_out=frozenset(found.left_out),
        apis={id_: _api(one) for id_, one in found.principals.items() if one.app_id is not None},
    )


def _api(principal: ServicePrincipal) -> Api:
    roles = {role.id.lower(): role.value or role.display_name or role.id for role in principal.app_roles}
    client = principal.app_id or principal.id
    return Api(id=principal.id, app_id=client, name=principal.display_name or client, app_roles=roles)
