"""The person who goes: which texts mean them, what a group is without them, and who is still here afterwards."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from scanner.dates import later
from scanner.matching.keys import fold, is_email
from scanner.model import Person
from scanner.roster import Roster, local_part, managers

_BETWEEN_NAMES = re.compile(r"[\s<>()/:,;]+")


class Leaver:
    """One person of the roster on the day of the question; somebody who is not on it is known by their text alone.

    ``has_roster`` is False where nobody is known at all, so that nothing can be said about who stays.
    """

    def __init__(self, person: Person, people: Sequence[Person], today: date) -> None:
        self.person = person
        self.has_roster = bool(people)
        self.is_on_roster = any(one.email == person.email for one in people)
        others = [one for one in people if one.email != person.email]
        last_day = person.left_on
        self.has_left = person.status == "left" or (last_day is not None and last_day < today)
        """Whether their last day is over."""
        # Whoever leaves by their last day is gone as well when they are.
        then = today if self.has_left or last_day is None else later(last_day, 1)
        self._before = Roster([*others, replace(person, status="active", left_on=None)], then)
        self._after = Roster([*others, replace(person, status="left")], then)
        self._own_names = _nicknames(person) - {name for one in others for name in _nicknames(one)}
        self._meant: dict[str, bool] = {}
        self._mentions = _mentions(person, self._own_names)

    def is_meant(self, text: str) -> bool:
        """Whether the text means them: by e-mail, id or alias, or by a name or user name that is nobody else's."""
        if text not in self._meant:
            known = self._before.resolve(text)
            self._meant[text] = (
                fold(text.strip()) in self._own_names if known is None else known.email == self.person.email
            )
        return self._meant[text]

    def is_meant_within(self, text: str) -> bool:
        """The same for a text that may hold more than a name: an ARN, a session (``assumed-role/Admin/ada@…``).

        Of its parts any e-mail and whatever comes last may be the name.
        """
        parts = _BETWEEN_NAMES.split(text)
        return any(map(self.is_meant, (text, *(part for part in parts if "@" in part), parts[-1])))

    def is_mentioned(self, text: str) -> bool:
        """Whether their e-mail, or a full name that is theirs alone, stands somewhere in a text."""
        return self._mentions is not None and self._mentions.search(fold(text)) is not None

    def may_be_meant(self, text: str) -> str | None:
        """Why a text that means nobody for certain may mean them; None: it does, or it may not."""
        guesses = self._before.meaning(text).guesses
        return next((one.why for one in guesses if one.email == self.person.email), None)

    def is_last_of(self, text: str) -> bool:
        """Whether the text names a group in which nobody else stays, as far as that is known."""
        group = self._before.resolve(text)
        if group is None or not group.is_group:
            return False
        members = [one for one in self._before.active_members(group) if not self._may_go_first(one)]
        return [member.email for member in members] == [self.person.email]

    def _may_go_first(self, other: Person) -> bool:
        """Whether somebody else may leave before they do: one of the two days is not known."""
        unknown = None in (self.person.left_on, other.left_on)
        return unknown and not self.has_left and not self._before.stays(other)

    def staying(self, text: str) -> Person | None:
        """The person or group whom the text names, if they can answer for something once the leaver is gone."""
        person = self._after.resolve(text)
        return person if person is not None and self._after.is_active(person) else None

    def group(self, text: str) -> Person | None:
        """The group of that name, whether or not anybody in it is active."""
        group = self._after.resolve(text)
        return group if group is not None and group.is_group else None

    def staying_members(self, group: Person) -> tuple[Person, ...]:
        """Who is active in a group once the leaver is gone."""
        return self._after.active_members(group)

    def is_leaving(self, person: Person) -> bool:
        """Whether somebody who is still here is about to go, too; a group, where all of its members are."""
        return not self._after.stays(person)

    def managers(self) -> Iterator[tuple[Person, Person]]:
        """Up the line: each manager with the one they manage."""
        return managers(self.person, self._after.resolve)


def _mentions(person: Person, own_names: Collection[str]) -> re.Pattern[str] | None:
    """What names them within a text. A first name, a user name or an id alone may as well be a word of it."""
    emails = (text for text in (person.email, *person.aliases) if is_email(text))
    *first, last = (person.name or "").split() or ("",)
    full = (f"{' '.join(first)} {last}", f"{last}, {' '.join(first)}") if first else ()
    theirs = full if fold((person.name or "").strip()) in own_names else ()
    names = [re.escape(fold(name)) for name in (*emails, *theirs)]
    return re.compile(rf"(?<![\w.+-])(?:{'|'.join(names)})(?![\w-]|\.\w)") if names and not person.is_group else None


def _nicknames(person: Person) -> frozenset[str]:
    """What people are called without its being their id anywhere."""
    if person.is_group:
        return frozenset()
    return frozenset(fold(name.strip()) for name in (person.name, local_part(person)) if name)
