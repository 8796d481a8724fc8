"""Finds names of teams and people in an identity's name, path, scope or group, as whole words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.caching import cached
from scanner.catalog import read_table
from scanner.judging.ownership.directory import REMEMBERED, Directory
from scanner.judging.ownership.hints import SCORES, Hint
from scanner.model import Entry, Identity, Person
from scanner.model.attributes import SCOPE_NAME
from scanner.text import counted

FoundIn: TypeAlias = Literal["group", "path", "name", "scope"]
Words: TypeAlias = tuple[str, ...]

LONGEST = 300
"""The most characters of a name that are searched."""
LEAST_LETTERS = 2
"""The fewest characters: shorter names occur in many texts."""
LEAST_LETTERS_OF_A_PERSON = 3

# A GUID or long hexadecimal id, in which "ada" means nothing; then words as in identifiers (PaymentsETL2 is Payments,
# ETL, 2): capitals up to the start of a word, a word, a number, any other script.
_WORD = re.compile(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{12,}"
    r"|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+"
)
_ZEROS = str.maketrans("123456789", "000000000")


class _Lists(Struct, frozen=True, forbid_unknown_fields=True):
    filler: frozenset[str]
    common: frozenset[str]
    technical: frozenset[str]


_LISTS = read_table("scanner.judging.ownership", "words.toml", _Lists)


def words(text: str) -> Words:
    """Return the words of an identifier in lower case: ``svc-PaymentsETL_2`` is svc, payments, etl, 2."""
    return tuple(map(str.lower, _WORD.findall(text[:LONGEST])))


def zeros_for_digits(text: str) -> str:
    """Return the text with a zero for each digit; its words are otherwise the same."""
    return text.translate(_ZEROS)


class NamedAfter:
    """Finds people and teams whose names are consecutive words of a text.

    The longest run of words counts: ``data-platform`` is not the team ``data``, if there is a team ``data-platform``.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._called: dict[Words, set[str]] = defaultdict(set)
        for person in directory.everybody.values():
            for run in _names(person) if person.is_group else _user_names(person):
                self._called[run].add(person.email)
        self._numbered = {zeros_for_digits(run[0]) for run in self._called if not all(map(str.isalpha, run))}
        lengths: dict[str, set[int]] = defaultdict(set)
        for run in self._called:
            lengths[run[0]].add(len(run))
        self._lengths = {word: sorted(of_runs, reverse=True) for word, of_runs in lengths.items()}
        # Many identities share scope, path and group.
        self._shared = cached(self._hints_in, size=REMEMBERED)
        self._of_runs: dict[tuple[FoundIn, tuple[Words, ...]], tuple[Hint, ...]] = {}

    def may_have_numbers(self, alike: Words) -> bool:
        """Return whether a name with numbers on the roster may occur in such a text; zeros match any digits."""
        return not self._numbered.isdisjoint(alike)

    def of_name(self, name: Words) -> tuple[Hint, ...]:
        """Return the hints in a name, given as words."""
        return self._hints("name", name)

    def of_place(self, identity: Identity) -> tuple[Hint, ...]:
        """Return the hints in its groups, its path and its scope."""
        hints = self._shared("scope", identity.scope)
        scope = identity.attributes.get(SCOPE_NAME)
        if isinstance(scope, str):
            hints += self._shared("scope", scope)
        path = identity.attributes.get("path")
        if isinstance(path, str):
            hints += self._shared("path", path)
        for link in identity.links:
            if link.relation == "member_of":
                hints += self._shared("group", link.target.rpartition("/")[2])
        return hints

    def _hints_in(self, place: FoundIn, text: str) -> tuple[Hint, ...]:
        return self._hints(place, words(text))

    def _hints(self, place: FoundIn, text: Words) -> tuple[Hint, ...]:
        if self._lengths.keys().isdisjoint(text):
            return ()
        key = place, tuple(self._runs(text))
        if key not in self._of_runs:
            self._of_runs[key] = tuple(self._pointed_at(*key))
        return self._of_runs[key]

    def _runs(self, text: Words) -> Iterator[Words]:
        at = 0
        while at < len(text):
            for length in self._lengths.get(text[at], ()):
                run = text[at : at + length]
                if run in self._called:
                    yield run
                    at += length
                    break
            else:
                at += 1

    def _pointed_at(self, place: FoundIn, runs: Iterable[Words]) -> Iterator[Hint]:
        found = [(run, self._directory.everybody[email]) for run in runs for email in sorted(self._called[run])]
        teams = {person.email for _, person in found if person.is_group}
        for run, person in found:
            if person.is_group:
                score = SCORES.team[place] / len(teams)
            else:
                score = SCORES.words["first_name" if len(_without_numbers(run)) == 1 else "full_name"]
            if _LISTS.common.issuperset(_without_numbers(run)):
                score *= SCORES.words["common"]
            yield Hint("words", person.email, score, f"{place} says {' '.join(run)}", _is_technical(run))


def _names(group: Person) -> Iterator[Words]:
    """Yield the names of a team, without general words such as "team"; ``DevOps`` is also the one word ``devops``."""
    given = group.email.partition(":")[2] or group.email.partition("@")[0]
    for text in filter(None, (given, group.name, group.id, *group.aliases)):
        for run in (words(text), words(text.lower())):
            specific = tuple(word for word in run if word not in _LISTS.filler)
            kept = specific if _without_numbers(specific) else run
            if _letters(kept) >= LEAST_LETTERS:
                yield kept


def _user_names(person: Person) -> Iterator[Words]:
    run = words(person.email.partition("@")[0])
    if _letters(run) >= LEAST_LETTERS_OF_A_PERSON:
        yield run


def _letters(run: Words) -> int:
    return sum(map(len, _without_numbers(run)))


def _is_technical(run: Iterable[str]) -> bool:
    return all(word.isdecimal() or word in _LISTS.common or word in _LISTS.technical for word in run)


def is_called_after(identity: Identity, email: str) -> bool:
    """Return whether the whole name of an identity is a person's user name of several words: it is their own."""
    name = words(email.partition("@")[0])
    return len(name) > 1 and words(identity.name) == name


def share_only_technical(identity: Identity, entry: Entry) -> bool:
    """Return whether all words that the names of an identity and of an entry share are technical."""
    declared = {word for text in (entry.name or "", *entry.identities) for word in words(text.rpartition("/")[2])}
    shared = declared.intersection(words(identity.name), words(identity.display_name or identity.name))
    return bool(shared) and _is_technical(shared)


def _without_numbers(run: Words) -> Words:
    """Return the words that are no numbers."""
    return tuple(word for word in run if not word.isdecimal())


# --- Owners of identities with similar names ---
#
# ``svc-payments-etl`` and ``svc-payments-refunds`` are likely one team's. Neighbours share the provider and at least
# the first two words of their names. Only owned ones count, so that a thousand undeclared identities have no influence.

LEAST_WORDS = 2
MOST_WORDS = 8


class Neighbours:
    """The owned identities by the prefixes of their names. ``owned``: each with its owner's e-mail."""

    def __init__(self, owned: Iterable[tuple[Identity, str]]) -> None:
        self._owners: dict[tuple[str, str | None], list[str]] = defaultdict(list)
        for identity, owner in owned:
            for prefix in _prefixes(identity.provider, words(identity.name)):
                self._owners[prefix, None].append(owner)
                self._owners[prefix, identity.scope].append(owner)
        self._hints: dict[tuple[str, str | None], Hint | None] = {}

    def of_name(self, provider: str, scope: str, name: Words) -> tuple[Hint, ...]:
        """Return the best hint in the scope, else in the provider. ``name``: the identity's name as words."""
        best: Hint | None = None
        for prefix in _prefixes(provider, name):
            if (prefix, None) not in self._owners:
                break
            for key in ((prefix, None), (prefix, scope)):
                if key not in self._hints:
                    self._hints[key] = self._judge(*key)
                hint = self._hints[key]
                if hint is not None and (best is None or hint.score >= best.score):
                    best = hint
        return () if best is None else (best,)

    def _judge(self, prefix: str, scope: str | None) -> Hint | None:
        """Most of the neighbours must have the same owner; the fewer there are, the lower the score."""
        owners = Counter(self._owners.get((prefix, scope), ()))
        if not owners:
            return None
        owner, count = owners.most_common(1)[0]
        total = owners.total()
        if 2 * count <= total:
            return None
        provider, _, beginning = prefix.partition("\0")
        owned = counted(total, "owned identity", "owned identities")
        evidence = f"{owner} owns {count} of {owned} named {beginning}-* in {scope or provider}"
        score = SCORES.signals["neighbours"] * count / (total + 1)
        return Hint("neighbours", owner, score, evidence, _is_technical(beginning.split("-")))


def _prefixes(provider: str, name: Words) -> Iterator[str]:
    """Yield the prefixes of a name up to the first number, shortest first."""
    prefix = f"{provider}\0{'-'.join(name[:LEAST_WORDS])}"
    if len(name) < LEAST_WORDS:
        return
    yield prefix
    for word in name[LEAST_WORDS:MOST_WORDS]:
        if word.isdecimal():
            return
        prefix += f"-{word}"
        yield prefix


# --- Hints in names, cached for names that differ only in meaningless numbers ---


class Alike:
    """Hints in a name, and in neighbours' names: ``svc-etl-0041`` has the same as ``svc-etl-0042``."""

    def __init__(self, named_after: NamedAfter, neighbours: Neighbours) -> None:
        self._named_after = named_after
        self._neighbours = neighbours
        self._cached_hints = cached(self._hints, size=REMEMBERED)
        self._cached_numbers_matter = cached(self._numbers_matter, size=REMEMBERED)

    def of_identity(self, identity: Identity) -> tuple[Hint, ...]:
        """Return the hints in its name, and in similar names in its scope and provider."""
        alike = zeros_for_digits(identity.name)
        name = identity.name if self._cached_numbers_matter(alike) else alike
        return self._cached_hints(identity.provider, identity.scope, name)

    def _hints(self, provider: str, scope: str, name: str) -> tuple[Hint, ...]:
        parts = words(name)
        return self._named_after.of_name(parts) + self._neighbours.of_name(provider, scope, parts)

    def _numbers_matter(self, alike: str) -> bool:
        """Return whether the numbers matter: in a person's name, in an id, or in the part that neighbours share."""
        parts = words(alike)
        has_id = not all(word.isalpha() or word.isdecimal() for word in parts)
        return has_id or any(map(str.isdecimal, parts[:LEAST_WORDS])) or self._named_after.may_have_numbers(parts)
