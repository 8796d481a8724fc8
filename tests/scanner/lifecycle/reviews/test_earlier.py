"""A review that an earlier version opened: its workbooks come back, and its hashes hold.

``earlier/`` has a campaign and a workbook as the version before the use of grants wrote them.
"""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from pathlib import Path

import msgspec
import openpyxl

from reports.review_grants import grant_rows
from reports.reviews import WORKBOOK, write_workbook
from reports.tables import write_csv
from scanner.lifecycle.reviews.campaign import states
from scanner.lifecycle.reviews.opening import facts_hash
from scanner.lifecycle.reviews.reviewers import People
from scanner.lifecycle.reviews.taking import read_book, take
from scanner.model import Ownership
from scanner.model.reviews import Campaign, GrantUse
from tests.factories import NOW

EARLIER = Path(__file__).parent / "earlier"
CAMPAIGN = msgspec.json.decode((EARLIER / "campaign.json").read_bytes(), type=Campaign)


def test_a_workbook_of_an_earlier_version_is_read_back(tmp_path: Path) -> None:
    """As it came, with the columns that it has."""
    book = openpyxl.load_workbook(EARLIER / "bob.xlsx")
    sheet = book["Review"]
    headings = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        row[headings.index("decision")].value = "reduce"
    book.save(tmp_path / "bob.xlsx")

    taken = take([read_book(tmp_path / "bob.xlsx", CAMPAIGN)], CAMPAIGN, People(None, Ownership(), ()), NOW)

    assert (len(taken.decisions), taken.refusals) == (2, ())
    assert {one.by for one in taken.decisions} == {"bob@example.com"}


def test_the_hash_of_earlier_facts_holds() -> None:
    """It proves what the reviewer saw."""
    assert {one.id: facts_hash(one.facts) for one in CAMPAIGN.items} == {
        one.id: one.facts_hash for one in CAMPAIGN.items
    }


def test_a_reminder_of_an_earlier_review_has_the_new_columns() -> None:
    """What was not recorded then is unknown, and says why."""
    facts = msgspec.structs.replace(CAMPAIGN.items[0].facts, grants=("reader",))
    item = msgspec.structs.replace(CAMPAIGN.items[0], facts=facts)
    out = BytesIO()

    write_workbook(CAMPAIGN, states(Campaign(review=CAMPAIGN.review, items=(item,))), out)

    sheet = openpyxl.load_workbook(out)["Review"]
    (headings, row) = sheet.iter_rows(values_only=True)
    found = dict(zip(headings, row, strict=True))
    assert found["granted"] == "reader"
    assert str(found["granted_used"]).startswith("reader: unknown: this review was opened before")
    assert [one.last_used for one in grant_rows(facts)] == ["unknown"]


def test_lines_of_a_cell_are_lines_in_a_workbook_and_parts_of_one_line_in_csv() -> None:
    """Names from outside break no line, and none is a formula."""
    grants = (
        GrantUse(name="=1+1", via="direct", used=(), since=NOW.date()),
        GrantUse(name="a\nb", via="direct", used=()),
    )
    facts = msgspec.structs.replace(CAMPAIGN.items[0].facts, granted=grants)
    found = states(Campaign(review=CAMPAIGN.review, items=(msgspec.structs.replace(CAMPAIGN.items[0], facts=facts),)))
    book, table = BytesIO(), BytesIO()

    write_workbook(CAMPAIGN, found, book)
    write_csv(WORKBOOK, found, table)

    headings, row = openpyxl.load_workbook(book)["Review"].iter_rows()
    cell = row[[one.value for one in headings].index("granted_last_used")]
    expected = [f"'=1+1: not since {NOW:%Y-%m-%d}", "a\\nb: never"]
    assert (str(cell.value).split("\n"), cell.alignment.wrap_text) == (expected, True)
    (line,) = csv.DictReader(StringIO(table.getvalue().decode()))
    assert line["granted_last_used"] == " | ".join(expected)
