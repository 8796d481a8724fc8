"""Lists in files: every format as rows, every broken file as an error with its place."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import Problem, RegistryError
from scanner.registry.tables import SUFFIXES, EmptyTable, Row, read_table, workbook
from scanner.registry.tables.cells import (
    CellError,
    read_days,
    read_list,
    read_text,
    read_yes_no,
)
from scanner.registry.tables.dates import DateOrder, read_date, read_moment
from scanner.registry.tables.headings import Columns, Fields, holds_secret, normal
from tests.examples import examples
from tests.scanner.escaping import escape_item

DAY = date(2026, 11, 25)


def named(headings: tuple[str, ...]) -> bool:
    """Headings of the lists in these tests."""
    return "name" in headings


def rows_of(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Every row as its line and its cells; a broken row is an error of the test."""
    found = []
    for row in read_table(path, named).rows:
        assert isinstance(row, Row), row
        found.append((row.line, dict(zip(row.headings, row.cells, strict=True))))
    return found


def written(tmp_path: Path, name: str, content: bytes | str) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sheet(tmp_path: Path, *rows: tuple[Any, ...], name: str = "list.xlsx") -> Path:
    """A workbook whose first sheet has these rows."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(tmp_path / name)
    return tmp_path / name


# --- CSV --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("name,owner\na,b\n", [(2, {"name": "a", "owner": "b"})], id="comma"),
        pytest.param("name;owner\na;b,c\n", [(2, {"name": "a", "owner": "b,c"})], id="semicolon"),
        pytest.param("name\towner\na\tb\n", [(2, {"name": "a", "owner": "b"})], id="tab"),
        pytest.param("sep=;\nname;owner\na;b\n", [(3, {"name": "a", "owner": "b"})], id="separator named"),
        pytest.param("\ufeffname,owner\r\na,b\r\n", [(2, {"name": "a", "owner": "b"})], id="byte order mark, CRLF"),
        pytest.param('name,"a, b; c"\nx,y\n', [(2, {"name": "x", "a, b; c": "y"})], id="separators in a heading"),
        pytest.param('name,n\na,"l1\nl2"\nb,c', [(2, {"name": "a", "n": "l1\nl2"}), (4, {"name": "b", "n": "c"})],
                     id="line break in a cell"),
        pytest.param('name\n"say ""hi"""\n', [(2, {"name": 'say "hi"'})], id="quotation marks in a cell"),
        pytest.param("\n\nname\n\n , \na\n", [(6, {"name": "a"})], id="blank lines and rows"),
        pytest.param("name,owner,\na,b,,,\n", [(2, {"name": "a", "owner": "b", "column 3": ""})], id="ragged ends"),
        pytest.param("name,owner\na\n", [(2, {"name": "a", "owner": ""})], id="short row"),
        pytest.param("name\n0123456789\n", [(2, {"name": "0123456789"})], id="leading zero"),
        pytest.param("name,n\n'=1+1,'' -x;'@y\n", [(2, {"name": "=1+1", "n": "' -x;@y"})], id="neutralised formula"),
        pytest.param("name\n'quoted'\n", [(2, {"name": "'quoted'"})], id="an apostrophe of one's own"),
        pytest.param("name,owner\n", [], id="headings only"),
    ],
)  # fmt: skip
def test_csv_is_read_as_spreadsheets_write_it(
    tmp_path: Path, content: str, expected: list[tuple[int, dict[str, str]]]
) -> None:
    """A CSV gives its rows, each with the line it begins on, with any separator and line ends."""
    assert rows_of(written(tmp_path, "list.csv", content)) == expected


@given(
    cells=st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r*"), max_size=9),
            min_size=3,
            max_size=3,
        ),
        max_size=6,
    ),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_csv_round_trip(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]], delimiter: str, end: str
) -> None:
    """What the csv module writes is read back cell by cell, but for a neutralising mark, and rows without a letter."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerows([["name", "b", "c"], *cells])
    path = written(tmp_path_factory.mktemp("csv"), "list.csv", text.getvalue())
    filled = [row for row in cells if any(map(str.isalnum, "".join(row)))]

    read = [list(row.values()) for _, row in rows_of(path)]

    assert [[cell.replace("'", "") for cell in row] for row in read] == [
        [cell.replace("'", "") for cell in row] for row in filled
    ]


# --- XLSX -------------------------------------------------------------------------


def test_cells_of_a_workbook_keep_their_types(tmp_path: Path) -> None:
    """Dates stay dates, text stays text with its leading zeros, and the row is the spreadsheet's."""
    path = sheet(tmp_path, ("name", "account", "expires", "seen", "on"), (), ("a", "012345678901", DAY,
                 datetime(2026, 1, 2, 3, 4), True))  # fmt: skip  # noqa: DTZ001  # spreadsheets know no zone

    assert rows_of(path) == [
        (3, {"name": "a", "account": "012345678901", "expires": DAY, "seen": datetime(2026, 1, 2, 3, 4), "on": True})  # noqa: DTZ001  # as above
    ]


def test_the_sheet_with_the_headings_is_found(tmp_path: Path) -> None:
    """A cover sheet, a chart and a hidden sheet before the list do not matter; the sheet read is named."""
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Cover").write_string(0, 0, "Inventory of 2026")
    hidden = book.add_worksheet("Values")
    hidden.write_string(0, 0, "name")
    hidden.hide()
    book.add_chartsheet("Chart").set_chart(_chart(book))
    listed = book.add_worksheet("List")
    listed.write_row(3, 1, ["name", "owner"])
    listed.write_row(4, 1, ["a", "b"])
    book.close()

    assert read_table(path, named).sheet == "List"
    assert rows_of(path) == [(5, {"name": "a", "owner": "b"})]


@pytest.mark.parametrize("name", ["Values", "values"])
def test_a_sheet_that_is_named_is_taken_even_if_hidden(tmp_path: Path, name: str) -> None:
    """The named sheet is read; spreadsheets ignore case in names."""
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("List").write_column(0, 0, ["name", "a"])
    hidden = book.add_worksheet("Values")
    hidden.write_column(0, 0, ["name", "b"])
    hidden.hide()
    book.close()

    table = read_table(path, named, sheet=name)

    assert (table.sheet, [row.cells for row in table.rows if isinstance(row, Row)]) == ("Values", [("b",)])


@pytest.mark.parametrize(
    ("name", "sheet_name", "message", "fix"),
    [
        pytest.param("list.xlsx", "Bots", "has no sheet Bots", "its sheets are: Sheet", id="unknown sheet"),
        pytest.param("list.csv", "Bots", "has no sheets", "leave out sheet, or name an .xlsx", id="no workbook"),
    ],
)
def test_a_missing_sheet_is_reported(tmp_path: Path, name: str, sheet_name: str, message: str, fix: str) -> None:
    """The error names the sheets there are."""
    sheet(tmp_path, ("name",), ("a",))
    written(tmp_path, "list.csv", "name\na\n")

    with pytest.raises(RegistryError) as caught:
        read_table(tmp_path / name, named, sheet=sheet_name)

    (problem,) = caught.value.problems
    assert (problem.field, problem.message, problem.fix) == ("sheet", message, fix)


def likely(headings: tuple[str, ...]) -> int:
    """How many of three headings there are, with a name among them."""
    return len({"name", "owner", "status"} & set(headings)) if "name" in headings else 0


_MESSY: tuple[tuple[Any, ...], ...] = (
    ("Registry of service accounts; as of 2026-11-01", "", ""),
    ("name", "of the keeper: Ada", ""),
    ("name", "owner", "status"),
    ("--- Payments ---", "", ""),
    ("svc-a", "ada", "active"),
    ("name", "owner", "status"),
    ("svc-b", "bob", "retired"),
    ("Grand total", "2", ""),
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", "-utf-16.csv"])
def test_a_list_is_found_below_banners_and_between_sections_and_totals(tmp_path: Path, suffix: str) -> None:
    """The headings are where most of them are; what is no row is named, and nothing else is lost."""
    separator = "\t" if suffix == ".tsv" else ","
    text = "".join(separator.join(row) + "\n" for row in _MESSY)
    encoded = text.encode("utf-16" if "utf-16" in suffix else "utf-8")
    path = sheet(tmp_path, *_MESSY) if suffix == ".xlsx" else written(tmp_path, f"list{suffix}", encoded)

    table = read_table(path, likely)
    rows = [(row.line, row.cells) for row in table.rows if isinstance(row, Row)]

    assert (table.line, table.headings) == (3, ("name", "owner", "status"))
    assert rows == [(5, ("svc-a", "ada", "active")), (7, ("svc-b", "bob", "retired"))]
    why = [(one.line, one.message.removesuffix(", and is not a row of the list")) for one in table.skipped]
    assert why == [
        (4, "is the heading of a section"),
        (6, "repeats the headings"),
        (8, "holds a total"),
    ]


def test_one_cell_alone_is_a_row_like_any_other(tmp_path: Path) -> None:
    """Only what looks like a section's heading is taken for one."""
    path = written(tmp_path, "list.csv", "name,owner,status\nsvc-a,,\narn:aws:iam::1:role/x,,\nTotality,ada,\n")

    table = read_table(path, likely)

    assert [row.cells[0] for row in table.rows if isinstance(row, Row)] == [
        "svc-a",
        "arn:aws:iam::1:role/x",
        "Totality",
    ]
    assert table.skipped == []


def test_cells_merged_across_are_a_sections_heading(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    cells = book.worksheets[0]
    for row in (("name", "owner", "status"), ("Payments", None, None), ("svc-a", "ada", "active")):
        cells.append(row)
    cells.merge_cells("A2:C2")
    book.save(tmp_path / "list.xlsx")

    table = read_table(tmp_path / "list.xlsx", likely)

    assert [row.cells[0] for row in table.rows if isinstance(row, Row)] == ["svc-a"]
    assert [one.line for one in table.skipped] == [2]


def test_the_sheet_with_the_list_is_taken_and_its_like_are_named(tmp_path: Path) -> None:
    """Neither a cover nor a pivot; another sheet with such headings is reported, with the setting to read it, too."""
    book = openpyxl.Workbook()
    cover, pivot, first, second = book.worksheets[0], *(book.create_sheet(one) for one in ("Pivot", "AWS", "Azure"))
    cover.append(("name", "Registry"))
    pivot.append(("Row Labels", "Count of owner"))
    for one in (first, second):
        one.append(("name", "owner", "status"))
        one.append((f"svc-{one.title}", "ada", "active"))
    book.save(tmp_path / "list.xlsx")

    table = read_table(tmp_path / "list.xlsx", likely)

    assert (table.sheet, [row.cells[0] for row in table.rows if isinstance(row, Row)]) == ("AWS", ["svc-AWS"])
    assert [(one.message, one.fix) for one in table.warnings] == [
        (
            "holds a list, too, and is not read: only sheet AWS is",
            'add it to the config as a list of its own with sheet = "Azure"',
        )
    ]


def _chart(book: Any) -> Any:
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=Cover!$A$1:$A$2"})
    return chart


def far_out(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "name"
    book.worksheets[0]["XFD1048576"] = "x"
    book.save(tmp_path / "list.xlsx")
    return tmp_path / "list.xlsx"


def truncated(tmp_path: Path) -> Path:
    path = sheet(tmp_path, ("name",), ("a",))
    path.write_bytes(path.read_bytes()[:2000])
    return path


def corrupted(tmp_path: Path) -> Path:
    path = sheet(tmp_path, ("name",), ("a",))
    content = bytearray(path.read_bytes())
    content[60:80] = bytes(20)
    path.write_bytes(content)
    return path


def other_archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "list.xlsx", "w") as archive:
        archive.writestr("readme.txt", "hello")
    return tmp_path / "list.xlsx"


def unreadable(tmp_path: Path) -> Path:
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    return tmp_path / "loop.csv"


def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").mkdir()
    return tmp_path / "list.csv"


def file(name: str, content: bytes | str) -> Callable[[Path], Path]:
    return lambda tmp_path: written(tmp_path, name, content)


@pytest.mark.parametrize(
    ("make", "line", "message"),
    [
        pytest.param(lambda tmp: tmp / "none.csv", None, "no such file", id="missing"),
        pytest.param(folder, None, "is a folder, not a file", id="folder"),
        pytest.param(lambda _: Path("/dev/null"), None, "is not an ordinary file", id="device"),
        pytest.param(unreadable, None, "no such file", id="link to itself"),
        pytest.param(file("list.doc", "x"), None, "is of no format that can be read", id="format"),
        pytest.param(file("list.csv", ""), None, "is empty", id="csv empty"),
        pytest.param(file("list.csv", " \n\n"), None, "is empty", id="csv blank"),
        pytest.param(file("list.csv", b"name\na\nb\x81"), 3, "is not UTF-8 text", id="csv encoding"),
        pytest.param(file("list.csv", b"\xff\xfen\0a"), None, "is not UTF-16 text, though it begins so", id="UTF-16"),
        pytest.param(file("list.csv", "na\0me\na\n"), 1, "holds a NUL byte; is it text?", id="csv NUL in headings"),
        pytest.param(file("list.csv", '"name"s\na\n'), 1, "text goes on after a closing quotation mark",
                     id="csv broken headings"),
        pytest.param(file("list.csv", "name\ra\rb\r"), 1, "lines end with a bare carriage return; save it as CSV UTF-8",
                     id="csv old Mac"),
        pytest.param(file("list.csv", "," * 2000 + "name\n"), 1, "has 2,001 columns; at most 1000 are read",
                     id="csv columns"),
        pytest.param(file("list.csv", b"PK\x03\x04"), 1, "is a workbook or an archive, not text",
                     id="csv is a workbook"),
        pytest.param(file("list.xlsx", "name,owner\n"), None, "is not a workbook", id="xlsx is a csv"),
        pytest.param(file("list.xlsx", "<html>"), None, "is HTML or XML, not a workbook", id="xlsx is a page"),
        pytest.param(file("list.xlsx", b"\xd0\xcf\x11\xe0"), None, "is an old .xls or a password-protected workbook",
                     id="xlsx is old"),
        pytest.param(truncated, None, "is a damaged workbook: File is not a zip file", id="xlsx cut off"),
        pytest.param(corrupted, None, "is a damaged workbook: ", id="xlsx corrupted"),
        pytest.param(other_archive, None, "is a damaged workbook: ", id="xlsx is an archive"),
        pytest.param(far_out, None, "a sheet reaches to row 1048576 and column 16384, which is too far",
                     id="xlsx far cell"),
        pytest.param(sheet, None, "is empty", id="xlsx empty"),
        pytest.param(file("list.json", '[{"a": 1},\n{"a": }]'), 2, "is not JSON: Expecting value", id="json"),
        pytest.param(file("list.json", "\n" + "[" * 100_000), 2, "is not JSON: is nested too deeply", id="json depth"),
        pytest.param(file("list.json", '[\n{"a":' + "[" * 101 + "]" * 101 + "}]"), 2,
                     "is not JSON: is nested too deeply", id="json a little too deep"),
        pytest.param(file("list.json", '[{"a": 1, "a": 2}]'), None, "is not JSON: the key a is repeated in one object",
                     id="json key"),
        pytest.param(file("list.json", '["\\uD800"]'), None, "is not JSON: half of a surrogate pair",
                     id="json surrogate"),
        pytest.param(file("list.json", "3"), 1, "is neither a list of entries nor one entry", id="json number"),
        pytest.param(file("list.json", '{"a": [{}], "b": [{}]}'), 1, "holds several lists: a and b", id="json lists"),
        pytest.param(file("list.json", " "), None, "is empty", id="json empty"),
        pytest.param(file("list.ndjson", "\n"), None, "is empty", id="ndjson empty"),
        pytest.param(file("list.yaml", "- name: a\n- name: [\n"), 3, "is not YAML: did not find expected node content",
                     id="yaml"),
        pytest.param(file("list.yaml", "- &a {name: x}\n- *a\n"), 2,
                     "is not YAML that can be read: an alias (*name); write its value out",
                     id="yaml alias"),
        pytest.param(file("list.yaml", "- name: a\n  name: b\n"), 2,
                     "is not YAML that can be read: the key name is repeated",
                     id="yaml key"),
        pytest.param(file("list.yaml", "- {[a]: b}\n"), 1, "is not YAML that can be read: a key that is not text",
                     id="yaml odd key"),
        pytest.param(file("list.yaml", "[" * 900 + "]" * 900), 1, "is not YAML: is nested too deeply",
                     id="yaml depth"),
        pytest.param(file("list.yaml", "[" * 9000), 1, "is not YAML: exceeded maximum nesting depth", id="yaml abyss"),
        pytest.param(file("list.yaml", "# nothing\n"), None, "is empty", id="yaml empty"),
        pytest.param(file("list.toml", "[[entry]]\nname = \n"), 2, "is not TOML: Invalid value", id="toml"),
        pytest.param(file("list.toml", "\na = " + "[" * 50_000), 2, "is not TOML: is nested too deeply",
                     id="toml depth"),
        pytest.param(file("list.toml", "\n" + ".".join("a" * 20_000) + " = 1"), 2, "is not TOML: is nested too deeply",
                     id="toml key"),
        pytest.param(file("list.toml", "[" + ".".join("a" * 60) + "]\nb = 1\n" + " . ".join(['"b"'] * 60) + " = 1"), 3,
                     "is not TOML: is nested too deeply", id="toml key under a header"),
        pytest.param(file("list.toml", 'x = ["""a"""", ' + "[" * 200 + "]" * 200 + ', "b"]'), 1,
                     "is not TOML: is nested too deeply", id="toml behind quotation marks"),
        pytest.param(file("list.toml", 'x = "' + '\\"' * 100_000), None, "is not TOML: Unterminated string",
                     id="toml open string"),
        pytest.param(file("list.toml", b"a = 1\n" * 3_000_000), None, "is larger than 16 MiB", id="toml size"),
        pytest.param(file("list.yaml", b"- a\n" * 5_000_000), None, "is larger than 16 MiB", id="yaml size"),
        pytest.param(file("list.toml", b"\xff"), 1, "is not UTF-8 text", id="toml encoding"),
    ],
)  # fmt: skip
def test_a_broken_file_is_an_error_with_its_place(
    tmp_path: Path, make: Callable[[Path], Path], line: int | None, message: str
) -> None:
    """An unreadable file is reported with its name, the line if known, and the error."""
    path = make(tmp_path)

    with pytest.raises(RegistryError) as caught:
        list(read_table(path, named).rows)

    problem = caught.value.problems[0]
    assert (problem.file, problem.line) == (str(path), line)
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.toml", "a.b.c = 1.5\n[[entry]]\nname = 'a.b[[' # [[[[\n"),
        ("list.toml", "[[entry]]\n" + "".join(f"name{n} = '[{{' \n" for n in range(200))),
        ("list.toml", "[[entry]]\nname = [\n" + "{a.b = [1.5, 2.5]},\n" * 200 + "]\n"),
        ("list.toml", "[[entry]]\nname = '''\n[[[[''[[" + "[.[" * 100 + "'''\n" + "[[entry]]\nname='x'\n" * 300),
        ("list.json", '[{"name": "' + "[{" * 200 + '"}' + ', {"name": []}' * 300 + "]"),
    ],
)
def test_what_people_write_is_not_too_deep(tmp_path: Path, name: str, text: str) -> None:
    """Brackets in texts and comments, dots in numbers, many shallow lists one after the other."""
    assert list(read_table(written(tmp_path, name, text), named).rows)


def test_a_line_that_is_nested_too_deeply_is_one_problem(tmp_path: Path) -> None:
    """The others are read."""
    deep = '{"name": ' + "[" * 200 + "]" * 200 + "}"
    rows = list(read_table(written(tmp_path, "list.ndjson", '{"name": "a"}\n' + deep + "\n"), named).rows)

    assert isinstance(rows[0], Row)
    assert isinstance(rows[1], Problem)
    assert (rows[1].line, rows[1].message) == (2, "is nested too deeply")


def test_empty_files_differ_from_broken_ones(tmp_path: Path) -> None:
    """An empty file is an error of its own kind."""
    with pytest.raises(EmptyTable):
        read_table(written(tmp_path, "list.csv", ""), named)


def test_a_workbook_whose_parts_lie_about_their_size_is_refused(tmp_path: Path) -> None:
    """Parts are measured by unpacking them: the sizes in the directory of a bomb are set to a few bytes."""
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/bomb.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(workbook.MAX_UNPACKED // 2**20 + 1):
            part.write(bytes(2**20))
    with zipfile.ZipFile(path, "a") as archive:
        archive.infolist()[0].file_size = 10
        archive.comment = b"so that the directory is written anew"

    with pytest.raises(RegistryError, match="unpacks to more than 256 MiB"):
        read_table(path, named)


# --- documents --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        pytest.param("l.json", '[{"name": "a"},\n\n {"name": "b", "n": 5}]',
                     [(1, {"name": "a"}), (3, {"name": "b", "n": 5})],
                     id="json list"),
        pytest.param("l.json", '{"v": 1, "o": {"x": []},\n"entries": [\n{"name": "a"}]}', [(3, {"name": "a"})],
                     id="json key"),
        pytest.param("l.json", '{"name": "a", "identities": ["b"]}', [(1, {"name": "a", "identities": ["b"]})],
                     id="json one"),
        pytest.param("l.json", "[]", [], id="json none"),
        pytest.param("l.json", '{"entries": []}', [], id="json none under a key"),
        pytest.param("l.yaml", "entries: []\nothers: []\n", [], id="yaml none under a key"),
        pytest.param("l.toml", "entries = []\n", [], id="toml none under a key"),
        pytest.param("l.ndjson", '{"name": "a"}\n\n{"name": "b"}\n', [(1, {"name": "a"}), (3, {"name": "b"})],
                     id="ndjson"),
        pytest.param("l.yaml", "# c\n- name: a\n- name: b\n", [(2, {"name": "a"}), (3, {"name": "b"})], id="yaml list"),
        pytest.param("l.yaml", "entries:\n- name: 012\n  on: no\n  d: 2026-13-01\n  n: ~\n  q: 'null'\n",
                     [(2, {"name": "012", "on": "no", "d": "2026-13-01", "n": None, "q": "null"})],
                     id="yaml stays text"),
        pytest.param("l.yaml", "name: !!python/name:os.system x\n", [(1, {"name": "x"})], id="yaml tag"),
        pytest.param("l.toml", "[[entry]]\nname = 'a'\n\n[[entry]]\nd = 2026-11-25\n",
                     [(1, {"name": "a"}), (4, {"d": DAY})],
                     id="toml"),
        pytest.param("l.toml", "v = 1\nentry = [{name = 'a'}, {name = 'b'}]", [(2, {"name": "a"}), (2, {"name": "b"})],
                     id="toml inline"),
    ],
)  # fmt: skip
def test_documents_give_rows_with_their_lines(
    tmp_path: Path, name: str, content: str, expected: list[tuple[int, dict[str, Any]]]
) -> None:
    """A list of mappings, one under a key, or a single mapping: each row with the line where it begins."""
    assert rows_of(written(tmp_path, name, content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        pytest.param(
            "l.ndjson", '{"name": "a"}\nnot\n[1]\n', [(2, "is not a JSON object"), (3, "is not an entry")], id="ndjson"
        ),
        pytest.param("l.ndjson", '{"a": "\\ud800"}\n', [(1, "is not a JSON object")], id="lone surrogate"),
        pytest.param("l.json", '[{"name": "a"},\n"b"]', [(2, "is not an entry")], id="json"),
        pytest.param("l.csv", "name,owner\na,b,c\n", [(2, "has 3 cells under 2 headings")], id="csv"),
    ],
)
def test_a_broken_row_is_a_problem_in_its_place(
    tmp_path: Path, name: str, content: str, expected: list[tuple[int, str]]
) -> None:
    """A row that alone is broken does not hide the others."""
    problems = [row for row in read_table(written(tmp_path, name, content), named).rows if isinstance(row, Problem)]

    assert [(problem.line, problem.message.partition(":")[0]) for problem in problems] == expected


@pytest.mark.parametrize("suffix", SUFFIXES)
@examples(60, smoke=60)
@given(content=st.binary(max_size=300) | st.text("{}[]\"':,;-&*!|>\n\t aé0=#\\", max_size=60).map(str.encode))
def test_no_bytes_break_a_reader(tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes) -> None:
    """With any content, reading a file gives rows and problems, or a RegistryError."""
    path = written(tmp_path_factory.mktemp("bytes"), f"list{suffix}", content)
    try:
        rows = list(read_table(path, named).rows)
    except RegistryError as error:
        assert error.problems[0].file == str(path)  # noqa: PT017  # an error is allowed, not expected
    else:
        assert all(isinstance(row, Row | Problem) for row in rows)


@examples(60, smoke=60)
@given(place=st.integers(0, 4000), noise=st.binary(min_size=1, max_size=8))
def test_no_damage_to_a_workbook_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, place: int, noise: bytes
) -> None:
    """A workbook with some bytes overwritten gives rows or a RegistryError."""
    path = sheet(tmp_path_factory.mktemp("xlsx"), ("name", "owner"), ("a", 5))
    content = bytearray(path.read_bytes())
    content[place : place + len(noise)] = noise
    path.write_bytes(content)
    try:
        rows = list(read_table(path, named).rows)
    except RegistryError as error:
        assert error.problems[0].file == str(path)  # noqa: PT017  # an error is allowed, not expected
    else:
        assert all(isinstance(row, Row | Problem) for row in rows)


# --- cells ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("\u00a0 a\u200b ", "a", id="invisible blanks"),
        pytest.param(123456789012.0, "123456789012", id="whole number"),
        pytest.param(0.5, "0.5", id="fraction"),
        pytest.param(110000000000000000001, "110000000000000000001", id="exact long number"),
        pytest.param(True, "yes", id="yes"),
        pytest.param(DAY, "2026-11-25", id="day"),
        pytest.param(time(3, 4), "03:04:00", id="time"),
        pytest.param(timedelta(days=2), "2 days, 0:00:00", id="duration"),
        pytest.param("a\ud800b", "a\ufffdb", id="lone surrogate"),
    ],
)
def test_text_of_a_cell(cell: Any, expected: str | None) -> None:
    """Every cell has a text as a person would read it."""
    assert read_text(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("a; b ;;a", ("a", "b"), id="separated"),
        pytest.param("a\r\nb\nc\rd", ("a", "b", "c", "d"), id="line breaks"),
        pytest.param(r"a\;b;c\\;d\*;CORP\svc", ("a;b", "c\\", r"d\*", r"CORP\svc"), id="escapes"),
        pytest.param(["a;b", r"c\;d", 5, None], ("a;b", "c;d", "5"), id="a real list"),
        pytest.param(" ; ", (), id="nothing"),
    ],
)
def test_list_in_a_cell(cell: Any, expected: tuple[str, ...]) -> None:
    r"""Items are parted by semicolons and line breaks, never at an escaped one; ``\*`` is left to the matcher."""
    assert read_list(cell) == expected


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc", "Cf"]), min_size=1),
        unique=True,
    )
)
def test_escaped_items_survive_a_list_cell(items: list[str]) -> None:
    r"""With any characters, an escaped item reads back whole, with ``\*`` for its stars."""
    assert read_list(";".join(map(escape_item, items))) == tuple(item.replace("*", r"\*") for item in items)


@pytest.mark.parametrize(
    "written_day",
    [
        "2026-11-25", "2026/11/25", "2026-11-25T08:00:00Z", "2026-11-25 08:00", "25/11/2026", "11/25/2026",
        "25.11.2026", "25 Nov 2026", "25-Nov-2026", "25th November 2026", "November 25, 2026", "Nov. 25 2026", DAY,
        datetime(2026, 11, 25, 8, tzinfo=UTC),
    ],
)  # fmt: skip
def test_days_are_read_as_people_write_them(written_day: Any) -> None:
    """ISO dates, typed dates and forms that mean one day everywhere."""
    assert read_date(written_day) == DAY


@pytest.mark.parametrize("cell", ["", None, "n/a", "-", "never"])
def test_no_day(cell: Any) -> None:
    """An empty cell, or one that says there is none, is no date."""
    assert read_date(cell) is None


@pytest.mark.parametrize(
    ("cell", "order", "expected"),
    [
        pytest.param("03/04/2026", "day-first", date(2026, 4, 3), id="day first"),
        pytest.param("03/04/2026", "month-first", date(2026, 3, 4), id="month first"),
        pytest.param("3-4-2026", "month-first", date(2026, 3, 4), id="hyphens"),
        pytest.param("25/11/2026", "month-first", DAY, id="it can be one day only"),
        pytest.param("04/04/2026", None, date(2026, 4, 4), id="the same either way"),
        pytest.param("03.04.2026", None, date(2026, 4, 3), id="dots"),
        pytest.param("03.04.2026", "month-first", date(2026, 4, 3), id="dots, whatever the order"),
        pytest.param("2026-04-03", "month-first", date(2026, 4, 3), id="ISO"),
        pytest.param(DAY, "month-first", DAY, id="typed"),
        pytest.param("31/01/27", "day-first", date(2027, 1, 31), id="two digits of a year"),
        pytest.param("31-Jan-27", None, date(2027, 1, 31), id="a month's name"),
        pytest.param("31-Jan-99", "month-first", date(1999, 1, 31), id="of the last century"),
        pytest.param("31.01.27", None, date(2027, 1, 31), id="dots with two digits of a year"),
        pytest.param("46351", None, date(2026, 11, 25), id="a spreadsheet's number"),
        pytest.param(46351.75, None, date(2026, 11, 25), id="a spreadsheet's number with the hour"),
    ],
)
def test_what_comes_first_in_a_date(cell: Any, order: DateOrder | None, expected: date) -> None:
    """The order decides where countries differ; with dots, the day comes first."""
    assert read_date(cell, order) == expected


@pytest.mark.parametrize(
    ("read", "cell", "message"),
    [
        pytest.param(read_date, "03/04/2026", "03/04/2026 could be two different dates", id="two days"),
        pytest.param(read_date, "10000", "10000 is not a date", id="a number that is not a day of our time"),
        pytest.param(read_date, 2026, "2026 is not a date", id="a year"),
        pytest.param(read_date, "31/01/27", "31/01/27 could be several days", id="two digits of a year"),
        pytest.param(read_date, "31/02/2026", "31/02/2026 is not a date", id="31 February"),
        pytest.param(read_date, "04.13.2026", "04.13.2026 is not a date", id="dots with the month first"),
        pytest.param(read_date, "2026-13-01", "2026-13-01 is not a date", id="month 13"),
        pytest.param(read_date, "soon\x1b[2J", "soon\\x1b[2J is not a date", id="no date"),
        pytest.param(read_date, "25 Xyz 2026", "25 Xyz 2026 is not a date", id="no month"),
        pytest.param(read_date, "25 Ju 2026", "25 Ju 2026 is not a date", id="half a month"),
        pytest.param(read_moment, "0001-01-01T00:00+14:00", "0001-01-01T00:00:00+14:00 is not a date",
                     id="before time"),
        pytest.param(read_yes_no, "perhaps", "perhaps is neither yes nor no", id="yes or no"),
        pytest.param(read_days, "quarterly", "quarterly is not a number of days", id="days"),
        pytest.param(read_days, "-3", "-3 is not a number of days", id="negative days"),
        pytest.param(read_text, 1.1e20, "is a number too long for a spreadsheet, which has lost digits of it",
                     id="rounded"),
        pytest.param(read_text, "1.23457E+11", "1.23457E+11 is a number that a spreadsheet has shortened",
                     id="shortened"),
        pytest.param(read_text, ["a"], "holds more than one value", id="list"),
        pytest.param(read_text, 10**5000, "is an absurdly large number", id="absurd number"),
        pytest.param(read_text, "a" * 200_000, "is longer than 131072 characters", id="absurd text"),
        pytest.param(read_list, {"a": "b"}, "holds a table", id="table"),
    ],
)  # fmt: skip
def test_a_cell_that_would_be_a_guess_is_refused(read: Callable[[Any], Any], cell: Any, message: str) -> None:
    """What cannot be read for certain is an error that quotes it, never a guess."""
    with pytest.raises(CellError) as caught:
        read(cell)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("2026-11-25T08:00:00+02:00", datetime(2026, 11, 25, 6, tzinfo=UTC), id="zone"),
        pytest.param("2026-11-25 08:00:00", datetime(2026, 11, 25, 8, tzinfo=UTC), id="no zone"),
        pytest.param("25 November 2026", datetime(2026, 11, 25, tzinfo=UTC), id="written day"),
        pytest.param(DAY, datetime(2026, 11, 25, tzinfo=UTC), id="typed day"),
        pytest.param("", None, id="empty"),
    ],
)
def test_moments_are_in_utc(cell: Any, expected: datetime | None) -> None:
    """Moments come out in UTC; one without a zone is taken as UTC."""
    assert read_moment(cell) == expected


# --- headings ---------------------------------------------------------------------

COLUMNS = Columns(
    {"name": ("title",), "owner": ("owner email",), "identities": ("arn",)},
    lists={"identities", "owner"},
    fallbacks={"owner": ("contact",)},
)


@pytest.mark.parametrize("heading", ["Owner E-mail *", "owner_email:", "\ufeff'OWNER EMAIL'", "ownerEmail"])
def test_headings_are_read_without_regard_to_how_they_are_set(heading: str) -> None:
    """Case, blanks, hyphens, underscores and marks around a heading do not matter."""
    assert normal(heading) == "owneremail"


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("Owner (team or person)", "owner"),
        ("Title [required]", "name"),
        ("Owner (e-mail)", "owner"),
        ("(Owner)", "owner"),
        ("Owner of what (owner)", None),
    ],
)
def test_what_a_heading_explains_in_brackets_is_of_no_account(heading: str, column: str | None) -> None:
    """Unless the heading is known with it."""
    assert COLUMNS.means(heading) == column


@pytest.mark.parametrize(
    "heading",
    [
        "Password",
        "Password [Required]",
        "API key (old)",
        "DB password",
        "Shared Secret",
        "Kennwort",
        "Storage account key",
        "Encryption keys",
        "Passcode",
        "Client Secret Value 2 *",
        "Slack webhook URL",
    ],
)
def test_secrets_are_recognised_by_their_heading(heading: str) -> None:
    """Also where something is explained beside it, or says whose it is."""
    assert holds_secret(heading)


@pytest.mark.parametrize(
    "heading",
    [
        "Secret id",
        "Access key id",
        "Password last changed",
        "Token kind",
        "Secretary",
        "KMS key",
        "Primary key",
        "Access keys",
    ],
)
def test_a_fact_about_a_secret_is_no_secret(heading: str) -> None:
    """Its id, its kind, its age."""
    assert not holds_secret(heading)


@pytest.mark.parametrize(
    ("headings", "owner", "clashes", "unknown"),
    [
        pytest.param(("name", "Owner", "Owner Email"), ("1", "2"), (), [], id="both of a list column"),
        pytest.param(("name", "Contact"), ("1",), (), [], id="fallback alone"),
        pytest.param(("name", "Contact", "Owner"), ("2",), (), ["Contact"], id="fallback beside a better one"),
        pytest.param(("name", "Title"), (), (("name", "name", "Title"),), [], id="two of a scalar column"),
        pytest.param(("name", "owner status", "password"), (), (), ["owner status"], id="unknown and secret"),
    ],
)
def test_columns_among_headings(
    headings: tuple[str, ...], owner: tuple[str, ...], clashes: tuple[tuple[str, str, str], ...], unknown: list[str]
) -> None:
    """The best headings of a column count, several of a list column together; secrets are in no column."""
    fields = Fields(Row(2, headings, tuple("01234")[: len(headings)]), COLUMNS)

    assert fields.items("owner") == owner
    assert COLUMNS.place(headings).clashes == clashes
    assert [heading for heading, _ in fields.unknown()] == unknown


def test_a_heading_explained_by_the_user_settles_a_clash() -> None:
    """The user's own heading goes before those that are only known."""
    explained = COLUMNS.explained({"Real name": "name"})
    fields = Fields(Row(2, ("name", "title", "real NAME"), ("a", "b", "c")), explained)

    assert fields.text("name") == "c"
    assert explained.place(("name", "title", "real NAME")).clashes == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_to_be_saved_as_utf_8(encoding: str, tmp_path: Path) -> None:
    """It is UTF-8 by its bytes, with a NUL beside every letter."""
    path = tmp_path / "list.csv"
    path.write_bytes("name\na\n".encode(encoding))

    with pytest.raises(RegistryError) as caught:
        list(read_table(path, named).rows)

    assert caught.value.problems[0].fix == "save it as UTF-8 (in Excel: CSV UTF-8)"


@pytest.mark.parametrize(
    ("text", "names", "is_cut"),
    [
        pytest.param("arn,owner,status\na,x,active\nb,y,ret", ["a", "b"], False, id="within its last cell"),
        pytest.param("arn,owner,status\na,x,active\nb,y", ["a"], True, id="before its last cell"),
        pytest.param("arn,owner,status\na,x,active\nb", ["a"], True, id="within its name"),
        pytest.param("arn,owner,status\na,x,active\nb,y\n", ["a", "b"], False, id="a line end"),
        pytest.param("arn,owner,status\na,x\nb,y", ["a", "b"], False, id="short rows are usual"),
        pytest.param("arn,owner,status\nb,y", ["b"], False, id="nothing to compare with"),
    ],
)
def test_a_list_that_ends_within_a_row_is_cut(tmp_path: Path, text: str, names: list[str], is_cut: bool) -> None:
    """Its row is set aside: the name may be cut, and the cells behind it are lost."""
    path = tmp_path / "list.csv"
    path.write_text(text)
    rows = list(read_table(path, lambda headings: len(headings) if "arn" in headings else 0).rows)
    assert [row.cells[0] for row in rows if isinstance(row, Row)] == names
    assert [row.line for row in rows if isinstance(row, Problem)] == ([3] if is_cut else [])
