"""Judges the activity of all identities: joins logs, compares with entries and baselines, finds explanations."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scanner.judging.activity.baseline import Novelty, novelties, without_peers
from scanner.judging.activity.declared import (
    MOST_EVENT_IDS,
    OPEN_DAYS,
    Facts,
    declaration,
    deviations,
    evidence,
    lasting,
)
from scanner.judging.activity.explained import Changes, Explanation, Version, end_of
from scanner.judging.activity.last_used import with_last_use
from scanner.judging.activity.on_behalf_of import on_behalf_of
from scanner.judging.activity.shared import Candidate, Span, moves
from scanner.judging.activity.sign_ins import sign_ins
from scanner.judging.activity.summary import summary, with_assumers_named
from scanner.judging.activity.timeline import (
    Coverages,
    Covered,
    Joined,
    Timeline,
    join,
    last_use,
    moment,
    span_of,
    successes,
    timeline,
)
from scanner.matching.keys import fold
from scanner.model import ActivityPolicy, Assessment, Coverage, Entry, Policy, UsageVerdict, Workload
from scanner.model.activity import (
    ACTIONS,
    ActivityPast,
    Caller,
    CallerPast,
    Deviation,
    Feature,
    FeatureSort,
    SharedChange,
)
from scanner.model.retirement import RetirementStarted
from scanner.registry.roster import Roster
from scanner.text import counted

BATCH = 500
"""Identities whose activity is in memory at once."""
MOST_PEERS = 50
_CHANGED, _OFF_HOST, _VOLUME = "behaviour_changed", "off_host", "volume"
_RETIRED = "retired_identity_called"
_NUMBERED = re.compile(r"[-_.]?(?:[0-9a-f]{6,}|[0-9]+)(?=$|[-_.])", re.IGNORECASE)
_OF_ACTIONS = frozenset({"new_action", "new_service"})
_MOVING: Mapping[str, FeatureSort] = {"new_network": "network", "new_client": "client"}
"""Reasons that many identities may have at once, because of one change."""
_HOURS = "hours"
"""A reason that any event of the day may cause."""
_WORD = re.compile(r"[^\s,;()]+")
_DAY = timedelta(days=1)


class Known(Struct, frozen=True, kw_only=True):
    """Facts of the store for judging activity. ``scans``: starts of all earlier scans.

    ``versions``: versions of identities in earlier scans, by key, oldest first. ``retired_since``: by entry's id, the
    start of the first scan that saw it retired. ``retiring``: retirements under way, by identity. ``coverage``: of
    logs, for the result.
    """

    past: ActivityPast
    coverage: tuple[Coverage, ...] = ()
    scans: Sequence[datetime] = ()
    versions: Callable[[Collection[str]], Mapping[str, Sequence[Version]]] = lambda _: {}
    retired_since: Mapping[str, datetime] = {}
    retiring: Mapping[str, RetirementStarted] = {}


class Circumstances(Struct, frozen=True, kw_only=True):
    """Further context for judging activity.

    ``entry_of``: the entry that registers an identity, joined with agreeing ones. ``scanned_at``: when the identities
    were scanned, if not now.
    """

    policy: Policy
    activity: ActivityPolicy
    roster: Roster | None
    entry_of: Callable[[Assessment], Entry | None]
    workloads: Sequence[Workload] = ()
    now: datetime
    scanned_at: datetime | None = None


class JudgedActivity(Struct, frozen=True, kw_only=True):
    """Assessments with ``activity``, ``deviations``, and a usage verdict that agrees with the logs.

    ``shared``: changes that many of them made at once.
    """

    assessments: tuple[Assessment, ...]
    shared: tuple[SharedChange, ...] = ()


def judge_activity(assessments: Sequence[Assessment], known: Known, circumstances: Circumstances) -> JudgedActivity:
    """The assessments in their order, with what logs say."""
    if not known.past.logs:
        return JudgedActivity(assessments=tuple(assessments))
    return _Judging(assessments, known, circumstances).result()


class _Found(Struct):
    """An identity with something to report: its activity, exact findings, and days that differ from those before."""

    assessment: Assessment
    line: Timeline
    exact: list[Deviation]
    novelties: list[Novelty]


class _Judging:
    """One run. Each identity is judged by itself first; those with new behaviour again, with their peers."""

    def __init__(self, assessments: Sequence[Assessment], known: Known, given: Circumstances) -> None:
        past = known.past
        self._assessments = assessments
        self._known = known
        self._past = past
        self._given = given
        self._coverages = Coverages(past, now=given.now, scanned_at=given.scanned_at)
        self._joined = self._with_refused(join((one.identity for one in assessments), past))
        today = given.now.date().toordinal()
        self._active: Counter[str] = Counter()
        self._last_use: dict[tuple[str, Feature], int] = {}
        self._since, self._shown_since = today - OPEN_DAYS, today - given.activity.keep_days

    def result(self) -> JudgedActivity:
        judged: list[Assessment] = []
        deviant: dict[str, _Found] = {}
        for start in range(0, len(self._assessments), BATCH):
            batch = self._assessments[start : start + BATCH]
            pasts = self._read([one.identity.key for one in batch])
            judged += [self._judged(one, pasts.get(one.identity.key, ()), deviant) for one in batch]
        self._leave_out_peers(deviant)
        shared = self._leave_out_shared(deviant)
        deviating = self._deviations(deviant) if deviant else {}
        named = with_assumers_named(
            [replace(one, deviations=found) if (found := deviating.get(one.identity.key)) else one for one in judged]
        )
        return JudgedActivity(assessments=named, shared=shared)

    def _with_refused(self, joined: Joined) -> Joined:
        """With the refused calls of identities that are being retired, which may name nobody."""
        if not self._known.retiring:
            return joined
        signs = sign_ins(self._past, joined)
        found = dict(joined.callers)
        for one in self._assessments:
            if one.identity.key in self._known.retiring:
                own = found.get(one.identity.key, ())
                found[one.identity.key] = (*own, *signs.refused_of(one.identity, own))
        return replace(joined, callers={key: callers for key, callers in found.items() if callers})

    def _read(self, keys: Sequence[str]) -> Mapping[str, Sequence[CallerPast]]:
        """Read the activity of callers, by identity."""
        owner = {caller.number: key for key in keys for caller in self._joined.callers.get(key, ())}
        pasts: defaultdict[str, list[CallerPast]] = defaultdict(list)
        if owner:
            for past in self._past.read(sorted(owner)):
                pasts[owner[past.caller.number]].append(past)
        return pasts

    def _judged(self, one: Assessment, pasts: Sequence[CallerPast], found: dict[str, _Found]) -> Assessment:
        identity = one.identity
        callers = self._joined.callers.get(identity.key, ())
        covered = self._coverages.of(identity, callers)
        if covered is None:
            return one
        line = timeline(pasts, covered)
        if one.rechecked and line.days:
            if line.days[-1][0] >= self._since:
                self._note_use(identity.provider, line)
            facts = self._facts(one, line)
            exact = [*deviations(line, facts), *on_behalf_of(line, facts)]
            changed = [] if one.nature.verdict == "human" else self._novelties(one, line)
            exact += (*_off_host(line, changed), *_volume(line, changed))
            changed = [novelty for novelty in changed if novelty.reasons]
            if exact or changed:
                found[identity.key] = _Found(one, line, exact, changed)
        return replace(
            one,
            identity=with_last_use(identity, line),
            activity=summary(line, identity, self._shown_since),
            usage=self._usage(one, line, callers),
        )

    def _novelties(self, one: Assessment, line: Timeline) -> list[Novelty]:
        return list(novelties(line, self._given.activity, since=self._since, is_agent=one.agent.is_agent))

    def _facts(self, one: Assessment, line: Timeline) -> Facts:
        entry = self._given.entry_of(one)
        return Facts(
            assessment=one,
            entry=entry,
            retired_since=None if entry is None else self._known.retired_since.get(entry.id),
            roster=self._given.roster,
            policy=self._given.policy,
            since=self._since,
            retiring=self._known.retiring.get(one.identity.key),
            scanned_at=self._given.scanned_at,
            seen=_actions(line) if entry is not None and (entry.systems or entry.permissions) else _NONE,
        )

    # --- Use ---

    def _usage(self, one: Assessment, line: Timeline, callers: Sequence[Caller]) -> UsageVerdict:
        """The verdict from the provider's record, unless logs have a later use, or prove that there was none."""
        usage, used = one.usage, last_use(line)
        if used is not None and usage.state == "never_used":
            # The provider's record has no use, and a log does, however long ago: it was used, and is no more.
            usage = replace(usage, state="dormant", evidence=f"last used {used:%Y-%m-%d}, by log {_logs(callers)}")
        window_start = self._given.now - usage.window_days * _DAY
        if used is not None and (usage.last_used_at is None or used > usage.last_used_at):
            evidence = f"last used {used:%Y-%m-%d}, by log {_logs(callers)}"
            if usage.state == "disabled":
                return replace(usage, last_used_at=used, evidence=f"disabled; {evidence}")
            if used >= window_start:
                return replace(usage, state="active", last_used_at=used, evidence=evidence)
            usage = replace(usage, last_used_at=used)
        today, created = self._given.now.date().toordinal(), one.identity.created_at
        is_conclusive = line.covered.is_conclusive(window_start.date().toordinal(), today)
        if usage.state != "unknown" or not is_conclusive or (created is None and used is None):
            return usage
        if created is not None and created > window_start:
            return usage
        covered = counted(usage.window_days, "covered day", "covered days")
        if used is not None:
            evidence = f"last used {used:%Y-%m-%d}; no log has a use in {covered}"
            return replace(usage, state="dormant", evidence=evidence)
        was_seen_all_along = created is not None and line.covered.is_conclusive(created.date().toordinal(), today)
        evidence = f"no log has a use in {covered}"
        return replace(usage, state="never_used" if was_seen_all_along else "dormant", evidence=evidence)

    # --- New behaviour ---

    def _deviations(self, found: Mapping[str, _Found]) -> Mapping[str, tuple[Deviation, ...]]:
        changes = Changes(
            self._past.changes,
            (one.identity for one in self._assessments),
            self._given.workloads,
            scans=self._known.scans if self._given.scanned_at else (*self._known.scans, self._given.now),
            versions=self._versions(),
            within=timedelta(hours=self._given.activity.explained_within_hours),
        )
        explain = changes.explain([key for key, one in found.items() if one.exact or one.novelties])
        return {
            key: tuple(
                _explained(each, one, explain, self._given.entry_of(one.assessment))
                for each in (*one.exact, *(_changed(one, novelty) for novelty in one.novelties))
            )
            for key, one in found.items()
        }

    def _versions(self) -> Callable[[Collection[str]], Mapping[str, Sequence[Version]]]:
        """The versions of earlier scans and this one; between scans, of all scans so far."""
        if self._given.scanned_at:
            return self._known.versions
        now, current = self._given.now, {one.identity.key: one for one in self._assessments}

        def versions(keys: Collection[str]) -> Mapping[str, Sequence[Version]]:
            earlier = self._known.versions(keys)
            return {key: (*earlier.get(key, ()), (now, now, current[key])) for key in keys}

        return versions

    def _leave_out_peers(self, found: Mapping[str, _Found]) -> None:
        """Remove behaviour that identities with the same entry or template had before."""
        groups = self._groups(frozenset(key for key, one in found.items() if one.novelties))
        for key, peers in groups.items():
            pasts = self._read(peers)
            lines = [timeline(pasts[peer], Covered()) for peer in peers if pasts.get(peer)]
            one = found[key]
            left = (without_peers(novelty, one.line, lines) for novelty in one.novelties)
            one.novelties = [novelty for novelty in left if novelty.reasons]

    def _note_use(self, provider: str, line: Timeline) -> None:
        """Remember when networks and clients were last used, by anybody of the provider."""
        self._active[provider] += 1
        left = {number for number, feature in enumerate(line.features) if feature.sort in _MOVING.values()}
        for _, counts in reversed(line.days):
            for number in left & successes(counts).keys():
                at = provider, line.features[number]
                self._last_use[at] = max(self._last_use.get(at, 0), span_of(counts, [number])[1])
                left.discard(number)
            if not left:
                break

    def _leave_out_shared(self, found: Mapping[str, _Found]) -> tuple[SharedChange, ...]:
        """Remove networks and clients that replaced others at many identities; returns these changes."""
        candidates: defaultdict[tuple[str, FeatureSort], list[Candidate]] = defaultdict(list)
        for one in found.values():
            for reason, sort in _MOVING.items():
                for novelty in one.novelties:
                    candidates[one.assessment.identity.provider, sort] += _candidates(one, novelty, reason, sort)
        shared: list[SharedChange] = []
        changed: defaultdict[str, set[Feature]] = defaultdict(set)
        for (provider, sort), its in sorted(candidates.items()):
            last_use = {
                feature.value: at
                for (of, feature), at in self._last_use.items()
                if of == provider and feature.sort == sort
            }
            for move in moves(its, last_use, self._active[provider]):
                shared.append(
                    SharedChange(
                        provider=provider,
                        sort=sort,
                        value=move.feature,
                        instead_of=move.replaced,
                        first_day=date.fromordinal(move.first_day),
                        last_day=date.fromordinal(move.last_day),
                        identities=move.members,
                    )
                )
                for key in move.members:
                    changed[key].add(Feature(sort, move.feature))
        for key, features in changed.items():
            one = found[key]
            one.novelties = [novelty for novelty in one.novelties if not _is_only(one.line, novelty, features)]
        return tuple(shared)

    def _groups(self, wanted: frozenset[str]) -> Mapping[str, Sequence[str]]:
        """By identity, its peers: of the same entry, and of the same provider, kind and stem of a name."""
        if not wanted:
            return {}
        members: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for one in self._assessments:
            for group in _groups_of(one):
                members[group].append(one.identity.key)
        peers: dict[str, list[str]] = {}
        for like in members.values():
            for key in wanted.intersection(like):
                others = [other for other in like[: MOST_PEERS + 1] if other != key]
                peers[key] = list(dict.fromkeys([*peers.get(key, ()), *others]))[:MOST_PEERS]
        return {key: others for key, others in peers.items() if others}


def _candidates(found: _Found, novelty: Novelty, reason: str, sort: FeatureSort) -> Iterator[Candidate]:
    """The identity with each new feature of that type on that day."""
    line = found.line
    if not (numbers := novelty.reasons.get(reason, ())):
        return
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    known: set[int] = set()
    was_denied = False
    for day, counts in line.days:
        done = successes(counts)
        for number in done:
            if line.features[number].sort == sort:
                spans[line.features[number].value].append(Span(day, *span_of(counts, [number])))
        if day < novelty.day:
            known.update(done)
            was_denied |= counts.denied > 0
    new = {line.features[number].sort for number in successes(novelty.counts).keys() - known}
    is_odd = (
        not novelty.reasons.keys() <= _MOVING.keys()
        or not new.isdisjoint({"read", "credential"})
        or (novelty.counts.denied > 0 and not was_denied)
        or any(date.fromordinal(novelty.day) in (exact.days or (exact.day,)) for exact in found.exact)
    )
    for number in numbers:
        yield Candidate(
            identity=found.assessment.identity.key,
            feature=line.features[number].value,
            day=novelty.day,
            spans=spans,
            is_odd=is_odd,
        )


def _is_only(line: Timeline, novelty: Novelty, features: Collection[Feature]) -> bool:
    """Whether these features are all that is new on that day."""
    return novelty.reasons.keys() <= _MOVING.keys() and all(
        line.features[number] in features for numbers in novelty.reasons.values() for number in numbers
    )


def _groups_of(one: Assessment) -> Iterator[tuple[str, ...]]:
    identity = one.identity
    if one.registry.state == "registered" and one.registry.entry is not None:
        yield "entry", one.registry.entry
    stem = _NUMBERED.sub("", fold(identity.name))
    if stem and stem != fold(identity.name):
        yield "template", identity.provider, identity.kind, stem


def _logs(callers: Iterable[Caller]) -> str:
    return ", ".join(sorted({caller.log for caller in callers}))


_NONE: frozenset[str] = frozenset()


def _actions(line: Timeline) -> frozenset[str]:
    return frozenset(feature.value for feature in line.features if feature.sort in ACTIONS)


def _off_host(line: Timeline, novelties: Sequence[Novelty]) -> Iterator[Deviation]:
    """The finding about a host's credentials on another host, which lasts; takes it out of the days' own reasons."""
    its = []
    for novelty in novelties:
        if marks := novelty.reasons.pop(_OFF_HOST, ()):
            counts = {one[0]: sum(one[1:]) for one in novelty.counts.counts if one[0] in marks}
            its.append((novelty.day, novelty.counts, counts))
    if its:
        found = lasting(_CHANGED, line, its, _OFF_HOST, new={_OFF_HOST: [_OFF_HOST]})
        yield replace(found, reasons=(_OFF_HOST,))


def _volume(line: Timeline, novelties: Sequence[Novelty]) -> Iterator[Deviation]:
    """The finding about days with far more events than usual: a rise lasts, until it is what is usual."""
    its, facts = [], list[dict[str, Any]]()
    for novelty in novelties:
        if (loud := novelty.reasons.pop(_VOLUME, None)) is not None:
            counts = {one[0]: sum(one[1:]) for one in novelty.counts.counts if one[0] in loud}
            its.append((novelty.day, novelty.counts, counts))
            facts.append({name: novelty.facts.pop(name) for name in ("events", "usual_events", "most_events")})
    if its:
        new = {_VOLUME: line.names(number for _, _, counts in its for number in counts)}
        events = sum(one["events"] for one in facts)
        found = lasting(_CHANGED, line, its, _VOLUME, **(facts[0] | {"events": events}), new=new)
        ids = found.event_ids or tuple(sorted({event for _, event in its[-1][1].samples})[:MOST_EVENT_IDS])
        yield replace(found, reasons=(_VOLUME,), event_ids=ids)


def _changed(found: _Found, novelty: Novelty) -> Deviation:
    """The finding about a day with new behaviour."""
    line, numbers = found.line, {number for group in novelty.reasons.values() for number in group}
    counts = {one[0]: sum(one[1:]) for one in novelty.counts.counts if one[0] in numbers}
    actions = {number: count for number, count in counts.items() if line.features[number].sort in ACTIONS}
    new = {reason: line.names(group) for reason, group in sorted(novelty.reasons.items()) if group}
    ids = set(line.event_ids(novelty.counts, numbers))
    if not ids and _HOURS in novelty.reasons:
        ids.update(event for _, event in novelty.counts.samples)
    first, last = span_of(novelty.counts, numbers)
    times = {"first_at": moment(first), "last_at": moment(last)}
    facts = {**evidence(line, novelty.counts, actions), **times, "new": new, **novelty.facts}
    return Deviation(
        rule=_CHANGED,
        day=date.fromordinal(novelty.day),
        reasons=tuple(sorted(novelty.reasons)),
        facts={name: fact for name, fact in facts.items() if fact not in (None, {}, [])},
        event_ids=tuple(sorted(ids))[:MOST_EVENT_IDS],
    )


def _explained(
    deviation: Deviation, found: _Found, explain: Callable[[str, datetime, datetime], Explanation], entry: Entry | None
) -> Deviation:
    """Add the change that explains it, or the entry's reviewed baseline."""
    if deviation.rule == _RETIRED:  # whatever changed, somebody calls
        return deviation
    if deviation.rule == _CHANGED and entry is not None and (reviewed := _as_reviewed(deviation, found, entry)):
        return replace(deviation, explained=True, explained_by=reviewed)
    first, last = deviation.facts["first_at"], deviation.facts["last_at"]
    is_explained, by = explain(found.assessment.identity.key, first, min(last, end_of(first.date().toordinal())))
    return replace(deviation, explained=is_explained, explained_by=by)


def _as_reviewed(deviation: Deviation, found: _Found, entry: Entry) -> str | None:
    """The entry's reviewed baseline as the explanation, if it names all new actions and services; else None."""
    if entry.baseline is None or entry.last_reviewed is None or not set(deviation.reasons) <= _OF_ACTIONS:
        return None
    words = tuple(word for word in _WORD.findall(entry.baseline) if not word.isdecimal())
    expected = declaration(words, words, _actions(found.line))
    new = deviation.facts.get("actions")
    if expected is None or not isinstance(new, dict) or not all(map(expected.covers, new)):
        return None
    return f"baseline of entry {entry.id}, reviewed on {entry.last_reviewed}"
