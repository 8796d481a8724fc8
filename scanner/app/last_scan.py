"""What the last scan stored, as far as the next one needs it: what is lost, remembered and believed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from scanner.app import ticketing
from scanner.app.cut_lists import last_read
from scanner.discovery.inventory import Inventory, ScopeReading
from scanner.judging.last_known.line_ends import Cuts, cut_rosters, cut_rows, without_cut, without_rows
from scanner.judging.last_known.registry_rows import followed
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.last_known.shrunk import LEAVERS, gap, implausible_roster, lost_rows, nobody_left
from scanner.judging.last_known.vanished import (
    Loss,
    gone,
    losses,
    outside_listings,
    recreations,
    still_there,
    to_look_up,
    without_unconfirmed,
)
from scanner.judging.pipeline import LIST_TYPE, Declared
from scanner.matching.places import Places
from scanner.model import EntryAssessment, FileEnd, ScanResult, Summary
from scanner.model.coverage import PEOPLE, REGISTRY
from scanner.notify.tickets.settings import Target
from scanner.store.memory import Memory
from scanner.store.scans import Setup
from scanner.store.store import Store


def believed_by(store: Store, *, accept_drop: bool) -> Callable[[ScopeReading], ScopeReading]:
    """A function that returns what counts of a reading: all but the last rows of files that were cut.

    ``accept_drop``: as in :func:`scanner.app.scanning.scan`.
    """
    if accept_drop:
        return lambda reading: reading
    cuts, last = store.retrying(lambda: cuts_of(store)), last_read(store)
    return lambda reading: store.retrying(lambda: without_cut(reading, cuts, last)) if reading.ends else reading


def has_lost_rows(store: Store, end: FileEnd, result: ScanResult, summary: Summary) -> bool:
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


def cuts_of(store: Store) -> Cuts:
    """Where files ended in the last scan."""
    last = store.memory.setup()
    return Cuts(() if last is None else last.ends)


def lost_since(store: Store, inventory: Inventory, lists: frozenset[str]) -> tuple[Loss, ...]:
    """Implausible losses since the last scan. ``lists``: as in :func:`scanner.app.scanning.conclude`."""
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
    in_open_rows = (one.identity for one in store.memory.assessments_of(cuts_of(store).open_rows))
    places = {one.key: (one.source, one.scope, one.kind) for one in in_open_rows if one.source in lists}
    return places | store.memory.unconfirmed(lists)


def remember(
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


def believed(store: Store, declared: Declared, remembered: Remembered, now: datetime) -> tuple[Declared, Remembered]:
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
