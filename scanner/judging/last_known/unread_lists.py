"""Gaps of the lists themselves: rows and cells of registry and roster that cannot be read. Pure.

An unreadable row is set aside. An unreadable cell costs only itself: its row counts, and what depends on it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from scanner.judging.last_known.shrunk import LEAVERS, ROWS
from scanner.model import Assessment, BlindSpot, Coverage, EntryAssessment, Finding, UnreadCells, UnreadRow
from scanner.model.coverage import PEOPLE, REGISTRY
from scanner.model.declared import LOOKED_AT
from scanner.text import counted

CELLS, CELLS_OF_PEOPLE = f"{REGISTRY}.cells", f"{PEOPLE}.cells"
"""Sections of the gaps of cells; those of rows are ROWS and LEAVERS."""
NAMED = 200
"""The most gaps of one file, in case all of its rows are unreadable."""

Unread: TypeAlias = Sequence[UnreadRow | UnreadCells]
_DONE: Mapping[str, tuple[str, str, str]] = {
    ROWS: ("the row was skipped", "more row was skipped", "more rows were skipped"),
    CELLS: ("unknown", "more row has unreadable cells", "more rows have unreadable cells"),
}
_DONE = {**_DONE, LEAVERS: _DONE[ROWS], CELLS_OF_PEOPLE: _DONE[CELLS]}
"""By section: what became of the row or its cells, and of one or several others."""


def warnings_of(section: str, unread: Unread) -> Iterator[str]:
    """Yield warnings for the person who started the scan."""
    done, *others = _DONE[section]
    yield from (f"{row.origin}: {'; '.join(row.why)}; {_done(row, done)}" for row in unread[:NAMED])
    if len(unread) > NAMED:
        yield f"and {counted(len(unread) - NAMED, *others)}"


def gaps_of(section: str, unread: Unread) -> Iterator[Coverage]:
    """Yield a gap for each row; a file with very many unreadable rows gets one for the others."""
    done, *others = _DONE[section]
    by_file: dict[str, list[UnreadRow | UnreadCells]] = {}
    for row in unread:
        by_file.setdefault(row.origin.file, []).append(row)
    for file, rows in sorted(by_file.items()):
        by_place: dict[str, list[UnreadRow | UnreadCells]] = {}
        for row in rows[:NAMED]:
            by_place.setdefault(str(row.origin), []).append(row)
        for place, its in by_place.items():
            yield _gap(section, place, f"{_done(its[0], done)}: {'; '.join(why for row in its for why in row.why)}")
        if len(rows) > NAMED:
            yield _gap(section, file, counted(len(rows) - NAMED, *others))


def _done(row: UnreadRow | UnreadCells, done: str) -> str:
    return f"{', '.join(row.columns)} {done}" if isinstance(row, UnreadCells) else done


def _gap(section: str, place: str, detail: str) -> Coverage:
    source = section.partition(".")[0]
    return Coverage(source=source, provider=source, scope=place, section=section, status="partial", detail=detail)


# --- Findings of the last scan that a cell which is unreadable now would confirm or resolve ---

_OWNERS = frozenset({"owner", "technical_owner", "backup_owner", "team"})
_END = frozenset({"expires", "status"})
_REVIEWS = frozenset({*LOOKED_AT, "next_review"})
BY_CELL: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("orphaned", "backup_owner_only", "owner_leaving", "agent_without_sponsor"), _OWNERS),
    **dict.fromkeys(("retired_but_alive", "entry_not_active", "entry_expiring", "entry_not_found"), _END),
    **dict.fromkeys(("review_overdue", "recreated"), _REVIEWS),
    **dict.fromkeys(
        ("credential_too_old", "credential_older_than_declared", "kerberoastable"), frozenset({"max_credential_age"})
    ),
    "undeclared_credential": frozenset({"credentials"}),
    "drifted": _OWNERS | {"systems", "permissions", "environment", "credentials"},
    "reach_beyond_declaration": frozenset({"blast_radius", "high_consequence"}),
    "declared_differently": _END | {"owner", "environment", "kind"},
}
"""By rule: the columns of an entry without which it cannot say whether its finding still stands."""
_EVERY = frozenset[str]().union(*BY_CELL.values())


def undecided(
    last: Iterable[Finding], fresh: Iterable[Assessment], entries: Iterable[EntryAssessment], *, roster_unread: bool
) -> frozenset[str]:
    """Return the fingerprints of the last scan's findings that can be neither confirmed nor resolved.

    ``roster_unread``: a row or cell of the roster is unreadable, which may be why ownership is unchecked. An entry that
    was not evaluated, because its row may be unreadable, says nothing at all.
    """
    unread = {one.entry.id: frozenset(one.entry.unread) for one in entries if one.entry.unread}
    unread |= {one.entry.id: _EVERY for one in entries if one.state == "not_evaluated" and not one.rechecked}
    if not unread and not roster_unread:
        return frozenset()
    by_subject: dict[str, list[Finding]] = {}
    hides: dict[str, frozenset[str]] = {}
    for finding in last:
        if finding.rule in BY_CELL:
            by_subject.setdefault(finding.identity or finding.entry or "", []).append(finding)
    for one in fresh:
        if one.identity.key in by_subject:
            named = (one.registry.entry, *one.registry.agreeing, *(hit.entry for hit in one.registry.candidates))
            hidden = frozenset[str]().union(*(unread.get(entry or "", ()) for entry in named))
            by_roster = roster_unread and one.ownership.state == "unchecked" and one.registry.state != "unchecked"
            hides[one.identity.key] = hidden | {"owner"} if by_roster else hidden
    return frozenset(
        finding.fingerprint
        for subject, its in by_subject.items()
        for finding in its
        if not BY_CELL[finding.rule].isdisjoint(
            unread.get(subject, ()) if finding.is_on_entry else hides.get(subject, ())
        )
    )


# --- What can be read again ---


def readable_again(known: Iterable[BlindSpot], coverage: Iterable[Coverage]) -> list[Coverage]:
    """Return rows, cells and lists that were unreadable before and are no gap in this scan."""
    unread = {(section.section, section.scope) for section in coverage if section.section in _DONE}
    return [
        Coverage(source=one.source, provider=one.source, scope=one.scope, section=one.section, status="complete")
        for one in known
        if one.section in _DONE and (one.section, one.scope) not in unread
    ]
