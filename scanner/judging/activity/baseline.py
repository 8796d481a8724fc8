"""Compares a day with the days before it: new features, volume and hours.

A day is compared with the last ``baseline_days`` days that were read in full, and a feature is new if no earlier day
had it: a limit of 28 days gave 0.19 more false findings per quiet identity-month, nearly all of rare actions
(docs/explanation/accuracy.md). Days that were not read in full are never judged. What counts as new is a write, a read
of a secret, becoming another identity, and where from and with which client that is done; the first read of another
kind is only shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import log
from statistics import median

from msgspec import Struct

from scanner.judging.activity.timeline import Timeline, hours_of, running_totals, successes
from scanner.model import ActivityPolicy
from scanner.model.activity import ACTIONS, CONSEQUENTIAL, DayCounts, FeatureSort

_NOVEL: Mapping[FeatureSort, str] = {
    "region": "new_region",
    "network": "new_network",
    "client": "new_client",
    "assumed_by": "new_assumer",
    "tool": "new_tool",
}
"""The reason for a new feature of each type, besides actions."""
WEEKS = 8
"""Number of weeks whose same weekday a day's volume is compared with."""
_LEAST_WEEKS = 4
_LEAST_VOLUME = 100
_TIMES = 3
_LEAST_Z = 6
_LEAST_Z_OF_LOGARITHMS = 4
_LEAST_MAD_OF_LOGARITHMS = 0.1
_MAD_TO_SIGMA = 0.6745
_TINY = 1e-9
_LEAST_MAD_SHARE = 0.05
"""Least deviation as a share of the median: otherwise one more event would be an outlier after equal days."""
_OWN_HOURS = 6
_SHARE_IN_OWN_HOURS = 0.95
_LEAST_DAYS_OF_HOURS = 10
_DENIED_ACTIONS = 10
_ROAMING_SHARE = 0.5
"""If networks were new on more than this share of the active days before, a new network is no finding."""


class Novelty(Struct, kw_only=True):
    """One day that differs from those before. ``reasons``: by name, the features that are new, or none."""

    day: int
    counts: DayCounts
    reasons: dict[str, tuple[int, ...]]
    facts: dict[str, object]


def novelties(line: Timeline, policy: ActivityPolicy, *, since: int, is_agent: bool) -> Iterator[Novelty]:
    """The days from ``since`` on that differ from the days before them.

    One pass over the days: for each feature the largest count so far is kept, so a feature without one is new.
    """
    most: dict[int, int] = {}
    known_services: set[str] = set()
    for _, counts in line.weeks:
        _remember(line, successes(counts), most, known_services)
    off_host = {number for number, feature in enumerate(line.features) if feature == ("mark", "off_host")}
    totals = running_totals(line.days)
    days = dict(line.days)
    start_place = 0
    for place, (day, counts) in enumerate(line.days):
        present = successes(counts)
        if day >= since and day in line.covered.scored:
            start = line.covered.before(day, policy.baseline_days)
            while line.days[start_place][0] < start:
                start_place += 1
            window = line.days[start_place:place]
            novelty = Novelty(day=day, counts=counts, reasons={}, facts={})
            if _is_known(line, start, day, totals[place] - totals[start_place], policy):
                _add_new(novelty, line, present.keys() - most.keys(), known_services, window, is_agent=is_agent)
                _add_volume(novelty, line, days, present, most)
                _add_hours(novelty, line, window, policy)
                _add_denied(novelty, line, window)
            if off_host and (marks := tuple(off_host & present.keys())):
                novelty.reasons["off_host"] = marks  # needs no baseline: credentials of a host are for that host
            if novelty.reasons:
                yield novelty
        _remember(line, present, most, known_services)


def _remember(line: Timeline, present: Mapping[int, int], most: dict[int, int], known_services: set[str]) -> None:
    for number, count in present.items():
        before = most.get(number)
        if before is None:
            feature = line.features[number]
            if feature.sort in ACTIONS:
                known_services.add(feature.service)
        if before is None or count > before:
            most[number] = count


def _is_known(line: Timeline, start: int, day: int, events: int, policy: ActivityPolicy) -> bool:
    """Whether the history before a day suffices: covered days since it was first seen, and events."""
    first = (line.weeks or line.days)[0][0]
    return line.covered.between(max(start, first), day) >= policy.minimum_days and events >= policy.minimum_events


_Window = Sequence[tuple[int, DayCounts]]


def _add_new(
    novelty: Novelty, line: Timeline, new: Collection[int], known_services: set[str], window: _Window, *, is_agent: bool
) -> None:
    actions: list[int] = []
    services: list[int] = []
    for number in sorted(new):
        sort = line.features[number].sort
        if sort in CONSEQUENTIAL:
            (actions if line.features[number].service in known_services else services).append(number)
        elif (reason := _NOVEL.get(sort)) and (sort != "tool" or is_agent):
            novelty.reasons[reason] = (*novelty.reasons.get(reason, ()), number)
    if actions:
        novelty.reasons["new_action"] = tuple(actions)
    if services:
        novelty.reasons["new_service"] = tuple(services)
    if "new_network" in novelty.reasons and _is_roaming(line, window):
        del novelty.reasons["new_network"]


def _is_roaming(line: Timeline, window: _Window) -> bool:
    seen: set[int] = set()
    days_with_new = 0
    for _, counts in window:
        networks = {n for n in successes(counts) if line.features[n].sort == "network"}
        days_with_new += not networks <= seen
        seen |= networks
    return days_with_new > _ROAMING_SHARE * len(window)


def _add_volume(
    novelty: Novelty, line: Timeline, days: Mapping[int, DayCounts], present: Mapping[int, int], most: Mapping[int, int]
) -> None:
    """Far more events than on the same weekday before: of all together, or of one action.

    An action counts only if it is far above every day before, which saves looking up each on eight days.
    """
    events = novelty.counts.events
    if events < _LEAST_VOLUME:
        return
    first = (line.weeks or line.days)[0][0]
    same = [novelty.day - 7 * week for week in range(1, WEEKS + 1)]
    before = [days.get(one) for one in same if one in line.covered.every and one >= first]
    if len(before) < _LEAST_WEEKS:
        return
    usual = [0 if counts is None else counts.events for counts in before]
    unusual = [
        number
        for number, count in present.items()
        if count >= _LEAST_VOLUME and _TIMES * most.get(number, count) < count and line.features[number].sort in ACTIONS
    ]
    loud = [number for number in unusual if _is_far_more(present[number], [_count(one, number) for one in before])]
    if loud or _is_far_more(events, usual):
        novelty.reasons["volume"] = tuple(loud)
        novelty.facts |= {"events": events, "usual_events": median(usual), "most_events": max(usual)}


def _is_far_more(events: int, before: Sequence[int]) -> bool:
    """By the largest of up to eight values, which is their 95th percentile, and by their deviation.

    The deviation is also taken of the logarithms: traffic that doubles and halves by itself made six of seven false
    findings.
    """
    if events <= _TIMES * max(before):
        return False
    logarithms = [log(1 + one) for one in before]
    return (
        _deviation(events, before, _LEAST_MAD_SHARE * median(before)) > _LEAST_Z
        and _deviation(log(1 + events), logarithms, _LEAST_MAD_OF_LOGARITHMS) > _LEAST_Z_OF_LOGARITHMS
    )


def _deviation(value: float, before: Sequence[float], least: float) -> float:
    """The robust z-score: how many standard deviations, estimated from the median's, a value is above the median."""
    middle = median(before)
    return _MAD_TO_SIGMA * (value - middle) / max(median(abs(one - middle) for one in before), least, _TINY)


def _count(counts: DayCounts | None, number: int) -> int:
    return 0 if counts is None else next((one[1] for one in counts.counts if one[0] == number and len(one) > 1), 0)


def _add_hours(novelty: Novelty, line: Timeline, window: _Window, policy: ActivityPolicy) -> None:
    """Add activity outside its hours: those in which it nearly always acts, and an hour around each earlier one."""
    if len(window) < _LEAST_DAYS_OF_HOURS or line.covered.between(window[0][0], novelty.day) < policy.minimum_days:
        return
    usual = 0
    for _, counts in window:
        usual |= counts.hours
    near = usual | usual << 1 | usual >> 1 | usual >> 23 | (usual & 1) << 23
    others = [hour for hour in range(24) if (novelty.counts.hours & ~near) >> hour & 1]
    if not others:
        return
    hours = hours_of(window)
    if sum(sorted(hours)[-_OWN_HOURS:]) >= _SHARE_IN_OWN_HOURS * sum(hours):
        novelty.reasons["hours"] = ()
        novelty.facts |= {"hours": others, "usual_hours": [hour for hour, days in enumerate(hours) if days]}


def _add_denied(novelty: Novelty, line: Timeline, window: _Window) -> None:
    denied = _denied(line, novelty.counts)
    if len(denied) >= _DENIED_ACTIONS and all(len(_denied(line, one)) < _DENIED_ACTIONS for _, one in window):
        novelty.reasons["denied_burst"] = tuple(denied)


def _denied(line: Timeline, counts: DayCounts) -> list[int]:
    """Distinct actions that were denied."""
    if counts.denied < _DENIED_ACTIONS:
        return []
    return [one[0] for one in counts.counts if len(one) > 2 and one[2] and line.features[one[0]].sort in ACTIONS]  # noqa: PLR2004  # denials are the third of feature, successes, denials, failures


def without_peers(novelty: Novelty, line: Timeline, peers: Sequence[Timeline]) -> Novelty:
    """The reasons without those that its peers had before that day."""
    done = {
        str(peer.features[number])
        for peer in peers
        for day, counts in (*peer.weeks, *peer.days)
        if day < novelty.day
        for number in successes(counts)
    }
    reasons = {}
    for reason, numbers in novelty.reasons.items():
        left = tuple(number for number in numbers if str(line.features[number]) not in done)
        if left or not numbers or reason in ("denied_burst", "off_host"):
            reasons[reason] = left or numbers
    return Novelty(day=novelty.day, counts=novelty.counts, reasons=reasons, facts=novelty.facts)
