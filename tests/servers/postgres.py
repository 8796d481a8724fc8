"""A real PostgreSQL on loopback, from Debian's package, for as long as a ``with`` lasts."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from trustme import LeafCert

from tests.servers.ports import free_ports

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


needed = pytest.mark.skipif(missing() is not None, reason=missing() or "")
"""Marks tests that cannot do without it."""


@cache
def shared() -> Postgres:
    """The one server of this test run, which goes on until it ends."""
    until_the_end = ExitStack()
    atexit.register(until_the_end.close)
    return until_the_end.enter_context(Postgres())


class Postgres:
    """``url`` (without the password) and ``password`` of the superuser of a new server that is up.

    It sorts as Swedes do, so that nothing is right only because the server sorts as Python does.
    """

    def __init__(self) -> None:
        self.password = "correct-horse"
        self.url = ""
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        (self.port,) = free_ports(1)
        self._schemas = count(1)
        # The server refuses to run as root.
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None

    def run(self, sql: str) -> None:
        """Run statements as the superuser."""
        self._psql(f"--command={sql}")

    def pipe(self, script: str) -> None:
        """Run a script for psql as the superuser."""
        self._psql(input=script)

    def log_files(self, folder: str) -> list[Path]:
        """What it wrote into a folder of logs."""
        return sorted((self._data / folder).iterdir())

    def dump_roles(self, *options: str) -> str:
        """What pg_dumpall writes of the roles."""
        done = subprocess.run(
            [self._program("pg_dumpall"), "--roles-only", *filter(None, options), f"--dbname={self.url_for_tools}"],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PGPASSWORD": self.password},
        )
        return done.stdout

    def _psql(self, *arguments: str, input: str | None = None) -> None:  # noqa: A002  # subprocess's name for it
        subprocess.run(
            [self._program("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", *arguments, self.url_for_tools],
            check=True,
            capture_output=True,
            text=True,
            input=input,
            env={**os.environ, "PGPASSWORD": self.password},
        )

    @contextmanager
    def encrypted(self, certificate: LeafCert) -> Iterator[None]:
        """Within the context, it offers TLS with this certificate."""
        files = {"ssl_cert_file": self._folder / "server.pem", "ssl_key_file": self._folder / "server.key"}
        files["ssl_cert_file"].write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(files["ssl_key_file"])
        for name, path in files.items():
            path.chmod(0o600)
            if self._user:
                shutil.chown(path, self._user)
            self.run(f"ALTER SYSTEM SET {name} = '{path}'")
        self._offer_tls("on")
        try:
            yield
        finally:
            self._offer_tls("off")

    def _offer_tls(self, value: str) -> None:
        self.run(f"ALTER SYSTEM SET ssl = {value}")
        self.run("SELECT pg_reload_conf()")
        deadline = time.monotonic() + START_SECONDS
        while True:  # the server reloads by and by
            with contextlib.suppress(subprocess.CalledProcessError):
                self.run(f"DO $$ BEGIN ASSERT current_setting('ssl') = '{value}'; END $$")
                return
            if time.monotonic() > deadline:
                raise TimeoutError("PostgreSQL did not reload")
            time.sleep(0.05)

    def store_url(self, *, port: int | None = None, **options: str) -> str:
        """The URL of a new store: a schema of its own, and a file with the password. ``port``: of a proxy before it."""
        options = {"passfile": str(self._folder / "pgpass"), "schema": f"store_{next(self._schemas)}"} | options
        url = self.url.replace(f":{self.port}/", f":{port or self.port}/")
        return f"{url}?" + "&".join(f"{name}={value}" for name, value in options.items())

    @property
    def url_for_tools(self) -> str:
        """The address without SQLAlchemy's driver in it."""
        return self.url.replace("+psycopg", "")

    def __enter__(self) -> Self:
        secret, passwords = self._folder / "password", self._folder / "pgpass"
        secret.write_text(self.password)
        passwords.write_text(f"*:*:*:*:{self.password}\n")
        passwords.chmod(0o600)
        if self._user:
            for path in (self._folder, secret):
                shutil.chown(path, self._user)
            self._folder.chmod(0o711)
        initdb = [self._program("initdb"), "-D", str(self._data), "-U", "admin", "-A", "scram-sha-256", "--no-sync"]
        words = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=sv", f"--pwfile={secret}"]
        subprocess.run([*initdb, *words], check=True, capture_output=True, user=self._user, cwd=self._folder)
        self.url = f"postgresql+psycopg://admin@127.0.0.1:{self.port}/postgres"
        self.start()
        return self

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def is_started(self) -> bool:
        """Whether it was not stopped since it was started."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        server = [self._program("postgres"), "-D", str(self._data), "-p", str(self.port), "-h", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*server, "-k", "", "-F"],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait(self.port)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it at once: its connections end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

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
