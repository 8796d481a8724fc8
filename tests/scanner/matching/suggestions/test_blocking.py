"""Which names are worth comparing: the same idea with vectors and without."""

from __future__ import annotations

import random

import pytest

from scanner.matching.suggestions.blocking import CANDIDATES, Pool, Words
from scanner.matching.suggestions.trigrams import Trigrams

Index = type[Trigrams] | type[Words]
SEARCHES = [pytest.param(Trigrams, id="vectors"), pytest.param(Words, id="plain")]

_RANDOM = random.Random(5)  # noqa: S311  # names, not secrets
WORDS = ["".join(_RANDOM.choices("abcdefghijklmnop", k=6)) for _ in range(120)]
POOL = sorted({f"svc {' '.join(_RANDOM.sample(WORDS, 2))} prod" for _ in range(3_000)})
ASKED = sorted(f"{name.split()[2]} {name.split()[1][:-1]} v2" for name in POOL[::60])


@pytest.mark.parametrize("index", SEARCHES)
def test_a_renamed_partner_is_among_the_few(index: Index) -> None:
    """Words reordered, a letter and a word lost, a version added: still found among three thousand."""
    found = list(index(POOL).nearest(ASKED, CANDIDATES))
    partners = [
        any(set(asked.split()[:1]) < set(POOL[position].split()) for position in positions)
        for asked, positions in zip(ASKED, found, strict=True)
    ]

    assert all(partners)
    assert all(len(positions) <= CANDIDATES for positions in found)


@pytest.mark.parametrize("index", SEARCHES)
def test_each_name_is_answered_as_if_it_asked_alone(index: Index) -> None:
    """How many ask at once changes memory and time, never an answer."""
    alone = [next(index(POOL).nearest([asked], 5)) for asked in ASKED]

    assert list(index(POOL).nearest(ASKED, 5)) == alone


@pytest.mark.parametrize("index", SEARCHES)
def test_the_order_of_words_does_not_matter(index: Index) -> None:
    """Not even where one word ends and the next begins."""
    pool = ["alpha beta", "aa bb", "beta alpha"]

    assert list(index(pool).nearest(["alpha beta", "beta alpha"], 5)) == [[0, 2], [0, 2]]


@pytest.mark.parametrize("index", SEARCHES)
def test_names_without_a_trigram_in_common_are_not_near(index: Index) -> None:
    """Other alphabets, single letters and empty names included."""
    asked = ["qqq", "\u652f\u6255", "x", ""]

    assert list(index(["alpha beta", "gamma"]).nearest(asked, 5)) == [[], [], [], []]


def test_an_equal_name_is_always_near() -> None:
    """Also if its words are too common to count, or are written as one."""
    pool = sorted([*(f"svc payments {number}" for number in range(30_000)), "svc payments"])

    assert next(Pool(pool).nearest(["svcpayments"]))[0] == "svc payments"


@pytest.mark.parametrize(("asked", "pool"), [([], ["a"]), (["a"], []), ([], [])])
def test_nothing_to_compare_is_no_work(asked: list[str], pool: list[str]) -> None:
    """Every name that asks gets an answer, if only an empty one."""
    assert list(Pool(pool).nearest(asked)) == [[] for _ in asked]
