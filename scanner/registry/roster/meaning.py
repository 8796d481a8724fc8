"""Finds the person or group that a text names if it is no exact e-mail, id, alias or name, or the candidates.

Each part of a text (an e-mail, a user name, a name, a text in brackets) is a claim: the set of people or groups that it
can mean. The text names a person for certain only if all claims together leave exactly one. Otherwise the result is
candidates with the reason, for a person to decide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

from msgspec import Struct

from scanner.matching.keys import fold
from scanner.model import Person
from scanner.registry.roster.texts import Parts, account_key, name_keys, name_words, parts, team_keys, tidied

K = TypeVar("K", str, tuple[str, ...])

_MOST_OF_A_NAME = 200
"""The most people with one word in their name: a more frequent word is not searched."""
_GUESSES, _GUESSES_NAMED = 5, 3
_SIGNS = re.compile(r"[\W_]+")
_ID = re.compile(r"[A-Za-z]{0,3}-?\d{3,}")
_ALIKE = 85
"""The least similarity of two names, from 0 to 100, for one to be a misspelling of the other."""

_CONTRADICTED, _UNCERTAIN = "the rest of the text contradicts it", "the text expresses doubt"
# The confidence of each reason, from 0 to 1; it is multiplied with the score of the entry's column.
_SCORES = {
    "several have this name": 0.75,
    _CONTRADICTED: 0.85,
    _UNCERTAIN: 0.8,
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

_Emails = frozenset[str]
_NO_EMAILS: _Emails = frozenset()


class Guess(NamedTuple):
    """A candidate: the e-mail, a score from 0 to 1, and the reason."""

    email: str
    score: float
    why: str


class Meaning(Struct, frozen=True, kw_only=True):
    """``person``: named for certain. ``ambiguous``: several fit. ``guesses``: candidates, best first."""

    person: Person | None = None
    ambiguous: bool = False
    guesses: tuple[Guess, ...] = ()

    @property
    def why_unresolved(self) -> str:
        """Why the text names no person for certain, as a phrase to follow the text."""
        named = " or ".join(one.email for one in self.guesses[:_GUESSES_NAMED])
        if self.ambiguous:
            return f"could be {named or 'several people'}"
        may = f"; it may be {named} ({self.guesses[0].why})" if named else ""
        return f"is not on the roster{may}"


class Index:
    """People and groups by the names that they may have. ``outright``: finds one by exact name.

    ``stays``: returns whether a person stays, which decides the order of candidates.
    """

    def __init__(
        self, people: Sequence[Person], outright: Callable[[str], Person | None], stays: Callable[[Person], bool]
    ) -> None:
        self._people = {person.email: person for person in people}
        self._persons = [person for person in people if not person.is_group]
        self._outright = outright
        self._stays = stays

    def meaning(self, text: str) -> Meaning:
        """Return the person or group that a text names, or candidates. Never raises."""
        said = self._sorted_out(parts(text))
        if not said:
            return Meaning()
        claims = list(self._claims(said))
        known = [claim for claim in claims if claim]
        if not known:
            return Meaning(guesses=self._guesses(said))
        left = frozenset.intersection(*known)
        narrowed, contradicted = self._beside(left, said.asides)
        one = next(iter(narrowed)) if len(narrowed) == 1 else None
        if one is not None and not contradicted and not said.uncertain and self._agrees(one, said, claims):
            return Meaning(person=self._people[one])
        if len(left) > 1:
            return Meaning(
                ambiguous=True,
                guesses=self._ranked((one, "several have this name") for one in sorted(narrowed or left)),
            )
        if not left:  # the e-mail takes precedence over the name beside it
            every = dict.fromkeys(email for claim in known for email in sorted(claim))
            return Meaning(ambiguous=True, guesses=self._ranked((one, _CONTRADICTED) for one in every))
        why = _UNCERTAIN if said.uncertain else _CONTRADICTED
        return Meaning(guesses=self._ranked((one, why) for one in left))

    def _sorted_out(self, said: Parts) -> Parts:
        """A team's name beside an e-mail is not a second owner, but the person's team."""
        if not said.emails:
            return said
        teams = tuple(name for name in said.names if (found := self._by_name(name)) and self._are_groups(found))
        names = tuple(name for name in said.names if name not in teams)
        return said._replace(names=names, asides=(*said.asides, *teams))

    def _are_groups(self, emails: Iterable[str]) -> bool:
        return all(self._people[email].is_group for email in emails)

    def _claims(self, said: Parts) -> Iterator[_Emails]:
        yield from map(self._by_email, said.emails)
        yield from map(self._by_account, said.accounts)
        yield from map(self._by_name, said.names)

    def _by_email(self, email: str) -> _Emails:
        local, _, domain = email.partition("@")
        found = self._outright(email) or self._outright(f"{local.partition('+')[0]}@{domain}")
        return frozenset({found.email}) if found else _NO_EMAILS

    def _by_account(self, account: str) -> _Emails:
        """Look up a user name; an alias of one person that is the local part of another's e-mail is ambiguous."""
        return self._accounts.get(fold(account), _NO_EMAILS)

    def _by_name(self, name: str) -> _Emails:
        if (found := self._outright(name)) is not None and not name_words(name)[0][1:]:
            return frozenset({found.email})
        named = frozenset(email for key in name_keys(name) for email in self._full_names.get(key, ()))
        teams = frozenset(email for key in team_keys(name) for email in self._teams.get(key, ()))
        every = named | teams | ({found.email} if found else frozenset())
        if len(every) > 1 and (not name.isascii() or "," in name):
            exact = {email for email in named if self._is_written(name, self._people[email])}
            every = frozenset(exact) if len(exact) == 1 and not teams else every
        return every or (self._by_account(name) if not self._is_word_of_a_name(name) else _NO_EMAILS)

    def _is_written(self, text: str, person: Person) -> bool:
        """Return whether a name, with its order and accents, is exactly this person's."""
        last, comma, first = tidied(text).partition(",")
        written = f"{first.strip()} {last.strip()}" if comma else text
        return fold(tidied(written)) == fold(tidied(person.name or ""))

    def _is_word_of_a_name(self, text: str) -> bool:
        """Return whether a text may be part of a person's name, not a user name: ``ada``."""
        return any(word in self._words for words in name_words(text) for word in words) or " " in text

    def _beside(self, left: _Emails, asides: Sequence[str]) -> tuple[_Emails, bool]:
        """Narrow the candidates by the texts in brackets; return whether a text contradicts all of them.

        A team or id beside a name separates two people of the same name; unknown texts are ignored.
        """
        contradicted = False
        for aside in asides:
            meant = frozenset[str]()
            said = parts(aside)
            claims = [claim for claim in self._claims(said) if claim]
            if claims:
                meant = frozenset.intersection(*claims)
            team = self._members_called(aside)
            if team:
                meant = frozenset(email for email in meant if not self._people[email].is_group) | team
            if not meant:
                contradicted = contradicted or bool(said.emails or _ID.fullmatch(aside.strip()))
            elif left & meant:
                left = left & meant
            elif self._are_groups(left) and any(meant <= self._members(self._people[email]) for email in left):
                left = meant  # Payments (Jane Doe): a member of the team
            else:
                contradicted = True
        return left, contradicted

    def _members_called(self, team: str) -> _Emails:
        found = {email for key in team_keys(team) for email in self._in_team.get(key, ())}
        groups = [self._people[email] for key in team_keys(team) for email in self._teams.get(key, ())]
        return frozenset(found).union(*map(self._members, groups))

    def _members(self, group: Person) -> _Emails:
        """Return a group with its listed members, or with the people whose team it is."""
        named = [one.email for text in group.members or () if (one := self._outright(text)) is not None]
        called = filter(None, (group.email.removeprefix("team:"), group.name))
        keys = () if named else (key for text in called for key in team_keys(text))
        return frozenset({group.email, *named}).union(*(self._in_team.get(key, ()) for key in keys))

    def _agrees(self, email: str, said: Parts, claims: Sequence[_Emails]) -> bool:
        """Return whether all addresses and user names of the text are known.

        Beside a name, an address of another domain with the same local part counts as theirs.
        """
        if said.emails and not claims[0]:
            return bool(said.names) and _local(said.emails[0]) == _local(email)
        unknown_account = any(not self._by_account(account) for account in said.accounts)
        return not unknown_account

    # --- Candidates ---

    def _guesses(self, said: Parts) -> tuple[Guess, ...]:
        found: dict[str, str] = {}
        for email in said.emails:
            for one in sorted(self._accounts.get(fold(_local(email)), ())):
                found.setdefault(one, "user name of another address")
        for account in (*said.accounts, *map(_local, said.emails), *said.names):
            for one in sorted(self._accounts.get(fold(account), ())):
                found.setdefault(one, "user name")
            for one in sorted(self._made.get(account_key(account), ())):
                found.setdefault(one, "user name derived from the name")
        accounts = (_SIGNS.sub(" ", one) for one in (*map(_local, said.emails), *said.accounts))
        for name in (*said.names, *accounts):
            for one, why in self._alike(name):
                found.setdefault(one, why)
        if not found:
            found = {one: "leads that team" for name in said.names for one in self._leaders(name)}
        return self._ranked(found.items())

    def _alike(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield people whose names share words with this name: shortened, initials, more or fewer words, misspelt."""
        from rapidfuzz import fuzz

        for words in name_words(name):
            shared = [self._words[word] for word in words if word in self._words]
            pool = {email for emails in shared if len(emails) <= _MOST_OF_A_NAME for email in emails}
            if not pool and len(shared) > 1:
                pool = set.intersection(*map(set, shared))
            for email in sorted(pool):
                theirs = name_words(self._people[email].name or "")[0]
                if _initials(words, theirs):
                    yield email, "initials"
                elif set(words) <= set(theirs) or (len(theirs) > 1 and set(theirs) <= set(words)):
                    yield email, "part of the name"
                elif fuzz.ratio(" ".join(sorted(words)), " ".join(sorted(theirs))) >= _ALIKE:
                    yield email, "mistyped"

    def _leaders(self, team: str) -> Iterator[str]:
        """Yield the person most of a team report to, if the team is no group on the roster."""
        members = [self._people[email] for key in team_keys(team) for email in self._in_team.get(key, ())]
        managers: dict[str, int] = defaultdict(int)
        for manager in (self._outright(member.manager) for member in members if member.manager):
            if manager is not None:
                managers[manager.email] += 1
        yield from sorted(managers, key=lambda email: (-managers[email], email))[:1]

    def _ranked(self, found: Iterable[tuple[str, str]]) -> tuple[Guess, ...]:
        """Rank the candidates, best first. Several with one reason share its score; active people come first."""
        pairs = list(found)
        reasons = [why for _, why in pairs]
        guesses = (
            Guess(email, round(_SCORES[why] / (1 + _SHARING * (reasons.count(why) - 1)), 3), why)
            for email, why in pairs
        )
        here = {email: self._stays(self._people[email]) for email, _ in pairs}
        order = {email: number for number, (email, _) in enumerate(pairs)}
        ranked = sorted(guesses, key=lambda one: (-one.score, not here[one.email], order[one.email]))
        return tuple(ranked[:_GUESSES])

    # --- Indexes of the roster ---

    @cached_property
    def _accounts(self) -> Mapping[str, _Emails]:
        """User names with and without domain: aliases, ids, and local parts of e-mails."""
        found: dict[str, set[str]] = defaultdict(set)
        for person in self._persons:
            named = (person.email, *person.aliases, *((person.id,) if person.id else ()))
            for text in named:
                found[fold(text.strip())].add(person.email)
                found[fold(_local(text.strip()).rpartition("\\")[2])].add(person.email)
        return _frozen(found)

    @cached_property
    def _made(self) -> Mapping[str, _Emails]:
        """User names derived from names: jdoe, janed, doej, janedoe, doejane."""
        found: dict[str, set[str]] = defaultdict(set)
        for person in self._persons:
            for words in name_words(person.name or ""):
                if len(words) > 1:
                    first, last = words[0], words[-1]
                    for made in (first[0] + last, first + last[0], last + first[0], first + last, last + first):
                        found[made].add(person.email)
        return _frozen(found)

    @cached_property
    def _full_names(self) -> Mapping[tuple[str, ...], _Emails]:
        found: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for person in self._persons:
            for text in filter(None, (person.name, *(alias for alias in person.aliases if " " in alias.strip()))):
                for key in name_keys(text):
                    found[key].add(person.email)
        return _frozen(found)

    @cached_property
    def _words(self) -> Mapping[str, _Emails]:
        """The single words of people's names."""
        found: dict[str, set[str]] = defaultdict(set)
        for person in self._persons:
            for words in name_words(person.name or ""):
                for word in words:
                    found[word].add(person.email)
        return _frozen(found)

    @cached_property
    def _teams(self) -> Mapping[tuple[str, ...], _Emails]:
        found: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for group in self._people.values():
            if group.is_group:
                given = group.email.partition(":")[2] or _local(group.email)
                for text in filter(None, (given, group.name, group.id, *group.aliases)):
                    for key in team_keys(text):
                        found[key].add(group.email)
        return _frozen(found)

    @cached_property
    def _in_team(self) -> Mapping[tuple[str, ...], _Emails]:
        found: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for person in self._persons:
            for key in team_keys((person.team or "").removeprefix("team:")):
                found[key].add(person.email)
        return _frozen(found)


def _frozen(found: Mapping[K, set[str]]) -> Mapping[K, _Emails]:
    return {key: frozenset(emails) for key, emails in found.items()}


def _local(email: str) -> str:
    return email.partition("@")[0]


def _initials(words: Sequence[str], theirs: Sequence[str]) -> bool:
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
