"""Requests, responses and routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from scanner.demo.fakes.azure.tenant import Row, Tenant

Service: TypeAlias = Literal["login", "graph", "arm", "vault"]


class Call(Struct, frozen=True, kw_only=True):
    """A request. ``path``: without the service's prefix. ``places``: the values of the template's ``{…}``."""

    service: Service
    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Any = None
    headers: Mapping[str, str] = {}
    places: Mapping[str, str] = {}
    inner: bool = False
    """Whether it was inside a batch."""


class Reply(Struct, frozen=True, kw_only=True):
    """A response; a body of bytes is sent unchanged."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = {}


class Listing(Struct, frozen=True, kw_only=True):
    """Rows to paginate. ``cap``: the largest page size that may be requested; ``usual``: the default.

    ``fields``: the names that ``$select`` may have; None: it is not checked. ``at_most``: a smaller limit, applied
    silently.
    """

    rows: Sequence[Row]
    cap: int
    usual: int
    fields: frozenset[str] | None = None
    at_most: int | None = None


Handler: TypeAlias = Callable[[Tenant, Call], Reply | Listing]


class Route(Struct, frozen=True, kw_only=True):
    """The handler of a path. ``{name}`` is one segment, ``{+name}`` any number of segments."""

    service: Service
    path: str
    handler: Handler
    method: str = "GET"

    def places(self, call: Call) -> dict[str, str] | None:
        """The values of the template if it matches, else None. Case is ignored, as in Azure."""
        if (call.service, call.method) != (self.service, self.method):
            return None
        pattern = re.sub(r"\\{\\\+(\w+)\\}", r"(?P<\1>.+)", re.escape(self.path))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern)
        match = re.fullmatch(pattern, call.path, re.IGNORECASE)
        return None if match is None else match.groupdict()


def refusal(service: Service, status: int, code: str, message: str = "", /, **inner: Any) -> Reply:
    """An error in the form of the services."""
    name = "innerError" if service == "graph" else "innererror"
    error = {"code": code, "message": message or f"{code}."} | ({name: inner} if inner else {})
    return Reply(status=status, body={"error": error})
