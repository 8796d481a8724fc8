"""The roster of a company, and cells that name its people: each in the forms of its language."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from random import Random
from typing import NamedTuple, TypeAlias, get_args

from msgspec import Struct

from benchmarks.companies.dates import day
from benchmarks.companies.words import Standing, Words

TWICE = 3
"""So many full names are those of two people."""


class Member(Struct, frozen=True, kw_only=True):
    """Somebody on the roster. ``plain``: first and last name in ASCII. ``word``: the status as it is written."""

    number: str
    first: str
    last: str
    plain: tuple[str, str]
    mail: str
    login: str
    team: str
    standing: Standing
    word: str
    left: date | None
    shared: bool = False
    """Somebody else has the same name."""


class Staff:
    """Everybody on the roster. ``here``: those who may own, each with a name of their own."""

    def __init__(self, words: Words, rng: Random, size: int = 80) -> None:
        self._words = words
        self._rng = rng
        self.everybody: list[Member] = []
        names = [(first, last) for first in words.people.first for last in words.people.last]
        rng.shuffle(names)
        again = size - TWICE
        for number, (first, last) in enumerate([*names[:again], *names[:TWICE]]):
            self.everybody.append(
                self._member(
                    number, first, last, again="2" if number >= again else "", shared=not TWICE <= number < again
                )
            )
        self.here = [one for one in self.everybody if one.standing == "active" and not one.shared]
        self.gone = [one for one in self.everybody if one.standing == "left" and not one.shared]
        self.shared = [one for one in self.everybody if one.shared]

    def _member(self, number: int, first: str, last: str, *, again: str, shared: bool) -> Member:
        words, rng = self._words, self._rng
        shown_first, _, plain_first = first.partition("=")
        shown_last, _, plain_last = last.partition("=")
        others: tuple[Standing, ...] = get_args(Standing)
        standing: Standing = "active" if shared else rng.choices(others, (12, 1, 1, 3))[0]
        year = {"leaving": rng.randint(2031, 2034), "left": rng.randint(2016, 2023)}.get(standing)
        return Member(
            number=f"{number * 37 + 1003:08d}",
            first=shown_first,
            last=shown_last,
            plain=(plain_first, plain_last),
            mail=f"{plain_first}.{plain_last}{again}@{words.domain}",
            login=f"{plain_last[:6]}{plain_first[:2]}{number}",
            team=rng.choice(words.people.teams),
            standing=standing,
            word=rng.choice(words.roster.statuses[standing]),
            left=None if year is None else date(year, rng.randint(1, 12), rng.randint(1, 28)),
            shared=shared,
        )

    def name(self, one: Member) -> str:
        """In full, in the order of the language."""
        return f"{one.last} {one.first}" if self._words.people.family_first else f"{one.first} {one.last}"

    def manager(self, one: Member) -> str:
        """The name of somebody who leads the same team: the first of it who is here."""
        return next(self.name(other) for other in self.here if other.team == one.team or other is self.here[-1])

    def rows(self, *, typed: bool) -> Iterator[Mapping[str, object]]:
        """The rows of the roster, by column. ``typed``: the file can hold dates."""
        words, rng = self._words, self._rng
        for one in self.everybody:
            row: dict[str, object] = {
                "number": one.number,
                "first": one.first,
                "last": one.last,
                "name": self.name(one),
                "mail": one.mail,
                "login": one.login,
                "team": one.team,
                "manager": self.manager(one),
                "status": one.word,
                "left": rng.choice(("", "", "-")) if one.left is None else day(one.left, words, rng, typed=typed),
            }
            yield {column: row[column] for column in words.roster.headings}


class Cell(NamedTuple):
    """What an owner cell is made from: the owner and somebody else."""

    staff: Staff
    one: Member
    other: Member
    words: Words
    rng: Random

    @property
    def name(self) -> str:
        """The owner's, in full."""
        return self.staff.name(self.one)

    def of(self, forms: Sequence[str]) -> str:
        """The owner in one of these forms."""
        return self.rng.choice(forms).format(
            self.name, name=self.name, team=self.one.team, other=self.staff.name(self.other)
        )

    @property
    def in_ascii(self) -> str:
        """The name without accents, or in Latin letters."""
        if self.words.people.family_first:
            return " ".join(map(str.capitalize, self.one.plain))
        return "".join(char for char in unicodedata.normalize("NFD", self.name) if not unicodedata.combining(char))


Form: TypeAlias = Callable[[Cell], str]
UNDERSTOOD: Mapping[str, Form] = {
    "mail": lambda cell: cell.one.mail,
    "MAIL": lambda cell: cell.one.mail.upper(),
    "name": lambda cell: cell.name,
    "last, first": lambda cell: f"{cell.one.last}, {cell.one.first}",
    "LAST first": lambda cell: f"{cell.one.last.upper()} {cell.one.first}",
    "with a title": lambda cell: cell.of(cell.words.people.titles),
    "name (team)": lambda cell: cell.words.noted(cell.name, cell.one.team),
    "Team X (name)": lambda cell: cell.of(cell.words.people.team_first),
    "name <mail>": lambda cell: f"{cell.name} <{cell.one.mail}>",
    "personnel number": lambda cell: cell.one.number,
    "number without zeros": lambda cell: cell.one.number.lstrip("0"),
    "name (number)": lambda cell: cell.words.noted(cell.name, cell.one.number),
    "DOMAIN\\login": lambda cell: f"{cell.words.netbios}\\{cell.one.login}",
    "without a blank": lambda cell: cell.name.replace(" ", ""),
    "without accents": lambda cell: cell.in_ascii,
    "with a number to call": lambda cell: cell.of(cell.words.people.with_more),
    "with a deputy": lambda cell: cell.of(cell.words.people.deputy),
    "two names": lambda cell: cell.rng.choice((" / ", cell.words.joined, "\n", " & ")).join(
        (cell.name, cell.staff.name(cell.other))
    ),
}
"""Forms that leave no doubt who is meant."""
EITHER = "two names"
"""The form in which both people are owners."""

OTHERS: Mapping[str, Form] = {
    "a placeholder": lambda cell: cell.rng.choice(cell.words.people.placeholders),
    "a name of two people": lambda cell: cell.staff.name(cell.rng.choice(cell.staff.shared)),
    "somebody who left": lambda cell: cell.staff.name(cell.rng.choice(cell.staff.gone)),
    "somebody unknown": lambda cell: cell.rng.choice(("Xaver Quint", "Quint, Xaver", "X. Quint (Extern)")),
    "only a first name": lambda cell: cell.rng.choice(cell.staff.shared).first,
}
"""Forms that must not resolve to a person."""
