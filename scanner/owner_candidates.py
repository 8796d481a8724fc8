"""Whom to ask about an identity that nobody answers for: active people, each with the evidence and a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

import msgspec
from msgspec import Struct

from scanner.matching.keys import fold
from scanner.model import Entry, Identity, OwnerCandidate, Person
from scanner.roster import Roster

KEPT = 5
"""The likeliest few; nobody reads a list of a whole department."""


class _Table(Struct, frozen=True):
    """Scores from 0 to 1: ``tags`` by tag, ``entry`` by column, ``near`` by how one leads to another."""

    tags: Mapping[str, float]
    entry: Mapping[str, float]
    near: Mapping[str, float]


_SCORES = msgspec.toml.decode(files("scanner").joinpath("ownership.toml").read_bytes(), type=_Table)


class _Hint(NamedTuple):
    """Somebody who is named somewhere; ``text`` is as it was written there."""

    text: str
    score: float
    evidence: str


def owner_candidates(
    identity: Identity, entries: Sequence[tuple[Entry, float]], roster: Roster
) -> tuple[OwnerCandidate, ...]:
    """The likeliest owners, best first: from tags, and from what ``entries`` say.

    ``entries``: those that stand for the identity or might, each with how likely that is (0 to 1). Only active people
    and groups on the roster are candidates; whoever is gone leads to their manager and team.
    """
    best: dict[str, OwnerCandidate] = {}
    for hint in (*_from_tags(identity), *(hint for entry, score in entries for hint in _from_entry(entry, score))):
        for candidate in _resolve(hint, roster):
            known = best.get(candidate.person)
            if known is None or _best_first(candidate) < _best_first(known):
                best[candidate.person] = candidate
    return tuple(sorted(best.values(), key=_best_first)[:KEPT])


def _best_first(candidate: OwnerCandidate) -> tuple[float, str, str]:
    return -candidate.score, candidate.person, candidate.evidence


def _from_tags(identity: Identity) -> Iterator[_Hint]:
    for key, value in sorted(identity.tags.items()):
        score = _SCORES.tags.get(_tag_name(key))
        if score is not None and value:
            yield _Hint(value, score, f"tag {key}={value}")


def _tag_name(key: str) -> str:
    """``example.com/Owner-Email`` and ``app:owner_email`` are both ``owneremail``."""
    return "".join(char for char in fold(key.replace("/", ":").rpartition(":")[2]) if char.isalnum())


def _from_entry(entry: Entry, likelihood: float) -> Iterator[_Hint]:
    named = {
        "owner": entry.owner,
        "backup_owner": entry.backup_owner,
        "technical_owner": entry.technical_owner,
        "team": (entry.team,),
        "built_by": (entry.built_by,),
    }
    for column, texts in named.items():
        for text in filter(None, texts):
            yield _Hint(text, _SCORES.entry[column] * likelihood, f"{column} {text} in {entry.origin}")


def _resolve(hint: _Hint, roster: Roster) -> Iterator[OwnerCandidate]:
    """The one who is meant, with a group's members; or those near somebody who is gone."""
    person = roster.resolve(hint.text)
    if person is None:
        return
    if roster.is_active(person):
        yield _candidate(person, hint.score, hint.evidence)
        if person.is_group:
            for member in roster.active_members(person):
                yield _candidate(member, hint.score * _SCORES.near["member"], f"{hint.evidence}, of which a member")
        return
    if (manager := _manager(person, roster)) is not None:
        yield _candidate(manager, hint.score * _SCORES.near["manager"], f"{hint.evidence}, whose manager this is")
    team = roster.resolve(person.team) if person.team else None
    if team is not None and roster.is_active(team):
        yield _candidate(team, hint.score * _SCORES.near["team"], f"{hint.evidence}, whose team this is")


def _manager(person: Person, roster: Roster) -> Person | None:
    """The nearest manager up the line who is still here."""
    visited = {person.email}
    above: Person | None = person
    while above is not None and above.manager:
        above = roster.resolve(above.manager)
        if above is None or above.email in visited:
            return None
        if roster.is_active(above):
            return above
        visited.add(above.email)
    return None


def _candidate(person: Person, score: float, evidence: str) -> OwnerCandidate:
    return OwnerCandidate(person=person.email, score=round(score, 2), evidence=evidence)
