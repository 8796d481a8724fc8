"""Tickets of a scan: planned and saved with it, updated in the ticket systems once it is stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from reports.phrases import evidence_line
from scanner.errors import MusterError
from scanner.model import SEVERITIES, ClosedTicket, ScanResult
from scanner.notify.http import Undelivered
from scanner.notify.tickets.client import Gone, Refused, Unclear
from scanner.notify.tickets.content import Content, Draft, draft_of
from scanner.notify.tickets.planning import Context, TicketsKnown, plan
from scanner.notify.tickets.settings import Target
from scanner.notify.tickets.syncing import Standing, after, change_of, closed_at
from scanner.notify.tickets.tracker import Check, Remote, Sleep, Tracker
from scanner.registry.roster import Roster
from scanner.store.store import Store
from scanner.store.tickets import StoredTicket, Tickets, WantedTicket
from scanner.text import printable

log = logging.getLogger(__name__)

_contents = msgspec.json.Decoder(Content)
Clock = Callable[[], datetime]


class TicketingTally(Struct, kw_only=True):
    """The results for tickets. ``left``: not opened in this run, because of the target's ``max_new``."""

    opened: int = 0
    changed: int = 0
    closed: int = 0
    failed: int = 0
    left: int = 0


def _now() -> datetime:
    return datetime.now(UTC)


def for_scan(
    store: Store, targets: Sequence[Target], result: ScanResult, roster: Roster | None
) -> tuple[WantedTicket, ...]:
    """The tickets to store with a scan, with their new content."""
    if not targets:
        return ()
    known = [
        TicketsKnown(marker=one.marker, target=one.target, content=_content(one), closed_at=one.closed_at)
        for one in store.tickets.all()
    ]
    wanted = plan(targets, result, known, Context(roster, evidence_line))
    return tuple(
        WantedTicket(
            marker=one.marker,
            target=one.target,
            wanted=msgspec.json.encode(one.content).decode(),
            wanted_at=result.scan.started_at,
        )
        for one in wanted
    )


def _content(ticket: StoredTicket) -> Content:
    return _contents.decode(ticket.written or ticket.wanted)


def _standing(ticket: StoredTicket) -> Standing:
    return Standing(
        wanted=_contents.decode(ticket.wanted),
        scanned_at=ticket.wanted_at,
        written=None if ticket.written is None else _contents.decode(ticket.written),
        closed_at=ticket.closed_at,
        reopened=ticket.reopened,
    )


def checks(target: Target, *, sleep: Sleep = time.sleep) -> Iterator[Check]:
    """Check whether Muster can use a system, and the host that its secret is sent to. Creates no lasting ticket."""
    from scanner.notify.tickets.catalog import tracker_of

    try:
        tracker = tracker_of(target, sleep=sleep)
        yield Check(ok=True, detail=f"{target.token} goes to {urlsplit(target.url).netloc}")
        yield from tracker.checks()
    except (Undelivered, MusterError) as error:
        yield Check(ok=False, detail=str(error))


# --- Before a scan is judged ---


def look(store: Store, targets: Sequence[Target], *, sleep: Sleep = time.sleep, clock: Clock = _now) -> None:
    """Find the open tickets that people closed. Without an answer of the system, the last known state stays."""
    if not targets:
        return
    tickets = [one for one in store.tickets.all() if one.reference is not None and _content(one).is_open]
    for target in targets:
        its = [one for one in tickets if one.target == target.name]
        if not its or (listed := _listed(target, sleep)) is None:
            continue
        _, remotes = listed
        for ticket in its:
            remote = remotes.get(ticket.marker)
            seen = ticket.closed_at if remote is None else closed_at(_standing(ticket), remote, clock())
            if seen != ticket.closed_at:
                store.tickets.seen(ticket.marker, seen)


def _listed(target: Target, sleep: Sleep) -> tuple[Tracker, Mapping[str, Remote]] | None:
    """The system and its tickets by marker; None, with a warning, if it does not answer."""
    from scanner.notify.tickets.catalog import tracker_of

    try:
        tracker = tracker_of(target, sleep=sleep)
        return tracker, tracker.listed()
    except (Undelivered, MusterError) as error:
        log.warning("tickets of %s cannot be listed: %s", target.name, error, extra={"channel": target.name})
        return None


def closed_tickets(store: Store, targets: Sequence[Target], started: datetime) -> tuple[ClosedTicket, ...]:
    """Tickets that people closed before the scan started."""
    names = {target.name for target in targets}
    return tuple(
        ClosedTicket(target=one.target, shown=one.shown or "", closed_at=one.closed_at, findings=_content(one).findings)
        for one in (store.tickets.all() if names else ())
        if one.target in names and one.closed_at is not None and one.closed_at < started
    )


# --- Once it is stored ---


def bring_up_to_date(
    tickets: Tickets, targets: Sequence[Target], *, sleep: Sleep = time.sleep, clock: Clock = _now
) -> TicketingTally:
    """Open, change and close tickets. Failures are logged, and retried in the next run; only StoreErrors are raised."""
    tally = TicketingTally()
    for target in targets:
        pending = [one for one in tickets.all() if one.target == target.name and not one.is_written]
        if not pending:
            continue
        listed = _listed(target, sleep)
        if listed is None:
            tally.failed += len(pending)
            continue
        _Round(tickets, target, *listed, tally, clock).work_off(pending)
    return tally


class _Round:
    """One run over the tickets of one system."""

    def __init__(
        self,
        tickets: Tickets,
        target: Target,
        tracker: Tracker,
        listed: Mapping[str, Remote],
        tally: TicketingTally,
        clock: Clock,
    ) -> None:
        self._tickets = tickets
        self._target = target
        self._tracker = tracker
        self._listed = listed
        self._tally = tally
        self._clock = clock
        self._may_open = target.max_new

    def work_off(self, pending: Sequence[StoredTicket]) -> None:
        """Update each ticket, highest severity first. Ends early if the system is down."""
        ordered = sorted(pending, key=lambda one: SEVERITIES.index(_contents.decode(one.wanted).severity))
        for place, ticket in enumerate(ordered):
            if self._is_new(ticket) and self._may_open == 0 and _contents.decode(ticket.wanted).is_open:
                self._tally.left += 1
                continue
            claimed = self._tickets.claim(ticket.marker, self._clock())
            if claimed is None:
                continue
            try:
                self._bring(claimed)
            except (Undelivered, MusterError) as error:
                self._tally.failed += 1
                self._tickets.failed(claimed, str(error), unclear=isinstance(error, Unclear))
                shown = printable(claimed.shown or _contents.decode(claimed.wanted).of)
                log.warning(
                    "ticket %s of %s: %s", shown, self._target.name, error, extra={"channel": self._target.name}
                )
                if not isinstance(error, Refused | Gone):  # a failure of the system, not of the ticket
                    self._tally.failed += len(ordered) - place - 1
                    return

    def _is_new(self, ticket: StoredTicket) -> bool:
        return ticket.reference is None and ticket.marker not in self._listed

    def _bring(self, ticket: StoredTicket) -> None:
        standing = _standing(ticket)
        draft = draft_of(standing.wanted, ticket.marker, self._target.report_url, self._target.public_url)
        if self._is_new(ticket):
            if standing.wanted.is_open:
                self._open(ticket, draft)
            else:
                self._tickets.forget(ticket.marker)
            return
        remote = self._listed.get(ticket.marker)
        reference = remote.reference if remote else ticket.reference or ""
        change = change_of(standing, draft, remote)
        try:
            if change.draft or change.comment or change.state:
                self._tracker.change(reference, change)
        except Gone:
            # Someone deleted it: the next run opens another if it is still needed.
            gone = msgspec.structs.replace(ticket, reference=None, shown=None, written=None, closed_at=None)
            self._tickets.written(gone)
            raise
        self._tally.closed += change.state == "closed"
        self._tally.changed += change.state != "closed" and bool(change.draft or change.comment)
        self._record(ticket, after(standing, change), reference, remote.shown if remote else ticket.shown)

    def _open(self, ticket: StoredTicket, draft: Draft) -> None:
        try:
            remote = self._tracker.create(draft)
        except Refused:
            if draft.assignee is None:
                raise
            remote = self._tracker.create(msgspec.structs.replace(draft, assignee=None))
        self._may_open -= 1
        self._tally.opened += 1
        standing = msgspec.structs.replace(_standing(ticket), written=_contents.decode(ticket.wanted))
        self._record(ticket, standing, remote.reference, remote.shown)

    def _record(self, ticket: StoredTicket, standing: Standing, reference: str, shown: str | None) -> None:
        self._tickets.written(
            msgspec.structs.replace(
                ticket,
                written=ticket.wanted,
                reference=reference,
                shown=shown,
                closed_at=standing.closed_at,
                reopened=standing.reopened,
            )
        )
