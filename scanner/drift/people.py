"""Whether two owners are near each other, as the roster knows them."""

from __future__ import annotations

from scanner.model import Person
from scanner.roster import Roster


def are_near(one: Person, other: Person, roster: Roster) -> bool:
    """Whether they are the same, have a member in common, or one is the other's manager."""
    managers = [roster.resolve(person.manager) for person in (one, other) if person.manager]
    shared = roster.with_members(one) & roster.with_members(other)
    return bool(shared) or any(person is not None and person.email in (one.email, other.email) for person in managers)
