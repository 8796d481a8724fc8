"""Whom a text means that somebody typed: people on the roster, and those whom only the registry still names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain

from rapidfuzz import fuzz, process

from scanner.matching.keys import fold
from scanner.model import Entry, Origin, Person
from scanner.offboarding.ties import PEOPLE_COLUMNS, named
from scanner.roster import Roster, local_part

_NAMED = 3
_LIKENESS = 70
"""Of 100, below which a name is no help to somebody who mistyped another."""


def find_people(text: str, people: Sequence[Person]) -> tuple[Person, ...]:
    """Whom the text may mean, by e-mail, else id, else alias, else name, else user name; groups only by their e-mail.

    Several where several go by it, sorted by e-mail.
    """
    wanted = fold(text.strip())
    levels: dict[int, dict[str, Person]] = defaultdict(dict)
    for person in people:
        names = [(person.email,), (person.id,), person.aliases, (person.name,), (local_part(person),)]
        for level, known in enumerate(names[:1] if person.is_group else names):
            if any(name and fold(name.strip()) == wanted for name in known):
                levels[level][person.email] = person
    strongest = levels[min(levels, default=0)]
    return tuple(strongest[email] for email in sorted(strongest))


def strangers(entries: Sequence[Entry], people: Sequence[Person]) -> tuple[Person, ...]:
    """Everybody whom the registry names and the roster does not know, such as who left long ago; each once."""
    roster = Roster(people, date.max)
    found: dict[str, Person] = {}
    for entry in entries:
        for text in chain(*(named(entry, column) for column in PEOPLE_COLUMNS)):
            if roster.resolve(text) is None:
                found.setdefault(fold(text.strip()), stranger(text, entry.origin))
    return tuple(found.values())


def stranger(text: str, origin: Origin) -> Person:
    """Somebody known by what is written of them alone: an e-mail, a name, or ``Ada <ada@…>``."""
    name, bracket, address = text.partition("<")
    if bracket:
        return Person(email=address.rstrip("> "), name=name.strip() or None, origin=origin)
    return Person(email=text.strip(), origin=origin)


def nearest(text: str, people: Iterable[Person]) -> tuple[str, ...]:
    """The few e-mails and names most like the text, the likest first."""
    names = sorted({name for person in people for name in (person.email, person.name) if name})
    likest = process.extract(text, names, scorer=fuzz.WRatio, limit=_NAMED, score_cutoff=_LIKENESS)
    return tuple(name for name, _, _ in likest)
