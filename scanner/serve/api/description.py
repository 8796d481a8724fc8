"""The API's description, OpenAPI 3.1, from the operations themselves and the schema of the reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from reports.exposed import ExposedRow
from reports.json_schema import scan_schema
from reports.tables import CredentialRow
from scanner import __version__
from scanner.model import Change
from scanner.serve.answers import FOR_PROGRAMS, PROBLEM, Problem
from scanner.serve.api.operations import Operation, Schema

_COMPONENT = "#/components/schemas/{name}"
_EVERY = (400, 401, 403, 406, 429, 503)
"""Statuses that any operation may answer with."""
_WRITES = (413, 415)
_HEAD = ("schema", "scan", "summary", "policy", "notices")
"""The members of a scan besides its lists."""
_MEANS: Mapping[int, str] = {
    400: "A parameter, a value or the body is wrong; `field` names it.",
    401: "Not signed in.",
    403: "This person may not do that, or the request was forged.",
    404: "There is no such thing, or this person may not see it.",
    406: "The answer cannot be given in that form.",
    409: "It was decided otherwise in the meantime, or is closed.",
    413: "Too much: see `hint`.",
    415: "The body is not `application/json`.",
    429: "Too many requests; `Retry-After` says when to try again.",
    503: "The store or the index cannot be read at the moment.",
}


def description(operations: Sequence[Operation], url: str) -> dict[str, Any]:
    """The document. ``url``: the public address, without a slash at its end."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Muster",
            "version": __version__,
            "summary": "What the store holds, as the records of `muster.scan/1`.",
            "description": (
                "Times are in UTC, unknown is null. Keys may be added to answers, none goes. Viewers see everything, "
                "everyone else what they own. `/`, `#`, `%` and other special characters in a key are "
                "percent-encoded."
            ),
        },
        "servers": [{"url": url}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {"schemas": _schemas(operations), "securitySchemes": _sign_in(url)},
    }


def _sign_in(url: str) -> Schema:
    address = urlsplit(url)
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token that `muster serve` prints when it starts on loopback, or an access token.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-muster" if address.scheme == "https" else f"muster-{address.port}",
            "description": "A browser's session. Writes need the header `X-CSRF-Token`, too.",
        },
    }


def _operation(operation: Operation) -> Schema:
    refused = sorted({*_EVERY, *operation.refuses, *(_WRITES if operation.method != "GET" else ())})
    given = {"description": "Done.", "content": {operation.media_type: {"schema": operation.gives}}}
    body = None if operation.body is None else _ref(operation.body.__name__)
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_parts(operation), *_parameters(operation.query)],
        **({"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else {}),
        "responses": {str(operation.status): given, **{str(status): _refusal(operation, status) for status in refused}},
    }


def _parts(operation: Operation) -> Iterator[Schema]:
    for name in operation.parameters:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[^\\x00]+$"}}


def _parameters(record: type[Struct]) -> Iterator[Schema]:
    """The fields of a record as parameters of a query."""
    (_, schemas) = msgspec.json.schema_components([record], ref_template=_COMPONENT)
    members = schemas[record.__name__]
    for name, schema in members["properties"].items():
        plain = {word: value for word, value in schema.items() if word not in ("description", "default")}
        default = schema.get("default")
        is_list = plain.get("type") == "array"
        yield {
            "name": name,
            "in": "query",
            "required": name in members["required"],
            **({"description": schema["description"]} if "description" in schema else {}),
            "schema": {**plain, **({"default": default} if default and not is_list else {})},
            **({"style": "form", "explode": True} if is_list else {}),
        }


def _refusal(operation: Operation, status: int) -> Schema:
    """A problem for programs, and a page for a browser."""
    is_api = operation.path.startswith(FOR_PROGRAMS)
    content = {PROBLEM: {"schema": _ref("Problem")}} if is_api else {"text/html": {"schema": {"type": "string"}}}
    return {"description": _MEANS.get(status, HTTPStatus(status).phrase), "content": content}


def _ref(name: str) -> Schema:
    return {"$ref": _COMPONENT.format(name=name)}


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    """The records of the reports, of the API's own answers, and of bodies."""
    reports = scan_schema()
    document = {name: value for name, value in reports.items() if name not in ("$schema", "$id", "$defs")}
    head = {name: document["properties"][name] for name in _HEAD}
    of_reports = {name: value for name, value in reports["$defs"].items() if name != "line"}
    bodies = [operation.body for operation in operations if operation.body is not None]
    own = {record for operation in operations for record in operation.records}
    _, ours = msgspec.json.schema_components(
        [Problem, Change, CredentialRow, ExposedRow, *bodies, *sorted(own, key=lambda record: record.__name__)],
        ref_template=_COMPONENT,
    )
    scan_head = {"type": "object", "properties": head, "required": list(head)}
    schemas: dict[str, Any] = _pointed({"Scan": document, "ScanHead": scan_head, **ours, **of_reports})
    return schemas


def _pointed(value: Any) -> Any:
    """The schema with references into the report's document as references to components."""
    match value:
        case dict():
            return {
                name: member.replace("#/$defs/", "#/components/schemas/") if name == "$ref" else _pointed(member)
                for name, member in value.items()
            }
        case list() | tuple():
            return [_pointed(member) for member in value]
        case _:
            return value
