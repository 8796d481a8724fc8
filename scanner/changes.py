"""What changed between two scans in the store: the store says what differs, the diff what that means."""

from __future__ import annotations

from msgspec.structs import replace

from scanner.board.measures import measures
from scanner.diff.compare import Unlike, compare
from scanner.diff.records import Diff
from scanner.history.store import Store
from scanner.model import ScanResult, Since

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
