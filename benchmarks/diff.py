"""What changed: the store's own comparison against loading both scans and comparing them in Python, 1 % changed."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.judged import judged
from scanner.app.changes import changes_between
from scanner.diff.compare import Differences, compare
from scanner.diff.records import Counts
from scanner.model import ScanResult
from scanner.store.store import Store, open_store

COUNT = 300_000


def main(arguments: list[str]) -> None:
    """Store an estate twice, the second time with every hundredth identity moved, and compare both ways."""
    count = int(arguments[0]) if arguments else COUNT
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder, 'muster.db')}") as store:
        first = judged(count)
        store.save(first)
        store.save(_next(first))
        del first
        ours, quick = _timed(lambda: changes_between(store).summary)
        theirs, slow = _timed(lambda: _loaded(store))
    assert ours == theirs, (ours, theirs)
    moved = f"{count:,} identities, {ours.moved:,} moved"
    print(f"{moved}: {quick:.2f} s CPU; loading both {slow:.1f} s, {slow / quick:.0f} ×")


def _next(first: ScanResult) -> ScanResult:
    """The next night: every hundredth identity is in another environment."""
    identities = tuple(
        replace(one, identity=replace(one.identity, environment="moved")) if number % 100 == 0 else one
        for number, one in enumerate(first.identities)
    )
    started = first.scan.started_at + timedelta(days=1)
    scan = replace(first.scan, id="next", started_at=started, finished_at=started)
    return replace(first, scan=scan, identities=identities)


def _timed(run: Callable[[], Counts]) -> tuple[Counts, float]:
    started = time.process_time()
    counts = run()
    return counts, time.process_time() - started


def _loaded(store: Store) -> Counts:
    """Both scans in full, every record compared."""
    new, old = (store.load(scan.id) for scan, _ in store.newest_scans(2))
    identities = _pairs(old.identities, new.identities, lambda one: one.identity.key)
    findings = _pairs(old.findings, new.findings, lambda one: one.fingerprint)
    return compare(Differences(old=old, new=new, identities=identities, findings=findings)).summary


def _pairs(old: Sequence[Any], new: Sequence[Any], key: Callable[[Any], str]) -> list[tuple[Any, Any]]:
    before, after = {key(one): one for one in old}, {key(one): one for one in new}
    return [
        (before.get(one), after.get(one))
        for one in sorted(before.keys() | after.keys())
        if before.get(one) != after.get(one)
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
