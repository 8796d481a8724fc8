"""Which of some names the path of a file has, as a whole (pure).

A listing without rows, or a policy, does not say of what it is; the path of its file may. A name counts only where
nothing but neutral words is beside it: ``app`` is no name in ``my-app``, unless ``my`` is such a word.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = re.compile(r"[A-Za-z0-9]+")
_EXTENSION = re.compile(r"\.(?:json|jsonl|ndjson|ya?ml|txt)$", re.IGNORECASE)
_LONGEST = 255
"""The longest part of a path that is looked at, which is the longest name of a file."""


def parts_of(file: str) -> list[str]:
    """The folders of a path, and the file's own name without its extension."""
    *folders, name = file.replace("\\", "/").split("/")
    return [*(one for one in folders if one not in ("", ".")), _EXTENSION.sub("", name)]


def words_in(part: str) -> list[str]:
    """The words of a part of a path, in lower case."""
    return [word.lower() for word in _WORD.findall(part[:_LONGEST])]


def is_neutral(part: str, neutral: Collection[str]) -> bool:
    """Whether a part has nothing but neutral words, numbers and dates."""
    return all(_is_neutral(word, neutral) for word in words_in(part))


def exact(part: str, names: Collection[str], neutral: Collection[str]) -> str | None:
    """The longest of some names in one part of a path beside which there are only neutral words."""
    part = part[:_LONGEST]
    spans = [found.span() for found in _WORD.finditer(part)]
    others = [at for at, (start, end) in enumerate(spans) if not _is_neutral(part[start:end].lower(), neutral)]
    first, last = (others[0], others[-1]) if others else (len(spans) - 1, 0)
    found = (
        part[spans[start][0] : spans[end][1]]
        for start in range(first + 1)
        for end in range(max(last, start), len(spans))
    )
    return max((name for name in found if name in names), key=len, default=None)


def named_in(file: str, names: Collection[str], neutral: Collection[str]) -> str | None:
    """The name in a path: in its last part that is not made of neutral words alone."""
    for part in reversed(parts_of(file)):
        name = exact(part, names, neutral)
        if name or not is_neutral(part, neutral):
            return name
    return None


def without(text: str, name: str) -> str:
    """A text without a name in it."""
    return text.replace(name, "", 1) if name else text


def _is_neutral(word: str, neutral: Collection[str]) -> bool:
    return word in neutral or word.rstrip("tz").replace("t", "").isdigit()
