"""An operation of the API: its address, parameters, answer, and the function that answers.

Routing, validation and the description use the same records, so they always agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from scanner.serve.answers import Refusal
from scanner.serve.context import Serving
from scanner.serve.people import Viewer
from scanner.serve.visible import Visible

Method: TypeAlias = Literal["GET", "POST", "DELETE"]
Schema: TypeAlias = Mapping[str, Any]


def schema_of(**members: Any) -> Schema:
    """The schema of an object with these members, all required."""
    return {"type": "object", "properties": members, "required": list(members)}


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class OperationCall(Struct, frozen=True, kw_only=True):
    """A validated request: viewer, parts of the path, parameters and body.

    ``csrf``: the token that the viewer's browser sends with writes.
    """

    serving: Serving
    viewer: Viewer
    csrf: str
    path: Mapping[str, str]
    query: Any
    body: Any = None

    @property
    def visible(self) -> Visible:
        """What the viewer may see."""
        return Visible(self.serving, self.viewer)


class Reply(Struct, frozen=True, kw_only=True):
    """An answer: a body at once, or in pieces."""

    body: bytes | Iterator[bytes]
    media_type: str = "application/json"
    file: str | None = None
    """The file name for a browser."""


class Operation(Struct, frozen=True, kw_only=True, dict=True):
    """One method of one address. ``answer`` runs in its own thread.

    ``query``, ``body``: records of the parameters and of the body. ``gives``: the schema of the answer; ``records``:
    records that it refers to besides those of reports. ``refuses``: statuses besides those of every operation.
    """

    method: Method
    path: str
    name: str
    summary: str
    answer: Callable[[OperationCall], Reply]
    gives: Schema
    records: tuple[type[Struct], ...] = ()
    media_type: str = "application/json"
    query: type[Struct] = NoQuery
    body: type[Struct] | None = None
    status: int = 200
    refuses: tuple[int, ...] = ()

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the variable parts of the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of the encoded path. A part may be any text: keys have slashes, encoded or not."""
        fixed = re.split(r"{\w+}", self.path)
        return re.compile("(.+)".join(map(re.escape, fixed)), re.DOTALL)


def find(operations: Sequence[Operation], method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """The operation at that address, and the decoded parts of its path. Raises Refusal with 404 or 405.

    ``path``: as it was sent, percent-encoded.
    """
    allowed = set()
    for operation in operations:
        if (match := operation.pattern.fullmatch(path)) is None:
            continue
        if operation.method == method:
            parts = {name: _decoded(part) for name, part in zip(operation.parameters, match.groups(), strict=True)}
            return operation, parts
        allowed.add(operation.method)
    if allowed:
        known = ", ".join(sorted(allowed))
        raise Refusal(405, f"{method} is not allowed here", hint=f"allowed: {known}", headers={"allow": known})
    raise Refusal(404, "there is nothing at this address", hint="/api/v1/openapi.json lists the addresses")


def _decoded(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "the address is not UTF-8") from None
