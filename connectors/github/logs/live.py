"""GitHub's audit log, asked for live: an organization's, a day at a time.

Source: GitHub's reference of audit logs, "Get the audit log for an organization" and "Searching the audit log".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from msgspec import Raw

from connectors.core.contract import Connector, Meter
from connectors.core.reading import glimpsed
from connectors.github.client.payloads import AuditEvent
from connectors.github.client.requests import AUDIT_LOG
from connectors.github.connector import GithubConnector
from connectors.logs.live import Ask, LiveSource, Span
from scanner.errors import SourceError, UsageError

_NOTHING = AuditEvent(action="")
_GIT_AND_ALL = {"include": "all", "order": "asc"}


class OrganizationLog(LiveSource):
    """The audit log of a source's organization."""

    settles: ClassVar[timedelta] = timedelta(hours=2)
    kept_by: ClassVar[str] = "GitHub"

    def __init__(self, connector: GithubConnector) -> None:
        self._meter = Meter()
        self._api = connector.log_api(self._meter)
        self._login = connector.login

    @property
    def calls(self) -> int:
        """See ``LiveSource``."""
        return self._meter.calls

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """See ``LiveSource``: the organization."""
        yield self._login.lower()

    @property
    def ways(self) -> Sequence[Ask]:
        """See ``LiveSource``."""
        return (self._events,)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """See ``LiveSource``. Events of Git are kept for a week."""
        del scope, age
        return 180

    def _events(self, _: str, span: Span) -> Iterator[Sequence[Raw]]:
        """The events of the span. GitHub's search takes whole days; what lies outside the span is left out."""
        params = {**_GIT_AND_ALL, "phrase": f"created:{span.since:%Y-%m-%d}"}
        for page in self._api.pages(AUDIT_LOG, params, org=self._login):
            yield [raw for raw in page if _is_within(raw, span)]


def _is_within(raw: Raw, span: Span) -> bool:
    """Whether an event is of the span; one without a time is for its reader to refuse."""
    when = glimpsed(raw, AuditEvent, _NOTHING).timestamp
    if when is None:
        return True
    return span.since.timestamp() * 1000 <= when < span.until.timestamp() * 1000 or _day(when) != span.since.date()


def _day(when: int) -> object:
    try:
        return datetime.fromtimestamp(when / 1000, UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def connector_of(source: Connector | None) -> GithubConnector:
    """The connector. Raises UsageError for one that is not of GitHub."""
    if not isinstance(source, GithubConnector):
        raise UsageError("a log without a path is read through a source of type github: set path, or source")
    return source
