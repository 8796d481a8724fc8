"""Microsoft Graph's types as the generated Python SDKs carry them, and which of their properties may be null.

The SDKs (msgraph-sdk, msgraph-beta-sdk) are generated from Graph's own metadata: each model names every property with
the way it is read. They do not say what may be null; Microsoft's TypeScript declarations of the same metadata do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

READ: Final = {
    "bool": "boolean",
    "str": "string",
    "uuid": "guid",
    "datetime": "dateTime",
    "date": "date",
    "timedelta": "duration",
    "int": "integer",
    "float": "number",
    "bytes": "base64",
    "UUID": "guid",
}
CLASS: Final = re.compile(r"^class (\w+)\((\w+)(.*)\):", re.MULTILINE)
IMPORT: Final = re.compile(r"^\s*from (\.+)([\w.]+) import (\w+)$", re.MULTILINE)
MEMBER: Final = re.compile(r'^    \w+ = "([^"]*)"', re.MULTILINE)
PROPERTY: Final = re.compile(r"""^\s+"([^@"]+)": lambda n : .*n\.get_(\w+?)_values?\((\w*)\)\),$""", re.MULTILINE)
INTERFACE: Final = re.compile(r"^export interface (\w+)[^{\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
NEVER_NULL: Final = re.compile(r"^    (\w+)\?: (?!NullableOption)", re.MULTILINE)


# Entity types that do not derive from "entity", but have a key of their own.
OWN_KEY: Final = frozenset({"InheritablePermission"})


def lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


def never_null(declarations: str) -> Mapping[str, frozenset[str]]:
    """Type → the properties that are never null, from the TypeScript declarations."""
    return {lower_first(name): frozenset(NEVER_NULL.findall(body)) for name, body in INTERFACE.findall(declarations)}


class Model:
    """One module of the models: a class, and what it imports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        match = CLASS.search(self.text)
        if match is None:
            raise ValueError(f"{path} holds no class")
        self.name, self.first_base = match[1], match[2]
        self.is_enum = "Enum" in match[3]

    def imported(self, word: str) -> Path | None:
        if word == self.name:
            return self.path
        for dots, path, name in IMPORT.findall(self.text):
            if name == word:
                return self.path.parents[len(dots) - 1].joinpath(*path.split(".")).with_suffix(".py")
        return None

    @property
    def is_entity(self) -> bool:
        """A property whose type is an entity is a navigation property: no structural one can be."""
        base = self.imported(self.first_base)
        return self.name in {"Entity", *OWN_KEY} or (base is not None and Model(base).is_entity)


def types(
    folder: Path, roots: Iterable[str], *, shallow: Iterable[str], nulls: Mapping[str, frozenset[str]], prefix: str
) -> dict[str, dict[str, Any]]:
    """The types of these modules with all that they are made of, each name after a prefix.

    What the shallow ones are made of is "any", and what a property navigates to is only named.
    """
    found: dict[str, dict[str, Any]] = {}
    alone = set(shallow)
    waiting = [folder / f"{root}.py" for root in (*roots, *shallow)]
    while waiting:
        model = Model(waiting.pop())
        name = lower_first(model.name)
        if prefix + name not in found:
            never = nulls.get(name, frozenset())
            found[prefix + name], parts = _shape(model, never, whole=model.path.stem not in alone, prefix=prefix)
            waiting += parts
    return found


def _shape(model: Model, never: frozenset[str], *, whole: bool, prefix: str) -> tuple[dict[str, Any], list[Path]]:
    if model.is_enum:
        return {"kind": "enum", "members": MEMBER.findall(model.text)}, []
    shape: dict[str, Any] = {"kind": "entity" if model.is_entity else "complex"}
    parts = []
    if base := model.imported(model.first_base):
        shape["base"] = prefix + lower_first(model.first_base)
        parts.append(base)
    for wire, how, part in PROPERTY.findall(model.text):
        many = "[]" if how.startswith("collection_of") else ""
        target = model.imported(part)
        if target is None:
            kind = READ.get(part) or READ[how]
        elif Model(target).is_entity:
            shape.setdefault("navigation", {})[wire] = prefix + lower_first(part) + many
            continue
        else:
            kind = prefix + lower_first(part) if whole else "any"
            parts += [target] if whole else []
        shape.setdefault("properties", {})[wire] = kind + many + ("" if wire in never else "?")
    return shape, parts
