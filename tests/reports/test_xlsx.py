"""The XLSX report, opened the way a spreadsheet would."""

from __future__ import annotations

import io
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from python_calamine import CalamineWorkbook

from reports.base import Screen, View
from reports.columns import TABLES
from reports.tables import Cell, Column, harmless
from reports.xlsx.report import XlsxReport
from reports.xlsx.workbook import new_workbook
from scanner.model import LookAlike, OwnerCandidate, OwnershipVerdict, RegistryVerdict, ScanResult
from tests.examples import examples
from tests.factories import make_assessment, make_identity, make_result
from tests.reports.samples import HOSTILE, estate, estate_with_gaps, hostile_result

SHEETS = [
    "Summary", "Orphans", "Unregistered", "Agents", "Findings", "Inventory", "Registry", "Credentials", "Exposed",
    "Coverage",
]  # fmt: skip


def written(result: ScanResult, view: View = "all", report: XlsxReport | None = None) -> tuple[bytes, tuple[str, ...]]:
    out = io.BytesIO()
    notices = (report or XlsxReport()).write(result, view, out, Screen())
    return out.getvalue(), notices


def opened(result: ScanResult, view: View = "all") -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(written(result, view)[0]))


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    heading, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def test_a_sheet_a_view_after_one_that_sums_up() -> None:
    """All of them for all, and only the one for one."""
    assert opened(estate()).sheetnames == SHEETS
    assert opened(estate(), "orphans").sheetnames == ["Summary", "Orphans"]


def test_the_summary_says_what_to_know_and_draws_it() -> None:
    """Headline, gaps, the definition, counts by state, and native charts."""
    sheet: Any = opened(estate_with_gaps())["Summary"]
    said = "\n".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None)
    assert "2 of 5 identities are unregistered" in said
    assert "Incomplete: 2 sections could not be read in full" in said
    assert "denied: aws 123456789012 iam.credential-report: needs iam:GenerateCredentialReport" in said
    assert "Orphaned: no declared owner resolves" in said
    counts = {(row[0], row[1]): row[2] for row in sheet.iter_rows(values_only=True)}
    assert counts["ownership", "orphaned"] == 3
    assert counts["findings", "critical"] == 1
    assert len(sheet._charts) == 2
    assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight) == (True, 0)
    drawn = sheet._charts[0].series[0]
    assert [level.pt[0].v for level in drawn.cat.multiLvlStrRef.multiLvlStrCache.lvl] == ["registered", "registry"]
    assert [point.v for point in drawn.val.numRef.numCache.pt][:2] == [2, 2]


@pytest.mark.parametrize("name", SHEETS[1:])
def test_a_sheet_is_comfortable_to_work_in(name: str) -> None:
    """Heading in row 1, frozen, filtered over all rows, each explained by a comment, and on every printed page.

    Where there are columns to fill in, what the identity is called and where it lives stays in sight beside them.
    """
    sheet: Any = opened(estate())[name]
    columns = TABLES[name.lower()].columns  # type: ignore[index]  # sheets are named after their views
    assert [cell.value for cell in sheet[1]] == [column.name for column in columns]
    assert sheet.freeze_panes == ("F2" if name in ("Orphans", "Unregistered") else "A2")
    assert (sheet.print_title_rows, sheet.page_setup.orientation) == ("$1:$1", "landscape")
    assert sheet.auto_filter.ref == sheet.dimensions
    assert [cell.comment.text for cell in sheet[1]] == [column.help for column in columns]


def test_cells_are_typed() -> None:
    """Times are times in UTC, yes and no are booleans, unknown is empty."""
    admin = rows_of(opened(estate())["Orphans"])[0]
    assert admin["last_used_at"] == datetime(2026, 1, 29, 8, 0)  # noqa: DTZ001  # spreadsheets know no zones
    assert admin["provisional"] is False
    assert admin["owner"] is None
    assert rows_of(opened(estate())["Registry"])[1]["expires"] == datetime(2027, 1, 31)  # noqa: DTZ001  # the same


def test_states_are_coloured_and_choices_offered() -> None:
    """By conditional formats, and where people fill in."""
    sheet = opened(estate())["Orphans"]
    coloured = {str(area.sqref) for area in sheet.conditional_formatting}
    assert {"F2:F4", "G2:G4", "K2:K4", "N2:N4", "Q2:Q4"} == coloured
    offered = {str(offer.sqref): (offer.formula1, offer.errorStyle) for offer in sheet.data_validations.dataValidation}
    assert offered == {
        **{f"{column}2:{column}4": (None, None) for column in "TUVWX"},
        "Y2:Y4": ('"prod,staging,dev,test"', "information"),
        "Z2:Z4": ('"proposed,active,suspended,retired"', None),
        "AA2:AA4": ("1", None),
    }


def test_who_fills_it_in_sees_what_that_takes() -> None:
    """Headings are shown as people write them, and what is not needed is folded, one click away."""
    sheet: Any = opened(estate(), "orphans")["Orphans"]
    columns = TABLES["orphans"].columns
    hidden = {
        number
        for one in sheet.column_dimensions.values()
        if one.hidden
        for number in range(one.min, one.max + 1)
        if one.outlineLevel == 1
    }

    in_sight = [column.name for number, column in enumerate(columns, start=1) if number not in hidden]
    assert in_sight == [
        "provider", "scope", "name", "owner_candidates", "next_step", "id", "owner", "technical_owner", "backup_owner",
        "purpose", "environment", "status", "expires", "suggested_owner",
    ]  # fmt: skip
    assert [cell.number_format for cell in sheet[1]] == [f';;;"{column.shown_as}"' for column in columns]
    assert sheet["U1"].number_format == ';;;"Owner (accountable person)"'
    assert not any(one.hidden for one in opened(estate())["Inventory"].column_dimensions.values())


def test_everybody_on_the_roster_is_offered() -> None:
    """From a hidden sheet; anything else may be written, and only an owner can be as suggested."""
    people = [("ada@example.com", "Ada", "Data"), ("team:ops", "", "")]
    data, _ = written(estate(), "orphans", XlsxReport(people=people))
    book = openpyxl.load_workbook(io.BytesIO(data))

    offered = {
        str(one.sqref): (one.formula1, one.errorStyle)
        for one in book["Orphans"].data_validations.dataValidation
        if one.type == "list"
    }
    assert (book.sheetnames, book["People"].sheet_state) == (["Summary", "Orphans", "People"], "hidden")
    assert [cell.value for cell in book["People"]["A"]] == ["owner", "as suggested", "ada@example.com", "team:ops"]
    assert offered["U2:U4"] == ("People!$A$2:$A$4", "information")
    assert offered["V2:V4"] == offered["W2:W4"] == ("People!$A$3:$A$4", "information")


def test_the_summary_links_to_the_served_page() -> None:
    """By its address in the config, and the sheets are as they were; without one there is no link."""
    page = "https://muster.example/"
    linked, plain = (
        openpyxl.load_workbook(io.BytesIO(written(estate(), "orphans", report)[0]))
        for report in (XlsxReport(page=page), XlsxReport())
    )

    links = [(cell.hyperlink.target, cell.value) for row in linked["Summary"] for cell in row if cell.hyperlink]
    assert links == [(page, f"What needs you, on the page: {page}")]
    assert not [cell for row in plain["Summary"] for cell in row if cell.hyperlink]
    assert [rows_of(book[book.sheetnames[1]]) for book in (linked, plain)] == [rows_of(plain[plain.sheetnames[1]])] * 2


def test_a_suggestion_looks_like_one_and_is_no_answer() -> None:
    """In a column of its own, in grey and italics; the owner's is empty. None where it imitates a declared one."""
    asked = OwnershipVerdict(
        state="orphaned",
        reason="unregistered",
        candidates=(OwnerCandidate(person="ada@example.com", score=0.9, evidence="built it"),),
    )
    imitation = RegistryVerdict(state="unregistered", look_alike=LookAlike(entry="N-1", name="svc", evidence="alike"))
    plain = replace(make_assessment("svc-a"), ownership=asked)
    twin = replace(make_assessment("svc-b"), ownership=asked, registry=imitation)

    sheet: Any = opened(make_result(plain, twin), "orphans")["Orphans"]

    suggested = {row["name"]: (row["owner"], row["suggested_owner"]) for row in rows_of(sheet)}
    assert suggested == {"svc-a": (None, "ada@example.com"), "svc-b": (None, None)}
    column = sheet.column_dimensions["AD"]
    assert (column.font.italic, column.font.color.rgb) == (True, "FF6B6B6B")


def test_every_column_to_fill_in_says_what_it_takes() -> None:
    """As soon as one of its cells is chosen; a day is a day."""
    sheet = opened(estate())["Orphans"]
    asked = {offer.promptTitle: offer for offer in sheet.data_validations.dataValidation}
    to_fill_in = [column for column in TABLES["orphans"].columns if column.fill_in]
    said = {one.name.replace("_", " ").capitalize(): one.help for one in to_fill_in}
    assert {name: offer.prompt for name, offer in asked.items()} == said
    assert (asked["Expires"].type, asked["Expires"].operator) == ("date", "greaterThanOrEqual")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_cell_holds_a_formula(name: str) -> None:
    """Nor anything that becomes one when the cell is edited, and no link, and nothing of the writer's own markup."""
    data, _ = written(hostile_result(name))
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = [parts.read(part) for part in parts.namelist() if part.startswith("xl/worksheets/sheet")]
    assert not any(b"<f>" in sheet or b"<hyperlink" in sheet or b"<r>" in sheet for sheet in sheets)
    for sheet in openpyxl.load_workbook(io.BytesIO(data)):
        for row in sheet.iter_rows():
            assert not [cell for cell in row if cell.data_type == "f" or str(cell.value).lstrip()[:1] in tuple("=+-@")]


def test_text_too_long_for_a_cell_is_cut_and_said_so() -> None:
    """The writer would cut it in silence; a surrogate pair counts twice, as in a spreadsheet."""
    long = make_assessment(make_identity("svc", description="\U0001f600" * 20_000))
    data, notices = written(make_result(long), "inventory")
    assert notices == ("1 cell of sheet Inventory was cut to 32,767 characters, the most that a cell holds",)
    (row,) = rows_of(openpyxl.load_workbook(io.BytesIO(data))["Inventory"])
    assert row["description"] == "\U0001f600" * 16_383


@pytest.mark.parametrize(
    ("identities", "sheets"),
    [(2, {"Orphans": 2}), (3, {"Orphans": 2, "Orphans 2": 1}), (5, {"Orphans": 2, "Orphans 2": 2, "Orphans 3": 1})],
)
def test_more_rows_than_a_sheet_holds_go_on_in_another(identities: int, sheets: dict[str, int]) -> None:
    """With its own heading, and a notice for each."""
    result = make_result(*(make_assessment(f"svc-{number}") for number in range(identities)))
    data, notices = written(result, "orphans", XlsxReport(rows_per_sheet=2))
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert {name: len(rows_of(book[name])) for name in book.sheetnames[1:]} == sheets
    assert len(notices) == len(sheets) - 1
    listed = [row["name"] for name in sheets for row in rows_of(book[name])]
    assert listed == [f"svc-{number}" for number in range(identities)]


def test_the_rows_of_a_sheet_are_as_many_as_a_spreadsheet_takes() -> None:
    """1,048,576 with the heading."""
    from xlsxwriter.worksheet import Worksheet

    from reports.xlsx.workbook import ROWS_PER_SHEET

    assert Worksheet().xls_rowmax == ROWS_PER_SHEET + 1


# --- rows ---------------------------------------------------------------------


class Cells(Struct, frozen=True):
    """A row with a cell of each type."""

    text: str | None = None
    moment: datetime | None = None
    day: date | None = None
    flag: bool | None = None
    number: int | None = None


COLUMNS = (
    Column[Cells]("text", lambda row: row.text, "Text."),
    Column[Cells]("moment", lambda row: row.moment, "Moment.", type="datetime"),
    Column[Cells]("day", lambda row: row.day, "Day.", type="date"),
    Column[Cells]("flag", lambda row: row.flag, "Flag.", type="bool"),
    Column[Cells]("number", lambda row: row.number, "Number.", type="int"),
)
READABLE = st.characters(exclude_characters="\ufffe\uffff")
"""Readers differ in whether they decode how these two are written."""
TRICKY = st.sampled_from(["_x0041_", "a_xFFFE_", "<t>&amp;", " x ", "<r>a</r>", "=1;-1", "\U0001f600"])
MOMENTS = st.integers(0, 200 * 365 * 86_400).map(lambda after: datetime(1900, 3, 1, tzinfo=UTC) + timedelta(0, after))


def book_of(rows: Sequence[Cells]) -> bytes:
    out = io.BytesIO()
    write_book(lambda: rows, out)
    return out.getvalue()


def write_book(rows: Callable[[], Iterable[Cells]], out: BinaryIO) -> None:
    with new_workbook(out, title="Cells", created=datetime(2026, 1, 31, tzinfo=UTC)) as workbook:
        workbook.add_table("Cells", COLUMNS, rows)


@given(
    st.lists(
        st.builds(
            Cells,
            text=st.none() | st.text(READABLE, max_size=12) | TRICKY,
            moment=st.none() | MOMENTS,
            day=st.none() | st.dates(date(1900, 3, 1)),
            flag=st.none() | st.booleans(),
            number=st.integers(0, 2**53),
        ),
        min_size=1,
        max_size=8,
    )
)
@examples(10)
def test_a_spreadsheet_reads_what_was_written(rows: list[Cells]) -> None:
    """With the types and in the place of each cell; unknown is empty."""
    _, *read = CalamineWorkbook.from_filelike(io.BytesIO(book_of(rows))).get_sheet_by_name("Cells").to_python()

    assert read == [[as_read(column.get(row)) for column in COLUMNS] for row in rows]


def as_read(cell: Cell) -> Cell:
    match cell:
        case None:
            return ""
        case str():
            return harmless(cell)
        case datetime():
            naive = cell.replace(tzinfo=None)
            return naive if naive.time() != time() else naive.date()
    return cell


def test_a_cell_has_the_style_of_its_column() -> None:
    """Which the library that makes the workbook gives only to empty cells; the size of the sheet counts its rows."""
    data = book_of([Cells("a", datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), date(2026, 1, 31), flag=True)] * 3)
    sheet: Any = openpyxl.load_workbook(io.BytesIO(data))["Cells"]
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        xml = parts.read("xl/worksheets/sheet1.xml")

    assert [cell.number_format for cell in sheet[2]] == [
        "General",
        "yyyy-mm-dd hh:mm:ss",
        "yyyy-mm-dd",
        *["General"] * 2,
    ]
    assert b'<dimension ref="A1:E4"/>' in xml


@pytest.mark.parametrize(("day", "read"), [(date(1, 1, 1), "0001-01-01"), (date(1900, 2, 28), "1900-02-28")])
def test_dates_before_march_1900_are_text(day: date, read: str) -> None:
    """Spreadsheets have none before 1900, and number January and February differently."""
    assert rows_of(openpyxl.load_workbook(io.BytesIO(book_of([Cells(day=day)])))["Cells"])[0]["day"] == read


def test_as_many_texts_as_there_are_characters_are_cut() -> None:
    """Escapes count: ten characters for one that cannot be printed."""
    data = book_of([Cells("\U000f0000" * 3_000), Cells("a" * 32_767), Cells("a" * 32_768)])
    rows = rows_of(openpyxl.load_workbook(io.BytesIO(data))["Cells"])
    assert [len(row["text"]) for row in rows] == [30_000, 32_767, 32_767]


def peak_of(count: int) -> int:
    """Bytes that a workbook with so many rows takes at most, besides the rows."""
    rows = [Cells(f"{number:0200}") for number in range(count)]
    with tempfile.TemporaryFile() as out:
        tracemalloc.start()
        write_book(lambda: rows, out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_rows() -> None:
    """They are spooled to disk, 3 MB here; the cache of texts fills at the first thousand."""
    peak_of(1_000)
    assert peak_of(10_000) < peak_of(1_000) + 200_000
