"""Rows that mean an identity under another name: a colleague would ask, and a suggestion should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

from benchmarks.companies.estate import BARE, Estate, Principal
from benchmarks.companies.shapes import Cells, placed
from benchmarks.companies.words import Words

Change: TypeAlias = Callable[[Estate, Words, Random], tuple[Principal, Cells]]


def _of_words(estate: Estate, table: Mapping[str, str]) -> tuple[str, str]:
    """A pair with a word from the table."""
    while True:
        pair = estate.pair()
        if not table.keys().isdisjoint(pair):
            return pair


def _put(name: str, table: Mapping[str, str], pair: tuple[str, str]) -> str:
    for word in pair:
        if word in table:
            other = table[word]
            name = name.replace(word, other).replace(word.capitalize(), other.capitalize())
    return name


def _by_table(which: Callable[[Words], Mapping[str, str]]) -> Change:
    def change(estate: Estate, words: Words, rng: Random) -> tuple[Principal, Cells]:
        table = which(words)
        one = estate.new(rng.choice(BARE), pair=_of_words(estate, table))
        return one, placed(_put(one.name, table, one.words), one)

    return change


def _mistyped(estate: Estate, _words: Words, rng: Random) -> tuple[Principal, Cells]:
    """Two letters of the longer word in the wrong order, or one left out."""
    one = estate.new(rng.choice(BARE))
    word = max(one.words, key=len)
    at = rng.randrange(1, len(word) - 2)
    swapped = f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"
    wrong = swapped if swapped != word and rng.random() < 0.5 else word[:at] + word[at + 1 :]
    return one, placed(_put(one.name, {word: wrong}, one.words), one)


def _restyled(estate: Estate, _words: Words, rng: Random) -> tuple[Principal, Cells]:
    """The same words by another convention."""
    one = estate.new(rng.choice(BARE))
    subject, task = one.words
    styles = (
        f"{task}_{subject}",
        f"{subject}.{task}.svc",
        f"{subject.upper()}-{task.upper()}-01",
        f"T-{subject}{task.capitalize()}",
    )
    return one, placed(rng.choice(styles), one)


def _moved(estate: Estate, words: Words, _rng: Random) -> tuple[Principal, Cells]:
    """A directory account that was moved to another unit since."""
    one = estate.new("directory")
    return one, Cells(f"CN={one.name},OU=2019,OU=Archiv,{words.directory}")


def _renamed(estate: Estate, _words: Words, _rng: Random) -> tuple[Principal, Cells]:
    """A directory account that is listed with a slip in its distinguished name."""
    one = estate.new("directory")
    subject = one.words[0]
    return one, Cells(
        one.key.replace(subject, subject[:-2] + subject[-1]).replace(subject.capitalize(), subject.capitalize()[:-1])
    )


CHANGES: Mapping[str, Change] = {
    "shortened": _by_table(lambda words: words.shortened),
    "translated": _by_table(lambda words: words.translated),
    "mistyped": _mistyped,
    "by another convention": _restyled,
    "moved in the directory": _moved,
    "a slip in its distinguished name": _renamed,
}
