"""What a type of resource is called, and whether such a resource is an AI agent; resource_types.toml says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from connectors.azure.subscription.rows import Resource
from scanner.model import Signal


class _Type(Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    variants: Mapping[str, str] = {}
    agent: Literal["strong", "weak"] | None = None
    agent_kinds: frozenset[str] = frozenset()
    words: str = ""


@cache
def _types() -> Mapping[str, _Type]:
    text = files("connectors.azure.subscription").joinpath("resource_types.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, _Type])


def kind_of(resource: Resource) -> str:
    """What such a resource is called: ``function_app``; else the type as Azure has it."""
    found = _types().get(resource.type.lower())
    if found is None:
        return resource.type.lower()
    said = _said(resource)
    return next((name for word, name in found.variants.items() if word in said), found.kind)


def agent_signal(resource: Resource) -> Signal | None:
    """That whatever the resource runs as is an AI agent's, or may be."""
    found = _types().get(resource.type.lower())
    if found is None or found.agent is None or (found.agent_kinds and not found.agent_kinds & _said(resource)):
        return None
    evidence = f"the {found.words} {resource.name} runs as it"
    return Signal(says="agent", sort="provider", evidence=evidence, strength=found.agent)


def _said(resource: Resource) -> frozenset[str]:
    """The words of its ``kind``: ``functionapp,linux``."""
    return frozenset(word.strip() for word in (resource.kind or "").lower().split(","))
