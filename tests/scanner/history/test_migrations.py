"""From an empty database, or an older store, to today's tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, inspect, text

from scanner.errors import StoreError
from scanner.history import schema
from scanner.history.engine import connect, reading, writing
from scanner.history.migrations import MIGRATIONS, Migration, migrate
from scanner.history.store import Store, open_store
from tests.factories import make_assessment, make_result

RESULT = make_result(make_assessment("svc-billing"))
ADDED = Migration(name="notes", statements=("ALTER TABLE scan ADD COLUMN note TEXT", "UPDATE scan SET note = id"))
TODAY = [(number, step.name) for number, step in enumerate(MIGRATIONS, start=1)]
BROKEN = Migration(name="broken", statements=("CREATE TABLE half (x INTEGER)", "CREATE TABLE half (x INTEGER)"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store with one scan, at today's version."""
    engine = connect(f"sqlite:///{tmp_path / 'muster.db'}", create=True)
    migrate(engine)
    Store(engine).save(RESULT)
    yield engine
    engine.dispose()


def steps(engine: Engine) -> list[tuple[int, str]]:
    """What the store says was applied to it."""
    with reading(engine) as connection:
        return [(row.number, row.name) for row in connection.execute(text("SELECT * FROM muster_migration"))]


def shape(engine: Engine) -> dict[str, Any]:
    """Columns, keys and indexes of every table, as the database tells them."""
    found = inspect(engine)
    return {
        table: {
            "columns": {one["name"]: (str(one["type"]), one["nullable"]) for one in found.get_columns(table)},
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "refers": sorted(
                (one["constrained_columns"], one["referred_table"]) for one in found.get_foreign_keys(table)
            ),
            "unique": sorted(one["column_names"] for one in found.get_unique_constraints(table)),
            "indexes": sorted(
                (one["name"], one["column_names"], str(one["dialect_options"]["sqlite_where"]))
                for one in found.get_indexes(table)
            ),
        }
        for table in found.get_table_names()
    }


def test_lead_to_the_schema(engine: Engine) -> None:
    """The tables that migrations make are those that queries are written for."""
    fresh = create_engine("sqlite://")
    schema.metadata.create_all(fresh)

    expected = shape(fresh)
    fresh.dispose()

    assert shape(engine) == expected


def test_rows_belong_to_scans(engine: Engine) -> None:
    """The database itself refuses a row that refers to a scan which is not there."""
    row = {"key": "k", "first_scan": 7, "body": "{}"}

    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"), writing(engine) as connection:
        connection.execute(insert(schema.entry_sighting).values(row))


def test_a_populated_store_goes_forward(engine: Engine) -> None:
    """A store of an older version gets the missing steps, once, and keeps its scans."""
    for _ in range(2):
        migrate(engine, (*MIGRATIONS, ADDED))

    assert steps(engine) == [*TODAY, (len(MIGRATIONS) + 1, "notes")]
    assert Store(engine).load() == RESULT
    with reading(engine) as connection:
        assert connection.execute(text("SELECT note FROM scan")).scalar_one() == RESULT.scan.id


def test_a_failing_step_leaves_nothing(engine: Engine) -> None:
    """A step is applied with its record or not at all; the steps before it stay."""
    with pytest.raises(StoreError, match="half already exists"):
        migrate(engine, (*MIGRATIONS, ADDED, BROKEN))

    assert steps(engine) == [*TODAY, (len(MIGRATIONS) + 1, "notes")]
    assert "half" not in inspect(engine).get_table_names()


def test_a_newer_store_is_refused(engine: Engine) -> None:
    """What a newer version wrote is not touched."""
    migrate(engine, (*MIGRATIONS, ADDED))

    newer = len(MIGRATIONS) + 1
    with pytest.raises(StoreError, match=f"store version {newer}, this one knows {newer - 1}") as raised:
        open_store(str(engine.url))
    assert raised.value.hint == "upgrade Muster, or name another store with --store"
