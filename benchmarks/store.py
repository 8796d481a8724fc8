"""The store: a second scan with 1 % changed against the first (bound: 0.7 × its time; growth with the change).

SQLite, and PostgreSQL where it is installed, in turns; CPU seconds of the server are not ours, so these are wall clock.
``python -m benchmarks store 300000`` takes another number of identities.
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


def main() -> None:
    """Save the same estate twice, load it, and print all three for each database."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    first, second = judged(count), judged(count, changed=0.01)
    print(f"{count:,} identities, {len(first.findings):,} findings")
    for database in (sqlite, postgresql):
        if database is postgresql and (lacking := postgres.missing()):
            print(f"{database.__name__}: left out, {lacking}")
            continue
        with database() as url:
            print(f"{database.__name__}: {_measured(url, first, second)}", flush=True)


def _measured(url: str, first: ScanResult, second: ScanResult) -> str:
    with open_store(url) as store:
        saved = [(_seconds(partial(store.save, one)), store.status().bytes / 1e6) for one in (first, second)]
        loaded = _seconds(store.load)
    (before, megabytes), (after, grown) = saved
    return (
        f"first {before:.1f} s, {megabytes:.0f} MB; second {after:.1f} s ({after / before:.2f} ×), "
        f"{grown / megabytes - 1:+.1%} MB; load {loaded:.1f} s"
    )


def _seconds(work: Callable[[], T]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
