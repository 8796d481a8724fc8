"""People and groups by everything that a text may call them; each look-up gives all who are called so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TypeAlias, TypeVar

from scanner.matching.keys import fold
from scanner.model import Person
from scanner.registry.roster.spelling import (
    joined_keys,
    name_keys,
    name_words,
    natural,
    roman_key,
    roman_words,
    shorter_team_keys,
    sounds,
    spellings,
    team_keys,
)
from scanner.registry.roster.words import WORDS, is_unspaced

_Key = TypeVar("_Key", str, tuple[str | None, str])

Emails: TypeAlias = frozenset[str]
NO_PEOPLE: Emails = frozenset()
CROWD = 200
"""The most people who are looked at one by one: of more who are called alike, nobody is named."""

# Bounded, because zeros fit in three places.
_ID = re.compile(r"'?(?P<letters>[A-Za-z]{0,3})-?0{0,40}(?P<digits>\d{1,40})(?:\.0{1,10})?")
_DIGIT = re.compile(r"\d")
_LATIN = re.compile(r"[a-z]")
_WORDS_OF_A_LOCAL_PART = re.compile(r"[a-z]{2,}(?:[._-][a-z]{2,})+")
_LONGEST_FAMILY_NAME = 4
"""The most letters of a family name in a script without blanks."""
_LEAST_FOR_A_SLIP = 6
"""The fewest letters of a team's name in which a slip is one: of shorter names, one letter makes another."""


class Indexes:
    """The indexes of a roster, each made on first use. ``outright``: finds one by exact name."""

    def __init__(self, people: Sequence[Person], outright: Callable[[str], Person | None]) -> None:
        self.people = {person.email: person for person in people}
        self.persons = [person for person in people if not person.is_group]
        self.outright = outright

    def by_address(self, email: str) -> Emails:
        """Return the person with this e-mail, else with this user name in its domain; else a team of that name."""
        name, _, domain = email.partition("@")
        found = self.outright(email) or self.outright(f"{name.partition('+')[0]}@{domain}")
        if found is not None:
            return frozenset((found.email,))
        people = self.accounts.get(fold(name), NO_PEOPLE)
        if people:
            return self._accounts_at.get((fold(name), fold(domain)), NO_PEOPLE)
        if fold(domain) in self._domains:
            return united(*(self.groups[0].get(key, NO_PEOPLE) for key in team_keys(name)[0]))
        return NO_PEOPLE

    @cached_property
    def _domains(self) -> frozenset[str]:
        return frozenset(person.email.partition("@")[2].lower() for person in self.persons)

    def by_id(self, text: str) -> Emails:
        """Return who has this personnel number, with other zeros before it, or without its letters."""
        found = _ID.fullmatch(text.strip())
        if found is None:
            return NO_PEOPLE
        letters, digits = found["letters"].lower(), found["digits"]
        same = self._ids.get((letters, digits), NO_PEOPLE)
        if same or (letters and letters not in WORDS.letters):
            return same
        return self._ids.get((None, digits) if letters else ("*", digits), NO_PEOPLE)

    def is_like_an_id(self, text: str) -> bool:
        """Return whether a text has the shape of the roster's personnel numbers, so that it is one of somebody else."""
        found = _ID.fullmatch(text.strip())
        return found is not None and (found["letters"].lower(), len(found["digits"])) in self._shapes

    def team(self, text: str) -> tuple[Emails, Emails]:
        """Return the groups of a team's name, and these with their members and the people whose team it is.

        A name is first looked up as it is, then without general words.
        """
        for level, keys in enumerate(team_keys(text.strip().removeprefix("team:"))):
            if found := [key for key in keys if key in self._members[level]]:
                return self._joined(self.groups[level], found), self._joined(self._members[level], found)
        return NO_PEOPLE, NO_PEOPLE

    def mistyped_team(self, text: str) -> tuple[Emails, Emails]:
        """Return the same of the only team whose name is one letter more, less, another, or two swapped away."""
        keys = team_keys(text.strip().removeprefix("team:"))[1]
        near = {self._members[1][key]: key for key in self._slips(keys)}
        if len(near) != 1:
            return NO_PEOPLE, NO_PEOPLE
        ((team, key),) = near.items()
        return self.groups[1].get(key, NO_PEOPLE), team

    def _joined(self, index: Mapping[str, Emails], keys: Iterable[str]) -> Emails:
        return united(*(index.get(key, NO_PEOPLE) for key in keys))

    def members(self, group: Person) -> Emails:
        """Return a group with its listed members, or with the people whose team it is."""
        named = [one.email for text in group.members or () if (one := self.outright(text)) is not None]
        called = () if named else {key for text in _group_names(group) for key in team_keys(text)[0]}
        return frozenset({group.email, *named}).union(*(self._in_team[0].get(key, ()) for key in called))

    def _slips(self, keys: Iterable[str]) -> set[str]:
        from rapidfuzz.distance import OSA

        return {
            name
            for key in keys
            if len(key) >= _LEAST_FOR_A_SLIP and not _DIGIT.search(key)
            for name in NO_PEOPLE.union(*(self._shortened.get(left, NO_PEOPLE) for left in _shortened(key)))
            if name[0] == key[0] and OSA.distance(name, key) <= 1
        }

    # --- By user name and number ---

    @cached_property
    def accounts(self) -> Mapping[str, Emails]:
        """User names with and without domain: aliases, ids, and local parts of e-mails."""
        return _collected(
            (fold(form), person.email)
            for person in self.persons
            for text in (person.email, *person.aliases, *((person.id,) if person.id else ()))
            for form in (text.strip(), local(text.strip()).rpartition("\\")[2])
        )

    @cached_property
    def _accounts_at(self) -> Mapping[tuple[str | None, str], Emails]:
        """Who has a user name, by it and the domain of their e-mail."""
        return _collected(
            ((name, email.partition("@")[2].lower()), email)
            for name, people in self.accounts.items()
            for email in people
        )

    @cached_property
    def made(self) -> Mapping[str, Emails]:
        """User names derived from names: jdoe, janed, doej, janedoe, doejane."""
        return _collected(
            (made, person.email)
            for person in self.persons
            for words in (*name_words(person.name or ""), words_of_local_part(person))
            if len(words) > 1
            for made in _user_names(words[0], words[-1])
        )

    @cached_property
    def _ids(self) -> Mapping[tuple[str | None, str], Emails]:
        """By letters and digits; under None those without letters, under ``*`` all by their digits."""
        parsed = (
            (found["letters"].lower(), found["digits"], person.email)
            for person in self.persons
            for text in (person.id, *person.aliases)
            if text and (found := _ID.fullmatch(text.strip())) is not None
        )
        return _collected(
            ((key, digits), email)
            for letters, digits, email in parsed
            for key in (letters, "*", *(() if letters else (None,)))
        )

    @cached_property
    def _shapes(self) -> frozenset[tuple[str, int]]:
        return frozenset((letters, len(digits)) for letters, digits in self._ids if letters not in (None, "*"))

    # --- By name ---

    @cached_property
    def full_names(self) -> Mapping[str, Emails]:
        return _collected(
            (key, person.email)
            for person in self.persons
            for words in _written_names(person)
            if len(words) > 1 or is_unspaced("".join(words))
            for key in (*name_keys(words), *joined_keys(words))
        )

    @cached_property
    def short_names(self) -> Mapping[str, Emails]:
        """By a word of the name and the first letter of another, see :func:`short_key`: H. Müller, Jean-Pierre D."""
        return _collected(
            (short_key(word, other[0]), person.email)
            for person in self.persons
            for words in (*_written_names(person), words_of_local_part(person))
            for at, word in enumerate(words)
            for place, other in enumerate(words)
            if place != at
        )

    @cached_property
    def words(self) -> Mapping[str, Emails]:
        """The single words of people's names, also in Latin letters, and beginnings of names without blanks."""
        return _collected((word, person.email) for person in self.persons for word in _single_words(person))

    @cached_property
    def roman_names(self) -> Mapping[str, Emails]:
        """Full names in Latin letters by their sound: names in kana, and local parts of people with none in Latin."""
        return _collected(
            (key, person.email)
            for person in self.persons
            for words in (*map(roman_words, _name_and_aliases(person)), words_of_local_part(person))
            for key in _roman_keys(words)
        )

    @cached_property
    def names_in_other_scripts(self) -> Mapping[str, Emails]:
        """:attr:`roman_names` of people who are not written in Latin letters."""
        return _collected(
            (key, email)
            for key, people in self.roman_names.items()
            for email in people
            if not has_latin_name(self.people[email])
        )

    @cached_property
    def latin_names(self) -> Mapping[str, Emails]:
        """Full names of people who are written in Latin letters, by their sound, for a text in kana."""
        return _collected(
            (key, person.email)
            for person in self.persons
            if has_latin_name(person)
            for words in name_words(person.name or "")
            if len(words) > 1
            for key in _roman_keys(words)
        )

    # --- Teams: by the whole name, and by the name without general words ---

    @cached_property
    def groups(self) -> tuple[Mapping[str, Emails], Mapping[str, Emails]]:
        """Groups by their names."""
        every = [(text, one) for one in self.people.values() if one.is_group for text in _group_names(one)]
        return _by_team_key(every, 0), _by_team_key(every, 1)

    @cached_property
    def _in_team(self) -> tuple[Mapping[str, Emails], Mapping[str, Emails]]:
        """People by the team that the roster names beside them."""
        every = [(one.team.removeprefix("team:"), one) for one in self.persons if one.team]
        return _by_team_key(every, 0), _by_team_key(every, 1)

    @cached_property
    def _members(self) -> tuple[Mapping[str, Emails], Mapping[str, Emails]]:
        """The people in a team, with the groups of that name."""
        return self._with_members(0), self._with_members(1)

    def _with_members(self, level: int) -> Mapping[str, Emails]:
        found = dict(self._in_team[level])
        for key, emails in self.groups[level].items():
            found[key] = found.get(key, NO_PEOPLE).union(*(self.members(self.people[email]) for email in emails))
        return found

    @cached_property
    def _shortened(self) -> Mapping[str, Emails]:
        """The names of teams, without general words, by what remains of them without one letter."""
        return _collected(
            (left, key)
            for key in self._members[1]
            if len(key) >= _LEAST_FOR_A_SLIP - 1 and not _DIGIT.search(key)
            for left in _shortened(key)
        )

    @cached_property
    def reports(self) -> Mapping[str, Emails]:
        """The people who report to a person, by the person's e-mail."""
        return _collected(
            (manager.email, person.email)
            for person in self.persons
            if person.manager and (manager := self.outright(person.manager)) is not None
        )


def _by_team_key(called: Iterable[tuple[str, Person]], level: int) -> Mapping[str, Emails]:
    shorter = shorter_team_keys if level else lambda _: ()
    return _collected((key, one.email) for text, one in called for key in (*team_keys(text)[level], *shorter(text)))


def _collected(pairs: Iterable[tuple[_Key, str]]) -> Mapping[_Key, Emails]:
    """Return the second of each pair by the first. Most have one only, which is shared by all its keys."""
    single: dict[_Key, str] = {}
    several: dict[_Key, set[str]] = {}
    for key, email in pairs:
        first = single.setdefault(key, email)
        if first != email:
            several.setdefault(key, {first}).add(email)
    alone = {email: frozenset((email,)) for email in single.values()}
    crowds: dict[Emails, Emails] = {}
    joint = {key: crowds.setdefault(crowd := frozenset(emails), crowd) for key, emails in several.items()}
    return {key: joint.get(key) or alone[email] for key, email in single.items()}


# Thousands of people may be called alike, and thousands of texts name them all. What is looked up is one object for all
# of its keys, so that a join of the same ones is found again by its hash, which a frozenset keeps.


def united(*several: Emails) -> Emails:
    """Return who is in any of them; copies no crowd that is alone."""
    filled = tuple(dict.fromkeys(filter(None, several)))
    match filled:
        case ():
            return NO_PEOPLE
        case (alone,):
            return alone
    return (_united if max(map(len, filled)) > CROWD else _united.__wrapped__)(filled)


def common(*several: Emails) -> Emails:
    """Return who is in all of them, of at least one."""
    filled = tuple(dict.fromkeys(several))
    match filled:
        case (alone,):
            return alone
    return (_common if min(map(len, filled)) > CROWD else _common.__wrapped__)(filled)


@lru_cache(maxsize=64)
def _united(several: tuple[Emails, ...]) -> Emails:
    return NO_PEOPLE.union(*several)


@lru_cache(maxsize=64)
def _common(several: tuple[Emails, ...]) -> Emails:
    return frozenset.intersection(*several)


def short_key(word: str, letter: str) -> str:
    """Return the look-up key of a word of a name with an initial."""
    return f"{letter} {word}"


def _user_names(first: str, last: str) -> tuple[str, ...]:
    return first[0] + last, first + last[0], last + first[0], first + last, last + first


def _roman_keys(words: Sequence[str]) -> Iterator[str]:
    if words:
        yield from (roman_key(words), roman_key(("".join(words),)), roman_key(("".join(reversed(words)),)))


def _name_and_aliases(person: Person) -> Iterator[str]:
    yield from filter(None, (person.name, *person.aliases))


def _single_words(person: Person) -> Iterator[str]:
    for words in _written_names(person):
        yield from words
        yield from _beginnings(words)
    for word in words_of_local_part(person):
        yield from (word, sound_key(word))


def sound_key(word: str) -> str:
    """Return the look-up key of a single word of a name in Latin letters, by its sounds."""
    return f"~{sounds(word)}"


def local(email: str) -> str:
    """Return the part of an e-mail before the ``@``."""
    return email.partition("@")[0]


def has_latin_name(person: Person) -> bool:
    """Return whether a person's name is written in Latin letters."""
    return _LATIN.search(spellings(person.name or "")[0]) is not None


def is_family_name(words: Sequence[str], person: Person) -> bool:
    """Return whether words are the family name of a person: the last, or in scripts without blanks the first."""
    if not has_latin_name(person):
        return True
    return any(
        len(theirs) > len(words) and theirs[-len(words) :] == tuple(words)
        for theirs in name_words(natural(person.name or ""))
    )


def _written_names(person: Person) -> Iterator[tuple[str, ...]]:
    aliases = (one for one in person.aliases if "@" not in one and (" " in one.strip() or is_unspaced(one)))
    for text in filter(None, (person.name, *aliases)):
        yield from name_words(text)


def words_of_local_part(person: Person) -> tuple[str, ...]:
    """Return the name in Latin letters of a person who is not written so, by the e-mail: taro.yamada."""
    written = fold(local(person.email))
    if (
        (person.name and person.name.isascii())
        or has_latin_name(person)
        or not _WORDS_OF_A_LOCAL_PART.fullmatch(written)
    ):
        return ()
    return tuple(re.split(r"[._-]", written))


def _beginnings(words: Sequence[str]) -> Iterator[str]:
    if len(words) == 1 and is_unspaced(words[0]):
        yield from (words[0][:end] for end in range(2, min(len(words[0]), _LONGEST_FAMILY_NAME + 1)))


def _group_names(group: Person) -> Iterator[str]:
    given = group.email.partition(":")[2] or local(group.email)
    yield from filter(None, (given, group.name, group.id, *group.aliases))


def _shortened(key: str) -> set[str]:
    return {key, *(key[:at] + key[at + 1 :] for at in range(len(key)))}
