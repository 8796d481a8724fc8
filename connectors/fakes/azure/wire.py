"""What goes over the wire, and how a request finds its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from connectors.fakes.azure.tenant import Tenant

Service: TypeAlias = Literal["login", "graph", "arm", "vault"]
Row: TypeAlias = dict[str, Any]


class Call(Struct, frozen=True, kw_only=True):
    """One request. ``path`` begins after the service's prefix; ``places`` are the template's ``{…}``."""

    service: Service
    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Any = None
    headers: Mapping[str, str] = {}
    places: Mapping[str, str] = {}
    inner: bool = False
    """It came inside a batch."""


class Reply(Struct, frozen=True, kw_only=True):
    """One answer; a body of bytes is sent as it is."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = {}


class Listing(Struct, frozen=True, kw_only=True):
    """Rows to be given out in pages. ``cap``: so many at most on one; ``usual``: where the request does not say.

    ``fields``: the names that ``$select`` may ask for; None: it is not looked at. ``at_most``: a smaller cap, which is
    not complained of but kept to.
    """

    rows: Sequence[Row]
    cap: int
    usual: int
    fields: frozenset[str] | None = None
    at_most: int | None = None


Handler: TypeAlias = Callable[["Tenant", Call], "Reply | Listing"]


class Route(Struct, frozen=True, kw_only=True):
    """Who answers a path. ``{name}`` is one segment, ``{+name}`` any number of them."""

    service: Service
    path: str
    handler: Handler
    method: str = "GET"

    def places(self, call: Call) -> dict[str, str] | None:
        """The template's places where it fits, else None. Case makes no difference, as with Azure."""
        if (call.service, call.method) != (self.service, self.method):
            return None
        pattern = re.sub(r"\\{\\\+(\w+)\\}", r"(?P<\1>.+)", re.escape(self.path))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern)
        match = re.fullmatch(pattern, call.path, re.IGNORECASE)
        return None if match is None else match.groupdict()


def refusal(service: Service, status: int, code: str, message: str = "", /, **inner: Any) -> Reply:
    """An error as the services word it."""
    name = "innerError" if service == "graph" else "innererror"
    error = {"code": code, "message": message or f"{code}."} | ({name: inner} if inner else {})
    return Reply(status=status, body={"error": error})
