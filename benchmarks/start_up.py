"""How long `muster --help` takes, against an interpreter that does nothing (goal: under 100 ms)."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.measure import run

RUNS = 10


def main() -> None:
    """Print both medians."""
    muster = str(Path(sys.executable).with_name("muster"))
    bare = statistics.median(run([sys.executable, "-c", "pass"]).wall for _ in range(RUNS))
    helped = statistics.median(run([muster, "--help"]).wall for _ in range(RUNS))
    print(f"python -c pass {bare * 1000:.0f} ms; muster --help {helped * 1000:.0f} ms ({helped / bare:.1f} ×)")


if __name__ == "__main__":
    main()
