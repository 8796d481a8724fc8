"""Find a successor: candidates in an order that depends on the leaver's role."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from scanner.lifecycle.offboarding.leaver import Case, Leaver, named
from scanner.lifecycle.offboarding.records import Role
from scanner.model import Entry, Person


class Successor(NamedTuple):
    """An e-mail on the roster, with the evidence for it."""

    person: str
    evidence: str


class Hint(NamedTuple):
    """A candidate as written in a text, and where."""

    text: str
    evidence: str


Source: TypeAlias = Callable[[Case], Iterator[Hint]]


def answering(case: Case) -> tuple[Person, ...]:
    """Active owners after the leaver's last day, else active backup owners."""
    answers = [_answering(entry, case.leaver) for entry in case.entries]
    every = {email: person for answer in answers for email, person in answer.items()}
    if case.is_ambiguous:
        every = {email: person for email, person in every.items() if all(email in answer for answer in answers)}
    return tuple(every.values())


def find_successor(case: Case) -> Successor | None:
    """The first candidate who stays. A candidate who is leaving, too, is used if there is no other."""
    second_best = None
    for person, evidence in _staying(case):
        if not case.leaver.is_leaving(person):
            return Successor(person.email, evidence)
        second_best = second_best or Successor(person.email, f"{evidence}; leaving, too")
    return second_best


def _staying(case: Case) -> Iterator[tuple[Person, str]]:
    # An owner cannot be their own backup.
    excluded: Collection[str] = {one.email for one in answering(case)} if case.role == "backup_owner" else ()
    for source in _ORDER.get(case.role, _NEAREST_FIRST):
        for hint in source(case):
            person = case.leaver.staying(hint.text)
            if person is not None and person.email not in excluded:
                yield person, hint.evidence


def _answering(entry: Entry, leaver: Leaver) -> dict[str, Person]:
    for column in ("owner", "backup_owner"):
        staying = [person for text in named(entry, column) if (person := leaver.staying(text))]
        if staying:
            return {person.email: person for person in staying}
    return {}


# --- where to look ------------------------------------------------------------


def _in_column(column: str) -> Source:
    def hints(case: Case) -> Iterator[Hint]:
        for entry in case.entries:
            for text in named(entry, column):
                yield Hint(text, f"{column} in {entry.origin}")

    return hints


def _teams(case: Case) -> Iterator[Person]:
    """The groups that own it; if there is none, the leaver's group."""
    texts = [text for entry in case.entries for text in (*entry.owner, *named(entry, "team"))]
    own = case.leaver.person.team
    groups = [group for text in texts if (group := case.leaver.group(text))]
    yield from groups or ([group] if own and (group := case.leaver.group(own)) else [])


def _members(case: Case) -> Iterator[Hint]:
    for group in _teams(case):
        for member in case.leaver.staying_members(group):
            yield Hint(member.email, f"active member of {group.email}")


def _team_lead(case: Case) -> Iterator[Hint]:
    for group in _teams(case):
        if group.manager:
            yield Hint(group.manager, f"manager of {group.email}")


def _manager(case: Case) -> Iterator[Hint]:
    for above, below in case.leaver.managers():
        yield Hint(above.email, f"manager of {below.email}")


def _candidates(case: Case) -> Iterator[Hint]:
    if case.judged is not None:
        for candidate in case.judged.ownership.candidates:
            yield Hint(candidate.person, candidate.evidence)


_BACKUP, _TECHNICAL, _OWNERS = map(_in_column, ("backup_owner", "technical_owner", "owner"))
_NEAR: tuple[Source, ...] = (_members, _team_lead, _manager, _candidates)
_NEAREST_FIRST: tuple[Source, ...] = (_BACKUP, _TECHNICAL, _OWNERS, *_NEAR)
_OWNERS_FIRST: tuple[Source, ...] = (_OWNERS, _BACKUP, _TECHNICAL, *_NEAR)

_ORDER: Mapping[Role, tuple[Source, ...]] = {
    "backup_owner": (_TECHNICAL, *_NEAR),
    "built_by": _OWNERS_FIRST,
    "created": _OWNERS_FIRST,
    "approved": _OWNERS_FIRST,
    "tagged": _OWNERS_FIRST,
}
"""Where to look, by role; ``_NEAREST_FIRST`` for the others. Knowledge goes to owners first."""
