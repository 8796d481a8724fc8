"""Notifications of a scan: saved with the scan, sent once it is stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from scanner.app import ticketing
from scanner.discovery.log_coverage import is_day_before
from scanner.errors import as_muster_error
from scanner.judging.last_known.unread_lists import readable_again
from scanner.judging.pipeline import Declared
from scanner.model import Coverage, ScanInfo, ScanResult
from scanner.model.coverage import PEOPLE, REGISTRY
from scanner.notify.blindness import CoverageChanges, compare
from scanner.notify.notices import Outgoing
from scanner.notify.planning import NOBODY, Arrivals, between_scans, failed, messages, nothing_scanned
from scanner.notify.settings import Channel
from scanner.notify.tickets.settings import Target
from scanner.redaction.redact import redact
from scanner.registry.roster import Roster
from scanner.store.outbox import Alarms, Message, Outbox
from scanner.store.store import Store

log = logging.getLogger(__name__)


class AlarmTally(Struct, frozen=True, kw_only=True):
    """The result of sending the waiting messages."""

    sent: int = 0
    undelivered: int = 0


def for_scan(
    store: Store,
    channels: Sequence[Channel],
    result: ScanResult,
    declared: Declared,
    arrivals: Arrivals = NOBODY,
    targets: Sequence[Target] = (),
) -> Alarms:
    """Notifications and tickets to store with a scan. ``arrivals``: who appeared.

    A store's first scan reports no changes in coverage.
    """
    now, people = result.scan.started_at, declared.people
    oldest = (now - timedelta(days=declared.activity.keep_days)).date()
    # A day of a log that became too old to be shown was not read.
    known = [spot for spot in store.outbox.blind_spots() if not is_day_before(spot.section, oldest)]
    given = {REGISTRY: declared.entries, PEOPLE: declared.people}
    mended = [one for one in readable_again(known, result.coverage) if given[one.source] is not None]
    changes = compare(known, (*result.coverage, *mended), now)
    reported = changes if store.has_scans() else msgspec.structs.replace(changes, lost=(), regained=())
    roster = None if people is None else Roster(people, now.date())
    alarms = _alarms(messages(channels, result, reported, roster, arrivals), changes)
    return msgspec.structs.replace(
        alarms,
        tickets=ticketing.for_scan(store, targets, result, roster),
        to_review=result.scan.id if declared.review.on else None,
    )


def for_reading(
    store: Store, channels: Sequence[Channel], latest: ScanResult, declared: Declared, now: datetime
) -> Alarms:
    """Notifications to store after a reading of logs between scans.

    ``latest``: the latest scan, with the new findings and the logs' coverage in place of its own.
    """
    oldest = (now - timedelta(days=declared.activity.keep_days)).date()
    known = [spot for spot in store.outbox.blind_spots() if not is_day_before(spot.section, oldest)]
    changes = compare(known, latest.coverage, now)
    roster = None if declared.people is None else Roster(declared.people, now.date())
    alarms = _alarms(between_scans(channels, latest, changes, roster, now), changes)
    return msgspec.structs.replace(alarms, announced=dict.fromkeys((one.fingerprint for one in latest.findings), now))


def for_empty_scan(store: Store, channels: Sequence[Channel], coverage: Sequence[Coverage], scan: ScanInfo) -> Alarms:
    """Notifications to store if nothing could be scanned."""
    changes = compare(store.outbox.blind_spots(), coverage, scan.started_at)
    return _alarms(nothing_scanned(channels, coverage, scan), changes)


def _alarms(outgoing: Iterable[Outgoing], changes: CoverageChanges) -> Alarms:
    return Alarms(messages=as_messages(outgoing), blind=changes.blind, sources=changes.sources)


def as_messages(outgoing: Iterable[Outgoing]) -> tuple[Message, ...]:
    """Notifications as messages for the store."""
    return tuple(
        Message(
            id=item.notice.id,
            channel=item.channel,
            created_at=item.notice.created_at,
            body=msgspec.json.encode(item).decode(),
        )
        for item in outgoing
    )


def for_failure(channels: Sequence[Channel], error: Exception) -> tuple[Message, ...]:
    """Messages to send if an error ended a scan."""
    known = as_muster_error(error)
    lines = [*str(known).splitlines(), *filter(None, (known.hint,))]
    return as_messages(failed(channels, [redact(line) for line in lines if line.strip()], datetime.now(UTC)))


def send_now(messages: Iterable[Message], channels: Sequence[Channel]) -> int:
    """Send messages without a store; returns the number of undelivered ones. Each failure is logged."""
    from scanner.notify.sending import Sender

    sender = Sender(channels)
    return sum(_is_undelivered(message, sender.send(message).fault) for message in messages)


def send_waiting(outbox: Outbox, channels: Sequence[Channel]) -> AlarmTally:
    """Send the waiting messages. Failures are logged and stay in the outbox; only StoreErrors are raised."""
    from scanner.notify.sending import Sender  # imports TLS and mail, which few scans need

    sender = Sender(channels)
    sent = undelivered = 0
    for message in outbox.claimed(lambda: datetime.now(UTC)):
        outcome = sender.send(message)
        if not _is_undelivered(message, outcome.fault):
            sent += 1
            outbox.arrived(message)
            continue
        undelivered += 1
        if outcome.left and outcome.fault:
            outbox.failed(message, outcome.fault, attempts=outcome.attempts)
        else:
            outbox.arrived(message)
    return AlarmTally(sent=sent, undelivered=undelivered)


def _is_undelivered(message: Message, fault: str | None) -> bool:
    if fault is not None:
        log.warning("not delivered through %s: %s", message.channel, fault, extra={"channel": message.channel})
    return fault is not None
