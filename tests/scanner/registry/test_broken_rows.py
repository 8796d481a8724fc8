"""A row that cannot be read costs that row: not the file, and no other row, and nothing else is read in its place."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import Problem
from scanner.registry.tables import Row, read_table
from scanner.registry.tables.files import MAX_LINE
from tests.examples import examples

GOOD = "good,ada\n"
LONG = "x" * (MAX_LINE + 1)


def _recognised(headings: Sequence[str]) -> int:
    return 2 * ("name" in headings)


def _read(path: Path) -> tuple[list[tuple[str, ...]], list[tuple[int | None, str]]]:
    """The cells of the rows, and the line and message of those that are broken."""
    rows = list(read_table(path, _recognised).rows)
    return (
        [row.cells for row in rows if isinstance(row, Row)],
        [(row.line, row.message) for row in rows if isinstance(row, Problem)],
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param('"a"b,ada\n', "text goes on after a closing quotation mark", id="behind a quotation mark"),
        pytest.param('ada,"the "big" bot"\n', "text goes on after a closing quotation mark", id="quoted words"),
        pytest.param('"a"b,"x\ny\nz"\n', "text goes on after a closing quotation mark; lines 3 to 5 were not read",
                     id="cell of three lines"),
        pytest.param('"a"b,"x\ny\n', "text goes on after a closing quotation mark", id="half of a cell"),
        pytest.param("a\0b,ada\n", "holds a NUL byte; is it text?", id="NUL"),
        pytest.param('"a\nb\0\nc",ada\n', "holds a NUL byte; is it text?", id="NUL in the middle of a row"),
        pytest.param("a\rb,ada\n", "lines end with a bare carriage return; save it as CSV UTF-8", id="carriage return"),
        pytest.param(f"{LONG},ada\n", "is longer than 16 MiB", id="long line"),
        pytest.param(f'"{LONG}\nphantom,eve\n",ada\n', "is longer than 16 MiB", id="long line with half of a cell"),
        pytest.param(f'a,"{LONG}\nphantom,eve\n"\n', "is longer than 16 MiB", id="long line with half a later cell"),
        pytest.param('"' + ("x" * 1_000_000 + "\n") * 18 + 'phantom,eve\n",ada\n',
                     "a cell is far too long; is a quotation mark never closed?; lines 3 to 22 were not read",
                     id="long cell"),
    ],
)  # fmt: skip
def test_a_broken_row_costs_that_row(tmp_path: Path, row: str, message: str) -> None:
    """The rows before and behind it are read, with their lines."""
    path = tmp_path / "list.csv"
    for encoding in ("utf-8", "utf-16") if len(row) < MAX_LINE else ("utf-8",):
        path.write_text(f"name,owner\n{GOOD}{row}{GOOD}{GOOD}", encoding=encoding, newline="")

        cells, broken = _read(path)

        lost = 0 if row != '"a"b,"x\ny\n' else 2  # no quotation mark behind it says where it ends
        assert cells == [("good", "ada")] * (3 - lost)
        assert broken[0][0] == 3
        assert broken[0][1].startswith(message)


def test_a_cell_that_is_never_closed_costs_what_is_behind_it(tmp_path: Path) -> None:
    """Where it was meant to end is unknown, so that nothing in it is a row."""
    path = tmp_path / "list.csv"
    path.write_text(f'name,owner\n{GOOD}"bad,ada\nphantom,eve\n')

    assert _read(path) == (
        [("good", "ada")],
        [(3, "a quotation mark is opened and never closed; lines 3 to 4 were not read")],
    )


@pytest.mark.parametrize("rest", ['b",eve\n', "b\n", 'b\nc",eve\n'])
def test_what_may_be_the_rest_of_a_broken_row_is_no_row(tmp_path: Path, rest: str) -> None:
    """A quotation mark that was forgotten swaps what is inside of cells and what is outside of them."""
    path = tmp_path / "list.csv"
    path.write_text(f'name,owner\n{GOOD}"a,ada\n{GOOD}"a\n{rest}{GOOD}')

    cells, broken = _read(path)

    assert cells == [("good", "ada")] * 2
    assert next(message for _, message in broken).endswith("lines 3 to 5 were not read")
    assert {message for _, message in broken[1:]} == {"may be a part of the broken row on line 3"}


def test_a_line_of_another_encoding_costs_its_row(tmp_path: Path) -> None:
    """Other lines say which encoding the file has."""
    path = tmp_path / "list.csv"
    for before, behind in (("ü,ada\n", ""), ("", "ü,ada\nß,ada\n")):
        path.write_bytes(f"name,owner\n{before}".encode() + b'\xfc"x,ada\n' + f"{behind}{GOOD}".encode())

        cells, broken = _read(path)

        assert [name for name, _ in cells] == [*filter(None, (before[:1],)), *(["ü", "ß"] if behind else []), "good"]
        assert broken == [(3 if before else 2, "is not UTF-8 text")]


@pytest.mark.parametrize("broken", ["\0", LONG], ids=["NUL", "long"])
def test_a_broken_line_of_ndjson_costs_its_row(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "list.ndjson"
    path.write_text(f'{{"name": "a"}}\n{{"name": "{broken}"}}\n{{"name": "b"}}\n')

    cells, problems = _read(path)

    assert cells == [("a",), ("b",)]
    assert [line for line, _ in problems] == [2]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    """In UTF-16 as in UTF-8: a name with another separator stays whole."""
    path = tmp_path / "list.csv"
    for encoding in ("utf-8", "utf-16"):
        path.write_text("name,owner\na\u2028phantom,ada\n", encoding=encoding, newline="")
        assert _read(path) == ([("a\u2028phantom", "ada")], [])


CELLS = st.text(alphabet='ab",;\n \u2028é', max_size=6).map(lambda text: f"x{text}")
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6)


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@examples(50)
@given(above=ROWS, below=ROWS, cell=CELLS, broken=st.sampled_from(['"a"b,{}\n', "a\0,{}\n", '{},"a"b\n', "{},\0\n"]))
def test_all_other_rows_are_as_without_it(
    tmp_path_factory: pytest.TempPathFactory,
    above: list[tuple[str, str]],
    below: list[tuple[str, str]],
    cell: str,
    broken: str,
) -> None:
    """Whatever they hold. Behind a broken row, those with a quotation mark in a cell may count as parts of it."""
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    bad = broken.format(_written([[cell]]).removesuffix("\n"))
    path.write_text(f"name,owner\n{_written(above)}{bad}{_written(below)}", newline="")

    cells, problems = _read(path)

    doubtful = next((at for at, row in enumerate(below) if '"' not in "".join(row)), len(below))
    certain = [*above, *(below[doubtful:] if "\0" not in bad else below)]
    assert [row for row in cells if row in {*above, *below}] == cells
    assert cells == certain
    assert problems[0][0] == 2 + _written(above).count("\n")
