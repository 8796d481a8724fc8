"""Rows that someone changed behind Muster's back, on every database: found, named, healed by a scan, repaired."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from scanner.errors import DamagedRow
from scanner.model import EntryAssessment, ScanInfo, ScanResult
from scanner.store import schema
from scanner.store.engine import writing
from scanner.store.store import Store, open_store
from tests.databases import SHARED, empty_store
from tests.factories import (
    NOW,
    make_assessment,
    make_assignment,
    make_coverage,
    make_entry,
    make_finding,
    make_identity,
    make_result,
)

used = make_assessment(make_identity("svc-billing", last_used_at=NOW))
deploy = make_assessment(make_identity("deploy", kind="role"))


def night(number: int, **facts: Any) -> ScanResult:
    started = NOW + timedelta(days=number)
    scan = ScanInfo(id=f"night-{number}", started_at=started, finished_at=started + timedelta(minutes=4), version="1")
    whole: dict[str, Any] = {
        "scan": scan,
        "identities": (deploy, used),
        "assignments": (make_assignment(),),
        "entries": (EntryAssessment(entry=make_entry(), state="found"),),
        "findings": (make_finding(fingerprint="f1"), make_finding(fingerprint="f2", severity="low")),
        "coverage": (make_coverage(),),
    }
    return replace(make_result(), **(whole | facts))


@pytest.fixture(params=SHARED)
def store(request: pytest.FixtureRequest) -> Store:
    """A store with two nights that do not differ."""
    store = empty_store(request.param)
    store.save(night(0))
    store.save(night(1))
    return store


def falsify(store: Store, statement: str) -> None:
    """Run a statement behind Muster's back."""
    with writing(store._engine) as connection:
        assert connection.execute(text(statement)).rowcount


_OTHER_COLUMNS = ", ".join(column.name for column in schema.identity.c if column.name != "key")
_FORGED = f"INSERT INTO identity SELECT 'k-forged', {_OTHER_COLUMNS} FROM identity WHERE key LIKE '%deploy'"  # noqa: S608  # our own
FALSIFIED = {
    "a body": ("UPDATE identity SET body = replace(body, 'deploy', 'harmless') WHERE key LIKE '%deploy'", "deploy"),
    "no body at all": ("UPDATE identity SET body = '[1' WHERE key LIKE '%deploy'", "deploy"),
    "a fact": ("UPDATE identity SET ownership_state = 'owned', privilege_level = 'normal'", "identity"),
    "a hash": ("UPDATE finding SET hash = 'x' WHERE key = 'f1'", "finding f1"),
    "a severity": ("UPDATE finding SET severity = 'info' WHERE key = 'f1'", "finding f1"),
    "a key": ("UPDATE finding SET key = 'f3' WHERE key = 'f1'", "finding f3"),
    "a last use": ("UPDATE identity_sighting SET body = replace(body, '2026', '2025')", "identity sighting"),
    "a coverage": ("UPDATE coverage SET body = replace(body, 'complete', 'denied')", "coverage of"),
    "a scan": ("UPDATE scan SET summary = '{}', finished_at = started_at WHERE seq = 2", "scan night-1"),
    "a text of findings": ("UPDATE wording SET body = replace(body, 'title', 'titel')", "wording"),
    "an end": ("UPDATE finding SET until_scan = 2 WHERE key = 'f2'", "night-1"),
    "a removed row": ("DELETE FROM finding WHERE key = 'f2'", "night-1"),
    "an end before its beginning": ("UPDATE finding SET until_scan = 1 WHERE key = 'f2'", "finding f2"),
    "a forged row": (_FORGED, "k-forged"),
}
on_every_falsehood = pytest.mark.parametrize(("statement", "named"), FALSIFIED.values(), ids=FALSIFIED)


@on_every_falsehood
def test_nothing_falsified_is_reported(store: Store, statement: str, named: str) -> None:
    """Loading the scan refuses; a check lists what is wrong."""
    assert store.check() == ()
    falsify(store, statement)

    with pytest.raises(DamagedRow) as raised:
        store.load()
    assert "muster store check" in str(raised.value.hint)
    assert any(named in problem.what for problem in store.check())


@pytest.mark.parametrize(
    "statement", [FALSIFIED[name][0] for name in ("a body", "no body at all", "a fact", "a hash", "a severity")]
)
def test_a_scan_stores_it_anew(store: Store, statement: str) -> None:
    """It names the row, and what it found stands in the store again."""
    falsify(store, statement)

    with store.alone():
        assert any("changed or damaged" in damage for damage in store.damage)
        store.save(night(2))
    assert store.load() == night(2)
    with store.alone():
        assert store.damage == ()


@pytest.mark.parametrize(
    "statement", [FALSIFIED[name][0] for name in ("a coverage", "a scan", "an end", "a removed row", "a forged row")]
)
def test_a_scan_says_what_it_cannot_mend(store: Store, statement: str) -> None:
    """It is no end for the night, and no silence either."""
    falsify(store, statement)

    with store.alone():
        assert any("outside Muster" in damage for damage in store.damage)


@pytest.mark.parametrize("statement", [FALSIFIED[name][0] for name in ("an end", "a removed row", "a forged row")])
def test_neither_looking_up_nor_comparing_overlooks_what_is_missing(store: Store, statement: str) -> None:
    """Even where the identity in question has no row that could be verified."""
    falsify(store, statement)

    with pytest.raises(DamagedRow):
        store.find("deploy")
    with pytest.raises(DamagedRow), store.comparison():
        pass


def test_a_lost_scan_is_named_and_stood_in_for(tmp_path: Path) -> None:
    """SQLite's own tools do not mind references that lead nowhere."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    with open_store(url) as store:
        for number in range(3):
            store.save(night(number, identities=(used,) if number == 1 else (deploy, used)))
    with closing(sqlite3.connect(tmp_path / "muster.db")) as database:
        database.execute("DELETE FROM scan WHERE seq = 2")
        database.commit()

    with open_store(url, create=False) as store:
        with pytest.raises(DamagedRow, match="lost scan number 2"):
            store.history(deploy.identity.key)
        assert any("scan number 2 is lost" in problem.what for problem in store.check())
        assert all(problem.repaired for problem in store.repair())
        assert store.check() == ()
        assert store.load("night-0") == night(0)


def test_a_damaged_record_is_not_gone_because_it_was_not_read(store: Store) -> None:
    """Nothing is known of it, and so it is neither loaded nor closed: a check or the next complete scan settles it."""
    falsify(store, FALSIFIED["no body at all"][0])

    with store.alone():
        assert [one.identity.name for one in store.memory.assessments(lambda *_: True)] == ["svc-billing"]
        store.save(night(2, identities=(used,)))
    with writing(store._engine) as connection:
        ends = connection.execute(text("SELECT until_scan FROM identity WHERE key LIKE '%deploy'"))
        assert ends.scalars().all() == [None]
    with store.alone():
        store.save(night(3))
    assert store.load() == night(3)


def test_what_a_fact_was_is_recovered_for_a_scan(store: Store) -> None:
    """Where the body is still what was hashed, the columns beside it do not matter."""
    falsify(store, FALSIFIED["a fact"][0])

    with store.alone():
        assert [one.identity.name for one in store.memory.assessments(lambda *_: True)] == ["deploy", "svc-billing"]


@on_every_falsehood
def test_a_repair_makes_it_readable(store: Store, statement: str, named: str) -> None:
    """But for a scan's own row and the texts of findings, which cannot be derived from anything."""
    lost = named in ("scan night-1", "wording")
    falsify(store, statement)

    repaired = store.repair()
    assert any(problem.repaired is None for problem in repaired) == lost
    if lost:
        return
    assert store.check() == ()
    loaded = store.load()
    records = sum(map(len, (loaded.identities, loaded.assignments, loaded.entries, loaded.findings)))
    missing = 6 - records
    assert missing in (0, 1)
    assert loaded.notices == (() if not missing else _lacking(store, missing))


def _lacking(store: Store, missing: int) -> tuple[str, ...]:
    assert store.scans()
    assert missing == 1
    return ("1 record of this scan was damaged in the store, and a repair removed it",)


def test_a_repair_restores_what_the_body_says(store: Store) -> None:
    """Nothing is lost where only a column beside the body was changed."""
    falsify(store, FALSIFIED["a fact"][0])

    assert {problem.repaired for problem in store.repair()} == {"restored from its body"}
    assert store.load() == night(1)
    assert store.load("night-0") == night(0)


def test_a_pruned_store_is_sound(store: Store) -> None:
    """Forgetting empties rows of scans, and their checksums follow."""
    store.save(night(2, identities=(used,)))
    assert store.prune(NOW + timedelta(days=2), NOW).scans == 2

    assert store.check() == ()
    assert store.load() == night(2, identities=(used,))
