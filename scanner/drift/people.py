"""Whether two names lead to the same people, as the roster knows them."""

from __future__ import annotations

from scanner.matching.keys import fold
from scanner.model import Person
from scanner.roster import Roster


def meant_by(text: str, roster: Roster) -> frozenset[str]:
    """Everybody whom a text means: a person's e-mail, a group's with those of its active members, else the text."""
    person = roster.resolve(text)
    return frozenset({fold(text.strip())}) if person is None else _with_members(person, roster)


def are_near(one: Person, other: Person, roster: Roster) -> bool:
    """Whether they are the same, have a member in common, or one is the other's manager."""
    managers = [roster.resolve(person.manager) for person in (one, other) if person.manager]
    shared = _with_members(one, roster) & _with_members(other, roster)
    return bool(shared) or any(person is not None and person.email in (one.email, other.email) for person in managers)


def _with_members(person: Person, roster: Roster) -> frozenset[str]:
    members = roster.active_members(person) if person.is_group else ()
    return frozenset({person.email, *(member.email for member in members)})
