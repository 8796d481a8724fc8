"""A connection to PostgreSQL that breaks: the scan is stored whole and once over another one, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.errors import LostStore
from scanner.model import Assessment, ScanResult
from scanner.store.intervals import BATCH
from scanner.store.store import Store, open_store
from tests.cli.conftest import BOTS
from tests.factories import make_assessment, make_finding, make_result
from tests.processes import let_go, line_with, start_holder, start_muster
from tests.servers import postgres
from tests.servers.tcp_proxy import TcpProxy

pytestmark = postgres.needed

FIRST = make_result(make_assessment("svc-billing"), findings=(make_finding(),))
MANY = tuple(make_assessment(f"svc-{number:06}") for number in range(BATCH + 10))
NEXT = replace(FIRST, scan=replace(FIRST.scan, id="next"), identities=MANY)


class Interrupting(list[Assessment]):
    """Identities that do something in the middle of being saved for the first time."""

    def __init__(self, identities: Sequence[Assessment], act: Callable[[], None]) -> None:
        super().__init__(identities)
        self._act: Callable[[], None] | None = act

    def __getitem__(self, place: Any) -> Any:
        if place == len(self) - 1 and self._act:
            act, self._act = self._act, None
            act()
        return super().__getitem__(place)


@pytest.fixture(scope="module")
def stoppable() -> Iterator[postgres.Postgres]:
    """A server that no other test uses."""
    with postgres.Postgres() as server:
        yield server


@pytest.fixture
def own_server(stoppable: postgres.Postgres) -> postgres.Postgres:
    """It is up, and may be stopped."""
    if not stoppable.is_started:
        stoppable.start()
    return stoppable


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    """A proxy before the server of the test run."""
    with TcpProxy(postgres.shared().port) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: TcpProxy) -> Iterator[Store]:
    """A store with one scan, behind the proxy."""
    with open_store(postgres.shared().store_url(port=proxy.port)) as store:
        store.save(FIRST)
        yield store


def interrupted(act: Callable[[], None]) -> ScanResult:
    """NEXT, with something that happens while it is being saved."""
    return replace(NEXT, identities=Interrupting(MANY, act))


def test_restart_in_the_middle_of_a_save(own_server: postgres.Postgres) -> None:
    """The server goes and comes back while a scan is being written: it is stored whole, once."""
    back = threading.Timer(1.0, own_server.start)

    def restart() -> None:
        own_server.stop()
        back.start()

    with open_store(own_server.store_url()) as store:
        store.save(FIRST)
        with store.alone():
            store.save(interrupted(restart))
        back.join()

        assert [scan.id for scan in store.scans()] == [FIRST.scan.id, "next"]
        assert store.load() == NEXT
        assert store.load(FIRST.scan.id) == FIRST
        with store.alone():
            assert store.status().holder


@pytest.mark.parametrize(
    ("way", "sign"),
    [
        pytest.param("cut_upward", b"COPY", id="before rows are written"),
        pytest.param("cut_upward", b"svc-010009", id="with the last rows"),
        pytest.param("cut_upward", b"COMMIT", id="before the commit"),
        pytest.param("cut_downward", b"COMMIT", id="before the commit is acknowledged"),
        pytest.param("cut_upward", b"BEGIN", id="at its beginning"),
    ],
)
def test_cut_in_the_middle_of_a_save(store: Store, proxy: TcpProxy, way: str, sign: bytes) -> None:
    """Wherever the connection is cut, also when it cannot be known whether the server had stored all of it."""
    setattr(proxy, way, lambda data: sign in data)

    with store.alone():
        store.save(NEXT)

    assert proxy.cuts == 1
    assert [scan.id for scan in store.scans()] == [FIRST.scan.id, "next"]
    assert store.load() == NEXT


def test_reading_over_a_connection_that_is_cut(store: Store, proxy: TcpProxy) -> None:
    """What is remembered is read anew."""
    proxy.cut_upward = lambda data: b"FETCH" in data

    assert store.retrying(store.load) == FIRST
    assert proxy.cuts == 1


def test_a_server_that_does_not_come_back(proxy: TcpProxy, caplog: pytest.LogCaptureFixture) -> None:
    """After the time that the URL allows the save fails with a hint, and the scan before is intact."""
    with open_store(postgres.shared().store_url(port=proxy.port, timeout="0.8")) as store:
        store.save(FIRST)

        def gone() -> None:
            proxy.refuses = True
            proxy.cut_upward = lambda _: True

        with pytest.raises(LostStore) as raised:
            store.save(interrupted(gone))
        proxy.refuses = False

        assert raised.value.hint
        assert "\n" not in str(raised.value)
        pauses = [record.getMessage().rpartition("; ")[2] for record in caplog.records]
        assert pauses == ["trying again in 0.5 s", "trying again in 0.3 s"]
        assert store.load() == FIRST


def test_a_store_that_comes_up_late(own_server: postgres.Postgres, caplog: pytest.LogCaptureFixture) -> None:
    """A scan that begins while its server restarts waits for it, as it does for everything else."""
    url = own_server.store_url()
    own_server.stop()
    starting = threading.Timer(0.7, own_server.start)
    starting.start()
    try:
        with open_store(url) as store:
            assert not store.has_scans()
    finally:
        starting.join()
    assert "cannot be reached" in caplog.text
    assert "trying again" in caplog.text


def test_restart_while_a_scan_waits(own_server: postgres.Postgres, tmp_path: Path) -> None:
    """A scan of the command line survives a restart between discovering and storing."""
    (tmp_path / "bots.csv").write_text(BOTS)
    url = own_server.store_url()
    open_store(url).close()
    holder = start_holder(url)
    scan = start_muster(tmp_path, "scan", "file:path=bots.csv", "--store", url, "--quiet")
    line_with(scan, "waiting for the scan of")

    own_server.stop()
    line_with(scan, "trying again")
    own_server.start()
    scan.communicate()
    let_go(holder)

    assert scan.returncode == 0
    with open_store(url, create=False) as store:
        assert store.scans()[0].counts.identities == 3


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(b"min(identity.first_scan)", id="what reports show of earlier scans"),
        pytest.param(b"-count(*)", id="changes since the scan before"),
    ],
)
def test_cut_after_the_scan_was_stored(proxy: TcpProxy, tmp_path: Path, sign: bytes) -> None:
    """The reports are written all the same."""
    (tmp_path / "bots.csv").write_text(BOTS)
    url = postgres.shared().store_url(port=proxy.port)
    scan = ("scan", "file:path=bots.csv", "--store", url, "--quiet", "-o", "html:report.html")
    start_muster(tmp_path, *scan).communicate()
    passed: list[bytes] = []

    def cut(data: bytes) -> bool:
        passed.append(data)
        return sign in data and any(b"min(identity.first_scan)" in one for one in passed)

    proxy.cut_upward = cut
    struck = start_muster(tmp_path, *scan)
    _, message = struck.communicate()

    assert proxy.cuts == 1
    assert struck.returncode == 0, message
    assert (tmp_path / "report.html").exists()
    with open_store(url, create=False) as store:
        assert len(store.scans()) == 2
