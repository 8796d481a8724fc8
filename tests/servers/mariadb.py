"""A real MariaDB on loopback, from Debian's package, for as long as a ``with`` lasts."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.servers.ports import free_ports

START_SECONDS = 60.0
PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


def missing() -> str | None:
    """What has to be installed for it; None: nothing."""
    if not all(_program(name) for name in PROGRAMS):
        return "needs MariaDB: apt-get install mariadb-server"
    if importlib.util.find_spec("pymysql") is None:
        return "needs the driver PyMySQL: pip install pymysql"
    return None


def _program(name: str) -> str | None:
    """Debian does not put servers on everybody's path."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


needed = pytest.mark.skipif(missing() is not None, reason=missing() or "")
"""Marks tests that cannot do without it."""


class MariaDb:
    """A new server that is up, at ``port``. ``options``: of the server, such as those for TLS."""

    def __init__(self, *options: str) -> None:
        (self.port,) = free_ports(1)
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, sql: str) -> str:
        """Run statements as root; returns what they print."""
        program = _program("mariadb")
        assert program is not None
        done = subprocess.run(
            [
                program,
                "--no-defaults",
                "--batch",
                "--skip-column-names",
                "--skip-ssl",
                "-u",
                "root",
                f"--socket={self.socket}",
            ],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout

    @property
    def socket(self) -> Path:
        return self._folder / "socket"

    def __enter__(self) -> Self:
        install, server = _program("mariadb-install-db"), _program("mariadbd")
        assert install is not None
        assert server is not None
        me = ["--user=root"] if os.geteuid() == 0 else []
        data = f"--datadir={self._folder / 'data'}"
        made = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", *me]
        subprocess.run(made, check=True, capture_output=True)
        where = [f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1"]
        quick = ["--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [server, "--no-defaults", data, *where, *quick, *me, *self._options],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("SELECT 1")
            except AssertionError:
                if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                    said = (self._folder / "log").read_text(errors="replace")[-2000:]
                    raise TimeoutError(f"MariaDB did not come up: {said}") from None
                time.sleep(0.05)
            else:
                return

    def _stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)
