"""A command as a whole process: seconds, CPU seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence

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
