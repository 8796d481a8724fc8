"""The log of decisions by command: what is logged, shown, exported and verified."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Muster

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "decisions.md"


def a_month(muster: Muster) -> list[dict[str, str]]:
    """A scan, and one decision by each command; returns the log."""
    assert muster("scan").code == 0
    finding = json.loads(muster("report", "--view", "findings", "-o", "json:-").out)["findings"][0]["fingerprint"]
    said = ("--by", "ada@example.com")
    assert muster("acknowledge", finding, "--reason", "=cmd|' /C calc'!A0 \x1b[31m", *said).code == 0
    assert muster("acknowledge", finding, "--reason", "longer", *said).code == 0
    assert muster("acknowledge", finding, "--reason", "longer", *said).code == 0  # known already
    assert muster("acknowledge", finding, "--reason", "never", *said, "--dry-run").code == 0
    assert muster("registry", "adopt", "--dry-run").code == 0
    assert muster("registry", "adopt").code == 0
    assert muster("review", "open", "q4", "--due", "2099-01-01").code == 0
    assert muster("review", "close", "q4").code == 0
    assert muster("scan", "--accept-drop").code == 0
    assert muster("history", "prune", "--keep-days", "1").code == 0
    assert muster("history", "forget", "bots", "--yes").code == 0
    listed: list[dict[str, str]] = json.loads(muster("decisions", "-o", "json:-").out)["decisions"]
    return listed


def test_every_command_that_decides_is_logged_once(muster: Muster, estate: Path) -> None:
    """In order, with person and user; what changed nothing, and a dry run, is not."""
    del estate
    log = a_month(muster)

    assert [one["what"] for one in log if one["what"] != "marked_reviewed"] == [
        "acknowledged", "acknowledged", "adopted", "review_opened", "review_closed", "accepted_drop", "pruned",
        "forgot",
    ]  # fmt: skip
    assert {one["os_user"] for one in log} == {log[0]["os_user"]}
    assert [(one.get("by"), one["known_by"]) for one in log[1:3]] == [("ada@example.com", "option"), (None, "os_user")]
    assert "by ada@example.com" in log[1]["before"]
    assert "saas:acme:triage-agent" in log[2]["after"]
    assert muster("store", "check").code == 0


def test_the_page_shows_who_decided_what(muster: Muster, estate: Path) -> None:
    """Newest first, no more than is wanted, and nothing that acts on a terminal."""
    del estate
    log = a_month(muster)

    shown, of_ada = muster("decisions"), muster("decisions", "--by", "ADA@example.com", "--all")
    none = muster("decisions", "--since", "2999-01-01", "-o", "csv:-")

    assert shown.out.index("forgot by") < shown.out.index("acknowledged by ada@example.com")
    assert "\x1b" not in shown.out
    assert f"decisions: {len(log)}, head" in shown.out
    assert of_ada.out.count("acknowledged by") == 2
    assert "forgot" not in of_ada.out
    assert len(none.out.splitlines()) == 1
    assert muster("decisions", "--since", "yesterday").code == 2
    assert muster("decisions", "-o", "xlsx:-").code == 2


def test_no_cell_is_a_formula(muster: Muster, estate: Path) -> None:
    """As in every other table."""
    del estate
    a_month(muster)

    rows = list(csv.DictReader(io.StringIO(muster("decisions", "-o", "csv:-").out)))

    assert rows[0]["reason"].startswith("'=cmd")
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@"]


def test_ten_lines_verify_a_file(muster: Muster, estate: Path) -> None:
    """Those of the documentation, of what the command exports."""
    a_month(muster)
    assert muster("decisions", "-o", "json:log.json").code == 0
    program = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    document = (estate / "log.json").read_text()

    def verify(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=False)

    head = json.loads(document)["head"]
    assert verify(document).stdout.endswith(f" {head}\n")
    assert verify(document.replace("longer", "shorter")).returncode == 1


def test_a_printed_head_shows_what_was_cut(muster: Muster, estate: Path) -> None:
    """Kept from a report of the month before."""
    a_month(muster)
    assert muster("history", "-o", "json:-").code == 0
    printed = muster("store", "check").out.splitlines()[-1]
    count, head = re.findall(r"decisions: (\d+), head ([0-9a-f]{64})", printed)[0]
    assert muster("store", "check", "--head", head, "--head", f"{count}:{head}").code == 0
    with closing(sqlite3.connect(estate / "muster.db")) as database:
        database.execute("DROP TRIGGER decision_no_delete")
        database.execute("DELETE FROM decision WHERE number = (SELECT max(number) FROM decision)")
        database.commit()

    unnoticed, checked = muster("store", "check"), muster("store", "check", "--head", f"{count}:{head}")

    assert unnoticed.code == 0
    assert checked.code == 1
    assert f"decision {count} is missing at the end" in checked.out
    assert "never repaired" in checked.err
    assert "--repair" not in checked.err
    assert muster("store", "check", "--head", "3f9a").code == 2


def test_reports_hold_the_head(muster: Muster, estate: Path) -> None:
    """Of the time of the scan, in every format that people keep."""
    log = a_month(muster)
    assert muster("scan", "-o", "json:s.json", "-o", "html:s.html", "-o", "markdown:s.md").code == 0
    head = f"decisions: {len(log)}, head"

    assert json.loads((estate / "s.json").read_text())["summary"]["decisions"]["count"] == len(log)
    assert head in (estate / "s.md").read_text()
    listed = json.loads(muster("history", "-o", "json:-").out)["scans"][0]
    assert listed["summary"]["decisions"]["count"] == len(log)


def test_a_list_can_be_adopted_before_there_is_a_store(muster: Muster, estate: Path) -> None:
    """And then it is said that nothing was logged."""
    (estate / "filled.csv").write_text(
        "key,owner,technical_owner,backup_owner\nsaas:acme:triage-agent,ada@example.com,,\n"
    )
    done = muster("registry", "adopt", "filled.csv")

    assert done.code == 0
    assert "not in the log of decisions" in done.err
