"""Lists kept in a database: one query, no change, no password in any message."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import RegistryError
from scanner.model import Entry, Origin
from scanner.redaction.redact import SecretRef
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.roster.people import load_people
from scanner.registry.sql import read_query
from tests.processes import PATIENCE
from tests.servers.postgres import Postgres, missing

QUERY = "SELECT id, arn AS identities, owner, expires, note FROM nhi ORDER BY rowid"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A registry in SQLite."""
    path = tmp_path / "nhi.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE nhi (id TEXT, arn TEXT, owner TEXT, expires TEXT, note BLOB, password TEXT)")
        connection.executemany(
            "INSERT INTO nhi VALUES (?, ?, ?, ?, ?, 'hunter2')",
            [
                ("N-1", "arn:a; arn:b", "ada@x", "2026-11-25", "50 % :off"),
                (None, None, None, None, None),
                (7, "svc", "", "", b"\xff"),
            ],
        )
    return path


def source(path: Path, query: str = QUERY) -> ListSource:
    return ListSource(url=f"sqlite:///{path}", query=query)


def entries(path: Path, query: str = QUERY) -> tuple[Entry, ...]:
    return load_registry([source(path, query)]).entries


def problem(*lists: ListSource) -> str:
    with pytest.raises(RegistryError) as caught:
        load_registry(lists)
    return str(caught.value)


def test_a_query_is_read_like_a_sheet(database: Path) -> None:
    """Its columns are headings, its rows entries with their number; empty rows and cells are nothing."""
    first, second = entries(database)

    assert (first.id, first.identities, first.owner, first.expires, first.extra) == (
        "N-1",
        ("arn:a", "arn:b"),
        ("ada@x",),
        date(2026, 11, 25),
        {"note": "50 % :off"},
    )
    assert first.origin == Origin(file=f"sqlite:///{database}", row=1)
    assert (second.id, second.owner, second.origin.row, second.extra) == ("7", (), 3, {"note": "ff"})
    assert first.registry == f"sqlite:///{database}"


def test_an_entry_without_an_id_goes_by_its_row(database: Path) -> None:
    """As with a file, the list's name and the row are the id."""
    assert [entry.id for entry in entries(database, "SELECT arn FROM nhi WHERE arn IS NOT NULL")] == [
        "nhi.db:1",
        "nhi.db:2",
    ]


def test_people_come_from_a_query_too(database: Path) -> None:
    """A roster is as well kept in a database as a registry."""
    people = load_people([source(database, "SELECT owner AS email FROM nhi WHERE owner > ''")]).people

    assert [person.email for person in people] == ["ada@x"]


def test_a_column_of_secrets_is_not_taken(database: Path) -> None:
    """What is called a password is left alone, wherever it is kept."""
    registry = load_registry([source(database, "SELECT arn, password FROM nhi WHERE arn IS NOT NULL")])

    assert "hunter2" not in repr(registry)
    assert [warning.message for warning in registry.warnings] == [
        'the column "password" may hold secrets and is not read'
    ]


def test_percent_signs_and_colons_are_as_they_are_written(database: Path) -> None:
    """Nothing in a query is a parameter."""
    (entry,) = entries(database, "SELECT arn, '12:30 %s :x' AS id FROM nhi WHERE arn LIKE '%a%'")

    assert entry.id == "12:30 %s :x"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("DELETE FROM nhi", id="a change"),
        pytest.param("SELECT 1; DELETE FROM nhi", id="two statements"),
        pytest.param("SELECT ';' AS arn", id="what could hide a second one"),
        pytest.param("-- SELECT\nDELETE FROM nhi", id="a comment that begins so"),
        pytest.param("EXPLAIN SELECT 1", id="another word"),
        pytest.param("selection", id="a longer word"),
        pytest.param("", id="nothing"),
        pytest.param("(" * 50_000, id="a hostile one"),
    ],
)
def test_only_one_select_is_run(database: Path, query: str) -> None:
    """Anything but a single SELECT is refused before the database hears of it."""
    message = problem(source(database, query))

    assert message == (
        f"sqlite:///{database}: query: is not one SELECT "
        "(write one statement that begins with SELECT or WITH, and no ; within it)"
    )


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("  select arn from nhi where arn = 'svc' ; ", id="a semicolon at the end"),
        pytest.param("/* who * has */ -- what\n SELECT arn FROM nhi WHERE arn = 'svc'", id="comments"),
        pytest.param("WITH n AS (SELECT * FROM nhi) SELECT arn FROM n WHERE arn = 'svc'", id="with"),
    ],
)
def test_a_select_may_be_written_freely(database: Path, query: str) -> None:
    """Case, comments and common table expressions are no matter."""
    assert [entry.identities for entry in entries(database, query)] == [("svc",)]


def test_a_select_that_writes_is_stopped_by_the_database(database: Path) -> None:
    """SQLite is opened read-only, whatever the query says."""
    message = problem(source(database, "WITH a AS (SELECT 1) DELETE FROM nhi RETURNING arn"))

    assert message == f"sqlite:///{database}: cannot be read: attempt to write a readonly database"
    assert len(entries(database)) == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("postgresql+psycopg://u:hunter2@h/db", "postgresql+psycopg://u:***@h/db: url: holds a password "
                     '(take it out, and give it as password = { env = "NAME" })', id="password"),
        pytest.param("postgresql://u@h/db?password=hunter2", "postgresql://u@h/db: url: holds a password "
                     '(take it out, and give it as password = { env = "NAME" })', id="password as a parameter"),
        pytest.param("mssql+pyodbc:///?odbc_connect=UID%3Du%3BPWD%3Dhunter2", "mssql+pyodbc:///: url: holds a password "
                     '(take it out, and give it as password = { env = "NAME" })', id="password within a parameter"),
        pytest.param("nowhere", "nowhere: is not an address of a database "
                     "(write it like postgresql+psycopg://user@host/database)", id="no address"),
        pytest.param("postgresql://u:hunter2@h:x/db", "postgresql://u:•••@h:x/db: is not an address of a database "
                     "(write it like postgresql+psycopg://user@host/database)", id="no port"),
        pytest.param("nosuch://h/db", "nosuch://h/db: is a kind of database we do not know "
                     "(install SQLAlchemy's dialect for nosuch)", id="no dialect"),
        pytest.param("mysql://h/db", "mysql://h/db: needs the driver MySQLdb (pip install 'mysqlclient')", id="driver"),
        pytest.param("oracle://h/db", "oracle://h/db: needs the driver oracledb (pip install 'oracledb')", id="oracle"),
    ],
)  # fmt: skip
def test_an_unusable_url_is_reported_with_its_fix(url: str, message: str) -> None:
    """The error names what to do, and repeats no secret."""
    assert problem(ListSource(url=url, query="SELECT 1")) == message


def test_a_missing_database_is_not_made(tmp_path: Path) -> None:
    """SQLite would make one that is empty."""
    message = problem(source(tmp_path / "none.db"))

    assert message == f"sqlite:///{tmp_path}/none.db: cannot be read: unable to open database file"
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("SELECT color FROM nhi", "cannot be read: no such column: color", id="a wrong column"),
        pytest.param("SELECT owner FROM nhi",
                     "no heading means account or identities or name; found: owner (explain yours in the config, as in "
                     'columns = { "owner" = "identities" })', id="no column of ours"),
        pytest.param("SELECT CAST(x'ff' AS TEXT) AS arn",
                     "cannot be read: Could not decode to UTF-8 column 'arn' with text '�'", id="no text"),
    ],
)  # fmt: skip
def test_a_failing_query_is_reported(database: Path, query: str, message: str) -> None:
    """The database's own words, on one line; the connection is closed after them."""
    assert problem(source(database, query)) == f"sqlite:///{database}: {message}"


def test_a_missing_password_is_reported(database: Path) -> None:
    """The reference is named."""
    one = ListSource(url=f"sqlite:///{database}", query="SELECT 1", password=SecretRef(env="NO_SUCH_PASSWORD"))

    assert problem(one).endswith(
        "password: environment variable NO_SUCH_PASSWORD is not set or empty "
        "(set environment variable NO_SUCH_PASSWORD)"
    )


def test_problems_of_a_query_come_with_those_of_other_lists(tmp_path: Path, database: Path) -> None:
    """One list that cannot be read does not hide what is wrong with the next."""
    (tmp_path / "r.csv").write_text("arn,expires\nx,soon\n")

    message = problem(source(database, "DROP TABLE nhi"), ListSource(path=tmp_path / "r.csv"))

    assert message.splitlines()[1] == f"{tmp_path}/r.csv:2: expires: soon is not a date (write it like 2026-11-25)"


# --- PostgreSQL -------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server with a registry in it."""
    if why := missing():
        pytest.skip(why)
    with Postgres() as server:
        server.run(
            "CREATE TABLE nhi (id uuid, arn text[], owner text, expires date, age numeric, doc jsonb);"
            "INSERT INTO nhi VALUES ('00000000-0000-0000-0000-000000000007', '{arn:a,arn:b}', 'ada@x', '2026-11-25',"
            " 90.00, '{\"a\": 1}');"
            "INSERT INTO nhi (arn) SELECT ARRAY['svc-' || n] FROM generate_series(1, 3000) n;"
            "CREATE FUNCTION write() RETURNS text LANGUAGE sql"
            " AS $$INSERT INTO nhi (owner) VALUES ('x') RETURNING owner$$"
        )
        yield server


ENDLESS = "WITH RECURSIVE n(name) AS (SELECT 1 UNION ALL SELECT name + 1 FROM n) SELECT name {}FROM n"


@pytest.mark.parametrize("query", [ENDLESS.format(""), ENDLESS.format("+ 0 ") + " WHERE name < 0"])
def test_a_query_that_does_not_end_is_ended(database: Path, query: str) -> None:
    """One that gives rows for ever, and one that never gives any."""
    limited = ListSource(url=f"sqlite:///{database}", query=query, timeout=0.3, max_rows=10**12)

    found = problem(limited)

    assert "query: has not given all its rows within 0.3 seconds (narrow the query, or set timeout" in found
    assert not any(thread.name.startswith("reads ") for thread in threading.enumerate())


def test_a_query_of_too_many_rows_is_ended(database: Path) -> None:
    """As many as are allowed are read."""
    query = "SELECT arn FROM nhi WHERE arn IS NOT NULL"
    two = ListSource(url=f"sqlite:///{database}", query=query, max_rows=2)
    one = ListSource(url=f"sqlite:///{database}", query=query, max_rows=1)

    assert len(load_registry([two]).entries) == 2
    assert "query: has more than 1 rows (narrow the query, or set max_rows beside its url)" in problem(one)


@pytest.mark.parametrize(
    "settings",
    [{"timeout": 0}, {"timeout": 1e9}, {"max_rows": 0}, {"url": None, "query": None, "path": Path("a"), "timeout": 3}],
)
def test_limits_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    """So is one of a file."""
    with pytest.raises(ValueError, match=r"timeout|max_rows"):
        ListSource(**{"url": "sqlite:///x", "query": "SELECT 1", **settings})


@pytest.fixture
def secret(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> SecretRef:
    """A reference to the server's password."""
    monkeypatch.setenv("REGISTRY_PASSWORD", postgres.password)
    return SecretRef(env="REGISTRY_PASSWORD")


@pytest.mark.real_server
def test_postgres_is_read_with_its_types(postgres: Postgres, secret: SecretRef) -> None:
    """Arrays are lists, and ids, dates, numbers and documents what they are in any list."""
    query = "SELECT id, arn, owner, expires, age AS rotation, doc FROM nhi ORDER BY id, arn"

    registry = load_registry([ListSource(url=postgres.url, query=query, password=secret)])

    first = registry.entries[0]
    assert (first.id, first.identities, first.owner, first.expires, first.max_credential_age, first.extra) == (
        "00000000-0000-0000-0000-000000000007",
        ("arn:a", "arn:b"),
        ("ada@x",),
        date(2026, 11, 25),
        90,
        {"doc": "a=1"},
    )
    assert len(registry.entries) == 3001
    assert postgres.password not in repr(registry)


@pytest.mark.real_server
def test_no_driver_takes_a_percent_sign_for_a_parameter(postgres: Postgres, secret: SecretRef) -> None:
    """This one would, if it were given any parameters."""
    query = "SELECT '12:30 %s' AS id, arn FROM nhi WHERE arn::text LIKE '%arn%'"

    (entry,) = load_registry([ListSource(url=postgres.url, query=query, password=secret)]).entries

    assert entry.id == "12:30 %s"


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("SELECT write() AS name", "cannot execute INSERT in a read-only transaction", id="a function"),
        pytest.param("SELECT arn FROM nhi FOR UPDATE", "cannot execute SELECT FOR UPDATE in a read-only transaction",
                     id="a lock"),
        pytest.param("WITH gone AS (DELETE FROM nhi RETURNING arn) SELECT arn FROM gone",
                     "DECLARE CURSOR must not contain data-modifying statements in WITH", id="a change within"),
        pytest.param("SELECT arn INTO copied FROM nhi", "SELECT ... INTO is not allowed here", id="a new table"),
    ],
)  # fmt: skip
def test_postgres_lets_nothing_be_written(postgres: Postgres, secret: SecretRef, query: str, message: str) -> None:
    """The server refuses to write, also within a SELECT."""
    found = problem(ListSource(url=postgres.url, query=query, password=secret))

    assert found == f"{postgres.url}: cannot be read: {message}"


@pytest.mark.real_server
def test_a_server_ends_what_takes_too_long(postgres: Postgres, secret: SecretRef) -> None:
    """By its own limit or by ours, and nothing goes on there."""
    slow = ListSource(url=postgres.url, query="SELECT pg_sleep(60)::text AS name", password=secret, timeout=0.5)
    running = "SELECT count(*)::text AS name FROM pg_stat_activity WHERE query LIKE '%pg_' || 'sleep(60)%'"

    assert "has not given all its rows within 0.5 seconds" in problem(slow)
    (entry,) = load_registry([ListSource(url=postgres.url, query=running, password=secret)]).entries
    assert entry.name == "0"


def test_a_server_that_never_answers(database: Path) -> None:
    """Connecting counts, too."""
    del database
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        lost = ListSource(url=f"postgresql+psycopg://reader@127.0.0.1:{port}/x", query="SELECT 1", timeout=0.5)

        assert "has not given all its rows within 0.5 seconds" in problem(lost)


@pytest.mark.real_server
def test_a_wrong_password_is_not_repeated(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's refusal is reported, without the password."""
    monkeypatch.setenv("REGISTRY_PASSWORD", "battery-staple")
    wrong = SecretRef(env="REGISTRY_PASSWORD")

    message = problem(ListSource(url=postgres.url, query="SELECT 1", password=wrong))

    assert "password authentication failed" in message
    assert "battery-staple" not in message


@pytest.mark.real_server
def test_a_reading_that_is_broken_off_leaves_no_connection(postgres: Postgres, secret: SecretRef) -> None:
    """Rows are streamed, and who stops in the middle closes the connection."""
    table = read_query(ListSource(url=postgres.url, query="SELECT arn FROM nhi", password=secret))
    next(table.rows)
    table.close()
    query = (
        "SELECT count(*)::text AS name FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + PATIENCE

    others = None
    while others != "0" and time.monotonic() < deadline:  # the server takes a moment to end a session
        (entry,) = load_registry([ListSource(url=postgres.url, query=query, password=secret)]).entries
        others = entry.name

    assert others == "0"
