"""What is particular to PostgreSQL, on a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text

from scanner.errors import MissingStore, StoreError
from scanner.store import schema
from scanner.store.engine import connect, reading, writing
from scanner.store.postgres import Postgres
from scanner.store.staging import Part
from scanner.store.store import open_store
from tests.factories import NOW, make_assessment, make_finding, make_result
from tests.servers import postgres

pytestmark = postgres.needed

RESULT = make_result(make_assessment("svc-billing"), findings=(make_finding(),))
NEXT = replace(RESULT, scan=replace(RESULT.scan, id="next"), identities=(make_assessment("deploy"),))


@pytest.fixture
def server() -> postgres.Postgres:
    """The server of the test run."""
    return postgres.shared()


@pytest.fixture
def url(server: postgres.Postgres) -> str:
    """A store with one scan."""
    url = server.store_url()
    with open_store(url) as store:
        store.save(RESULT)
    return url


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schema": "pg_catalog"}, "schema is pg_catalog"),
        ({"schema": "a;drop"}, "schema is a;drop"),
        ({"options": "-c work_mem=1"}, "unknown option, options"),
        ({"timeout": "soon"}, "timeout is soon"),
    ],
)
def test_unusable_options(server: postgres.Postgres, options: dict[str, Any], message: str) -> None:
    """What a URL may ask for is a short list."""
    with pytest.raises(StoreError, match=message) as raised:
        open_store(server.store_url(**options))
    assert raised.value.hint


@pytest.mark.parametrize(
    ("state", "message", "lost"),
    [
        ("08006", "lost the connection", True),
        ("57P01", "ended the connection", True),
        ("57P05", "ended the connection", True),
        ("25P03", "ended the connection", True),
        ("25006", "is read-only", False),
        ("42501", "does not let this role", False),
        ("53100", "no room left", False),
        ("53300", "no resources left", False),
        ("54000", "cannot hold", False),
        ("55P03", "another scan is writing", False),
        ("57014", "cancelled a statement", False),
        ("XX001", "is damaged", False),
        ("42P01", "does not work", False),
    ],
)
def test_faults(state: str, message: str, lost: bool) -> None:
    """Each is reported in its own words, and only a lost connection is worth another try."""
    import psycopg

    fault = Postgres().fault(psycopg.errors.lookup(state)())

    assert message in fault.what
    assert fault.lost == lost
    assert fault.hint


def test_no_such_server_database_or_role(server: postgres.Postgres) -> None:
    """A server that is not there or refuses is named on one line; a refusal that will not pass is not tried again."""
    for url in (
        server.store_url(port=1, timeout="0.1"),
        server.store_url().replace("/postgres?", "/nowhere?"),
        server.store_url().replace("admin@", "nobody@"),
    ):
        with pytest.raises(StoreError, match="cannot be reached") as raised:
            open_store(url)
        assert "PGPASSWORD" in str(raised.value.hint)
        assert "\n" not in str(raised.value)


def test_a_database_that_is_not_in_utf_8(server: postgres.Postgres) -> None:
    """Names would not fit into it, so it is refused before anything is written."""
    server.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")

    with pytest.raises(StoreError, match="a database in LATIN1") as raised:
        open_store(server.store_url().replace("/postgres?", "/latin?"))
    assert "UTF8" in str(raised.value.hint)


def test_a_reader_makes_nothing(server: postgres.Postgres) -> None:
    """Neither schema nor tables come of looking."""
    url = server.store_url()

    with pytest.raises(MissingStore):
        open_store(url, create=False)
    engine = connect(url, create=False)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT current_schema()")).scalar() is None
    engine.dispose()


def test_stores_in_one_database_keep_apart(server: postgres.Postgres, url: str) -> None:
    """Each schema is a store of its own; what another program has in one is not touched."""
    with open_store(server.store_url()) as other:
        assert not other.has_scans()
        with other.alone(), open_store(url) as store, store.alone():
            assert store.load() == RESULT
    server.run("CREATE SCHEMA taken; CREATE TABLE taken.accounts (id INTEGER)")

    with pytest.raises(StoreError, match="another program's tables") as raised:
        open_store(server.store_url(schema="taken"))
    assert "schema" in str(raised.value.hint)


def test_keys_sort_as_in_python(server: postgres.Postgres) -> None:
    """Whatever language the server sorts in, and with what PostgreSQL cannot hold in a text."""
    names = [
        "a",
        "A",
        "ä",
        "z",
        "Z",
        "_",
        "-",
        "a-b",
        "ab",
        "\0",
        "\x01",
        "\x01\x02",
        "a\0b",
        "é",
        "e\u0301",
        "😀",
        "￿",
    ]
    result = make_result(*(make_assessment(name) for name in names))
    result = replace(result, identities=tuple(sorted(result.identities, key=lambda one: one.identity.key)))
    with open_store(server.store_url()) as store:
        store.save(result)
        store.save(replace(NEXT, identities=result.identities[::2]))

        assert store.load(result.scan.id) == result
        assert list(store.memory.assessments(lambda *_: True)) == list(result.identities[::2])
        assert store.find(result.identities[0].identity.key).identities == result.identities[:1]


@pytest.mark.parametrize("table", ["identity", "identity_sighting", "finding"])
def test_a_page_of_open_rows_is_read_from_an_index(url: str, table: str) -> None:
    """Also before the server has analyzed a table; it would sort all rows for each page."""
    rows = schema.metadata.tables[table].c
    page = select(rows.key, rows.body).where(rows.until_scan.is_(None), rows.key > "a").order_by(rows.key).limit(10_000)
    engine = connect(url, create=False)
    statement = page.compile(engine, compile_kwargs={"literal_binds": True})
    with writing(engine) as connection:
        plan = "\n".join(connection.execute(text(f"EXPLAIN {statement}")).scalars())
    engine.dispose()

    assert f"Index Scan using {table}_" in plan
    assert "Sort" not in plan


def test_a_writer_is_waited_for_as_long_as_asked(url: str) -> None:
    """While another process writes, a save gives up after the wait; reading goes on."""
    engine = connect(url, create=False)
    with writing(engine), open_store(f"{url}&timeout=0.1") as store:
        with pytest.raises(StoreError, match="another scan is writing") as raised:
            store.save(NEXT)
        assert raised.value.hint
        assert store.load() == RESULT
    engine.dispose()


def test_workers_of_a_cluster_stage_side_by_side(url: str) -> None:
    """Putting parts waits for no other writer, so that many workers do not take turns."""
    part = Part(scan="night", part="1", head="{}", lines=("a", "b"))
    engine = connect(url, create=False)
    with writing(engine), open_store(f"{url}&timeout=0.1") as store:
        store.staging.put([part], NOW)
        assert list(store.staging.lines("night")) == ["a", "b"]
    engine.dispose()


def test_a_key_that_no_index_holds(url: str) -> None:
    """What PostgreSQL cannot hold is refused with a hint, and nothing of the scan is stored."""
    key = "".join(chr(0x4E00 + number * 7919 % 20000) for number in range(3000))
    with open_store(url) as store:
        with pytest.raises(StoreError, match="cannot hold a record of this size") as raised:
            store.save(replace(NEXT, identities=(make_assessment(key),)))
        assert raised.value.hint
        assert store.load() == RESULT


def test_without_the_driver(tmp_path: Path) -> None:
    """A core installation says which extra to install."""
    hide = "import sys; sys.modules['psycopg'] = None; from scanner.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", hide, "report", "--store", "postgresql://localhost/muster"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "needs the extra 'postgres'" in done.stderr
