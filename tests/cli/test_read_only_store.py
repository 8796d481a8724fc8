"""A store where nothing can be written, such as on a read-only mount: it is read and reported, and never changed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scanner.cli.indexing import index_folder
from scanner.errors import StoreError
from scanner.store.store import open_store
from tests.cli.conftest import Muster
from tests.scanner.store.test_engine import unprivileged


@pytest.fixture
def mounted(estate: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The estate with a store of three scans, in a folder that everyone may read and nobody may write to."""
    for _ in range(3):
        assert muster("scan").code == 0
    own = Path(tempfile.mkdtemp())  # nobody else may enter pytest's folders
    own.chmod(0o755)
    folder = own / "estate"
    shutil.copytree(estate, folder, ignore=shutil.ignore_patterns("*.lock", "*-wal", "*-shm"))
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    monkeypatch.chdir(folder)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        shutil.rmtree(own)


@pytest.mark.parametrize(
    "command",
    [("report",), ("history",), ("diff",), ("orphans",), ("show", "old-sync"), ("store", "check"), ("review", "list")],
    ids=" ".join,
)
def test_commands_that_read(command: tuple[str, ...], mounted: Path, muster: Muster, estate: Path) -> None:
    """They say the same as where the store can be written, and leave no file."""
    os.chdir(estate)
    expected = muster(*command)
    os.chdir(mounted)
    before = sorted(mounted.iterdir())
    with unprivileged():
        done = muster(*command)

    assert (done.code, done.out) == (expected.code, expected.out)
    assert sorted(mounted.iterdir()) == before


def test_it_is_said_that_it_is_read_as_it_is(mounted: Path, muster: Muster) -> None:
    """Nothing keeps another process from writing to it meanwhile."""
    del mounted
    with unprivileged():
        done = muster("report", "-o", "json:-")

    assert "muster.db is read-only: it is read as it is" in done.err
    assert len(json.loads(done.out)["identities"]) == 3


def test_commands_that_write(mounted: Path, muster: Muster) -> None:
    """They say that it is read-only, before anything is read, with the exit code of a store that cannot be used."""
    del mounted
    for command in (("scan",), ("store", "upgrade"), ("review", "open", "q4", "--due", "2099-01-01")):
        with unprivileged():
            done = muster(*command)

        assert done.code == 2, command
        assert "the store muster.db is read-only" in done.err


def test_who_cannot_log_a_decision_decides_nothing(mounted: Path, muster: Muster) -> None:
    """The lists may be written, the log of decisions not: so neither is. What only looks does so all the same."""
    with unprivileged():
        listed = json.loads(muster("report", "--view", "findings", "-o", "json:-").out)["findings"]
    store = ("--store", f"sqlite:///{mounted}/muster.db")
    work = mounted.parent / "work"
    work.mkdir()
    work.chmod(0o777)
    for name in ("config.toml", "registry.csv", "people.csv", "bots.csv"):
        shutil.copy(mounted / name, work / name)
        (work / name).chmod(0o666)
    os.chdir(work)
    before = {path.name: path.read_bytes() for path in work.iterdir()}
    known = ("acknowledge", listed[0]["fingerprint"], "--reason", "known", "--by", "ada@example.com")
    for command in (("registry", "adopt"), known):
        with unprivileged():
            done, looked = muster(*command, *store), muster(*command, *store, "--dry-run")

        assert (done.code, done.out, looked.code) == (2, "", 0)
        assert "muster.db is read-only" in done.err
        assert {path.name: path.read_bytes() for path in work.iterdir()} == before


def test_the_index_of_the_page_is_elsewhere(mounted: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the user's cache, and for each store in a folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with unprivileged():
        index = index_folder("sqlite:///muster.db")
        other = index_folder(f"sqlite:///{mounted / 'other.db'}")

    assert index.parent == other.parent == tmp_path / "cache" / "muster"
    assert index != other
    monkeypatch.chdir(tmp_path)
    assert index_folder("sqlite:///muster.db") == Path("muster.db.index")


def test_changes_beside_the_file_are_never_left_out(mounted: Path) -> None:
    """After a crash they are in ``-wal``, which cannot be read there: no earlier state is shown as the latest."""
    path = mounted / "muster.db"
    path.chmod(0o644)
    mounted.chmod(0o755)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE more (x)")
        writer.commit()
        shutil.copy(f"{path}-wal", mounted / "kept")
    shutil.move(mounted / "kept", f"{path}-wal")
    mounted.chmod(0o555)

    with unprivileged(), pytest.raises(StoreError, match="its last changes are in a file beside it") as raised:
        open_store(f"sqlite:///{path}", create=False)
    assert raised.value.hint


def test_a_newer_file_in_its_place_is_seen(mounted: Path, estate: Path, muster: Muster) -> None:
    """A page that is served from there shows the scan of the next night."""
    with unprivileged():
        store = open_store(f"sqlite:///{mounted / 'muster.db'}", create=False)
    with store:
        before = store.load().scan.id
        os.chdir(estate)
        muster("scan")
        with closing(sqlite3.connect(estate / "muster.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        mounted.chmod(0o755)
        shutil.copy(estate / "muster.db", mounted / "next")
        (mounted / "next").rename(mounted / "muster.db")
        mounted.chmod(0o555)

        assert store.load().scan.id != before
