"""Backstage: the software catalog's entities as entries, from ``catalog-info.yaml`` files or the catalog's API.

Annotations name an entity's identities. Any annotation whose value is a full id counts, whatever its name
(``amazon.com/iam-role-arn``, ``eks.amazonaws.com/role-arn``, ``iam.gke.io/gcp-service-account`` …), and a few others by
their name. An entity without any counts under its own name if it can act: an API, a system or a library cannot.

https://backstage.io/docs/features/software-catalog/descriptor-format
https://backstage.io/docs/features/software-catalog/well-known-annotations
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scanner.registry.formats.declaration import Declaration, Document, at, filled, literal, mappings, text, texts

_API = "backstage.io/"
_DEFAULT = "default"
_REF = re.compile(r"(?:(?P<kind>[^:/]+):)?(?:(?P<namespace>[^/]+)/)?(?P<name>.+)", re.DOTALL)

_FULL_ID = re.compile(r"arn:[a-z-]+:iam::\d{12}:(?:role|user)/\S+|[^@\s]+@[^@\s]+\.gserviceaccount\.com")
_IDS = ("iam.amazonaws.com/role", "azure.workload.identity/client-id")
"""Annotations that name a role (kube2iam) or a managed identity by less than its full id."""
_OTHERS = frozenset({"kubernetes.io/aws-assume-role"})
"""Annotations that name an identity of Backstage itself."""
_NAMESPACE, _WORKLOAD = "backstage.io/kubernetes-namespace", "backstage.io/kubernetes-id"

_KINDS = ("component", "resource", "api", "system")
_TYPES = {
    "service": "service",
    "website": "application",
    "agent": "agent",
    "ai-agent": "agent",
    "pipeline": "pipeline",
    "service-account": "service",
    "integration": "integration",
}
_PASSIVE = frozenset({"library", "documentation", "website", "template", "dataset", "data-product", "model"})
_ACTING = re.compile(r"\b(?:account|role|identity|principal|user|agent|bot)\b")

# The lifecycle as a status. "deprecated" still runs, and "experimental" is no environment.
_STATUSES = {"retired": "retired", "decommissioned": "retired", "planned": "proposed"}
_ENVIRONMENTS = {
    "production": "prod",
    "staging": "staging",
    "development": "dev",
    "test": "test",
}


class Ref(NamedTuple):
    """A reference to an entity, in lower case, because Backstage ignores case."""

    kind: str
    namespace: str
    name: str

    @property
    def short(self) -> str:
        """The name as people write it, without the default namespace."""
        return self.name if self.namespace == _DEFAULT else f"{self.namespace}/{self.name}"

    @property
    def person(self) -> str:
        """The user or group in the format of the roster."""
        return f"team:{self.short}" if self.kind == "group" else self.short

    def __str__(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}"


def is_entity(root: Mapping[str, Any]) -> bool:
    """Return whether a document is an entity, or the API's list of entities."""
    return _is_ours(root) or any(_is_ours(item) for item in mappings(root, "items"))


def _is_ours(data: Any) -> bool:
    return (text(data, "apiVersion") or "").startswith(_API) and text(data, "kind") is not None


def ref_of(data: Mapping[str, Any]) -> Ref | None:
    """Return the reference of an entity; None if it is no entity, or has no name."""
    name = text(data, "metadata", "name")
    if name is None or not _is_ours(data):
        return None
    namespace = text(data, "metadata", "namespace") or _DEFAULT
    return Ref((text(data, "kind") or "").lower(), namespace.lower(), name.lower())


def parse_ref(written: str, kind: str) -> Ref:
    """Parse a reference as entities write it: ``[kind:][namespace/]name``. ``kind``: the default."""
    found = _REF.fullmatch(written.lower())
    if found is None:
        return Ref(kind, _DEFAULT, written.lower())
    return Ref(found["kind"] or kind, found["namespace"] or _DEFAULT, found["name"])


def entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield components, resources, APIs and systems that have identities, without users and groups."""
    for document in documents:
        ref = ref_of(document.data)
        if ref is None or ref.kind not in _KINDS:
            continue
        identities = _identities(document.data)
        if identities or _acts(ref, document.data):
            yield Declaration(document=document, stand_in=str(ref), fields=_fields(document.data, identities))


def _identities(data: Mapping[str, Any]) -> list[str]:
    annotations = at(data, "metadata", "annotations")
    if not isinstance(annotations, dict):
        return []
    found = [
        value
        for name in annotations
        if name not in _OTHERS and (value := text(annotations, name)) and (name in _IDS or _FULL_ID.fullmatch(value))
    ]
    namespace, workload = text(annotations, _NAMESPACE), text(annotations, _WORKLOAD)
    account = f"system:serviceaccount:{namespace}:{workload}" if namespace and workload else None
    return [literal(one) for one in filled(*found, account)]


def _acts(ref: Ref, data: Mapping[str, Any]) -> bool:
    """Return whether an entity without annotations counts as an identity of its own name."""
    kind = (text(data, "spec", "type") or "").lower()
    if ref.kind == "component":
        return kind not in _PASSIVE
    return ref.kind == "resource" and _ACTING.search(kind) is not None


def _fields(data: Mapping[str, Any], identities: list[str]) -> dict[str, Any]:
    kind, lifecycle = text(data, "spec", "type"), text(data, "spec", "lifecycle")
    owner, system = text(data, "spec", "owner"), text(data, "spec", "system")
    name = text(data, "metadata", "name") or ""
    return {
        "name": name,
        "kind": _TYPES.get((kind or "").lower()),
        "purpose": text(data, "metadata", "description"),
        "identities": identities or [literal(name)],
        "owner": [parse_ref(owner, "group").person] if owner else None,
        "systems": [parse_ref(system, "system").short] if system else None,
        "status": _STATUSES.get((lifecycle or "").lower()),
        "environment": _ENVIRONMENTS.get((lifecycle or "").lower()),
        "spec.type": kind,
        "spec.lifecycle": lifecycle,
        "metadata.tags": texts(data, "metadata", "tags") or None,
    }


# --- Backstage: users and groups as people ---
#
# Four fields say who belongs to a group (``members``, ``memberOf``, ``children``, ``parent``); all count.
#
# https://backstage.io/docs/features/software-catalog/descriptor-format#kind-group

_USER_ALIASES = ("github.com/user-login", "graph.microsoft.com/user-id", "backstage.io/ldap-uuid")
_GROUP_ALIASES = ("github.com/team-slug", "graph.microsoft.com/group-id", "backstage.io/ldap-uuid")


def people(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield the users and groups; a group is ``team:`` and its name, a user without an e-mail the reference."""
    entities = [(ref, one) for one in documents if (ref := ref_of(one.data)) and ref.kind in ("user", "group")]
    members = _members(entities)
    same = _same_address(entities)
    for ref, document in entities:
        if ref.kind == "group":
            fields = _group(ref, document.data, members[ref])
        elif (users := same[_address(ref, document.data).lower()])[0] == ref:
            fields = _user(ref, document.data, users[1:])
        else:
            continue
        yield Declaration(document=document, stand_in=str(ref), fields=fields)


def _members(entities: Sequence[tuple[Ref, Document]]) -> Mapping[Ref, dict[str, None]]:
    """Return the members of each group, in the order of the documents.

    A user of this catalog is named by the unique reference, others by their name, which another list may know.
    """
    known = {ref for ref, _ in entities}
    members: dict[Ref, dict[str, None]] = defaultdict(dict)
    for ref, document in entities:
        data = document.data
        if ref.kind == "user":
            for group in texts(data, "spec", "memberOf"):
                members[parse_ref(group, "group")][str(ref)] = None
            continue
        for user in texts(data, "spec", "members"):
            named = parse_ref(user, "user")
            members[ref][str(named) if named in known else named.person] = None
        for child in texts(data, "spec", "children"):
            members[ref][parse_ref(child, "group").person] = None
        if parent := text(data, "spec", "parent"):
            members[parse_ref(parent, "group")][ref.person] = None
    return members


def _address(ref: Ref, data: Mapping[str, Any]) -> str:
    return text(data, "spec", "profile", "email") or str(ref)


def _same_address(entities: Sequence[tuple[Ref, Document]]) -> Mapping[str, list[Ref]]:
    """Return the users by address: one person can be a user of several namespaces."""
    users: dict[str, list[Ref]] = defaultdict(list)
    for ref, document in entities:
        if ref.kind == "user":
            users[_address(ref, document.data).lower()].append(ref)
    return users


def _user(ref: Ref, data: Mapping[str, Any], others: Sequence[Ref]) -> dict[str, Any]:
    names = [name for other in others for name in (str(other), other.short)]
    groups = texts(data, "spec", "memberOf")
    return {
        "email": _address(ref, data),
        "id": str(ref),
        "name": text(data, "spec", "profile", "displayName"),
        "aliases": filled(ref.short, *names, *_annotated(data, _USER_ALIASES)),
        "team": parse_ref(groups[0], "group").short if groups else None,
    }


def _group(ref: Ref, data: Mapping[str, Any], members: Mapping[str, None]) -> dict[str, Any]:
    return {
        "email": ref.person,
        "id": str(ref),
        "name": text(data, "spec", "profile", "displayName"),
        "aliases": filled(text(data, "spec", "profile", "email"), *_annotated(data, _GROUP_ALIASES)),
        "members": list(members) or None,
    }


def _annotated(data: Mapping[str, Any], names: Sequence[str]) -> list[str | None]:
    return [text(data, "metadata", "annotations", name) for name in names]
