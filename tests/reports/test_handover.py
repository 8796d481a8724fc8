"""A handover in each format: what it says, and that nothing in it acts."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from reports.base import Screen
from reports.handover import COLUMNS, WRITERS
from scanner.lifecycle.offboarding.records import Handover, HandoverItem
from tests.contract.test_reports import ACTIVE, readable
from tests.factories import days_ago, make_credential, make_person, make_result
from tests.reports.samples import HOSTILE

SCAN = make_result().scan
ADA = make_person("ada@example.com", name="Ada Lovelace", status="leaving", left_on=date(2026, 12, 31))
PIPELINE = HandoverItem(
    identity="arn:aws:iam::123456789012:role/ci/deploy-pipeline",
    entries=("NHI-7", "NHI-8"),
    provider="aws",
    scope="123456789012",
    kind="role",
    name="deploy-pipeline",
    roles=("owner", "created"),
    evidence=("owner E7 in registry.csv:2", "created by ada@example.com"),
    privilege="admin",
    usage="never_used",
    last_used_at=days_ago(1),
    credentials=(make_credential("deploy-pipeline", "AKIALIVE"),),
    urgent=True,
    successor="bob@example.com",
    successor_evidence="backup_owner in registry.csv:2",
    next_step="Name bob@example.com as owner in NHI-7.",
    caveat="could not be read: permissions",
)
ENTRY = HandoverItem(
    entries=("NHI-9",), name="gone-bot", roles=("backup_owner",), evidence=("x",), urgent=False, next_step="Retire it."
)
UNTOLD = HandoverItem(identity="k", name="untold", roles=("tagged",), evidence=("y",), urgent=None, next_step="Ask.")
ACCOUNT = HandoverItem(
    identity="u", name="ada", roles=("own_account",), evidence=("z",), urgent=True, next_step="Switch it off."
)
HANDOVER = Handover(person=ADA, items=(PIPELINE, ENTRY, UNTOLD, ACCOUNT), notices=("Incomplete: 1 section.",))
NOTHING = Handover(person=ADA)


def written(name: str, handover: Handover = HANDOVER, screen: Screen | None = None) -> bytes:
    out = io.BytesIO()
    assert WRITERS[name](handover, SCAN, out, screen or Screen()) == ()
    return out.getvalue()


def hostile(name: str) -> Handover:
    """A handover in which everything that comes from outside is ``name``."""
    item = replace(
        PIPELINE,
        identity=name, entries=(name,), provider=name, scope=name, kind=name, name=name, evidence=(name,),
        credentials=(make_credential("x", name),), answering=(name,), successor=name, successor_evidence=name,
        next_step=name, caveat=name,
    )  # fmt: skip
    return Handover(person=make_person(name, name=name, id=name), items=(item,), notices=(name,))


PAGE = """\
ada@example.com (Ada Lovelace), last day 2026-12-31, leaves behind 3 identities
and 1 entry without a match; 2 of these without another owner.
Incomplete: 1 section.
As of the scan of 2026-11-25.

── No other owner: 1 ───────────────────────────────────────────────────────────
owner     deploy-pipeline (aws 123456789012)
          arn:aws:iam::123456789012:role/ci/deploy-pipeline
          privilege admin, use never used
          owner E7 in registry.csv:2
          created by ada@example.com
          holds access_key AKIALIVE (created 2025-10-21)
          Note: could not be read: permissions
          Successor: bob@example.com (backup_owner in registry.csv:2)
          Next: Name bob@example.com as owner in NHI-7.

── Other owners unknown: 1 ─────────────────────────────────────────────────────
tagged    untold
          k
          privilege unknown, use unknown
          y
          Next: Ask.

── Other owners remain: 1 ──────────────────────────────────────────────────────
backup    gone-bot
          x
          Next: Retire it.

── Their own accounts: 1 ───────────────────────────────────────────────────────
account   ada
          u
          privilege unknown, use unknown
          z
          Next: Switch it off.
"""


def test_the_page() -> None:
    """What a reader sees on 80 columns without colour: what no one else answers for comes first."""
    assert written("table").decode() == PAGE


def test_the_headline_says_how_many_have_no_other_owner() -> None:
    """One, some and all are worded each in its own way."""
    other = replace(PIPELINE, urgent=False)
    pages = [
        written("table", Handover(person=HANDOVER.person, items=items)).decode().replace("\n", " ")
        for items in ((PIPELINE,), (PIPELINE, PIPELINE), (PIPELINE, other))
    ]

    assert [page.partition("leaves behind ")[2].partition(".")[0] for page in pages] == [
        "1 identity; without another owner",
        "2 identities; all of them without another owner",
        "2 identities; 1 of these without another owner",
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_that_nothing_was_found_is_reported(name: str) -> None:
    """An empty list is a list, too."""
    text = readable(written(name, NOTHING))
    if name in ("table", "markdown", "xlsx"):
        assert "Nothing was found that ada@example.com (Ada Lovelace), last day 2026-12-31, leaves behind." in (
            text.replace("\n", " ")
        )
    elif name == "csv":
        assert text == ",".join(column.name for column in COLUMNS) + "\r\n"
    else:
        assert json.loads(text)["items"] == []


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_the_page_is_never_wider_than_the_screen(name: str, width: int) -> None:
    """Whatever anything is called; and in ASCII where the screen has nothing else."""
    shown = written("table", hostile(name), Screen(width=width, unicode=False)).decode()
    assert max(map(cell_len, shown.split("\n"))) <= width
    assert shown.isascii()


@pytest.mark.parametrize("format_name", WRITERS)
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_stay_text(format_name: str, name: str) -> None:
    """Nothing in the output acts on a terminal, and no element of theirs is in a workbook."""
    text = readable(written(format_name, hostile(name)))
    assert ACTIVE.findall(text) == []
    assert format_name != "xlsx" or not re.search(r"<svg/onload|<img src=x|<f>1\+1|<r><t>x", text)


def test_csv_has_a_row_a_thing_and_lists_in_a_cell() -> None:
    """Unknown is empty, yes and no are words."""
    first, entry, untold, _ = csv.DictReader(io.StringIO(written("csv").decode(), newline=""))
    assert list(first) == [column.name for column in COLUMNS]
    assert (first["urgent"], entry["urgent"], untold["urgent"]) == ("yes", "no", "")
    assert (first["entries"], first["roles"]) == ("NHI-7; NHI-8", "owner; created")
    assert (first["last_used_at"], entry["identity"]) == ("2026-11-24T08:00:00Z", "")


@pytest.mark.parametrize("name", ["formula", "formula behind a quote", "formula in full width"])
def test_no_cell_of_a_csv_begins_a_formula(name: str) -> None:
    """Wherever a text from outside comes first in a cell."""
    (row,) = csv.DictReader(io.StringIO(written("csv", hostile(HOSTILE[name])).decode(), newline=""))
    assert [cell for cell in row.values() if cell.lstrip()[:1] in tuple("=+-@\uff1d")] == []
    assert row["name"].startswith("'")


def opened(handover: Handover = HANDOVER) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(written("xlsx", handover)))


def test_the_workbook_sums_up_first() -> None:
    """Headline, notices, the scan's day, and counts with charts beside them."""
    sheet: Any = opened()["Summary"]
    rows = list(sheet.iter_rows(values_only=True))
    said = [row[0] for row in rows]
    assert said[0] == "Handover"
    assert "Incomplete: 1 section." in said
    assert "As of the scan of 2026-11-25." in said
    counts = {(row[0], row[1]): row[2] for row in rows if row[1] is not None}
    assert counts["role", "owner"] == counts["successor", "bob@example.com"] == counts["privilege", "admin"] == 1
    assert counts["successor", "none"] == counts["privilege", "none"] == 3
    assert len(sheet._charts) == 3


def test_the_sheet_is_comfortable_to_work_in() -> None:
    """Heading in row 1, explained, frozen, filtered; cells are typed."""
    sheet: Any = opened()["Handover"]
    heading, *rows = sheet.iter_rows(values_only=True)
    first = dict(zip(heading, rows[0], strict=True))
    assert heading == tuple(column.name for column in COLUMNS)
    assert [cell.comment.text for cell in sheet[1]] == [column.help for column in COLUMNS]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.max_row) == ("A2", sheet.dimensions, 5)
    assert first["last_used_at"] == datetime(2026, 11, 24, 8, 0)  # noqa: DTZ001  # spreadsheets know no zones
    assert (first["urgent"], rows[2][0]) == (True, None)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_cell_of_the_workbook_holds_a_formula(name: str) -> None:
    """Nor a link."""
    data = written("xlsx", hostile(name))
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = [parts.read(part) for part in parts.namelist() if part.startswith("xl/worksheets/sheet")]
    assert sheets
    assert not any(b"<f>" in sheet or b"<hyperlink" in sheet for sheet in sheets)


def test_markdown_is_a_headline_notices_and_a_table() -> None:
    """To paste into a ticket."""
    lines = written("markdown").decode().splitlines()
    assert lines[0] == "# Handover"
    assert lines[4:6] == ["- Incomplete: 1 section.", "- As of the scan of 2026-11-25."]
    assert lines[9].startswith("| yes | deploy-pipeline | aws 123456789012 | owner; created | admin | never used |")
    assert {line.count(" |") for line in lines[7:]} == {10}


def test_a_screen_for_few_gets_few_and_a_file_all() -> None:
    """Of each list, with how many are left out and how to get them."""
    many = Handover(person=ADA, items=(PIPELINE,) * 5)

    shown = written("table", many, Screen(longest=2)).decode()

    assert "No other owner: 5" in shown
    assert shown.count("deploy-pipeline (") == 2
    assert shown.endswith("and 3 more: muster offboard ada@example.com -o csv:handover.csv\n")
    assert written("table", many).decode().count("deploy-pipeline (") == 5


def test_json_is_the_records() -> None:
    """Lists are lists, unknown is null, the schema has a name."""
    document = json.loads(written("json"))
    assert (document["schema"], document["person"]["email"]) == ("muster.handover/1", "ada@example.com")
    first, _, untold, _ = document["items"]
    assert first["roles"] == ["owner", "created"]
    assert first["credentials"][0]["id"] == "AKIALIVE"
    assert untold["urgent"] is None
