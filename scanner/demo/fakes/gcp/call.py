"""Requests to the fake cloud, routes and pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct

from scanner.demo.fakes.gcp.cloud import Cloud, Row
from scanner.demo.fakes.gcp.faults import Refused

Query = Mapping[str, Sequence[str]]


class Call(Struct, frozen=True, kw_only=True):
    """A request. ``path``: canonical, without the version. ``places``: the values of the route, canonical too."""

    cloud: Cloud
    path: str
    places: Mapping[str, str]
    query: Query
    body: Any = None

    def one(self, name: str, default: str = "") -> str:
        """The value of a parameter."""
        return self.query.get(name, [default])[0]


Answer = Callable[[Call], Row]


class FakeRoute(Struct, frozen=True, kw_only=True, dict=True):
    """The handler of a path. ``{place}`` is one segment, ``{+place}`` any number of segments."""

    api: str
    path: str
    answer: Answer
    method: str = "GET"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression."""
        text = re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}").replace(r"\+", "+")
        text = re.sub(r"\{\+(\w+)\}", r"(?P<\1>[^:]+)", text)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+|[^/]+@[^/:]+)", text))


def paged(call: Call, rows: Sequence[Row], items: str, *, default: int, cap: int, sized_by: str = "pageSize") -> Row:
    """A page of rows. The size is limited, the token is valid for the same parameters, an empty list is left out."""
    size = min(_size(call, sized_by) or default, cap)
    start = _start(call)
    if call.cloud.faults.endless_pages:
        return {"nextPageToken": _token(call, 0)}
    if start is None and call.cloud.faults.empty_first_pages:
        return {"nextPageToken": _token(call, 0)}
    if start and call.cloud.faults.only_first_pages:
        raise Refused(500, "Internal error encountered.")
    first = start or 0
    page = list(rows[first : first + size])
    answer: Row = {items: page} if page else {}
    return answer | ({"nextPageToken": _token(call, first + size)} if first + size < len(rows) else {})


def _size(call: Call, sized_by: str) -> int:
    text = call.one(sized_by, "0")
    if not text.isdigit():
        raise Refused(400, f"{sized_by} must not be negative")
    return int(text)


def _digest(call: Call) -> str:
    others = sorted((name, list(values)) for name, values in call.query.items() if name != "pageToken")
    return hashlib.sha256(json.dumps([call.path, others]).encode()).hexdigest()[:16]


def _token(call: Call, start: int) -> str:
    return base64.urlsafe_b64encode(f"{_digest(call)}:{start}".encode()).decode()


def _start(call: Call) -> int | None:
    token = call.one("pageToken")
    if not token:
        return None
    try:
        digest, _, start = base64.urlsafe_b64decode(token).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refused(400, "The page token is invalid.") from None
    if digest != _digest(call):
        raise Refused(400, "The page token does not belong to this request.")
    return int(start)
