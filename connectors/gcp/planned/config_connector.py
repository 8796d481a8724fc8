"""IAM in objects of Config Connector, as the Terraform resources that make the same.

A policy of several bindings becomes a resource for each (``IAMPolicy/infra/x.bindings.1``). A reference to an account
in the files is an unknown value that comes from its object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from connectors.planned import UNKNOWN, Resource
from connectors.planned.shapes import listed, mapping, text

GROUP: Final = "iam.cnrm.cloud.google.com"
_PROJECT = "cnrm.cloud.google.com/project-id"
"""The annotation of an object, or of its namespace, with its project."""
_HOLDERS: Final[Mapping[str, tuple[str, str]]] = {
    "Project": ("google_project_iam", "project"),
    "Folder": ("google_folder_iam", "folder"),
    "Organization": ("google_organization_iam", "org_id"),
    "IAMServiceAccount": ("google_service_account_iam", "service_account_id"),
}
"""By kind of what a policy is attached to: the Terraform type without its form, and the argument that names it."""
READ: Final = frozenset(
    f"{GROUP}/{kind}"
    for kind in (
        "IAMServiceAccount", "IAMServiceAccountKey", "IAMCustomRole",
        "IAMPolicyMember", "IAMPartialPolicy", "IAMPolicy",
    )
)  # fmt: skip
"""The kinds that are read, where they are about a known kind of resource."""
_References = dict[str, tuple[str, ...]]


def as_terraform(resources: Iterable[Resource]) -> list[Resource]:
    """Return the resources, with objects of Config Connector as what they make, and all others as they are."""
    return [made for each in resources for made in (_made(each) if each.type.startswith(GROUP) else (each,))]


def _made(resource: Resource) -> Iterator[Resource]:
    spec = mapping(resource.values.get("spec"))
    match resource.type.rpartition("/")[2]:
        case "IAMServiceAccount":
            names = {"display_name": spec.get("displayName"), "description": spec.get("description")}
            values = {"account_id": _own_name(resource, spec), "disabled": spec.get("disabled"), **names}
            yield _as(resource, "google_service_account", values, {})
        case "IAMServiceAccountKey":
            account, at = _account(resource, spec.get("serviceAccountRef"))
            yield _as(
                resource, "google_service_account_key", {"service_account_id": account}, _at(at, "service_account_id")
            )
        case "IAMCustomRole":
            values = {"role_id": _own_name(resource, spec), "permissions": spec.get("permissions")}
            yield _as(resource, "google_project_iam_custom_role", values, {})
        case "IAMPolicyMember":
            yield from _bindings(resource, spec, [{**spec, "members": [spec]}])
        case "IAMPartialPolicy" | "IAMPolicy" if isinstance(spec.get("bindings"), list):
            yield from _bindings(resource, spec, spec["bindings"])
        case _:
            yield resource


def _bindings(resource: Resource, spec: Mapping[str, Any], bindings: Iterable[Any]) -> Iterator[Resource]:
    """A resource for each binding; the object as it is, a gap, where it is about anything but a known kind."""
    ref = mapping(spec.get("resourceRef"))
    holder = _HOLDERS.get(text(ref.get("kind")))
    if holder is None:
        yield resource
        return
    kind, argument = holder
    rows = list(map(mapping, bindings))
    for number, binding in enumerate(rows):
        on, refers = _on(resource, ref, argument)
        members: list[Any] = []
        for each in listed(binding.get("members")):
            member, at = _member(resource, each)
            refers |= _at(at, f"members.{len(members)}")
            members.append(member)
        values = {argument: on, "role": binding.get("role"), "members": members, "condition": binding.get("condition")}
        place = resource.place
        if len(rows) > 1:
            place = replace(place, resource=f"{place.resource}.bindings.{number}")
        yield _as(replace(resource, place=place), f"{kind}_binding", values, refers)


def _on(resource: Resource, ref: Mapping[str, Any], argument: str) -> tuple[Any, _References]:
    """What a binding is attached to, by an id outside or an object."""
    if argument == "service_account_id":
        account, at = _account(resource, ref)
        return account, _at(at, argument)
    external = text(ref.get("external")).rpartition("/")[2]
    return external or text(ref.get("name")) or UNKNOWN, {}


def _member(resource: Resource, member: Any) -> tuple[Any, str]:
    """A member as a text, and the place of the object that it is."""
    if isinstance(member, str):
        return member, ""
    written = mapping(member).get("member")
    if isinstance(written, str):
        return written, ""
    account, at = _account(resource, mapping(mapping(member).get("memberFrom")).get("serviceAccountRef"))
    return (f"serviceAccount:{account}" if isinstance(account, str) else UNKNOWN), at


def _account(resource: Resource, ref: Any) -> tuple[Any, str]:
    """The account that a reference names: its e-mail if it is outside, else UNKNOWN and the place of its object."""
    external = text(mapping(ref).get("external"))
    if external:
        return external.rpartition("/")[2], ""
    namespace = text(mapping(ref).get("namespace")) or text(_metadata(resource).get("namespace"))
    return UNKNOWN, "/".join(filter(None, ("IAMServiceAccount", namespace, text(mapping(ref).get("name")))))


def _at(place: str, path: str) -> _References:
    return {path: (place,)} if place else {}


def _own_name(resource: Resource, spec: Mapping[str, Any]) -> str:
    return text(spec.get("resourceID")) or text(_metadata(resource).get("name"))


def _metadata(resource: Resource) -> Mapping[str, Any]:
    return mapping(resource.values.get("metadata"))


def _as(resource: Resource, kind: str, values: Mapping[str, Any], refers: _References) -> Resource:
    project = text(mapping(_metadata(resource).get("annotations")).get(_PROJECT))
    return replace(
        resource,
        type=kind,
        values={name: value for name, value in values.items() if value is not None},
        refers=refers,
        account=project or resource.account,
    )
