"""Matching, against itself at a tenth of the size: growth must be linear (goal: a million in 15 s)."""

from __future__ import annotations

import time

from benchmarks.estate import NOW, entries, identities
from scanner.matching.ladder import match

SIZES = ((20_000, 2_000, 200), (200_000, 20_000, 2_000))


def main() -> None:
    """Print seconds for each size, and the growth between them."""
    before = None
    for count, declared, globs in SIZES:
        estate, registry = list(identities(count)), list(entries(declared, globs))
        started = time.process_time()
        matching = match(estate, registry, tag_keys=(), today=NOW.date())
        cpu = time.process_time() - started
        registered = sum(verdict.state == "registered" for verdict in matching.verdicts.values())
        growth = f"; {cpu / before:.1f} × for {count // SIZES[0][0]} × the size" if before else ""
        print(f"{count:,} × {declared:,} entries × {globs:,} globs: {cpu:.2f} s CPU, {registered:,} registered{growth}")
        before = cpu


if __name__ == "__main__":
    main()
