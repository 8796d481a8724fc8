"""Values written down so that they are read as the same."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.globs import is_pattern, literal
from scanner.matching.ladder import match
from scanner.registry.editing.values import can_be_written, joined, list_items, literal_identity, read_value, sheet_cell
from scanner.registry.tables.cells import read_list
from tests.factories import NOW, make_entry, make_identity

KEYS = st.text(st.sampled_from("ab*;\\/:") | st.characters(exclude_categories=["C", "Z"]), min_size=1)


@given(KEYS)
def test_an_identity_is_itself_and_no_pattern(key: str) -> None:
    """With any stars and backslashes in a key, an entry that names it matches only this key."""
    text = literal_identity(key)

    assert (literal(text), is_pattern(text)) == (key, False)


@given(st.lists(KEYS, min_size=1, max_size=4, unique=True))
def test_lists_come_back_from_a_cell_and_from_a_document(keys: list[str]) -> None:
    """Separators and escapes within items differ from those between items."""
    items = tuple(map(literal_identity, keys))

    assert read_list(joined(items)) == read_list(list_items(items)) == items


def test_the_registry_finds_what_was_escaped() -> None:
    """The most hostile key is registered by its own entry, by the strongest rung, and by no other."""
    identity = make_identity("x", key="a\\*;b**")
    entry = make_entry(literal_identity(identity.key))
    verdict = match([identity, make_identity("y", key="a\\zz;b")], [entry], tag_keys=(), today=NOW.date()).verdicts

    assert (verdict[identity.key].rung, verdict["a\\zz;b"].state) == ("key", "unregistered")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param("=1+1", "'=1+1", id="formula"),
        pytest.param("'=1", "''=1", id="formula that was neutralised already"),
        pytest.param(("a", "=b"), "a;' =b", id="formula as a later item"),
        pytest.param(("CORP\\svc",), "CORP\\svc", id="a backslash that escapes nothing"),
        pytest.param(True, "yes", id="yes"),
        pytest.param(90, 90, id="number"),
        pytest.param(date(2026, 1, 2), date(2026, 1, 2), id="day"),
    ],
)
def test_cells_are_safe_and_plain(value: str | int | tuple[str, ...], cell: str | int) -> None:
    """Nothing in a cell can be taken for a formula, and nothing is escaped that needs no escape."""
    assert sheet_cell(value) == cell


@pytest.mark.parametrize(
    ("value", "sheet", "document"),
    [
        pytest.param(("a\nb",), False, True, id="a line break parts a cell's items"),
        pytest.param((" a",), False, False, id="blanks around an item"),
        pytest.param(("a\u2029",), False, False, id="nor is any other white space there"),
        pytest.param(("\u2028",), False, False, id="nothing but white space"),
        pytest.param(("1.2E+10",), False, False, id="looks like a number that lost digits"),
        pytest.param("a\0", False, False, id="NUL"),
        pytest.param("two\nlines", True, True, id="a text of two lines"),
    ],
)
def test_what_cannot_be_written_is_known_beforehand(value: str | tuple[str, ...], sheet: bool, document: bool) -> None:
    """A name that imitates another is not declared."""
    assert [can_be_written(value, in_sheet=in_sheet) for in_sheet in (True, False)] == [sheet, document]


def test_each_column_is_read_as_what_it_holds() -> None:
    """Lists, dates, numbers, yes and no; unknown columns are text."""
    assert read_value("owner", "a; b") == ("a", "b")
    assert read_value("expires", "2026-01-02") == date(2026, 1, 2)
    assert read_value("expires", "02/01/2026", "day-first") == date(2026, 1, 2)
    assert read_value("max_credential_age", "90 days") == 90
    assert read_value("human_in_the_loop", "x") is True
    assert read_value(None, 5.0) == "5"
    assert read_value("owner", " ") is None
