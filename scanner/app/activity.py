"""Opens and reads audit logs, passes activity to judging, and adds it to stored scans."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.contract import Connector
from connectors.logs import LogSettings, LogSpec, log_catalog
from scanner.app import alarms
from scanner.app.lists import with_served
from scanner.app.retirements import retiring
from scanner.config.load import Config
from scanner.config.settings import LogEntry, SourceSettings, unknown_source
from scanner.discovery.engine import Source
from scanner.discovery.log_coverage import coverage_of
from scanner.discovery.logs import (
    ALL_NEW,
    Log,
    LogObserver,
    LogsRead,
    Window,
    read_logs,
)
from scanner.errors import ConfigError, UsageError
from scanner.judging.activity.explained import Version
from scanner.judging.activity.judge import Known
from scanner.judging.activity.summary import summary, with_assumers_named
from scanner.judging.activity.timeline import Coverages, Joined, join, timeline
from scanner.judging.pipeline import Declared, judge_between_scans
from scanner.model import ActivityPolicy, Assessment, Coverage, Entry, Finding, Identity, ScanResult
from scanner.model.activity import ActivityPast, CallerPast
from scanner.notify.settings import Channel
from scanner.store.activity.care import Damage
from scanner.store.activity.store import NO_DAMAGE
from scanner.store.store import Store

log = logging.getLogger(__name__)

_BATCH = 500
"""Identities whose activity is in memory at once."""


Connect: TypeAlias = Callable[[Sequence[SourceSettings]], Sequence[Source]]
"""Creates connectors for sources, without I/O."""


def make_logs(config: Config, entries: Sequence[LogEntry], connect: Connect) -> tuple[Log, ...]:
    """Readers of the logs. Raises ConfigError and UsageError; no I/O."""
    return tuple(_ready(config, entry, connect) for entry in entries)


def _ready(config: Config, entry: LogEntry, connect: Connect) -> Log:
    where = entry.document
    try:
        reader = log_catalog().load(entry.type)
    except UsageError as error:
        raise where.problem(str(error), (*where.path, "type"), error.hint) from error
    spec: LogSpec = reader.spec
    if entry.path is None and not spec.is_live:
        raise where.problem(
            f"a log of type {entry.type} is read from files", (*where.path, "path"), 'name them: path = "…"'
        )
    source = _source(config, entry, spec, connect)
    if entry.path is None and source is None:
        hint = f"name a [[source]] of type {spec.provider}, or give the path of its files"
        raise where.problem("without a path, a log is read live through its source", (*where.path, "source"), hint)
    settings = LogSettings(
        log=entry.name,
        path=entry.path,
        truncate_addresses=config.activity.truncate_addresses,
        networks=tuple(sorted(config.activity.networks.items())),
    )
    is_here = entry.path is not None and "://" not in entry.path  # a cluster's workers have other disks
    return Log(
        name=entry.name,
        type=entry.type,
        source=entry.source,
        since=entry.since,
        reader=reader(settings, source),
        cluster=None if is_here else config.engine.dask,
    )


def _source(config: Config, entry: LogEntry, spec: LogSpec, connect: Connect) -> Connector | None:
    """The connector whose session a live log uses; None if its source is not in the config, or is a list."""
    found = next((one for one in config.sources if one.name == entry.source), None)
    if found is None or found.type != spec.provider:
        return None
    (ready,) = connect([found])
    return ready.connector


def unknown_sources(
    config: Config, entries: Iterable[LogEntry], store: Store
) -> Iterator[tuple[LogEntry, ConfigError]]:
    """Logs whose source is neither in the config nor in the latest scan, with the error."""
    known = {source.name for source in config.sources}
    known |= {source for source, _, _ in store.retrying(store.memory.identities_by_place)}
    for entry in entries:
        if wrong := unknown_source(entry, known):
            yield entry, wrong


def configured_logs(config: Config, sources: Collection[str]) -> tuple[LogEntry, ...]:
    """The logs of the config for these sources, or for any."""
    return tuple(one for one in config.logs if one.source is None or one.source in sources)


# --- Reading ---


class Acted(Struct, frozen=True, kw_only=True):
    """What a run read of logs, if any; and the earlier readings that are damaged."""

    read: LogsRead | None = None
    damage: Damage = NO_DAMAGE


class LogPlan(Struct, frozen=True, kw_only=True):
    """Logs to read, the days, and the observer."""

    logs: Sequence[Log]
    observer: LogObserver
    window: Window = ALL_NEW


def read(store: Store, plan: LogPlan, policy: ActivityPolicy, now: datetime) -> Acted:
    """Read new events of the logs into the store; damaged rows are read again if possible.

    ``now``: when the run started, in whole seconds. Reports of a scan show what was read by its start.
    """
    damage = store.retrying(store.activity.damage)
    for words in damage.words:
        log.warning("%s; its days are read again where they can be", words)
    done = read_logs(
        plan.logs,
        store.activity,
        plan.observer,
        now,
        window=plan.window,
        damage=damage,
        keep_days=policy.keep_days,
    )
    return Acted(read=done, damage=store.retrying(store.activity.damage) if damage.words else damage)


class Tally(Struct, frozen=True, kw_only=True):
    """Counts for the last line of a reading. ``identities``: of the latest scan that acted."""

    identities: int
    unknown: int
    gaps: int


def tally(store: Store, acted: Acted, names: Collection[str], policy: ActivityPolicy, today: date) -> Tally:
    """Count the identities of the latest scan that acted in a reading, and the current gaps of these logs."""
    past = store.activity.past(acted.damage)
    done = acted.read or LogsRead()
    callers = [one for one in past.callers if (one.log, one.scope, one.caller, one.unique_id) in done.callers]
    known = (one.identity for one in store.memory.assessments(lambda *_: True)) if callers else ()
    joined = join(known, replace(past, callers=callers))
    rows = coverage_of({name: one for name, one in past.logs.items() if name in names}, today, policy.keep_days)
    return Tally(
        identities=len(joined.callers),
        unknown=len({one.caller for one in joined.unknown}),
        gaps=sum(one.is_gap for one in rows) + len(done.faults),
    )


# --- Between scans ---


def judge_now(
    store: Store, acted: Acted, declared: Declared, channels: Sequence[Channel], *, remembers: bool
) -> tuple[Finding, ...] | None:
    """Judge the activity of the latest scan's identities with the current lists; None without a scan.

    Findings are new if neither a scan nor an earlier reading had them. Messages about these are stored. ``remembers``:
    later scans and readings do not announce them again. Raises DamagedRow.
    """
    with store.alone():
        now = datetime.now(UTC).replace(microsecond=0)
        if not store.retrying(store.has_scans):
            return None
        latest = store.retrying(store.load)
        entries, policy = declared.entries or (), declared.activity
        known = store.retrying(lambda: known_to(store, acted, entries, policy, now))
        announced = store.retrying(store.outbox.announced)
        declared = with_served(store, declared)
        findings = tuple(
            replace(one, new=False) if one.fingerprint in announced else one
            for one in judge_between_scans(latest, declared, known, now)
        )
        if remembers:
            new = tuple(one for one in findings if one.new and one.acknowledged is None)
            reported = replace(latest, findings=new, coverage=known.coverage)
            store.outbox.post(alarms.for_reading(store, channels, reported, declared, now))
        return findings


# --- For judging ---


def known_to(store: Store, acted: Acted, entries: Iterable[Entry], policy: ActivityPolicy, now: datetime) -> Known:
    """Facts of the store for judging activity."""
    past = store.activity.past(acted.damage)
    if not past.logs:
        return Known(past=past, coverage=tuple(acted.read.faults) if acted.read else ())
    starts = sorted(one.started_at for one in store.scans())
    rows = coverage_of(past.logs, now.date(), policy.keep_days)
    return Known(
        past=past,
        scans=starts,
        versions=lambda keys: _versions(store, keys, starts),
        retiring=retiring(store),
        retired_since=store.retired_since([one.id for one in entries if one.status == "retired"]),
        coverage=(*rows, *(acted.read.faults if acted.read else ())),
    )


def known_gaps(coverage: Iterable[Coverage], acted: Acted) -> int:
    """How many gaps of logs an earlier run has reported already."""
    new = acted.read.new_gaps if acted.read else frozenset()
    return sum(one.is_gap and (one.source, one.scope, one.section) not in new for one in coverage)


def _versions(store: Store, keys: Collection[str], starts: Sequence[datetime]) -> Mapping[str, Sequence[Version]]:
    """Each version with the starts of the first and the last scan that saw it."""
    found: dict[str, list[Version]] = {}
    for key, version in store.versions(keys):
        after = len(starts) if version.until is None else bisect_left(starts, version.until)
        last = starts[after - 1] if after else version.since
        found.setdefault(key, []).append((version.since, max(last, version.since), version.assessment))
    return found


# --- For reports ---


class Acting:
    """The activity of a scan's identities, from logs up to that time. ``identities``: all of the scan."""

    def __init__(
        self, past: ActivityPast, started_at: datetime, policy: ActivityPolicy, identities: Iterable[Identity]
    ) -> None:
        self._since = started_at.date().toordinal() - policy.keep_days
        self._past, self._joined = past, join(identities, past)
        self._coverages = Coverages(past, now=started_at)

    def added_to(self, assessments: Iterable[Assessment]) -> Iterator[Assessment]:
        """Yield the assessments with their activity, one batch in memory at a time. Raises DamagedRow."""
        left = iter(assessments)
        while batch := list(islice(left, _BATCH)):
            pasts = _pasts(self._past, self._joined, batch)
            for one in batch:
                covered = self._coverages.of(one.identity, self._joined.callers.get(one.identity.key, ()))
                if covered is None:
                    yield one
                    continue
                line = timeline(pasts.get(one.identity.key, ()), covered)
                yield replace(one, activity=summary(line, one.identity, self._since))


def add_activity(past: ActivityPast, result: ScanResult, policy: ActivityPolicy) -> ScanResult:
    """A scan, or a part of it, with the activity of its identities. Raises DamagedRow."""
    if not past.logs:
        return result
    acting = Acting(past, result.scan.started_at, policy, (one.identity for one in result.identities))
    identities = tuple(acting.added_to(result.identities))
    return replace(result, identities=with_assumers_named(identities))


def _pasts(past: ActivityPast, joined: Joined, batch: Iterable[Assessment]) -> Mapping[str, Sequence[CallerPast]]:
    owner = {caller.number: one.identity.key for one in batch for caller in joined.callers.get(one.identity.key, ())}
    found: dict[str, list[CallerPast]] = {}
    if not owner:
        return found
    for one in past.read(sorted(owner)):
        found.setdefault(owner[one.caller.number], []).append(one)
    return found
