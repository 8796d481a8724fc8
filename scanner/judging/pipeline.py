"""Judges the discovered inventory by what is declared. Pure: records in, a result out.

inventory ─► nature, agent, usage, matching ─► registry, suggestions ─► ownership, privilege, drift ─► rules ─► result
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct

from scanner.access.assignments import AssignmentsByHolder, held_by, unknown_rights_notices
from scanner.access.clusters import with_clusters
from scanner.access.edges import misfits, resolve
from scanner.access.exposures import by_subject, unmatched_notices
from scanner.access.workloads import with_open_gateways, with_signals, with_stored
from scanner.discovery.inventory import Inventory
from scanner.judging.activity.judge import Circumstances, Known, judge_activity
from scanner.judging.agents.exposure import with_exposures
from scanner.judging.agents.lock import with_growth
from scanner.judging.agents.people import with_acts_for, with_sponsors_left
from scanner.judging.assessing import (
    Access,
    LastScan,
    Lists,
    assess,
    judge_intrinsic,
    matching_of,
    owners_of,
    reconcile,
)
from scanner.judging.drift import with_reach
from scanner.judging.last_known.leaks import unlisted_notices, with_working_keys
from scanner.judging.last_known.registry_rows import followed, set_aside
from scanner.judging.last_known.remembered import (
    Remembered,
    filled,
    gaps_of_unlisted,
    kept_findings,
    not_listed,
    not_rechecked,
    unlisted_places,
    with_unread,
)
from scanner.judging.last_known.shrunk import LEAVERS, ROWS, as_last_owned, depends_on_roster, gap
from scanner.judging.last_known.unread_lists import CELLS, CELLS_OF_PEOPLE, gaps_of, undecided
from scanner.judging.nature import judge_nature
from scanner.matching.cells.reading import Cells, read_cells
from scanner.matching.decision import united
from scanner.matching.places import Places, SourceRef
from scanner.model import (
    REACH,
    Acknowledgement,
    ActivityPolicy,
    Assessment,
    Coverage,
    Entry,
    EntryAssessment,
    Exemption,
    FileEnd,
    Finding,
    Identity,
    Input,
    KnownFinding,
    LockedAgent,
    Ownership,
    Person,
    Policy,
    ScanInfo,
    ScanResult,
    Summary,
    UnreadCells,
    UnreadRow,
    most_severe_first,
)
from scanner.model.activity import SharedChange
from scanner.model.reviews import ReviewPolicy
from scanner.model.summary import summarise, upkeep
from scanner.registry.roster import Roster
from scanner.rules.base import History, RuleContext
from scanner.rules.evaluation import JudgedSnapshot, evaluate, evaluate_activity, evaluate_tickets
from scanner.stages import stage
from scanner.suppressions.acknowledgements import Acknowledgements
from scanner.suppressions.exemptions import Exemptions

LIST_TYPE = "file"
"""The type of sources that are lists."""


class Declared(Struct, frozen=True, kw_only=True):
    """What the organisation declares; None for lists that are not given.

    ``unread``: rows of the registry that cannot be read, ``unread_cells``: cells of rows that count; ``unread_people``
    and ``unread_cells_of_people``: those of the roster. ``ends``: how their files ended. ``shrunk``: a row for each
    registry that lost too many or was cut, and ``roster_gaps``: why the roster is not believed, of which
    ``nobody_left`` says that it lost too many: see ``last_known/shrunk.py`` and ``last_known/line_ends.py``.
    ``frameworks``: ids of the frameworks whose controls findings cite; None: the default ones.
    """

    entries: tuple[Entry, ...] | None = None
    unread: tuple[UnreadRow, ...] = ()
    unread_cells: tuple[UnreadCells, ...] = ()
    unread_people: tuple[UnreadRow, ...] = ()
    unread_cells_of_people: tuple[UnreadCells, ...] = ()
    shrunk: tuple[UnreadRow, ...] = ()
    ends: tuple[FileEnd, ...] = ()
    roster_gaps: tuple[Coverage, ...] = ()
    nobody_left: bool = False
    people: tuple[Person, ...] | None = None
    exemptions: tuple[Exemption, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    policy: Policy = Policy()
    activity: ActivityPolicy = ActivityPolicy()
    review: ReviewPolicy = ReviewPolicy()
    ownership: Ownership = Ownership()
    tag_keys: tuple[str, ...] = ()
    sources: tuple[SourceRef, ...] = ()
    inputs: tuple[Input, ...] = ()
    frameworks: frozenset[str] | None = None
    agents_lock: tuple[LockedAgent, ...] | None = None

    @property
    def lists(self) -> frozenset[str]:
        """Names of the sources that are lists."""
        return frozenset(source.name for source in self.sources if source.provider == LIST_TYPE)

    @property
    def gaps(self) -> tuple[Coverage, ...]:
        """What of the registry and the roster was not read, or is not believed."""
        return (
            *gaps_of(ROWS, self.unread),
            *gaps_of(CELLS, self.unread_cells),
            *gaps_of(LEAVERS, self.unread_people),
            *gaps_of(CELLS_OF_PEOPLE, self.unread_cells_of_people),
            *(gap(ROWS, one.origin.file, "; ".join(one.why)) for one in self.shrunk),
            *self.roster_gaps,
        )


def judge(
    inventory: Inventory,
    declared: Declared,
    remembered: Remembered,
    scan: ScanInfo,
    acted: Known | None = None,
    *,
    quick: bool = False,
) -> ScanResult:
    """Return the scan's result. ``scan.started_at`` is the time of all verdicts. ``acted``: facts of audit logs.

    ``quick``: as in ``suggest``.
    """
    now, today = scan.started_at, scan.started_at.date()
    places = Places(inventory.coverage)
    known = (*inventory.identities, *(assessment.identity for assessment in remembered.assessments))
    declared, cells = with_cells_read(declared, known, remembered.entries)
    remembered = followed(remembered, declared.entries or ())
    carried = not_rechecked(remembered, inventory, places, declared.lists | remembered.lists)
    whole, held, access = _completed(inventory, remembered, carried, places, now)
    lists = _lists(declared, whole, remembered, today, cells)
    last = LastScan(entries=remembered.entries, gone=remembered.gone, carried=carried)
    fresh, entries, of_matching = _assessed(whole, lists, last, access, places=places, now=now, quick=quick)
    read, fresh = fresh, list(as_last_owned(fresh, remembered.ownership, nobody_left=declared.nobody_left))
    as_before = frozenset(one.identity.key for one, was in zip(fresh, read, strict=True) if one is not was)
    entry_of = _entries_of(lists.entries or ())
    with stage("reach"):
        known_now = (*fresh, *carried)
        estate = ScanResult(
            scan=scan, summary=Summary(), identities=known_now, workloads=whole.workloads, secrets=whole.secrets
        )
        fresh = with_exposures(with_reach(fresh, estate, entry_of), estate)
        if declared.agents_lock is not None:
            fresh = with_growth(fresh, declared.agents_lock)
    circumstances = Circumstances(
        policy=declared.policy,
        activity=declared.activity,
        roster=lists.roster,
        entry_of=entry_of,
        workloads=whole.workloads,
        now=now,
    )
    fresh, carried, shared = _with_activity(fresh, carried, acted, circumstances)
    fresh = with_sponsors_left(with_acts_for(fresh), lists.roster, today)
    acknowledgements = Acknowledgements(declared.acknowledgements, today)
    absent = not_listed(inventory, whole)
    judged = _Judged(fresh=fresh, carried=carried, entries=entries, shared=shared, not_listed=absent, now=now)
    with stage("rules"):
        findings = _findings(judged, whole, declared, remembered, acknowledgements)
    notices = (
        *cells.warnings,
        *unlisted_places(carried, remembered.assignments, remembered.exposures, whole.coverage),
        *unknown_rights_notices(whole.identities, whole.coverage, held),
        *lists.exemptions.notices,
        *acknowledgements.notices,
        *unmatched_notices(whole.exposures),
        *unlisted_notices(whole.exposures, inventory.exposures, places),
        *of_matching,
    )
    result = msgspec.structs.replace(
        estate,
        coverage=(
            *whole.coverage,
            *gaps_of_unlisted(carried, whole.assignments, whole.coverage, declared.lists),
            *declared.gaps,
            *(() if acted is None else acted.coverage),
        ),
        identities=_with_findings(
            sorted((*_marked(fresh, declared, lists, as_before), *carried), key=lambda one: one.identity.key), findings
        ),
        assignments=whole.assignments,
        exposures=whole.exposures,
        entries=entries,
        findings=findings,
        policy=declared.policy,
        notices=notices,
    )
    return _summarised(result, declared, remembered)


def _with_activity(
    fresh: list[Assessment], carried: list[Assessment], acted: Known | None, circumstances: Circumstances
) -> tuple[list[Assessment], list[Assessment], Sequence[SharedChange]]:
    """Return the assessments with what audit logs say of them, and what changed for several at once."""
    if acted is None:
        return fresh, carried, ()
    active = judge_activity((*fresh, *carried), acted, circumstances)
    return list(active.assessments[: len(fresh)]), list(active.assessments[len(fresh) :]), active.shared


def judge_between_scans(latest: ScanResult, declared: Declared, acted: Known, now: datetime) -> tuple[Finding, ...]:
    """Judge the activity of the latest scan's identities with the current lists, as that scan had them if not given.

    Findings are new unless that scan had them. Findings about unused permissions wait for a scan.
    """
    fresh = [one for one in latest.identities if one.rechecked]
    carried = [one for one in latest.identities if not one.rechecked]
    inventory = Inventory(
        identities=tuple(one.identity for one in fresh),
        workloads=tuple(latest.workloads),
        exposures=tuple(latest.exposures),
        coverage=latest.coverage,
    )
    remembered = Remembered(entries=tuple(latest.entries))
    if declared.entries is None and latest.entries:
        declared = msgspec.structs.replace(declared, entries=tuple(one.entry for one in latest.entries))
    declared, cells = with_cells_read(declared, inventory.identities, latest.entries)
    lists = _lists(declared, inventory, remembered, now.date(), cells)
    natures = {
        one.identity.key: one.nature if lists.roster is None else judge_nature(one.identity, lists.roster)
        for one in fresh
    }
    last = LastScan(entries=latest.entries, gone={}, carried=carried)
    places = Places(inventory.coverage)
    with matching_of(inventory.identities, lists, now.date()) as when_matched:
        matching = when_matched()
    reconciled = reconcile(inventory, natures, matching, lists=lists, last=last, places=places, now=now)
    owners = owners_of(inventory, natures, reconciled, lists=lists, carried=carried)
    today = [
        msgspec.structs.replace(
            one,
            nature=natures[one.identity.key],
            registry=reconciled.registry[one.identity.key],
            ownership=one.ownership if lists.roster is None else owners[one.identity.key],
            deviations=(),
        )
        for one in fresh
    ]
    circumstances = Circumstances(
        policy=declared.policy,
        activity=declared.activity,
        roster=lists.roster,
        entry_of=_entries_of(lists.entries or ()),
        workloads=latest.workloads,
        now=now,
        scanned_at=latest.scan.started_at,
    )
    active = judge_activity(today, acted, circumstances)
    history = History({one.fingerprint: KnownFinding(one.first_seen) for one in latest.findings})
    context = RuleContext(policy=declared.policy, now=now, frameworks=declared.frameworks, history=history)
    found = evaluate_activity(active.assessments, active.shared, context)
    identities = {one.identity.key: one.identity for one in active.assessments}
    acknowledgements = Acknowledgements(declared.acknowledgements, now.date())
    return tuple(acknowledgements.marked(found, identities))


def _marked(
    fresh: Sequence[Assessment], declared: Declared, lists: Lists, as_before: Collection[str]
) -> Iterator[Assessment]:
    """Yield the identities; those that a list decides on that is not believed are not re-checked.

    ``as_before``: keys of those whose owner is the last known one.
    """
    lost = lists.aside.why.keys() if declared.shrunk else ()
    for one in fresh:
        verdict = one.registry
        by_lost = lost and not frozenset(lost).isdisjoint(
            (verdict.entry, *verdict.agreeing, *(hit.entry for hit in verdict.candidates if verdict.entry is None))
        )
        by_roster = one.identity.key in as_before or (declared.nobody_left and depends_on_roster(one.ownership))
        if by_lost or by_roster:
            yield msgspec.structs.replace(one, rechecked=False)
        else:
            yield one


def _assessed(
    inventory: Inventory,
    lists: Lists,
    last: LastScan,
    access: Access,
    *,
    places: Places,
    now: datetime,
    quick: bool,
) -> tuple[Sequence[Assessment], tuple[EntryAssessment, ...], tuple[str, ...]]:
    """Return the verdicts on identities and on entries, with notices.

    A separate function, so that the verdicts by key are freed before rules run: they take 50 MB for 200,000 identities.
    """
    with stage("matching"), matching_of(inventory.identities, lists, now.date()) as when_matched:
        intrinsic = judge_intrinsic(inventory.identities, lists, now)
        matching = when_matched()
    reconciled = reconcile(
        inventory, intrinsic.natures, matching, lists=lists, last=last, places=places, now=now, quick=quick
    )
    fresh = assess(inventory, intrinsic, reconciled, lists=lists, last=last, access=access, now=now)
    return fresh, reconciled.entries, reconciled.notices


def with_cells_read(
    declared: Declared, identities: Sequence[Identity], last: Sequence[EntryAssessment]
) -> tuple[Declared, Cells]:
    """Return the declarations with what the cells of their entries name. ``last``: the entries of the last scan."""
    entries = declared.entries or ()
    unread = [row.names for row in declared.unread if row.names is not None]
    before = (assessment.entry.identities for assessment in last)
    providers = [source.provider for source in declared.sources]
    cells = read_cells((*entries, *unread), identities, before, providers)
    read, named = cells.entries[: len(entries)], iter(cells.entries[len(entries) :])
    rows = (row if row.names is None else msgspec.structs.replace(row, names=next(named)) for row in declared.unread)
    meant = msgspec.structs.replace(declared, entries=None if declared.entries is None else read, unread=tuple(rows))
    return meant, cells.only({entry.id for entry in entries})


def _lists(declared: Declared, inventory: Inventory, remembered: Remembered, today: date, cells: Cells) -> Lists:
    """The declarations, prepared for judging this inventory."""
    roster = None
    if declared.people is not None:
        rows_unread = len(declared.unread_people) + len(declared.roster_gaps)
        roster = Roster(declared.people, today, rows_unread=rows_unread)
    entries = declared.entries
    if roster is not None and entries is not None:
        entries = tuple(map(roster.parted, entries))
    aside = set_aside(
        (*declared.unread, *declared.shrunk),
        entries or (),
        remembered.entries,
        inventory.identities,
        tag_keys=declared.tag_keys,
        today=today,
    )
    return Lists(
        entries=None if entries is None else (*entries, *aside.entries),
        aside=aside,
        cells=cells,
        roster=roster,
        exemptions=Exemptions(declared.exemptions, today),
        tag_keys=declared.tag_keys,
        sources=declared.sources,
        ownership=declared.ownership,
        policy=declared.policy,
    )


def _entries_of(entries: Sequence[Entry]) -> Callable[[Assessment], Entry | None]:
    """Return a function from an identity to the entry that registers it, joined with agreeing ones; None for others."""
    by_id = {entry.id: entry for entry in entries}

    def entry_of(one: Assessment) -> Entry | None:
        verdict = one.registry
        if verdict.state != "registered" or verdict.entry is None:
            return None
        return united(by_id[verdict.entry], [by_id[other] for other in verdict.agreeing])

    return entry_of


def _completed(
    inventory: Inventory, remembered: Remembered, carried: Sequence[Assessment], places: Places, now: datetime
) -> tuple[Inventory, AssignmentsByHolder, Access]:
    """The inventory with last known facts and with links, the assignments by holder, and who can become whom.

    A separate function, so that the inventories of its steps are freed.
    """
    filled_in = with_unread(filled(inventory, remembered, carried, now), remembered, places)
    known = (*filled_in.identities, *(one.identity for one in carried))
    exposures = with_working_keys(filled_in.exposures, remembered.exposures, known, now)
    placed = msgspec.structs.replace(filled_in, exposures=exposures)
    held = held_by(known, placed.assignments)
    with stage("links"):
        linked, access = _linked(placed, held, carried)
    return linked, held, access


def _linked(inventory: Inventory, held: AssignmentsByHolder, carried: Sequence[Assessment]) -> tuple[Inventory, Access]:
    """Resolve which identity can become which, and add links to stored secrets."""
    known = [one.identity for one in carried]
    reported = {(one.source, one.scope) for one in inventory.coverage if one.section.partition(":")[0] == REACH}
    unclear = [one for one in misfits((*known, *inventory.workloads)) if (one.source, one.scope) not in reported]
    identities, workloads = with_clusters(inventory.identities, inventory.workloads, known)
    resolved = resolve(identities, held, workloads, inventory.coverage, known)
    gateways = with_open_gateways(with_signals(resolved.identities, workloads), workloads)
    stored = with_stored(gateways, inventory.secrets)
    coverage = (*inventory.coverage, *unclear)
    whole = msgspec.structs.replace(inventory, identities=stored, workloads=workloads, coverage=coverage)
    return whole, Access(edges=resolved.edges, methods=resolved.methods)


class _Judged(Struct, frozen=True, kw_only=True):
    """All verdicts but findings. ``fresh``: on identities read this time; ``carried``: from the last scan.

    ``not_listed``: keys of credentials that only the last scan knew.
    """

    fresh: Sequence[Assessment]
    carried: Sequence[Assessment]
    entries: Sequence[EntryAssessment]
    shared: Sequence[SharedChange]
    not_listed: frozenset[str]
    now: datetime


def _findings(
    judged: _Judged,
    inventory: Inventory,
    declared: Declared,
    remembered: Remembered,
    acknowledgements: Acknowledgements,
) -> tuple[Finding, ...]:
    """Return the findings of all rules and the last known ones of identities not judged, most severe first."""
    fresh, carried, now = judged.fresh, judged.carried, judged.now
    known = remembered.known
    if known is not None and remembered.announced:
        known = {name: KnownFinding(at) for name, at in remembered.announced.items()} | {**known}
    context = RuleContext(
        policy=declared.policy,
        now=now,
        entries={found.entry.id: found for found in judged.entries},
        recreations=remembered.recreations,
        reviews=remembered.reviews,
        not_listed=judged.not_listed,
        exposures=by_subject(inventory.exposures),
        frameworks=declared.frameworks,
        history=History(known, remembered.held_back),
    )
    snapshot = JudgedSnapshot(
        assessments=fresh,
        carried=carried,
        entries=judged.entries,
        secrets=inventory.secrets,
        assignments=inventory.assignments,
        exemptions=declared.exemptions,
        shared=judged.shared,
        registry_given=declared.entries is not None,
    )
    found = evaluate(snapshot, context)
    identities = {one.identity.key: one.identity for one in (*fresh, *carried)} if declared.acknowledgements else {}
    marked = list(acknowledgements.marked(found, identities))
    late = evaluate_tickets(remembered.closed_tickets, marked, fresh, context)
    roster_unread = bool(declared.unread_people or declared.unread_cells_of_people)
    still_open = undecided(remembered.findings, fresh, judged.entries, roster_unread=roster_unread)
    kept = kept_findings((*found, *late), fresh, carried, judged.entries, remembered, now, still_open)
    marked += acknowledgements.marked((*late, *kept), identities)
    return tuple(sorted(marked, key=most_severe_first))


def _with_findings(assessments: Sequence[Assessment], findings: Sequence[Finding]) -> tuple[Assessment, ...]:
    of_identity: dict[str, list[str]] = {}
    for finding in findings:
        if finding.identity is not None:
            of_identity.setdefault(finding.identity, []).append(finding.fingerprint)
    fingerprints = ((assessment, tuple(of_identity.get(assessment.identity.key, ()))) for assessment in assessments)
    return tuple(
        one if one.findings == found else msgspec.structs.replace(one, findings=found) for one, found in fingerprints
    )


def _summarised(result: ScanResult, declared: Declared, remembered: Remembered) -> ScanResult:
    summary = summarise(result, remembered.known)
    if declared.entries is not None:
        kept = upkeep((one.entry for one in result.entries), declared.policy, result.scan.started_at.date())
        summary = msgspec.structs.replace(summary, upkeep=kept)
    return msgspec.structs.replace(result, summary=summary)
