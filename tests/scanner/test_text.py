"""Text from outside, made harmless."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from scanner.text import printable, without_surrogates


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
