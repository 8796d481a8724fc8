"""``muster acknowledge``, and what an acknowledged finding does and does not do."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.model.served import FindingAcknowledged
from scanner.store.store import open_store
from tests.canaries import CANARIES
from tests.cli.conftest import Muster
from tests.reports import samples

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
    decoded: dict[str, Any] = json.loads(muster("scan", "-o", "json:-").out)
    return decoded


def test_what_the_served_page_acknowledged_counts_everywhere(estate: Path, muster: Muster) -> None:
    """In the list, in reports and on an identity at once, and in the next scan, which stays quiet."""
    findings = scanned(muster)["findings"]
    with open_store(f"sqlite:///{estate}/muster.db") as store:
        for one in findings:
            record = FindingAcknowledged(
                finding=one["fingerprint"], reason="moving", until=LATER, by="ada@example.com", at=datetime.now(UTC)
            )
            store.served.append(record)

    listed = muster("acknowledge", "--list").out
    reported = json.loads(muster("report", "-o", "json:-").out)
    shown = muster("show", next(one["identity"] for one in findings if one["identity"])).out

    assert listed.startswith(
        f"{len(findings)} acknowledgements, {len(findings)} findings of the latest scan suppressed"
    )
    assert "served page" in listed
    assert {one["acknowledged"]["reason"] for one in reported["findings"]} == {"moving"}
    assert "moving" in shown
    assert muster("scan", "--fail-on", "info").code == 0


def test_a_finding_is_acknowledged_and_stays_in_every_report(listing: Path, muster: Muster) -> None:
    """Marked with reason and person, counted, and no reason to fail."""
    findings = [one["fingerprint"] for one in scanned(muster)["findings"]]
    assert muster("scan", "--fail-on", "info").code == 1

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
    quiet = muster("scan", "--fail-on", "info")
    assert quiet.code == 0
    assert f"{len(findings)} acknowledged" in quiet.out
    rows = list(csv.DictReader(io.StringIO(muster("report", "--view", "findings", "-o", "csv:-").out)))
    assert {row["acknowledged"] for row in rows} == {f"trial until spring (ada@example.com, until {LATER})"}
    assert "Acknowledged: trial until spring" in muster("report", "--view", "findings").out
    assert "Highest-severity findings" not in quiet.out


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
    ("arguments", "expected"),
    [
        pytest.param(("0f0f0f0f", *GIVEN), "the latest scan has no finding 0f0f0f0f", id="no such finding"),
        pytest.param(("0f0f", *GIVEN), "0f0f is too short for a fingerprint", id="too short"),
        pytest.param(("unregisterd", "triage-agent", *GIVEN), "did you mean unregistered?", id="no such rule"),
        pytest.param(("dormant", "triage-agent", *GIVEN), "it has: unregistered", id="no finding of that rule"),
        pytest.param((*GIVEN,), "name a finding", id="nothing named"),
        pytest.param(("known", *GIVEN[2:]), "--reason is missing", id="no reason given"),
        pytest.param(("known", *GIVEN[:-1], f"{EARLIER}"), f"--until {EARLIER} is in the past", id="in the past"),
        pytest.param(("known", *GIVEN[:-1], "soon"), "--until soon is not a date", id="no day"),
        pytest.param(("known", *GIVEN[:-1], f"{TODAY + timedelta(days=400)}"), "more than a year ahead", id="too long"),
        pytest.param(("known", "--reason", " ", *GIVEN[2:]), "--reason is empty", id="no reason"),
    ],
)
def test_what_cannot_be_acknowledged(listing: Path, muster: Muster, arguments: tuple[str, ...], expected: str) -> None:
    """It is said, and nothing is written."""
    before = listing.read_text()
    (finding, *_) = scanned(muster)["findings"]

    done = muster("acknowledge", *(finding["fingerprint"] if one == "known" else one for one in arguments))

    assert (done.code, expected in done.err, "acknowledged.toml" in done.err) == (2, True, False)
    assert listing.read_text() == before


def test_without_a_list_named_it_is_the_one_beside_the_config(
    estate: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which the next scan reads, wherever either is started."""
    (finding, *_) = scanned(muster)["findings"]
    elsewhere = estate / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    done = muster("acknowledge", finding["fingerprint"][:8], *GIVEN, "--config", str(estate / "config.toml"))

    assert done.code == 0
    assert finding["fingerprint"] in (estate / "acknowledged.toml").read_text()
    assert not list(elsewhere.iterdir())
    monkeypatch.chdir(estate)
    assert scanned(muster)["summary"]["acknowledged"] == 1


def test_a_rule_and_an_identity_are_enough(listing: Path, muster: Muster) -> None:
    """By any name that `show` takes; all findings of that rule on it, and no other."""
    before = scanned(muster)["findings"]
    wanted = {one["fingerprint"] for one in before if one["rule"] == "unregistered"}

    done = muster("acknowledge", "unregistered", "Triage-Agent", "--reason", "x", "--by", "ada@example.com")

    assert done.code == 0
    assert f"until = {TODAY + timedelta(days=90)}" in listing.read_text()
    found = scanned(muster)["findings"]
    assert {one["fingerprint"] for one in found if one["acknowledged"]} == wanted != set()


def test_an_entry_can_be_named_in_place_of_an_identity(listing: Path, muster: Muster) -> None:
    """A finding may be about an entry of the registry alone."""
    (about,) = (one for one in scanned(muster)["findings"] if one["entry"] == "N-3" and not one["identity"])

    assert muster("acknowledge", about["rule"], "N-3", *GIVEN).code == 0
    assert about["fingerprint"] in listing.read_text()


def test_digits_that_several_findings_share_are_refused(tmp_path: Path, muster: Muster) -> None:
    """They are listed, so that more digits can be given."""
    result = samples.estate()
    one, other = (replace(finding, fingerprint=f"0f0f0f0f{n}" * 3) for n, finding in enumerate(result.findings[:2]))
    with open_store(f"sqlite:///{tmp_path}/muster.db") as store:
        store.save(replace(result, findings=(one, other), identities=()))

    done = muster("acknowledge", "0f0f0f0f", *GIVEN)

    assert (done.code, one.fingerprint in done.err, other.fingerprint in done.err) == (2, True, True)
    assert "give more digits" in done.err
    assert muster("acknowledge", "0F0F0F0F1", *GIVEN).code == 0
    assert other.fingerprint in (tmp_path / "acknowledged.toml").read_text()


def test_what_is_suppressed_is_listed(listing: Path, muster: Muster) -> None:
    """By whom, until when, why, and which findings; ended ones and idle ones say so."""
    (finding, *_) = scanned(muster)["findings"]
    muster("acknowledge", finding["fingerprint"][:10], *GIVEN)
    line = '\n[[acknowledged]]\nrule = "dormant"\nmatch = "nobody-*"\nreason = "old"\nby = "bob"\nuntil = {}\n'
    listing.write_text(listing.read_text() + line.format(EARLIER))

    done = muster("acknowledge", "--list")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "2 acknowledgements, 1 of them ended, 1 finding of the latest scan suppressed"
    for expected in (f"{LATER} by ada@example.com", finding["fingerprint"][:8], "trial until spring", finding["title"]):
        assert expected in done.out
    assert "rule dormant on nobody-*" in done.out
    assert "covers no finding of the latest scan" in done.out


def test_the_card_prints_the_command_that_suppresses(listing: Path, muster: Muster) -> None:
    """Once its placeholders are filled in; and the card shows at once what came of it."""
    scanned(muster)
    before = listing.read_text()
    (command,) = (line for line in muster("show", "triage-agent").out.splitlines() if "muster acknowledge" in line)
    arguments = shlex.split(command)[1:]
    filled = {"TEXT": "a trial", "PERSON": "ada@example.com"}
    for placeholder, text in filled.items():
        for written in (placeholder, placeholder.lower(), f"<{placeholder}>"):
            others = {other: given for other, given in filled.items() if other != placeholder}
            given = [written if one == placeholder else others.get(one, one) for one in arguments]
            refused = muster(*given)
            assert (refused.code, f"{written} is the placeholder" in refused.err) == (2, True), text
            assert "replace it by why the finding is suppressed" in refused.err
    assert listing.read_text() == before

    assert muster(*(filled.get(one, one) for one in arguments)).code == 0

    card = " ".join(muster("show", "triage-agent").out.split())
    assert "(acknowledged: a trial (ada@example.com, until" in card
    assert "muster acknowledge" not in card
    scanned(muster)
    assert "(acknowledged: a trial (ada@example.com, until" in " ".join(muster("show", "triage-agent").out.split())
    assert listing.read_text().count("[[acknowledged]]") == 1


def test_reports_show_at_once_what_was_acknowledged_since(listing: Path, muster: Muster) -> None:
    """Those of the latest scan; one asked for by its id stays as it was, and what a line took back waits for a scan."""
    before = scanned(muster)
    finding = before["findings"][0]["fingerprint"]
    muster("acknowledge", finding, *GIVEN)

    def reported(*more: str) -> Any:
        return json.loads(muster("report", "-o", "json:-", *more).out)

    after = reported()
    marked = {one["fingerprint"]: one["acknowledged"] for one in after["findings"] if one["acknowledged"]}
    assert marked == {finding: {"reason": "trial until spring", "by": "ada@example.com", "until": f"{LATER}"}}
    assert after["summary"]["acknowledged"] == 1
    assert reported("--scan", before["scan"]["id"])["summary"]["acknowledged"] == 0
    assert scanned(muster)["summary"]["acknowledged"] == 1
    listing.write_text("")
    assert reported()["summary"]["acknowledged"] == 1


@pytest.mark.parametrize("by_rule", [False, True])
def test_acknowledging_again_changes_what_is_there(listing: Path, muster: Muster, by_rule: bool) -> None:
    """A finding has one block: with the new day and reason, and as it is where they are the same."""
    scanned(muster)
    (found,) = (one for one in scanned(muster)["findings"] if one["rule"] == "unregistered")
    wanted = ("unregistered", "triage-agent") if by_rule else (found["fingerprint"][:10],)
    assert muster("acknowledge", found["fingerprint"], *GIVEN).code == 0
    listing.write_text(f"{listing.read_text()}\n# The last line.\n")
    before = listing.read_text()

    same = muster("acknowledge", *wanted, *GIVEN)

    assert (same.code, same.out, listing.read_text()) == (0, "", before)
    assert f"already acknowledged until {LATER}" in same.err
    day = LATER + timedelta(days=1)
    longer = muster("acknowledge", *wanted, "--reason", "a new one", *GIVEN[2:-1], f"{day}")
    assert longer.code == 0
    assert f"-until = {LATER}\n+until = {day}" in longer.out
    assert listing.read_text() == before.replace("trial until spring", "a new one").replace(f"{LATER}", f"{day}")
    listed = muster("acknowledge", "--list").out.splitlines()[0]
    assert listed == "1 acknowledgement, 1 finding of the latest scan suppressed"


def test_a_finding_is_counted_once_however_often_it_is_listed(listing: Path, muster: Muster) -> None:
    """Another list, or an older version, may have it twice: both are changed, or the older would go on speaking."""
    scanned(muster)
    finding = scanned(muster)["findings"][0]["fingerprint"]
    block = f'[[acknowledged]]\nfinding = "{finding}"\nreason = "x"\nby = "ada"\nuntil = {LATER}\n'
    listing.write_text(block * 2)

    listed = muster("acknowledge", "--list").out.splitlines()[0]
    sooner = LATER - timedelta(days=1)
    muster("acknowledge", finding, *GIVEN[:-1], f"{sooner}")

    assert listed == "2 acknowledgements, 1 finding of the latest scan suppressed"
    assert listing.read_text().count(f"until = {sooner}") == listing.read_text().count("[[acknowledged]]") == 2


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        pytest.param("nobody@example.com", "--by nobody@example.com is not on the roster", id="unknown"),
        pytest.param("left@example.com", "--by left@example.com is on the roster, but not active", id="departed"),
    ],
)
def test_who_answers_is_someone_on_the_roster(listing: Path, muster: Muster, by: str, expected: str) -> None:
    """Else nothing is written, unless outsiders are taken."""
    before = listing.read_text()
    finding = scanned(muster)["findings"][0]["fingerprint"]

    refused = muster("acknowledge", finding, "--reason", "x", "--by", by)

    assert (refused.code, expected in refused.err, "--accept-unknown" in refused.err) == (2, True, True)
    assert listing.read_text() == before
    taken = muster("acknowledge", finding, "--reason", "x", "--by", by, "--accept-unknown")
    assert (taken.code, expected in taken.err) == (0, True)
    assert f'by = "{by}"' in listing.read_text()


def test_without_a_roster_no_one_can_be_looked_up(tmp_path: Path, muster: Muster) -> None:
    """It is said, and written."""
    result = samples.estate()
    with open_store(f"sqlite:///{tmp_path}/muster.db") as store:
        store.save(result)

    done = muster("acknowledge", result.findings[0].fingerprint, *GIVEN)

    assert (done.code, "no roster is configured" in done.err) == (0, True)


def test_a_list_that_is_wrong_stops_the_scan(listing: Path, muster: Muster) -> None:
    """Named by line and key, for nothing may be silenced by a typing error, nor a silence lost by one."""
    listing.write_text('[[acknowledged]]\nfinding = "0f"\nreason = "x"\nbye = "ada"\nuntil = 2027-01-31\n')

    done = muster("scan")

    assert done.code == 2
    assert "acknowledged.toml:4: acknowledged[0].bye: unknown key (did you mean by?)" in done.err


def test_an_ended_one_is_reported_and_its_finding_alarms_as_new(listing: Path, muster: Muster) -> None:
    """Silence has an end."""
    line = '[[acknowledged]]\nrule = "unregistered"\nmatch = "triage-agent"\nreason = "x"\nby = "ada"\nuntil = {}\n'
    listing.write_text(line.format(LATER))
    scanned(muster)
    assert muster("scan", "--fail-on-new").code == 0
    listing.write_text(line.format(EARLIER))

    done = muster("scan", "--fail-on-new", "-o", "json:-")

    result = json.loads(done.out)
    assert done.code == 1
    assert [one["rule"] for one in result["findings"] if one["new"]] == ["unregistered"]
    assert any(f"the acknowledgement by ada ended on {EARLIER}" in notice for notice in result["notices"])


def test_who_exempted_an_identity_is_reported(estate: Path, muster: Muster) -> None:
    """``by`` stands behind the reason."""
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[exempt]]\nmatch = "triage-agent"\nreason = "a trial"\nby = "ada@example.com"\n')

    (agent,) = (one for one in scanned(muster)["identities"] if one["name"] == "triage-agent")

    assert agent["registry"]["state"] == "exempt"
    assert agent["registry"]["evidence"] == "a trial (ada@example.com)"


TOKEN = CANARIES["github-token"][0][0]


@pytest.mark.parametrize("option", ["--reason", "--by"])
def test_a_secret_is_not_written_into_the_list(listing: Path, muster: Muster, option: str) -> None:
    """The list lives in git, and what it says is in every report."""
    finding = scanned(muster)["findings"][0]["fingerprint"]
    before = listing.read_text()

    done = muster("acknowledge", finding, *GIVEN, option, f"token {TOKEN}")

    assert done.code == 2
    assert f"{option} contains what looks like a secret" in done.err
    assert TOKEN not in done.out + done.err
    assert listing.read_text() == before


def test_a_secret_in_the_list_gets_no_further(listing: Path, muster: Muster, tmp_path: Path) -> None:
    """Not into the store, a report, ``--list`` or the diff; anyone who keeps the list hears of it."""
    one, other = [found["fingerprint"] for found in scanned(muster)["findings"]][:2]
    assert muster("acknowledge", one, *GIVEN).code == 0
    text = listing.read_text().replace("trial until spring", f"token {TOKEN}").replace("ada@", f"{TOKEN}@")
    listing.write_text(f"{text}# {TOKEN}\n")

    expected = [muster("acknowledge", "--list"), muster("acknowledge", other, *GIVEN, "--dry-run")]
    expected += [
        muster("scan", *(f"-o{name}:out/{name}" for name in ("json", "ndjson", "sarif", "ocsf", "html", "evidence")))
    ]
    expected += [muster("diff"), muster("show", "old-sync")]

    assert TOKEN not in "".join(done.out + done.err for done in expected)
    for done in (expected[0], expected[2]):
        assert re.search(r"acknowledged\.toml:\d+: what looks like a secret is masked", done.err)
    assert "token •••" in expected[0].out
    assert "•••" in (tmp_path / "out/json").read_text()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != listing]
    assert len(written) > 8
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
