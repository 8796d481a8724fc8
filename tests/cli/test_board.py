"""``--view board`` from the command line."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Muster

pytestmark = pytest.mark.usefixtures("estate")


def test_a_board_has_the_scans_before(muster: Muster, estate: Path) -> None:
    """After an orphan was given an owner, page and document say how long its finding stood and how shares moved."""
    muster("scan")
    (estate / "registry.csv").write_text((estate / "registry.csv").read_text().replace("left@", "ada@"))
    done = muster("scan", "--view", "board", "-o", "html:board.html", "-o", "json:board.json")

    assert (done.code, "wrote html (board) to board.html" in done.err) == (0, True)
    numbers = json.loads((estate / "board.json").read_text())
    assert numbers["schema"] == "muster.board/1"
    assert set(numbers["scan"]) == {"id", "started_at", "finished_at", "version"}  # the config is no board's matter
    assert [point["orphaned"] for point in numbers["trend"]] == [2, 1]
    assert (numbers["resolution"]["resolved"] > 0, numbers["resolution"]["median_days"]) == (True, 0)
    assert {one["name"]: (one["count"], one["known"]) for one in numbers["measures"]}["owned"] == (2, 3)
    assert {one["name"]: (one["count"], one["known"]) for one in numbers["before"]}["owned"] == (1, 3)
    assert "orphans 2 to 1" in (estate / "board.html").read_text()
    assert "+34 points since" in (estate / "board.html").read_text()


def test_it_comes_from_the_store_as_well(muster: Muster, estate: Path) -> None:
    """Of the latest scan or of a named one; the table is the default."""
    muster("scan")
    muster("scan", "-o", "json:last.json")
    last = json.loads((estate / "last.json").read_text())["scan"]["id"]

    assert "Read in full" in muster("report", "--view", "board").out
    numbers = json.loads(muster("report", "--view", "board", "--scan", last, "-o", "json:-").out)
    assert (numbers["scan"]["id"], len(numbers["trend"])) == (last, 2)


@pytest.mark.parametrize("name", ["csv", "xlsx", "ndjson"])
def test_a_format_without_room_for_it_says_which_have(muster: Muster, name: str) -> None:
    """Before anything is scanned."""
    done = muster("scan", "--view", "board", "-o", f"{name}:x")

    assert (done.code, f"{name} has no board view" in done.err) == (2, True)
    assert "these have: table, html, json" in done.err


def test_a_config_may_ask_for_it(muster: Muster, estate: Path) -> None:
    """As any other view of a report."""
    config = estate / "config.toml"
    config.write_text(config.read_text() + '\n[[report]]\nformat = "html"\nview = "board"\npath = "out/board.html"\n')

    assert muster("scan").code == 0
    assert "<h2>Owned</h2>" in (estate / "out" / "board.html").read_text()


def test_the_html_page_has_what_changed_since_the_scan_before(muster: Muster, estate: Path) -> None:
    """After a scan, and later from the store for any scan; there is nothing of the sort after the first."""

    def changes(path: str) -> list[tuple[str, str]]:
        found = re.search(r'id="block-changes">([^<]*)<', (estate / path).read_text())
        assert found is not None
        columns = json.loads(gzip.decompress(base64.b64decode(found[1])))["changes"]["columns"]
        cells = [
            [column["values"][code] for code in column["codes"]] if "codes" in column else column["values"]
            for column in (columns["change"], columns["name"])
        ]
        return list(zip(*cells, strict=True))

    muster("scan", "-o", "html:first.html")
    bots = estate / "bots.csv"
    bots.write_text(bots.read_text() + "saas:acme:new-bot,new-bot,saas,acme,bot,yes,,,,\n")
    muster("scan", "-o", "html:second.html", "-o", "json:second.json")
    muster("scan")
    scan = json.loads((estate / "second.json").read_text())["scan"]["id"]
    muster("report", "--scan", scan, "-o", "html:again.html")

    assert changes("first.html") == []
    assert ("joined", "new-bot") in changes("second.html")
    assert changes("again.html") == changes("second.html")
