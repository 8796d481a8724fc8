"""What policies allow is stored once, and comes back as it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Executable, delete, func, select, update
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


@pytest.mark.parametrize("damage", [update(schema.policy).values(body='["*"]'), delete(schema.policy)])
def test_a_list_that_was_changed_or_lost_is_damage(damage: Executable, store: Store) -> None:
    """It is found, taken from its identities by the repair, so that all scans load, and stored by the next scan."""
    bot, other = holding("bot", {"shared": LONG, "short": ["sqs:*"]}, SHARED), holding("other", {"short": ["sqs:*"]})
    store.save(night(0, bot, other))
    with writing(store._engine) as connection:
        connection.execute(damage)

    assert len(store.check()) == 1
    with pytest.raises(StoreError):
        store.load()
    assert [one.repaired for one in store.repair()] == [
        "removed, also from its identities; the next scan stores it again"
    ]
    assert store.check() == ()
    assert {one.identity.name: one.identity.attributes["allowed_actions"] for one in store.load().identities} == {
        "bot": {"short": ["sqs:*"]},
        "other": {"short": ["sqs:*"]},
    }
    store.save(night(1, bot, other))
    assert [one.identity for one in store.load().identities] == [bot.identity, other.identity]
    assert len(store.load("night-0").identities) == 2


def test_pruning_deletes_the_lists_that_no_scan_has_any_more(store: Store) -> None:
    """Those of scans that stay are kept."""
    store.save(night(0, holding("bot", {"shared": LONG}, SHARED), holding("old", {"shared": LONG[::-1]}, SHARED)))
    last = night(1, holding("bot", {"shared": LONG}, SHARED))
    later = replace(last, scan=replace(last.scan, started_at=NOW + timedelta(9), finished_at=NOW + timedelta(9)))
    store.save(later)
    before = lists_in(store)

    store.prune(NOW + timedelta(1), NOW + timedelta(9))

    assert (before, lists_in(store), store.check()) == (2, 1, ())
    assert store.load().identities[0].identity.attributes["allowed_actions"] == {"shared": LONG}


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
