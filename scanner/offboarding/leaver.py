"""The person who goes: which texts mean them, what a group is without them, and who is still here afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from scanner.matching.keys import fold
from scanner.model import Person
from scanner.roster import Roster

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
        self._today = today
        self._before = Roster([*others, replace(person, status="active", left_on=None)], today)
        self._after = Roster([*others, replace(person, status="left")], today)
        self._own_names = _nicknames(person) - {name for one in others for name in _nicknames(one)}
        self._meant: dict[str, bool] = {}

    @property
    def has_left(self) -> bool:
        """Whether their last day is over."""
        last_day = self.person.left_on
        return self.person.status == "left" or (last_day is not None and last_day < self._today)

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

    def is_last_of(self, text: str) -> bool:
        """Whether the text names a group in which nobody else is active."""
        group = self._before.resolve(text)
        if group is None or not group.is_group:
            return False
        return [member.email for member in self._before.active_members(group)] == [self.person.email]

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
        if person.is_group:
            return all(map(self.is_leaving, self.staying_members(person)))
        return person.status == "leaving" or person.left_on is not None

    def managers(self) -> Iterator[tuple[Person, Person]]:
        """Up the line: each manager with the one they manage."""
        below, visited = self.person, {self.person.email}
        while below.manager and (above := self._after.resolve(below.manager)) and above.email not in visited:
            yield above, below
            visited.add(above.email)
            below = above


def _nicknames(person: Person) -> frozenset[str]:
    """What people are called without its being their id anywhere."""
    if person.is_group:
        return frozenset()
    return frozenset(fold(name.strip()) for name in (person.name, local_part(person)) if name)


def local_part(person: Person) -> str:
    """The user name that goes with an e-mail."""
    return person.email.partition("@")[0]
