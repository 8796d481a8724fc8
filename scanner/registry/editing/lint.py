"""Checks entries and people that can be read; pure.

A problem makes an identity's verdict worse than its owner believes; a warning should be reviewed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import BinaryIO, TypeAlias

import msgspec
from msgspec import Struct

from scanner.errors import Problem, did_you_mean
from scanner.matching.cells.places import names_providers
from scanner.matching.cells.reading import may_be_several
from scanner.matching.globs import is_pattern, pieces
from scanner.matching.keys import fold, known
from scanner.model import Entry, FileEnd, Origin, Person, Policy
from scanner.model.declared import review_due
from scanner.registry.columns import NAMING, OWNERS
from scanner.registry.editing.impossible import (
    account_numbers,
    contradicting_place,
    disguised,
    secrets,
    self_approval,
    yet_to_be_said,
)
from scanner.registry.editing.overlaps import Remark, covered, twins
from scanner.registry.editing.quality import Quality, Standard, TeamQuality, by_team, measure
from scanner.registry.entries import survey_registry
from scanner.registry.lists import ListSource
from scanner.registry.owner_cells import SEPARATE, are_several
from scanner.registry.roster.people import survey_people
from scanner.registry.tables.cells import shown
from scanner.registry.understood import Understood

BROAD = 4
"""The fewest letters and digits of a pattern that is specific enough."""
_PLACE = frozenset({*NAMING, "provider", "scope"})
"""What the checks compare two entries by."""
_REVIEWS = frozenset({"approved_on", "last_reviewed", "next_review"})
_NO_OWNER = ("owner", "no owner is named", "name the accountable person or team")


class Note(Struct, frozen=True, kw_only=True):
    """A note about a list. ``is_problem``: else a warning."""

    is_problem: bool
    problem: Problem


Check: TypeAlias = Callable[[Entry, Standard], Iterator[Remark]]


def lint_entries(
    entries: Sequence[Entry],
    standard: Standard,
    *,
    ownerless: Collection[str] = (),
    hidden: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> tuple[Note, ...]:
    """Return all notes on the entries, in order; a note on several entries is at the last of them.

    ``ownerless``: ids of entries whose format has no field for an owner. ``hidden``: unreadable columns by id, about
    which there are no notes.
    """
    notes: list[tuple[int, Note]] = []
    order = {id(entry): number for number, entry in enumerate(entries)}
    living = [entry for entry in entries if entry.status != "retired"]
    placed = [entry for entry in living if _PLACE.isdisjoint(hidden.get(entry.id, ()))]
    for is_problem, check in _CHECKS:
        for entry in entries if check is _retired_without_date else living:
            unread = _with_reviews(hidden.get(entry.id, ()))
            said_of = (said for said in check(entry, standard) if said[0] not in unread)
            notes += [(order[id(entry)], _noted(entry, said, is_problem)) for said in said_of]
    for entry in (one for one in living if not one.owner and "owner" not in hidden.get(one.id, ())):
        excused = entry.status == "proposed" or entry.id in ownerless
        notes.append((order[id(entry)], _noted(entry, _NO_OWNER, not excused)))
    notes += [(order[id(entry)], _noted(entry, said, True)) for entry, said in twins(placed, standard)]
    notes += [(order[id(entry)], _noted(entry, said, False)) for entry, said in covered(placed)]
    return tuple(note for _, note in sorted(notes, key=lambda one: one[0]))


def _with_reviews(columns: Collection[str]) -> Collection[str]:
    """Return the columns, and all review columns if one of them is hidden: it may be the one that counts."""
    return columns if _REVIEWS.isdisjoint(columns) else {*columns, *_REVIEWS}


def lint_people(people: Sequence[Person], standard: Standard) -> tuple[Note, ...]:
    """Return all notes on the roster, in order."""
    return tuple(
        Note(
            is_problem=False,
            problem=_at(person.origin, said),
        )
        for person in people
        for said in _person(person, standard)
        if said[0] not in person.unread
    )


def _at(origin: Origin, said: Remark) -> Problem:
    column, message, fix = said
    return Problem(file=origin.file, sheet=origin.sheet, line=origin.row, field=column, message=message, fix=fix)


def _noted(entry: Entry, said: Remark, is_problem: bool) -> Note:
    return Note(is_problem=is_problem, problem=_at(entry.origin, said))


def _accountable(entry: Entry, standard: Standard) -> Iterator[Remark]:
    for column in OWNERS:
        for owner in getattr(entry, column):
            if why := standard.why_not_accountable(owner):
                yield column, f"{shown(owner)} {why}", SEPARATE if are_several(owner) else "name an active person"


def _leaving(entry: Entry, standard: Standard) -> Iterator[Remark]:
    for column in OWNERS:
        for owner in getattr(entry, column):
            if why := standard.why_not_for_long(owner):
                yield column, f"{shown(owner)} {why}", "name a successor"


def _expired(entry: Entry, standard: Standard) -> Iterator[Remark]:
    if entry.expires is not None and entry.expires < standard.today:
        yield "expires", f"expired on {entry.expires}, yet is {entry.status}", "retire it, or extend it"


def _review(entry: Entry, standard: Standard) -> Iterator[Remark]:
    due = review_due(entry, standard.policy.review, standard.today)
    if due is None:
        yield "last_reviewed", "was never reviewed", "write the day of its last review"
    elif due < standard.today:
        column = "next_review" if due == entry.next_review else "last_reviewed"
        yield column, f"its review was due on {due}", "review it, and write the day into last_reviewed"


def _purposeless(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    if entry.purpose is None:
        yield "purpose", "is empty", "say what it is for"


def _provider(entry: Entry, standard: Standard) -> Iterator[Remark]:
    """A word that means no provider. Where lists are scanned, which have any, only one that is nearly a known one."""
    if entry.provider is None or standard.knows_provider(entry.provider):
        return
    scanned = standard.providers
    words = sorted({*known().names, *(scanned or ())})
    fix = did_you_mean(fold(entry.provider), words) or (f"use one of {', '.join(sorted(scanned))}" if scanned else None)
    if fix is not None or names_providers(entry.provider):
        yield "provider", f"{shown(entry.provider)} cannot be scanned: this entry matches nothing", fix


def _several(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    for text in entry.identities:
        if names := may_be_several(text):
            message = f"{shown(text)} counts as {len(names)} identities only if a scan finds all of them"
            yield "identities", message, "separate them with ;"


def _broad(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    for text in entry.identities:
        if is_pattern(text) and sum(char.isalnum() for piece in pieces(text) for char in piece.literal) < BROAD:
            yield "identities", f"the pattern {shown(text)} is too broad", "make it more specific"


def _retired_without_date(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    if entry.status == "retired" and entry.expires is None:
        yield "expires", "is retired without a date", "write its last day into expires"


def _person(person: Person, standard: Standard) -> Iterator[Remark]:
    if person.is_group:
        roster = standard.roster
        if roster is not None and not roster.is_active(person) and not roster.is_unknown(person):
            yield "members", f"{shown(person.email)} has no active member", "name one, or retire the group"
        return
    if person.status in ("leaving", "left") and person.left_on is None:
        yield "left_on", f"{shown(person.email)} is {person.status}, without a day", "write the last day"
    roster = standard.roster
    if person.manager and roster is not None and roster.resolve(person.manager) is None and not roster.hides_names:
        yield "manager", f"{shown(person.manager)} is not on the roster", None


_CHECKS: tuple[tuple[bool, Check], ...] = (
    (True, _accountable),
    (True, _expired),
    (False, _leaving),
    (False, _review),
    (False, _purposeless),
    (False, _provider),
    (False, _several),
    (False, _broad),
    (False, _retired_without_date),
    (True, secrets),
    (True, contradicting_place),
    (False, account_numbers),
    (False, disguised),
    (False, self_approval),
    (False, yet_to_be_said),
)
"""Whether it is a problem, and the check. Only the last one applies to retired entries."""


# --- The whole of lint: read, checked and measured; as a record and as JSON ---

SCHEMA = "muster.lint/1"


class LintReport(Struct, frozen=True, kw_only=True):
    """All problems and warnings, by file and line, and the quality of the readable entries.

    ``quality``: None if a whole list could not be read, or there is nothing to measure. ``unread_rows``: the number of
    rows that the quality leaves out. ``teams``: the score of each team. ``tables``: what was understood of each table.
    """

    schema: str = SCHEMA
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    quality: Quality | None
    unread_rows: int = 0
    teams: tuple[TeamQuality, ...] = ()
    tables: tuple[Understood, ...] = ()

    def is_below(self, percent: float) -> bool:
        """Whether the score is lower than that, or unknown."""
        return self.quality is None or self.quality.score * 100 < percent


def lint_lists(
    lists: Sequence[ListSource],
    people: Sequence[ListSource],
    *,
    policy: Policy,
    providers: Iterable[str] | None,
    today: date,
    cut: Callable[[Iterable[FileEnd], Sequence[Entry]], Sequence[Problem]] = lambda _ends, _entries: (),
) -> LintReport:
    """Check a registry and its roster. ``providers``: providers to scan besides the known ones; None: any provider.

    ``cut``: returns the last rows of files that were cut off since the last scan.
    """
    notes: list[Note] = []
    tables: tuple[Understood, ...] = ()
    roster = None
    if people:
        loaded = survey_people(people)
        tables = loaded.people.understood
        notes += _as_notes(loaded.problems, is_problem=True)
        cut_people = cut(loaded.people.ends, ())
        notes += _as_notes(cut_people, is_problem=True)
        notes += _as_notes((*loaded.people.warnings, *_open_ends(loaded.people.ends, cut_people)), is_problem=False)
        if loaded.whole:
            roster = loaded.people.roster(today)
    scannable = None if providers is None else frozenset({*known().providers, *providers})
    standard = Standard(today=today, policy=policy, roster=roster, providers=scannable)
    if roster is not None:
        notes += lint_people(loaded.people.people, standard)
    found = survey_registry(lists, today=today)
    registry = found.registry
    rows = found.rows if roster is None else tuple(map(roster.parted, found.rows))
    notes += _as_notes(found.problems, is_problem=True)
    cut_rows = cut(registry.ends, registry.entries)
    notes += _as_notes(cut_rows, is_problem=True)
    notes += _as_notes((*registry.warnings, *_open_ends(registry.ends, cut_rows)), is_problem=False)
    notes += lint_entries(rows, standard, ownerless=registry.ownerless, hidden=found.hidden)
    kept = {entry.id for entry in registry.entries}
    readable = [row for row in rows if row.id in kept] if found.whole else []
    notes.sort(key=lambda note: (note.problem.document, note.problem.line or 0))
    return LintReport(
        problems=tuple(note.problem for note in notes if note.is_problem),
        warnings=tuple(note.problem for note in notes if not note.is_problem),
        quality=measure(readable, standard),
        teams=by_team(readable, standard),
        unread_rows=len(registry.unread) + len(cut_rows),
        tables=(*registry.understood, *tables),
    )


def write_json(report: LintReport, out: BinaryIO) -> tuple[str, ...]:
    """Write the result as JSON. Nothing is left out, so there are no notices."""
    out.write(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    return ()


def _open_ends(ends: Iterable[FileEnd], cut: Sequence[Problem]) -> Iterator[Problem]:
    """Yield last rows without a line end but those that were cut. Others may have been before the first scan."""
    known = {one.file for one in cut}
    for end in ends:
        if end.row is not None and not end.has_line_end and end.file not in known:
            detail = "the last row has no line end: if the file was cut there, its last cell is too short"
            yield Problem(file=end.file, line=end.row, message=detail, fix="end the line if it is whole")


def _as_notes(problems: Iterable[Problem], *, is_problem: bool) -> list[Note]:
    return [Note(is_problem=is_problem, problem=problem) for problem in problems]
