"""Workbooks as they are kept: which sheet is the list, and what its bad and merged cells cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.registry.entries import Survey, survey_registry
from scanner.registry.lists import ListSource
from scanner.registry.tables.shape import shape_of
from tests.examples import examples

HEADINGS = ("Name", "ARN", "Owner", "Team", "Status")
COVER = (
    ("Service accounts",),
    ("Owner", "IT Security"),
    ("Version", "3.2"),
    ("Status", "approved"),
    *((f"{number}.", "The list is kept by the platform team.") for number in range(1, 20)),
)
LEGEND = (("Name", "Meaning"), ("Status", "active, retired"), ("Owner", "who answers"), ("Team", "of the owner"))
PIVOT = (("Row Labels", "Count of Name"), ("Ada", 3), ("Bob", 2), ("Grand Total", 5))


def row(name: str, owner: str | None = "ada@example.com") -> tuple[Any, ...]:
    return (name, f"arn:aws:iam::123456789012:role/{name}", owner, "Payments", "active")


def book(tmp_path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], merged: Sequence[str] = ()) -> Path:
    """A workbook of these sheets; cells of the last one are merged."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for cells in rows:
            sheet.append(cells)
    for place in merged:
        made.worksheets[-1].merge_cells(place)
    made.save(tmp_path / "reg.xlsx")
    return tmp_path / "reg.xlsx"


def read(path: Path, sheet: str | None = None) -> Survey:
    return survey_registry([ListSource(path=path, sheet=sheet)])


def names(found: Survey) -> list[str | None]:
    return [entry.name for entry in found.registry.entries]


@pytest.mark.parametrize("others", [{"Cover": COVER}, {"Legend": LEGEND}, {"Pivot": PIVOT}])
def test_the_list_is_read_wherever_it_stands(others: dict[str, Any], tmp_path: Path) -> None:
    """A cover sheet, a legend and a pivot have some of the words, and often more rows."""
    listed = {"Bots": (HEADINGS, row("svc-a"))}

    for sheets in (listed | others, others | listed):
        found = read(book(tmp_path, sheets))

        assert (names(found), found.problems) == (["svc-a"], ())
        assert found.registry.entries[0].origin.sheet == "Bots"


def test_of_two_lists_the_one_with_more_columns_and_then_rows_is_read(tmp_path: Path) -> None:
    """The other one is named, with the setting that reads it."""
    sheets = {
        "Old": (HEADINGS, row("a")),
        "New": (HEADINGS, row("b"), row("c")),
        "Few": (HEADINGS[:3], *[("x", "y", "z")] * 9),
    }

    found = read(book(tmp_path, sheets))

    assert names(found) == ["b", "c"]
    assert [str(one).removeprefix(f"{tmp_path}/") for one in found.registry.warnings] == [
        f"reg.xlsx[{name}]: holds a list, too, and is not read: only sheet New is (add it to the config as a list of "
        f'its own with sheet = "{name}")'
        for name in ("Old", "Few")
    ]
    assert names(read(tmp_path / "reg.xlsx", "Old")) == ["a"]


def test_a_sheet_of_unknown_headings_is_named_and_never_the_cover(tmp_path: Path) -> None:
    """The title of the cover is a heading elsewhere; reading it would make entries of its lines."""
    listed = (("Jina", "Mwenye", "Kundi", "Hali"), *(("svc-a", "ada", "pay", "hai") for _ in range(9)))

    found = read(book(tmp_path, {"Cover": COVER[:9], "Bots": (("Service accounts",), (), *listed)}))

    (problem,) = found.problems
    assert (problem.sheet, problem.line, found.registry.entries) == ("Bots", 3, ())
    assert "found: Jina, Mwenye, Kundi, Hali" in problem.message


def test_titles_dates_and_banners_above_the_headings_do_not_matter(tmp_path: Path) -> None:
    above = (("Service accounts",), ("As of", "2026-11-01"), (), ("Identity", None, "Ownership", None, "Status"))

    found = read(book(tmp_path, {"Bots": (*above, HEADINGS, row("svc-a"))}))

    assert (names(found), found.problems) == (["svc-a"], ())


def test_what_is_merged_down_counts_in_every_row(tmp_path: Path) -> None:
    """In the list, and in headings of two rows."""
    above = ("Name", "ARN", "Ownership", None, "Status")
    rows = (
        above,
        (None, None, "Owner", "Team", None),
        row("a"),
        row("b", None),
        row("c", None),
        row("d", "bob@example.com"),
    )

    found = read(book(tmp_path, {"Bots": rows}, ("A1:A2", "B1:B2", "C1:D1", "E1:E2", "C3:C5")))

    assert found.problems == ()
    assert [(entry.name, entry.owner[0][:3]) for entry in found.registry.entries] == [
        ("a", "ada"), ("b", "ada"), ("c", "ada"), ("d", "bob"),
    ]  # fmt: skip


def test_bad_cells_cost_their_cells_and_all_are_told_at_once(tmp_path: Path) -> None:
    """Merged across, an error, and a formula without a value: the other rows and cells are read."""
    rows = [HEADINGS, row("a"), row("b", "#REF!"), row("c", '="x"&"y"'), row("d"), row("e"), row("f")]
    rows[5] = ("e", "#N/A", "ada@example.com", "Payments", "active")
    made = openpyxl.load_workbook(book(tmp_path, {"Bots": rows}, ("C5:D5", "B7:C8")))
    sheet = made["Bots"]
    sheet["C3"].data_type = sheet["B6"].data_type = "e"
    made.save(tmp_path / "reg.xlsx")

    found = read(tmp_path / "reg.xlsx")

    assert [(entry.name, entry.owner) for entry in found.registry.entries] == [
        ("a", ("ada@example.com",)), ("b", ()), ("c", ()), ("d", ()),
    ]  # fmt: skip
    assert [(one.document.rpartition("/")[2], one.line, one.field, one.message) for one in found.problems] == [
        ("reg.xlsx[Bots]", 3, "Owner", "C3 holds the error #REF!"),
        ("reg.xlsx[Bots]", 4, "Owner", "C4 is a formula without a stored value"),
        ("reg.xlsx[Bots]", 5, "Team", "C5:D5 is merged, so what it says of row 5 is unclear"),
        ("reg.xlsx[Bots]", 5, "Owner", "C5:D5 is merged, so what it says of row 5 is unclear"),
        ("reg.xlsx[Bots]", 6, "ARN", "B6 holds the error #N/A"),
        ("reg.xlsx[Bots]", 7, "ARN", "B7:C8 is merged, so what it says of row 7 is unclear"),
        ("reg.xlsx[Bots]", 7, "Owner", "B7:C8 is merged, so what it says of row 7 is unclear"),
    ]
    assert [(one.id, one.origin.row) for one in found.registry.unread] == [(None, 6), (None, 7)]


def test_a_heading_over_two_columns_is_named(tmp_path: Path) -> None:
    """It counts for the first of them."""
    found = read(book(tmp_path, {"Bots": (("Name", "Owner", None, "Team"), ("a", "ada", "bob", "x"))}, ("B1:C1",)))

    assert [entry.owner for entry in found.registry.entries] == [("ada",)]
    assert "reg.xlsx[Bots]:1: Owner: the heading is merged over B1:C1" in str(found.registry.warnings[-1])


def test_an_unclear_cell_of_an_unknown_column_is_kept_as_what_is_wrong_with_it(tmp_path: Path) -> None:
    """Nothing is read of it, so the row stands."""
    sheet = (("Name", "Owner", "Shelf", "Floor"), ("a", "ada", "top", None), ("b", "bob", "low", "first"))
    first, second = read(book(tmp_path, {"Bots": sheet}, ("C2:D2",))).registry.entries

    assert (first.name, first.extra["Shelf"]) == ("a", "C2:D2 is merged, so what it says of row 2 is unclear")
    assert second.extra == {"Shelf": "low", "Floor": "first"}


@settings(examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    merged=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 3), st.integers(0, 3)), max_size=3)
)
def test_whatever_is_merged_only_rows_that_are_there_are_read(
    merged: list[tuple[int, int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Never a name that no row has, however cells are merged, and no error ends the reading."""
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    for cells in (HEADINGS, *(row(name) for name in "abcd")):
        sheet.append(cells)
    for top, left, down, right in merged:
        if down or right:
            sheet.merge_cells(None, start_row=top, start_column=left, end_row=top + down, end_column=left + right)
    path = tmp_path_factory.mktemp("merged") / "reg.xlsx"
    made.save(path)

    found = read(path)

    assert set(names(found)) <= {*"abcd", None}
    there = {*"abcd", *(row(name)[1] for name in "abcd")}
    assert {text for entry in found.registry.entries for text in entry.identities} <= there


@given(st.lists(st.lists(st.text(max_size=9), max_size=6), max_size=12))
def test_the_headings_are_one_of_the_rows(rows: list[list[str]]) -> None:
    """Whatever the rows hold."""
    shape = shape_of(rows, lambda cells: len({"name", "owner"} & set(cells)))

    assert 0 <= shape.at < max(len(rows), 1)
    assert shape.understood <= 2


def test_a_list_of_one_known_column_is_a_list(tmp_path: Path) -> None:
    """Notes beside it have more cells, and no heading of it."""
    notes = (("Jina", "Mwenye", "Kundi"), *(("svc-x", "ada", "pay") for _ in range(9)))

    assert names(read(book(tmp_path, {"Notes": notes, "Bots": (("Name",), ("svc-a",))}))) == ["svc-a"]
