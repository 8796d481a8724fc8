"""``muster acknowledge``, and what an acknowledged finding does and does not do."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Muster

TODAY = datetime.now(UTC).date()
LATER, EARLIER = TODAY + timedelta(days=60), TODAY - timedelta(days=1)
GIVEN = ("--reason", "trial until spring", "--by", "ada@example.com", "--until", f"{LATER}")


@pytest.fixture
def listing(estate: Path) -> Path:
    """An estate whose config names a list, with something of its keeper's in it."""
    with (estate / "config.toml").open("a") as config:
        config.write('\n[alarms]\nacknowledged = ["acknowledged.toml"]\n')
    path = estate / "acknowledged.toml"
    path.write_text("# Reviewed on the first Monday of each month.\n")
    return path


def scanned(muster: Muster) -> dict[str, Any]:
    """A scan's result."""
    decoded: dict[str, Any] = json.loads(muster("scan", "--quiet", "-o", "json:-").out)
    return decoded


def test_a_finding_is_acknowledged_and_stays_in_every_report(listing: Path, muster: Muster) -> None:
    """Marked with reason and person, counted, and no reason to fail."""
    findings = [one["fingerprint"] for one in scanned(muster)["findings"]]
    assert muster("scan", "--quiet", "--fail-on", "info").code == 1

    done = muster("acknowledge", *findings, *GIVEN)
    result = scanned(muster)

    assert done.code == 0
    assert done.out.count("+[[acknowledged]]") == len(findings)
    assert listing.read_text().startswith("# Reviewed on")
    assert [one["fingerprint"] for one in result["findings"]] == findings
    assert result["summary"]["acknowledged"] == len(findings)
    assert {json.dumps(one["acknowledged"]) for one in result["findings"]} == {
        f'{{"reason": "trial until spring", "by": "ada@example.com", "until": "{LATER}"}}'
    }
    quiet = muster("scan", "--quiet", "--fail-on", "info")
    assert quiet.code == 0
    assert f"{len(findings)} acknowledged" in quiet.out
    rows = list(csv.DictReader(io.StringIO(muster("report", "--view", "findings", "-o", "csv:-").out)))
    assert {row["acknowledged"] for row in rows} == {f"trial until spring (ada@example.com, until {LATER})"}
    assert "Acknowledged: trial until spring" in muster("report", "--view", "findings").out


def test_dry_run_only_prints(listing: Path, muster: Muster) -> None:
    """The same lines, and the file as it was."""
    before = listing.read_text()
    (finding, *_) = scanned(muster)["findings"]

    done = muster("acknowledge", finding["fingerprint"], *GIVEN, "--dry-run")

    assert f'+finding = "{finding["fingerprint"]}"' in done.out
    assert listing.read_text() == before


def test_a_list_that_is_not_there_is_started(estate: Path, muster: Muster) -> None:
    """With nothing but what was asked for."""
    (finding, *_) = scanned(muster)["findings"]

    assert muster("acknowledge", finding["fingerprint"], *GIVEN, "--file", "new.toml").code == 0
    assert (estate / "new.toml").read_text().startswith(f"# {finding['severity']}: {finding['title']}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("0f0f", *GIVEN), "the latest scan has no finding 0f0f", id="no such finding"),
        pytest.param(("known", *GIVEN[:-1], "soon"), "--until soon is no day", id="no day"),
        pytest.param(("known", *GIVEN[:-1], f"{TODAY + timedelta(days=400)}"), "more than a year ahead", id="too long"),
        pytest.param(("known", "--reason", " ", *GIVEN[2:]), "needs a reason", id="no reason"),
    ],
)
def test_what_cannot_be_acknowledged(listing: Path, muster: Muster, arguments: tuple[str, ...], told: str) -> None:
    """It is said, and nothing is written."""
    before = listing.read_text()
    (finding, *_) = scanned(muster)["findings"]

    done = muster("acknowledge", *(finding["fingerprint"] if one == "known" else one for one in arguments))

    assert (done.code, told in done.err) == (2, True)
    assert listing.read_text() == before


@pytest.mark.usefixtures("estate")
def test_without_a_list_it_is_said_how_to_name_one(muster: Muster) -> None:
    """A file that no scan would read is of no use."""
    scanned(muster)

    assert '[alarms] acknowledged = "acknowledged.toml"' in muster("acknowledge", "0f", *GIVEN).err


def test_a_list_that_is_wrong_stops_the_scan(listing: Path, muster: Muster) -> None:
    """Named by line and key, for nothing may be silenced by a typing error, nor a silence lost by one."""
    listing.write_text('[[acknowledged]]\nfinding = "0f"\nreason = "x"\nbye = "ada"\nuntil = 2027-01-31\n')

    done = muster("scan", "--quiet")

    assert done.code == 2
    assert "acknowledged.toml:4: acknowledged[0].bye: unknown key (did you mean by?)" in done.err


def test_an_ended_one_is_told_and_its_finding_alarms_as_new(listing: Path, muster: Muster) -> None:
    """Silence has an end."""
    line = '[[acknowledged]]\nrule = "unregistered"\nmatch = "triage-agent"\nreason = "x"\nby = "ada"\nuntil = {}\n'
    listing.write_text(line.format(LATER))
    scanned(muster)
    assert muster("scan", "--quiet", "--fail-on-new").code == 0
    listing.write_text(line.format(EARLIER))

    done = muster("scan", "--quiet", "--fail-on-new", "-o", "json:-")

    result = json.loads(done.out)
    assert done.code == 1
    assert [one["rule"] for one in result["findings"] if one["new"]] == ["unregistered"]
    assert any(f"the acknowledgement by ada ended on {EARLIER}" in notice for notice in result["notices"])


def test_who_exempted_an_identity_is_told(estate: Path, muster: Muster) -> None:
    """``by`` stands behind the reason."""
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[exempt]]\nmatch = "triage-agent"\nreason = "a trial"\nby = "ada@example.com"\n')

    (agent,) = (one for one in scanned(muster)["identities"] if one["name"] == "triage-agent")

    assert agent["registry"]["state"] == "exempt"
    assert agent["registry"]["evidence"] == "a trial (ada@example.com)"
