"""How ``muster serve`` ends: at once, with exit code 0, whatever waits for it or is waited for.

What would keep it is held for as long as the test waits for its end, so no clock decides.
"""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from benchmarks.measure import descendants
from scanner.serve.index.catalog import SMALL
from scanner.store.engine import connect, writing
from scanner.store.store import open_store
from tests.databases import postgresql
from tests.factories import make_assessment, make_finding, make_result
from tests.processes import PATIENCE
from tests.scanner.serve.served import Served
from tests.scanner.serve.test_people import until

CONNECTIONS = 50


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_open_connections(scanned_folder: Path, how: signal.Signals) -> None:
    """Idle ones, one without a whole request, and one that never takes the file that it asked for."""
    with Served(scanned_folder) as served, ExitStack() as opened:
        for number in range(CONNECTIONS):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", served.port), PATIENCE))
            if number:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(64).startswith(b"HTTP/1.1 200")
            else:
                connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert served.end(how) == 0


@pytest.fixture(scope="module")
def large() -> Iterator[str]:
    """A store on PostgreSQL whose scan has no index, and is too large to have it built before the server listens."""
    with postgresql() as url:
        with open_store(url) as store:
            store.save(make_result(*(make_assessment(f"svc-{at}") for at in range(SMALL)), findings=(make_finding(),)))
        yield url


@pytest.mark.parametrize("what", ["an index is built", "a file is on its way"])
def test_it_ends_while_a_database_keeps_it_waiting(scanned_folder: Path, tmp_path: Path, large: str, what: str) -> None:
    """The query of a thread or a child does not end, because its table is locked."""
    folder = tmp_path / "served"
    shutil.copytree(scanned_folder, folder, ignore=shutil.ignore_patterns("*.index"))
    settings = f'[serve]\nindex = "{tmp_path / "index"}"\n'
    with ExitStack() as held:
        locking = connect(large, create=False)
        held.callback(locking.dispose)
        table = "identity_sighting" if what == "an index is built" else "finding_sighting"
        if what == "an index is built":
            lock = held.enter_context(writing(locking))
            lock.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        served = held.enter_context(Served(folder, settings, "--store", f"{large}&timeout=600"))
        if what == "an index is built":
            until(lambda: f"building the index, 0 of {SMALL + 1:,}" in served.http.get("/healthz").text)
            page = served.http.get("/", headers=served.bearer)
            assert (page.status_code, f"building the index, 0 of {SMALL + 1:,}" in page.text) == (503, True)
            assert "building the index" in served.http.get("/api/v1/identities", headers=served.bearer).json()["detail"]
            assert f"building the index: 0 of {SMALL + 1:,}" in served.log
        else:
            until(lambda: served.http.get("/api/v1/findings", headers=served.bearer).status_code == httpx.codes.OK)
            lock = held.enter_context(writing(locking))
            lock.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            file = socket.create_connection(("127.0.0.1", served.port), PATIENCE)
            held.callback(file.close)
            asked = (
                f"GET /export/findings.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.token}\r\n\r\n"
            )
            file.sendall(asked.encode())
        children = [*descendants(served.pid)]
        assert served.end() == 0
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
