"""Compares use with the declaration: beyond it, after it ended, with an undeclared key. Exact, without a baseline."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.judging.activity.timeline import Timeline, moment, span_of, successes
from scanner.judging.drift import allows_anything, known_service, listed_credential_ids
from scanner.matching.globs import compile_glob
from scanner.matching.keys import fold
from scanner.model import Assessment, Entry, Person, Policy
from scanner.model.activity import ACTIONS, CONSEQUENTIAL, DayCounts, Deviation, FeatureSort
from scanner.model.retirement import RetirementStarted
from scanner.registry.roster import Roster

MOST_EVENT_IDS = 5
MOST_NAMED = 20
"""Maximum number of actions in a finding's evidence."""
OPEN_DAYS = 30
"""Days that a finding about a day stays open."""
EVERYBODY_USES = frozenset({"api", "auth", "cloudwatch", "kms", "logs", "monitoring", "sts", "xray"})
"""Services that every workload uses besides its systems."""
_DOMAINS = (".amazonaws.com", ".googleapis.com")
_ACTION = re.compile(r"(?P<service>[a-z0-9][a-z0-9.-]*):(?P<action>[^\s:]+)", re.IGNORECASE)
_DOTTED = re.compile(r"(?P<service>[a-z][a-z0-9]+)(?:\.[A-Za-z0-9*]+){1,4}")
"""A permission of Google Cloud. Logs have method names instead, so it covers its whole service."""
_EVENT = re.compile(r"[A-Za-z][A-Za-z0-9*]+")


class Declaration(Struct, frozen=True):
    """What an entry's ``systems`` and ``permissions`` cover. ``is_clear``: every text in them is understood.

    ``services``: as events name them. ``actions``: patterns over ``service:Action``.
    """

    services: frozenset[str]
    actions: tuple[re.Pattern[str], ...]
    is_clear: bool

    def covers(self, value: str) -> bool:
        """Whether ``service:Action`` is declared."""
        service = value.partition(":")[0]
        return service in self.services or any(pattern.match(value) for pattern in self.actions)


@lru_cache(maxsize=4096)
def declaration(systems: tuple[str, ...], permissions: tuple[str, ...], seen: frozenset[str]) -> Declaration | None:
    """The coverage of the texts; None if nothing is declared, or anything is allowed.

    ``seen``: actions in logs, whose services and names texts may use. A declaration is not clear if a text names no
    known service, or if it consists of names of policies.
    """
    if not (systems or permissions) or any(map(allows_anything, (*systems, *permissions))):
        return None
    services, clear = set(), True
    seen_services = frozenset(value.partition(":")[0] for value in seen)
    seen_names = frozenset(fold(value.partition(":")[2]) for value in seen)
    for text in systems:
        service = service_named(text, seen_services)
        if service is None:
            clear = False
        else:
            services.add(service)
    patterns: list[re.Pattern[str]] = []
    for text in permissions:
        pattern = _pattern(text.strip())
        if dotted := _DOTTED.fullmatch(text.strip()):
            services.add(dotted["service"].lower())
            continue
        if pattern is not None:
            patterns.append(pattern)
        if not systems and (pattern is None or (":" not in text and fold(text.strip()) not in seen_names)):
            clear = False
    return Declaration(frozenset(services), tuple(patterns), clear)


def service_named(text: str, seen: frozenset[str]) -> str | None:
    """The service in a text: a service's name, the prefix of its actions, or its event source."""
    name = fold(text.strip())
    for domain in _DOMAINS:
        name = name.removesuffix(domain)
    return name if name in seen else known_service(name)


def _pattern(text: str) -> re.Pattern[str] | None:
    """A permission as a pattern over ``service:Action``; None for neither an action nor an event's name."""
    if _ACTION.fullmatch(text):
        return compile_glob(text, ignore_case=True)
    return compile_glob(f"*:{text}", ignore_case=True) if _EVENT.fullmatch(text) else None


class Facts(Struct, frozen=True, kw_only=True):
    """The context for the findings of one identity. ``entry``: the entry that registers it, joined with agreeing ones.

    ``retired_since``: the start of the first scan that saw that entry retired. ``since``: the first day that findings
    are about. ``retiring``: its retirement, if one is under way. ``scanned_at``: when it was read, if not now.
    """

    assessment: Assessment
    entry: Entry | None
    retired_since: datetime | None
    roster: Roster | None
    policy: Policy
    since: int
    seen: frozenset[str]
    retiring: RetirementStarted | None = None
    scanned_at: datetime | None = None


def deviations(line: Timeline, facts: Facts) -> Iterator[Deviation]:
    """All findings that need no baseline: about a day since ``facts.since``, or about what lasted until then."""
    if line.days and line.days[-1][0] >= facts.since:
        found = (each for check in _CHECKS for each in check(line, line.days, facts))
        yield from (each for each in found if each.day.toordinal() >= facts.since)


_Days = Sequence[tuple[int, DayCounts]]
Used: TypeAlias = tuple[int, DayCounts, Mapping[int, int]]
"""A day, its counts, and which features were used how often."""


def _outside_declaration(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    """Yield a finding for each service: another one is news, more of the same is not."""
    entry = facts.entry
    is_read = entry is not None and not entry.hides("systems", "permissions")
    declared = declaration(entry.systems, entry.permissions, facts.seen) if entry is not None and is_read else None
    if entry is None or declared is None or not declared.is_clear:
        return
    of_service: defaultdict[str, list[Used]] = defaultdict(list)
    for day, counts in days:
        outside: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for number, feature, count in line.used(counts):
            if feature.service not in EVERYBODY_USES and not any(
                map(declared.covers, (feature.value, *line.covered.also_called.get(feature.value, ())))
            ):
                outside[feature.service][number] = count
        for service, used in outside.items():
            of_service[service].append((day, counts, used))
    for service, its in sorted(of_service.items()):
        changes = any(line.features[number].sort in CONSEQUENTIAL for _, _, used in its for number in used)
        yield lasting(
            "used_outside_declaration", line, its, service, entry=entry.id,
            declared="; ".join((*entry.systems, *entry.permissions)), consequential=changes or None,
        )  # fmt: skip


def _after_owner_left(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    verdict = facts.assessment.ownership
    if facts.entry is None or facts.roster is None or verdict.state != "orphaned":
        return
    left = _left_on(facts.entry, facts.roster)
    if left is not None:
        yield from _uses("used_after_owner_left", line, days, after=_end_of(left), owner=verdict.owner, left_on=left)


def _left_on(entry: Entry, roster: Roster) -> date | None:
    """The last day of its last owner; None unless every owner is a person who left on a known day."""
    owners = [roster.resolve(text) for text in (*entry.owner, *entry.backup_owner)]
    days = [_last_day(person, roster) for person in owners if person is not None]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(owners) else None


def _last_day(person: Person, roster: Roster) -> date | None:
    if not person.is_group:
        return person.left_on
    days = [member.left_on for text in person.members or () if (member := roster.resolve(text)) is not None]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(person.members or ()) else None


def _though_retired(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    if facts.entry is not None and facts.entry.status == "retired" and facts.retired_since is not None:
        since = facts.retired_since
        yield from _uses("used_though_retired", line, days, after=since, entry=facts.entry.id, retired_since=since)


def _after_expiry(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    if facts.entry is not None and facts.entry.expires is not None:
        expires = facts.entry.expires
        yield from _uses("used_after_expiry", line, days, after=_end_of(expires), entry=facts.entry.id, expires=expires)


def _uses(rule: str, line: Timeline, days: _Days, *, after: datetime, **more: object) -> Iterator[Deviation]:
    """Yield the finding about all use after that moment, if there is any."""
    limit = after.timestamp()
    its: list[Used] = []
    for day, counts in days:
        if counts.last > limit:
            used = {number: count for number, _, count in line.used(counts) if span_of(counts, [number])[1] > limit}
            its += [(day, counts, used)] if used else []
    if its:
        yield lasting(rule, line, its, "", **more)


def _undeclared_credential(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    """Yield a finding for each credential, if the entry lists ids; a kind declares any credential of that kind."""
    listed = frozenset[str]() if facts.entry is None else listed_credential_ids(facts.entry)
    if facts.entry is None or not listed:
        return
    of_key: defaultdict[int, list[Used]] = defaultdict(list)
    for day, counts in days:
        for number in successes(counts):
            if line.features[number].sort == "credential" and fold(line.features[number].value) not in listed:
                of_key[number].append((day, counts, {number: n for number, _, n in line.used(counts)}))
    for number, its in of_key.items():
        id_ = line.features[number].value
        found = lasting(
            "undeclared_credential_used", line, its, id_,
            entry=facts.entry.id, credentials=[id_], declared="; ".join(facts.entry.credentials),
        )  # fmt: skip
        first, last = span_of(its[0][1], [number])[0], span_of(its[-1][1], [number])[1]
        times = {"first_at": moment(first), "last_at": moment(last)}
        yield replace(found, facts={**found.facts, **times}, event_ids=_cited(line, its[-1][1], [number]))


def _woke(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    """Yield findings for use after as many covered days without use as make an identity dormant.

    An identity that existed for less time is ignored; one without any known use is not.
    """
    quiet_days = facts.policy.dormant_identity
    created = facts.assessment.identity.created_at
    last: int | None = None
    for day, counts in (*line.weeks, *days):
        if not line.is_used(counts):
            continue
        if day >= facts.since and day in line.covered.every and (last is None or day - last > quiet_days):
            start = line.covered.before(day, quiet_days)
            is_quiet = line.covered.between(start, day) >= quiet_days and (last is None or last < start)
            is_old = last is not None or (created is not None and created.date().toordinal() <= start)
            if is_quiet and is_old:
                used = {number: count for number, _, count in line.used(counts)}
                last_used = None if last is None else date.fromordinal(last)
                yield _deviation("dormant_woke", line, day, counts, used, last_used_at=last_used, quiet_days=quiet_days)
        last = day + counts.days - 1


def _interactive(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    if facts.assessment.nature.verdict not in ("non_human", "unknown"):
        return
    its: list[Used] = []
    for day, counts in days:
        marks = {
            number: sum(one)
            for number, *one in counts.counts
            if line.features[number] == ("mark", "interactive") and one and one[0]
        }
        its += [(day, counts, marks)] if marks else []
    if its:
        yield lasting("interactive_use", line, its, "", clients=_clients(line, its[-1][1]))


def _retired_called(line: Timeline, days: _Days, facts: Facts) -> Iterator[Deviation]:
    """Yield the finding about refused calls since its retirement began.

    While no scan has seen it lowered or disabled, only calls after the last scan count.
    """
    begun, identity = facts.retiring, facts.assessment.identity
    if begun is None or (begun.credential is not None and not begun.is_disabled(identity)):
        return
    is_disabled = begun.is_disabled(identity)
    is_under_way = is_disabled or begun.is_lowered(identity)
    if not is_under_way and facts.scanned_at is None:
        return
    after = begun.at if is_under_way or facts.scanned_at is None else max(begun.at, facts.scanned_at)
    limit = int(after.timestamp())
    its: list[Used] = []
    for day, counts in days:
        refused = {
            number: sum(one[1:])
            for number, *one in counts.counts
            if any(one[1:]) and line.features[number].sort in ACTIONS and span_of(counts, [number])[1] >= limit
        }
        its += [(day, counts, refused)] if refused else []
    if not its:
        return
    found = lasting("retired_identity_called", line, its, begun.credential or "", retired_since=begun.at)
    first = max(moment(span_of(its[0][1], its[0][2])[0]), after)
    last = moment(span_of(its[-1][1], its[-1][2])[1])
    more = {
        "caller": ", ".join(_refused(line, its, "assumed_by", "client")) or identity.shown_name,
        "host": ", ".join(_refused(line, its, "host") or _refused(line, its, "network")) or None,
        "first_at": first,
        "last_at": last,
        "minute": f"{last:%Y-%m-%d %H:%M} UTC",
        "way_back": list(begun.way_back) or None,
    }
    facts_told = {name: fact for name, fact in {**found.facts, **more}.items() if fact is not None}
    yield replace(found, facts=facts_told)


def _refused(line: Timeline, its: Sequence[Used], *sorts: FeatureSort) -> list[str]:
    """The values of features of these sorts that were refused on these days."""
    numbers = {number for _, counts, _ in its for number, *one in counts.counts if any(one[1:])}
    return line.names(number for number in numbers if line.features[number].sort in sorts)[:MOST_NAMED]


def _clients(line: Timeline, counts: DayCounts) -> list[str]:
    return line.names(number for number, *_ in counts.counts if line.features[number].sort == "client")


_CHECKS: tuple[Callable[[Timeline, _Days, Facts], Iterator[Deviation]], ...] = (
    _outside_declaration,
    _after_owner_left,
    _though_retired,
    _after_expiry,
    _undeclared_credential,
    _woke,
    _interactive,
    _retired_called,
)


def _deviation(
    rule: str, line: Timeline, day: int, counts: DayCounts, numbers: Mapping[int, int], **more: object
) -> Deviation:
    """A finding about one day. ``numbers``: its features, with how often they were used."""
    return Deviation(
        rule=rule,
        day=date.fromordinal(day),
        facts={name: fact for name, fact in (evidence(line, counts, numbers) | more).items() if fact is not None},
        event_ids=_cited(line, counts, numbers),
    )


def lasting(rule: str, line: Timeline, its: Sequence[Used], about: str, **more: object) -> Deviation:
    """The finding about what was done on several days: the counts of all, the last day's events."""
    each = [evidence(line, counts, used) for _, counts, used in its]
    actions: defaultdict[str, int] = defaultdict(int)
    for _, _, used in its:
        for number, count in used.items():
            actions[line.features[number].value] += count
    named = sorted(actions)[:MOST_NAMED]
    facts = {
        "actions": {name: actions[name] for name in named},
        "more_actions": len(actions) - len(named) or None,
        "events": sum(actions.values()),
        "first_at": each[0]["first_at"],
        "last_at": each[-1]["last_at"],
        "days": len(its),
        **more,
    }
    day, counts, used = its[-1]
    return Deviation(
        rule=rule,
        day=date.fromordinal(day),
        lasts=about,
        days=tuple(date.fromordinal(day) for day, _, _ in its),
        facts={name: fact for name, fact in facts.items() if fact is not None},
        event_ids=_cited(line, counts, used),
    )


def _cited(line: Timeline, counts: DayCounts, numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted(set(line.event_ids(counts, numbers))))[:MOST_EVENT_IDS]


def evidence(line: Timeline, counts: DayCounts, numbers: Mapping[int, int]) -> dict[str, object]:
    """What was used and how often on a day, and when first and last."""
    actions: defaultdict[str, int] = defaultdict(int)
    for number, count in numbers.items():
        actions[line.features[number].value] += count
    named = sorted(actions)[:MOST_NAMED]
    first, last = span_of(counts, numbers)
    return {
        "actions": {name: actions[name] for name in named},
        "more_actions": len(actions) - len(named) or None,
        "events": sum(numbers.values()),
        "first_at": moment(first),
        "last_at": moment(last),
    }


def _end_of(day: date) -> datetime:
    """The last moment of a day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) - timedelta(seconds=1)
