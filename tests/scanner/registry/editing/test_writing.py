"""Edits in each format: what is edited reads as it should, and everything else stays as it was."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.styles import Font

from scanner.errors import RegistryError
from scanner.model import Entry
from scanner.registry.editing.saving import blank, open_rows
from scanner.registry.editing.values import Value
from scanner.registry.editing.writing import FORMATS, Edit, edited
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from tests.examples import examples
from tests.scanner.registry.editing.strategies import CELLS

SLOW = examples(20)
UPDATE = Edit(position=0, cells={"owner": ("ada@example.com", "a;b"), "expires": date(2027, 1, 31)})
ADDED = Edit(cells={"id": "N-3", "identities": (r"arn:aws:iam::1:user/a\*b",), "owner": ("no",)})


def _edit(tmp_path: Path, name: str, content: str, *edits: Edit) -> str:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8", newline="")
    return edited(open_rows(path), edits).decode()


def _load(path: Path) -> tuple[Entry, ...]:
    return load_registry([ListSource(path=path)]).entries


def _said(path: Path, about: Sequence[Mapping[str, Value]]) -> list[dict[str, Value]]:
    """What the entries say in the columns that these rows fill in."""
    entries = zip(_load(path), about, strict=True)
    return [{column: getattr(entry, column) for column in row} for entry, row in entries]


@pytest.mark.parametrize("suffix", FORMATS)
@SLOW
@given(rows=st.lists(CELLS, min_size=1, max_size=4))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, rows: list[dict[str, Value]]
) -> None:
    """In every format, with any cells, each entry reads back as written."""
    path = tmp_path_factory.mktemp("written") / f"registry{suffix}"
    path.write_bytes(edited(blank(path), [Edit(cells=row) for row in rows]))

    assert _said(path, rows) == rows


@pytest.mark.parametrize("suffix", FORMATS)
@SLOW
@given(rows=st.lists(CELLS, min_size=2, max_size=4), change=CELLS, added=CELLS)
def test_an_edit_touches_its_own_row_alone(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    rows: list[dict[str, Value]],
    change: dict[str, Value],
    added: dict[str, Value],
) -> None:
    """In every format, a changed and a new row leave all other entries as they were."""
    path = tmp_path_factory.mktemp("edited") / f"registry{suffix}"
    path.write_bytes(edited(blank(path), [Edit(cells=row) for row in rows]))
    path.write_bytes(edited(open_rows(path), [Edit(position=1, cells=change), Edit(cells=added)]))

    expected = [rows[0], rows[1] | change, *rows[2:], added]
    assert _said(path, expected) == expected


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_rows_make_a_registry_that_declares_nothing(tmp_path: Path, suffix: str) -> None:
    """An empty list is a list."""
    path = tmp_path / f"registry{suffix}"
    path.write_bytes(edited(blank(path, ("id", "identities")), []))
    if suffix in (".ndjson", ".jsonl"):
        assert path.read_bytes() == b""
    else:
        assert _load(path) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            'id;owner;"identities"\r\n"1";"x";"a"\r\n 2 ; y ;"b;c"\r\n',
            'id;owner;identities;expires\r\n"1";"ada@example.com; a\\;b";"a";"2027-01-31"\r\n 2 ; y ;"b;c";\r\n'
            "N-3;no;arn:aws:iam::1:user/a\\*b;\r\n",
            id="separator, line ends, quotation marks",
        ),
        pytest.param(
            "\ufeffid,identities,owner,expires\n1,a,x,",
            "\ufeffid,identities,owner,expires\n1,a,ada@example.com; a\\;b,2027-01-31\n"
            "N-3,arn:aws:iam::1:user/a\\*b,no,\n",
            id="byte order mark, no last line end",
        ),
        pytest.param(
            'sep=,\n\nidentities,owner,expires,id\n"a\nb",x,,1\n\nc,"y, z",,2\n,,,\n',
            'sep=,\n\nidentities,owner,expires,id\n"a\nb",ada@example.com; a\\;b,2027-01-31,1\n\nc,"y, z",,2\n'
            "arn:aws:iam::1:user/a\\*b,no,,N-3\n,,,\n",
            id="directive, blank lines, cells of two lines",
        ),
    ],
)
def test_csv_keeps_its_manners(tmp_path: Path, before: str, after: str) -> None:
    """Rows that are not edited stay byte for byte, but for the cell of a new column."""
    assert _edit(tmp_path, "r.csv", before, UPDATE, ADDED) == after


def test_yaml_keeps_comments_order_quotes_and_layout(tmp_path: Path) -> None:
    """Only edited values are written anew; block lists stay block lists."""
    before = """\
# Our registry
- id: '1'   # the first
  owner:
    - x
    - y  # deputy
  identities: [ a,b ]

# the second
- {id: "2", identities: no, owner: z}
# the end
"""
    after = """\
# Our registry
- id: '1'   # the first
  owner:
    - ada@example.com
    - a;b  # deputy
  identities: [ a,b ]
  expires: 2027-01-31

# the second
- {id: "2", identities: no, owner: z}

- id: N-3
  identities: ['arn:aws:iam::1:user/a\\*b']
  owner: ['no']
# the end
"""
    assert _edit(tmp_path, "r.yaml", before, UPDATE, ADDED) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "owner:   # nobody\nname: x\n",
            "owner: [ada@example.com, a;b]   # nobody\nname: x\nexpires: 2027-01-31\n",
            id="one entry, an empty value",
        ),
        pytest.param(
            "[{name: x}]",
            "[{name: x, owner: [ada@example.com, a;b], expires: 2027-01-31}]",
            id="in brackets",
        ),
        pytest.param(
            "all:\n  - name: x\n    purpose: |\n      two\n      lines\nmore: 1\n",
            "all:\n  - name: x\n    purpose: |\n      two\n      lines\n    owner: [ada@example.com, a;b]\n"
            "    expires: 2027-01-31\nmore: 1\n",
            id="under a key, after a block of text",
        ),
    ],
)
def test_yaml_of_any_shape_takes_an_update(tmp_path: Path, before: str, after: str) -> None:
    """A document may be a list, a mapping with one, or one entry."""
    assert _edit(tmp_path, "r.yaml", before, UPDATE) == after


def test_toml_keeps_comments_and_layout(tmp_path: Path) -> None:
    """Tables stay where they are; a new one goes to the end."""
    before = '# ours\n[[nhi]]\nid = "1" # first\nname   =   "a"\n\n[meta]\nx = 1\n'
    after = (
        '# ours\n[[nhi]]\nid = "1" # first\nname   =   "a"\n'
        'owner = ["ada@example.com", "a;b"]\nexpires = 2027-01-31\n\n'
        '[meta]\nx = 1\n\n[[nhi]]\nid = "N-3"\nidentities = ["arn:aws:iam::1:user/a\\\\*b"]\nowner = ["no"]\n'
    )
    assert _edit(tmp_path, "r.toml", before, UPDATE, ADDED) == after


@pytest.mark.parametrize("indent", [pytest.param(None, id="one line"), 2, 4, "\t"])
def test_json_keeps_its_indentation_and_order(tmp_path: Path, indent: int | str | None) -> None:
    """The keys stay in order, and a single owner stays a text where that is how the file has it."""
    rows = [{"name": "ä", "owner": "x"}, {"zeta": [1.5, None], "name": "b"}]
    before = json.dumps(rows, indent=indent, ensure_ascii=False)
    expected = json.dumps([*rows, {"name": "c", "owner": "no"}], indent=indent, ensure_ascii=False)

    assert _edit(tmp_path, "r.json", before, Edit(cells={"name": "c", "owner": ("no",)})) == expected


def test_one_entry_alone_has_no_room_for_another(tmp_path: Path) -> None:
    """A document that is an entry itself is no list."""
    for name, content in (("r.yaml", "name: a\n"), ("r.toml", 'name = "a"\n'), ("r.json", '{"name": "a"}')):
        with pytest.raises(RegistryError, match="is one entry and no list"):
            _edit(tmp_path, name, content, ADDED)


def test_a_workbook_keeps_what_people_made_of_it(tmp_path: Path) -> None:
    """Styles, widths, filter, comments, other sheets and their formulas survive; a new row looks like the one above."""
    path = tmp_path / "r.xlsx"
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Accounts"
    for row in (["id", "identities", "owner"], ["1", "a", "x"], ["2", "b", "y"]):
        sheet.append(row)
    sheet["A3"].font = Font(bold=True, color="FFFF0000")
    sheet["B2"].comment = Comment("ask Ada", "Bob")
    sheet.column_dimensions["B"].width = 44
    sheet.auto_filter.ref = "A1:C3"
    other = book.create_sheet("Sums")
    other["A1"] = "=COUNTA(Accounts!A2:A3)"
    book.save(path)

    hostile = Edit(cells={"id": "3", "identities": ("=cmd",), "owner": ("x",), "purpose": "_x0041_", "team": "#N/A"})
    after = openpyxl.load_workbook(io.BytesIO(edited(open_rows(path), [UPDATE, hostile])))

    sheet = after["Accounts"]
    assert (sheet["C2"].value, sheet["D2"].value.date()) == ("ada@example.com; a\\;b", date(2027, 1, 31))
    assert (sheet["B4"].value, sheet["B4"].data_type, sheet["E4"].value) == ("'=cmd", "s", "_x005F_x0041_")
    assert (sheet["F4"].value, sheet["F4"].data_type) == ("#N/A", "s")
    assert (sheet["A4"].font.b, sheet["A4"].font.color.rgb) == (True, "FFFF0000")
    assert (sheet["B2"].comment.text, sheet.column_dimensions["B"].width) == ("ask Ada", 44)
    assert (sheet.auto_filter.ref, after["Sums"]["A1"].value) == ("A1:C4", "=COUNTA(Accounts!A2:A3)")


def test_a_workbook_that_would_lose_content_is_refused(tmp_path: Path) -> None:
    """A picture, for example, which could not be restored."""
    path = tmp_path / "r.xlsx"
    path.write_bytes(edited(blank(path), [ADDED]))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/media/image1.png", b"picture")

    with pytest.raises(RegistryError, match="cannot be saved without a loss: it holds media"):
        edited(open_rows(path), [UPDATE])


def test_a_text_too_long_for_a_cell_is_refused(tmp_path: Path) -> None:
    """Excel would cut it in silence."""
    path = tmp_path / "r.xlsx"

    with pytest.raises(RegistryError, match="at most 32767"):
        edited(blank(path, ("purpose",)), [Edit(cells={"purpose": "x" * 32_768})])


def _table(tmp_path: Path, *, totals: bool) -> Path:
    """A workbook whose list is an Excel table, with or without a row of totals."""
    from openpyxl.worksheet.table import Table, TableColumn

    book = openpyxl.Workbook()
    cells = book.worksheets[0]
    for row in (("id", "identities", "rotation"), ("A1", "svc-a", 90), ("A2", "svc-b", 30)):
        cells.append(row)
    if totals:
        cells.append(("Total", None, "=SUBTOTAL(109,C2:C3)"))
    table = Table(displayName="Registry", ref="A1:C4" if totals else "A1:C3", totalsRowCount=1 if totals else None)
    names = enumerate(("id", "identities", "rotation"), start=1)
    table.tableColumns = [TableColumn(id=number, name=name) for number, name in names]
    cells.add_table(table)
    path = tmp_path / "registry.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize("totals", [False, True], ids=["plain", "with totals"])
def test_an_excel_table_grows_with_its_rows_and_columns(tmp_path: Path, totals: bool) -> None:
    """The new row and column are in the table, and a total stays below it and sums up the new row, too."""
    path = _table(tmp_path, totals=totals)

    path.write_bytes(edited(open_rows(path), [Edit(cells={"id": "A3", "identities": ("svc-c",), "owner": ("ada@x",)})]))

    sheet = openpyxl.load_workbook(path).worksheets[0]
    table = sheet.tables["Registry"]
    assert table.ref == ("A1:D5" if totals else "A1:D4")
    assert [column.name for column in table.tableColumns] == ["id", "identities", "rotation", "owner"]
    assert [cell.value for cell in sheet[4]] == ["A3", "svc-c", None, "ada@x"]
    assert [cell.value for cell in sheet[5]][:3] == (
        ["Total", None, "=SUBTOTAL(109,C2:C4)"] if totals else [None, None, None]
    )
    assert [row.line for row in open_rows(path).rows] == [2, 3, 4]
