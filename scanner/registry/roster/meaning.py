"""Finds the person or group that a text names if it is no exact e-mail, id, alias or name, or the candidates.

Each part of a text (an e-mail, a user name, a name, a text beside it) is read as the people that it can mean, and the
team that it names. The text names a person for certain only if all parts together leave exactly one, and a single word
of a name only with an honorific or the team beside it. Otherwise the result is candidates with the reason, for a person
to decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from scanner.matching.keys import fold
from scanner.model import Person
from scanner.registry.roster.guesses import CONTRADICTED, SEVERAL, UNCERTAIN, Guess, Guesses, has_initials
from scanner.registry.roster.indexes import (
    CROWD,
    NO_PEOPLE,
    Emails,
    Indexes,
    common,
    is_family_name,
    local,
    short_key,
    sound_key,
    united,
    words_of_local_part,
)
from scanner.registry.roster.spelling import (
    joined_keys,
    name_keys,
    name_words,
    names,
    natural,
    roman_key,
    roman_words,
    says_team,
    team_keys,
)
from scanner.registry.roster.texts import Parts, is_doubtful, parts, tidied, without_labels
from scanner.registry.roster.words import is_unspaced

_GUESSES_NAMED = 3
_MOST_WORDS = 8
"""The most words in which a team's name is searched beside a name."""
_LONGEST_REMARK = 5
"""The most words of a text beside a name that is not understood: a longer one says something about it."""


_CAPITALS = re.compile(r"\b([A-Z])([A-Z])\b")
"""Two initials: JP Durand."""


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


class _Reading(NamedTuple):
    """What one part of a text can mean.

    ``people``: people and groups. ``team``: the group of that name and all in it. ``whole``: the part is a full name,
    an id or an address, no single word of a name. ``polite``: with an honorific. ``called``: the words of
    a name that is not whole.
    """

    people: Emails = NO_PEOPLE
    team: Emails = NO_PEOPLE
    called: tuple[tuple[str, ...], ...] = ()
    whole: bool = True
    polite: bool = False

    def __bool__(self) -> bool:
        return bool(self.people or self.team)


class Index:
    """People and groups by the names that they may have. ``outright``: finds one by exact name.

    ``stays``: returns whether a person stays, which decides the order of candidates.
    """

    def __init__(
        self, people: Sequence[Person], outright: Callable[[str], Person | None], stays: Callable[[Person], bool]
    ) -> None:
        self._indexes = Indexes(people, outright)
        self._people = self._indexes.people
        self._guesses = Guesses(self._indexes, lambda email: stays(self._people[email]))

    def meaning(self, text: str) -> Meaning:
        """Return the person or group that a text names, or candidates. Never raises."""
        said = self._apart(parts(text))
        if not said:
            return Meaning()
        named = [*map(self._by_email, said.emails), *map(self._by_account, said.accounts), *map(self._read, said.names)]
        beside = list(map(self._read_beside, said.asides))
        main = [one for one in named if one]
        people = [one.people for one in main if one.whole and not self._are_groups(one.people)]
        people += [one.people for one in beside if one.whole and one.people and not self._are_groups(one.people)]
        words = [one for one in (*main, *beside) if not one.whole and one.people]
        teams = [one.team for one in (*main, *beside) if one.team]
        doubt = UNCERTAIN if self._is_doubted(said, beside) else None
        if people:
            return self._person(said, named, people, words, teams, doubt)
        if words and (found := self._by_a_word(words, teams)) is not None:
            return Meaning(person=self._people[found]) if doubt is None else self._doubted([found], doubt)
        groups = [one.people for one in main if one.people and one.whole]
        if not groups:
            return Meaning(guesses=self._guesses.of(said))
        left = common(*groups)
        if len(left) != 1:
            return self._several(left or united(*groups))
        doubt = doubt or (None if self._agrees(next(iter(left)), said, named, beside) else CONTRADICTED)
        return Meaning(person=self._people[next(iter(left))]) if doubt is None else self._doubted(left, doubt)

    def _person(
        self,
        said: Parts,
        named: Sequence[_Reading],
        people: Sequence[Emails],
        words: Sequence[_Reading],
        teams: Sequence[Emails],
        doubt: str | None,
    ) -> Meaning:
        """Return the only person that all parts mean; a team beside the name distinguishes two people of one name."""
        left = common(*people)
        if not left:  # the e-mail takes precedence over the name beside it
            every = dict.fromkeys(email for claim in people if len(claim) <= CROWD for email in sorted(claim))
            return Meaning(ambiguous=True, guesses=self._guesses.ranked((one, CONTRADICTED) for one in every))
        narrowed, contradicted = self._narrowed(left, said, named, words, teams)
        doubt = doubt or (CONTRADICTED if contradicted else None)
        if len(narrowed) > 1:
            return self._several(narrowed)
        (email,) = narrowed
        if doubt is None and not self._agrees(email, said, named, ()):
            doubt = CONTRADICTED
        if doubt is None:
            return Meaning(person=self._people[email])
        return self._several(left) if len(left) > 1 else self._doubted(left, doubt)

    def _narrowed(
        self,
        left: Emails,
        said: Parts,
        named: Sequence[_Reading],
        words: Sequence[_Reading],
        teams: Sequence[Emails],
    ) -> tuple[Emails, bool]:
        """Narrow people by teams and single words beside the name; return whether one contradicts all of them."""
        contradicted = False
        for team in teams:
            if both := common(left, team):
                left = both
            else:
                contradicted = contradicted or not self._is_part_of_their_team(left, said)
        for one in words:
            if both := common(left, one.people):
                left = both
            else:
                contradicted = contradicted or one is named[0]
        return left, contradicted

    def _several(self, emails: Emails) -> Meaning:
        if len(emails) > CROWD:
            return Meaning(ambiguous=True)
        return Meaning(ambiguous=True, guesses=self._guesses.ranked((one, SEVERAL) for one in sorted(emails)))

    def _doubted(self, emails: Iterable[str], why: str) -> Meaning:
        return Meaning(guesses=self._guesses.ranked((one, why) for one in emails))

    def _by_a_word(self, words: Sequence[_Reading], teams: Sequence[Emails]) -> str | None:
        """Return the only one with that word in the name, who has an honorific or the team beside it.

        Herr Martin is not Martin Weber, even if no one else is called Martin.
        """
        left = common(*(one.people for one in words))
        left = common(left, *teams)
        if len(left) != 1 or not (teams or any(one.polite for one in words)):
            return None
        (email,) = left
        polite = (one for one in words if one.polite)
        is_theirs = all(any(is_family_name(name, self._people[email]) for name in one.called) for one in polite)
        return email if is_theirs else None

    def _are_groups(self, emails: Iterable[str]) -> bool:
        return all(self._people[email].is_group for email in emails)

    def _is_doubted(self, said: Parts, beside: Sequence[_Reading]) -> bool:
        """Return whether the text expresses doubt, or has a sentence that is not understood beside the name."""
        is_name = not said.asides and any(map(self._indexes.outright, said.names))
        if said.uncertain and not (is_name and any(map(is_doubtful, said.names))):  # Jan Oud is a name
            return True
        read = zip(said.asides, beside, strict=True)
        return any(not reading and len(aside.split()) > _LONGEST_REMARK for aside, reading in read)

    def _is_part_of_their_team(self, emails: Emails, said: Parts) -> bool:
        """Return whether a team beside a name is a part of the person's own (IT of IT-Betrieb), or has it as a part."""
        if len(emails) > CROWD:
            return False
        own = {word for email in emails for words in name_words(self._people[email].team or "") for word in words}
        written = [
            frozenset(word for words in name_words(text) for word in words) for text in (*said.names, *said.asides)
        ]
        return bool(own) and any(one and (one <= own or own <= one) for one in written)

    def _agrees(self, email: str, said: Parts, named: Sequence[_Reading], beside: Sequence[_Reading]) -> bool:
        """Return whether all addresses, user names and numbers of the text are known, and no part is another's name.

        Beside a name, an address of another domain with the same local part counts as theirs.
        """
        first_name = len(said.emails) + len(said.accounts)
        if said.emails and not named[0]:
            return bool(said.names) and bool(named[first_name]) and local(said.emails[0]) == local(email)
        if any(not one for one in named[len(said.emails) : first_name]):
            return False
        unread = [name for name, one in zip(said.names, named[first_name:], strict=True) if not one]
        if not said.emails and not all(says_team(name) or self._has_their_team(name, email) for name in unread):
            return False
        return not any(self._is_unknown_number(aside) for aside in said.asides) and not any(
            one.people and not self._are_groups(one.people) and one.whole for one in beside
        )

    def _has_their_team(self, text: str, email: str) -> bool:
        """Return whether a text has the words of a person's team: it is the team's name, written otherwise."""
        team = self._people[email].team
        if not team:
            return False
        if is_unspaced(team):
            return any(key in whole for whole in team_keys(text)[0] for key in team_keys(team)[1])
        written = {word for words in name_words(text) for word in words}
        return any(set(words) <= written for words in name_words(team))

    def _is_unknown_number(self, aside: str) -> bool:
        """Return whether a text beside a name is an unknown e-mail or personnel number."""
        said = parts(aside)
        if said.emails:
            return not any(map(self._by_email, said.emails))
        written = said.accounts[0] if said.accounts else aside
        return self._indexes.is_like_an_id(written) and not self._indexes.by_id(written)

    # --- Reading one part of a text ---

    def _apart(self, said: Parts) -> Parts:
        """Take a name with commas apart if it is not a name in the order of lists: ``Jane Doe, Payments``."""
        if len(said.names) != 1 or "," not in said.names[0]:
            return said
        pieces = [piece for one in said.names[0].split(",") if (piece := one.strip())]
        first, more = " ".join(pieces[:1]), pieces[1:]
        if more and self._read(f"{first}, {more[0]}"):
            first, more = f"{first}, {more[0]}", more[1:]
        return said._replace(names=(first,), asides=(*more, *said.asides)) if more else said

    def _by_email(self, email: str) -> _Reading:
        return _Reading(self._indexes.by_address(email))

    def _by_account(self, account: str) -> _Reading:
        """Look up a user name; an alias of one person that is the local part of another's e-mail is ambiguous."""
        return _Reading(self._indexes.accounts.get(fold(account)) or self._indexes.by_id(account))

    def _read_beside(self, aside: str) -> _Reading:
        said = parts(aside)
        if said.emails or said.accounts:
            read = [*map(self._by_email, said.emails), *map(self._by_account, said.accounts)]
            return _Reading(common(*(one.people for one in read)))
        return self._read(said.names[0]) if said.names else _Reading()

    def _read(self, text: str) -> _Reading:
        """Return what a name, a team, or both one after the other can mean."""
        read = self._name_or_team(text)
        if not read and (bare := without_labels(text)) != text:
            read = self._name_or_team(bare)
            read = _Reading() if self._are_groups(read.people) else read  # the head of a team is not the team
        return read or self._team_and_name(text) or self._mistyped_team(text)

    def _name_or_team(self, text: str) -> _Reading:
        if (found := self._indexes.outright(text)) is not None and not _several_words(text):
            return _Reading(frozenset({found.email}), self._team_of(found, text))
        named = united(*(self._full_name(one.words, text) for one in names(text)))
        groups, team = self._indexes.team(text)
        every = united(named, groups, frozenset({found.email}) if found else NO_PEOPLE)
        if 1 < len(named) <= CROWD and not groups and (not text.isascii() or natural(text) != text):
            exact = [email for email in named if self._is_written(text, self._people[email])]
            every = frozenset(exact) if len(exact) == 1 else every
        if every:
            return _Reading(every, team if groups or not named else NO_PEOPLE)
        if not self._is_word_of_a_name(text) and (account := self._by_account(text)):
            return account
        return self._part_of_a_name(text, team) or _Reading(team=team)

    def _part_of_a_name(self, text: str, team: Emails) -> _Reading:
        """Return the people with these initials, else those with this word in the name; with an honorific, which."""
        read = (*names(text), *(names(_CAPITALS.sub(r"\1 \2", text)) if _CAPITALS.search(text) else ()))
        is_name = " " in text or text != text.lower()  # h.mueller is a user name
        short = united(*(self._short_name(one.words) for one in read)) if is_name else NO_PEOPLE
        polite = united(*(self._with_all(one.words) for one in read if one.polite))
        if polite:
            return _Reading(united(polite, short), called=tuple(one.words for one in read), whole=False, polite=True)
        if short:
            return _Reading(short)
        single = [one.words for one in read if len(one.words) == 1]
        every = united(*map(self._with_all, single))
        return _Reading(every, team, called=tuple(single), whole=False) if every else _Reading()

    def _with_all(self, words: Sequence[str]) -> Emails:
        """Return who has all these words in the name, in any script."""
        known = self._indexes.words
        found = [
            united(known.get(word, NO_PEOPLE), known.get(sound_key("".join(roman_words(word)) or word), NO_PEOPLE))
            for word in words
        ]
        return common(*found) if found else NO_PEOPLE

    def _short_name(self, words: Sequence[str]) -> Emails:
        """Return who has these words and initials in the name."""
        letters = [word for word in words if len(word) == 1]
        whole = [word for word in words if len(word) > 1]
        if not letters or not whole or is_unspaced("".join(words)):
            return NO_PEOPLE
        pairs = (short_key(word, letter) for word in whole for letter in letters)
        found = common(*(self._indexes.short_names.get(pair, NO_PEOPLE) for pair in pairs))
        if len(found) > CROWD:
            return NO_PEOPLE
        return frozenset(
            email
            for email in found
            if any(
                has_initials(words, theirs)
                for theirs in (
                    *name_words(self._people[email].name or ""),
                    words_of_local_part(self._people[email]),
                )
            )
        )

    def _full_name(self, words: Sequence[str], text: str) -> Emails:
        """Return who has this full name, in another order, without blanks, or in another script."""
        joined = joined_keys(words) if " " not in text or is_unspaced(text) else ()
        found = united(*(self._indexes.full_names.get(key, NO_PEOPLE) for key in (*name_keys(words), *joined)))
        if found:
            return found
        kana = roman_words(" ".join(words))
        if kana:
            latin = self._indexes.latin_names
            keys = {roman_key(kana), roman_key(("".join(kana),))}
            return united(*(index.get(key, NO_PEOPLE) for index in (self._indexes.roman_names, latin) for key in keys))
        if len(words) == 1 and len(words[0]) < _LEAST_ROMAN:
            return NO_PEOPLE
        return self._indexes.names_in_other_scripts.get(roman_key(words), NO_PEOPLE)

    def _team_of(self, found: Person, text: str) -> Emails:
        return united(self._indexes.members(found), self._indexes.team(text)[1]) if found.is_group else NO_PEOPLE

    def _team_and_name(self, text: str) -> _Reading:
        """Read a team's name and a person's, one after the other: ``Payments Jane Doe``, ``決済チーム山田``."""
        words = text.split()
        if len(words) == 1 and is_unspaced(text):
            pairs = [(text[:at], text[at:]) for at in range(len(text) - 1, 0, -1)]
        else:
            halves = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, min(len(words), _MOST_WORDS))]
            pairs = [*halves, *((name, team) for team, name in halves)]
        for team, name in pairs:
            _, members = self._indexes.team(team)
            if members and (read := self._name_or_team(name)).people and not self._are_groups(read.people):
                return read._replace(people=common(read.people, members), team=members)
        for rest, name in pairs:  # Leiter IT-Betrieb Hans Müller
            people = united(*(self._full_name(one.words, name) for one in names(name)))
            if len(people) == 1 and self._has_their_team(rest, next(iter(people))):
                return _Reading(people)
        return _Reading()

    def _mistyped_team(self, text: str) -> _Reading:
        """Return the only team whose name is one slip away."""
        if self._is_word_of_a_name(text) and " " not in text:
            return _Reading()
        groups, team = self._indexes.mistyped_team(text)
        return _Reading(groups if len(groups) == 1 else NO_PEOPLE, team)

    def _is_written(self, text: str, person: Person) -> bool:
        """Return whether a name, with its order and accents, is exactly this person's."""
        return fold(natural(tidied(text))) == fold(natural(tidied(person.name or "")))

    def _is_word_of_a_name(self, text: str) -> bool:
        """Return whether a text may be part of a person's name, not a user name: ``ada``."""
        return any(word in self._indexes.words for words in name_words(text) for word in words) or " " in text


_LEAST_ROMAN = 6


def _several_words(text: str) -> bool:
    return any(len(words) > 1 for words in name_words(text))
