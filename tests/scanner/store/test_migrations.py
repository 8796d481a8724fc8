"""From an empty database, or an older store, to today's tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from scanner.errors import OlderStore, StoreError
from scanner.store import schema
from scanner.store.engine import bulk_insert, connect, reading, writing
from scanner.store.migrations import MIGRATIONS, Migration, migrate
from scanner.store.store import Store, open_store, refuse_older
from tests.databases import SHARED, Backend
from tests.factories import make_assessment, make_result

RESULT = make_result(make_assessment("svc-billing"))
ADDED = Migration(name="notes", statements=("ALTER TABLE scan ADD COLUMN note TEXT", "UPDATE scan SET note = id"))
TODAY = [(number, step.name) for number, step in enumerate(MIGRATIONS, start=1)]
BROKEN = Migration(name="broken", statements=("CREATE TABLE half (x INTEGER)", "CREATE TABLE half (x INTEGER)"))


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database."""
    backend: Backend = request.param
    with backend() as url:
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A store with one scan, at today's version."""
    engine = connect(url, create=True)
    migrate(engine)
    Store(engine).save(RESULT)
    yield engine
    engine.dispose()


def steps(engine: Engine) -> list[tuple[int, str]]:
    """What the store says was applied to it."""
    with reading(engine) as connection:
        return [(row.number, row.name) for row in connection.execute(text("SELECT * FROM muster_migration"))]


def shape(engine: Engine) -> dict[str, Any]:
    """Columns, keys and indexes of every table, as the database gives them."""
    found = inspect(engine)
    return {
        table: {
            "columns": {one["name"]: (str(one["type"]), one["nullable"]) for one in found.get_columns(table)},
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "refers": sorted(
                (one["constrained_columns"], one["referred_table"]) for one in found.get_foreign_keys(table)
            ),
            "options": found.get_table_options(table),
            "unique": sorted(one["column_names"] for one in found.get_unique_constraints(table)),
            "indexes": sorted(
                (one["name"], one["column_names"], str(one.get("dialect_options", {}).get("sqlite_where")))
                for one in found.get_indexes(table)
            ),
        }
        for table in found.get_table_names()
    }


def test_lead_to_the_schema(tmp_path: Path) -> None:
    """The tables that migrations make are those that queries are written for."""
    engine = connect(f"sqlite:///{tmp_path / 'muster.db'}", create=True)
    migrate(engine)
    made = shape(engine)
    engine.dispose()
    fresh = create_engine("sqlite://")
    schema.metadata.create_all(fresh)

    expected = shape(fresh)
    fresh.dispose()

    assert made == expected


def test_rows_belong_to_scans(engine: Engine) -> None:
    """The database itself refuses coverage of a scan which is not there."""
    row = (7, 0, "prod", "1", "iam.users", "complete", "{}")

    with pytest.raises(StoreError, match=r"(?i)foreign key constraint"), writing(engine) as connection:
        bulk_insert(connection, schema.coverage, [row])


def test_a_populated_store_goes_forward(engine: Engine) -> None:
    """A store of an older version gets the missing steps, once, and keeps its scans."""
    for _ in range(2):
        migrate(engine, (*MIGRATIONS, ADDED))

    assert steps(engine) == [*TODAY, (len(MIGRATIONS) + 1, "notes")]
    assert Store(engine).load() == RESULT
    with reading(engine) as connection:
        assert connection.execute(text("SELECT note FROM scan")).scalar_one() == RESULT.scan.id


def test_a_store_of_the_version_before_keeps_runs_from_then_on(url: str) -> None:
    """Its scans stay, and a run that fails is listed."""
    engine = connect(url, create=True)
    migrate(engine, MIGRATIONS[:2])
    Store(engine).save(RESULT)
    migrate(engine)
    store = Store(engine)
    store.runs.failed("run-1", RESULT.scan.started_at, RESULT.scan.finished_at, "no space left")

    assert store.load() == RESULT
    assert [one.reason for one in store.runs.without_result(RESULT.scan.finished_at)] == ["no space left"]
    engine.dispose()


def test_a_failing_step_leaves_nothing(engine: Engine) -> None:
    """The store is as it was, so that it is never halfway between two versions of Muster."""
    with pytest.raises(StoreError, match=r'half"? already exists'):
        migrate(engine, (*MIGRATIONS, ADDED, BROKEN))

    assert steps(engine) == TODAY
    assert "half" not in inspect(engine).get_table_names()
    assert "note" not in {one["name"] for one in inspect(engine).get_columns("scan")}
    assert Store(engine).load() == RESULT


def test_a_newer_store_is_refused(engine: Engine, url: str) -> None:
    """What a newer version wrote is not touched."""
    migrate(engine, (*MIGRATIONS, ADDED))

    newer = len(MIGRATIONS) + 1
    with pytest.raises(StoreError, match=f"store version {newer}, this one knows {newer - 1}") as raised:
        open_store(url)
    assert raised.value.hint == "upgrade Muster, or name another store with --store"


def test_a_store_from_before_the_first_release_is_refused(engine: Engine, url: str) -> None:
    """Its tables were others; it is named as what it is, and left alone."""
    with writing(engine) as connection:
        connection.execute(text("UPDATE muster_migration SET name = 'intervals'"))

    with pytest.raises(StoreError, match=r"made by a version before 0\.1") as raised:
        open_store(url)
    assert "the next scan makes a new one" in str(raised.value.hint)


def test_a_reader_does_not_bring_it_forward(engine: Engine) -> None:
    """A store of an earlier version is left to anyone who scans."""
    with pytest.raises(OlderStore) as raised:
        refuse_older(engine, (*MIGRATIONS, ADDED))

    assert "muster store upgrade" in str(raised.value.hint)
    assert steps(engine) == TODAY
    refuse_older(engine)
