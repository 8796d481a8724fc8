"""A Dask cluster on loopback: scheduler and workers as processes of their own, each of which can be killed."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import Forked, forks

STARTS_WITHIN = 60.0
_DASK = "import os, dask.cli; os.dup2(2, 1); dask.cli.run_cli()"
MODULES = ("distributed.cli.dask_worker", "distributed.cli.dask_scheduler", "connectors.aws.connector", "boto3")
"""What its processes load, and the scans that it reads for; a second of CPU each."""


class DaskCluster:
    """``address`` of a scheduler that is up; workers are added one by one."""

    def __init__(self) -> None:
        self.address = ""
        self._folder = tempfile.TemporaryDirectory(prefix="dask-")
        self._log = Path(self._folder.name, "log")
        self._processes: list[Forked] = []
        self.scheduler: Forked

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

    def worker(self, environment: Mapping[str, str] | None = None, *, threads: int = 4) -> Forked:
        """Start a worker that runs this code; without a nanny, so that a kill hits itself."""
        return self._start(
            "worker", self.address, "--host", "127.0.0.1", "--no-nanny", "--nthreads", str(threads),
            "--death-timeout", "60", "--local-directory", self._folder.name, environment=environment,
        )  # fmt: skip

    def kill_workers(self) -> None:
        """Leave the scheduler alone."""
        while len(self._processes) > 1:
            _kill(self._processes.pop())

    @property
    def log(self) -> str:
        """What scheduler and workers wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill_workers()
        _kill(self.scheduler)
        self._folder.cleanup()

    def _start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Forked:
        with self._log.open("ab") as log:
            process = forks().start(
                _DASK, *arguments, "--no-dashboard",
                folder=Path(self._folder.name), modules=MODULES, environment={**os.environ, **(environment or {})},
                stderr=log.fileno(), patience=0,
            )  # fmt: skip
        self._processes.append(process)
        return process


def _kill(process: Forked) -> None:
    """There is nothing to save."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
