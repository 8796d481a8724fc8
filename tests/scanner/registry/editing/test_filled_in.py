"""The list of orphans as it comes back from owners and their spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from reports.columns import TABLES
from scanner.errors import RegistryError
from scanner.model import Identity
from scanner.registry.editing.filled_in import _COLUMNS, FilledIn, read_filled_in
from tests.factories import make_identity

HEAD = "key,provider,scope,kind,name,agent,id,owner,technical_owner,backup_owner,purpose,environment,status,expires\n"
ROW = "saas:a,saas,acme,bot,a,yes,NHI-1,ada@example.com,,bob@example.com,bills,prod,Retired,2027-01-31\n"
CELLS = {
    "owner": ("ada@example.com",),
    "backup_owner": ("bob@example.com",),
    "purpose": "bills",
    "environment": "prod",
    "status": "retired",
    "expires": date(2027, 1, 31),
    "kind": "agent",
}


def _read(tmp_path: Path, text: str, name: str = "o.csv", known: Iterable[Identity] | None = None) -> FilledIn:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_filled_in(path, known)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + ROW, id="as it was written"),
        pytest.param("\ufeff" + (HEAD + ROW).replace(",", ";").replace("\n", "\r\n"), id="saved by Excel in Europe"),
        pytest.param((HEAD + ROW).replace("2027-01-31", "31/01/2027"), id="another way to write a day"),
        pytest.param(
            "notes,owner,backup_owner,technical_owner,Key,status,id,agent,purpose,environment,expires,provider,scope,name\n"
            "?,ada@example.com,bob@example.com,,saas:a,retired,NHI-1,yes,bills,prod,2027-01-31,saas,acme,a\n",
            id="other order, other columns",
        ),
    ],
)
def test_any_spreadsheet_may_have_saved_it(tmp_path: Path, text: str) -> None:
    """The same answer with other separators, column order and date formats."""
    (answer,) = _read(tmp_path, text).answers

    assert (answer.identity.key, answer.identity.scope, answer.entry) == ("saas:a", "acme", "NHI-1")
    assert answer.cells == CELLS


def test_the_day_of_a_review_is_taken_where_the_list_has_it(tmp_path: Path) -> None:
    """A column that owners add, or a review wrote."""
    text = HEAD.replace("\n", ",last_reviewed\n") + ROW.replace("\n", ",2026-11-20\n")

    assert _read(tmp_path, text).answers[0].cells == {**CELLS, "last_reviewed": date(2026, 11, 20)}


def test_a_formula_that_was_never_worked_out_is_no_empty_cell(tmp_path: Path) -> None:
    """An owner's answer that a program wrote as a formula would be lost in silence."""
    book = openpyxl.Workbook()
    for row in (HEAD.strip().split(","), [*ROW.split(",")[:7], '="ada@"&"example.com"', *ROW.strip().split(",")[8:-1]]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "o.xlsx")

    with pytest.raises(RegistryError, match=r"o\.xlsx\[Sheet\]:2: owner: H2 is a formula .*save it"):
        read_filled_in(tmp_path / "o.xlsx", None)


def test_a_workbook_and_json_say_the_same(tmp_path: Path) -> None:
    """Typed days are days; a first sheet of another kind is passed over."""
    heading, row = HEAD.strip().split(","), [*ROW.strip().split(",")[:-1], date(2027, 1, 31)]
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Non-human identities"])
    sheet = book.create_sheet("Orphans")
    sheet.append(heading)
    sheet.append(row)
    book.save(tmp_path / "o.xlsx")
    text = json.dumps([dict(zip(heading, map(str, row), strict=True))])

    assert read_filled_in(tmp_path / "o.xlsx").answers[0].cells == CELLS
    assert _read(tmp_path, text, "o.json").answers[0].cells == CELLS


@pytest.mark.parametrize("owner", ["", "-", "tbd", "N/A"])
def test_rows_without_an_owner_are_left_alone(tmp_path: Path, owner: str) -> None:
    """They are counted, and nothing of them is taken."""
    found = _read(tmp_path, HEAD + ROW.replace("ada@example.com", owner))

    assert (found.answers, found.unowned) == ((), 1)


PAY, PAY_BLANK = make_identity("pay", key="saas:pay"), make_identity("pay ", key="saas:pay ")
TAB, BACKSLASH = make_identity("x\ty", key="x\ty"), make_identity(r"x\ty", key=r"x\ty")


@pytest.mark.parametrize(
    ("key", "known", "found"),
    [
        pytest.param("'=saas\\x07\\nb", [make_identity("a", key="=saas\x07\nb")], 0, id="made printable and safe"),
        pytest.param("saas:pay", [PAY, PAY_BLANK], 0, id="the one without a blank"),
        pytest.param("saas:pay ", [PAY, PAY_BLANK], 1, id="the one with a blank"),
        pytest.param("saas:pay", [PAY_BLANK, PAY], 1, id="whatever their order"),
    ],
)
def test_a_key_is_looked_up_to_the_letter(tmp_path: Path, key: str, known: list[Identity], found: int) -> None:
    """Among what was scanned, as the list prints it: a blank at the end makes another identity."""
    read = _read(tmp_path, HEAD + ROW.replace("saas:a,", f"{key},"), known=known)

    assert ([one.identity for one in read.answers], read.warnings) == ([known[found]], ())


@pytest.mark.parametrize("known", [[TAB, BACKSLASH], [BACKSLASH, TAB]])
def test_keys_that_print_alike_are_left_out(tmp_path: Path, known: list[Identity]) -> None:
    """It is unclear which row belongs to which, and a hostile name may be one of them; the other rows are accepted."""
    rows = ROW.replace("saas:a,", "x\\ty,") + ROW.replace("saas:a,", "saas:pay,")
    read = _read(tmp_path, HEAD + rows, known=[*known, PAY])

    assert [one.identity for one in read.answers] == [PAY]
    assert [(one.line, one.field, one.message) for one in read.warnings] == [
        (2, "key", "several identities have a key that is printed as x\\ty; it was left out")
    ]


@pytest.mark.parametrize("known", [[PAY], []], ids=["another", "nothing was found"])
@pytest.mark.parametrize("key", ["saas:a", "saas:pay "])
def test_a_key_that_no_scan_knows_is_reported(tmp_path: Path, key: str, known: list[Identity]) -> None:
    """A spreadsheet may have changed the key, so this is not silent."""
    read = _read(tmp_path, HEAD + ROW.replace("saas:a,", f"{key},"), known=known)

    assert [one.identity.key for one in read.answers] == [key]
    assert [(one.line, one.message) for one in read.warnings] == [(2, f"the latest scan has no {key}")]


def test_without_a_scan_keys_and_names_are_taken_as_they_are(tmp_path: Path) -> None:
    """Compared exactly, so that an imitation does not get the answer; without a scan, there is a warning."""
    read = _read(tmp_path, HEAD + ROW.replace("saas:a,", "saas:a ,").replace(",bot,a,", ",bot,a ,"))

    assert [(one.identity.key, one.identity.name) for one in read.answers] == [("saas:a ", "a ")]
    assert [(one.line, one.message) for one in read.warnings] == [
        (None, "there is no scan to check the keys against: they are used as written")
    ]
    assert _read(tmp_path, HEAD + ROW.replace("ada@example.com", "")).warnings == ()


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """File, row and heading of each; nothing is adopted of a list that is wrong somewhere."""
    wrong = ROW.replace("2027-01-31", "03/04/2027") + ROW.replace("Retired", "retierd") + ROW.replace("saas:a,", ",")

    with pytest.raises(RegistryError) as caught:
        _read(tmp_path, HEAD + wrong)

    assert [(problem.line, problem.field) for problem in caught.value.problems] == [
        (2, "expires"),
        (3, "status"),
        (4, "key"),
    ]
    assert caught.value.problems[1].fix == "did you mean retired?"


def test_another_table_is_no_list_of_orphans(tmp_path: Path) -> None:
    """A report without the columns to fill in is recognised."""
    with pytest.raises(RegistryError, match="is not a list of orphans"):
        _read(tmp_path, "key,owner\nx,ada@example.com\n")


SUGGESTING = HEAD.replace("\n", ",suggested_owner\n")


@pytest.mark.parametrize(
    ("owner", "taken"),
    [
        pytest.param("", None, id="no answer"),
        pytest.param("tbd", None, id="placeholder"),
        pytest.param("As suggested ", ("ada@example.com",), id="confirmed"),
        pytest.param("bob@example.com", ("bob@example.com",), id="another person"),
        pytest.param("as suggested; bob@example.com", ("ada@example.com", "bob@example.com"), id="both"),
    ],
)
def test_a_suggestion_is_no_answer_until_it_is_confirmed(
    tmp_path: Path, owner: str, taken: tuple[str, ...] | None
) -> None:
    """The suggestion has its own column, and counts if the owner's column accepts it."""
    found = _read(tmp_path, f"{SUGGESTING}saas:a,saas,acme,bot,a,no,,{owner},,,bills,,,,ada@example.com\n")

    assert [answer.cells["owner"] for answer in found.answers] == ([] if taken is None else [taken])
    assert found.unowned == (taken is None)


def test_without_a_suggestion_none_can_be_confirmed(tmp_path: Path) -> None:
    """By row and heading."""
    with pytest.raises(RegistryError, match="this row has no suggested owner") as refused:
        _read(tmp_path, f"{SUGGESTING}saas:a,saas,acme,bot,a,no,,as suggested,,,,,,,\n")

    assert [(problem.line, problem.field) for problem in refused.value.problems] == [(2, "owner")]


def test_the_headings_that_a_workbook_shows_are_taken_back() -> None:
    """A spreadsheet that saves what it shows writes those, and not the names below them."""
    columns = TABLES["orphans"].columns
    read = {name: column for column in columns if (name := _COLUMNS.means(column.name)) is not None}

    assert {"key", "id", "owner", "backup_owner", "expires", "suggested_owner"} <= set(read)
    assert {name: _COLUMNS.means(column.shown_as) for name, column in read.items()} == {name: name for name in read}
    assert [one.name for one in columns if _COLUMNS.means(one.shown_as) != _COLUMNS.means(one.name)] == []
