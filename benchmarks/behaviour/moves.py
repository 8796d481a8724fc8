"""The same organisation after its gateway got another address, and its SDK was replaced: what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec.structs import replace

from benchmarks.behaviour.organisation import NOW, Organisation
from scanner.model.activity import ActivityPast, CallerPast, DayCounts, feature_of

GATEWAY_DAYS, SDK_DAYS = 20, 10
"""So many days ago."""
_STAYS = 10
"""Every so manieth machine changes nothing."""
_NEW = (("network", "network=198.51.100.0/24", GATEWAY_DAYS), ("client", "client=aws-sdk-go", SDK_DAYS))


def moved(truth: Organisation) -> Organisation:
    """Nine of ten of its quiet machines come from a new network since one day, and use another client since another."""
    busy = {label.identity for label in truth.labels} | truth.deploys.keys()
    quiet = sorted(one.identity.key for one in truth.assessments if one.identity.key not in busy)
    moving = frozenset(key for place, key in enumerate(quiet) if place % _STAYS)

    def read(numbers: Sequence[int]) -> Iterable[CallerPast]:
        return (_moved(past) if past.caller.caller in moving else past for past in truth.past.read(numbers))

    past: ActivityPast = replace(truth.past, read=read)
    return replace(truth, past=past)


def _moved(past: CallerPast) -> CallerPast:
    features = (*past.features, *(text for _, text, _ in _NEW))
    days = list(past.days)
    for place, (sort, _, ago) in enumerate(_NEW, start=len(past.features)):
        old = {number for number, text in enumerate(past.features) if feature_of(text).sort == sort}
        since = (NOW - timedelta(days=ago)).date().toordinal()
        days = [(day, _renamed(counts, old, place) if day >= since else counts) for day, counts in days]
    return replace(past, features=features, days=tuple(days))


def _renamed(counts: DayCounts, old: set[int], new: int) -> DayCounts:
    kept = [one for one in counts.counts if one[0] not in old]
    done = sum(one[1] for one in counts.counts if one[0] in old and len(one) > 1)
    return replace(counts, counts=(*kept, (new, done)) if done else tuple(kept), times=())
