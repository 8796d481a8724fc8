"""All identities by how safely they can be retired, against loading the scan (goal: 100,000 in 20 s of CPU).

``python -m benchmarks retiring [COUNT]`` stores accounts of 500 identities with five edges each, a few across accounts,
and asks ``muster retire --view`` for all of them: with an answer and a plan each, the safest first, as JSON and CSV.
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.measure import run
from benchmarks.paths import trusted
from scanner.store.store import open_store

COUNT = 100_000
GOAL = 20.0
_LOAD = "import sys; from scanner.store.store import open_store; print(len(open_store(sys.argv[1]).load().identities))"


def main() -> int:
    """Print a line for each format; 1 if one misses the goal."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'muster.db')}"
        # In a process of its own: a child's peak memory counts what its parent held when it was started.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            apart.submit(_store, url, count).result()
        load = run([sys.executable, "-c", _LOAD, url], cwd=folder)
        print(f"{count:,} identities: loaded in {load.cpu:.1f} s CPU, {load.peak:,.0f} MiB")
        for name in ("csv", "json"):
            line = [sys.executable, "-m", "scanner", "retire", "--view", "inventory", "-o", f"{name}:-"]
            cost = run(line, cwd=folder)
            missed = missed or cost.cpu > GOAL * count / COUNT
            print(
                f"{name:<5} {cost.cpu:5.1f} s CPU ({cost.cpu / load.cpu:.1f} × loading), {cost.peak:,.0f} MiB",
                flush=True,
            )
    return int(missed)


def _store(url: str, count: int) -> None:
    with open_store(url) as store:
        store.save(trusted(count, "accounts"))


if __name__ == "__main__":
    sys.exit(main())
