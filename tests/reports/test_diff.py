"""A difference in each format: what it says, in which words, and that nothing in it acts."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from reports import diff as formats
from reports import scan_list
from reports.base import Screen
from reports.diff_table import COLUMNS, became, headline
from reports.scan_list import ListedScan, ReportListed
from scanner.diff.records import Counts, Diff
from scanner.model import Change, Forgotten, Summary
from tests.contract.test_reports import ACTIVE
from tests.factories import NOW, make_result
from tests.reports.samples import HOSTILE

OLD = make_result().scan
GREW = Change(
    subject="identity", change="moved", key="arn:role/deploy", name="deploy", provider="aws", source="prod",
    scope="123456789012", kind="role", aspect="permissions", after="iam:PassRole via direct", reach_grew=True,
    ask="ada@example.com", next_step="Confirm that it needs this, or revoke it.",
)  # fmt: skip
UNSEEN = Change(
    subject="identity", change="not_rechecked", key="k", name="k", source="prod", scope="1", next_step="Close the gap."
)
FOUND = Change(
    subject="finding", change="reopened", key="f" * 32, name="Old key", severity="high", rule="credential_too_old",
    identity="arn:role/deploy", after="open", next_step="Rotate it.",
)  # fmt: skip
ENTRY = Change(
    subject="entry", change="moved", key="NHI-1", name="svc", aspect="state", before="found", after="not found"
)
COUNTS = Counts(joined=1, moved=2, left=3, returned=4, not_rechecked=5, reach_grew=1, reopened_findings=1, entries=1)
DIFF = Diff(old=OLD, new=OLD, summary=COUNTS, changes=(GREW, UNSEEN, FOUND, ENTRY), notices=("Worth knowing.",))
NOTHING = Diff(old=OLD, new=OLD, summary=Counts())


def written(name: str, diff: Diff = DIFF, screen: Screen | None = None) -> str:
    out = io.BytesIO()
    assert formats.WRITERS[name](diff, out, screen or Screen()) == ()
    return out.getvalue().decode()


def test_the_page() -> None:
    """What matters first, each with what to do; gaps by place; the totals last, in just these words."""
    page = written("table", screen=Screen(width=120))

    assert page.splitlines()[-1] == "joined 1, moved 2, left 3, returned 4, not re-checked 5"
    order = [page.index(text) for text in (
        "Of the identities, 1 joined, 4 came back, 2 moved, 1 of these can do more than before, 3 left.",
        "5 identities could not be re-checked, so none of them counts as left.", "Worth knowing.",
        "Reach grew: 1", "permissions: + iam:PassRole via direct",
        "Next: Confirm that it needs this, or revoke it. Ask ada@example.com.",
        "Findings: 1 reopened", "Old key (reopened)", "Registry entries: 1", "state: found -> not found",
        "Not re-checked: 1", "1 of source prod, 1",
    )]  # fmt: skip
    assert order == sorted(order)


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_in_it_acts(text: str, width: int) -> None:
    """Names come from anyone who creates an identity; no line is wider than the screen."""
    fields = ("key", "name", "provider", "source", "scope", "kind", "before", "after", "identity", "ask", "caveat")
    facts: dict[str, Any] = dict.fromkeys(fields, text)
    hostile = Change(subject="identity", change="moved", aspect="owner", **facts)
    diff = Diff(old=OLD, new=OLD, summary=COUNTS, changes=(hostile,), notices=(text,))

    page = written("table", diff, Screen(width=width))
    assert max(map(cell_len, page.splitlines())) <= width
    assert not ACTIVE.search(page.replace("\n", ""))
    assert not ACTIVE.search(written("csv", diff).replace("\r\n", ""))
    assert not ACTIVE.search(written("markdown", diff).replace("\n", ""))


def test_a_kind_is_written_out() -> None:
    """However long: none is cut to the width of a label."""
    change = Change(subject="identity", change="joined", key="a:erp:x", name="x", kind="service_account", provider="a")

    page = written("table", Diff(old=OLD, new=OLD, summary=COUNTS, changes=(change,)))

    assert "joined    x (service account in a)" in page


def test_many_are_counted_not_listed() -> None:
    """A page stays one to read in the morning."""
    many = tuple(
        Change(subject="identity", change="joined", key=f"k{number}", name=f"n{number}") for number in range(40)
    )

    page = written("table", Diff(old=OLD, new=OLD, summary=COUNTS, changes=many))

    assert "Joined: 40" in page
    assert "and 25 more: muster diff -o csv:diff.csv" in page
    assert "n15" not in page


def test_the_table_for_programs() -> None:
    """A row a change, a heading for each column."""
    rows = list(csv.DictReader(io.StringIO(written("csv"))))

    assert list(rows[0]) == [column.name for column in COLUMNS]
    assert [row["change"] for row in rows] == ["moved", "not_rechecked", "reopened", "moved"]
    assert (rows[0]["reach_grew"], rows[0]["before"]) == ("yes", "")


def test_the_document() -> None:
    """Every key, and each change with every field, unknown as null."""
    document: dict[str, Any] = json.loads(written("json"))

    assert list(document) == [
        "schema", "old", "new", "summary", "notices", "appeared", "findings", "groups", "changes"
    ]  # fmt: skip
    assert document["schema"] == "muster.diff/1"
    assert document["summary"]["not_rechecked"] == 5
    assert set(document["changes"][0]) == {column.name for column in COLUMNS}
    assert document["changes"][0]["before"] is None
    assert json.loads(written("json", NOTHING))["changes"] == []


@pytest.mark.parametrize("name", formats.WRITERS)
def test_nothing_changed(name: str) -> None:
    """Is an answer, too."""
    text = written(name, NOTHING)

    assert text
    if name in ("table", "markdown"):
        assert "Nothing changed." in text
        assert text.splitlines()[-1] == "joined 0, moved 0, left 0, returned 0, not re-checked 0"


def test_only_findings_changed() -> None:
    """Then the headline does not claim that nothing did."""
    assert headline(Diff(old=OLD, new=OLD, summary=Counts(), changes=(FOUND,))) != "Nothing changed."


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"aspect": "owner", "before": "a", "after": None}, "owner: a -> none"),
        ({"aspect": "trust", "before": "a", "after": "b"}, "trust: + b; - a"),
        ({"aspect": "credentials", "before": "a", "after": "b"}, "credentials: a -> b"),
        ({"aspect": "credentials", "before": "a", "after": None}, "credentials: - a"),
        ({"aspect": None, "before": "gone since 2026-11-01", "after": "owned"}, "gone since 2026-11-01; owned"),
    ],
)  # fmt: skip
def test_what_was_and_what_is(facts: dict[str, Any], expected: str) -> None:
    """One state and the next, or what went and what came."""
    assert became(Change(subject="identity", change="moved", key="k", name="n", **facts)) == expected


SCANS = [
    ListedScan(
        id="night-2",
        started_at=NOW,
        finished_at=NOW + timedelta(minutes=3, seconds=5),
        version="1",
        summary=Summary(identities=1200, gaps=2, not_rechecked=7, new_findings=3, reopened_findings=1),
        joined=4,
        changed=0,
        left=1,
    ),
    ListedScan(id="\x1b[31m", started_at=NOW, finished_at=NOW, version="1", summary=Summary(resolved_findings=2)),
]


def test_the_list_of_scans() -> None:
    """Each with its time, what it found and changed, and what it could not see."""
    out = io.BytesIO()
    scan_list.WRITERS["table"](ReportListed(scans=SCANS), out, Screen())

    assert (
        out.getvalue().decode()
        == """\
night-2
  2026-11-25 08:00 UTC, took 3 min 5 s
  1,200 identities, 4 joined, 1 left; 0 findings, 3 new, 1 of these reopened
  2 sections not read in full, 7 not re-checked

\\x1b[31m
  2026-11-25 08:00 UTC, took 0 s
  0 identities; 0 findings, 2 resolved
  read in full
"""
    )


def test_a_store_without_scans() -> None:
    """Says so."""
    out = io.BytesIO()
    scan_list.WRITERS["table"](ReportListed(), out, Screen())

    assert out.getvalue() == b"No scan is in the store.\n"


def test_what_was_forgotten_is_reported_as_that() -> None:
    """In a section of its own, and behind the totals that scripts look for."""
    lost = Change(subject="identity", change="forgotten", key="k", name="k", source="old", before="was registered")
    ended = Change(subject="finding", change="forgotten", key="f", name="Old key", before="open")
    diff = Diff(old=OLD, new=OLD, summary=Counts(forgotten=1, forgotten_findings=1), changes=(lost, ended))

    page = written("table", diff)

    assert page.splitlines()[-1] == "joined 0, moved 0, left 0, returned 0, not re-checked 0, forgotten 1"
    for expected in ("Of the identities, 1 forgotten.", "Forgotten by command: 1", "Findings: 1 forgotten"):
        assert expected in page


def test_a_forgotten_place_is_no_scan() -> None:
    """The list says which place it was, and who was forgotten with it."""
    entry = replace(SCANS[0], summary=Summary(identities=2), left=0, forgotten=3, forgot=Forgotten(source="\x1b[31m"))
    table, document = io.BytesIO(), io.BytesIO()
    scan_list.WRITERS["table"](ReportListed(scans=[entry]), table, Screen())
    scan_list.WRITERS["json"](ReportListed(scans=[entry]), document, Screen())

    assert "source \\x1b[31m forgotten by command\n  2 identities, 4 joined, 3 forgotten; " in table.getvalue().decode()
    (listed,) = json.loads(document.getvalue())["scans"]
    assert (listed["forgotten"], listed["forgot"]) == (3, {"source": "\x1b[31m", "scope": None})
