"""Resolves texts (an owner in the registry, a tag, an audit log record) to people and groups on the roster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from scanner.caching import cached
from scanner.model import Person
from scanner.registry.roster import Roster
from scanner.registry.roster.machines import Machines
from scanner.registry.roster.meaning import Meaning

MOST_TEXT = 500
"""The longest text that is resolved, in characters."""
REMEMBERED = 100_000
"""The size of the caches: most texts repeat across the estate, but session names never do."""

_WRITTEN_AT = re.compile(r"[._-]at[._-]", re.IGNORECASE)
_SEGMENT = re.compile(r"[^\s<>()\[\],;|\\/:\"']+")


class Directory:
    """The roster without the machines that the organisation configured. Lookups are cached."""

    def __init__(self, roster: Roster, machines: Machines) -> None:
        self._roster = roster
        self.machines = machines
        self._resolve = cached(self._look_up, size=REMEMBERED)
        self._find = cached(self._look_into, size=REMEMBERED)

    @cached_property
    def everybody(self) -> dict[str, Person]:
        """The people and groups that are not machines, by e-mail, in roster order."""
        return {one.email: one for one in self._roster.everybody if not self.machines.configured(one.email)}

    def resolve(self, text: str) -> Person | None:
        """Return the person or group that the text names exactly."""
        return self._resolve(text)

    def meaning(self, text: str) -> Meaning:
        """Return the person the text refers to, or guesses; never a machine."""
        if (person := self.resolve(text)) is not None:
            return Meaning(person=person)
        if text in self.machines:
            return Meaning()
        meaning = self._roster.meaning(text)
        guesses = tuple(one for one in meaning.guesses if one.email in self.everybody)
        return Meaning(ambiguous=meaning.ambiguous, guesses=guesses)

    def mentioned(self, text: str) -> Person | None:
        """Return the person or group that the text names exactly, else the person mentioned in it.

        ``arn:aws:sts::123456789012:assumed-role/Admin/ada@example.com`` has an e-mail in it. A user name counts only
        where it comes last and nothing before it is a machine: that of ``…:user/ada`` does, that of
        ``…:assumed-role/terraform/ada`` doesn't. Labels of Kubernetes cannot have ``@``: ``ada_at_example.com`` is the
        e-mail, too.
        """
        return self._find(text)

    def active_members(self, group: Person) -> tuple[Person, ...]:
        """Return the active people in a group, sorted by e-mail."""
        return tuple(one for one in self._roster.active_members(group) if one.email in self.everybody)

    @property
    def hides_names(self) -> bool:
        """See :attr:`Roster.hides_names`."""
        return self._roster.hides_names

    def is_unknown(self, person: Person) -> bool:
        """See :meth:`Roster.is_unknown`."""
        return self._roster.is_unknown(person)

    def is_active(self, person: Person) -> bool:
        """Return whether a person is active, or a group has an active member."""
        return bool(self.active_members(person)) if person.is_group else self._roster.is_active(person)

    def has_left(self, person: Person) -> bool:
        """Return whether a person's last day is over."""
        return self._roster.has_left(person)

    def why_gone(self, person: Person) -> str:
        """Return why a person does not count as active."""
        return self._roster.why_gone(person)

    def stays(self, person: Person) -> bool:
        """Return whether a person is active and not about to leave, or a group has such a member."""
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
        if (outright := self.resolve(text)) is not None or (
            self.machines.configured(text) or self.machines.discovered(text)
        ):
            return outright
        segments = _SEGMENT.findall(text)
        if "@" not in text:
            for written in _WRITTEN_AT.finditer(text):
                whole = f"{text[: written.start()]}@{text[written.end() :]}"
                if (person := self._person(self.resolve(whole))) is not None:
                    return person
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
