"""The oracle: whether payloads and requests are those that Microsoft publishes, and not those that we imagine.

Pure, and fast enough for every answer of a fake to pass through. Each function returns what is wrong, in words; an
empty list is right. The published types are in `published/`, whose sources.toml says where they are from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from tests.connectors.azure.published import requests, values
from tests.connectors.azure.published.shapes import names, shapes

ENVELOPES = {
    "graph": frozenset({"value", "@odata.context", "@odata.nextLink", "@odata.count"}),
    "beta": frozenset({"value", "@odata.context", "@odata.nextLink", "@odata.count"}),
    "arm": frozenset({"value", "nextLink", "count"}),
    "vault": frozenset({"value", "nextLink"}),
}


class Step(msgspec.Struct):
    """One request of a batch."""

    id: str
    method: str
    url: str
    headers: dict[str, str] = {}


class Steps(msgspec.Struct):
    """What is sent to $batch."""

    requests: list[Step]


class StepAnswer(msgspec.Struct):
    """One answer of a batch."""

    id: str
    status: int
    headers: dict[str, str] = {}
    body: Any = None


class StepAnswers(msgspec.Struct):
    """What $batch answers."""

    responses: list[StepAnswer]


def check(
    entity: Mapping[str, Any], type_name: str, *, select: str | None = None, expand: str | None = None
) -> list[str]:
    """Hold an object against its type; with what a request selected and expanded, it may hold nothing else.

    It must hold its key, unless another selection left it out. Raises KeyError for a type that is not published here.
    """
    return list(_entity(entity, type_name, type_name, select, expand))


def check_select(type_name: str, selected: str) -> list[str]:
    """Hold a $select ("id,appId") against the type; one of directory objects may name what any kind of them has."""
    return list(requests.of_select(type_name, selected))


def check_expand(type_name: str, expand: str) -> list[str]:
    """Hold an $expand ("owners($select=id)") against the type's relationships."""
    return list(requests.of_expand(type_name, expand))


def check_request(
    method: str, path: str, query: Mapping[str, str], *, headers: Mapping[str, str] | None = None
) -> list[str]:
    """Hold a request (path and query decoded, the path without its host) against the published ones.

    With its headers, an advanced query of Graph must say that it takes what is eventually consistent.
    """
    found = requests.find(method, path)
    if found is None:
        return [f"no published request: {method} {path}"]
    return [*requests.of_request(*found, query), *requests.of_headers(found[1], query, headers)]


def check_exchange(
    method: str, url: str, status: int, answer: bytes, *, sent: bytes = b"", headers: Mapping[str, str] | None = None
) -> list[str]:
    """Hold a request (its body, its headers) and its answer, as they were on the wire, against what is published.

    An answer of a 4xx or 5xx is held against the service's error; a $batch is held request by request.
    """
    parts = urlsplit(url)
    path, query = unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True))
    found = requests.find(method, path)
    if found is None:
        return [f"no published request: {method} {path}"]
    request, service = found
    if status >= 400:
        return [f"{method} {path} → {status}: {problem}" for problem in _error(answer, service)]
    problems = [*requests.of_request(request, service, query), *requests.of_headers(service, query, headers)]
    if request.sends:
        problems += values.of_kind(_decoded(sent), request.sends, "sent")
    if request.path.endswith("$batch"):
        problems += _batch(request.path.removesuffix("/$batch"), _decoded(sent), _decoded(answer))
    elif request.returns:
        problems += _answer(request, service, query, _decoded(answer))
    return [f"{method} {path}: {problem}" for problem in problems]


def _entity(
    entity: Mapping[str, Any], type_name: str, at: str, select: str | None, expand: str | None
) -> Iterator[str]:
    yield from values.of_object(entity, type_name, at)
    shape = shapes()[type_name]
    selected = None if not select else {name.strip() for name in select.split(",")}
    for key in values.KEYS:
        if key in shape.properties and key not in entity and (selected is None or key in selected):
            yield f"{at}: no {key}"
    if selected is not None:
        unasked = [wire for wire in entity if wire in names(type_name) and wire not in selected]
        yield from (f"{at}.{wire}: not in $select" for wire in unasked)
    if expand is not None:
        unasked = [wire for wire in entity if wire in shape.navigation and wire not in requests.expanded(expand)]
        yield from (f"{at}.{wire}: not in $expand" for wire in unasked)


def _answer(request: requests.Request, service: str, query: Mapping[str, str], body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "the answer is not an object"
        return
    graph = service in {"graph", "beta"}
    select, expand = (query.get("$select"), query.get("$expand", "")) if graph else (None, None)
    if not request.returns.endswith("[]"):
        yield from _entity(body, request.entity, request.entity, select, expand)
        return
    yield from (f"no page of {service} has {wire}" for wire in body if wire not in ENVELOPES[service])
    for link in ("@odata.nextLink", "nextLink"):
        # Graph's last page has no link; Azure's may have one that is null.
        if link in body and not (isinstance(body[link], str) or (body[link] is None and not graph)):
            yield f"{link}: {body[link]!r} is no link"
    rows = body.get("value")
    if not isinstance(rows, list):
        yield "a page without a list called value"
        return
    most = requests.rows_at_most(request, query)
    if most is not None and len(rows) > most:
        yield f"{len(rows)} rows on a page of at most {most}"
    for number, row in enumerate(rows):
        at = f"value[{number}]"
        if isinstance(row, dict):
            yield from _entity(row, request.entity, at, select, expand)
        else:
            yield f"{at}: no object"


def _error(answer: bytes, service: str) -> Iterator[str]:
    body, kind = _decoded(answer), requests.services()[service].error
    if body is None or not kind:
        return  # gateways answer with no body, or with a page; who signs in is answered by another protocol
    yield from values.of_kind(body, kind, "error")
    reported = body.get("error") if isinstance(body, dict) else None
    if not isinstance(reported, dict) or not reported.get("code") or "message" not in reported:
        yield "an error without its code and message"


def _batch(version: str, sent: Any, body: Any) -> Iterator[str]:
    """Each answer of a batch against the request of the same id."""
    try:
        steps = {step.id: step for step in msgspec.convert(sent, Steps).requests}
        answers = msgspec.convert(body, StepAnswers).responses
    except msgspec.ValidationError as error:
        yield f"no batch: {error}"
        return
    if sorted(steps) != sorted(one.id for one in answers):
        yield f"a batch of {sorted(steps)} was answered for {sorted(one.id for one in answers)}"
    if len(steps) > 20:
        yield f"a batch of {len(steps)}; at most 20"
    for one in answers:
        if step := steps.get(one.id):
            url = f"{version}/{step.url.lstrip('/')}"
            answer = b"" if one.body is None else msgspec.json.encode(one.body)
            problems = check_exchange(step.method, url, one.status, answer, headers=step.headers)
            yield from (f"[{one.id}] {problem}" for problem in problems)


def _decoded(body: bytes) -> Any:
    """The JSON of a body, None where there is none."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
