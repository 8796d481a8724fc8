"""Text from outside as text in Markdown: no markup, no link, no HTML, no line of its own."""

from __future__ import annotations

import re

from scanner.text import printable

# In CommonMark a backslash before punctuation makes it text. Escaped is only what could be something else where it
# stands, so that identities stay readable: an underscore is markup at the edge of a word, ``-`` and ``1.`` begin a list
# at the start of a line, and ``://`` and ``www.`` are what GitHub makes a link of.
_COULD_BE_MARKUP = re.compile(
    r"[#$&*<>\[\\\]`|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.|^[-+=]", re.IGNORECASE
)
# GitHub looks for these in what a reader sees, after backslashes have gone: mentions, addresses, numbers of issues.
_COULD_BE_REFERENCE = re.compile(r"(@|#|\bGH-)(?=\\?\w)", re.IGNORECASE)
_WORD_JOINER = "\u2060"
_NUMBER_OF_LIST = re.compile(r"^(\d+)([.)])")


def escaped(text: str) -> str:
    """The text on one line, to stand anywhere in Markdown, in a table's cell, too; runs of blanks become one."""
    line = re.sub(" +", " ", printable(text)).strip()
    return _NUMBER_OF_LIST.sub(r"\1\\\2", _COULD_BE_MARKUP.sub(r"\\\g<0>", line))


def unlinked(text: str) -> str:
    """The same, and neither ``@team`` nor ``#1`` in it calls anybody or leads anywhere: they are held apart unseen."""
    return _COULD_BE_REFERENCE.sub(rf"\1{_WORD_JOINER}", escaped(text))


def code(text: str) -> str:
    """The text as code, so that it can be copied as it is: but ``|`` and backticks, which end cells and code."""
    line = printable(text).strip().replace("`", r"\x60").replace("|", r"\x7c")
    return f"`{line}`" if line else ""
