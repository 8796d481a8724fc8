"""The CSV report: RFC 4180, typed as text, and no cell that acts."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.base import Screen, View
from reports.csv import CsvReport
from reports.tables import harmless
from scanner.model import ScanResult
from scanner.text import printable
from tests.factories import make_assessment, make_identity, make_result
from tests.reports.samples import HOSTILE, estate, hostile_result, provisional

UNDO = re.compile(r"""(^|;)'(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


def written(result: ScanResult, view: View = "orphans") -> str:
    out = io.BytesIO()
    assert CsvReport().write(result, view, out, Screen()) == ()
    return out.getvalue().decode()


def table(result: ScanResult, view: View = "orphans") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(result, view), newline="")))


def test_lines_end_as_rfc_4180_says() -> None:
    """CR LF, the last line included, and no byte order mark before the first heading."""
    text = written(estate())
    assert text.startswith("key,provider,")
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n") == 4


def test_the_orphan_list_says_who_what_and_what_next() -> None:
    """Most severe first, the entry's id filled in, the rest of the columns to fill in empty."""
    admin, departed, agent = table(estate())
    assert admin["name"] == "legacy-admin"
    assert admin["severity"] == "critical"
    assert admin["findings"] == "unregistered; credential_too_old"
    assert admin["credentials"] == "access_key AKIALEGACY (created 2025-10-21, used 2026-01-29)"
    assert admin["last_used_at"] == "2026-01-29T08:00:00Z"
    assert admin["owner_candidates"] == "grace@example.com (created it 2025-10-21)"
    assert (departed["id"], departed["current_owner"], departed["owner"]) == ("NHI-3", "bob@example.com", "")
    assert (agent["agent"], agent["id"], agent["usage_state"]) == ("yes", "", "active")


def test_unknown_is_an_empty_cell() -> None:
    """Never the word None."""
    assert "None" not in written(make_result(make_assessment(make_identity(created_at=None))), "inventory")


def test_provisional_ones_are_marked() -> None:
    """A gap may hide the entry that represents them."""
    marks = {row["name"]: row["provisional"] for row in table(provisional(estate()))}
    assert marks == {"legacy-admin": "yes", "support-agent": "yes", "approle/billing": "no"}


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("all", 5),
        ("inventory", 5),
        ("unregistered", 2),
        ("findings", 6),
        ("registry", 3),
        ("credentials", 2),
        ("coverage", 2),
    ],
)
def test_a_view_has_a_row_for_each_of_its_records(view: View, rows: int) -> None:
    """All is the inventory; stored secrets stand among the credentials."""
    assert len(table(estate(), view)) == rows


def test_an_empty_result_has_only_its_heading() -> None:
    """So that programs find the columns."""
    assert written(make_result()).count("\r\n") == 1


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_cell_can_be_taken_for_a_formula(name: str) -> None:
    """Neither as it stands nor when a spreadsheet splits at semicolons."""
    for view in ("orphans", "inventory", "findings", "registry", "credentials", "coverage"):
        for row in csv.reader(io.StringIO(written(hostile_result(name), view), newline="")):
            pieces = [piece for cell in row for piece in cell.split(";")]
            assert [piece for piece in pieces if re.match(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]", piece)] == []


FORMULA_LIKE = st.text(st.sampled_from("=+-@\uff1d'\"; \ta1,\n\x00\ud800\u202e")) | st.text()


@given(FORMULA_LIKE)
def test_what_was_neutralised_can_be_undone(text: str) -> None:
    """Taking the quote away where it stands before a formula gives back the text, on one line as it was written."""
    assert UNDO.sub(r"\1", harmless(text)) == printable(text)


@given(FORMULA_LIKE)
def test_cells_come_back_as_written(text: str) -> None:
    """Quotes, commas and separators in a name break neither row nor cell."""
    result = make_result(make_assessment(make_identity("x", name=text, description=text)))
    (row,) = table(result, "inventory")
    assert row["name"] == row["description"] == harmless(text)


@given(FORMULA_LIKE)
def test_nothing_harmless_starts_as_a_formula(text: str) -> None:
    """Also behind blanks, and in full width."""
    assert not harmless(text).lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert not any(char in harmless(text) for char in "\x00\t\r\n\ud800\u202e")


def test_dates_before_spreadsheets_are_written_all_the_same() -> None:
    """A provider's zero date is what it says."""
    zero = make_assessment(make_identity(created_at=datetime(1, 1, 1, tzinfo=UTC)))
    assert table(make_result(zero))[0]["created_at"] == "0001-01-01T00:00:00Z"
