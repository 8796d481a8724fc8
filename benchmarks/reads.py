"""CPU before a command's first output, against loading the whole scan (goal: 2 s of a million, `show` 0.3 s).

``python -m benchmarks reads [COUNT]`` stores an estate twice, with 1 % changed between, and asks for what it has.
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.judged import judged
from benchmarks.measure import cpu_before_output
from scanner.store.store import open_store

COUNT = 100_000
_LOAD = "import sys; from scanner.store.store import open_store; print(len(open_store(sys.argv[1]).load().identities))"
_COMMANDS = (
    "report",
    "orphans",
    "orphans -o csv:-",
    "report -o markdown:-",
    "report --view inventory -o csv:-",
    "diff",
    "history",
    "show {key}",
)


def main() -> None:
    """Print a line for each command."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder  # an installed Muster is compiled
        url = f"sqlite:///{Path(folder, 'muster.db')}"
        # In a process of its own: a child's peak memory counts what its parent held when it was started.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            key = apart.submit(_stored, url, count).result()
        for command in _COMMANDS:
            cpu_before_output(_line(command, key), cwd=folder)
        load, loaded = cpu_before_output([sys.executable, "-c", _LOAD, url], cwd=folder)
        print(f"{count:,} identities: loaded in {load:.1f} s CPU, {loaded.peak:,.0f} MiB")
        for command in _COMMANDS:
            before, cost = cpu_before_output(_line(command, key), cwd=folder)
            print(
                f"{command:<34} {before:5.2f} s CPU before output ({before / load:.2f} × loading), "
                f"{cost.cpu:6.2f} s in all, {cost.peak:5,.0f} MiB",
                flush=True,
            )


def _line(command: str, key: str) -> list[str]:
    return [sys.executable, "-m", "scanner", *command.format(key=key).split()]


def _stored(url: str, count: int) -> str:
    """Store the estate, and return the key of an identity."""
    with open_store(url) as store:
        first = judged(count)
        store.save(first)
        last = judged(count, day=1, changed=0.01, before=first)
        store.save(last)
    return last.identities[count // 2].identity.key


if __name__ == "__main__":
    main()
