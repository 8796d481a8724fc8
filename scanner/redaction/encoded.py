"""Finds base64 in which a secret is: a token, a key file or a list with a password, wherever it begins within.

Three characters become four, so a text has three codes, by where it begins. Those of the keywords are searched for, and
what is around one is decoded and judged as plain text.
"""

from __future__ import annotations

import base64
import binascii
import re
import string
from collections.abc import Iterator

_SHORTEST = 4
"""The shortest code of a keyword, in characters, that is searched for: shorter ones are in too many texts."""
DECODED = 2048
"""Characters that are decoded after a keyword."""
OVERLAP = 512
"""Of these, so many are decoded again for the next keyword, so that a secret at their end is seen whole."""
_BEFORE = 128
"""Characters that are decoded before a keyword."""
_CHARACTERS = f"{string.ascii_letters}{string.digits}+/_-"
_RUN = re.compile(rf"[\w+/-]{{8,{DECODED}}}", re.ASCII)
# A line goes on in the next if it is long, as in a key file.
_REST = re.compile(r"[\w+/-]*(?:(?<=[\w+/-]{40})(?:\r?\n|\\r\\n|\\n)[ \t]{0,40}[\w+/-]+)*={0,2}", re.ASCII)
_TO_URL_SAFE = str.maketrans("+/", "-_")
_FROM_URL_SAFE = str.maketrans("-_", "+/")


def codes(keyword: str) -> Iterator[tuple[str, int]]:
    """Yield the codes of a keyword, each with the number of characters between the begin of a group of four and it."""
    for before in range(3):
        code = base64.b64encode(b"\0" * before + keyword.encode()).decode()
        lead = -(-before * 8 // 6)
        code = code[lead : (before + len(keyword)) * 8 // 6]
        if len(code) >= _SHORTEST:
            yield code, lead
            yield code.translate(_TO_URL_SAFE), lead


def decoded(text: str, group: int) -> str:
    """Return what the base64 around a place says, as far as it is needed. ``group``: where a group of four begins."""
    first = group if group >= 0 else group + 4
    # A keyword may be within a token.
    before = text[max(0, first - _BEFORE) : first]
    run = _RUN.match(text, first - (len(before) - len(before.rstrip(_CHARACTERS))) // 4 * 4)
    if run is None:
        return ""
    code = run[0].translate(_FROM_URL_SAFE)
    try:
        whole = code[:-1] if len(code) % 4 == 1 else code
        return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("latin-1")
    except binascii.Error:
        return ""


def extent(text: str, at: int, done: int) -> tuple[int, int]:
    """Return start and end of the base64 around a place; it starts at ``done`` or later."""
    start = at
    while start > done:
        some = text[max(done, start - DECODED) : start]
        start -= len(some) - len(kept := some.rstrip(_CHARACTERS))
        if kept:
            break
    rest = _REST.match(text, at)
    return start, rest.end() if rest else at
