"""The published types, by name: Graph v1.0's as they are, beta's and Azure's after a prefix (`msi.Identity`).

A property's type is written `kind`, `kind[]` (a list of them) or `kind{}` (a map to them), with `?` where it may be
null. Kinds are those of values.py, or the name of another type.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

HERE: Final = Path(__file__).parent
EXTRACTS: Final = ("graph-v1.json", "graph-beta.json", "azure.json")


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published type: an entity has a key and may be navigated to, a complex one is part of others."""

    kind: str
    base: str | None = None
    properties: dict[str, str] = {}
    navigation: dict[str, str] = {}
    members: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@cache
def shapes() -> dict[str, Shape]:
    """Every published type with what it inherits, and with what is known of it more exactly."""
    own: dict[str, Shape] = {}
    for name in EXTRACTS:
        own |= msgspec.json.decode((HERE / name).read_bytes(), type=dict[str, Shape])
    narrower = tomllib.loads((HERE / "narrower.toml").read_text())
    return {name: _whole(name, own, narrower) for name in own}


def _whole(name: str, own: dict[str, Shape], narrower: dict[str, dict[str, str]]) -> Shape:
    shape = own[name]
    above = _whole(shape.base, own, narrower) if shape.base else Shape(kind=shape.kind)
    return msgspec.structs.replace(
        shape,
        properties=above.properties | shape.properties | narrower.get(name, {}),
        navigation=above.navigation | shape.navigation,
    )


def derives(name: str, ancestor: str) -> bool:
    """Whether a type is another or is derived from it."""
    walked: str | None = name
    while walked is not None and walked != ancestor:
        walked = shapes()[walked].base
    return walked is not None


@cache
def names(type_name: str) -> frozenset[str]:
    """The properties that may be asked of a type: its own, and where it is the base of all, any derived type's."""
    base_of_all = type_name == "directoryObject"
    types = [name for name in shapes() if derives(name, type_name)] if base_of_all else [type_name]
    return frozenset(wire for name in types for wire in shapes()[name].properties)
