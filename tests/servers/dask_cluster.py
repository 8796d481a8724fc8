"""A Dask cluster on loopback: scheduler and workers as processes of their own, each of which can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

STARTS_WITHIN = 60.0
Process = subprocess.Popen[bytes]


class DaskCluster:
    """``address`` of a scheduler that is up; workers are added one by one."""

    def __init__(self) -> None:
        self.address = ""
        self._folder = tempfile.TemporaryDirectory(prefix="dask-")
        self._log = Path(self._folder.name, "log")
        self._processes: list[Process] = []
        self.scheduler: Process

    def __enter__(self) -> Self:
        reported = Path(self._folder.name, "scheduler.json")
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(reported)
        )
        give_up_at = time.monotonic() + STARTS_WITHIN
        while not self.address:
            if time.monotonic() > give_up_at or self.scheduler.poll() is not None:
                raise RuntimeError(f"the Dask scheduler did not start: {self.log}")
            try:
                self.address = json.loads(reported.read_text())["address"]
            except (OSError, ValueError):
                time.sleep(0.05)
        return self

    def worker(self, environment: Mapping[str, str] | None = None, *, threads: int = 4) -> Process:
        """Start a worker that runs this code; without a nanny, so that a kill hits itself."""
        return self._start(
            "worker", self.address, "--host", "127.0.0.1", "--no-nanny", "--nthreads", str(threads),
            "--death-timeout", "60", "--local-directory", self._folder.name, environment=environment,
        )  # fmt: skip

    def kill_workers(self) -> None:
        """Leave the scheduler alone."""
        while len(self._processes) > 1:
            worker = self._processes.pop()
            worker.kill()  # there is nothing to save
            worker.wait()

    @property
    def log(self) -> str:
        """What scheduler and workers wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill_workers()
        self.scheduler.kill()
        self.scheduler.wait()
        self._folder.cleanup()

    def _start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Process:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder.name,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **(environment or {})},
            )
        self._processes.append(process)
        return process
