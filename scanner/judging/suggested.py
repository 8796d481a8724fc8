"""Joins all suggestions to one set of pairs, and gives both sides of each: the identity's and the entry's. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from scanner.access.same import How, Same
from scanner.matching.suggestions.sides import Pairing, both_sides
from scanner.model import EntryAssessment, Identity, MatchCandidate, RegistryVerdict

_SAME: Mapping[How, float] = {"runs_as": 0.8, "federated": 0.7, "consumer": 0.6}
"""How likely the entry of an identity declares another one that is the same thing."""

Candidates = Mapping[str, Sequence[MatchCandidate]]
"""By an identity's key."""


def with_suggestions(
    registry: Mapping[str, RegistryVerdict],
    entries: Sequence[EntryAssessment],
    alike: Iterable[Pairing],
    *known: Candidates,
) -> tuple[dict[str, RegistryVerdict], tuple[EntryAssessment, ...]]:
    """Return the verdicts and the entries with the candidates of unregistered identities.

    ``alike``: pairs by their score. ``known``: candidates by more than a name, the surest first; those that an
    unregistered identity has already, proposed entries, precede them.
    """
    declared = {one.entry.id for one in entries}
    open_ones = {key: one for key, one in registry.items() if one.state == "unregistered"}
    proposed = {key: one.candidates for key, one in open_ones.items() if one.candidates}
    # Nobody is asked to confirm an entry of another identity that had this one's name.
    former = {(key, one.former.entry) for key, one in open_ones.items() if one.former is not None}

    def possible(pairs: Iterable[Pairing]) -> list[Pairing]:
        return [
            one
            for one in pairs
            if one.identity in open_ones and one.entry in declared and (one.identity, one.entry) not in former
        ]

    sides = both_sides(possible(alike), *(possible(_pairs(found)) for found in (proposed, *known)))
    judged = {
        key: msgspec.structs.replace(open_ones[key], candidates=found) for key, found in sides.for_identities.items()
    }
    return {**registry, **judged}, tuple(
        msgspec.structs.replace(one, candidates=sides.for_entries[one.entry.id])
        if one.entry.id in sides.for_entries
        else one
        for one in entries
    )


def _pairs(found: Candidates) -> Iterator[Pairing]:
    return (Pairing(key, one.entry, one.score, one.evidence) for key, candidates in found.items() for one in candidates)


def linked(
    unregistered: Iterable[Identity], registry: Mapping[str, RegistryVerdict], same: Mapping[str, tuple[Same, ...]]
) -> Iterator[Pairing]:
    """Yield unregistered identities with the entries of identities that are the same thing."""
    for identity in unregistered:
        for one in same.get(identity.key, ()):
            declared = registry.get(one.key)
            if declared is not None and declared.entry is not None and not declared.retired:
                yield Pairing(identity.key, declared.entry, _SAME[one.how], f"it declares {one.key}, {one.evidence}")
