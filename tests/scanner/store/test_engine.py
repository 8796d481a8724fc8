"""Stores that cannot be used: each is reported with a hint, never as a traceback."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock
from msgspec.structs import replace
from sqlalchemy import Engine, event

from scanner.errors import DamagedRow, MissingStore, StoreError
from scanner.store.engine import connect, database_of, reading
from scanner.store.store import open_store
from tests.factories import make_assessment, make_result

RESULT = make_result(make_assessment("svc-billing"))
NEXT = replace(RESULT, scan=replace(RESULT.scan, id="next"))
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with one scan."""
    path = tmp_path / "muster.db"
    with open_store(f"sqlite:///{path}") as store:
        store.save(RESULT)
    return path


def journal(path: Path) -> str:
    """How the file is written to."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without the rights of root, who may write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("muster.db", "cannot be understood", id="a path"),
        pytest.param("sqlite://muster.db", "no store of the form sqlite://", id="two slashes"),
        pytest.param("mysql://localhost/muster", "no store of the form mysql://", id="another database"),
        pytest.param("sqlite:///a%00b.db", "names no file", id="null byte"),
        pytest.param("sqlite:///file:a.db?uri=true", "unknown option, uri", id="unknown option"),
        pytest.param("sqlite://?timeout=soon", "timeout is soon", id="timeout"),
        pytest.param("postgresql://muster:hunter2@db/muster", "holds a password", id="password"),
        pytest.param("postgresql://db/muster?password=hunter2", "holds a password", id="password as an option"),
        pytest.param("postgresql://muster:hunter2@db:port/muster", "cannot be understood", id="password, unreadable"),
    ],
)
def test_unusable_urls(url: str, message: str) -> None:
    """A URL that names no store is refused, and a password in it is repeated nowhere, causes included."""
    with pytest.raises(StoreError, match=message) as raised:
        open_store(url)
    assert raised.value.hint
    assert "hunter2" not in f"{raised.value} {raised.value.hint} {raised.value.__cause__}"


def test_new_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """The store, and what SQLite puts beside it, can be read by no one else, whatever the umask."""
    before = os.umask(0)
    try:
        with open_store(f"sqlite:///{tmp_path / 'muster.db'}") as store:
            store.save(RESULT)
            store.load()
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert modes == dict.fromkeys(("muster.db", "muster.db-wal", "muster.db-shm", "muster.db.lock"), 0o600)


def test_only_a_store_that_holds_something_is_written_ahead(tmp_path: Path) -> None:
    """No one can read a first scan before it is whole, so it is not written twice; all others leave readers be."""
    with open_store(f"sqlite:///{tmp_path / 'muster.db'}") as store:
        before = journal(tmp_path / "muster.db")
        store.save(RESULT)

    assert (before, journal(tmp_path / "muster.db")) == ("delete", "wal")


def test_a_reader_is_not_waited_for_longer_than_asked(tmp_path: Path) -> None:
    """Where somebody reads just now, writing ahead begins another time, and the scan is stored all the same."""
    path = tmp_path / "muster.db"
    open_store(f"sqlite:///{path}").close()
    engine = connect(f"sqlite:///{path}?timeout=0", create=False)
    with reading(engine) as reader:
        reader.exec_driver_sql("SELECT * FROM scan").all()
        database_of(engine).settle(engine)
        assert journal(path) == "delete"
    database_of(engine).settle(engine)
    engine.dispose()

    assert journal(path) == "wal"


def test_nothing_is_created_unless_asked(tmp_path: Path) -> None:
    """Who only reads does not make an empty store."""
    with pytest.raises(StoreError, match="there is no store at") as raised:
        open_store(f"sqlite:///{tmp_path / 'muster.db'}", create=False)
    assert raised.value.hint == "`muster scan` makes one"
    assert list(tmp_path.iterdir()) == []


def test_missing_directory(tmp_path: Path) -> None:
    """A directory that is not there is named."""
    with pytest.raises(StoreError, match=r"nowhere/muster\.db cannot be created: No such file or directory") as raised:
        open_store(f"sqlite:///{tmp_path}/nowhere/muster.db")
    assert raised.value.hint


def test_directory_in_place_of_a_file(tmp_path: Path) -> None:
    """A directory is no store."""
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("create", [True, False])
def test_an_empty_file_was_cut_off(path: Path, create: bool) -> None:
    """A store whose file lost all that it held is not taken for a new one; it is left to anyone who has a backup."""
    with path.open("r+b") as file:
        file.truncate()

    with pytest.raises(StoreError, match="is empty: it was truncated") as raised:
        open_store(f"sqlite:///{path}", create=create)

    assert "put back the last backup" in (raised.value.hint or "")
    assert path.stat().st_size == 0


def test_one_that_is_just_being_made_was_not_cut_off(tmp_path: Path) -> None:
    """Who makes a store holds its lock, and is awaited."""
    path = tmp_path / "muster.db"
    path.touch()

    with FileLock(f"{path}.lock"), pytest.raises(StoreError, match=r"cannot be created: .*\.lock"):
        open_store(f"sqlite:///{path}?timeout=0")


def test_a_store_begins_as_no_empty_file(tmp_path: Path) -> None:
    """From its first moment on, with nothing beside it but its lock, and in the larger pages."""
    connect(f"sqlite:///{tmp_path / 'muster.db'}", create=True).dispose()

    with closing(sqlite3.connect(tmp_path / "muster.db")) as made:
        assert made.execute("PRAGMA page_size").fetchone() == (8192,)
    assert {one.name for one in tmp_path.iterdir()} == {"muster.db", "muster.db.lock"}
    with pytest.raises(MissingStore):
        open_store(f"sqlite:///{tmp_path / 'muster.db'}", create=False)


def test_what_is_deleted_does_not_stay_in_the_file(tmp_path: Path) -> None:
    """Neither in the rest of a page, nor in pages that are free."""
    path = tmp_path / "muster.db"
    engine = connect(f"sqlite:///{path}", create=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE x (number INTEGER PRIMARY KEY, text TEXT)")
        for number in range(2000):
            connection.exec_driver_sql("INSERT INTO x VALUES (?, ?)", (number, f"{number}-{'quagga' * 20}"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM x WHERE number > 0")
    engine.dispose()

    assert path.read_bytes().count(b"quagga") == 20


def test_not_a_database(tmp_path: Path) -> None:
    """A file that is something else is left as it is."""
    path = tmp_path / "registry.csv"
    path.write_text("id,owner\n" * 1000)

    with pytest.raises(StoreError, match="not a Muster store: the file is not an SQLite database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text() == "id,owner\n" * 1000


def test_database_of_another_program(tmp_path: Path) -> None:
    """Another program's database gets no tables of ours."""
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE moz_places (id INTEGER)")

    with pytest.raises(StoreError, match="another program's tables"):
        open_store(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("moz_places",)]


def test_damaged_file(path: Path) -> None:
    """A store with overwritten pages says that it is damaged."""
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 200_000)

    with pytest.raises(StoreError, match="is damaged") as raised, open_store(f"sqlite:///{path}") as store:
        store.load()
    assert raised.value.hint == "move it away and put back the last backup"


@pytest.mark.parametrize("column", ["identity.body", "identity_sighting.body", "scan.summary"])
def test_damaged_body(path: Path, column: str) -> None:
    """A body that is no record any more is named with its record."""
    table, _, name = column.partition(".")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {table} SET {name} = '[1'")  # noqa: S608  # the names are this test's own
        connection.commit()

    with open_store(f"sqlite:///{path}") as store, pytest.raises(DamagedRow, match="changed or damaged") as raised:
        store.load()
    assert "muster store check" in str(raised.value.hint)


def test_locked(path: Path) -> None:
    """While another process writes, a save gives up after the wait; reading goes on."""
    with closing(sqlite3.connect(path)) as other, open_store(f"sqlite:///{path}?timeout=0.05") as store:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreError, match="another scan is writing") as raised:
            store.save(NEXT)
        assert raised.value.hint
        assert store.load() == RESULT


@contextmanager
def room_for(pages: int) -> Iterator[None]:
    """A database takes no more than so many pages."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


@pytest.mark.parametrize("pages", [2, 40, 60])
def test_disk_full_before_there_are_tables(tmp_path: Path, pages: int) -> None:
    """The error names it; there is no store then, rather than one of an earlier version, and once there is room one."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"

    with room_for(pages), pytest.raises(StoreError, match="no room left"):
        open_store(url)

    with pytest.raises(MissingStore, match="there is no store"):
        open_store(url, create=False)
    with open_store(url) as store:
        store.save(RESULT)
        assert store.load() == RESULT


def test_disk_full(path: Path) -> None:
    """When there is no room left, the scan before is intact, and the next save works once there is."""
    large = replace(NEXT, identities=tuple(make_assessment(f"svc-{number:04}") for number in range(2000)))

    with (
        room_for(60),
        open_store(f"sqlite:///{path}") as store,
        pytest.raises(StoreError, match="no room left") as raised,
    ):
        store.save(large)

    assert raised.value.hint
    with open_store(f"sqlite:///{path}") as store:
        assert store.load() == RESULT
        store.save(large)
        assert store.load() == large


def test_read_only() -> None:
    """A file that may only be read can be read; saving to it, or making one beside it, is refused with a hint."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "muster.db"
        with open_store(f"sqlite:///{path}") as store:
            store.save(RESULT)
            store.load()
            path.chmod(0o444)
            Path(folder, "muster.db-wal").chmod(0o666)
            Path(folder, "muster.db-shm").chmod(0o666)
            Path(folder).chmod(0o755)
            with unprivileged(), open_store(f"sqlite:///{path}", create=False) as reader:
                assert reader.load() == RESULT
                with pytest.raises(StoreError, match="is read-only") as raised:
                    reader.save(NEXT)
                assert raised.value.hint
                with pytest.raises(StoreError, match="cannot be created: Permission denied"):
                    open_store(f"sqlite:///{folder}/other.db")
