"""Compare two scans of a store."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reports.board.numbers import measures
from scanner.app.stored import with_activity
from scanner.diff.compare import Differences, compare
from scanner.diff.records import Diff
from scanner.model import ActivityPolicy, ScanResult, Since
from scanner.store.store import Store

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
