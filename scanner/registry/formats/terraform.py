"""Terraform: the resources of a state, from ``*.tfstate`` (version 4) or ``terraform show -json``.

A state shows that an identity was created on purpose, but not who owns it. It is full of secrets, so only the
attributes in terraform.toml are read. Data sources (``data``) are not declared by it, and resources without an id do
not exist yet.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any, NamedTuple

from msgspec import Struct

from scanner.catalog import read_table
from scanner.registry.formats.declaration import Declaration, Document, at, literal, mappings, text
from scanner.registry.tables.headings import holds_secret


class Holder(Struct, frozen=True, forbid_unknown_fields=True):
    """The holder of a credential; terraform.toml explains the fields."""

    type: str
    attribute: str
    equals: str


class ResourceType(Struct, frozen=True, forbid_unknown_fields=True):
    """A type of resource; terraform.toml explains the fields."""

    provider: str
    identities: tuple[str, ...]
    name: str | None = None
    kind: str | None = None
    scope: str | None = None
    tags: str | None = None
    holder: Holder | None = None


TYPES = read_table("scanner.registry.formats", "terraform.toml", dict[str, ResourceType])
_HOLDERS = {kind.holder.type: kind.holder.equals for kind in TYPES.values() if kind.holder}


class _Resource(NamedTuple):
    address: str
    type: str
    attributes: Mapping[str, Any]
    document: Document

    def render(self, template: str | None) -> str | None:
        return None if template is None else _render(template, self.attributes, str)

    @property
    def identities(self) -> list[str]:
        rendered = (_render(identity, self.attributes, literal) for identity in TYPES[self.type].identities)
        return [one for one in rendered if one is not None]


def is_state(root: Mapping[str, Any]) -> bool:
    """Return whether a document is a state, or the output of ``terraform show -json``."""
    if "terraform_version" in root and isinstance(root.get("resources"), list):
        return True
    return "format_version" in root and isinstance(at(root, "values", "root_module"), dict)


def entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """Yield every identity, with its address as id and its credentials, if their holder is known."""
    resources = [one for document in documents for one in _resources(document) if one.type in TYPES and one.identities]
    holders = _holders(resources)
    credentials: dict[str, list[str]] = defaultdict(list)
    existing = []
    for resource in resources:
        holder = TYPES[resource.type].holder
        held = holders.get((holder.type, resource.render(holder.attribute)), ()) if holder else ()
        if len(held) == 1:
            credentials[held[0]].extend(resource.identities)
        else:
            existing.append(resource)
    for resource in existing:
        fields = _fields(resource) | {"credentials": credentials[resource.address] or None}
        yield Declaration(document=resource.document, stand_in=resource.address, fields=fields)


def _holders(resources: Sequence[_Resource]) -> Mapping[tuple[str, str | None], list[str]]:
    """Return the addresses of possible holders of credentials, by type and by the id that the credential has."""
    holders: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for resource in resources:
        if resource.type in _HOLDERS:
            holders[resource.type, resource.render(_HOLDERS[resource.type])].append(resource.address)
    return holders


def _fields(resource: _Resource) -> dict[str, Any]:
    kind = TYPES[resource.type]
    found = at(resource.attributes, kind.tags) if kind.tags else None
    tags = found if isinstance(found, dict) else {}
    return {
        "name": resource.render(kind.name),
        "kind": kind.kind,
        "identities": resource.identities,
        "provider": kind.provider,
        "scope": resource.render(kind.scope),
        # With a prefix, so that a tag is not read as one of our columns. A state does not say who owns a resource.
        **{f"tag:{key}": text(tags, key) for key in sorted(tags) if not holds_secret(key)},
    }


def _render(template: str, attributes: Mapping[str, Any], written: Callable[[str], str]) -> str | None:
    """Return the template with its attributes filled in, each formatted by ``written``; None if one is missing."""
    parts = []
    for before, path, _, _ in Formatter().parse(template):
        parts.append(before)
        if path is None:
            continue
        value = text(attributes, *(int(step) if step.isdigit() else step for step in path.rstrip("/").split(".")))
        if value is None and not path.endswith("/"):
            return None
        parts.append(written(value) + "/" * path.endswith("/") if value else "")
    return "".join(parts)


# --- The two layouts ---


def _resources(document: Document) -> Iterator[_Resource]:
    """Yield the managed resources of an element of a state's ``resources``, or of a whole ``show -json``."""
    data = document.data
    if "values" in data:
        yield from _shown(document)
    elif text(data, "mode") == "managed" and (kind := text(data, "type")):
        base = ".".join(filter(None, (text(data, "module"), kind, text(data, "name"))))
        for instance in mappings(data, "instances"):
            attributes = instance.get("attributes")
            if isinstance(attributes, dict) and "deposed" not in instance:
                yield _Resource(base + _index(instance.get("index_key")), kind, attributes, document)


def _index(key: Any) -> str:
    """Return the index of an instance: ``[0]`` of a count, ``["a"]`` of a for_each."""
    return "" if key is None else f"[{json.dumps(key)}]"


def _shown(document: Document) -> Iterator[_Resource]:
    modules = [at(document.data, "values", "root_module")]
    while modules:
        module = modules.pop()
        modules.extend(reversed(mappings(module, "child_modules")))
        for one in mappings(module, "resources"):
            address, kind, attributes = text(one, "address"), text(one, "type"), one.get("values")
            if text(one, "mode") == "managed" and address and kind and isinstance(attributes, dict):
                yield _Resource(address, kind, attributes, document)
