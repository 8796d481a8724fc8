"""Compare two scans of a store, and remove a retired source from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from reports.board.numbers import measures
from scanner import __version__
from scanner.app.activity import with_activity
from scanner.diff.compare import Differences, compare
from scanner.diff.records import Diff
from scanner.errors import UsageError
from scanner.judging.last_known.forgetting import Forgetting, forget
from scanner.model import ActivityPolicy, BlindSpot, Forgotten, ScanInfo, ScanResult, Since
from scanner.store.outbox import Alarms
from scanner.store.store import Store
from scanner.text import printable

# --- Comparing two scans: the store finds the differences, scanner.diff interprets them ---

CHANGES_KEPT = 5_000
"""The number of changes that a result has for its reports; ``muster diff`` lists all."""


def changes_between(store: Store, old: str | None = None, new: str | None = None) -> Diff:
    """The changes from one scan to a later one, each by id, day or ``latest``; by default the two latest.

    Raises StoreError and UsageError for unknown scans.
    """
    with store.comparison(old, new) as between:
        return compare(
            Differences(
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


def with_since(
    store: Store, result: ScanResult, *, shares: bool = False, activity: ActivityPolicy | None = None
) -> ScanResult:
    """A stored result with the changes since the scan before it, if there is one: see ``ScanResult.since``.

    ``shares``: also the board's measures of the scan before, for which that whole scan is loaded. ``activity``: how
    long logs are kept; None: the default.
    """
    kept = store.scans()
    at = next(at for at, scan in enumerate(kept) if scan.id == result.scan.id)
    if at == 0:
        return result
    before = kept[at - 1]
    diff = changes_between(store, before.id, result.scan.id)
    changed = [row for row in diff.changes if row.change != "not_rechecked"]
    since = Since(
        scan=before.id,
        started_at=before.started_at,
        changes=tuple(changed[:CHANGES_KEPT]),
        total=len(changed),
        shares=_shares(store, before.id, activity or ActivityPolicy()) if shares else {},
    )
    return replace(result, since=since)


def _shares(store: Store, scan_id: str, activity: ActivityPolicy) -> Mapping[str, tuple[int, int]]:
    """The board's measures of an earlier scan, with what logs had reported by then."""
    result = with_activity(store, store.load(scan_id), activity)
    return {one.name: (one.count, one.known) for one in measures(result)}


# --- Forgetting a retired source, or one scope of it ---

PLACES_NAMED = 20


def plan_forgetting(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """What :func:`forget_place` would do. Raises UsageError for an unknown place."""
    last, blind = store.load(), store.outbox.blind_spots()
    known = _places(last, blind)
    if not any(place.holds(*known_place) for known_place in known):
        raise _unknown(place, known)
    info = ScanInfo(id=scan_id, started_at=now, finished_at=now, version=__version__)
    return forget(last, place, info)


def forget_place(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """Remove what only this place reported. Earlier scans do not change. Raises as :func:`plan_forgetting` does."""
    with store.alone():
        done = store.retrying(lambda: plan_forgetting(store, place, scan_id, now))
        blind = tuple(
            spot
            for spot in store.outbox.blind_spots()
            if spot.source == place.source and not place.holds(spot.source, spot.scope)
        )
        store.save(done.after, Alarms(blind=blind, sources=frozenset({place.source})), forgot=place)
    return done


def _places(last: ScanResult, blind: tuple[BlindSpot, ...]) -> set[tuple[str, str]]:
    """The known sources and scopes."""
    places = {(record.source, record.scope) for record in last.coverage} | {(spot.source, spot.scope) for spot in blind}
    places |= {(secret.source, secret.scope) for secret in last.secrets} | {
        (workload.source, workload.scope) for workload in last.workloads
    }
    places |= {(assignment.source, assignment.scope) for assignment in last.assignments}
    places |= {(exposure.source, exposure.scope) for exposure in last.exposures}
    found = (assessment.identity for assessment in last.identities)
    return places | {(source, identity.scope) for identity in found for source in (identity.source, *identity.sources)}


def _unknown(place: Forgotten, known: set[tuple[str, str]]) -> UsageError:
    scopes = sorted(scope for source, scope in known if source == place.source)
    names = scopes or sorted({source for source, _ in known})
    shown = ", ".join(map(printable, names[:PLACES_NAMED])) or "none"
    more = f" and {len(names) - PLACES_NAMED} more" if len(names) > PLACES_NAMED else ""
    return UsageError(
        f"the store knows nothing of {place}",
        hint=f"{'scopes of that source' if scopes else 'known sources'}: {shown}{more}",
    )
