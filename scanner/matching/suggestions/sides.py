"""One set of pairs for both sides: what stands on an identity's side stands on its entry's, and the other way round."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from scanner.model import IdentityCandidate, MatchCandidate

KEPT = 5
"""The most entries of an identity."""
KEPT_OF_ENTRY = 20
"""The most identities of an entry that are only alike: a team's bots may all have the entry of the first."""


class Pairing(Struct, frozen=True, gc=False):
    """An identity's key and an entry's id that may belong together, and why. ``score`` is 0 to 1."""

    identity: str
    entry: str
    score: float
    evidence: str


class Sides(Struct, frozen=True):
    """The same pairs by the identity's key and by the entry's id, best first, without empty ones."""

    for_identities: Mapping[str, tuple[MatchCandidate, ...]]
    for_entries: Mapping[str, tuple[IdentityCandidate, ...]]


def both_sides(alike: Iterable[Pairing], *known: Iterable[Pairing]) -> Sides:
    """Choose pairs, the best first, until an identity or an entry has as many as it can; of two equal pairs the better.

    ``known``: pairs by more than a name, the surest first. These precede those that are alike, whatever their score,
    and no other identity takes their place at the entry.
    """
    chosen: dict[tuple[str, str], Pairing] = {}
    of_identity: Counter[str] = Counter()
    of_entry: Counter[str] = Counter()
    for pairs in known:
        for pair in sorted(pairs, key=_best_first):
            _choose(pair, chosen, of_identity)
    for pair in sorted(alike, key=_best_first):
        if of_entry[pair.entry] < KEPT_OF_ENTRY and _choose(pair, chosen, of_identity):
            of_entry[pair.entry] += 1
    for_identities: dict[str, list[MatchCandidate]] = defaultdict(list)
    for_entries: dict[str, list[IdentityCandidate]] = defaultdict(list)
    for one in chosen.values():
        score = round(one.score, 2)
        for_identities[one.identity].append(MatchCandidate(entry=one.entry, score=score, evidence=one.evidence))
        for_entries[one.entry].append(IdentityCandidate(identity=one.identity, score=score, evidence=one.evidence))
    return Sides(
        for_identities={key: tuple(for_identities[key]) for key in sorted(for_identities)},
        for_entries={key: tuple(for_entries[key]) for key in sorted(for_entries)},
    )


def _choose(pair: Pairing, chosen: dict[tuple[str, str], Pairing], of_identity: Counter[str]) -> bool:
    key = pair.identity, pair.entry
    if key in chosen or of_identity[pair.identity] >= KEPT:
        return False
    chosen[key] = pair
    of_identity[pair.identity] += 1
    return True


def _best_first(pair: Pairing) -> tuple[float, str, str, str]:
    return -pair.score, pair.entry, pair.identity, pair.evidence
