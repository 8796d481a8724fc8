"""What both vendors' audit logs do: events from files or live, a day at a time, and the counting of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, TypeVar

from msgspec import Raw, Struct

from connectors.ai_vendors.connector import VendorConnector
from connectors.ai_vendors.records import Time, moment
from connectors.core.contract import Connector, Meter
from connectors.core.reading import glimpsed
from connectors.logs.events import EventCounting, LogAct
from connectors.logs.live import Ask, LiveSource, Span
from connectors.logs.names import plain
from connectors.logs.tally import DENIED, DONE
from scanner.errors import SourceError, UsageError
from scanner.model.activity import FeatureSort

Entry = TypeVar("Entry")


class Actions(Struct, frozen=True, kw_only=True):
    """What names of events mean. ``separator``: before the verb. ``reads``: verbs that change nothing.

    ``becomes``: how someone elsewhere becomes an account; ``failed``: the verb of what was refused.
    """

    separator: str
    reads: frozenset[str]
    becomes: str = "/"
    failed: str = "/"

    def action(self, name: str) -> str:
        """``category:action``, such as ``api_key:created`` of ``api_key.created``."""
        return _action(name, self.separator)

    def sort(self, action: str) -> FeatureSort:
        """The class of an action, by its verb."""
        if action.endswith(self.becomes):
            return "become"
        return "read" if action.rpartition(":")[2] in self.reads else "write"


@lru_cache(maxsize=20_000)
def _action(name: str, separator: str) -> str:
    category, _, verb = name.lower().rpartition(separator)
    return f"{plain(category.replace(':', '.'), 64) or 'unknown'}:{plain(verb, 100) or 'unknown'}"


class RawAct(NamedTuple):
    """An event, as far as it is counted. ``scope``: the organization, empty if the log does not name it."""

    scope: str
    actor: str
    action: str
    address: str
    user_agent: str
    credential: str
    changed: str


class VendorCounting(EventCounting[Entry]):
    """Counts the events of one unit. ``anywhere``: the scope of events that do not name their organization."""

    actions: ClassVar[Actions]
    anywhere: ClassVar[str]

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``."""
        what: RawAct = raw
        scope = plain(what.scope, 128) or self.anywhere
        if not what.actor:
            return LogAct(scope, by_provider=True)
        action = self.actions.action(what.action)
        sort = self.actions.sort(action)
        features = self.features(
            sort, action, address=what.address, user_agent=what.user_agent, credential=what.credential
        )
        outcome = DENIED if action.endswith(f":{self.actions.failed}") else DONE
        changed = (plain(what.changed),) if what.changed and sort == "write" else ()
        return LogAct(scope, plain(what.actor), features, outcome=outcome, changed=changed)


class _Timed(Struct):
    """The time of an event, under each vendor's name for it."""

    effective_at: Time = None
    created_at: Time = None


_UNTIMED = _Timed()


class VendorLog(LiveSource):
    """The log of a source's organization, the newest events first. ``kept``: days that are relied on."""

    settles: ClassVar[timedelta] = timedelta(hours=2)
    connector: ClassVar[type[VendorConnector]]
    kept: ClassVar[int]

    def __init__(self, source: Connector | None) -> None:
        if not isinstance(source, self.connector):
            name = self.connector.spec.name
            raise UsageError(f"a log without a path is read through a source of type {name}: set path, or source")
        self._meter = Meter()
        self._source = source
        self._api = source.log_api(self._meter)

    @property
    def calls(self) -> int:
        """See ``LiveSource``."""
        return self._meter.calls

    @abstractmethod
    def asked_of(self, span: Span) -> Mapping[str, str]:
        """The parameters that limit a listing to a span."""
        ...

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """See ``LiveSource``: the organization."""
        yield self._source.named(self._api)

    @property
    def ways(self) -> Sequence[Ask]:
        """See ``LiveSource``."""
        return (self._events,)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """See ``LiveSource``."""
        del scope, age
        return self.kept

    def _events(self, _: str, span: Span) -> Iterator[Sequence[Raw]]:
        """The events of the span. The first page that is entirely before it ends the listing.

        Events without a time are left for the reader to refuse.
        """
        for page in self._api.pages(self.connector.table.events, self.asked_of(span)):
            times = [_at(glimpsed(raw, _Timed, _UNTIMED)) for raw in page.rows]
            yield [raw for raw, at in zip(page.rows, times, strict=True) if at is None or span.since <= at < span.until]
            if times and all((at or span.since) < span.since for at in times):
                return


def _at(event: _Timed) -> datetime | None:
    return moment(event.effective_at if event.effective_at is not None else event.created_at)
