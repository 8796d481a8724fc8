"""Run a scan: wire config, connectors, lists, judging and store. Also sets how often garbage is collected."""

from __future__ import annotations

import gc
import hashlib
import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from connectors.catalog import connector_catalog
from scanner import __version__
from scanner.app import activity, alarms, ticketing
from scanner.app.acting import by_command
from scanner.app.activity import Acted, LogPlan
from scanner.app.cut_lists import last_read
from scanner.app.handling import handling_of
from scanner.app.lists import with_served
from scanner.app.news import Judged, with_news
from scanner.app.reviews import open_by_events
from scanner.config.load import Config
from scanner.config.settings import SourceSettings
from scanner.discovery.engine import EXPORT, LIST, LIVE, Observer, Source, discover
from scanner.discovery.inventory import Inventory, ScopeReading
from scanner.errors import NothingScanned, UsageError
from scanner.judging.activity.declared import OPEN_DAYS
from scanner.judging.last_known.line_ends import Cuts, cut_rosters, cut_rows, may_be_cut, without_cut, without_rows
from scanner.judging.last_known.registry_rows import followed
from scanner.judging.last_known.remembered import Remembered, unknown_fingerprints, with_earlier
from scanner.judging.last_known.shrunk import (
    LEAVERS,
    gap,
    implausible_roster,
    lost_rows,
    nobody_left,
    roster_numbers,
)
from scanner.judging.last_known.unconfirmed import outside_listings, without_unconfirmed
from scanner.judging.last_known.vanished import Loss, gone, held, losses, notices, recreations, still_there, to_look_up
from scanner.judging.pipeline import LIST_TYPE, Declared, judge, with_cells_read
from scanner.lifecycle.reviews.campaign import outcomes
from scanner.matching.places import Places
from scanner.model import EntryAssessment, FileEnd, ScanInfo, ScanResult, Summary
from scanner.model.coverage import PEOPLE, REGISTRY
from scanner.model.decisions import Act
from scanner.notify.settings import Channel
from scanner.notify.tickets.settings import Target
from scanner.stages import stage
from scanner.store.memory import Memory
from scanner.store.scans import Setup
from scanner.store.store import Store, open_store
from scanner.strict import decode
from scanner.suppressions.handling import with_handling

ANNOUNCED_KEPT = timedelta(days=2 * OPEN_DAYS)
"""How long the store keeps what was announced between scans: longer than any finding about a day stays open."""
SELDOM = 200_000
"""New containers between two collections. Python's default of 700 is meant for small heaps."""


@contextmanager
def infrequent_collection() -> Iterator[None]:
    """Collect garbage less often: collections without any result took up to a fifth of a large scan's time.

    Collection is not switched off, because hours of requests to providers leave reference cycles behind.
    """
    usual = gc.get_threshold()
    gc.set_threshold(SELDOM, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


# --- The composition root ---

log = logging.getLogger(__name__)

_READ = ("complete", "partial")


def make_ready(sources: Sequence[SourceSettings]) -> tuple[Source, ...]:
    """Connectors for these sources, with decoded settings. No I/O. Raises UsageError and ConfigError."""
    return tuple(map(_ready, sources))


def _ready(source: SourceSettings) -> Source:
    try:
        connector = connector_catalog().load(source.type)
    except UsageError as error:
        raise source.document.problem(str(error), (*source.document.path, "type"), error.hint) from error
    settings = decode(
        dict(source.settings), connector.spec.settings, source.document, base=source.base, strict=source.strict
    )
    exported = getattr(settings, "from_files", None) is not None
    rank = LIST if source.type == "file" else EXPORT if exported else LIVE
    return Source(
        name=source.name,
        type=source.type,
        connector=connector(source.name, settings),
        settings=settings,
        rank=rank,
        digest=settings_digest(source),
    )


def settings_digest(source: SourceSettings) -> str:
    """A hash of a source's settings as written in the config, so it is the same on every machine."""
    return hashlib.sha256(msgspec.json.encode([source.type, source.settings], order="deterministic")).hexdigest()


class Run(Struct, frozen=True, kw_only=True):
    """A scan under way: its id, its start, and what was read of logs, if any."""

    scan_id: str
    started: datetime
    acted: Acted | None = None


def new_run() -> Run:
    """A scan that begins now."""
    started = datetime.now(UTC).replace(microsecond=0)
    return Run(scan_id=new_scan_id(started), started=started)


def scan(
    config: Config,
    sources: Sequence[Source],
    declared: Declared,
    observer: Observer,
    run: Run,
    *,
    accept_drop: bool = False,
    logs: LogPlan | None = None,
    complete: Callable[[Store, ScanResult], ScanResult] | None = None,
) -> ScanResult:
    """Discover, match, judge and store. Raises NothingScanned, StoreError; after an error nothing is stored.

    ``run``: of :func:`new_run`. ``accept_drop``: accept that an implausible share of a source's identities, or of the
    rows of a registry or roster, is gone. ``logs``: read first; what was read stays in the store. ``complete``: adds
    data from the store to the result, for reports.
    """
    with open_store(config.store_url) as store:
        started, scan_id = run.started, run.scan_id
        store.runs.started(scan_id, started)
        acted = activity.read(store, logs, config.activity, started) if logs and logs.logs else None
        with stage("reading"):
            inventory = discover(
                config.engine,
                sources,
                observer,
                staging=store.staging,
                url=config.store_url,
                scan_id=scan_id,
                believed=believed_by(store, accept_drop=accept_drop),
            )
        result = conclude(
            store,
            inventory,
            declared,
            replace(run, acted=acted),
            lists=[source.name for source in sources if source.rank == LIST],
            accept_drop=accept_drop,
            channels=config.channels,
            targets=config.tickets,
        )
        if complete:
            completed = partial(complete, store, result)
            result = store.retrying(completed)
        forget_old_scans(store, config, result)
        return result


def forget_old_scans(store: Store, config: Config, latest: ScanResult) -> None:
    """Prune the store if the config sets ``keep_days``."""
    if config.keep_days is None:
        return
    kept_for = timedelta(days=config.keep_days)
    if not store.may_prune():
        log.warning("old scans are due to be pruned, which needs the owner's role: run `muster history prune` with it")
    elif latest.scan.started_at - store.started_before(latest.scan.id) > kept_for:
        # With a clock that runs ahead, pruning would delete the whole history.
        log.warning(
            "this scan started more than %d days after the one before it: nothing is pruned this time; "
            "the next scan prunes, so check this machine's clock",
            config.keep_days,
        )
    else:
        store.retrying(lambda: store.prune(latest.scan.started_at - kept_for, latest.scan.finished_at))


def new_scan_id(started: datetime) -> str:
    """A new scan id: the start time, and random digits for scans that start in the same second."""
    return f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def conclude(
    store: Store,
    inventory: Inventory,
    declared: Declared,
    run: Run,
    *,
    lists: Iterable[str],
    accept_drop: bool,
    channels: Sequence[Channel] = (),
    targets: Sequence[Target] = (),
) -> ScanResult:
    """Judge the inventory against the declarations and the store, and store the result.

    ``lists``: names of sources of type ``file``, which may shrink by more than others. ``channels``: their messages are
    stored with the scan; the caller sends them from the outbox. ``targets``: likewise their tickets. ``accept_drop``:
    as in :func:`scan`.
    """
    started = run.started
    ticketing.look(store, targets)
    with store.alone():
        lost = () if accept_drop else store.retrying(lambda: _lost(store, inventory, frozenset(lists)))
        inventory = held(inventory, lost)
        # A clock may be set back meanwhile; a scan never ends before its start.
        finished = max(started, datetime.now(UTC).replace(microsecond=0))
        info = ScanInfo(
            id=run.scan_id, started_at=started, finished_at=finished, version=__version__, inputs=declared.inputs
        )
        if not any(record.status in _READ and record.kinds for record in inventory.coverage):
            store.outbox.post(alarms.for_empty_scan(store, channels, inventory.coverage, info))
            raise _nothing_scanned(inventory)
        acted = run.acted or Acted(damage=store.retrying(store.activity.damage))
        entries, policy = declared.entries or (), declared.activity
        known_activity = store.retrying(lambda: activity.known_to(store, acted, entries, policy, started))
        declared = with_served(store, declared)
        with stage("the last scan"):
            remembered = store.retrying(lambda: _remember(store, inventory, declared, started, targets))
            everybody = (*inventory.identities, *(last.identity for last in remembered.assessments))
            declared, _ = with_cells_read(declared, everybody, remembered.entries)
            if not accept_drop:
                declared, remembered = store.retrying(lambda: _believed(store, declared, remembered, started))
        campaigns, damaged_reviews = store.retrying(store.reviews.sound_campaigns)
        remembered = replace(remembered, reviews=outcomes(campaigns, started.date()))

        def again(other: Inventory, told: Declared, at: ScanInfo) -> ScanResult:
            return judge(other, told, remembered, at, known_activity, quick=True)

        with stage("judging"):
            result = judge(inventory, declared, remembered, info, known_activity)
            judged = Judged(result=result, inventory=inventory, declared=declared, remembered=remembered, again=again)
            result, arrivals = store.retrying(lambda: with_news(store.memory, judged))
        for damage in store.damage:
            log.warning("%s; if this scan read it, it is stored again", damage)
        lost_days = tuple(f"{words}; its days count as not read" for words in acted.damage.words)
        lost_reviews = tuple(f"{words}; the scan goes on without that review" for words in damaged_reviews)
        summary = _with_people(result.summary, declared, store.retrying(store.memory.setup), started)
        summary = replace(summary, decisions=store.retrying(store.decisions.head))
        ends = Cuts() if accept_drop else store.retrying(lambda: _cuts(store))
        files = (*inventory.ends, *declared.ends)
        shorter = [may_be_cut(end) for end in files if ends.is_shorter(end) and _lost_rows(store, end, result, summary)]
        given = frozenset((one.role, one.name) for one in declared.inputs)
        before = (*notices(lost), *shorter, *store.damage, *lost_days, *lost_reviews)
        result = replace(result, summary=summary, notices=(*before, *result.notices), ends=ends.kept(files, given))
        unknown = unknown_fingerprints(result)
        result = with_earlier(result, store.retrying(lambda: store.memory.earlier_findings(unknown)))
        with stage("saving"):
            decided = [_drop_accepted(run.scan_id, finished)] if accept_drop else []
            store.save(result, alarms.for_scan(store, channels, result, declared, arrivals, targets), decided=decided)
        if store.may_prune():
            store.activity.prune(started.date(), policy.keep_days)
            store.outbox.forget_announced(started - ANNOUNCED_KEPT)
        open_by_events(store, channels, declared, result)
    known_gaps = activity.known_gaps(known_activity.coverage, acted)
    result = with_handling(store.retrying(lambda: store.with_past(result)), store.retrying(lambda: handling_of(store)))
    return replace(result, known_gaps=known_gaps)


def _drop_accepted(scan: str, at: datetime) -> Act:
    """For the log: that whoever started the scan accepts any drop."""
    return Act(what="accepted_drop", actor=by_command(), at=at, about={"scan": scan})


def believed_by(store: Store, *, accept_drop: bool) -> Callable[[ScopeReading], ScopeReading]:
    """A function that returns what counts of a reading: all but the last rows of files that were cut.

    ``accept_drop``: as in :func:`scan`.
    """
    if accept_drop:
        return lambda reading: reading
    cuts, last = store.retrying(lambda: _cuts(store)), last_read(store)
    return lambda reading: store.retrying(lambda: without_cut(reading, cuts, last)) if reading.ends else reading


def _lost_rows(store: Store, end: FileEnd, result: ScanResult, summary: Summary) -> bool:
    """Return whether something that a file had in the last scan is not in this one."""
    memory = store.memory
    if end.source == REGISTRY:
        ids = {one.entry.id for one in result.entries}
        return any(one.entry.origin.file == end.file and one.entry.id not in ids for one in memory.entries())
    if end.source == PEOPLE:
        last = memory.setup()
        return last is not None and last.summary is not None and (last.summary.people or 0) > (summary.people or 0)
    keys = {one.identity.key for one in result.identities}
    return not keys.issuperset(last_read(store).keys(end.source))


def _cuts(store: Store) -> Cuts:
    last = store.memory.setup()
    return Cuts(() if last is None else last.ends)


def _lost(store: Store, inventory: Inventory, lists: frozenset[str]) -> tuple[Loss, ...]:
    """Implausible losses since the last scan. ``lists``: as in :func:`conclude`."""
    known = store.memory.identities_by_place()
    if not known:
        return ()
    kept = dict.fromkeys(lists, 0) | still_there(store.memory.identities_of(lists), inventory)
    lost = losses(inventory, known, lists, kept)
    if lists.isdisjoint(one.source for one in lost):
        return lost
    unconfirmed = _unconfirmed(store, lists)
    confirmed = (row for row in store.memory.identities_of(lists) if row[2] not in unconfirmed)
    kept = dict.fromkeys(lists, 0) | still_there(confirmed, inventory)
    return losses(inventory, without_unconfirmed(known, unconfirmed), lists, kept)


def _unconfirmed(store: Store, lists: Collection[str]) -> dict[str, tuple[str, str, str]]:
    """Places of identities that these lists had only in readings with a gap, or in a row that may have been cut."""
    in_open_rows = (one.identity for one in store.memory.assessments_of(_cuts(store).open_rows))
    places = {one.key: (one.source, one.scope, one.kind) for one in in_open_rows if one.source in lists}
    return places | store.memory.unconfirmed(lists)


def _remember(
    store: Store, inventory: Inventory, declared: Declared, now: datetime, targets: Sequence[Target]
) -> Remembered:
    """The last known state of places that this scan may not have read completely."""
    if not store.has_scans():
        return Remembered()
    memory, places = store.memory, Places(inventory.coverage)
    unread = {
        (identity.source, identity.scope) for identity in inventory.identities if identity.unread
    }  # also where there is no gap
    by_assignments = {one.source for one in inventory.identities if "permissions" in one.unread}
    assessments = tuple(memory.assessments(lambda *place: places.uncertain(*place) or place[:2] in unread))
    entries = tuple(memory.entries())
    maybe_anew = to_look_up(inventory.identities, now)
    fingerprints = {fingerprint for assessment in assessments for fingerprint in assessment.findings}
    fingerprints |= _findings_of_unread(store, declared, entries)
    # A list under another name is still a list: it does not outrank the list that has its identities now.
    former = {one.identity.source for one in assessments} - {source.name for source in declared.sources}
    outside = outside_listings(assessments, inventory.coverage, declared.lists)
    left = outside.keys() & _unconfirmed(store, frozenset(outside.values())).keys() if outside else ()
    assessments = tuple(one for one in assessments if one.identity.key not in left)
    return Remembered(
        lists=memory.sources_of_type(LIST_TYPE, former),
        assessments=assessments,
        secrets=tuple(memory.secrets(places.uncertain)),
        workloads=tuple(memory.workloads(lambda source, scope, _: places.has_gap(source, scope))),
        assignments=tuple(
            memory.assignments(lambda source, scope: source in by_assignments or places.has_gap(source, scope))
        ),
        exposures=tuple(memory.exposures(lambda *_: True)),
        entries=entries,
        findings=(*memory.findings(fingerprints), *memory.findings_on_entries()),
        on_trusts=tuple(memory.findings_on_trusts()),
        known=memory.known_fingerprints(),
        held_back=memory.held_back(),
        announced=store.outbox.announced(),
        creators=memory.creators(),
        gone=memory.last_issued(gone(entries, inventory.identities)),
        closed_tickets=ticketing.closed_tickets(store, targets, now),
        recreations=recreations(maybe_anew, memory.last_unique_ids(maybe_anew), memory.open_recreations(), now.date()),
    )


def _findings_of_unread(store: Store, declared: Declared, entries: Sequence[EntryAssessment]) -> set[str]:
    """Fingerprints of the last scan's findings on identities that unreadable cells are about."""
    memory = store.memory
    if declared.unread_people or declared.unread_cells_of_people:
        of_anybody = (one for one in memory.assessments(lambda *_: True) if one.ownership.state == "orphaned")
        known = {fingerprint for one in of_anybody for fingerprint in one.findings}
    else:
        known = set()
    unread = {entry.id for entry in declared.entries or () if entry.unread}
    if declared.unread:
        unread |= _missing(entries, declared)
    return known | _findings_about(memory, entries, unread)


def _findings_about(memory: Memory, last: Iterable[EntryAssessment], ids: Collection[str]) -> set[str]:
    """Fingerprints of the last scan's findings on identities of these entries.

    An entry whose identities that scan could not read names none of them, so they are looked up by what registers them.
    """
    concerned = [one for one in last if one.entry.id in ids]
    keys = {key for one in concerned for key in one.identities}
    not_matched = {one.entry.id for one in concerned if not one.identities}
    every = memory.assessments(lambda *_: True) if not_matched else ()
    registered = (one for one in every if one.registry.entry in not_matched)
    return {name for one in (*memory.assessments_of(keys), *registered) for name in one.findings}


def _missing(last: Sequence[EntryAssessment], declared: Declared) -> set[str]:
    """Ids of the last scan's entries that no readable row has now."""
    return {one.entry.id for one in last} - {entry.id for entry in declared.entries or ()}


def _believed(store: Store, declared: Declared, remembered: Remembered, now: datetime) -> tuple[Declared, Remembered]:
    """The declarations with what an implausible loss of rows hides as gaps, and what the last scan knew of that."""
    last = store.memory.setup()
    if last is None:
        return declared, remembered
    cuts = Cuts(last.ends)
    if declared.entries is not None:
        known = followed(remembered, declared.entries).entries
        cut = tuple(cut_rows(declared.ends, declared.entries, known, cuts))
        entries = without_rows(declared.entries, [row.origin for row in cut])
        shrunk = lost_rows(declared.entries, declared.unread, known)
        files = {row.origin.file for row in cut}
        declared = replace(
            declared,
            entries=entries,
            shrunk=(*cut, *(row for row in shrunk if row.origin.file not in files)),
            ends=tuple(end for end in declared.ends if end.file not in files),
        )
        if declared.shrunk:
            names = _findings_about(store.memory, known, _missing(known, declared))
            there = {one.fingerprint for one in remembered.findings}
            findings = (*remembered.findings, *store.memory.findings(names - there))
            remembered = replace(remembered, findings=findings)
    return _believed_people(store, declared, remembered, now, last)


def _believed_people(
    store: Store, declared: Declared, remembered: Remembered, now: datetime, last: Setup
) -> tuple[Declared, Remembered]:
    people = declared.people
    if people is None:
        return declared, remembered
    rows = dict(cut_rosters(declared.ends, Cuts(last.ends)))
    gaps = [gap(LEAVERS, row.file, why) for row, why in rows.items()]
    unread = len(declared.unread_people)
    why = None if last.summary is None else implausible_roster(people, unread, now.date(), last.summary)
    people = without_rows(people, rows)
    if why is not None:
        named = next(iter([one.name for one in declared.inputs if one.role == "people"]), PEOPLE)
        gaps.append(gap(LEAVERS, named, why))
        people = nobody_left(people)
    if not gaps and not any(row.was_cut for row in declared.unread_people):
        return declared, remembered
    files = {row.file for row in rows}
    ends = tuple(end for end in declared.ends if end.file not in files)
    return (
        replace(declared, people=people, roster_gaps=tuple(gaps), nobody_left=why is not None, ends=ends),
        replace(remembered, ownership=store.memory.ownership()),
    )


def _with_people(summary: Summary, declared: Declared, last: Setup | None, now: datetime) -> Summary:
    """The summary with the numbers of the roster; with the last ones if it is not believed."""
    if declared.people is None:
        return summary
    if declared.roster_gaps and last is not None and last.summary is not None:
        return replace(summary, people=last.summary.people, people_active=last.summary.people_active)
    rows, active = roster_numbers(declared.people, len(declared.unread_people), now.date())
    return replace(summary, people=rows, people_active=active)


def _nothing_scanned(inventory: Inventory) -> NothingScanned:
    reasons = [
        f"{gap.source}: {gap.section if gap.section != '*' else 'could not start'}: {gap.status}: {gap.detail or ''}"
        for gap in inventory.coverage
        if gap.is_gap
    ]
    return NothingScanned(
        "nothing could be scanned\n" + "\n".join(f"  {reason}" for reason in reasons),
        hint="`muster doctor` checks every source and names what is missing",
    )
