"""Suggests entries for unregistered identities, and identities for entries that were not found: one set of pairs.

1. Every identity and entry is looked up by its names, each in one spelling (``names``).
2. Entries without a match ask first, because there are few. Identities that this gave no sure entry ask next.
3. For each name, about twenty of the other side are selected (``blocking``).
4. These are compared word by word (``likeness``); contradictions lower the score (``pairs``).
5. Each pair stands on both sides, or on neither (``sides``).

Suggestions are for people to decide. They never register an identity, and the order of the input does not matter.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import TypeVar

from msgspec import Struct

from scanner.matching.keys import provider_key, scope_key
from scanner.matching.places import Location, locate
from scanner.matching.recreated import has_unique_id, is_recreated
from scanner.matching.suggestions.blocking import Pool, has_vectors
from scanner.matching.suggestions.likeness import Comparer, Likeness
from scanner.matching.suggestions.names import Spelled, names_of_entry, names_of_identity
from scanner.matching.suggestions.pairs import Called, Pair, Side, evidence, objections
from scanner.matching.suggestions.sides import KEPT, Pairing, both_sides
from scanner.model import PRIVILEGES, EntryAssessment, EntryState, Identity, IdentityCandidate, MatchCandidate
from scanner.processes import spread, started

SURE = 0.9
"""With a pair of this score an identity need not ask: from 0.75 on, its partner was another entry for 4 in 100."""
LEAST = 0.4
"""The least score: lower ones would be misleading."""
KEPT_OF_ASKING_ENTRY = 10
"""The most pairs of an entry that asks: the identities may like others better."""
LOOKED_UP, LOOKED_UP_PLAIN = 50_000, 5_000
"""The most subjects of each side that ask; fewer without NumPy and SciPy."""
FEW = 100
"""The most identities of a quick search."""
CONSIDERED = 250_000
"""The most identities that are compared with entries."""

A = TypeVar("A", Identity, EntryAssessment)
B = TypeVar("B", Identity, EntryAssessment)

_UNMET: tuple[EntryState, ...] = ("not_found", "not_evaluated")


class Suggestions(Struct, frozen=True, kw_only=True):
    """Candidates by the identity's key and by the entry's id, best first, without empty ones; ``pairs``: the same."""

    for_identities: Mapping[str, tuple[MatchCandidate, ...]]
    for_entries: Mapping[str, tuple[IdentityCandidate, ...]]
    pairs: Sequence[Pairing] = ()
    notices: tuple[str, ...] = ()


class _Scored(Struct, frozen=True, gc=False):
    score: float
    pair: Pair


def suggest(
    unregistered: Sequence[Identity], entries: Sequence[EntryAssessment], *, quick: bool = False
) -> Suggestions:
    """Suggest entries for these identities, and identities for the entries that were not found.

    The number is limited: enabled and privileged identities come first, and a notice counts the others. ``quick``: only
    for a few identities, by a search that may miss some, but has no large library to load first.
    """
    with suggesting(unregistered, entries, quick=quick) as suggested:
        return suggested()


@contextmanager
def suggesting(
    unregistered: Sequence[Identity], entries: Sequence[EntryAssessment], *, quick: bool = False
) -> Iterator[Callable[[], Suggestions]]:
    """Like :func:`suggest`, started in other processes before the yielded function is called."""
    if not unregistered or not entries:
        yield lambda: Suggestions(for_identities={}, for_entries={})
        return
    identities = sorted(unregistered, key=_most_urgent)
    declared = sorted(entries, key=lambda entry: entry.entry.id)
    if quick:
        few = identities[:FEW]
        with _Matchmaker(few, declared, quick=True).of_identities(few) as found:
            yield lambda: _suggestions(found())
        return
    most = LOOKED_UP if has_vectors() else LOOKED_UP_PLAIN
    unmet = sorted((entry for entry in declared if entry.state in _UNMET), key=lambda one: _UNMET.index(one.state))
    matchmaker = _Matchmaker(identities[: CONSIDERED if unmet else most], declared)
    asked = matchmaker.of_entries(unmet[:most])
    sure = {pair.identity for pair in asked if pair.score >= SURE}
    asking = [identity for identity in identities if identity.key not in sure]
    notices = tuple(_notices(len(identities), len(asking), len(unmet), most))
    with matchmaker.of_identities(asking[:most]) as found:
        yield lambda: _suggestions([*asked, *found()], notices)


def _suggestions(pairs: Iterable[Pairing], notices: tuple[str, ...] = ()) -> Suggestions:
    sides = both_sides(pairs)
    return Suggestions(
        for_identities=sides.for_identities,
        for_entries=sides.for_entries,
        pairs=[
            Pairing(key, one.entry, one.score, one.evidence)
            for key, some in sides.for_identities.items()
            for one in some
        ],
        notices=notices,
    )


def _most_urgent(identity: Identity) -> tuple[bool, int, str]:
    return identity.enabled is False, PRIVILEGES.index(identity.privilege.level), identity.key


def _notices(identities: int, asking: int, unmet: int, most: int) -> Iterator[str]:
    if not has_vectors():
        yield "suggestions were made without NumPy and SciPy and may miss some: install the extra 'suggest'"
    if asking > most:
        yield (
            f"entries were looked up for {most:,} of {asking:,} unregistered identities to which no entry leads: "
            "enabled and privileged ones first"
        )
    if unmet > most:
        yield f"identities were looked up for {most:,} of {unmet:,} entries that were not found"
    if unmet and identities > CONSIDERED:
        yield f"entries that were not found were compared with {CONSIDERED:,} of {identities:,} unregistered identities"


class _Matchmaker:
    """Both sides with shared facts: the rarity of words, and the location of each entry's identities."""

    def __init__(
        self, identities: Sequence[Identity], entries: Sequence[EntryAssessment], *, quick: bool = False
    ) -> None:
        self._locations: dict[str, tuple[Location, ...]] = {}
        self._exact: dict[str, bool] = {}
        self._names: dict[str, tuple[Spelled, ...]] = {}
        self._identities = self._identity_side(identities)
        self._entries = self._entry_side(entries)
        self._comparer = Comparer([*self._identities.keys, *self._entries.keys])
        self._quick = quick

    @contextmanager
    def of_identities(self, identities: Sequence[Identity]) -> Iterator[Callable[[], list[Pairing]]]:
        """Start to search entries for each identity; the yielded function returns the pairs."""
        pool = Pool(self._entries.keys, quick=self._quick)

        def ask(part: Sequence[Identity]) -> list[Pairing]:
            asking = self._identity_side(part)
            return self._paired(_ask(asking, self._entries, pool, KEPT, compare=self._compared, judge=self._judge))

        with started(ask, identities) as parts:
            yield lambda: list(chain.from_iterable(parts()))

    def of_entries(self, entries: Sequence[EntryAssessment]) -> list[Pairing]:
        """Return the pairs of each entry with identities."""
        if not entries:
            return []
        pool = Pool(self._identities.keys, quick=self._quick)

        def ask(part: Sequence[EntryAssessment]) -> list[Pairing]:
            found = _ask(
                self._entry_side(part),
                self._identities,
                pool,
                KEPT_OF_ASKING_ENTRY,
                compare=lambda declared, found: self._compared(found, declared),
                judge=lambda declared, found, likeness: self._judge(found, declared, likeness),
            )
            return self._paired(found)

        return list(chain.from_iterable(spread(ask, entries)))

    def _paired(self, found: Iterable[_Scored]) -> list[Pairing]:
        return [
            Pairing(one.pair.identity.key, one.pair.entry.entry.id, one.score, self._evidence(one)) for one in found
        ]

    def _identity_side(self, identities: Sequence[Identity]) -> Side[Identity]:
        return Side(
            identities,
            id_of=lambda identity: identity.key,
            names=self._called,
            scopes=lambda identity: (scope_key(identity.provider, identity.scope),),
        )

    def _entry_side(self, entries: Sequence[EntryAssessment]) -> Side[EntryAssessment]:
        return Side(
            entries,
            id_of=lambda entry: entry.entry.id,
            names=lambda entry: names_of_entry(entry.entry),
            scopes=lambda entry: {location.scope for location in self._located(entry)},
        )

    def _called(self, identity: Identity) -> tuple[Spelled, ...]:
        """Return its names, cached because most identities are on both sides."""
        known = self._names.get(identity.key)
        if known is None:
            known = self._names[identity.key] = names_of_identity(identity)
        return known

    def _located(self, entry: EntryAssessment) -> tuple[Location, ...]:
        known = self._locations.get(entry.entry.id)
        if known is None:
            known = self._locations[entry.entry.id] = locate(entry.entry)
        return known

    def _is_gone(self, identity: Identity, declared: EntryAssessment) -> bool:
        """Return whether the entry is for a deleted identity that had the name of this one."""
        if identity.unique_id is None or declared.identities:
            return False
        known = self._exact.get(declared.entry.id)
        if known is None:
            known = self._exact[declared.entry.id] = has_unique_id(declared.entry)
        return known and is_recreated(identity, declared.entry)

    def _compared(self, called: str, declared: str) -> Likeness:
        return self._comparer.compare(called, declared, LEAST)

    def _judge(self, called: Called[Identity], declared: Called[EntryAssessment], likeness: Likeness) -> _Scored | None:
        """Return the pair with its score; None if the entry cannot mean it: another provider, or deleted."""
        locations, provider = self._located(declared.subject), provider_key(called.subject.provider)
        if not any(location.provider in (None, provider) for location in locations):
            return None
        if self._is_gone(called.subject, declared.subject):
            return None
        pair = Pair(called.subject, called.name, declared.subject, declared.name, likeness)
        score = likeness.score
        for objection in objections(pair, locations):
            score *= objection.leaves
        return _Scored(score, pair)

    def _evidence(self, one: _Scored) -> str:
        return evidence(one.pair, objections(one.pair, self._located(one.pair.entry)))


def _ask(
    asking: Side[A],
    pool: Side[B],
    search: Pool,
    kept: int,
    *,
    compare: Callable[[str, str], Likeness],
    judge: Callable[[Called[A], Called[B], Likeness], _Scored | None],
) -> Iterator[_Scored]:
    """Yield the best pairs of each asking subject, so many at most."""
    best: dict[str, _Best] = defaultdict(partial(_Best, kept))
    for key, candidates in zip(asking.keys, search.nearest(asking.keys), strict=True):
        compared = ((compare(key, other), other) for other in candidates)
        likely = sorted((one for one in compared if one[0].score >= LEAST), key=lambda one: (-one[0].score, one[1]))
        for one in asking.all(key):
            for likeness, other in likely:
                if likeness.score < best[one.id].bar:
                    break  # no fact raises a pair above the similarity of its names
                for candidate in pool.near(other, asking.scopes(one.subject)):
                    if scored := judge(one, candidate, likeness):
                        best[one.id].offer(candidate.id, scored)
    for asked in sorted(best):
        yield from best[asked].ranked()


class _Best:
    """The few best candidates, each under its most similar names."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._by_id: dict[str, _Scored] = {}
        self.bar = LEAST

    def offer(self, candidate: str, scored: _Scored) -> None:
        """Keep a candidate if it is good enough."""
        known = self._by_id.get(candidate)
        if scored.score < self.bar or (known is not None and known.score >= scored.score):
            return
        self._by_id[candidate] = scored
        if len(self._by_id) >= self._kept:
            self._by_id = dict(heapq.nsmallest(self._kept, self._by_id.items(), key=_best_first))
            self.bar = min(one.score for one in self._by_id.values())

    def ranked(self) -> list[_Scored]:
        """Return the candidates, best first, then by id."""
        return [scored for _, scored in sorted(self._by_id.items(), key=_best_first)]


def _best_first(candidate: tuple[str, _Scored]) -> tuple[float, str]:
    return -candidate[1].score, candidate[0]
