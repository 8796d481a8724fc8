"""Text from outside, made harmless; lists, made short."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.text import cut, few, printable, without_surrogates


@given(st.text(st.characters()))
def test_nothing_that_acts_on_a_terminal_survives(text: str) -> None:
    """Escapes, line breaks, right-to-left overrides and lone surrogates become visible."""
    shown = printable(text)

    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def test_ordinary_text_stays_as_it_is() -> None:
    """Other scripts are no attack."""
    assert printable("größe-日本 ok") == "größe-日本 ok"


def test_private_use_is_shown() -> None:
    """What looks like another name in every font, or like nothing, is no part of a name that someone reads."""
    assert printable("bot\ue000 \U000f0000") == "bot\\ue000 \\U000f0000"


def test_an_escape_is_shown() -> None:
    """A reader sees that something was there."""
    assert printable("\x1b[2Jx\u202e") == "\\x1b[2Jx\\u202e"


@given(st.text(st.characters()))
def test_any_text_can_be_encoded(text: str) -> None:
    """A lone surrogate does not end a report."""
    without_surrogates(text).encode("utf-8")


@pytest.mark.parametrize(("text", "expected"), [("x" * 5, "xxxxx"), ("x" * 6, "xxxx…"), ("xxx\n", "xxx\\n")])
def test_a_cut_text_is_never_longer_than_the_maximum(text: str, expected: str) -> None:
    """The dots count, and so do characters that are only visible once they are escaped."""
    assert cut(text, 5) == expected


@pytest.mark.parametrize(
    ("texts", "separator", "expected"),
    [
        ([], ", ", ""),
        (["a", "b"], ", ", "a, b"),
        (["a", "b", "c"], ", ", "a, b and 1 more"),
        (["a", "b", "c"], "; ", "a; b; and 1 more"),
        (["a"] * 1202, ", ", "a, a and 1,200 more"),
    ],
)
def test_a_long_list_shows_how_many_texts_are_missing(texts: list[str], separator: str, expected: str) -> None:
    """Nothing is left out without its number, which has separators of thousands."""
    assert few(texts, 2, separator) == expected
