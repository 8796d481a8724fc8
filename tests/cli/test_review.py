"""``muster review`` from opening to evidence, and what the next scans say about it."""

from __future__ import annotations

import csv
import json
import re
import shlex
import sqlite3
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.cli.conftest import Done, Muster
from tests.servers.receiver import receiver

TODAY = datetime.now(UTC).date()
DUE = str(TODAY + timedelta(days=30))

BOTS = """\
key,name,provider,scope,kind,privilege,enabled,last_used_at,created_by
acme:billing,billing-bot,acme,prod,bot,normal,yes,2026-11-01,ada@example.com
acme:deploy,deploy-bot,acme,prod,bot,admin,yes,2026-11-20,
acme:sync,old-sync,acme,dev,bot,normal,yes,2025-01-01,
acme:report,report-bot,acme,dev,bot,normal,yes,2025-01-01,bob@example.com
acme:=cmd|evil,=cmd|evil,acme,dev,bot,normal,yes,2025-01-01,
acme:vendor,vendor-bot,acme,dev,bot,normal,yes,,
"""
REGISTRY = """\
id,identities,owner,backup owner,purpose,built by
N-1,acme:billing,ada@example.com,,Sends invoices,
N-2,acme:deploy,gus@example.com,,Deploys,
N-3,acme:sync,bob@example.com,ada@example.com,Syncs,bob@example.com
N-4,acme:report,bob@example.com,,Reports,bob@example.com
"""
PEOPLE = """\
email,name,status,manager,left on
ada@example.com,Ada,active,eve@example.com,
bob@example.com,Bob,active,eve@example.com,
gus@example.com,Gus,left,mia@example.com,2026-01-01
mia@example.com,Mia,left,eve@example.com,2026-01-01
eve@example.com,Eve,active,,
"""
CONFIG = """\
[[source]]
name = "acme"
type = "file"
path = "bots.csv"

[[registry]]
path = "registry.csv"

[[people]]
path = "people.csv"

[[exempt]]
match = "vendor-bot"
reason = "run by a vendor"
"""


@pytest.fixture(autouse=True)
def company(tmp_path: Path, muster: Muster) -> Path:
    """Six bots, one of them exempt, and a scan of them."""
    for name, text in (("bots", BOTS), ("registry", REGISTRY), ("people", PEOPLE)):
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "config.toml").write_text(CONFIG)
    assert muster("scan", "-o", "json:result.json").code == 0
    return tmp_path


def opened(muster: Muster, *arguments: str) -> Done:
    """Open the review q4 with its workbooks in out/."""
    done = muster("review", "open", "q4", "--due", DUE, "-o", "xlsx:out", *arguments)
    assert (done.code, done.err.count("Traceback")) == (0, 0)
    return done


def rows(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a workbook by key, under the headings of row 1."""
    headings, *lines = openpyxl.load_workbook(path)["Review"].iter_rows(values_only=True)
    found = (dict(zip(map(str, headings), line, strict=True)) for line in lines)
    return {str(row["key"]): row for row in found}


def fill(path: Path, **answers: Mapping[str, str]) -> Path:
    """Write cells by the last part of the key, as a reviewer does."""
    book = openpyxl.load_workbook(path)
    sheet = book["Review"]
    headings = [str(cell.value) for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        name = str(row[headings.index("key")].value).rpartition(":")[2]
        for heading, value in answers.get(name, {}).items():
            row[headings.index(heading)].value = value
    book.save(path)
    return path


def findings(company: Path, muster: Muster) -> dict[str, list[str]]:
    """Of another scan: the rules about reviews, by key."""
    assert muster("scan", "-o", "json:result.json").code == 0
    result = json.loads((company / "result.json").read_text())
    found: dict[str, list[str]] = {}
    for finding in result["findings"]:
        if finding["rule"].endswith("_not_done") or finding["rule"] == "review_undecided":
            found.setdefault(finding["identity"], []).append(finding["rule"])
    return found


def test_each_reviewer_gets_a_workbook_with_the_evidence(company: Path, muster: Muster) -> None:
    """The owner, else the manager above who is there; what has none is unassigned; exempt ones are not reviewed."""
    opened(muster)

    books = {path.stem: rows(path) for path in sorted((company / "out").iterdir())}
    assert {name: sorted(book) for name, book in books.items()} == {
        "ada@example.com": ["acme:billing"],
        "bob@example.com": ["acme:report", "acme:sync"],
        "eve@example.com": ["acme:deploy"],
        "unassigned": ["acme:=cmd|evil"],
    }
    deploy = books["eve@example.com"]["acme:deploy"]
    assert (deploy["what"], deploy["findings"]) == ("bot: Deploys", "admin; orphaned")
    assert deploy["permissions"].startswith("admin")
    assert deploy["decision"] is None
    assert books["bob@example.com"]["acme:sync"]["others"] == "also ada@example.com"
    assert {path.stat().st_mode & 0o777 for path in (company / "out").iterdir()} == {0o600}


def test_a_workbook_offers_decisions_and_people(company: Path, muster: Muster) -> None:
    """By drop-down; names of identities are no formulas."""
    opened(muster)

    book = openpyxl.load_workbook(company / "out" / "unassigned.xlsx")
    sheet = book["Review"]
    lists = {str(one.formula1) for one in sheet.data_validations.dataValidation if one.type == "list"}
    assert '"keep,reduce,revoke,reassign,not_mine"' in lists
    assert any(formula.startswith("People!") for formula in lists)
    assert sheet.cell(row=2, column=4).data_type == "s"


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["--scope", "prod"], {"acme:billing", "acme:deploy"}),
        (["--scope", "D*"], {"acme:sync", "acme:report", "acme:=cmd|evil"}),
        (["--view", "unregistered"], {"acme:=cmd|evil"}),
        (["--view", "risk"], {"acme:deploy"}),
    ],
)
def test_scope_and_view_select_what_is_reviewed(
    company: Path, muster: Muster, arguments: list[str], keys: set[str]
) -> None:
    """Globs ignore case."""
    opened(muster, *arguments)

    assert {key for path in (company / "out").iterdir() for key in rows(path)} == keys


@pytest.mark.parametrize(
    ("arguments", "reviewers"),
    [
        (["--reviewer", "manager"], {"eve@example.com", "unassigned"}),
        (["--reviewer", "BOB@example.com"], {"bob@example.com"}),
    ],
)
def test_reviewers_can_be_chosen(company: Path, muster: Muster, arguments: list[str], reviewers: set[str]) -> None:
    """The usual ones follow where the chosen do not exist."""
    opened(muster, *arguments)

    assert {path.stem for path in (company / "out").iterdir()} == reviewers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["q4", "--due", "2020-01-01"], "--due 2020-01-01 is in the past"),
        (["q4", "--due", "soon"], "--due soon is not a day"),
        (["q4", "--due", DUE, "--reviewer", "gus@example.com"], "gus@example.com has left"),
        (["q4", "--due", DUE, "--reviewer", "nat@example.com"], "nat@example.com is not on the roster"),
        (["q4", "--due", DUE, "--reviewer", "billing-bot"], "billing-bot is a machine"),
        (["q4", "--due", DUE, "--scope", "nowhere"], "there is no identity to review"),
        (["q4\n", "--due", DUE], "a review's name is text on one line"),
        (["q4", "--due", DUE, "-o", "csv:out"], "-o csv:out is not xlsx:DIR"),
    ],
)
def test_what_cannot_be_opened_is_said(muster: Muster, arguments: list[str], message: str) -> None:
    """And nothing is opened."""
    done = muster("review", "open", *arguments)

    assert done.code == 2
    assert message in done.err
    assert "No access review was opened" in muster("review", "list").out


def test_a_name_is_used_once(muster: Muster) -> None:
    """Evidence is found by its name."""
    opened(muster)

    assert muster("review", "open", "q4", "--due", DUE).code == 2
    unknown = muster("review", "status", "q5")
    assert (unknown.code, "there are: q4" in unknown.err) == (2, True)


def test_decisions_come_back_and_scans_verify_them(company: Path, muster: Muster) -> None:
    """From the workbooks to the registry, the evidence, and findings until it is done."""
    opened(muster)
    out = company / "out"
    fill(out / "ada@example.com.xlsx", billing={"decision": "keep", "reason": "invoices"})
    fill(
        out / "bob@example.com.xlsx",
        sync={"decision": "Revoke"},
        report={"decision": "reassign", "new_owner": "ada@example.com"},
    )
    fill(out / "eve@example.com.xlsx", deploy={"decision": "reduce", "reason": "deploys only"})

    done = muster("review", "take", "q4", *map(str, sorted(out.iterdir())[:3]))
    again = muster("review", "take", "q4", *map(str, sorted(out.iterdir())[:3]))

    assert (done.code, "4 decisions taken" in done.err) == (0, True)
    assert (again.code, "4 known already" in again.err) == (0, True)
    assert findings(company, muster) == {}  # nothing is held against anyone before the review is closed

    closed = muster("review", "close", "q4", "-o", "json:q4.json", "-o", "evidence:q4.zip", "-o", "xlsx:q4.xlsx")

    assert (closed.code, "Traceback" in closed.err) == (0, False)
    result = json.loads((company / "q4.json").read_text())
    decided = {item["key"]: (item["decision"], item["decided_by"], item["self_review"]) for item in result["items"]}
    assert decided == {
        "acme:billing": ("keep", "ada@example.com", True),
        "acme:deploy": ("reduce", "eve@example.com", False),
        "acme:sync": ("revoke", "bob@example.com", False),
        "acme:report": ("reassign", "bob@example.com", True),
        "acme:=cmd|evil": ("undecided", None, False),
    }
    registry = {row["id"]: row for row in csv.DictReader((company / "registry.csv").read_text().splitlines())}
    assert (registry["N-1"]["last_reviewed"], registry["N-1"]["reviewed_by"]) == (str(TODAY), "ada@example.com")
    assert registry["N-1"]["next_review"] == str(TODAY + timedelta(days=180))
    assert registry["N-2"]["last_reviewed"] == ""
    assert (company / "registry.csv.bak").read_text() == REGISTRY
    assert findings(company, muster) == {
        "acme:sync": ["revocation_not_done"],
        "acme:deploy": ["reduction_not_done"],
        "acme:report": ["reassignment_not_done"],
        "acme:=cmd|evil": ["review_undecided"],
    }

    (company / "bots.csv").write_text(
        BOTS.replace(
            "acme,dev,bot,normal,yes,2025-01-01,\nacme:report", "acme,dev,bot,normal,no,2025-01-01,\nacme:report"
        ).replace("bot,admin", "bot,normal")
    )
    changed = (company / "registry.csv").read_text().replace("acme:report,bob@", "acme:report,ada@")
    (company / "registry.csv").write_text(changed)

    assert findings(company, muster) == {"acme:=cmd|evil": ["review_undecided"]}


def test_the_evidence_can_be_checked(company: Path, muster: Muster) -> None:
    """Each part by its hash, and each decision by the facts that were seen."""
    import hashlib

    opened(muster)
    fill(company / "out" / "ada@example.com.xlsx", billing={"decision": "keep"})
    muster("review", "take", "q4", "out/ada@example.com.xlsx")
    assert muster("review", "close", "q4", "-o", "evidence:q4.zip").code == 0

    with zipfile.ZipFile(company / "q4.zip") as pack:
        sums = dict(line.split("  ")[::-1] for line in pack.read("muster-review/SHA256SUMS").decode().splitlines())
        parts = {name: pack.read(f"muster-review/{name}") for name in sums}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()} == sums
    for item in json.loads(parts["review.json"])["items"]:
        facts = json.dumps(item["facts"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(facts.encode()).hexdigest() == item["facts_hash"]
    records = [json.loads(line) for line in parts["records.ndjson"].splitlines()]
    assert [record["type"] for record in records] == ["decided", "closed"]


REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"decision": "maybe"}, "column decision: maybe is not a decision"),
    ({"decision": "=1+1"}, "column decision: "),
    ({"decision": "keep", "reason": "=HYPERLINK(1)"}, "column reason: "),
    ({"decision": "keep", "new_owner": "ada@example.com"}, "column new_owner: is for reassign"),
    ({"decision": "reassign"}, "column new_owner: is empty"),
    ({"decision": "reassign", "new_owner": "gus@example.com"}, "column new_owner: gus@example.com is not an active"),
    ({"decision": "reassign", "new_owner": "billing-bot"}, "column new_owner: billing-bot is not an active"),
    ({"reason": "needed"}, "column decision: is empty beside a reason"),
    ({"decision": "keep", "key": "acme:billing"}, "column key: is not the key of this item"),
    ({"decision": "keep", "item": "0000000000000000"}, "column item: is not an item of this review"),
    ({"decision": "keep", "reviewer": "ada@example.com"}, "column reviewer: bob@example.com reviews"),
)


def test_what_does_not_fit_is_refused_with_its_cell(company: Path, muster: Muster) -> None:
    """And the rest is taken."""
    opened(muster)
    original = (company / "out" / "bob@example.com.xlsx").read_bytes()
    first, other = (key.rpartition(":")[2] for key in rows(company / "out" / "bob@example.com.xlsx"))

    for number, (cells, refused) in enumerate(REFUSED):
        (company / "book.xlsx").write_bytes(original)
        fill(company / "book.xlsx", **{first: cells, other: {"decision": "keep", "reason": f"case {number}"}})
        done = muster("review", "take", "q4", "book.xlsx")

        assert (done.code, "1 decision taken; 1 refused" in done.err) == (1, True), cells
        assert f"book.xlsx: sheet Review, row 2, {refused}" in done.out, cells


def test_refusals_are_in_the_order_of_the_rows(company: Path, muster: Muster) -> None:
    """Whether a cell cannot be read or does not fit."""
    opened(muster)
    path = company / "out" / "bob@example.com.xlsx"
    first, other = (key.rpartition(":")[2] for key in rows(path))
    fill(path, **{first: {"decision": "maybe"}, other: {"decision": "=1+1"}})

    done = muster("review", "take", "q4", str(path))

    assert re.findall(r"row (\d+), column decision", done.out) == ["2", "3"]


def test_a_book_of_another_review_is_none_of_this(muster: Muster) -> None:
    """Nor is any other file."""
    opened(muster)
    muster("review", "open", "q5", "--due", DUE, "-o", "xlsx:other")

    for file in ("other/ada@example.com.xlsx", "registry.csv", "people.csv"):
        done = muster("review", "take", "q4", "out/ada@example.com.xlsx", file)
        assert done.code == 2
        assert "is not a workbook of the review q4" in done.err


def test_printed_commands_quote_the_name(company: Path, muster: Muster) -> None:
    """A name may have blanks, which a shell would split."""
    name = "Q4 of ada's team"
    (company / "out" / "ada@example.com.xlsx").mkdir(parents=True)
    failed = [
        muster("review", "open", name, "--due", DUE, "-o", "xlsx:out"),
        muster("review", "take", name, "registry.csv"),
        muster("review", "status", name, "-o", "json:."),
    ]

    printed = [shlex.split(one) for done in failed for one in re.findall(r"`muster ([^`]*Q4[^`]*)`", done.err)]
    assert [command[:3] for command in printed] == [
        ["review", "remind", name],
        ["review", "remind", name],
        ["review", "status", name],
    ]


def test_what_is_unassigned_needs_a_name(company: Path, muster: Muster) -> None:
    """CSV does as well as a workbook, and ``not_mine`` adds to it."""
    opened(muster)
    fill(company / "out" / "bob@example.com.xlsx", sync={"decision": "not mine"})
    assert muster("review", "take", "q4", "out/bob@example.com.xlsx").code == 0
    same = muster("review", "take", "q4", "out/bob@example.com.xlsx")
    assert (same.code, "1 known already" in same.err) == (0, True)
    assert muster("review", "remind", "q4", "-o", "xlsx:again").code == 0
    book = rows(company / "again" / "unassigned.xlsx")
    assert sorted(book) == ["acme:=cmd|evil", "acme:sync"]
    fill(company / "out" / "bob@example.com.xlsx", sync={"decision": ""})
    assert muster("review", "take", "q4", "out/bob@example.com.xlsx").code == 0  # an empty row decides nothing
    with (company / "unassigned.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=["item", "reviewer", "key", "decision", "reason", "new_owner"])
        writer.writeheader()
        for row in book.values():
            writer.writerow({name: row[name] for name in ("item", "reviewer", "key")} | {"decision": "revoke"})

    nameless = muster("review", "take", "q4", "unassigned.csv")
    leaver = muster("review", "take", "q4", "unassigned.csv", "--by", "gus@example.com")
    done = muster("review", "take", "q4", "unassigned.csv", "--by", "eve@example.com")

    assert (nameless.code, leaver.code, done.code) == (2, 2, 0)
    assert "2 decisions taken" in done.err
    muster("review", "status", "q4", "-o", "json:q4.json")
    items = json.loads((company / "q4.json").read_text())["items"]
    assert {item["decided_by"] for item in items if item["decision"] == "revoke"} == {"eve@example.com"}


def test_marking_the_registry_fails_early_and_can_be_repeated(company: Path, muster: Muster) -> None:
    """Who closes it sees the error first. What could not be written when it closed is written by closing it again."""
    opened(muster)
    fill(company / "out" / "ada@example.com.xlsx", billing={"decision": "keep"})
    taken = muster("review", "take", "q4", "out/ada@example.com.xlsx")
    (company / "registry.csv").rename(company / "moved.csv")

    failed = muster("review", "close", "q4")
    (company / "moved.csv").rename(company / "registry.csv")

    assert "Of them   1 self-review" in taken.out
    assert (failed.code, "registry.csv: no such file" in failed.err) == (2, True)
    closed = muster("review", "close", "q4")
    marked = (company / "registry.csv").read_text()
    assert (closed.code, "ada@example.com" in marked.splitlines()[1].rpartition("Sends")[2]) == (0, True)

    (company / "registry.csv").write_text(REGISTRY)  # the change was lost
    again = muster("review", "close", "q4")
    assert (again.code, f"q4 was closed on {TODAY}\n" in again.err) == (0, True)
    assert (company / "registry.csv").read_text() == marked
    (company / "registry.csv").write_text(marked.replace(str(TODAY), "2099-01-01"))  # it was reviewed since
    assert "no entry to mark as reviewed" in muster("review", "close", "q4").err


def test_an_entry_that_has_the_decision_already_is_not_written_again(company: Path, muster: Muster) -> None:
    """Two reviews of one day say the same: the second leaves the registry and its backup alone."""
    for name in ("q4", "q5"):
        muster("review", "open", name, "--due", DUE, "-o", f"xlsx:{name}")
        fill(company / name / "ada@example.com.xlsx", billing={"decision": "keep"})
        muster("review", "take", name, f"{name}/ada@example.com.xlsx")
    first, second = (muster("review", "close", name) for name in ("q4", "q5"))

    assert "1 entry of registry.csv marked as reviewed" in first.err
    assert "no entry to mark as reviewed" in second.err
    assert (company / "registry.csv.bak").read_text() == REGISTRY
    assert len(list(company.glob("registry.csv.bak*"))) == 1


def test_reductions_that_no_scan_can_verify_are_named(company: Path, muster: Muster) -> None:
    """Where a source does not report permissions."""
    (company / "bots.csv").write_text(BOTS.replace("bot,normal,yes,2026-11-01", "bot,,yes,2026-11-01"))
    muster("scan")
    opened(muster)
    fill(company / "out" / "ada@example.com.xlsx", billing={"decision": "reduce"})
    muster("review", "take", "q4", "out/ada@example.com.xlsx")

    assert "no scan can verify that 1 identity lost permissions" in muster("review", "close", "q4").err


def test_a_closed_review_takes_nothing_more(muster: Muster) -> None:
    """Its decisions stay as they were."""
    opened(muster)
    assert muster("review", "close", "q4").code == 0

    assert muster("review", "take", "q4", "out/ada@example.com.xlsx").code == 2
    assert muster("review", "remind", "q4").code == 2
    assert f"closed on {TODAY}" in muster("review", "status", "q4").out


def test_reviewers_and_managers_are_reminded(company: Path, muster: Muster) -> None:
    """By the configured channel, one message each; without a channel it is printed."""
    with receiver() as server:
        hook = f'\n[[notify]]\nname = "hook"\ntype = "webhook"\nurl = "{server.url}"\nmin_severity = "critical"\n'
        (company / "config.toml").write_text(CONFIG + hook)
        opened(muster)
        asked = {request.json["recipient"]: request.json for request in server.received}
        assert set(asked) == {"ada@example.com", "bob@example.com", "eve@example.com", None}
        assert asked["bob@example.com"]["title"] == "Access review: 2 identities to decide on"
        assert asked["bob@example.com"]["reviews"][0]["due"] == DUE

        fill(company / "out" / "ada@example.com.xlsx", billing={"decision": "keep"})
        muster("review", "take", "q4", "out/ada@example.com.xlsx")
        server.received.clear()
        done = muster("review", "remind", "q4")
        assert {request.json["recipient"] for request in server.received} == {
            "bob@example.com", "eve@example.com", None,
        }  # fmt: skip
    assert "bob@example.com: 2 items left" in done.out


def test_it_says_when_no_message_was_sent(muster: Muster) -> None:
    """Without a channel, the list of reviewers could be taken for what was sent."""
    opening, reminder = opened(muster), muster("review", "remind", "q4")

    assert "no message was sent: the config has no [[notify]] channel" in opening.err
    assert "no message was sent: the config has no [[notify]] channel" in reminder.err


def test_closing_warns_of_undecided_items(muster: Muster) -> None:
    """They can no longer be decided, so they are not left. A dry run warns beforehand."""
    opened(muster)

    before, done = muster("review", "close", "q4", "--dry-run"), muster("review", "close", "q4")

    assert "q4 closes with 5 undecided items" in before.err
    assert "q4 was closed with 5 undecided items" in done.err
    assert "bob@example.com: 0 decided, 2 undecided" in done.out
    assert " left" not in done.out


def test_items_of_a_reviewer_who_left_go_to_the_next(company: Path, muster: Muster) -> None:
    """With the next reminder."""
    opened(muster)
    (company / "people.csv").write_text(PEOPLE.replace("Bob,active", "Bob,left"))

    done = muster("review", "remind", "q4")

    assert "ada@example.com: 2 items left" in done.out  # her own, and that of which she is backup owner
    assert "eve@example.com: 2 items left" in done.out  # her own, and that whose owner she manages


OWNER_LEFT = ("owner_left", "people.csv", "Ada,active", "Ada,left")


@pytest.fixture(
    params=[
        OWNER_LEFT,
        ("reach_grew", "bots.csv", "prod,bot,normal", "prod,bot,admin"),
    ],
    ids=lambda param: param[0],
)
def event(request: pytest.FixtureRequest, company: Path) -> str:
    """An event that opens reviews, and has happened since the last scan."""
    named, file, before, after = request.param
    (company / "config.toml").write_text(CONFIG + f'\n[review]\non = ["{named}"]\ndays = 7\n')
    (company / file).write_text((company / file).read_text().replace(before, after))
    return str(named)


def test_an_event_opens_a_review_of_one(muster: Muster, event: str) -> None:
    """Once, and only the events that the config names."""
    for _ in range(2):
        assert muster("scan").code == 0

    listed = muster("review", "list").out
    assert listed.count(f"{event}-{TODAY}") == 1
    assert f"open, due on {TODAY + timedelta(days=7)}" in listed


def test_a_scan_opens_the_reviews_that_an_earlier_one_could_not(company: Path, muster: Muster, event: str) -> None:
    """Of the events that were new then; a scan can end, or lose its database, after it was stored."""
    with sqlite3.connect(company / "muster.db") as store:
        store.execute("CREATE TRIGGER full BEFORE INSERT ON review BEGIN SELECT RAISE(ABORT, 'disk full'); END")

    failed = muster("scan")

    assert failed.code == 0
    assert "the next scan tries again" in failed.err
    assert event not in muster("review", "list").out
    with sqlite3.connect(company / "muster.db") as store:
        store.execute("DROP TRIGGER full")
    for _ in range(2):
        assert muster("scan").code == 0
    assert muster("review", "list").out.count(f"{event}-{TODAY}") == 1


@pytest.mark.parametrize("event", [OWNER_LEFT], indirect=True)
def test_a_damaged_scan_keeps_no_other_from_opening_reviews(company: Path, muster: Muster, event: str) -> None:
    """Its own stay unopened, with a warning."""
    with sqlite3.connect(company / "muster.db") as store:
        store.execute("INSERT INTO scan_to_review SELECT id FROM scan")
        store.execute("UPDATE coverage SET body = 'changed'")

    done = muster("scan")

    assert "the next scan tries again" in done.err
    assert muster("review", "list").out.count(f"{event}-{TODAY}") == 1
