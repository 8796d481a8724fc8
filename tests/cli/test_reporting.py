"""``muster report`` and ``muster orphans`` for a part of what was found; asking for what is not there, and so on."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest

from connectors.core.contract import Check
from scanner.cli.doctor import _folded
from tests.cli.conftest import Muster

BOTS = """\
key,name,provider,scope,kind,enabled,created_at,last_used_at,use_tracked_days,tags
saas:acme:invoice-bot,invoice-bot,saas,acme,bot,yes,2024-01-10,2026-11-20,365,
saas:acme:old-sync,old-sync,saas,acme,bot,yes,2023-01-10,2025-02-01,3650,owner=bob@example.com
crm:eu:lead-sync,lead-sync,crm,eu,bot,yes,2026-10-01,,,owner=ada@example.com
crm:eu:nobody-knows,nobody-knows,crm,eu,bot,yes,2026-10-01,,,
"""
PEOPLE = "email,name,team,status\nada@example.com,Ada,Data,\nbob@example.com,Bob,=Ops/../x,\ngone@example.com,G,,left\n"
REGISTRY = (
    "id,identities,owner,team,provider\nN-1,invoice-bot,ada@example.com,Billing,\nN-3,gone-bot,ada@example.com,,crm\n"
)


@pytest.fixture
def scanned(estate: Path, muster: Muster) -> Path:
    """A scan of two providers, with people of two teams, one of them called badly for a file."""
    for name, text in (("bots.csv", BOTS), ("registry.csv", REGISTRY), ("people.csv", PEOPLE)):
        (estate / name).write_text(text, encoding="utf-8")
    assert muster("scan", "-o", "json:all.json").code == 0
    return estate


def reported(muster: Muster, *arguments: str) -> dict[str, Any]:
    """The JSON of a report."""
    done = muster("report", *arguments, "-o", "json:-")
    assert done.code == 0, done.err
    decoded: dict[str, Any] = json.loads(done.out)
    return decoded


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(("--provider", "CRM"), {"lead-sync", "nobody-knows"}, id="where it lives"),
        pytest.param(("--team", "billing"), {"invoice-bot"}, id="whose team it is"),
        pytest.param(("--owner", "ada@example.com"), {"invoice-bot", "lead-sync"}, id="who owns it, or is to be asked"),
        pytest.param(("--rule", "dormant"), {"old-sync"}, id="what fired"),
        pytest.param(("--provider", "crm", "--provider", "saas", "--owner", "bob@example.com"), {"old-sync"}, id="all"),
        pytest.param(("--provider", "crm", "--rule", "dormant"), set(), id="nothing"),
    ],
)
def test_only_what_is_asked_for_is_listed(
    scanned: Path, muster: Muster, arguments: tuple[str, ...], names: set[str]
) -> None:
    """In every format; the JSON keeps all its keys, its numbers agree with its lists, and it says what it is."""
    whole = json.loads((scanned / "all.json").read_text())

    found = reported(muster, *arguments)

    assert {one["name"] for one in found["identities"]} == names
    assert list(found) == list(whole)
    assert found["summary"]["identities"] == len(names)
    assert sum(found["summary"]["findings"].values()) == len(found["findings"])
    assert found["coverage"] == whole["coverage"]
    assert found["notices"][0].startswith("Filtered by ")
    keys = {one["key"] for one in found["identities"]}
    assert {one["identity"] for one in found["findings"]} - {None} <= keys
    assert {fingerprint for one in found["identities"] for fingerprint in one["findings"]} <= {
        one["fingerprint"] for one in found["findings"]
    }
    rows = csv.DictReader(io.StringIO(muster("report", "--view", "inventory", *arguments, "-o", "csv:-").out))
    assert {row["name"] for row in rows} == names
    orphans = csv.DictReader(io.StringIO(muster("orphans", *arguments, "-o", "csv:-").out))
    assert {row["name"] for row in orphans} == names - {"invoice-bot"}
    assert "Filtered by " in muster("report", *arguments).out


def test_a_severity_means_that_and_above(scanned: Path, muster: Muster) -> None:
    """As for --fail-on; and anyone who has no such finding is left out."""
    whole = json.loads((scanned / "all.json").read_text())["findings"]
    above = [one["fingerprint"] for one in whole if one["severity"] in ("critical", "high")]

    found = reported(muster, "--severity", "high")

    assert [one["fingerprint"] for one in found["findings"]] == above != [one["fingerprint"] for one in whole]
    listed = [one["findings"] for one in found["identities"]]
    assert listed != []
    assert [] not in listed


def test_findings_about_an_entry_alone_have_its_provider(scanned: Path, muster: Muster) -> None:
    """And its owner."""
    del scanned
    for arguments, there in ((("--provider", "crm"), True), (("--provider", "saas"), False)):
        rules = {one["rule"] for one in reported(muster, *arguments)["findings"]}
        assert ("entry_not_found" in rules) is there


@pytest.mark.usefixtures("scanned")
def test_what_nothing_has_is_reported(muster: Muster) -> None:
    """A rule that there is not is an error; a provider, team or owner that this scan has not may be another day's."""
    odd = muster("report", "--provider", "saass", "-o", "json:-")
    wrong = muster("report", "--rule", "dormnt")
    about_all = muster("report", "--provider", "crm", "-o", "evidence:e.zip")

    assert (odd.code, "nothing in this scan matches provider saass: did you mean saas?" in odd.err) == (0, True)
    assert (wrong.code, "did you mean dormant?" in wrong.err) == (2, True)
    assert (about_all.code, "evidence covers a whole scan" in about_all.err) == (2, True)
    assert "No identity or finding matches the filters." in muster("report", "--provider", "saass").out


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        pytest.param(
            "owner",
            {"ada@example.com": {"lead-sync"}, "bob@example.com": {"old-sync"}, "nobody": {"nobody-knows"}},
            id="contact",
        ),
        pytest.param("team", {"Data": {"lead-sync"}, "Ops-..-x": {"old-sync"}, "nobody": {"nobody-knows"}}, id="team"),
    ],
)
def test_a_workbook_for_each(scanned: Path, muster: Muster, split: str, expected: dict[str, set[str]]) -> None:
    """Beside the path that was given, in names that stay in that folder; each offers the whole roster, and all fit."""
    done = muster("orphans", "--split", split, "-o", "xlsx:out/orphans.xlsx")

    assert done.code == 0
    files = {path.name for path in (scanned / "out").iterdir()}
    assert files == {f"orphans-{name}.xlsx" for name in expected}
    for name, names in expected.items():
        book = openpyxl.load_workbook(scanned / "out" / f"orphans-{name}.xlsx")
        heading, *rows = book["Orphans"].iter_rows(values_only=True)
        assert {row[heading.index("name")] for row in rows} == names
        assert [cell.value for cell in book["People"]["A"]][2:] == ["ada@example.com", "bob@example.com"]
        assert muster("registry", "adopt", f"out/orphans-{name}.xlsx").code == 0


@pytest.mark.usefixtures("scanned")
def test_several_files_do_not_go_to_stdout(muster: Muster) -> None:
    """Nor does a table that is one."""
    done = muster("orphans", "--split", "owner")

    assert (done.code, "--split writes several files" in done.err) == (2, True)


def test_a_suggestion_that_was_confirmed_is_adopted(scanned: Path, muster: Muster) -> None:
    """One that no one confirmed is not, and the registry as it was is kept beside it, however often."""
    registry = scanned / "registry.csv"
    before = registry.read_bytes()
    muster("orphans", "-o", "xlsx:o.xlsx")
    assert "nothing to change" in muster("registry", "adopt", "o.xlsx").err
    assert not list(scanned.glob("registry.csv.bak*"))
    book = openpyxl.load_workbook(scanned / "o.xlsx")
    sheet: Any = book["Orphans"]
    at = {cell.value: number for number, cell in enumerate(sheet[1], start=1)}
    for row in range(2, sheet.max_row + 1):
        if sheet.cell(row, at["name"]).value == "lead-sync":
            sheet.cell(row, at["owner"]).value = "as suggested"
    book.save(scanned / "o.xlsx")

    done = muster("registry", "adopt", "o.xlsx")

    assert (done.code, "registry.csv.bak" in done.err) == (0, True)
    assert (scanned / "registry.csv.bak").read_bytes() == before
    rows = csv.DictReader(io.StringIO(registry.read_text()))
    (added,) = [row for row in rows if "lead-sync" in row["identities"]]
    assert added["owner"] == "ada@example.com"
    muster("scan")
    states = {one["name"]: one["ownership"]["state"] for one in reported(muster)["identities"]}
    assert (states["lead-sync"], states["old-sync"]) == ("owned", "orphaned")


def test_an_owner_who_is_no_one_is_refused(scanned: Path, muster: Muster) -> None:
    """With row and heading, and nothing is written; --accept-unknown takes them, and a second backup is made."""
    registry = scanned / "registry.csv"
    before = registry.read_bytes()
    head = "key,owner,technical_owner,backup_owner\n"
    (scanned / "o.csv").write_text(f"{head}crm:eu:lead-sync,typo@exmaple.com,,\n")

    refused = muster("registry", "adopt", "o.csv")
    assert (refused.code, "o.csv:2: owner: typo@exmaple.com is not on the roster" in refused.err) == (2, True)
    assert "--accept-unknown" in refused.err
    assert registry.read_bytes() == before

    assert muster("registry", "adopt", "o.csv", "--accept-unknown").code == 0
    (scanned / "o.csv").write_text(f"{head}crm:eu:nobody-knows,bob@example.com,,\n")
    between = registry.read_bytes()
    assert muster("registry", "adopt", "o.csv").code == 0
    assert (scanned / "registry.csv.bak").read_bytes() == before
    assert (scanned / "registry.csv.bak1").read_bytes() == between


@pytest.mark.parametrize(
    ("output", "message"),
    [
        pytest.param("csv:x.xlsx", "-o xlsx:x.xlsx", id="csv as a workbook"),
        pytest.param("html:x.JSON", "-o json:x.JSON", id="whatever its case"),
        pytest.param("table:x.md", "-o markdown:x.md", id="the table"),
    ],
)
@pytest.mark.usefixtures("scanned")
def test_a_path_that_ends_as_another_format_does(muster: Muster, tmp_path: Path, output: str, message: str) -> None:
    """What opens the file would take it for that; other endings promise nothing."""
    done = muster("report", "-o", output)

    assert (done.code, message in done.err) == (2, True)
    assert not list(tmp_path.glob("x.*"))
    for fine in ("csv:y.txt", "sarif:y.json", "ocsf:y.ndjson", "table:y.txt", "splunk:y.csv", "json:y"):
        assert muster("report", "-o", fine).code == 0


def test_a_configured_path_that_ends_as_another_format_does(scanned: Path, muster: Muster) -> None:
    """By its line in the config."""
    with (scanned / "config.toml").open("a") as config:
        config.write('\n[[report]]\nformat = "csv"\npath = "x.xlsx"\n')

    done = muster("scan")

    assert (done.code, "config.toml:" in done.err, "x.xlsx would contain csv" in done.err) == (2, True, True)


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        pytest.param("lead-snyc", "lead-sync", id="mistyped"),
        pytest.param("OLD", "old-sync", id="a part of it"),
        pytest.param("zzzz", None, id="nothing like it"),
        pytest.param("", None, id="nothing at all"),
    ],
)
@pytest.mark.usefixtures("scanned")
def test_show_knows_names_that_are_near(muster: Muster, asked: str, near: str | None) -> None:
    """Still exit 1."""
    done = muster("show", asked)

    assert (done.code, done.out) == (1, "")
    assert [line for line in done.err.splitlines() if line.startswith("  is it")][:1] == (
        [f"  is it {near}?"] if near else []
    )


def test_doctor_says_once_what_is_fine() -> None:
    """Many checks of a source that say the same are one line; what differs stays, and a problem is never folded."""
    checks = [
        Check(name="store", ok=True, detail="allowed"),
        Check(name="aws: credentials", ok=True, detail="account 1"),
        *(Check(name=f"aws: iam:{number}", ok=True, detail="allowed") for number in range(40)),
        Check(name="aws: iam:Get", ok=False, detail="denied", fix="grant it"),
        Check(name="aws: iam:Put", ok=False, detail="denied", fix="grant it"),
        Check(name="vault: server", ok=True, detail="allowed"),
    ]

    message = [(one.name, one.ok, one.detail) for one in _folded(checks)]

    assert message == [
        ("store", True, "allowed"),
        ("aws: iam:Get", False, "denied"),
        ("aws: iam:Put", False, "denied"),
        ("aws: credentials", True, "account 1"),
        ("aws", True, "40 checks: allowed"),
        ("vault: server", True, "allowed"),
    ]


@pytest.mark.usefixtures("estate")
def test_doctor_lists_all_when_asked(muster: Muster) -> None:
    """Where nothing is alike, that is the same."""
    folded, every = muster("doctor"), muster("doctor", "--all")

    assert (folded.code, folded.out) == (0, every.out)


def test_a_view_that_is_empty_without_a_registry_says_so(estate: Path, muster: Muster) -> None:
    """Which, why, and which view has rows; a view with rows says nothing."""
    (estate / "bots.csv").write_text(BOTS, encoding="utf-8")
    (estate / "registry.csv").unlink()
    config = estate / "config.toml"
    config.write_text("\n".join(line for line in config.read_text().splitlines() if "registry" not in line))
    assert muster("scan", "--quiet", "-o", "json:all.json").code == 0
    empty, full = muster("report", "-o", "csv:-"), muster("report", "--view", "inventory", "-o", "csv:-")

    assert len(empty.out.splitlines()) == 1
    assert "the view orphans is empty: no registry was given" in empty.err
    assert "`--view inventory` has every identity" in empty.err
    assert len(full.out.splitlines()) == 5
    assert "is empty" not in full.err


def test_warnings_come_grouped_below_the_report(estate: Path, muster: Muster) -> None:
    """Alike ones together with their number, on lines of at most 80 columns where no word is longer."""
    rows = "".join(f"N-{number},bot-{number},nobody{number}@example.com,,\n" for number in range(3))
    (estate / "registry.csv").write_text(f"id,identities,owner,team,provider\n{rows}", encoding="utf-8")
    (estate / "people.csv").write_text(PEOPLE, encoding="utf-8")
    done = muster("scan")
    lines = done.err.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("muster: warning:"))

    assert lines[first] == "muster: warning: 3 times: owner … is not on the roster"
    assert [line.split()[-6] for line in lines[first + 1 : first + 4]] == [f"nobody{n}@example.com" for n in range(3)]
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []


CLUSTER = [
    {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "uid": f"8b7c0000-0000-4000-8000-00000000000{at}"} | more,
    }
    for at, (kind, name, more) in enumerate(
        (("Namespace", "kube-system", {}), ("Namespace", "shop", {}), ("ServiceAccount", "ci", {"namespace": "shop"}))
    )
]


def test_evidence_lists_the_exports_that_a_scan_rests_on(estate: Path, muster: Muster) -> None:
    """Each file of an export, with the hash of its bytes."""
    export = estate / "export"
    export.mkdir()
    (export / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": CLUSTER}))
    muster("scan", f"kubernetes:from_files={export}", "--quiet", "-o", "json:all.json")
    inputs = json.loads((estate / "all.json").read_text())["scan"]["inputs"]

    assert [(Path(one["name"]).name, one["sha256"]) for one in inputs if one["role"] == "export"] == [
        ("cluster.json", hashlib.sha256((export / "cluster.json").read_bytes()).hexdigest())
    ]


def test_a_secret_in_the_roster_is_in_no_workbook(estate: Path, muster: Muster) -> None:
    """Nor in the hidden sheet of people to choose owners from."""
    secret = "hunter2-correct-horse"
    roster = (estate / "people.csv").read_text().replace("Ada,", f"Ada password={secret},", 1)
    assert secret in roster
    (estate / "people.csv").write_text(roster)

    assert muster("scan", "-o", "xlsx:o.xlsx").code == 0

    with ZipFile(estate / "o.xlsx") as workbook:
        sheets = {name: workbook.read(name).decode() for name in workbook.namelist() if name.endswith(".xml")}
    assert any("ada@example.com" in text for text in sheets.values())
    assert [name for name, text in sheets.items() if secret in text] == []
