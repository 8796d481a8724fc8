"""Candidates for a text that does not resolve, with the reason, best first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from scanner.matching.keys import fold
from scanner.model import Person
from scanner.registry.roster.indexes import CROWD, Emails, Indexes, common, local, united, words_of_local_part
from scanner.registry.roster.spelling import account_key, name_words
from scanner.registry.roster.texts import Parts, without_labels
from scanner.registry.roster.words import is_unspaced

_LARGE = 2_000
"""The most people with a word in their name for which others are looked up beside it."""
_GUESSES = 5
_LEADERS_KEPT = 10_000
_SIGNS = re.compile(r"[\W_]+")
_ALIKE = 85
"""The least similarity of two names, from 0 to 100, for one to be a misspelling of the other."""
_ALIKE_UNSPACED = 70
"""The same in scripts without blanks, whose names have few letters: one of four is another."""

SEVERAL, CONTRADICTED, UNCERTAIN = (
    "several have this name",
    "the rest of the text contradicts it",
    "the text expresses doubt",
)
# The confidence of each reason, from 0 to 1; it is multiplied with the score of the entry's column.
_SCORES = {
    SEVERAL: 0.75,
    CONTRADICTED: 0.85,
    UNCERTAIN: 0.8,
    "user name of another address": 0.8,
    "user name": 0.8,
    "user name derived from the name": 0.75,
    "initials": 0.75,
    "part of the name": 0.7,
    "mistyped": 0.7,
    "leads that team": 0.6,
}
_SHARING = 0.2
"""How much each further candidate with the same reason reduces the score."""


class Guess(NamedTuple):
    """A candidate: the e-mail, a score from 0 to 1, and the reason."""

    email: str
    score: float
    why: str


class Guesses:
    """Finds candidates. ``stays``: returns by e-mail whether a person stays, which decides the order."""

    def __init__(self, indexes: Indexes, stays: Callable[[str], bool]) -> None:
        self._indexes = indexes
        self._stays = stays
        self._leading: dict[Emails, tuple[str, ...]] = {}

    def of(self, said: Parts) -> tuple[Guess, ...]:
        """Return the candidates for the parts of a text that do not resolve."""
        found: dict[str, str] = {}
        names = [without_labels(name) for name in (*said.names, *said.asides)]
        for email in said.emails:
            for one in _few(self._indexes.accounts.get(fold(local(email)), ())):
                found.setdefault(one, "user name of another address")
        for account in (*said.accounts, *map(local, said.emails), *names):
            for one in _few(self._indexes.accounts.get(fold(account), ())):
                found.setdefault(one, "user name")
            for one in _few(self._indexes.made.get(account_key(account), ())):
                found.setdefault(one, "user name derived from the name")
        accounts = (_SIGNS.sub(" ", one) for one in (*map(local, said.emails), *said.accounts))
        for name in (*names, *accounts):
            for one, why in self._alike(name):
                found.setdefault(one, why)
        if not found and not said.asides:
            found = {one: "leads that team" for name in said.names for one in self._leaders(name)}
        return self.ranked(found.items())

    def _alike(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield people whose names share words with this name, with how."""
        known = self._indexes.words
        for words in name_words(name):
            shared = [known[word] for word in (*words, *_beginnings(words)) if word in known]
            pool = united(*(emails for emails in shared if len(emails) <= CROWD))
            if not pool and len(shared) > 1 and min(map(len, shared)) <= _LARGE:
                pool = common(*shared)
            for email in sorted(pool) if len(pool) <= CROWD * len(shared) else ():
                if (how := _how_alike(words, self._indexes.people[email])) is not None:
                    yield email, how

    def _leaders(self, team: str) -> Sequence[str]:
        """Return who leads a team that is no group on the roster: most of the other members report to one of its own.

        Somebody outside the team leads it only if exactly its members report to them; a line manager of one
        person does not lead a team by that.
        """
        members = self._indexes.team(team)[1]
        if members not in self._leading:
            if len(self._leading) >= _LEADERS_KEPT:
                self._leading.clear()
            self._leading[members] = tuple(self._leaders_of(members))
        return self._leading[members]

    def _leaders_of(self, members: Emails) -> Iterator[str]:
        managers = {one.email for email in members if (one := self._manager_of(email)) is not None}
        for leader in sorted(managers):
            reports = self._indexes.reports[leader]
            if leader in members:
                leads = 2 * len(reports & members) > len(members) - 1
            else:
                leads = reports == members and len(members) > 1
            if leads:
                yield leader

    def _manager_of(self, email: str) -> Person | None:
        manager = self._indexes.people[email].manager
        return self._indexes.outright(manager) if manager else None

    def ranked(self, found: Iterable[tuple[str, str]]) -> tuple[Guess, ...]:
        """Rank the candidates, best first. Several with one reason share its score; active people come first."""
        pairs = list(islice(found, CROWD + 1))
        if len(pairs) > CROWD:
            return ()
        times = Counter(why for _, why in pairs)
        guesses = (
            Guess(email, round(_SCORES[why] / (1 + _SHARING * (times[why] - 1)), 3), why) for email, why in pairs
        )
        here = {email: self._stays(email) for email, _ in pairs}
        order = {email: number for number, (email, _) in enumerate(pairs)}
        ranked = sorted(guesses, key=lambda one: (-one.score, not here[one.email], order[one.email]))
        return tuple(ranked[:_GUESSES])


def _few(emails: Collection[str]) -> Sequence[str]:
    """Return the people in order; of a crowd, none."""
    return sorted(emails) if len(emails) <= CROWD else ()


def _how_alike(words: Sequence[str], person: Person) -> str | None:
    """Return how words are like a person's name: shortened, initials, more or fewer words, or misspelt."""
    from rapidfuzz import fuzz

    theirs = (name_words(person.name or "") or ((),))[0]
    if has_initials(words, theirs):
        return "initials"
    fewer = set(words) <= set(theirs) or set(words) <= set(words_of_local_part(person))
    if fewer or (len(theirs) > 1 and set(theirs) <= set(words)):
        return "part of the name"
    written, name = " ".join(sorted(words)), " ".join(sorted(theirs))
    least = _ALIKE
    if is_unspaced(written):
        written, name, least = "".join(words), "".join(theirs), _ALIKE_UNSPACED
        if name.startswith(written) or name in written or theirs[0] in words:
            return "part of the name"
    return "mistyped" if fuzz.ratio(written, name) >= least else None


def _beginnings(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if is_unspaced(word):
            yield from (word[:end] for end in range(1, len(word)))


def has_initials(words: Sequence[str], theirs: Sequence[str]) -> bool:
    """Return whether each word is a word of the other name or its first letter, with at least one of each."""
    left = list(theirs)
    short = 0
    for word in sorted(words, key=len, reverse=True):
        fitting = next((one for one in left if one == word or (len(word) == 1 and one.startswith(word))), None)
        if fitting is None:
            return False
        short += fitting != word
        left.remove(fitting)
    return bool(words) and 0 < short < len(words)
