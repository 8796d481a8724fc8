"""What policies allow is stored once, and comes back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.schema import DropTable

from scanner.errors import StoreError
from scanner.model import Assessment, Grant, ScanInfo, ScanResult
from scanner.store import schema
from scanner.store.engine import writing
from scanner.store.integrity import checksum
from scanner.store.migrations import MIGRATIONS
from scanner.store.policies import SHORT
from scanner.store.store import Store, open_store
from tests.databases import BACKENDS, empty_store, sqlite_file
from tests.examples import examples
from tests.factories import NOW, make_assessment, make_identity, make_result

LONG = [f"s3:Get{number}" for number in range(SHORT + 1)]
SHARED = Grant(name="shared", via="direct")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    return empty_store(request.param)


def holding(name: str, allowed: Any, *grants: Grant) -> Assessment:
    """An identity with these lists."""
    return make_assessment(make_identity(name, grants=grants, attributes={"allowed_actions": allowed, "path": "/"}))


def lists_in(of: Store) -> int:
    """How many lists are stored apart."""
    with of._engine.connect() as connection:  # no report shows how something is stored
        return connection.execute(select(func.count()).select_from(schema.policy)).scalar() or 0


def night(number: int, *assessments: Assessment) -> ScanResult:
    """One of several scans."""
    scan = ScanInfo(id=f"night-{number}", started_at=NOW, finished_at=NOW, version="1")
    return make_result(*assessments, scan=scan)


def test_many_identities_with_a_policy_have_it_once(store: Store) -> None:
    """Short lists and those of inline policies stay with their identity."""
    inline = Grant(name="own", via="inline")
    every = tuple(holding(f"bot-{number}", {"shared": LONG, "short": ["sqs:*"]}, SHARED) for number in range(9))
    own = holding("own", {"own": LONG[::-1]}, inline)
    store.save(night(0, *every, own))
    store.save(night(1, *every))

    assert lists_in(store) == 1
    assert {one.identity.key: one.identity for one in store.load("night-0").identities} == {
        one.identity.key: one.identity for one in (*every, own)
    }
    assert store.check() == ()


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=9), max_size=12) | st.integers()), max_size=3
    )
)
@examples(20)
def test_any_lists_come_back(allowed: list[Any]) -> None:
    """Whatever a source has in their place."""
    one = empty_store(sqlite_file)
    every = tuple(holding(f"bot-{number}", value) for number, value in enumerate(allowed))
    one.save(night(0, *every))

    assert [judged.identity.attributes for judged in one.load().identities] == [
        judged.identity.attributes for judged in every
    ]


def test_a_changed_list_is_damage(store: Store) -> None:
    """It is found, removed by the repair, and stored again by the next scan."""
    bot = holding("bot", {"shared": LONG}, SHARED)
    store.save(night(0, bot))
    with writing(store._engine) as connection:
        connection.execute(update(schema.policy).values(body='["*"]'))

    assert len(store.check()) == 1
    with pytest.raises(StoreError):
        store.load()
    assert [one.repaired for one in store.repair()] == ["removed; the next scan stores it again"]
    store.save(night(1, bot))
    assert store.load().identities[0].identity == bot.identity


def test_a_row_of_the_version_before_is_read_and_needs_no_other(tmp_path: Path) -> None:
    """Its body has all lists among the attributes, and the table of lists is new."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    bot = holding("bot", {"shared": LONG}, SHARED)
    with open_store(url) as one:
        one.save(night(0, bot))
        with writing(one._engine) as connection:
            (row,) = connection.execute(select(schema.identity)).all()
            body = msgspec.json.decode(row.body)
            del body["allowed"]
            body["identity"]["attributes"]["allowed_actions"] = {"shared": LONG}
            values = (*row[:-2], msgspec.json.encode(body).decode())
            its_own = {"body": values[-1], "checksum": checksum(schema.identity, values)}
            connection.execute(update(schema.identity).values(its_own))
            place = 1 + next(n for n, one in enumerate(MIGRATIONS) if "CREATE TABLE policy " in one.statements[0])
            for table in (schema.policy, schema.retirement_record):
                connection.execute(DropTable(table))
            connection.execute(schema.migration.delete().where(schema.migration.c.number >= place))

    with open_store(url) as one:
        one.save(night(1, bot))

        loaded = (one.load().identities[0].identity, one.load("night-0").identities[0].identity)
        assert loaded == (bot.identity, bot.identity)
        with one._engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(schema.identity)).scalar() == 1
