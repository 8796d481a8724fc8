"""Two scans into one store: they discover at once, and are judged and stored one after the other."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.errors import StoreError
from scanner.store.engine import connect, reading
from scanner.store.store import open_store
from tests.databases import SHARED, Backend
from tests.factories import make_assessment, make_result
from tests.processes import let_go, line_with, start_holder, start_muster

LIST = "key,name,provider,scope,kind\nsaas:{0}:bot,bot-{0},saas,{0},bot\n"
SOURCE = '[[source]]\nname = "{0}"\ntype = "file"\npath = "{0}.csv"\n'
HOLDER = r"pid \d+ on \S+ since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty store that other processes can open."""
    backend: Backend = request.param
    with backend() as url:
        open_store(url).close()
        yield url


@pytest.fixture
def two_sources(tmp_path: Path) -> Path:
    """A folder with a config of two lists."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(LIST.format(name))
    (tmp_path / "config.toml").write_text(SOURCE.format("one") + SOURCE.format("two"))
    return tmp_path


def test_two_scans_of_different_sources(url: str, two_sources: Path) -> None:
    """Both wait for the same holder, then for each other: afterwards each source is there as its own scan saw it."""
    holder = start_holder(url)
    scans = [start_muster(two_sources, "scan", name, "--store", url, "--quiet") for name in ("one", "two")]
    for scan in scans:
        assert re.search(f"waiting for the scan of {HOLDER}", line_with(scan, "waiting for the scan of"))
    let_go(holder)

    for scan in scans:
        scan.communicate()
    assert [scan.returncode for scan in scans] == [0, 0]
    with open_store(url, create=False) as store:
        first, last = (store.load(scan.id) for scan in store.scans())
    assert sorted(one.identity.source for one in last.identities) == ["one", "two"]
    assert len(first.identities) == 1
    assert first.identities[0].identity in [one.identity for one in last.identities]


def test_waiting_is_bounded(url: str) -> None:
    """A command that waits for longer than the URL allows names the holder of the store, and goes without it."""
    holder = start_holder(url)
    separator = "&" if "?" in url else "?"

    with (
        open_store(f"{url}{separator}timeout=0.3") as store,
        pytest.raises(StoreError, match=f"in use by the scan of {HOLDER}, for more than 0.3 seconds") as raised,
        store.alone(),
    ):
        raise AssertionError("held twice")
    assert raised.value.hint
    let_go(holder)


def test_a_scan_waits_longer_for_the_decisions_of_people(url: str) -> None:
    """What it read for an hour is not lost because somebody's transaction takes longer than a command would wait."""
    waits = []
    for create in (True, False):
        engine = connect(url, create=create)
        asked = "SHOW lock_timeout" if engine.dialect.name == "postgresql" else "PRAGMA busy_timeout"
        with reading(engine) as connection:
            waits.append(str(connection.exec_driver_sql(asked).scalar_one()))
        engine.dispose()

    assert waits in (["10min", "10s"], ["600000", "10000"])


def test_a_dead_holder_holds_nothing(url: str) -> None:
    """After kill -9 the next one goes ahead at once, whatever the dead process left behind."""
    holder = start_holder(url)
    with open_store(url) as store:
        held = store.status().holder
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        with store.alone():
            ours = store.status().holder
        assert store.status().holder is None

    assert held is not None
    assert held.startswith(f"pid {holder.pid} on ")
    assert ours is not None
    assert ours.startswith(f"pid {os.getpid()} on ")


def test_reading_waits_for_no_one(url: str) -> None:
    """While one is alone in the store, everybody may look at it."""
    result = make_result(make_assessment("svc-billing"))
    with open_store(url) as store:
        store.save(result)
    holder = start_holder(url)

    with open_store(url, create=False) as reader:
        assert reader.load() == result
    let_go(holder)


def test_what_was_stored_meanwhile_is_not_undone(url: str) -> None:
    """Where the lock did not hold another off, saving over what no one remembered is refused."""
    result = make_result(make_assessment("svc-billing"))
    other = replace(result, scan=replace(result.scan, id="other"))
    with open_store(url) as store, open_store(url) as intruder:
        with store.alone():
            intruder.save(other)
            with pytest.raises(StoreError, match="another scan was stored") as raised:
                store.save(result)
        assert raised.value.hint
        with store.alone():
            store.save(result)
            store.save(replace(result, scan=replace(result.scan, id="next")))

        assert [scan.id for scan in store.scans()] == ["other", result.scan.id, "next"]
