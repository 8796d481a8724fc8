"""Requests to Cloud Logging for entries of many places at once: its quota is sixty requests a minute."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from connectors.gcp.client.api import GcpApi
from connectors.logs.live import Span
from scanner.errors import DeadlineExceeded, SourceError, Throttled, Unreachable

_LOGS = ("activity", "data_access", "system_event", "policy")
_PAGE = 1000
_LONGEST_FILTER = 20_000
"""The limit of Cloud Logging, in characters."""
AT_ONCE = 100
"""The limit of places in one request."""
MOST = 10_000
"""Maximum number of entries kept of one request and its pages; places with more are requested alone."""
_BUSY = 0.01
"""A place with at least this share of them is requested alone from then on."""


class _Entry(Struct):
    log: str = field(name="logName")


_log_of = msgspec.json.Decoder(_Entry)


def question(scopes: Sequence[str], span: Span) -> Mapping[str, Any]:
    """The body of a request for these scopes' own audit logs, without others that were routed to them."""
    names = [name_of(scope) for scope in scopes]
    logs = " OR ".join(f'"{name}/logs/cloudaudit.googleapis.com%2F{kind}"' for name in names for kind in _LOGS)
    since, until = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in span)
    return {
        "resourceNames": names,
        "filter": f'logName=({logs}) AND timestamp>="{since}" AND timestamp<"{until}"',
        "orderBy": "timestamp asc",
        "pageSize": _PAGE,
    }


def name_of(scope: str) -> str:
    """The resource name of a scope; a project's scope is its id."""
    return scope if "/" in scope else f"projects/{scope}"


class Batches:
    """Reads the planned scopes of one span in as few requests as possible. Threads may share it.

    ``may_read``: whether a place may be read; one that may not would fail the request for the others.
    ``most``: see :data:`MOST`.
    """

    def __init__(self, api: GcpApi, may_read: Callable[[str], bool], most: int = MOST) -> None:
        self._api = api
        self._may_read = may_read
        self._most = most
        self._lock = threading.Lock()
        self._planned: defaultdict[Span, dict[str, None]] = defaultdict(dict)
        self._held: dict[tuple[str, Span], list[Raw]] = {}
        self._alone: set[str] = set()

    def plan(self, units: Iterable[tuple[str, Span]]) -> None:
        """Receive the scopes and spans that will be read, those of a span one after the other."""
        with self._lock:
            for scope, span in units:
                self._planned[span][scope] = None

    def pages(self, scope: str, span: Span) -> Iterator[Sequence[Raw]]:
        """The entries of a scope. Raises SourceError."""
        with self._lock:
            self._planned[span].pop(scope, None)
            if (scope, span) not in self._held:
                self._ask_for_many(scope, span)
            held = self._held.pop((scope, span), None)
        if held is not None:
            yield held
        else:
            yield from self._api.log_entries(question([scope], span))

    def _ask_for_many(self, scope: str, span: Span) -> None:
        """Keep the entries of this scope and of others that wait to be read; none if it is to be requested alone."""
        while scope not in self._alone:
            some = self._next(scope, span)
            if len(some) == 1:
                return
            try:
                found, is_whole = self._sorted_out(some, span)
            except (Throttled, Unreachable, DeadlineExceeded):
                raise
            except (SourceError, msgspec.MsgspecError, KeyError):  # one of them fails: each is requested alone
                self._alone.update(some)
                return
            if is_whole:
                for one in some:
                    self._held[one, span] = found[one]
                    self._planned[span].pop(one, None)
                return
            self._alone.update(one for one in some if len(found[one]) >= self._most * _BUSY)

    def _next(self, scope: str, span: Span) -> list[str]:
        """The scope, and as many of the planned ones as fit into one request."""
        some, size = [scope], len(question([scope], span)["filter"])
        for one in self._planned[span]:
            more = len(question([one], span)["filter"])
            if len(some) == AT_ONCE or size + more > _LONGEST_FILTER:
                break
            if one not in self._alone and self._may_read(one):
                some.append(one)
                size += more
        return some

    def _sorted_out(self, scopes: Sequence[str], span: Span) -> tuple[dict[str, list[Raw]], bool]:
        """The entries by scope, and whether these are all. Raises KeyError for an entry of another scope."""
        found: dict[str, list[Raw]] = {name_of(one): [] for one in scopes}
        count = 0
        is_whole = True
        for page in self._api.log_entries(question(scopes, span)):
            for row in page:
                found[_log_of.decode(row).log.partition("/logs/")[0]].append(row)
            count += len(page)
            if count > self._most:
                is_whole = False
                break
        return {one: found[name_of(one)] for one in scopes}, is_whole
