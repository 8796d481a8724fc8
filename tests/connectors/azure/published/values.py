"""Whether values on the wire are of their published types."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from tests.connectors.azure.published.shapes import Shape, derives, shapes

DATE_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,7})?(Z|[+-]\d\d:\d\d)")
GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DURATION: Final = re.compile(r"-?P(?=.)(\d+[YMWD])*(T(\d+(\.\d+)?[HMS])+)?")
ANNOTATIONS: Final = frozenset({"context", "count", "etag", "id", "nextLink", "type"})
KEYS: Final = ("id", "kid")
# An $expand of a directory object holds so many at most. Source: learn.microsoft.com/graph/query-parameters#expand
EXPANDED: Final = 20


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_time(value: Any) -> bool:
    match = DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        return match is not None and bool(datetime.fromisoformat(match[1]))
    except ValueError:
        return False


def _is_base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except binascii.Error:
        return False


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


PRIMITIVES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "any": lambda _: True,
    "base64": _is_base64,
    "base64url": _matches(re.compile(r"[A-Za-z0-9_-]+={0,2}")),
    "boolean": lambda value: isinstance(value, bool),
    "date": _matches(re.compile(r"\d{4}-\d\d-\d\d")),
    "dateTime": _is_time,
    "duration": _matches(DURATION),
    "epoch": lambda value: _is_whole(value) and 0 <= value < 2**33,  # seconds: as milliseconds it would be 1970
    "guid": _matches(GUID),
    "integer": _is_whole,
    "never": lambda _: False,
    "number": lambda value: _is_whole(value) or isinstance(value, float),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def of_kind(value: Any, kind: str, at: str) -> Iterator[str]:
    """What is wrong with a value at a place, for a type as shapes.py writes it."""
    if value is None and kind.endswith("?"):
        return
    kind = kind.removesuffix("?")
    if kind.endswith(("[]", "{}")):
        yield from _of_many(value, kind, at)
    elif kind in shapes():
        yield from _of_shape(value, kind, at)
    elif not PRIMITIVES.get(kind, PRIMITIVES["object"])(value):  # a type that was not extracted is some object
        yield f"{at}: {_shown(value)} is no {kind}"


def _of_many(value: Any, kind: str, at: str) -> Iterator[str]:
    if kind.endswith("[]") and isinstance(value, list):
        for number, item in enumerate(value):
            yield from of_kind(item, kind[:-2], f"{at}[{number}]")
    elif kind.endswith("{}") and isinstance(value, dict):
        for key, item in value.items():
            yield from of_kind(item, kind[:-2] + "?", f"{at}[{key!r}]")
    else:
        yield f"{at}: {_shown(value)} is no {kind}"


def _of_shape(value: Any, kind: str, at: str) -> Iterator[str]:
    shape = shapes()[kind]
    if shape.kind == "enum":
        # Azure's enumerations are compared without regard to case, Graph's exactly.
        azure = "." in kind and not kind.startswith("beta.")
        written = value.casefold() if azure and isinstance(value, str) else value
        if written not in (member.casefold() if azure else member for member in shape.members):
            yield f"{at}: {_shown(value)} is none of {', '.join(shape.members)}"
    elif isinstance(value, dict):
        yield from of_object(value, kind, at)
    else:
        yield f"{at}: {_shown(value)} is no {kind}"


def of_object(value: Mapping[str, Any], kind: str, at: str) -> Iterator[str]:
    """What is wrong with an object of a published type; it may say by @odata.type that it is of a derived one."""
    kind, problem = _said_type(value, kind)
    shape = shapes()[kind]
    if problem:
        yield f"{at}: {problem}"
    if not shape.properties and not shape.navigation:
        return  # an open type that is only what a tenant makes of it
    for wire, item in value.items():
        owner, annotated, annotation = wire.partition("@")
        if annotated:
            yield from _of_annotation(owner, annotation, shape, kind, at)
        elif wire in shape.properties:
            yield from of_kind(item, shape.properties[wire], f"{at}.{wire}")
        elif wire in shape.navigation:
            yield from of_kind(item, shape.navigation[wire], f"{at}.{wire}")
            if derives(kind, "directoryObject") and isinstance(item, list) and len(item) > EXPANDED:
                yield f"{at}.{wire}: {len(item)} expanded, at most {EXPANDED} ever are"
        else:
            yield f"{at}: {kind} has no property {wire}"
    yield from (f"{at}: {kind} without {wire}" for wire in shape.required if wire not in value)


def _said_type(value: Mapping[str, Any], kind: str) -> tuple[str, str]:
    said = value.get("@odata.type")
    if said is None:
        return kind, ""
    prefix = "beta." if kind.startswith("beta.") else ""
    name = prefix + str(said).removeprefix("#microsoft.graph.")
    if not str(said).startswith("#microsoft.graph.") or name not in shapes():
        return kind, f"@odata.type {_shown(said)} is no published type"
    if not derives(name, kind):
        return kind, f"{name} is no {kind}"
    return name, ""


def _of_annotation(owner: str, annotation: str, shape: Shape, kind: str, at: str) -> Iterator[str]:
    if owner and owner not in shape.properties and owner not in shape.navigation:
        yield f"{at}: {kind} has no property {owner}"
    service, _, name = annotation.rpartition(".")
    if service != "odata" or name not in ANNOTATIONS:
        yield f"{at}: no annotation is called {annotation}"


def _shown(value: Any) -> str:
    return repr(value)[:60]
