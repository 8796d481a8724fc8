"""What changed between two scans, and forgetting a source: questions that need the whole store."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from reports.board.numbers import measures
from scanner import __version__
from scanner.diff.compare import Unlike, compare
from scanner.diff.records import Diff
from scanner.errors import UsageError
from scanner.judging.last_known.forgetting import Forgetting, forget
from scanner.model import BlindSpot, Forgotten, ScanInfo, ScanResult, Since
from scanner.store.outbox import Alarms
from scanner.store.store import Store
from scanner.text import printable

# --- What changed between two scans in the store: the store says what differs, the diff what that means ---

CHANGES_KEPT = 5_000
"""Rows of what changed that a result keeps for its reports; ``muster diff`` has all."""


def changes_between(store: Store, old: str | None = None, new: str | None = None) -> Diff:
    """From one scan to a later one, each by id, day or ``latest``; the two latest unless given.

    Raises StoreError and UsageError for scans that there are not.
    """
    with store.comparison(old, new) as between:
        return compare(
            Unlike(
                old=between.old,
                new=between.new,
                identities=between.identities(),
                returned=between.returned(),
                not_rechecked=between.not_rechecked(),
                findings=between.findings(),
                came_back=between.came_back(),
                forgotten=between.forgotten(),
                entries=tuple(between.entries()),
            )
        )


def with_since(store: Store, result: ScanResult, *, shares: bool = False) -> ScanResult:
    """A stored result with what changed since the scan before it, where there is one: see ``ScanResult.since``.

    ``shares``: also the board's measures of the scan before, for which all of it is loaded.
    """
    kept = store.scans()
    at = next(at for at, one in enumerate(kept) if one.id == result.scan.id)
    if at == 0:
        return result
    before = kept[at - 1]
    diff = changes_between(store, before.id, result.scan.id)
    told = [row for row in diff.changes if row.change != "not_rechecked"]
    since = Since(
        scan=before.id,
        started_at=before.started_at,
        changes=tuple(told[:CHANGES_KEPT]),
        total=len(told),
        shares={one.name: (one.count, one.known) for one in measures(store.load(before.id))} if shares else {},
    )
    return replace(result, since=since)


# ---
# Forgetting a source that is retired, or one scope of it: what the store then holds instead of the latest scan.

PLACES_NAMED = 20


def plan_forgetting(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """What :func:`forget_place` would do. Raises UsageError for a place of which nothing is known."""
    last, blind = store.load(), store.outbox.blind_spots()
    known = _places(last, blind)
    if not any(place.holds(*one) for one in known):
        raise _unknown(place, known)
    info = ScanInfo(id=scan_id, started_at=now, finished_at=now, version=__version__)
    return forget(last, place, info)


def forget_place(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """End all that only this place knew, as of now; earlier scans stay as they were. Raises as the planning does."""
    with store.alone():
        done = store.steadily(lambda: plan_forgetting(store, place, scan_id, now))
        blind = tuple(
            one
            for one in store.outbox.blind_spots()
            if one.source == place.source and not place.holds(one.source, one.scope)
        )
        store.save(done.after, Alarms(blind=blind, sources=frozenset({place.source})), forgot=place)
    return done


def _places(last: ScanResult, blind: tuple[BlindSpot, ...]) -> set[tuple[str, str]]:
    """Sources and scopes that something is known of."""
    places = {(one.source, one.scope) for one in last.coverage} | {(one.source, one.scope) for one in blind}
    places |= {(one.source, one.scope) for one in last.secrets} | {(one.source, one.scope) for one in last.workloads}
    places |= {(one.source, one.scope) for one in last.assignments}
    found = (one.identity for one in last.identities)
    return places | {(source, one.scope) for one in found for source in (one.source, *one.sources)}


def _unknown(place: Forgotten, known: set[tuple[str, str]]) -> UsageError:
    scopes = sorted(scope for source, scope in known if source == place.source)
    names = scopes or sorted({source for source, _ in known})
    shown = ", ".join(map(printable, names[:PLACES_NAMED])) or "none"
    more = f" and {len(names) - PLACES_NAMED} more" if len(names) > PLACES_NAMED else ""
    return UsageError(
        f"the store knows nothing of {place}",
        hint=f"{'scopes of that source' if scopes else 'sources that it knows'}: {shown}{more}",
    )
