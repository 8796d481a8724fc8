"""Text that PostgreSQL takes: nothing is lost, and nothing changes places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.store.postgres_text import escape, escaped, unescape

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\x01\x02"))


@given(texts)
def test_nothing_is_lost(text: str) -> None:
    """What is stored is what PostgreSQL takes, and comes back as it was."""
    assert "\0" not in escape(text)
    assert unescape(escape(text)) == text


@given(texts, texts)
def test_order_stays(one: str, other: str) -> None:
    """Stored texts sort as the texts do, and are equal only where these are."""
    assert (escape(one) < escape(other)) == (one < other)
    assert (escape(one) == escape(other)) == (one == other)


def test_only_what_needs_it_is_made_anew() -> None:
    """Rows of plain text go through as they are."""
    rows = [("key", 1, None, "{}"), ("other", 1, None, "{}")]

    assert escaped(rows) is rows
    assert list(escaped([*rows, ("a\0b", 1, None, "{}")])) == [*rows, ("a\x01\x01b", 1, None, "{}")]
