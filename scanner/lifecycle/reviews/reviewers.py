"""Who reviews an identity: its owner, backup owner, the owner's manager, or the best candidate. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from scanner.errors import UsageError
from scanner.judging.ownership.directory import Directory
from scanner.matching.keys import fold
from scanner.model import Assessment, Entry, Ownership
from scanner.model.reviews import UNASSIGNED, Because
from scanner.registry.roster import Roster, managers
from scanner.registry.roster.machines import Machines
from scanner.text import printable

Named: TypeAlias = tuple[str, Because]
"""A reviewer and why they were chosen."""
_Step: TypeAlias = Callable[[Assessment], Iterator[Named]]
"""Yields at most one reviewer of an identity."""


class People:
    """Who can be a reviewer: active people and groups, never a machine.

    ``roster``: None if there is none; then a name is used as written.
    """

    def __init__(self, roster: Roster | None, ownership: Ownership, identities: Iterable[Assessment]) -> None:
        discovered = {
            fold(name)
            for one in identities
            if one.nature.verdict != "human"
            for name in (one.identity.key, one.identity.name, *one.identity.aliases)
        }
        self._machines = Machines(ownership.machines, lambda text: fold(text.strip()) in discovered)
        self._roster = roster
        self._directory = None if roster is None else Directory(roster, self._machines)

    def reviewer(self, text: str) -> str | None:
        """The e-mail of the active person or group that a text names; None for anyone else."""
        if self._directory is None:
            return None if text in self._machines else text.strip() or None
        person = self._directory.resolve(text)
        return person.email if person is not None and self._directory.is_active(person) else None

    def mentioned(self, text: str) -> str | None:
        """The e-mail of the person that a text names, or mentions as an audit log does."""
        if self._directory is None:
            return text.strip() or None
        person = self._directory.mentioned(text)
        return None if person is None else person.email

    def manager(self, text: str) -> str | None:
        """The nearest active manager above the person that a text names, also of a person who has left."""
        directory = self._directory
        person = None if directory is None else directory.resolve(text)
        if directory is None or person is None:
            return None
        line = (above for above, _ in managers(person, directory.resolve))
        return next((above.email for above in line if directory.is_active(above)), None)

    def decider(self, text: str) -> str:
        """The person or group named on the command line. Raises UsageError unless they can decide."""
        found = self.reviewer(text)
        if found is not None:
            return found
        person = None if self._directory is None else self._directory.resolve(text)
        if person is not None:
            why = "has no active member" if person.is_group else "has left"
        elif text in self._machines or self._roster is None:
            why = "is a machine"
        else:
            why = self._roster.meaning(text).why_unresolved
        raise UsageError(f"{printable(text)} {why}", hint="name an active person or group on the roster, by e-mail")


class Reviewers:
    """Chooses reviewers. ``wanted``: of ``--reviewer``, before the usual ones: ``owner``, ``manager`` or a person."""

    def __init__(self, people: People, entries: Mapping[str, Entry], wanted: Sequence[str] = ()) -> None:
        self._people = people
        self._entries = entries
        usual = {"owner": (self._owner, self._backup), "manager": (self._manager,)}
        # Persons are resolved here: a reviewer who has left is an error of the command.
        named = {text: (_always(people.decider(text)),) for text in wanted if text not in usual}
        steps: Mapping[str, tuple[_Step, ...]] = {**usual, **named}
        self._steps: tuple[_Step, ...] = (
            *(step for text in wanted for step in steps[text]),
            *usual["owner"],
            *usual["manager"],
            self._candidate,
        )

    def of(self, assessment: Assessment) -> Named:
        """The reviewer, and why."""
        found = (named for step in self._steps for named in step(assessment))
        return next(found, (UNASSIGNED, "unassigned"))

    def _owner(self, assessment: Assessment) -> Iterator[Named]:
        verdict = assessment.ownership
        verdict_owner = (verdict.owner,) if verdict.owner and not verdict.backup_only else ()
        texts = (*verdict_owner, *self._declared(assessment, "owner"))
        return self._first(texts, self._people.reviewer, "owner")

    def _backup(self, assessment: Assessment) -> Iterator[Named]:
        return self._first(self._declared(assessment, "backup_owner"), self._people.reviewer, "backup_owner")

    def _manager(self, assessment: Assessment) -> Iterator[Named]:
        texts = (*filter(None, (assessment.ownership.owner,)), *self._declared(assessment, "owner"))
        return self._first(texts, self._people.manager, "manager")

    def _candidate(self, assessment: Assessment) -> Iterator[Named]:
        persons = (candidate.person for candidate in assessment.ownership.candidates)
        return self._first(persons, self._people.reviewer, "candidate")

    def _declared(self, assessment: Assessment, column: str) -> tuple[str, ...]:
        entries = (self._entries.get(id_) for id_ in (assessment.registry.entry, *assessment.registry.agreeing) if id_)
        return tuple(text for entry in entries if entry is not None for text in getattr(entry, column))

    @staticmethod
    def _first(texts: Iterable[str], find: Callable[[str], str | None], because: Because) -> Iterator[Named]:
        found = next(filter(None, map(find, texts)), None)
        if found is not None:
            yield found, because


def _always(person: str) -> _Step:
    return lambda _: iter([(person, "named")])
