"""What a company writes, in its language: the tables of ``words/``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from scanner.model import EntryStatus

_FOLDER = Path(__file__).parent / "words"
LANGUAGES = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))

Standing: TypeAlias = Literal["active", "resting", "leaving", "left"]
"""Of a person; ``resting``: on leave, and neither here nor gone."""


class RegistryWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``title``: rows above the headings. ``cover``: name and rows of a sheet before it. ``legend``: that behind it.

    ``sections``: rows between rows. ``total``: the word before their number, in the last row. ``offset``: so many
    columns are empty.
    """

    file: str
    sheet: str = "Sheet1"
    title: tuple[str, ...]
    cover: tuple[str, ...]
    sections: tuple[str, ...]
    total: str
    legend: str = "?"
    offset: int = 0
    headings: Mapping[str, str]
    statuses: Mapping[EntryStatus, tuple[str, ...]]


class DateWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Forms of a day and of a whole month, and cells that are no date: without an end, and unreadable."""

    days: tuple[str, ...]
    of_months: tuple[str, ...]
    endless: tuple[str, ...]
    unreadable: tuple[str, ...]
    months: tuple[str, ...]


class RosterWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The roster's file; its headings have ``name``, or ``first`` and ``last``."""

    file: str
    title: tuple[str, ...]
    headings: Mapping[str, str]
    statuses: Mapping[Standing, tuple[str, ...]]


class PeopleWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names as they are written, with their ASCII form after ``=``, and what owner cells say around them."""

    family_first: bool = False
    first: tuple[str, ...]
    last: tuple[str, ...]
    teams: tuple[str, ...]
    titles: tuple[str, ...]
    team_first: tuple[str, ...]
    with_more: tuple[str, ...]
    deputy: tuple[str, ...]
    placeholders: tuple[str, ...]


class Words(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"and_": "and", "or_": "or", "except_": "except"},
):
    """A company's words. ``keep``: notes that say nothing of the state; ``state``: notes that do.

    ``between``: how *and* joins two names. ``comma``: what separates the items of a list.
    """

    company: str
    domain: str
    netbios: str
    directory: str
    units: tuple[str, ...]
    and_: str
    or_: str
    except_: str
    between: str | None = None
    comma: str = ", "
    brackets: tuple[str, str] = (" (", ")")
    quotes: tuple[str, str]
    keep: tuple[str, ...]
    state: tuple[str, ...]
    replaced: tuple[str, ...]
    id_notes: tuple[str, ...]
    subjects: tuple[str, ...]
    tasks: tuple[str, ...]
    shortened: Mapping[str, str]
    translated: Mapping[str, str]
    registry: RegistryWords
    dates: DateWords
    roster: RosterWords
    people: PeopleWords

    @property
    def joined(self) -> str:
        """What stands between two names that *and* joins."""
        return self.between or f" {self.and_} "

    def noted(self, text: str, note: str) -> str:
        """The text with a note in brackets behind it."""
        before, after = self.brackets
        return f"{text}{before}{note}{after}"


@cache
def words(language: str) -> Words:
    """The tables of that language."""
    return msgspec.toml.decode((_FOLDER / f"{language}.toml").read_bytes(), type=Words)
