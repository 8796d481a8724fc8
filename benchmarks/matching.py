"""Matching, against itself at a tenth of the size, and against an exact dict with a loop over the patterns.

python -m benchmarks matching [IDENTITIES]          at least 10,000

Goals: a million identities, 100,000 entries and 10,000 patterns in 15 s and 2 GB, and growth that is linear.
"""

from __future__ import annotations

import fnmatch
import resource
import sys
import time
from collections.abc import Sequence

from msgspec import Struct

from benchmarks.estate import NOW, entries, identities
from scanner.matching.globs import is_pattern
from scanner.matching.ladder import match
from scanner.model import Entry, Identity

USUAL, SMALLEST = 200_000, 10_000
PER_ENTRY, PER_PATTERN = 10, 100
"""So many identities for each entry, and for each of those that hold a pattern."""
SAMPLE = 50
"""The loop over the patterns is timed on so many identities; all of them would take hours."""


class Run(Struct, frozen=True, kw_only=True):
    """What one size took. ``naive``: CPU seconds of the baseline, reckoned up from the sample."""

    size: int
    registered: int
    wall: float
    cpu: float
    naive: float


def measured(size: int) -> Run:
    """Match an estate of that size, and then the naive way."""
    estate, registry = list(identities(size)), list(entries(size // PER_ENTRY, size // PER_PATTERN))
    wall, cpu = time.perf_counter(), time.process_time()
    matching = match(estate, registry, tag_keys=(), today=NOW.date())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    registered = sum(verdict.state == "registered" for verdict in matching.verdicts.values())
    return Run(size=size, registered=registered, wall=wall, cpu=cpu, naive=_naive(estate, registry))


def _naive(estate: Sequence[Identity], registry: Sequence[Entry]) -> float:
    """CPU seconds of a dict for exact texts, and of ``fnmatch`` over every pattern for whatever is not in it."""
    exact = {text: entry.id for entry in registry for text in entry.identities if not is_pattern(text)}
    patterns = [text for entry in registry for text in entry.identities if is_pattern(text)]
    started = time.process_time()
    left = [one for one in estate if one.key not in exact]
    looked_up = time.process_time() - started
    sample = left[:: max(1, len(left) // SAMPLE)]
    started = time.process_time()
    for one in sample:
        for pattern in patterns:
            fnmatch.fnmatchcase(one.key, pattern)
    return looked_up + (time.process_time() - started) * len(left) / len(sample)


def main() -> None:
    """Print each size, from a hundredth up, with its growth over the one before."""
    largest = max(int(sys.argv[1]), SMALLEST) if len(sys.argv) > 1 else USUAL
    before: Run | None = None
    for size in (largest // 100, largest // 10, largest):
        run = measured(size)
        growth = f"; {run.cpu / before.cpu:.1f} × for {run.size / before.size:.0f} × the size" if before else ""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{size:>9,} × {size // PER_ENTRY:,} entries × {size // PER_PATTERN:,} patterns: "
            f"wall {run.wall:.2f} s, CPU {run.cpu:.2f} s, peak {peak:,.0f} MiB, {run.registered:,} registered{growth}; "
            f"naive {run.naive:,.1f} s ({run.naive / run.cpu:,.0f} ×)",
            flush=True,
        )
        before = run


if __name__ == "__main__":
    main()
