"""What changed between two scans in the store: the store says what differs, the diff what that means."""

from __future__ import annotations

from scanner.diff.compare import Unlike, compare
from scanner.diff.records import Diff
from scanner.history.store import Store


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
