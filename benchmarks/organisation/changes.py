"""How a name comes to differ from what the registry says: it was changed since, or never written down right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TypeAlias

from benchmarks.organisation.truth import Change
from benchmarks.organisation.workloads import STYLES

Words: TypeAlias = Sequence[str]
_ABBREVIATED = {
    "payments": "pay", "analytics": "anl", "logistics": "logi", "platform": "plat", "catalog": "cat", "worker": "wrk",
    "publisher": "pub", "monitor": "mon", "notifier": "notif", "invoice": "inv", "checkout": "chk", "reports": "rpt",
}  # fmt: skip
_SPELLED_OUT = {"prod": "production", "dev": "development", "staging": "stage", "test": "testing"}
_BESIDE = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopqsdfghjklaxcvbnmz", strict=True))


def _swapped(word: str, at: int) -> str:
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


RENAMES: Mapping[str, Callable[[list[str]], Words]] = {
    "environment spelled otherwise": lambda words: [_SPELLED_OUT.get(word, word) for word in words],
    "version added": lambda words: [*words, "v2"],
    "region added": lambda words: [*words[:-1], "eu", words[-1]],
    "word dropped": lambda words: [words[0], *words[2:]],
    "words reordered": lambda words: [words[1], words[0], *words[2:]],
    "abbreviated": lambda words: [_ABBREVIATED.get(word, word) for word in words],
    "only the style": lambda words: words,
}
TYPOS: Mapping[str, Callable[[str, int], str]] = {
    "letters swapped": _swapped,
    "letter dropped": lambda word, at: word[:at] + word[at + 1 :],
    "letter doubled": lambda word, at: word[:at] + word[at] + word[at:],
    "key beside it": lambda word, at: word[:at] + _BESIDE.get(word[at], "x") + word[at + 1 :],
}


def _renamed(words: Words, rng: Random) -> str:
    before = STYLES["svc-kebab"](words)
    while (after := rng.choice(list(STYLES.values()))(RENAMES[rng.choice(list(RENAMES))](list(words)))) == before:
        pass
    return after


def _mistyped(words: Words, rng: Random) -> str:
    before = STYLES["svc-kebab"](words)
    longest = max(words, key=len)
    typo = TYPOS[rng.choice(list(TYPOS))]
    while (wrong := typo(longest, rng.randrange(1, len(longest) - 1))) == longest:
        pass
    return before.replace(longest, wrong)


CHANGED: Mapping[Change, Callable[[Words, Random], str]] = {"renamed": _renamed, "mistyped": _mistyped}
"""From a workload's words to the other name; the one it began as is in the style ``svc-kebab``."""
