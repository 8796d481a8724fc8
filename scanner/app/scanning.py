"""Run a scan: wire config, connectors, lists, judging and store."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
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
from scanner.app.handling import handling_of
from scanner.app.last_scan import believed, believed_by, cuts_of, has_lost_rows, lost_since, remember
from scanner.app.lists import with_served
from scanner.app.news import Judged, with_news
from scanner.app.retirements import with_retirements
from scanner.app.reviews import open_by_events
from scanner.config.load import Config
from scanner.config.settings import SourceSettings
from scanner.discovery.engine import EXPORT, LIST, LIVE, Observer, Source, discover
from scanner.discovery.inventory import Inventory
from scanner.errors import NothingScanned, UsageError
from scanner.judging.activity.declared import OPEN_DAYS
from scanner.judging.last_known.line_ends import Cuts, may_be_cut
from scanner.judging.last_known.remembered import unknown_fingerprints, with_earlier
from scanner.judging.last_known.shrunk import roster_numbers
from scanner.judging.last_known.vanished import held, notices
from scanner.judging.pipeline import Declared, judge, with_cells_read
from scanner.lifecycle.reviews.campaign import outcomes
from scanner.model import ScanInfo, ScanResult, Summary
from scanner.model.decisions import Act
from scanner.notify.settings import Channel
from scanner.notify.tickets.settings import Target
from scanner.stages import stage
from scanner.store.scans import Setup
from scanner.store.store import Store, open_store
from scanner.strict import decode
from scanner.suppressions.handling import with_handling

ANNOUNCED_KEPT = timedelta(days=2 * OPEN_DAYS)
"""How long the store keeps what was announced between scans: longer than any finding about a day stays open."""
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
        lost = () if accept_drop else store.retrying(lambda: lost_since(store, inventory, frozenset(lists)))
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
            remembered = store.retrying(lambda: remember(store, inventory, declared, started, targets))
            everybody = (*inventory.identities, *(last.identity for last in remembered.assessments))
            declared, _ = with_cells_read(declared, everybody, remembered.entries)
            if not accept_drop:
                declared, remembered = store.retrying(lambda: believed(store, declared, remembered, started))
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
        ends = Cuts() if accept_drop else store.retrying(lambda: cuts_of(store))
        files = (*inventory.ends, *declared.ends)
        shorter = [
            may_be_cut(end) for end in files if ends.is_shorter(end) and has_lost_rows(store, end, result, summary)
        ]
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
    return with_retirements(store, replace(result, known_gaps=known_gaps))


def _drop_accepted(scan: str, at: datetime) -> Act:
    """For the log: that whoever started the scan accepts any drop."""
    return Act(what="accepted_drop", actor=by_command(), at=at, about={"scan": scan})


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
