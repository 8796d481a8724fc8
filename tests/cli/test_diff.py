"""``muster diff`` and ``muster history`` from the command line, over nights of a real store."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from scanner.store import schema
from scanner.store.engine import connect, writing
from scanner.store.integrity import checksum
from tests.cli.conftest import BOTS, REGISTRY, Muster

NIGHT_BOT = "saas:acme:night-bot,night-bot,saas,acme,bot,yes,2026-11-24,,,\n"


@pytest.fixture
def nights(estate: Path, muster: Muster) -> Path:
    """Two nights: a bot joined, an entry has another owner."""
    muster("scan")
    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    (estate / "registry.csv").write_text(REGISTRY.replace("old-sync,left@", "old-sync,ada@"))
    muster("scan")
    return estate


@pytest.mark.usefixtures("nights")
def test_what_changed_overnight(muster: Muster) -> None:
    """Who joined and moved, in 80 columns, with the totals as the last line."""
    done = muster("diff")

    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[-1] == "joined 1, moved 1, left 0, returned 0, not re-checked 0"
    assert max(map(len, lines)) <= 80
    moved = "owner: left@example.com -> ada@example.com"
    for expected in ("night-bot (bot in saas acme)", moved, "Findings: 1 new, 1 resolved"):
        assert expected in done.out
    assert "\x1b" not in done.out


@pytest.mark.usefixtures("nights")
def test_a_feed_for_programs(muster: Muster) -> None:
    """One row a change, in JSON and CSV alike; the totals then go to stderr."""
    document, table = muster("diff", "-o", "json:-"), muster("diff", "-o", "csv:-")

    changes = json.loads(document.out)["changes"]
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert json.loads(document.out)["schema"] == "muster.diff/1"
    assert [(one["change"], one["key"], one["aspect"] or "") for one in changes] == [
        (one["change"], one["key"], one["aspect"]) for one in rows
    ]
    assert {(one["change"], one["aspect"]) for one in changes if one["key"] == "saas:acme:old-sync"} == {
        ("moved", "owner"), ("moved", "ownership"),
    }  # fmt: skip
    assert document.err.splitlines()[-1].startswith("joined 1, moved 1, ")


@pytest.mark.usefixtures("nights")
def test_there_and_back(estate: Path, muster: Muster) -> None:
    """Who left and came back returned; no one is said to have left a file that could not be read."""
    (estate / "bots.csv").write_text(BOTS)
    muster("scan")
    left = muster("diff")
    (estate / "bots.csv").rename(estate / "elsewhere.csv")
    (estate / "second.csv").write_text(BOTS.replace("saas", "crm"))
    muster("scan", "bots", "file:path=second.csv")
    blind = muster("diff")
    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    muster("scan")
    back = muster("diff")

    assert left.out.splitlines()[-1] == "joined 0, moved 0, left 1, returned 0, not re-checked 0"
    assert blind.out.splitlines()[-1] == "joined 3, moved 0, left 0, returned 0, not re-checked 3"
    assert back.out.splitlines()[-1] == "joined 0, moved 0, left 0, returned 1, not re-checked 3"
    assert "Not re-checked: 3" in blind.out


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("diff",), "only one scan so far"),
        (("diff", "2020-01-01"), "no scan up to 2020-01-01"),
        (("diff", "nothing"), "has no scan nothing"),
        (("diff", "-o", "xlsx:-"), "a diff has no format xlsx"),
        (("diff", "--store", "sqlite:///none.db"), "there is no store"),
        (("history", "-o", "csv:-"), "the list of scans has no format csv"),
        (("history", "prune", "--keep-days", "0"), "Invalid value for '--keep-days'"),
    ],
)
def test_what_cannot_be(muster: Muster, arguments: tuple[str, ...], message: str) -> None:
    """A usage or store error says what to do, and prints no data."""
    muster("scan")

    done = muster(*arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.usefixtures("nights")
def test_scans_are_listed(muster: Muster) -> None:
    """Newest first, with what each changed and whether it saw all."""
    page, document = muster("history"), muster("history", "-o", "json:-")

    scans = json.loads(document.out)["scans"]
    assert json.loads(document.out)["schema"] == "muster.history/1"
    assert [(one["joined"], one["changed"], one["left"]) for one in scans] == [(1, 1, 0), (None, None, None)]
    assert page.out.index(scans[0]["id"]) < page.out.index(scans[1]["id"])
    assert "4 identities, 1 joined, 1 changed; " in page.out
    assert page.out.count("read in full") == 2


@pytest.mark.usefixtures("nights")
def test_an_identity_has_a_history(muster: Muster) -> None:
    """A line a version with what was different; findings with since when."""
    done = muster("show", "old-sync")

    assert "ownership: orphaned (departed) -> owned" in done.out
    assert f"[medium] since {datetime.now(UTC):%Y-%m-%d} " in done.out


def _aged(estate: Path, days: int, *, but: int = 0) -> None:
    """Move all scans so far, but for so many of the last, that many days into the past."""
    engine = connect(f"sqlite:///{estate / 'muster.db'}", create=False)
    with writing(engine) as connection:
        rows = connection.execute(select(schema.scan).order_by(schema.scan.c.seq)).all()
        for row in rows[: len(rows) - but]:
            earlier = datetime.fromisoformat(row.started_at) - timedelta(days=days)
            aged = (*row[:2], earlier.isoformat(), *row[3:])
            values = {"started_at": aged[2], "checksum": checksum(schema.scan, aged)}
            connection.execute(update(schema.scan).where(schema.scan.c.seq == row.seq).values(values))
    engine.dispose()


def test_old_scans_are_forgotten(nights: Path, muster: Muster) -> None:
    """By hand, after a look at what would go; the latest always stays."""
    _aged(nights, 30)

    tried = muster("history", "prune", "--keep-days", "7", "--dry-run")
    before = json.loads(muster("history", "-o", "json:-").out)["scans"]
    done = muster("history", "prune", "--keep-days", "7")
    after = json.loads(muster("history", "-o", "json:-").out)["scans"]

    assert tried.out.startswith("would forget 1 scan and ")
    assert tried.out.replace("would forget", "forgot") == done.out
    assert (len(before), len(after)) == (2, 1)
    assert muster("history", "prune", "--keep-days", "7").out == "forgot nothing; 1 kept\n"
    assert muster("report", "--scan", before[1]["id"]).code == 2


def test_a_scan_forgets_what_is_older_than_the_config_keeps(nights: Path, muster: Muster) -> None:
    """After it is stored; what still stands is as old as before."""
    with (nights / "config.toml").open("a") as file:
        file.write("\n[store]\nkeep_days = 7\n")
    _aged(nights, 4)
    _aged(nights, 26, but=1)

    first = json.loads(muster("report", "-o", "json:-").out)["findings"]
    scanned = json.loads(muster("scan", "-o", "json:-").out)

    assert len(json.loads(muster("history", "-o", "json:-").out)["scans"]) == 2
    assert {one["fingerprint"]: one["first_seen"] for one in scanned["findings"]} == {
        one["fingerprint"]: one["first_seen"] for one in first
    }
    assert {one["status"] for one in scanned["findings"]} == {"open"}


def test_a_clock_that_runs_ahead_does_not_take_the_history_with_it(nights: Path, muster: Muster) -> None:
    """A scan that starts long after the one before it prunes nothing and says so; the next one does."""
    with (nights / "config.toml").open("a") as file:
        file.write("\n[store]\nkeep_days = 7\n")
    _aged(nights, 400)

    ahead = muster("scan")
    kept = json.loads(muster("history", "-o", "json:-").out)["scans"]
    muster("scan")

    assert "nothing is pruned this time" in ahead.err
    assert len(kept) == 3
    assert len(json.loads(muster("history", "-o", "json:-").out)["scans"]) == 2


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize("days", ["0", "-1", "40000", '"a year"'])
def test_a_config_that_keeps_nothing_is_refused(estate: Path, muster: Muster, days: str) -> None:
    """With file and key."""
    with (estate / "config.toml").open("a") as file:
        file.write(f"\n[store]\nkeep_days = {days}\n")

    done = muster("scan")

    assert done.code == 2
    assert "store" in done.err
    assert "config.toml" in done.err
