"""Whom to ask about an identity that nobody answers for: active people, each with the evidence and a score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache, reduce

from scanner.model import Entry, Identity, OwnerCandidate, Ownership, Person, RegistryVerdict
from scanner.ownership.alike import Alike
from scanner.ownership.conventions import Conventions
from scanner.ownership.directory import REMEMBERED, Directory
from scanner.ownership.hints import SCORES, Clues, Hint, Sort, tag_scores
from scanner.ownership.neighbours import Neighbours
from scanner.ownership.roles import Roles
from scanner.ownership.successors import Successors
from scanner.ownership.words import NamedAfter
from scanner.roster import managers

KEPT = 5
"""The likeliest few; nobody reads a list of a whole department."""
MOST_MEMBERS = 5
"""Of a larger group no member stands out: ask the group."""
UNLIKELIEST = 0.05
"""What is less likely is a waste of somebody's time."""
SUREST = 0.99
"""However many signals agree, it is for a person to say."""


class Candidates:
    """Everything that may point at somebody, made ready for many identities."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        directory: Directory,
        ownership: Ownership,
        neighbours: Neighbours,
        roles: Roles,
    ) -> None:
        self._entries = entries
        self._directory = directory
        self._clues = Clues(directory, tag_scores(ownership.tag_keys))
        self._conventions = Conventions(ownership, directory)
        self._named_after = NamedAfter(directory)
        self._alike = Alike(self._named_after, neighbours)
        self._roles = roles
        self._successors = Successors(entries.values(), directory)
        # Over an estate the same few hints come together again and again.
        self._ranking = lru_cache(maxsize=REMEMBERED)(self._rank)

    def of(
        self, identity: Identity, registry: RegistryVerdict, without: Collection[str] = ()
    ) -> tuple[OwnerCandidate, ...]:
        """The likeliest owners, best first, at most KEPT. ``without``: e-mails of those who are no answer."""
        ranking = self._ranking(frozenset(self._hints(identity, registry)))
        if without:
            ranking = tuple(candidate for candidate in ranking if candidate.person not in without)
        return ranking[:KEPT]

    def _hints(self, identity: Identity, registry: RegistryVerdict) -> Iterator[Hint]:
        yield from self._clues.of_identity(identity)
        for entry, likelihood in _entries_of(registry).items():
            yield from self._clues.of_entry(self._entries[entry], likelihood)
        yield from self._conventions.of_identity(identity)
        yield from self._named_after.of_place(identity)
        yield from self._alike.of_identity(identity)
        yield from self._roles.of_identity(identity)

    def _rank(self, hints: frozenset[Hint]) -> tuple[OwnerCandidate, ...]:
        """Who is pointed at is settled first, so that what leads on from there counts once."""
        reached = (led for pointed_at in _combined(hints) for led in self._reach(pointed_at))
        candidates = (
            OwnerCandidate(person=hint.person, score=round(min(hint.score, SUREST), 2), evidence=hint.evidence)
            for hint in _combined(reached)
            if hint.score >= UNLIKELIEST
        )
        return tuple(sorted(candidates, key=lambda candidate: (-candidate.score, candidate.person)))

    def _reach(self, hint: Hint) -> Iterator[Hint]:
        """The one who is meant, with a small group's members; and whoever is near somebody who does not stay."""
        person = self._directory.everybody[hint.person]
        stays = self._directory.stays(person)
        if self._directory.is_active(person):
            yield hint if stays else hint._replace(evidence=f"{hint.evidence}, about to leave")
            members = self._directory.active_members(person) if person.is_group else ()
            for member in members if len(members) <= MOST_MEMBERS else ():
                yield _led(hint, "member", member.email, "of which a member")
        if not stays:
            yield from self._near(hint, person)

    def _near(self, hint: Hint, person: Person) -> Iterator[Hint]:
        line = (above for above, _ in managers(person, self._directory.resolve))
        if (manager := next(filter(self._directory.is_active, line), None)) is not None:
            yield _led(hint, "manager", manager.email, "whose manager this is")
        team = self._directory.resolve(person.team) if person.team else None
        if team is not None and self._directory.is_active(team):
            yield _led(hint, "team", team.email, "whose team this is")
        if (successor := self._successors.of(person.email)) is not None:
            took_over = f"{successor.owns} of {successor.total} of whose other entries this one owns now"
            yield _led(hint, "successor", successor.email, took_over, successor.owns / (successor.total + 1))


def _entries_of(registry: RegistryVerdict) -> dict[str, float]:
    """The entries that stand for an identity or might, each with how likely that is."""
    related = dict.fromkeys(registry.contradictions, SCORES.likelihood["contradicting"])
    related |= {one.entry: one.score if one.is_likely else one.score**2 for one in registry.candidates}
    declaring = (*registry.agreeing, registry.entry) if registry.entry is not None else registry.agreeing
    return related | dict.fromkeys(declaring, 1.0)


def _led(hint: Hint, near: str, person: str, relation: str, confidence: float = 1.0) -> Hint:
    score = hint.score * SCORES.near[near] * confidence
    return hint._replace(person=person, score=score, evidence=f"{hint.evidence}, {relation}")


def _combined(hints: Iterable[Hint]) -> Iterator[Hint]:
    """One for each person: the best of each sort, which together leave the less doubt the more they are."""
    of_person: dict[str, dict[Sort, Hint]] = defaultdict(dict)
    for hint in sorted(hints, key=lambda hint: (-hint.score, hint.evidence)):
        of_person[hint.person].setdefault(hint.sort, hint)
    for best in of_person.values():
        first, *others = best.values()
        score = reduce(lambda sure, other: sure + (1 - sure) * other.score, others, first.score)
        yield first._replace(score=score, evidence="; ".join(hint.evidence for hint in best.values()))
