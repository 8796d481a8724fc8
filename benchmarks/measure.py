"""A command as a whole process: seconds, CPU seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct


class Cost(Struct, frozen=True):
    """What a process cost: wall and CPU seconds, and its peak resident memory in MiB."""

    wall: float
    cpu: float
    peak: float


def run(command: Sequence[str], *, environment: Mapping[str, str] | None = None, cwd: str | None = None) -> Cost:
    """Run it to its end. Raises RuntimeError where it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} … ended with {process.returncode}: {errors.decode()[-2000:]}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def cpu_before_output(command: Sequence[str], *, cwd: str) -> tuple[float, Cost]:
    """CPU seconds before a command's first byte of output, and what it cost in all. Linux alone knows the former."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    out = process.stdout.fileno()
    os.read(out, 1)
    before = _cpu_so_far(process.pid)
    while os.read(out, 1 << 20):
        pass
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    return before, cost


def _cpu_so_far(pid: int) -> float:
    """From ``/proc``; see proc_pid_stat(5): fields 14 and 15, after the name in brackets."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
