"""A command as a whole process: seconds, CPU seconds, peak memory. What many processes use, by Linux's /proc."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

_SAMPLED_EVERY = 0.5


class Cost(Struct, frozen=True):
    """What a process cost: wall and CPU seconds, and its peak resident memory in MiB.

    ``cpu`` includes its children. ``together``: the most memory of it and its children, pages that they share counted
    once, if it was asked for.
    """

    wall: float
    cpu: float
    peak: float
    together: float = 0.0


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    cwd: str | None = None,
    with_children: bool = False,
) -> Cost:
    """Run it to its end. Raises RuntimeError where it fails. ``with_children``: ask for their memory, too."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    together = 0.0
    with selectors.DefaultSelector() as ended:
        ended.register(process.stderr, selectors.EVENT_READ)
        while with_children and not ended.select(timeout=_SAMPLED_EVERY):
            together = max(together, proportional_memory(process.pid))
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} … ended with {process.returncode}: {errors.decode()[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - started, cpu, usage.ru_maxrss / 1024, together)


def cpu_before_output(command: Sequence[str], *, cwd: str) -> tuple[float, Cost]:
    """CPU seconds before a command's first byte of output, and what it cost in all. Linux alone knows the former."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    out = process.stdout.fileno()
    os.read(out, 1)
    before = used_cpu([process.pid])
    while os.read(out, 1 << 20):
        pass
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    return before, cost


def descendants(process: int) -> Iterator[int]:
    """The ids of the processes that it started, that these started, and so on."""
    with suppress(OSError):  # it ended meanwhile
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in map(int, children.read_text(encoding="ascii").split()):
                yield child
                yield from descendants(child)


def proportional_memory(process: int) -> float:
    """MiB that it takes with its descendants, pages that they share counted once: see smaps_rollup in proc(5)."""
    kib = 0
    for one in (process, *descendants(process)):
        with suppress(OSError):  # it ended meanwhile
            lines = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def used_cpu(processes: Iterable[int]) -> float:
    """CPU seconds that they used so far, and that those of their children used that ended."""
    ticks = 0
    for process in processes:
        with suppress(OSError):  # it ended meanwhile
            # See proc_pid_stat(5): fields 14 to 17, after the name in brackets.
            fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
