"""The activity of an identity for reports."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from operator import itemgetter

from msgspec.structs import replace

from scanner.judging.activity.timeline import Timeline, hours_of, moment
from scanner.matching.actions import parsed
from scanner.model import Assessment, Identity
from scanner.model.activity import ACTIONS, Activity, DayCounts, ServiceUse
from scanner.model.attributes import ALLOWED_ACTIONS, GRANTED_SERVICES, SERVICES_UNUSED, SERVICES_USED

_NEW_ASSUMER = "new_assumer"
_OF_SUCCESSES = frozenset({"assumed_by", "on_behalf_of"})


def summary(line: Timeline, identity: Identity, since: int) -> Activity:
    """The activity of an identity, as reports show it. ``since``: the ordinal of the first day that they show."""
    covered = line.covered.days[bisect_left(line.covered.days, since) :]
    every = line.days[bisect_left(line.days, since, key=itemgetter(0)) :]
    values: defaultdict[str, set[str]] = defaultdict(set)
    services: defaultdict[str, list[_Span]] = defaultdict(list)
    for span in _spans(every):
        feature = line.features[span.number]
        if feature.sort in ACTIONS:
            services[feature.service].append(span)
        elif span.successes or feature.sort not in _OF_SUCCESSES:  # a denied caller did not assume it
            values[feature.sort].add(feature.value)
    acted = [counts for _, counts in every if counts.events]  # others may assume it on a day without activity
    used = {line.features[span.number].service for of in services.values() for span in of if span.is_use(line.uses)}
    granted = granted_services(identity)
    return Activity(
        covered_from=date.fromordinal(covered[0]) if covered else None,
        covered_to=date.fromordinal(covered[-1]) if covered else None,
        covered_days=len(covered),
        first_event_at=moment(min(counts.first for counts in acted)) if acted else None,
        last_event_at=moment(max(counts.last for counts in acted)) if acted else None,
        events=sum(counts.events for _, counts in every),
        denied=sum(counts.denied for _, counts in every),
        services=tuple(
            ServiceUse(
                service=service,
                actions=tuple(sorted({line.features[one.number].action for one in spans if one.successes})),
                events=sum(one.events for one in spans),
                first_at=moment(min(one.first for one in spans)),
                last_at=moment(max(one.last for one in spans)),
                last_days=_last_days(line, spans),
            )
            for service, spans in sorted(services.items())
        ),
        networks=tuple(sorted(values["network"])),
        clients=tuple(sorted(values["client"])),
        regions=tuple(sorted(values["region"])),
        assumed_by=tuple(sorted(values["assumed_by"])),
        tools=tuple(sorted(values["tool"])),
        on_behalf_of=tuple(sorted(values["on_behalf_of"])),
        hours=tuple(hours_of(every)) if every else (),
        granted_services=granted,
        used_services=tuple(sorted(used)),
        unlogged_services=tuple(
            service
            for service in sorted({*(granted or ()), *services_allowed(identity)})
            if any(fnmatchcase(service, pattern.partition(":")[0]) for pattern in line.covered.unlogged)
        ),
    )


def with_assumers_named(assessments: Sequence[Assessment]) -> tuple[Assessment, ...]:
    """The summary with keys in place of ``SCOPE:UNIQUE_ID``, which logs use for identities of other accounts."""
    wanted = {text for one in assessments if one.activity for text in one.activity.assumed_by}
    keys = {
        text: one.identity.key
        for one in assessments
        if (text := f"{one.identity.scope}:{one.identity.unique_id}") in wanted
    }
    return tuple(_with_names(one, keys) if keys and one.activity else one for one in assessments)


def _with_names(one: Assessment, keys: Mapping[str, str]) -> Assessment:
    activity = one.activity
    if activity is None or keys.keys().isdisjoint(activity.assumed_by):
        return one
    named = tuple(sorted({keys.get(text, text) for text in activity.assumed_by}))
    return replace(
        one,
        activity=replace(activity, assumed_by=named),
        deviations=tuple(
            replace(each, facts={**each.facts, "new": {**new, _NEW_ASSUMER: sorted(keys.get(t, t) for t in texts)}})
            if isinstance(new := each.facts.get("new"), Mapping) and (texts := new.get(_NEW_ASSUMER))
            else each
            for each in one.deviations
        ),
    )


class _Span:
    """The totals of one feature. ``first``, ``last``: of its events, in seconds; ``last_day``: with a success."""

    __slots__ = ("events", "first", "last", "last_day", "number", "successes")

    def __init__(self, number: int, first: int) -> None:
        self.number, self.first, self.last = number, first, first
        self.events = self.successes = self.last_day = 0

    def is_use(self, uses: frozenset[int]) -> bool:
        return self.successes > 0 and self.number in uses


def _spans(every: Sequence[tuple[int, DayCounts]]) -> Iterable[_Span]:
    """Features in total. An identity has thousands of counts, so each is touched once, and its name not at all."""
    spans: dict[int, _Span] = {}
    for day, counts in every:
        own, whole = counts.spans(), (counts.first, counts.last)
        for one in counts.counts:
            first, last = own.get(one[0], whole)
            span = spans.get(one[0])
            if span is None:
                span = spans[one[0]] = _Span(one[0], first)
            span.last = last
            if len(one) > 1:
                span.events += sum(one[1:])
                span.successes += one[1]
                if one[1]:
                    span.last_day = day
    return spans.values()


def _last_days(line: Timeline, spans: Iterable[_Span]) -> dict[str, date]:
    found: dict[str, date] = {}
    for span in spans:
        if span.is_use(line.uses):
            action, day = line.features[span.number].action, date.fromordinal(span.last_day)
            found[action] = max(day, found.get(action, day))
    return dict(sorted(found.items()))


def services_allowed(identity: Identity) -> set[str]:
    """The services of which a policy of it is known to allow an action; without those that a wildcard names."""
    allowed = identity.attributes.get(ALLOWED_ACTIONS)
    patterns = allowed.values() if isinstance(allowed, Mapping) else ()
    listed = (text for texts in patterns if isinstance(texts, list | tuple) for text in texts if isinstance(text, str))
    return {service for text in listed if (service := parsed(text).service) is not None}


def granted_services(identity: Identity) -> tuple[str, ...] | None:
    """The services that its permissions name, according to its provider; None if unknown, or all services."""
    attributes = identity.attributes
    named = attributes.get(GRANTED_SERVICES)
    if not isinstance(named, list | tuple):
        advisor = [attributes.get(name) for name in (SERVICES_USED, SERVICES_UNUSED)]
        if not all(isinstance(one, list | tuple) for one in advisor):
            return _services_of_grants(identity)
        named = [service for one in advisor for service in one or ()]
    return tuple(sorted({one for one in named if isinstance(one, str)}))


def _services_of_grants(identity: Identity) -> tuple[str, ...] | None:
    """The services in grants that are actions (``s3:GetObject``); None if any grant is not an action."""
    services = set()
    for grant in identity.grants:
        service, colon, action = grant.name.partition(":")
        if not (colon and action) or grant.admin or "*" in service or not service.replace("-", "").isalnum():
            return None
        services.add(service.lower())
    return tuple(sorted(services)) or None
