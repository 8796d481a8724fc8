"""A kind of secret, as a pattern behind keywords."""

from __future__ import annotations

import re
from typing import NamedTuple


class Shape(NamedTuple):
    """A kind of secret. ``keywords``: a text without any of them has no such secret.

    ``pattern``: group 1 is the secret, or the whole match without a group. ``guessable``: people choose such secrets,
    so even a hash would reveal them.
    """

    id: str
    keywords: tuple[str, ...]
    pattern: str
    guessable: bool = False


# In JSON within JSON, the n of an escaped ``\\n`` is not part of the word that follows.
START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
END = r"(?![A-Za-z0-9])"


def word(beginning: str, but: str = "") -> str:
    """Return a pattern for the beginning of a word. ``but``: characters that count as letters.

    It begins with the literal and looks behind it afterwards, because ``re`` searches for a literal prefix much faster.
    """
    literal = re.escape(beginning)
    return rf"{literal}(?:(?<![A-Za-z0-9{but}]{literal})|(?<=\\[nrt]{literal}))"
