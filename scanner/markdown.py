"""Untrusted text in Markdown: escaped, so that it is never markup, a mention or a link."""

from __future__ import annotations

import re

from scanner.text import printable

# In CommonMark a backslash before punctuation makes it text. Only characters with a meaning in their place are escaped
# so that identities stay readable: an underscore is markup at the edge of a word, ``-`` and ``1.`` begin a list
# at the start of a line, and ``://`` and ``www.`` are what GitHub makes a link of.
_COULD_BE_MARKUP = re.compile(
    r"[#$&*<>\[\\\]`|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.|^[-+=]", re.IGNORECASE
)
# GitHub finds these in the rendered text, without backslashes: mentions, addresses, numbers of issues.
_COULD_BE_REFERENCE = re.compile(r"(@|#|\bGH-)(?=\\?\w)", re.IGNORECASE)
_WORD_JOINER = "\u2060"
_NUMBER_OF_LIST = re.compile(r"^(\d+)([.)])")


def escaped(text: str) -> str:
    """The text on one line, escaped for any place in Markdown, also for table cells. Blanks are collapsed."""
    line = re.sub(" +", " ", printable(text)).strip()
    return _NUMBER_OF_LIST.sub(r"\1\\\2", _COULD_BE_MARKUP.sub(r"\\\g<0>", line))


def unlinked(text: str) -> str:
    """Escaped text in which ``@team`` mentions no team and ``#1`` does not link: an invisible character splits them."""
    return _COULD_BE_REFERENCE.sub(rf"\1{_WORD_JOINER}", escaped(text))


def code(text: str) -> str:
    """The text as code, to copy as it is, except ``|`` and backticks, which end cells and code."""
    line = printable(text).strip().replace("`", r"\x60").replace("|", r"\x7c")
    return f"`{line}`" if line else ""
