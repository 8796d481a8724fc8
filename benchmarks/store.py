"""The store: a second scan with 1 % changed against the first (bound: 0.7 × its time; growth with the change)."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.judged import judged
from scanner.history.store import open_store

COUNT = 100_000


def main() -> None:
    """Save the same estate twice and print both."""
    first, second = judged(COUNT), judged(COUNT, changed=0.01)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "muster.db")
        with open_store(f"sqlite:///{file}") as store:
            seconds, sizes = [], []
            for result in (first, second):
                started = time.perf_counter()
                store.save(result)
                seconds.append(time.perf_counter() - started)
                sizes.append(sum(one.stat().st_size for one in Path(folder).iterdir()) / 1e6)
    print(
        f"{COUNT:,} identities, {len(first.findings):,} findings: first {seconds[0]:.1f} s, {sizes[0]:.0f} MB; second "
        f"{seconds[1]:.1f} s ({seconds[1] / seconds[0]:.2f} ×), {sizes[1] / sizes[0] - 1:+.1%} MB"
    )


if __name__ == "__main__":
    main()
