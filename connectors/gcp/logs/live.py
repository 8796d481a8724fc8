"""Audit logs of Google Cloud, requested live: what each project, folder and organization keeps in Cloud Logging.

Source: the references of entries.list and LogBucket, and "Quotas and limits" of Cloud Logging. Without the permission
for private logs, Google silently returns only the others, so the permission is tested first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from msgspec import Struct

from connectors.core.contract import Connector, Meter
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import LogBucket
from connectors.gcp.connector import GcpConnector
from connectors.gcp.logs.batching import MOST, Batches, name_of
from connectors.logs.live import Ask, LiveSource, Span, refusal_of
from scanner.errors import Denied, SourceError, UsageError

NEEDED = ("logging.logEntries.list", "logging.privateLogEntries.list")
_TESTS = {"projects": r.TEST_PROJECT, "folders": r.TEST_FOLDER, "organizations": r.TEST_ORGANIZATION}
_USUALLY_KEPT = 30
_SURELY_KEPT = timedelta(days=1)
"""The least retention of a bucket: younger logs need no look-up of the bucket."""


class _Granted(Struct):
    permissions: list[str] = []


class CloudLogging(LiveSource):
    """The audit logs of all places of a source. ``most_in_batch``: see ``Batches``."""

    settles: ClassVar[timedelta] = timedelta(hours=2)
    kept_by: ClassVar[str] = "the bucket _Default"

    def __init__(self, connector: GcpConnector, *, most_in_batch: int = MOST) -> None:
        self._meter = Meter()
        self._connector = connector
        self._api = connector.log_api(self._meter)
        self._lock = threading.Lock()
        self._refusals: dict[str, Denied | None] = {}
        self._kept: dict[str, int] = {}
        self._batches = Batches(self._api, self._may_read, most_in_batch)

    @property
    def calls(self) -> int:
        """See ``LiveSource``."""
        return self._meter.calls

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """See ``LiveSource``: projects by their ids, ``organizations/N`` and ``folders/N``."""
        found = list(self._connector.log_places(self._api, self._meter))
        places = [one for one in found if isinstance(one, str)]
        unread = [
            (scope, refusal_of(coverage)) for scope, coverage in (one for one in found if not isinstance(one, str))
        ]
        if not places and unread:
            raise unread[0][1]
        yield from unread
        yield from places

    @property
    def ways(self) -> Sequence[Ask]:
        """See ``LiveSource``."""
        return (self._batches.pages,)

    def plan(self, units: Iterable[tuple[str, Span]]) -> None:
        """See ``LiveSource``."""
        self._batches.plan(units)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """The retention of the bucket of all logs except the required ones; the default if it may not be read."""
        if (refused := self._refusal(scope)) is not None:
            raise refused
        with self._lock:
            if age <= _SURELY_KEPT:
                return age.days + 1
            if scope not in self._kept:
                self._kept[scope] = self._retention(scope)
            return self._kept[scope]

    def _may_read(self, scope: str) -> bool:
        try:
            return self._refusal(scope) is None
        except SourceError:  # reported again when the scope itself is read
            return False

    def _refusal(self, scope: str) -> Denied | None:
        """The missing permission, if any; requested once."""
        with self._lock:
            if scope not in self._refusals:
                kind, _, name = name_of(scope).partition("/")
                body = {"permissions": list(NEEDED)}
                granted = self._api.post(_TESTS[kind], _Granted, body, **{kind.removesuffix("s"): name}).permissions
                missing = next((one for one in NEEDED if one not in granted), None)
                words = f"audit logs of {name_of(scope)}: {missing} is not granted"
                self._refusals[scope] = Denied(words, permission=missing) if missing else None
            return self._refusals[scope]

    def _retention(self, scope: str) -> int:
        try:
            return self._api.get(r.LOG_BUCKET, LogBucket, parent=name_of(scope)).retention_days or _USUALLY_KEPT
        except Denied:
            return _USUALLY_KEPT


def asked(source: Connector | None) -> CloudLogging:
    """The logs of a source. Raises UsageError for a source of another type, or one that reads files."""
    if not isinstance(source, GcpConnector):
        raise UsageError("a log without a path is read through a source of type gcp: set path, or source")
    return CloudLogging(source)
