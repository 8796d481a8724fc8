"""Answers with everything in them that a service's model has, so that each declaration can be tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.aws.workloads.catalog import children
from connectors.aws.workloads.declarations import Fields, ResourceType, paths_of
from tests.connectors.aws.workloads.account import HIDDEN, ROLE, SECRET
from tests.connectors.aws.workloads.shapes import answer

_DEEP = 20
_TOKENS = ("NextToken", "nextToken", "Marker", "NextMarker")
_MOMENT = datetime(2026, 5, 1, tzinfo=UTC)
_KEYS = {"Roles": ("authenticated", "unauthenticated"), "RuntimeEnvironmentSecrets": ("KEY",)}
_PROFILES = ("iamInstanceProfile", "IamInstanceProfile", "instanceRole")


def full_answer(one: ResourceType, operation: str) -> dict[str, Any]:
    """An answer of the service's with one of each thing; texts that nothing is declared about are HIDDEN."""
    reported = {
        step for path in (one.listing.rows, *paths_of(one.record), *_templates(one)) for step in _steps(path) if step
    }
    filled = _fill(answer(one.service, operation), "", reported, ())
    assert isinstance(filled, dict)
    return {name: value for name, value in filled.items() if name not in _TOKENS}


def _templates(one: ResourceType) -> list[str]:
    own = [text for detail in one.details for text in (*detail.by.values(), detail.id)]
    return [*own, *(text for child in children(one.section) for text in child.listing.by.values())]


def _steps(path: str) -> list[str]:
    return path.replace("{", ".").replace("}", ".").replace("[", ".").replace("]", ".").split(".")


def _fill(shape: Any, name: str, reported: set[str], within: tuple[str, ...]) -> Any:
    """A value of that shape; None where it would never end, or is of no use."""
    if len(within) > _DEEP or within.count(shape.name) > 1 or shape.type_name == "blob":
        return None
    inside = (*within, shape.name)
    ways: Mapping[str, Callable[[], Any]] = {
        "structure": lambda: _structure(shape, reported, inside),
        "list": lambda: _listed(shape, _fill(shape.member, name, reported, inside)),
        "map": lambda: _mapped(shape, name, _fill(shape.value, name if name in _KEYS else "", reported, inside)),
        "string": lambda: _text(shape, name, reported),
        "boolean": lambda: True,
        "timestamp": lambda: _MOMENT,
    }
    return ways.get(shape.type_name, lambda: max(1, shape.metadata.get("min", 1)))()


def _listed(shape: Any, row: Any) -> list[Any]:
    return [] if row is None else [row] * max(1, shape.metadata.get("min", 1))


def _mapped(shape: Any, name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else dict.fromkeys(_KEYS.get(name) or [_text(shape.key, "key", {"key"})], value)


def _structure(shape: Any, reported: set[str], within: tuple[str, ...]) -> dict[str, Any] | None:
    if shape.is_document_type:
        return {}
    filled = {
        name: value
        for name, member in shape.members.items()
        if member.serialization.get("location") not in ("statusCode", "header")
        and (value := _fill(member, name, reported, within)) is not None
    }
    if not set(shape.required_members) <= set(filled):
        return None
    if not shape.is_tagged_union or not filled:
        return filled
    best = max(filled, key=lambda name: (name in reported, ROLE in repr(filled[name]), SECRET in repr(filled[name])))
    return {best: filled[best]}


def _text(shape: Any, name: str, reported: set[str]) -> str:
    if shape.enum:
        text: str = shape.enum[0]
        return text
    return _meant(name).ljust(shape.metadata.get("min", 0), "x") if name in reported else HIDDEN * 10


def _meant(name: str) -> str:
    lowered = name.lower()
    if "secret" in lowered or "apikeyarn" in lowered or "credentials" in lowered:
        return SECRET
    if name in _PROFILES:
        return "app"
    if "role" in lowered or lowered.startswith("principal"):
        return ROLE
    return f"arn:aws:x:eu-west-1::{name}" if "arn" in lowered else f"some-{name}"


def speaks_json(one: ResourceType) -> bool:
    """Whether the model server can speak for its service."""
    from tests.connectors.aws.workloads.shapes import model

    return isinstance(one.record, Fields) and model(one.service).metadata["protocol"] in ("json", "rest-json")
