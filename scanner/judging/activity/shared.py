"""Finds changes that many identities share: a network or client that replaced another one at all of them. Pure.

A move and a stolen key look different: whoever moves no longer comes from where it came from, while the workload of a
stolen key goes on as before. So a new feature is shared only if an earlier usual one is gone, at several identities,
and if nearly nobody has it *besides* the earlier one. Silence proves little, because workloads are silent for hours or
days anyway: the earlier feature must be silent for longer than ever before at the identity, or at everybody for
:data:`LEAST_SILENCE` while the new one goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

LEAST_MEMBERS = 5
LEAST_OF_FEW = 3
"""So many suffice if they are a tenth of the active identities."""
_SHARE_OF_ACTIVE = 0.1
_MOST_BESIDES = 0.1
"""If more than this share of those with the new feature still use what they used before, nothing is shared."""
_USUAL_SHARE = 0.5
"""A feature is usual on more than this share of the active days before."""
_DAYS_BEFORE = 14
_OVERLAP = 3600
"""Seconds for which connections may go on in the old way."""
LEAST_SILENCE = 2 * 3600


class Span(Struct, frozen=True, gc=False):
    """A feature on one day: the day's ordinal, and its first and last event in seconds since 1970."""

    day: int
    first: int
    last: int


class Candidate(Struct, frozen=True, kw_only=True):
    """An identity with a new feature. ``spans``: by feature of that type, the days, oldest first, new one included.

    ``day``: the day on which it was new. ``is_odd``: it did something else on that day that it had never done.
    """

    identity: str
    feature: str
    day: int
    spans: Mapping[str, Sequence[Span]]
    is_odd: bool = False


class Move(Struct, frozen=True, kw_only=True):
    """A feature that replaced others. ``members``: whose own findings it stands for; ``apart``: who keeps them."""

    feature: str
    replaced: tuple[str, ...]
    first_day: int
    last_day: int
    members: tuple[str, ...]
    apart: tuple[str, ...]


def moves(candidates: Iterable[Candidate], last_use: Mapping[str, int], active: int) -> tuple[Move, ...]:
    """The moves among identities of one provider, by feature.

    ``last_use``: by feature, when any identity of the provider last had it. ``active``: the number of active ones.
    """
    by_feature: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        by_feature[one.feature].append(one)
    found = (_shared(feature, adopters, last_use, active) for feature, adopters in sorted(by_feature.items()))
    return tuple(one for one in found if one is not None)


def _shared(feature: str, adopters: Sequence[Candidate], last_use: Mapping[str, int], active: int) -> Move | None:
    gone = {one.identity: _replaced(one) for one in adopters}
    besides = sum(not old for old in gone.values())
    if besides > _MOST_BESIDES * len(adopters):
        return None
    proven = {
        one.identity: [old for old in gone[one.identity] if _is_proven(one, old, last_use)]
        for one in adopters
        if not one.is_odd
    }
    movers = sum(map(bool, proven.values()))
    if not (movers >= LEAST_MEMBERS or LEAST_OF_FEW <= movers >= _SHARE_OF_ACTIVE * active):
        return None
    # Whoever is silent for weeks anyway proves nothing, but does what so many have done.
    first = min(one.day for one in adopters if proven.get(one.identity))
    members = [one for one in adopters if one.identity in proven and gone[one.identity] and one.day >= first]
    joined = {one.identity for one in members}
    return Move(
        feature=feature,
        replaced=tuple(sorted({old for one in members for old in proven[one.identity] or gone[one.identity]})),
        first_day=first,
        last_day=max(one.day for one in members),
        members=tuple(sorted(joined)),
        apart=tuple(sorted({one.identity for one in adopters} - joined)),
    )


def _replaced(one: Candidate) -> tuple[str, ...]:
    """The usual features of before that it no longer has."""
    before = {
        span.day for spans in one.spans.values() for span in spans if one.day - _DAYS_BEFORE <= span.day < one.day
    }
    since = _first(one)
    return tuple(
        sorted(
            old
            for old, spans in one.spans.items()
            if old != one.feature
            and sum(span.day in before for span in spans) > _USUAL_SHARE * len(before)
            and spans[-1].last <= since + _OVERLAP
        )
    )


def _is_proven(one: Candidate, old: str, last_use: Mapping[str, int]) -> bool:
    """Whether it acted without ``old`` for longer than ever before, or nobody has ``old`` while the new one goes on."""
    days, since = [span.day for span in one.spans[old]], _first(one)
    longest = max((after - before for before, after in pairwise(days)), default=None)
    if longest is not None and one.spans[one.feature][-1].day - days[-1] >= longest:
        return True
    goes_on = last_use.get(one.feature, 0) - since >= LEAST_SILENCE
    return goes_on and last_use.get(old, 0) <= since + _OVERLAP


def _first(one: Candidate) -> int:
    return next(span.first for span in one.spans[one.feature] if span.day == one.day)
