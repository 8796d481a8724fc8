"""Audit logs of Google Cloud, asked for live: what each project, folder and organization keeps in Cloud Logging.

Source: the references of entries.list and LogBucket, and "Quotas and limits" of Cloud Logging. Whoever may not read
private logs is given the others without a word, so it is asked beforehand what the credentials may do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from msgspec import Raw, Struct

from connectors.base import Connector, Meter
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import LogBucket
from connectors.gcp.connector import GcpConnector
from connectors.logs.live import Ask, LiveSource, Span, refusal_of
from scanner.errors import Denied, SourceError, UsageError

_LOGS = ("activity", "data_access", "system_event", "policy")
_PAGE = 1000
NEEDED = ("logging.logEntries.list", "logging.privateLogEntries.list")
_TESTS = {"projects": r.TEST_PROJECT, "folders": r.TEST_FOLDER, "organizations": r.TEST_ORGANIZATION}
_USUALLY_KEPT = 30
_SURELY_KEPT = timedelta(days=1)
"""No bucket keeps logs for less, so what is younger needs no look at the bucket."""


class _Granted(Struct):
    permissions: list[str] = []


class CloudLogging(LiveSource):
    """The audit logs of all places of a source."""

    settles: ClassVar[timedelta] = timedelta(hours=2)
    kept_by: ClassVar[str] = "the bucket _Default"

    def __init__(self, connector: GcpConnector) -> None:
        self._meter = Meter()
        self._connector = connector
        self._api = connector.log_api(self._meter)
        self._lock = threading.Lock()
        self._allowed: set[str] = set()
        self._kept: dict[str, int] = {}

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
        return (self._entries,)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """As the bucket of all but the required logs keeps them; the usual, where it may not be looked at."""
        with self._lock:
            if scope not in self._allowed:
                self._check_allowed(scope)
                self._allowed.add(scope)
            if age <= _SURELY_KEPT:
                return age.days + 1
            if scope not in self._kept:
                self._kept[scope] = self._retention(scope)
            return self._kept[scope]

    def _check_allowed(self, scope: str) -> None:
        kind, _, name = _name(scope).partition("/")
        body = {"permissions": list(NEEDED)}
        granted = self._api.post(_TESTS[kind], _Granted, body, **{kind.removesuffix("s"): name}).permissions
        if missing := next((one for one in NEEDED if one not in granted), None):
            raise Denied(f"audit logs of {_name(scope)}: {missing} is not granted", permission=missing)

    def _retention(self, scope: str) -> int:
        try:
            return self._api.get(r.LOG_BUCKET, LogBucket, parent=_name(scope)).retention_days or _USUALLY_KEPT
        except Denied:
            return _USUALLY_KEPT

    def _entries(self, scope: str, span: Span) -> Iterator[Sequence[Raw]]:
        yield from self._api.log_entries(question(scope, span))


def question(scope: str, span: Span) -> Mapping[str, Any]:
    """The body that asks for the audit logs of a scope; no others that were routed there."""
    name = _name(scope)
    logs = " OR ".join(f'"{name}/logs/cloudaudit.googleapis.com%2F{kind}"' for kind in _LOGS)
    return {
        "resourceNames": [name],
        "filter": f'logName=({logs}) AND timestamp>="{_time(span.since)}" AND timestamp<"{_time(span.until)}"',
        "orderBy": "timestamp asc",
        "pageSize": _PAGE,
    }


def _name(scope: str) -> str:
    return scope if "/" in scope else f"projects/{scope}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def asked(source: Connector | None) -> CloudLogging:
    """The logs of a source. Raises UsageError for one that is not of Google Cloud, or that reads files."""
    if not isinstance(source, GcpConnector):
        raise UsageError("a log without a path is read through a source of type gcp: set path, or source")
    return CloudLogging(source)
