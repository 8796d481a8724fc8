"""The roster: which person or group a text names, who is active, and which identities are people."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property

from msgspec.structs import replace

from scanner.matching.keys import fold
from scanner.model import Entry, Identity, Person
from scanner.registry.roster.beginnings import Beginnings
from scanner.registry.roster.meaning import Index, Meaning
from scanner.registry.roster.texts import separations

_TEAM = "team:"
_NAMING = frozenset({"id", "name", "first_name", "last_name", "aliases"})
_MEANINGS_KEPT = 100_000
_MOST_LEVELS = 30
"""The most managers up the line: an organisation has ten levels, a hostile roster as many as people."""
_DEEPEST = 1
"""How often a part of a text with several owners is taken apart again: Jane Doe, Bob Ray and Ann Lee."""
_LISTED = re.compile(r"[,;/@\n\u3001\u30fb\uff0c\uff0f]")
"""Signs that only stand between several."""


class Roster:
    """All people and groups on the roster, as of one day. Texts are compared without case and surrounding blanks.

    ``rows_unread``: rows of the list that could not be read: whoever is not found may be in one of them.
    """

    def __init__(self, people: Sequence[Person], today: date, *, rows_unread: int = 0) -> None:
        self._today = today
        self.rows_unread = rows_unread
        self.hides_names = rows_unread > 0 or any(not _NAMING.isdisjoint(one.unread) for one in people)
        """Whether a person who is not found may be on the list all the same."""
        self._hides_teams = rows_unread > 0 or any("team" in one.unread for one in people)
        self._people = sorted(people, key=lambda person: person.email)
        self._active_members: dict[str, tuple[Person, ...]] = {}
        self._named = _index(self._people)
        self._local_parts = _unambiguous(self._people, lambda one: () if one.is_group else (local_part(one),))
        self._called = _unambiguous(self._people, _full_names) | self._named
        self._index = Index(self._people, self.outright, self._is_here)
        self._meanings: dict[str, Meaning] = {}
        self._by_team: dict[str, list[Person]] = defaultdict(list)
        for person in self._people:
            if not person.is_group and person.team is not None:
                self._by_team[_bare(person.team)].append(person)

    def resolve(self, text: str) -> Person | None:
        r"""Return the person or group: by e-mail, id, alias, group name, or full name, in this order.

        All spellings are accepted (``Ada Lovelace (Payments)``, ``ACME\ada``, an LDAP DN) if only one person or group
        fits the whole text. Returns None for an ambiguous text.
        """
        return self.meaning(text).person

    def meaning(self, text: str) -> Meaning:
        """Return the person or group that a text names, or the candidates if it is uncertain."""
        if (named := self._named.get(_bare(text))) is not None:
            return Meaning(person=named)
        known = self._meanings.get(text)
        if known is None:
            if len(self._meanings) >= _MEANINGS_KEPT:
                self._meanings.clear()
            known = self._meanings[text] = self._index.meaning(text)
        return known

    def outright(self, text: str) -> Person | None:
        """Return the person or group with exactly this e-mail, id, alias, group name or full name."""
        return self._called.get(_bare(text))

    def identified(self, text: str) -> Person | None:
        """Return the person or group with exactly this e-mail, id, alias or group name: no name of a person."""
        return self._named.get(_bare(text))

    def beginning(self, text: str, most: int) -> tuple[Person, ...]:
        """Return up to ``most`` active people and groups whose name or address has words that begin so."""
        return self._beginnings.find(text, self.is_active, most)

    @cached_property
    def _beginnings(self) -> Beginnings:
        return Beginnings(self._people)

    def groups_of(self, person: Person) -> tuple[Person, ...]:
        """Return the groups that a person is an active member of, sorted by e-mail."""
        return tuple(one for one in self._people if one.is_group and person in self.active_members(one))

    def apart(self, text: str) -> tuple[str, ...]:
        """Return the owners that one text names, if each of them is on the roster; else the text alone."""
        owners = self._owners_in(text)
        if owners and self.meaning(text).person is not None:  # Payments / Jane Doe is one owner, in a team
            people = {
                person.email for one in owners if (person := self.resolve(one)) is not None and not person.is_group
            }
            return owners if len(people) > 1 else (text,)
        return owners or (text,)

    def _owners_in(self, text: str, depth: int = 0) -> tuple[str, ...]:
        """Return the owners of a text by the first separator at which each part is one, or several; else nothing."""
        for pieces in separations(text):
            owners = [owner for piece in pieces for owner in self._owner_or_owners(piece, text, depth) or (None,)]
            if None not in owners:
                return tuple(filter(None, owners))
        return ()

    def _owner_or_owners(self, piece: str, text: str, depth: int) -> tuple[str, ...]:
        """Return a part of a text as an owner. ``Risk & Compliance`` may be one team beside a team Risk."""
        person = self.meaning(piece).person
        if person is not None:
            return () if person.is_group and not _LISTED.search(text) else (piece,)
        return self._owners_in(piece, depth + 1) if depth < _DEEPEST else ()

    def parted(self, entry: Entry) -> Entry:
        """Return the entry with several owners of one cell (``ada@…, bob@…``) separated."""
        owners = {
            column: tuple(dict.fromkeys(one for text in written for one in self.apart(text)))
            for column in ("owner", "technical_owner", "backup_owner")
            if (written := getattr(entry, column))
        }
        return replace(entry, **owners) if any(owners[owner] != getattr(entry, owner) for owner in owners) else entry

    def is_active(self, person: Person) -> bool:
        """Return whether a person has not left; for a group, whether it has an active member."""
        return self._is_here(person) and (not person.is_group or bool(self.active_members(person)))

    def is_unknown(self, person: Person) -> bool:
        """Return whether it is unknown if a person is active; for a group without active members, if any may be."""
        if not person.is_group:
            return person.status == "unknown" and not self.has_left(person)
        return not self.active_members(person) and (
            any(map(self.is_unknown, self._everybody_in(person))) or any(map(self._hides_members, self._groups(person)))
        )

    def _everybody_in(self, group: Person) -> Iterator[Person]:
        """Yield the people of a group and of the groups in it, also those who have left."""
        for current in self._groups(group):
            yield from (one for one in self._members(current) if not one.is_group)

    def _groups(self, group: Person) -> Iterator[Person]:
        """Yield a group and the groups in it."""
        visited: set[str] = set()
        groups = [group]
        while groups:
            current = groups.pop()
            if current.email not in visited and (current.status == "unknown" or self._is_here(current)):
                visited.add(current.email)
                yield current
                groups += [one for one in self._members(current) if one.is_group]

    def _hides_members(self, group: Person) -> bool:
        """Whether a group may have members who are not known: its cell, or a row or name of theirs is unreadable."""
        if "members" in group.unread:
            return True
        if group.members:
            return self.hides_names and any(self.resolve(text) is None for text in group.members)
        return self._hides_teams

    def stays(self, person: Person) -> bool:
        """Return whether a person is active and not about to leave; for a group, whether a member stays.

        One whose last day cannot be read does not count as active at all.
        """
        if person.is_group:
            return any(map(self.stays, self.active_members(person)))
        return self._is_here(person) and person.status != "leaving" and person.left_on is None

    def meant_by(self, text: str) -> frozenset[str]:
        """Return the e-mail of the named person, or of the group and its active members; else the text.

        Nobody, if the person may be in a part of the roster that cannot be read.
        """
        person = self.resolve(text)
        if person is None:
            return frozenset() if self.hides_names else frozenset({fold(text.strip())})
        return self.with_members(person)

    def with_members(self, person: Person) -> frozenset[str]:
        """Return the e-mail of a person, or of a group and its active members."""
        members = self.active_members(person) if person.is_group else ()
        return frozenset({person.email, *(member.email for member in members)})

    def active_members(self, group: Person) -> tuple[Person, ...]:
        """Return the active members of a group and of the groups in it, sorted by e-mail.

        A group without listed members has the people whose ``team`` it is.
        """
        if group.email not in self._active_members:
            self._active_members[group.email] = self._find_active_members(group)
        return self._active_members[group.email]

    def _find_active_members(self, group: Person) -> tuple[Person, ...]:
        found = {one.email: one for one in self._everybody_in(group) if self._is_here(one)}
        return tuple(found[email] for email in sorted(found))

    def holder(self, identity: Identity) -> tuple[Person, str] | None:
        """Return the person on the roster, active or not, whose own account it is by its names, and why.

        By e-mail, id or alias, or by a user name that is the local part of exactly one person's e-mail.
        """
        for text in (identity.name, *identity.aliases):
            person = self._named.get(fold(text))
            if person is not None and not person.is_group:
                return person, f"{text} is {person.email} on the roster"
        person = self._local_parts.get(fold(identity.name))
        return (
            None if person is None else (person, f"user name {identity.name} is that of {person.email} on the roster")
        )

    def has_left(self, person: Person) -> bool:
        """Return whether a person's last day is over."""
        return person.has_left(self._today)

    def why_gone(self, person: Person) -> str:
        """Return why a person does not count as active: since when, or that the roster says so before the last day."""
        if person.left_on is None:
            return "has left"
        if self.has_left(person):
            return f"left on {person.left_on}"
        return f"leaves on {person.left_on}, and the roster does not count them as active any more"

    def _is_here(self, person: Person) -> bool:
        is_there = person.status not in ("left", "unknown")
        return is_there and (person.left_on is None or person.left_on >= self._today)

    def _members(self, group: Person) -> Iterator[Person]:
        if "members" in group.unread and not group.members:
            return
        if group.members:
            yield from (member for text in group.members if (member := self.resolve(text)) is not None)
            return
        for name in {_bare(text) for text in (group.email, group.name) if text}:
            yield from self._by_team.get(name, ())

    @property
    def everybody(self) -> Sequence[Person]:
        """All people and groups, including those who have left, sorted by e-mail."""
        return self._people

    def by_local_part(self, text: str) -> Person | None:
        """Return the only person whose e-mail has this local part."""
        return self._local_parts.get(fold(text))


def _bare(text: str) -> str:
    """Return the text for look-ups: the prefix ``team:`` of a group is optional."""
    return fold(text.strip()).removeprefix(_TEAM).strip()


def local_part(person: Person) -> str:
    """Return the local part of a person's e-mail."""
    return person.email.partition("@")[0]


def managers(person: Person, resolve: Callable[[str], Person | None]) -> Iterator[tuple[Person, Person]]:
    """Yield each manager up the line, with the person managed. ``resolve``: finds a person by text."""
    below, visited = person, {person.email}
    while (
        len(visited) <= _MOST_LEVELS
        and below.manager
        and (above := resolve(below.manager))
        and above.email not in visited
    ):
        yield above, below
        visited.add(above.email)
        below = above


def _full_names(person: Person) -> tuple[str, ...]:
    """Return ``Ada Lovelace`` and ``Lovelace, Ada``; a first name alone is not a full name."""
    *first, last = (person.name or "").split() or ("",)
    return () if person.is_group or not first else (f"{' '.join(first)} {last}", f"{last}, {' '.join(first)}")


def _index(people: Sequence[Person]) -> dict[str, Person]:
    """Return the person or group by text; stronger names (e-mail, id, alias, group name) win."""
    levels: tuple[Callable[[Person], Iterable[str | None]], ...] = (
        lambda person: (person.name,) if person.is_group else (),
        lambda person: person.aliases,
        lambda person: (person.id,),
        lambda person: (person.email,),
    )
    index: dict[str, Person] = {}
    for texts in levels:
        index |= _unambiguous(people, texts)
    return index


def _unambiguous(people: Sequence[Person], texts: Callable[[Person], Iterable[str | None]]) -> dict[str, Person]:
    """Return the person or group by text, without ambiguous texts."""
    claims: dict[str, dict[str, Person]] = defaultdict(dict)
    for person in people:
        for text in filter(None, texts(person)):
            claims[_bare(text)][person.email] = person
    return {text: next(iter(claimed.values())) for text, claimed in claims.items() if len(claimed) == 1}
