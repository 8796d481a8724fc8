"""The store: saving on SQLite and on PostgreSQL, beside each other (bound: PostgreSQL takes 1.5 × as long as SQLite).

A second scan with 1 % changed may take 0.7 × of the first, and the store grows with the change. CPU seconds of the
server are not ours, so these are wall clock. PostgreSQL is left out where it is not installed.
``python -m benchmarks store 1000000`` takes another number of identities.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from benchmarks.judged import judged
from scanner.model import ScanResult
from scanner.store.store import open_store
from tests.servers import postgres

COUNT = 100_000

T = TypeVar("T")


@contextmanager
def sqlite() -> Iterator[str]:
    """A file."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder, 'muster.db')}"


@contextmanager
def postgresql() -> Iterator[str]:
    """A schema on a server on this machine, with Debian's settings but for fsync."""
    with postgres.Postgres() as server:
        yield server.store_url()


class Saved(Struct, frozen=True):
    """Seconds to save the first scan, to save the second, and to load it; bytes after each of the two."""

    first: float
    second: float
    load: float
    bytes: tuple[int, int]


def main() -> None:
    """Save the same estate twice and load it, on each database, and print the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    scans = judged(count), judged(count, changed=0.01)
    print(f"{count:,} identities, {len(scans[0].findings):,} findings")
    with sqlite() as url:
        base = _measured(url, *scans)
    print(f"sqlite: {_described(base, count)}", flush=True)
    if lacking := postgres.missing():
        print(f"postgresql: left out, {lacking}")
        return
    with postgresql() as url:
        other = _measured(url, *scans)
    print(f"postgresql: {_described(other, count)}")
    print(f"postgresql / sqlite: first {other.first / base.first:.2f} ×, second {other.second / base.second:.2f} ×")


def _measured(url: str, first: ScanResult, second: ScanResult) -> Saved:
    with open_store(url) as store:
        begun, size = _seconds(partial(store.save, first)), store.status().bytes
        again, grown = _seconds(partial(store.save, second)), store.status().bytes
        return Saved(begun, again, _seconds(store.load), (size, grown))


def _described(saved: Saved, count: int) -> str:
    size, grown = saved.bytes
    return (
        f"first {saved.first:.1f} s, {size / 1e6:.0f} MB ({size / count / 1e3:.2f} kB an identity); "
        f"second {saved.second:.1f} s ({saved.second / saved.first:.2f} ×), {grown / size - 1:+.1%} MB; "
        f"load {saved.load:.1f} s"
    )


def _seconds(work: Callable[[], T]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
