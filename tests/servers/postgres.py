"""A real PostgreSQL on loopback, from Debian's package, for as long as a ``with`` lasts."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

START_SECONDS = 60.0
_UNPRIVILEGED = "nobody"


def missing() -> str | None:
    """What has to be installed for it; None: nothing."""
    if _programs() is None:
        return "needs PostgreSQL: apt-get install postgresql"
    if importlib.util.find_spec("psycopg") is None:
        return "needs the driver psycopg: pip install 'psycopg[binary]'"
    return None


def _programs() -> Path | None:
    """The folder of the newest server there is; Debian does not put it on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Postgres:
    """``url`` (without the password) and ``password`` of the superuser of a new server that is up."""

    def __init__(self) -> None:
        self.password = "correct-horse"
        self.url = ""
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root.
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None

    def run(self, sql: str) -> None:
        """Run statements as the superuser."""
        subprocess.run(
            [self._program("psql"), "--quiet", "--set=ON_ERROR_STOP=1", f"--command={sql}", self.url_for_tools],
            check=True,
            capture_output=True,
            env={**os.environ, "PGPASSWORD": self.password},
        )

    @property
    def url_for_tools(self) -> str:
        """The address without SQLAlchemy's driver in it."""
        return self.url.replace("+psycopg", "")

    def __enter__(self) -> Self:
        port = _free_port()
        data = self._folder / "data"
        secret = self._folder / "password"
        secret.write_text(self.password)
        if self._user:
            for path in (self._folder, secret):
                shutil.chown(path, self._user)
        initdb = [self._program("initdb"), "-D", str(data), "-U", "admin", "-A", "scram-sha-256", "--no-sync"]
        subprocess.run(
            [*initdb, f"--pwfile={secret}"], check=True, capture_output=True, user=self._user, cwd=self._folder
        )
        server = [self._program("postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", ""]
        self._process = subprocess.Popen(
            [*server, "-F"], user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.url = f"postgresql+psycopg://admin@127.0.0.1:{port}/postgres"
        try:
            self._wait(port)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _program(self, name: str) -> str:
        folder = _programs()
        assert folder is not None
        return str(folder / name)

    def _wait(self, port: int) -> None:
        ready = [self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                raise TimeoutError("PostgreSQL did not come up")
            time.sleep(0.05)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
