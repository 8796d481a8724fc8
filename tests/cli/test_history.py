"""``muster history``: the scans, and the runs that came to nothing, each with its reason."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from scanner.store import schema
from scanner.store.database import this_process
from scanner.store.engine import writing
from scanner.store.store import Store
from tests.cli.conftest import Muster
from tests.databases import SHARED, Backend, empty_store

NOW = datetime(2026, 12, 2, 3, tzinfo=UTC)


def _history(muster: Muster) -> dict[str, Any]:
    listed: dict[str, Any] = json.loads(muster("history", "-o", "json:-").out)
    return listed


def test_failed_runs_are_listed_with_the_reason(estate: Path, muster: Muster) -> None:
    """A registry that cannot be read, and a night in which nothing could be; a secret in a reason is masked."""
    muster("scan")
    registry = (estate / "registry.csv").read_text()
    (estate / "registry.csv").write_text("id,identities\nN-1,a\nN-1,b\n")
    assert muster("scan").code == 2
    (estate / "registry.csv").write_text(registry)
    (estate / "bots.csv").rename(estate / "away.csv")
    assert muster("scan").code == 4
    (estate / "away.csv").rename(estate / "bots.csv")
    muster("scan")

    listed, page = _history(muster), muster("history").out
    assert len(listed["scans"]) == 2
    reasons = [one["reason"] for one in listed["failed"]]
    # Two that ended within one second are listed in either order.
    assert sorted("nothing could be scanned" in reason for reason in reasons) == [False, True]
    assert sorted("the id N-1 is already used" in reason for reason in reasons) == [False, True]
    assert all(one["started_at"] and one["ended_at"] for one in listed["failed"])
    assert page.count("failed: nothing was stored") == 2
    assert "the id N-1 is already used" in page


def test_findings_are_counted_by_severity(estate: Path, muster: Muster) -> None:
    """Of each scan, and those that are worse."""
    young = f"{datetime.now(UTC):%Y-%m-%d}"
    bots = (estate / "bots.csv").read_text()
    (estate / "bots.csv").write_text(bots.replace("2026-10-01", young))
    muster("scan")
    (estate / "bots.csv").write_text(bots.replace("2026-10-01", "2026-01-01"))
    muster("scan")

    last, first = _history(muster)["scans"]
    assert (first["summary"]["worsened"], last["summary"]["worsened"]) == (0, 1)
    page = muster("history").out.split("\n\n")
    for scan, text in zip((last, first), page, strict=True):
        found = {severity: number for severity, number in scan["summary"]["findings"].items() if number}
        assert f"({', '.join(f'{number} {severity}' for severity, number in found.items())})" in " ".join(text.split())
    assert "1 worse" in page[0]


def test_without_a_store_a_failure_makes_none(estate: Path, muster: Muster) -> None:
    """As before: a command line that is wrong leaves nothing behind."""
    (estate / "registry.csv").write_text("id,identities\nN-1,a\nN-1,b\n")

    assert muster("scan").code == 2
    assert not (estate / "muster.db").exists()


@pytest.fixture(params=SHARED)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store, on each database."""
    backend: Backend = request.param
    return empty_store(backend)


@pytest.mark.parametrize(
    ("process", "age", "listed"),
    [
        pytest.param(f"pid {os.getpid()} on HERE since x", 1, False, id="it runs"),
        pytest.param("pid 99999999999 on HERE since x", 1, True, id="its process is gone"),
        pytest.param("pid 1 on elsewhere since x", 1, False, id="on another machine"),
        pytest.param("pid 1 on elsewhere since x", 30, True, id="on another machine, too long ago"),
        pytest.param("unknown", 1, True, id="who knows"),
    ],
)
def test_a_killed_run(store: Store, process: str, age: int, listed: bool) -> None:
    """It was started, and neither stored nor reported as failed; one that may still run is not listed."""
    here = this_process().split(" on ")[1].split(" since ")[0]
    started = NOW - timedelta(hours=age)
    row = {"id": "run-1", "sort": "started", "at": started.isoformat(), "detail": process.replace("HERE", here)}
    with writing(store._engine) as connection:
        connection.execute(insert(schema.run).values(row))

    found = store.runs.without_result(NOW)
    assert [(one.id, one.started_at, one.ended_at) for one in found] == ([("run-1", started, None)] if listed else [])
    assert all("killed" in one.reason for one in found)


def test_a_failure_is_kept_once_and_pruned(store: Store) -> None:
    """Whether its start was recorded or not; old ones go with old scans."""
    store.runs.started("a", NOW)
    store.runs.failed("a", NOW, NOW + timedelta(minutes=1), "no space left")
    store.runs.failed("a", NOW, NOW + timedelta(minutes=2), "again")
    store.runs.failed("b", NOW - timedelta(days=9), NOW - timedelta(days=9), "long ago")

    assert [(one.id, one.reason) for one in store.runs.without_result(NOW)] == [
        ("a", "no space left"),
        ("b", "long ago"),
    ]
    store.prune(NOW - timedelta(days=2), NOW)
    assert [one.id for one in store.runs.without_result(NOW)] == ["a"]
