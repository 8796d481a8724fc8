"""Who on the roster a text means: an owner's name in the registry, a tag's value, a line of an audit log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

from scanner.model import Person
from scanner.ownership.machines import Machines
from scanner.roster import Roster
from scanner.roster.meaning import Meaning

MOST_TEXT = 500
"""Characters; whatever is longer names nobody."""
REMEMBERED = 100_000
"""Texts whose meaning is kept: most are repeated over the whole estate, but some, like session names, never are."""

_SEGMENT = re.compile(r"[^\s<>()\[\],;|\\/:\"']+")


class Directory:
    """The roster, without whatever the organisation calls a machine. It remembers what it was asked."""

    def __init__(self, roster: Roster, machines: Machines) -> None:
        self._roster = roster
        self.machines = machines
        self._resolve = lru_cache(maxsize=REMEMBERED)(self._look_up)
        self._find = lru_cache(maxsize=REMEMBERED)(self._look_into)

    @cached_property
    def everybody(self) -> dict[str, Person]:
        """All people and groups that are no machines, by e-mail, in its order."""
        return {one.email: one for one in self._roster.everybody if not self.machines.configured(one.email)}

    def resolve(self, text: str) -> Person | None:
        """The person or group that the text names outright."""
        return self._resolve(text)

    def meaning(self, text: str) -> Meaning:
        """Whom the text means for certain, or may mean; nobody who is a machine."""
        if (person := self.resolve(text)) is not None:
            return Meaning(person=person)
        if text in self.machines:
            return Meaning()
        meaning = self._roster.meaning(text)
        guesses = tuple(one for one in meaning.guesses if one.email in self.everybody)
        return Meaning(ambiguous=meaning.ambiguous, guesses=guesses)

    def mentioned(self, text: str) -> Person | None:
        """The person or group that the text names outright, or else the one person in it.

        ``arn:aws:sts::123456789012:assumed-role/Admin/ada@example.com`` has an e-mail in it. A user name counts only
        where it comes last and nothing before it is a machine: that of ``…:user/ada`` does, that of
        ``…:assumed-role/terraform/ada`` doesn't.
        """
        return self._find(text)

    def active_members(self, group: Person) -> tuple[Person, ...]:
        """The people in a group who can answer for something, sorted by e-mail."""
        return tuple(one for one in self._roster.active_members(group) if one.email in self.everybody)

    def is_active(self, person: Person) -> bool:
        """Whether they can answer for something; a group can, when anybody in it can."""
        return bool(self.active_members(person)) if person.is_group else self._roster.is_active(person)

    def stays(self, person: Person) -> bool:
        """Whether they are active and not about to leave; a group stays, when anybody in it does."""
        if person.is_group:
            return any(map(self.stays, self.active_members(person)))
        return self._roster.stays(person)

    def _look_up(self, text: str) -> Person | None:
        person = self._roster.outright(text)
        if person is None and text not in self.machines:
            person = self._roster.resolve(text)
        return None if person is None or self.machines.configured(text) else self.everybody.get(person.email)

    def _look_into(self, text: str) -> Person | None:
        if len(text) > MOST_TEXT:
            return None
        if (outright := self.resolve(text)) is not None or self._is_nobody(text):
            return outright
        segments = _SEGMENT.findall(text)
        for segment in reversed(segments):
            if "@" in segment and (person := self._person(self.resolve(segment))) is not None:
                return person
        return self._by_user_name(segments) if segments and len(text.split()) == 1 else None

    def _by_user_name(self, segments: Sequence[str]) -> Person | None:
        last = segments[-1]
        if any(map(self.machines.denied, segments)) or self.machines.discovered(last):
            return None
        return self._person(self.resolve(last) or self._roster.by_local_part(last))

    def _person(self, found: Person | None) -> Person | None:
        return None if found is None or found.is_group else self.everybody.get(found.email)

    def _is_nobody(self, text: str) -> bool:
        return self.machines.configured(text) or self.machines.discovered(text)
