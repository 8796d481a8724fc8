"""The people and their groups: who is meant by a text, who is still here, and which identities are people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from scanner.matching.keys import fold
from scanner.model import Entry, Identity, Person
from scanner.registry.roster.meaning import Index, Meaning
from scanner.registry.roster.texts import split

_TEAM = "team:"
_MEANINGS_KEPT = 100_000


class Roster:
    """Everybody on the roster, as of one day. Texts are equal but for case and surrounding white space."""

    def __init__(self, people: Sequence[Person], today: date) -> None:
        self._today = today
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
        r"""The person or group: by e-mail, else id, else alias, else a group's name, else a person's full name.

        However it is written (``Ada Lovelace (Payments)``, ``ACME\ada``, an LDAP DN), as long as all of it leaves one.
        A text that could mean two of them means nobody.
        """
        return self.meaning(text).person

    def meaning(self, text: str) -> Meaning:
        """Whom the text means for certain, or else whom it may mean."""
        if (named := self._named.get(_bare(text))) is not None:
            return Meaning(person=named)
        known = self._meanings.get(text)
        if known is None:
            if len(self._meanings) >= _MEANINGS_KEPT:
                self._meanings.clear()
            known = self._meanings[text] = self._index.meaning(text)
        return known

    def outright(self, text: str) -> Person | None:
        """Who is called just that, by e-mail, id, alias, a group's name or a full name."""
        return self._called.get(_bare(text))

    def apart(self, text: str) -> tuple[str, ...]:
        """The several owners that one text names, where each of them is somebody by itself; else the text alone."""
        meaning = self.meaning(text)
        if meaning.person is None and not meaning.ambiguous:
            found = split(text)
            if found and all(map(self._by_itself(text), found)):
                return found
        return (text,)

    def _by_itself(self, text: str) -> Callable[[str], bool]:
        """Whether a part of a text is somebody; ``Risk & Compliance`` may be one team though there is a team Risk."""
        people_only = "," not in text and "/" not in text and "@" not in text
        return lambda part: (person := self.resolve(part)) is not None and not (people_only and person.is_group)

    def parted(self, entry: Entry) -> Entry:
        """The entry with each of several owners that stand in one cell by themselves (``ada@…, bob@…``)."""
        owners = {
            column: tuple(dict.fromkeys(one for text in written for one in self.apart(text)))
            for column in ("owner", "technical_owner", "backup_owner")
            if (written := getattr(entry, column))
        }
        return replace(entry, **owners) if any(owners[one] != getattr(entry, one) for one in owners) else entry

    def is_active(self, person: Person) -> bool:
        """Whether they can answer for something: not left by today, and of a group, that anybody in it can."""
        return self._is_here(person) and (not person.is_group or bool(self.active_members(person)))

    def stays(self, person: Person) -> bool:
        """Whether they are active and not about to leave; a group stays, when anybody in it does."""
        if person.is_group:
            return any(map(self.stays, self.active_members(person)))
        return self._is_here(person) and person.status != "leaving" and person.left_on is None

    def meant_by(self, text: str) -> frozenset[str]:
        """Everybody whom a text means: a person's e-mail, a group's with those of its active members, else the text."""
        person = self.resolve(text)
        return frozenset({fold(text.strip())}) if person is None else self.with_members(person)

    def with_members(self, person: Person) -> frozenset[str]:
        """A person's e-mail; a group's with those of its active members."""
        members = self.active_members(person) if person.is_group else ()
        return frozenset({person.email, *(member.email for member in members)})

    def active_members(self, group: Person) -> tuple[Person, ...]:
        """The people of a group, and of the groups in it, who are active, sorted by e-mail.

        A group that lists no members has the people whose ``team`` it is.
        """
        if group.email not in self._active_members:
            self._active_members[group.email] = self._find_active_members(group)
        return self._active_members[group.email]

    def _find_active_members(self, group: Person) -> tuple[Person, ...]:
        found: dict[str, Person] = {}
        visited: set[str] = set()
        groups = [group]
        while groups:
            current = groups.pop()
            if current.email in visited or not self._is_here(current):
                continue
            visited.add(current.email)
            for member in self._members(current):
                if member.is_group:
                    groups.append(member)
                elif self._is_here(member):
                    found[member.email] = member
        return tuple(found[email] for email in sorted(found))

    def human(self, identity: Identity) -> str | None:
        """Why the identity belongs to somebody on the roster, departed or not; None: it belongs to nobody there.

        By e-mail, id or alias, or by a user name equal to the local part of one person's e-mail alone.
        """
        for text in (identity.name, *identity.aliases):
            person = self._named.get(fold(text))
            if person is not None and not person.is_group:
                return f"{text} is {person.email} on the roster"
        person = self._local_parts.get(fold(identity.name))
        return None if person is None else f"user name {identity.name} is that of {person.email} on the roster"

    def _is_here(self, person: Person) -> bool:
        return person.status != "left" and (person.left_on is None or person.left_on >= self._today)

    def _members(self, group: Person) -> Iterator[Person]:
        if group.members:
            yield from (member for text in group.members if (member := self.resolve(text)) is not None)
            return
        for name in {_bare(text) for text in (group.email, group.name) if text}:
            yield from self._by_team.get(name, ())

    @property
    def everybody(self) -> Sequence[Person]:
        """All people and groups, whoever has left included, sorted by e-mail."""
        return self._people

    def by_local_part(self, text: str) -> Person | None:
        """The one person whose e-mail has this before its ``@``."""
        return self._local_parts.get(fold(text))


def _bare(text: str) -> str:
    """A text as it is looked up: a group is the same with and without ``team:`` before it."""
    return fold(text.strip()).removeprefix(_TEAM).strip()


def local_part(person: Person) -> str:
    """The user name that goes with an e-mail."""
    return person.email.partition("@")[0]


def managers(person: Person, resolve: Callable[[str], Person | None]) -> Iterator[tuple[Person, Person]]:
    """Up the line: each manager with the one they manage. ``resolve``: whom a text means."""
    below, visited = person, {person.email}
    while below.manager and (above := resolve(below.manager)) and above.email not in visited:
        yield above, below
        visited.add(above.email)
        below = above


def _full_names(person: Person) -> tuple[str, ...]:
    """``Ada Lovelace`` and ``Lovelace, Ada``; a first name alone is no full one."""
    *first, last = (person.name or "").split() or ("",)
    return () if person.is_group or not first else (f"{' '.join(first)} {last}", f"{last}, {' '.join(first)}")


def _index(people: Sequence[Person]) -> dict[str, Person]:
    """Who each text means; a stronger name (e-mail, id, alias, group's name) takes it from a weaker one."""
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
    """Who each text means; one that could mean two means nobody."""
    claims: dict[str, dict[str, Person]] = defaultdict(dict)
    for person in people:
        for text in filter(None, texts(person)):
            claims[_bare(text)][person.email] = person
    return {text: next(iter(claimed.values())) for text, claimed in claims.items() if len(claimed) == 1}
