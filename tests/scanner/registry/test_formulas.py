"""Formulas of a workbook that were saved without a value."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from scanner.errors import Problem
from scanner.registry.entries import load_registry, survey_registry
from scanner.registry.lists import ListSource
from scanner.registry.tables import formulas
from scanner.registry.tables.formulas import formulas_in


def archive(cells: str, *, prefix: str = "", target: str = "worksheets/first.xml") -> zipfile.ZipFile:
    """A workbook with one sheet, Bots & co, of these rows; ``prefix`` is that of its elements."""
    file = zipfile.ZipFile(io.BytesIO(), "w")
    file.writestr(
        "xl/workbook.xml",
        f'<{prefix}workbook xmlns:x="x" xmlns:q="q"><{prefix}sheets><{prefix}sheet name="Other" q:id="r1"/>'
        f'<{prefix}sheet name="Bots &amp; co" q:id="r2"/></{prefix}sheets></{prefix}workbook>',
    )
    file.writestr(
        "xl/_rels/workbook.xml.rels",
        f'<Relationships><Relationship Id="r2" Target="{target}"/>'
        '<Relationship Id="r1" Target="worksheets/second.xml"/></Relationships>',
    )
    file.writestr("xl/worksheets/first.xml", f'<{prefix}sheet xmlns:x="x">{cells}</{prefix}sheet>')
    file.writestr("xl/worksheets/second.xml", '<sheet><row r="9"><c r="A9"><f>1</f></c></row></sheet>')
    return file


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        pytest.param('<row r="2"><c r="B2"><f>1+1</f></c></row>', {(2, 2)}, id="no value"),
        pytest.param('<row r="2"><c r="AB2"><f>1+1</f><v/></c></row>', {(2, 28)}, id="an empty value"),
        pytest.param('<row r="2"><c r="B2"><f>1+1</f><v>\n</v></c></row>', {(2, 2)}, id="a blank value"),
        pytest.param('<row r="2"><c r="B2"><f t="shared" si="0"/></c></row>', {(2, 2)}, id="a shared formula"),
        pytest.param("<row><c/><c><f>1</f></c></row><row><c><f>1</f></c></row>", {(1, 2), (2, 1)}, id="no places"),
        pytest.param('<row r="x"><c r="1"><f>1</f></c></row>', {(1, 1)}, id="places that are none"),
        pytest.param('<row r="2"><c r="B2"><f>1+1</f><v>2</v></c></row>', set(), id="a value"),
        pytest.param('<row r="2"><c r="B2" t="str"><f>A2</f><v></v></c></row>', set(), id="an empty text"),
        pytest.param('<row r="2"><c r="B2"/><c r="C2"><v>1</v></c></row>', set(), id="no formula"),
        pytest.param(
            '<row r="2"><c r="B2"><f>1</f><v>1</v></c><c r="C2"/><c r="D2"><f>2</f></c></row>', {(2, 4)}, id="several"
        ),
    ],
)  # fmt: skip
def test_a_formula_without_a_value_is_found(cells: str, found: set[tuple[int, int]]) -> None:
    """By row and column, in the sheet that is asked for and no other."""
    assert formulas_in(archive(cells), "Bots & co").unstored == found


@pytest.mark.parametrize(
    "target", ["worksheets/first.xml", "/xl/worksheets/first.xml", "./worksheets/../worksheets/first.xml"]
)
def test_it_is_found_however_the_workbook_is_written(target: str) -> None:
    """With prefixes before its elements, and parts named in any way."""
    cells = '<x:row r="2"><x:c r="B2"><x:f>1</x:f></x:c></x:row>'

    assert formulas_in(archive(cells, prefix="x:", target=target), "Bots & co").unstored == {(2, 2)}


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_formula_is_found_far_into_a_sheet(before: int) -> None:
    """Also if only its beginning is at the end of a chunk."""
    up_to_it = '<sheet xmlns:x="x"><!----><row r="2"><c r="B2">'
    filler = "x" * (2**20 - len(up_to_it) - before)

    cells = f'<!--{filler}--><row r="2"><c r="B2"><f>1</f></c></row>'

    assert formulas_in(archive(cells), "Bots & co").unstored == {(2, 2)}


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (archive("<row><f/>"), ValueError),
        (archive("<f/>", target="worksheets/gone.xml"), KeyError),
        (archive("<f/>", target="../../../etc/passwd"), KeyError),
    ],
)
def test_what_is_no_workbook_is_an_error(broken: zipfile.ZipFile, error: type[Exception]) -> None:
    """One of two that are caught, and nothing outside of the archive is looked at."""
    with pytest.raises(error):
        formulas_in(broken, "Bots & co")


def test_a_sheet_full_of_them_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would fill them in one by one, and each takes memory."""
    monkeypatch.setattr(formulas, "MOST", 3)
    cells = "".join(f'<row r="{row}"><c r="A{row}"><f>1</f></c></row>' for row in range(1, 5))

    with pytest.raises(ValueError, match="more than 3 formulas have no value"):
        formulas_in(archive(cells), "Bots & co")


def test_an_error_is_found_with_and_without_its_formula() -> None:
    """It would read as an empty cell."""
    cells = (
        '<row r="2"><c r="B2" t="e"><f>A0</f><v>#REF!</v></c><c r="C2" t="e"><v>#N/A</v></c><c t="s"><v>3</v></c></row>'
    )

    found = formulas_in(archive(cells), "Bots & co")

    assert (found.errors, found.unstored) == ({(2, 2): "#REF!", (2, 3): "#N/A"}, frozenset())


def test_a_list_with_such_a_formula_says_which_cell_and_what_to_do(tmp_path: Path) -> None:
    """It costs its cell; cells without a heading belong to no column."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for cells in (("name", "owner"), ("a", '=A2&"@example.com"', "=1"), ("b", "ada@example.com", "=1")):
        sheet.append(cells)
    book.save(tmp_path / "list.xlsx")

    found = survey_registry([ListSource(path=tmp_path / "list.xlsx")])

    assert list(found.problems) == [
        Problem(
            file=str(tmp_path / "list.xlsx"),
            sheet="Sheet",
            line=2,
            field="owner",
            message="B2 is a formula without a stored value",
            fix="save it in a spreadsheet program, which stores the values of formulas, or type in the value",
        )
    ]
    assert [(entry.name, entry.owner) for entry in found.registry.entries] == [("a", ()), ("b", ("ada@example.com",))]


def test_a_formula_with_a_stored_value_is_its_value(tmp_path: Path) -> None:
    """As a spreadsheet saves it."""
    with xlsxwriter.Workbook(tmp_path / "list.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("name", "owner"))
        sheet.write_formula(1, 0, '="a"', None, "a")
        sheet.write_string(1, 1, "ada@example.com")

    (entry,) = load_registry([ListSource(path=tmp_path / "list.xlsx")]).entries

    assert (entry.name, entry.owner) == ("a", ("ada@example.com",))
