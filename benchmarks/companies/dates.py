"""Dates as cells of a list, in the language of the company, with the day that each means."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from random import Random
from typing import Literal, NamedTuple, TypeAlias

from benchmarks.companies.words import Words

REIWA = 2018
"""The year before the first of the era."""
Kind: TypeAlias = Literal["day", "month", "endless", "unreadable", "typed", "empty"]


class Dated(NamedTuple):
    """``means``: the day, None without one; of an unreadable cell, nothing is known."""

    cell: object
    kind: Kind
    means: date | None


def day(when: date, words: Words, rng: Random, *, typed: bool) -> object:
    """The day as a cell; ``typed``: the file can hold dates, and half of them are."""
    if typed and rng.random() < 0.5:
        return when
    forms = [form for form in words.dates.days if "reiwa" not in form or when.year > REIWA + 1]
    return _written(rng.choice(forms), when, words)


def end(words: Words, rng: Random, *, typed: bool, years: tuple[int, int]) -> Dated:
    """An end in one of these years, in any form that such a column has."""
    kinds: tuple[Kind, ...] = ("day", "day", "day", "month", "endless", "unreadable", "empty")
    kind = rng.choice((*kinds, "typed") if typed else kinds)
    when = date(rng.randint(*years), rng.randint(1, 12), rng.randint(13, 28))
    if kind == "day":
        return Dated(day(when, words, rng, typed=False), kind, when)
    if kind == "typed":
        return Dated(when, kind, when)
    if kind == "month":
        last = when.replace(day=monthrange(when.year, when.month)[1])
        return Dated(_written(rng.choice(words.dates.of_months), last, words), kind, last)
    if kind == "endless":
        return Dated(rng.choice(words.dates.endless), kind, None)
    return Dated(rng.choice(words.dates.unreadable) if kind == "unreadable" else "", kind, None)


def _written(form: str, when: date, words: Words) -> str:
    month = words.dates.months[when.month - 1]
    return form.format(d=when.day, m=when.month, y=when.year, month=month, reiwa=when.year - REIWA)
