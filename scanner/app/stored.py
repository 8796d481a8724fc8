"""Adds acknowledgements and activity to a stored scan before it is shown.

Commands that show the store import this module and do not judge, so it must not import judging.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from scanner.app.acknowledging import all_acknowledgements
from scanner.app.handling import handling_of
from scanner.app.retirements import with_retirements
from scanner.config.load import Config
from scanner.model import ActivityPolicy, ScanResult
from scanner.store.store import Store
from scanner.suppressions.acknowledgements import has_later, with_later
from scanner.suppressions.handling import Handling, with_handling


@contextmanager
def opened(store: Store, scan_id: str | None, config: Config, *, streams: bool) -> Iterator[ScanResult]:
    """The named scan, or the latest, with its history and activity, for reports.

    The latest scan also has later acknowledgements, and what people began. ``streams``: records may stay in the store
    and be read while reports are written. They are read first if something is added to them. Raises StoreError and
    ConfigError.
    """
    today = datetime.now(UTC).date()
    given = all_acknowledgements(store, config.acknowledged, today) if scan_id is None else ()
    handling = handling_of(store) if scan_id is None else Handling()
    if streams and not store.activity.logs():
        with store.opened(scan_id) as result:
            if handling == Handling() and not has_later(result, given, today):
                yield with_retirements(store, result)
                return
    result = with_handling(with_later(store.with_past(store.load(scan_id)), given, today), handling)
    yield with_activity(store, with_retirements(store, result), config.activity)


def with_activity(store: Store, result: ScanResult, policy: ActivityPolicy) -> ScanResult:
    """A loaded scan with the activity of its identities that was known at that time. Raises DamagedRow."""
    past = store.activity.past(as_of=result.scan.started_at)
    if not past.logs:
        return result
    from scanner.app.activity import add_activity

    return add_activity(past, result, policy)
