"""Counts events of logs whose records are read one by one.

A reader returns for a record its time, its id, and a *raw key*: the few texts in it that matter. It then explains each
distinct raw key once, as an :class:`LogAct`.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from connectors.logs.names import INTERACTIVE_CLIENTS, Networks, client_of, plain
from connectors.logs.spoilt import WRONG
from connectors.logs.tally import DONE, Counted, Counting, utc_text
from scanner.model import EVERY_SCOPE
from scanner.model.activity import BY_PROVIDER, FeatureSort

R = TypeVar("R")
_EVENT_ID = re.compile(r"[\w.:=/+~-]{1,128}", re.ASCII)
INTERACTIVE = "mark=interactive"


class Event(NamedTuple):
    """An event before it is explained. Of several with the same id the first counts.

    ``times``: the number of events in the record. ``once``: distinguishes it from others if its id does not.
    """

    time: str
    event_id: str
    raw: Hashable
    times: int = 1
    once: Hashable = None


class LogAct(NamedTuple):
    """The meaning of equal events. ``scope``: where they were logged.

    ``features``: by their texts, the action first. ``changed``: the identities and workloads that were changed, as
    keys, aliases or names. ``became``: caller and unique id of the identity that the caller became.
    ``by_provider``: the provider acted itself.
    """

    scope: str
    caller: str = ""
    features: tuple[str, ...] = ()
    unique_id: str = ""
    outcome: int = DONE
    changed: tuple[str, ...] = ()
    became: tuple[str, str] | None = None
    by_provider: bool = False


class EventCounting(Counting, Generic[R]):
    """Counts the records of one unit. ``covers_everything``: the log is of all scopes, including those without events.

    ``only_scope``: the scope of all records, if known, regardless of their content.
    """

    covers_everything = False
    only_scope = ""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.networks = networks
        self._network = lru_cache(maxsize=20_000)(lambda address: f"network={networks.name(address)}")
        self._seen: set[int] = set()

    @abstractmethod
    def event(self, record: R) -> Event | str | None:
        """The event of a record; None for one that is not counted yet.

        For one that is not counted at all it is the name of its class, as the page of the log has it.
        """
        ...

    @abstractmethod
    def act(self, raw: Hashable) -> LogAct:
        """The meaning of events with this raw key."""
        ...

    def unwrapped(self, record: Any) -> Iterable[R]:
        """The records of events that a record of the log wraps."""
        return (record,)

    def take(self, records: Sequence[Any]) -> None:
        """See ``Counting``."""
        for record in records:
            try:
                for one in self.unwrapped(record):
                    event = self.event(one)
                    if isinstance(event, Event):
                        self._add(event)
                    elif event is not None:
                        self.left_out[self.only_scope, event] += 1
            except WRONG as error:
                self.spoilt.refused(record, error)
        self.raw.relieve()

    def add(self, events: Iterable[Event]) -> None:
        """Count events whose time is valid."""
        for event in events:
            self._add(event)

    def _add(self, event: Event) -> None:
        time, event_id, key, times, once = event
        seen, raw = self._seen, self.raw
        when = time if time.endswith("Z") else utc_text(time)
        number = 0
        if event_id or once is not None:
            number = hash(event_id if once is None else once)
            if number in seen:
                return
        raw.add(key, when, event_id, key)
        if times > 1:
            raw.rows_of(when)[hash(key)][0] += times - 1
        if event_id or once is not None:
            seen.add(number)
        self.events += times

    def _explain(self, counted: Counted) -> None:
        act = self.act(counted.held)
        scope = self.only_scope or act.scope
        if not _EVENT_ID.fullmatch(counted.event_id):
            counted = counted._replace(event_id="")
        day = counted.first[:10]
        self.days.add((EVERY_SCOPE if self.covers_everything else scope, day))
        place = EVERY_SCOPE if self.covers_everything and not self.only_scope else scope
        if act.by_provider:
            self.by_provider += counted.events
            self.left_out[place, BY_PROVIDER] += counted.events
        else:
            self.counted[place] += counted.events
            profile = self.tally.of(scope, day, act.caller, act.unique_id)
            profile.acted(counted, act.outcome)
            profile.count(act.features, counted, act.outcome)
        if act.became is not None:
            target = self.tally.of(scope, day, *act.became)
            target.count((f"assumed_by={act.caller}",), counted, act.outcome)
        if act.outcome == DONE:
            for each in act.changed:
                self.changed(scope, each, act.features[0].partition("=")[2], act.caller, counted)

    def features(
        self,
        sort: FeatureSort,
        action: str,
        *,
        address: str | None = None,
        user_agent: str | None = None,
        **more: str | None,
    ) -> tuple[str, ...]:
        """An action's features. What is not said is left out; ``more``: features by their sort."""
        found = [f"{sort}={plain(action, 128)}"]
        if address:
            found.append(self._network(address[:200]))
        if user_agent:
            client = client_of(user_agent)
            found.append(f"client={client}")
            if client in INTERACTIVE_CLIENTS:
                found.append(INTERACTIVE)
        found += [f"{name}={plain(value, 128)}" for name, value in more.items() if value]
        return tuple(found)
