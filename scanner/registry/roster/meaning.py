"""Whom a text means that is not outright somebody's e-mail, id, alias or name: for certain, or whom it may mean.

Each part of a text (an e-mail, a user name, a name, what stands in brackets) is a claim: the set of those whom it could
mean. Only where all claims leave exactly one is anybody meant. Everything else is for a person to decide, and comes as
candidates with the reason.
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
"""People who share one word of a name; of more, that word tells nothing."""
_GUESSES, _GUESSES_NAMED = 5, 3
_SIGNS = re.compile(r"[\W_]+")
_ID = re.compile(r"[A-Za-z]{0,3}-?\d{3,}")
_ALIKE = 85
"""Of 100: how alike two names are, one of which may be mistyped."""

_OTHERWISE, _DOUBTED = "the rest of it says otherwise", "it says that it may not be so"
# How far each reason is to be trusted, from 0 to 1; it is multiplied with what the entry's column is worth.
_SCORES = {
    "several go by it": 0.75,
    _OTHERWISE: 0.85,
    _DOUBTED: 0.8,
    "user name of another address": 0.8,
    "user name": 0.8,
    "user name made from the name": 0.75,
    "initials": 0.75,
    "part of the name": 0.7,
    "mistyped": 0.7,
    "leads that team": 0.6,
}

_Emails = frozenset[str]
_NOBODY: _Emails = frozenset()


class Guess(NamedTuple):
    """Somebody whom a text may mean: their e-mail, 0 to 1, and why."""

    email: str
    score: float
    why: str


class Meaning(Struct, frozen=True, kw_only=True):
    """``person``: who is meant for certain. ``ambiguous``: several go by just that. ``guesses``: likeliest first."""

    person: Person | None = None
    ambiguous: bool = False
    guesses: tuple[Guess, ...] = ()

    @property
    def why_nobody(self) -> str:
        """Why nobody is meant for certain, to go on after the text."""
        named = " or ".join(one.email for one in self.guesses[:_GUESSES_NAMED])
        if self.ambiguous:
            return f"could be {named or 'several people'}"
        may = f"; it may be {named} ({self.guesses[0].why})" if named else ""
        return f"is not on the roster{may}"


class Index:
    """Everybody on the roster by what they may be called. ``outright``: what names one for certain, as compared.

    ``stays``: whether somebody is still here, for the order of guesses.
    """

    def __init__(
        self, people: Sequence[Person], outright: Callable[[str], Person | None], stays: Callable[[Person], bool]
    ) -> None:
        self._people = {person.email: person for person in people}
        self._persons = [person for person in people if not person.is_group]
        self._outright = outright
        self._stays = stays

    def meaning(self, text: str) -> Meaning:
        """Whom the text means. Never raises."""
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
        if one is not None and not contradicted and not said.doubtful and self._agrees(one, said, claims):
            return Meaning(person=self._people[one])
        if len(left) > 1:
            return Meaning(ambiguous=True, guesses=self._ranked((one, "several go by it") for one in narrowed or left))
        if not left:  # an e-mail outranks the name beside it
            every = dict.fromkeys(email for claim in known for email in sorted(claim))
            return Meaning(
                ambiguous=True, guesses=self._ranked((one, "the rest of it says otherwise") for one in every)
            )
        why = "it says that it may not be so" if said.doubtful else "the rest of it says otherwise"
        return Meaning(guesses=self._ranked((one, why) for one in left))

    def _sorted_out(self, said: Parts) -> Parts:
        """Beside an e-mail the name of a team is no second owner, but says which team theirs is."""
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
        return frozenset({found.email}) if found else _NOBODY

    def _by_account(self, account: str) -> _Emails:
        """By a user name; one that is an alias of one and the beginning of another's e-mail could be either's."""
        return self._accounts.get(fold(account), _NOBODY)

    def _by_name(self, name: str) -> _Emails:
        if (found := self._outright(name)) is not None and not name_words(name)[0][1:]:
            return frozenset({found.email})
        named = frozenset(email for key in name_keys(name) for email in self._full_names.get(key, ()))
        teams = frozenset(email for key in team_keys(name) for email in self._teams.get(key, ()))
        every = named | teams | ({found.email} if found else frozenset())
        if len(every) > 1 and (not name.isascii() or "," in name):
            exact = {email for email in named if self._is_written(name, self._people[email])}
            every = frozenset(exact) if len(exact) == 1 and not teams else every
        return every or (self._by_account(name) if not self._is_word_of_a_name(name) else _NOBODY)

    def _is_written(self, text: str, person: Person) -> bool:
        """Whether a name that tells its order or accents is just this person's."""
        last, comma, first = tidied(text).partition(",")
        written = f"{first.strip()} {last.strip()}" if comma else text
        return fold(tidied(written)) == fold(tidied(person.name or ""))

    def _is_word_of_a_name(self, text: str) -> bool:
        """Whether it may be what somebody is called rather than their user name: ``ada``."""
        return any(word in self._words for words in name_words(text) for word in words) or " " in text

    def _beside(self, left: _Emails, asides: Sequence[str]) -> tuple[_Emails, bool]:
        """Those whom what stands in brackets leaves, and whether it contradicts all of them.

        A team or a person's id beside a name tells two of one name apart; what nobody goes by says nothing.
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
                left = meant  # Payments (Jane Doe): one of the team
            else:
                contradicted = True
        return left, contradicted

    def _members_called(self, team: str) -> _Emails:
        found = {email for key in team_keys(team) for email in self._in_team.get(key, ())}
        groups = [self._people[email] for key in team_keys(team) for email in self._teams.get(key, ())]
        return frozenset(found).union(*map(self._members, groups))

    def _members(self, group: Person) -> _Emails:
        """A group with those it lists, or with those whose team it is."""
        named = [one.email for text in group.members or () if (one := self._outright(text)) is not None]
        called = filter(None, (group.email.removeprefix("team:"), group.name))
        keys = () if named else (key for text in called for key in team_keys(text))
        return frozenset({group.email, *named}).union(*(self._in_team.get(key, ()) for key in keys))

    def _agrees(self, email: str, said: Parts, claims: Sequence[_Emails]) -> bool:
        """Whether no part of the text is somebody whom nobody knows: an address, or a user name beside a name.

        An address elsewhere that begins as theirs does is theirs, beside their name.
        """
        if said.emails and not claims[0]:
            return bool(said.names) and _local(said.emails[0]) == _local(email)
        unknown_account = any(not self._by_account(account) for account in said.accounts)
        return not unknown_account

    # --- whom it may mean ---------------------------------------------------------

    def _guesses(self, said: Parts) -> tuple[Guess, ...]:
        found: dict[str, str] = {}
        for email in said.emails:
            for one in self._accounts.get(fold(_local(email)), ()):
                found.setdefault(one, "user name of another address")
        for account in (*said.accounts, *map(_local, said.emails), *said.names):
            for one in self._accounts.get(fold(account), ()):
                found.setdefault(one, "user name")
            for one in self._made.get(account_key(account), ()):
                found.setdefault(one, "user name made from the name")
        accounts = (_SIGNS.sub(" ", one) for one in (*map(_local, said.emails), *said.accounts))
        for name in (*said.names, *accounts):
            for one, why in self._alike(name):
                found.setdefault(one, why)
        for name in said.names if not found else ():
            for one in self._leaders(name):
                found.setdefault(one, "leads that team")
        return self._ranked(found.items())

    def _alike(self, name: str) -> Iterator[tuple[str, str]]:
        """Those whose names share words with this one: shortened, with initials, with more or fewer, mistyped."""
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
        """Whom most of a team that is no group on the roster report to."""
        members = [self._people[email] for key in team_keys(team) for email in self._in_team.get(key, ())]
        managers: dict[str, int] = defaultdict(int)
        for manager in (self._outright(one.manager) for one in members if one.manager):
            if manager is not None:
                managers[manager.email] += 1
        yield from sorted(managers, key=lambda email: (-managers[email], email))[:1]

    def _ranked(self, found: Iterable[tuple[str, str]]) -> tuple[Guess, ...]:
        """The likeliest first; several for one reason share what it is worth, and who is still here goes first."""
        pairs = list(found)
        reasons = [why for _, why in pairs]
        guesses = (
            Guess(email, round(_SCORES[why] / (1 + 0.2 * (reasons.count(why) - 1)), 3), why) for email, why in pairs
        )
        here = {email: self._stays(self._people[email]) for email, _ in pairs}
        order = {email: number for number, (email, _) in enumerate(pairs)}
        ranked = sorted(guesses, key=lambda one: (-one.score, not here[one.email], order[one.email]))
        return tuple(ranked[:_GUESSES])

    # --- the roster by what people are called -------------------------------------

    @cached_property
    def _accounts(self) -> Mapping[str, _Emails]:
        """User names, with and without their domain: aliases, ids, and what stands before the @ of an e-mail."""
        found: dict[str, set[str]] = defaultdict(set)
        for person in self._persons:
            named = (person.email, *person.aliases, *((person.id,) if person.id else ()))
            for text in named:
                found[fold(text.strip())].add(person.email)
                found[fold(_local(text.strip()).rpartition("\\")[2])].add(person.email)
        return _frozen(found)

    @cached_property
    def _made(self) -> Mapping[str, _Emails]:
        """User names as they are made from a name: jdoe, janed, doej, janedoe, doejane."""
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
            for text in filter(None, (person.name, *(one for one in person.aliases if " " in one.strip()))):
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
    """Whether each word is one of theirs, or the first letter of one, and at least one of each is there."""
    left = list(theirs)
    short = 0
    for word in sorted(words, key=len, reverse=True):
        fitting = next((one for one in left if one == word or (len(word) == 1 and one.startswith(word))), None)
        if fitting is None:
            return False
        short += fitting != word
        left.remove(fitting)
    return bool(words) and 0 < short < len(words)
