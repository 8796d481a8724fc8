"""The published requests, and whether one that was sent is among them with the options that it may have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import msgspec

from tests.connectors.azure.published.shapes import HERE, derives, names, shapes

ALWAYS: Final = frozenset({"$skiptoken", "api-version"})  # a link to the next page has them
PART: Final = re.compile(r"/\{\w+\*\}|\{\w+\}")
EXPAND: Final = re.compile(r"(\w+)(?:\(([^()]*)\))?(?:,|$)")
COMPARED: Final = re.compile(r"([A-Za-z][\w/]*)\s+(?:eq|ne|gt|ge|lt|le|in)\b|\(([A-Za-z]\w*),")
VARIABLE: Final = re.compile(r"\b(?:any|all)\((\w+):")
# Source: learn.microsoft.com/graph/aad-advanced-queries
ADVANCED: Final = re.compile(r"\b(?:ne|not|endsWith)\b", re.IGNORECASE)
LITERAL: Final = re.compile(r"'(?:[^']|'')*'")


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published request; requests.toml says what the fields are."""

    path: str
    method: str = "GET"
    returns: str = ""
    sends: str = ""
    page: int | None = None
    top: int | None = None
    options: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()

    @property
    def entity(self) -> str:
        """The type of what comes back, or of each of them."""
        return self.returns.removesuffix("[]")


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The requests of one service, the query options that all of them share, and the type of its errors."""

    requests: tuple[Request, ...]
    options: tuple[str, ...]
    error: str = ""


@cache
def services() -> Mapping[str, Service]:
    return msgspec.convert(tomllib.loads((HERE / "requests.toml").read_text()), dict[str, Service])


@cache
def _table() -> tuple[tuple[re.Pattern[str], Request, str], ...]:
    """Each request with its pattern and its service; /x/microsoft.graph.y is listed before /x/{id}."""
    return tuple(
        (_pattern(request.path), request, name) for name, service in services().items() for request in service.requests
    )


def _pattern(path: str) -> re.Pattern[str]:
    parts, literals = PART.findall(path), PART.split(path)
    written = [re.escape(literals[0])]
    for part, literal in zip(parts, literals[1:], strict=True):
        written += ["(?:/.+)?" if "*" in part else r"[^/()']+", re.escape(literal)]
    return re.compile("".join(written), re.IGNORECASE)


def find(method: str, path: str) -> tuple[Request, str] | None:
    """The first published request, with its service's name; the case of a path does not matter, as to the services."""
    for pattern, request, service in _table():
        if request.method == method and pattern.fullmatch(path):
            return request, service
    return None


def of_select(type_name: str, selected: str) -> Iterator[str]:
    """What is wrong with a $select of a type."""
    for wire in filter(None, (name.strip() for name in selected.split(","))):
        if wire not in names(type_name):
            yield f"$select: {type_name} has no property {wire}"


def expanded(expand: str) -> dict[str, str]:
    """Each relationship of an $expand, with the $select within it."""
    return {name: within.partition("$select=")[2].partition(";")[0] for name, within in EXPAND.findall(expand)}


def of_expand(type_name: str, expand: str) -> Iterator[str]:
    """What is wrong with an $expand of a type: one relationship a request."""
    shape = shapes()[type_name]
    relationships = expanded(expand)
    if len(relationships) != 1:
        yield f"$expand: {expand!r} is {len(relationships)} relationships; one is expanded a request"
    for name, select in relationships.items():
        target = shape.navigation.get(name, "").removesuffix("[]")
        if not target:
            yield f"$expand: {type_name} has no relationship {name}"
        elif target in shapes():
            yield from of_select(target, select)


def of_filter(type_name: str, condition: str) -> Iterator[str]:
    """What is wrong with the names that a $filter compares."""
    bare = LITERAL.sub("''", condition)
    variables = set(VARIABLE.findall(bare))
    for compared, called in COMPARED.findall(bare):
        first = (compared or called).partition("/")[0]
        if first not in variables and first not in names(type_name) and first not in shapes()[type_name].navigation:
            yield f"$filter: {type_name} has no property {first}"


def of_request(request: Request, service: str, query: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the query of a published request."""
    known = {*(request.options or services()[service].options), *ALWAYS}
    yield from (f"no query option {name}" for name in query if name not in known)
    version = query.get("api-version")
    if request.api_versions and version not in request.api_versions:
        yield f"api-version {version} is not published for {request.path}"
    yield from _of_size(request, query)
    entity = request.entity
    if service in {"graph", "beta"} and entity:
        yield from of_select(entity, query.get("$select", ""))
        yield from of_filter(entity, query.get("$filter", ""))
        if "$expand" in query:
            yield from of_expand(entity, query["$expand"])


def of_headers(service: str, query: Mapping[str, str], headers: Mapping[str, str] | None) -> Iterator[str]:
    """Whether an advanced query of Graph says so in its headers (None: they are not reported), and expands nothing."""
    advanced = {"$count", "$search"} & query.keys() or ADVANCED.search(LITERAL.sub("''", query.get("$filter", "")))
    if service != "graph" or not advanced:
        return
    said = None if headers is None else {name.lower(): value.lower() for name, value in headers.items()}
    if said is not None and said.get("consistencylevel") != "eventual":
        yield "an advanced query without ConsistencyLevel: eventual"
    if "$expand" in query:
        yield "$expand: not together with an advanced query"


def _of_size(request: Request, query: Mapping[str, str]) -> Iterator[str]:
    largest = {"$top": request.top, "maxresults": request.page}
    for option, most in largest.items():
        size = query.get(option)
        if size is not None and not (size.isascii() and size.isdecimal() and int(size) >= 1):
            yield f"{option}: {size!r} is no number of rows"
        elif size is not None and most is not None and int(size) > most:
            yield f"{option}: {size} is more than {most}"


def rows_at_most(request: Request, query: Mapping[str, str]) -> int | None:
    """The rows that one page may have, None where no number is published."""
    expands = "$expand" in query and derives(request.entity, "directoryObject")
    asked = query.get("$top") or query.get("maxresults")
    most = min(request.top or 0, 100) if expands else request.top
    if asked is not None and asked.isdecimal():
        return min(int(asked), most) if most else int(asked)
    return request.page
