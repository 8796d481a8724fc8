"""``muster retire`` from the command line."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.cli.conftest import Muster


@pytest.fixture(autouse=True)
def scanned(estate: Path, muster: Muster) -> Path:
    """A store with a scan of three bots: one in use, one unused for long, one whose use nobody records."""
    assert muster("scan", "-o", "json:/dev/null").code == 0
    return estate


def answer(muster: Muster, *arguments: str) -> dict[str, Any]:
    done = muster("retire", *arguments, "-o", "json:-")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def retirements(muster: Muster) -> list[dict[str, Any]]:
    assert muster("scan", "-o", "json:scan.json").code == 0
    found: list[dict[str, Any]] = json.loads(Path("scan.json").read_text())["retirements"]
    return found


@pytest.mark.parametrize(
    ("name", "verdict"), [("invoice-bot", "in_use"), ("old-sync", "safe"), ("triage-agent", "unknown")]
)
def test_the_verdict_and_all_four_stages(muster: Muster, name: str, verdict: str) -> None:
    found = answer(muster, name)

    assert (found["identity"], found["verdict"]) == (f"saas:acme:{name}", verdict)
    assert [one["stage"] for one in found["plan"]] == ["lowered", "disabled", "waited", "deleted"]
    assert [(one["commands"], one["undo"]) for one in found["plan"]] == [([], [])] * 4
    assert found["because"]
    assert bool(found["to_know"]) == (verdict == "unknown")


def test_a_longer_window_may_hold_a_use(muster: Muster) -> None:
    assert answer(muster, "old-sync", "--window", "3000")["verdict"] == "in_use"


def test_each_format(muster: Muster, scanned: Path) -> None:
    formats = ("table", "markdown", "json", "csv", "xlsx")
    done = muster("retire", "old-sync", *(part for name in formats for part in ("-o", f"{name}:out/r.{name}")))

    assert (done.code, done.out) == (0, "")
    assert "Safe to switch off" in (scanned / "out" / "r.table").read_text()
    assert (scanned / "out" / "r.markdown").read_text().startswith("# Retire old-sync")
    assert openpyxl.load_workbook(scanned / "out" / "r.xlsx").sheetnames == ["Summary", "Retire"]


def test_of_a_view_the_safest_come_first(muster: Muster) -> None:
    found = answer(muster, "--view", "all")["identities"]

    assert [(one["name"], one["verdict"]) for one in found] == [
        ("old-sync", "safe"),
        ("triage-agent", "unknown"),
        ("invoice-bot", "in_use"),
    ]
    assert [one["name"] for one in answer(muster, "--view", "abandoned")["identities"]] == ["old-sync"]


def test_a_retirement_moves_by_what_scans_read(muster: Muster, scanned: Path) -> None:
    """From begun to disabled, waited for too short a time, deleted; each start and stop is a decision."""
    time.sleep(1)  # times of acts are whole seconds, and this one is after the scan
    assert muster("retire", "old-sync", "--start", "--by", "ada@example.com", "--wait", "2d").code == 0
    assert "1 retirement under way." in muster("retire", "--list").out  # before a scan has seen it
    (begun,) = retirements(muster)
    bots = scanned / "bots.csv"
    bots.write_text(
        bots.read_text().replace("old-sync,old-sync,saas,acme,bot,yes", "old-sync,old-sync,saas,acme,bot,no")
    )
    (disabled,) = retirements(muster)
    bots.write_text("".join(one for one in bots.read_text().splitlines(keepends=True) if "old-sync" not in one))
    assert muster("scan", "--accept-drop", "-o", "json:/dev/null").code == 0
    (deleted,) = retirements(muster)

    assert (begun["identity"], begun["stage"], begun["by"]) == ("saas:acme:old-sync", None, "ada@example.com")
    assert (disabled["stage"], disabled["is_heard"]) == ("disabled", None)
    assert deleted["stage"] == "deleted"
    listed = muster("retire", "--list")
    assert "1 retirement under way." in listed.out
    assert muster("retire", "--stop", "old-sync").code == 0
    assert retirements(muster) == []
    assert "retirement started by ada@example.com" in muster("decisions").out
    assert muster("store", "check").code == 0


def test_what_is_under_way_is_not_begun_again(muster: Muster) -> None:
    assert muster("retire", "old-sync", "--start").code == 0

    done = muster("retire", "old-sync", "--start")
    assert done.code == 2
    assert "is being retired already" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("nobody",), 1, "no identity is called nobody"),
        (("--stop", "nobody"), 1, "no retirement of nobody is under way"),
        ((), 2, "name one identity"),
        (("old-sync", "--list"), 2, "name one identity"),
        (("--list", "--start"), 2, "--start is about one identity"),
        (("old-sync", "--wait", "3d"), 2, "--wait goes with --start"),
        (("old-sync", "--start", "--wait", "soon"), 2, "--wait soon is no number of days"),
        (("old-sync", "--by", "ada"), 2, "--by goes with --start"),
        (("old-sync", "-o", "html:-"), 2, "no format html"),
    ],
)
def test_what_is_wrong_is_said(muster: Muster, arguments: tuple[str, ...], code: int, told: str) -> None:
    done = muster("retire", *arguments)

    assert done.code == code
    assert told in done.err


def test_a_changed_row_ends_no_scan(muster: Muster, scanned: Path) -> None:
    """It retires nothing, and the check of the store names it."""
    assert muster("retire", "old-sync", "--start").code == 0
    with sqlite3.connect(scanned / "muster.db") as connection:
        connection.execute("UPDATE retirement_record SET body = replace(body, 'old-sync', 'invoice-bot')")

    done = muster("scan", "-o", "json:scan.json")
    assert done.code == 0
    assert "it retires nothing" in done.err
    assert json.loads((scanned / "scan.json").read_text())["retirements"] == []
    assert muster("store", "check").code == 1


def test_asking_writes_nothing(muster: Muster, scanned: Path) -> None:
    before = (scanned / "muster.db").read_bytes()
    answer(muster, "old-sync")

    assert (scanned / "muster.db").read_bytes() == before
