"""Loads the declared registry: entries from any number of lists in any format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, count
from pathlib import Path
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from scanner.catalog import read_table
from scanner.errors import Problem, RegistryError
from scanner.languages import worded
from scanner.matching.declared import environments
from scanner.matching.keys import is_qualified
from scanner.matching.spelling import account_number
from scanner.model import Entry, EntryStatus, FileEnd, Origin, UnreadCells, UnreadRow
from scanner.model.declared import LOOKED_AT
from scanner.registry.columns import ACCOUNT, DAYS, LISTS, NAMING, OWNERS, PLACED, REGISTRY, STAGE, day_order
from scanner.registry.formats.documents import FORMATS
from scanner.registry.lists import ListSource, Preset
from scanner.registry.owner_cells import named, read_owners
from scanner.registry.records import Notes, Record, extra, read_records, unread_cells, unread_columns, why
from scanner.registry.tables.cells import CellError, read_text, read_yes_no, shown
from scanner.registry.tables.dates import AmbiguousDate, read_date
from scanner.registry.tables.headings import normal
from scanner.registry.understood import Understood
from scanner.registry.vocabulary import ENVIRONMENTS, FLAGS, KINDS, STATUSES, say_what_it_means

_TEXTS = ("purpose", "team", "built_by", "blast_radius", "baseline", "approved_by", "reviewed_by")
_LISTS = tuple(column for column in LISTS if column not in (*NAMING, *OWNERS))

CODES = {
    preset: {normal(heading): codes for heading, codes in table.items()}
    for preset, table in read_table("scanner.registry", "codes.toml", dict[Preset, dict[str, dict[str, str]]]).items()
}
"""By preset: headings whose cells can contain codes, and the text of each code."""
_ENDED: tuple[EntryStatus, ...] = ("active", "proposed", "suspended", "retired")
"""If an entry has several statuses, the last in this order counts."""

_STAR = re.compile(r"(?<!\\)\*")
_LITERAL = re.compile(r"[^\W_]|\\\*")


class Registry(Struct, frozen=True, kw_only=True):
    """All entries, in the order of files and rows, with warnings.

    ``ownerless``: ids of entries whose format has no field for an owner. ``unread``: rows that cannot be read.
    ``cells``: of rows that count, though these cells cannot be read; their entries name the columns, too.
    ``understood``: the tables as they were read. ``ends``: how files ended that may be read if they were cut.
    """

    entries: tuple[Entry, ...] = ()
    warnings: tuple[Problem, ...] = ()
    ownerless: frozenset[str] = frozenset()
    unread: tuple[UnreadRow, ...] = ()
    cells: tuple[UnreadCells, ...] = ()
    understood: tuple[Understood, ...] = ()
    ends: tuple[FileEnd, ...] = ()


class Survey(Struct, frozen=True, kw_only=True):
    """All readable entries of a registry, and all problems.

    ``rows``: the entries in order, including the readable parts of unreadable rows. ``hidden``: the unreadable columns
    by entry id. ``whole``: no problem concerns a whole list or file.
    """

    registry: Registry
    problems: tuple[Problem, ...]
    rows: tuple[Entry, ...]
    hidden: Mapping[str, frozenset[str]]
    whole: bool


def load_registry(lists: Sequence[ListSource], *, strict: bool = True, today: date | None = None) -> Registry:
    """Return the entries of these lists: files of all known formats, folders, patterns of files, queries.

    ``today``: reviews after this day do not count; None accepts all dates. Raises RegistryError with all problems, each
    with file, line and heading. Unless ``strict``, an unreadable row is skipped and an unreadable cell left out, and
    only problems of a whole list raise an error.
    """
    found = survey_registry(lists, today=today)
    if found.problems and (strict or not found.whole):
        raise RegistryError(*found.problems)
    return found.registry


def survey_registry(lists: Sequence[ListSource], *, today: date | None = None) -> Survey:
    """As :func:`load_registry`, but returns the problems instead of raising them."""
    notes = Notes()
    rows: list[Entry] = []
    hidden: dict[str, frozenset[str]] = {}
    aside: set[str] = set()
    unread: list[UnreadRow] = []
    cells: list[UnreadCells] = []
    ownerless: set[str] = set()
    ids = _Ids()
    for record in read_records(lists, REGISTRY, NAMING, "entries", notes):
        name = record.fields.text("name")
        identities, scope = _identities(record, name)
        wrong = list(_boundless(record, identities))
        if not identities and not record.hides(NAMING):
            wrong.append(record.problem("names no identity", fix="fill in identities or name"))
        # The whole row is read, to report all its problems at once.
        own_id = record.fields.text("id")
        entry_id, is_own, repeated = ids.of(record, own_id)
        notes.of_row(*wrong)
        notes.problems += repeated  # of the whole list: it is unclear which row counts
        entry = Entry(
            id=entry_id,
            has_own_id=is_own,
            origin=record.origin,
            registry=record.source.name,
            name=name,
            identities=identities,
            **_facts(record, scope, notes, today),
        )
        hidden_here = unread_columns(record, REGISTRY.names)
        if hidden_here:
            hidden[entry_id] = frozenset(hidden_here)
        if wrong or record.hides(PLACED):
            unread.append(_set_aside(record, own_id, entry, [*wrong, *record.wrong_cells]))
            rows.append(
                replace(entry, identities=tuple(identity for identity in identities if not _is_boundless(identity)))
            )
            aside.add(entry_id)
            continue
        if hidden_here:
            cells.append(unread_cells(record, hidden_here))
            entry = _without(entry, hidden_here)
        rows.append(entry)
        if record.format is not None and not FORMATS[record.format].names_owners:
            ownerless.add(entry_id)
    unread += [
        UnreadRow(origin=Origin(file=one.file, sheet=one.sheet, row=one.line), why=(why(one),), hides_names=True)
        for one in notes.lost
    ]
    registry = Registry(
        entries=tuple(entry for entry in rows if entry.id not in aside),
        warnings=tuple(notes.warnings),
        ownerless=frozenset(ownerless),
        unread=tuple(sorted(unread, key=lambda row: (row.origin.file, row.origin.row or 0))),
        cells=tuple(cells),
        understood=tuple(notes.understood),
        ends=tuple(notes.ends),
    )
    return Survey(
        registry=registry,
        problems=tuple(notes.problems),
        rows=tuple(rows),
        hidden=hidden,
        whole=notes.of_rows_alone,
    )


def _set_aside(record: Record, own_id: str | None, entry: Entry, wrong: Sequence[Problem]) -> UnreadRow:
    """Return the names in an unreadable row, without its other facts; a refused pattern names nothing."""
    texts = (*entry.identities, *filter(None, (entry.name,)))
    named = tuple(dict.fromkeys(text for text in texts if not _is_boundless(text)))
    return UnreadRow(
        origin=record.origin,
        id=own_id,
        why=tuple(map(why, wrong)),
        names=replace(entry, identities=named, status="active", expires=None) if named else None,
        hides_names=record.hides(NAMING),
    )


def _without(entry: Entry, unread: Sequence[str]) -> Entry:
    """Return the entry with its unreadable columns named; a single value that stands beside an unreadable one is none.

    A status that was readable in another column stays: a proposed entry registers nothing.
    """
    single = {column: None for column in unread if column not in (*LISTS, *_KEPT)}
    facts = {*unread} - {STAGE} | ({"status", "environment"} if STAGE in unread else set())
    return replace(entry, unread=tuple(column for column in REGISTRY.names if column in facts), **single)


_KEPT = ("id", "status", STAGE)


class _Ids:
    """The ids given so far, to keep them unique.

    Within a list, ids are unique. Two lists can have an entry with the same id, because they can mean the same
    identity; the later one then gets its file's name and the id (``b.csv#7``, unlike row 7: ``b.csv:7``).
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._declared: dict[tuple[str, str], Origin] = {}
        self._numbers: dict[str, Iterator[int]] = {}

    def of(self, record: Record, own: str | None) -> tuple[str, bool, list[Problem]]:
        """Return the record's id, whether it is its ``own`` id from the row, and the problem if that is repeated."""
        repeated = [] if own is None else list(self._repeated(record, own))
        is_own = own is not None and own not in self._given
        entry_id = own if own is not None and is_own else self._stand_in(record, own)
        self._given.add(entry_id)
        return entry_id, is_own, repeated

    def _repeated(self, record: Record, own: str) -> Iterator[Problem]:
        first = self._declared.setdefault((record.source.name, own), record.origin)
        if first is not record.origin:
            yield record.problem(
                f"the id {shown(own)} is already used at {first}",
                field=record.fields.heading("id"),
                fix="give each entry an id of its own",
            )

    def _stand_in(self, record: Record, own: str | None) -> str:
        """Return the id that the format gives the row, else file and row.

        Folders are left out, as they depend on the caller.
        """
        file = Path(record.origin.file).name
        place = f"{file}#{own}" if own else f"{file}:{record.stand_in or record.origin.row}"
        wanted = [record.stand_in, place] if own is None and record.stand_in else [place]
        numbers = self._numbers.setdefault(place, count(2))  # kept: a list may repeat one id a million times
        numbered = (f"{place}#{number}" for number in numbers)
        return next(one for one in chain(wanted, numbered) if one and one not in self._given)


def _facts(record: Record, scope: str | None, notes: Notes, today: date | None) -> dict[str, Any]:
    fields = record.fields
    kind = _kind(record, notes)
    status, ended = _status(record, notes)
    days = {column: _day(record, column, notes, today) for column in DAYS}
    if ended is not None:
        days["expires"] = min(filter(None, (days["expires"], ended)))
    return {
        **{column: fields.text(column) for column in _TEXTS},
        **{column: fields.items(column) for column in _LISTS},
        **{column: named(fields.items(column, read_owners)) for column in OWNERS},
        **days,
        "scope": fields.text("scope") or scope,
        "kind": kind,
        "status": status,
        "environment": _environment(record),
        "provider": _provider(record),
        "max_credential_age": fields.days("max_credential_age"),
        "human_in_the_loop": fields.yes_no("human_in_the_loop"),
        "extra": extra(record),
    }


def _identities(record: Record, name: str | None) -> tuple[tuple[str, ...], str | None]:
    """Return the identities of an entry, and the scope given in ``account``.

    In most lists ``account`` is an identity. A number of twelve digits beside other ids is the cloud account that they
    belong to, also as consoles write it; as an identity it could only match wrongly.
    """
    listed = record.fields.items("identities")
    accounts = record.fields.items(ACCOUNT)
    numbers = {account: account_number(account) for account in accounts if listed and not is_qualified(account)}
    scopes = {number for number in numbers.values() if number}
    every = (*listed, *(account for account in accounts if not numbers.get(account)))
    scope = scopes.pop() if len(scopes) == 1 else None
    return tuple(dict.fromkeys(every)) or ((name,) if name else ()), scope


def _day(record: Record, column: str, notes: Notes, today: date | None) -> date | None:
    """Return the date in a column; a review or a registration in the future does not count."""
    day = record.day(column)
    if day is None or today is None or day <= today or column not in (*LOOKED_AT, "created"):
        return day
    heading = record.fields.heading(column)
    what = "no review" if column in LOOKED_AT else "unknown"
    notes.warnings.append(record.problem(f"{day} is in the future and counts as {what}", field=heading))
    return None


def _is_boundless(text: str) -> bool:
    return bool(_STAR.search(text)) and not _LITERAL.search(text)


def _boundless(record: Record, identities: tuple[str, ...]) -> Iterator[Problem]:
    heading = record.fields.heading("identities") or record.fields.heading(ACCOUNT) or record.fields.heading("name")
    yield from (
        record.problem(
            f"the pattern {shown(pattern)} would match everything",
            field=heading,
            fix=r"name at least one part of it; a literal star is \*",
        )
        for pattern in identities
        if _is_boundless(pattern)
    )


def _kind(record: Record, notes: Notes) -> str | None:
    written = record.fields.text("kind")
    if written is None:
        return None
    kind = record.own_meaning("kind", written) or KINDS.get(worded(written))
    record.takes("kind", written, kind)
    if kind is None:
        notes.warnings.append(
            record.problem(f"unknown kind {shown(written)}, kept as it is", field=record.fields.heading("kind"))
        )
    return kind or written


def _status(record: Record, notes: Notes) -> tuple[EntryStatus, date | None]:
    """Return the status from all status columns, and a date that stands in place of yes."""
    said: list[EntryStatus] = []
    ended: list[date] = []
    for column in ("status", STAGE):
        for heading, cell in record.fields.cells(column):
            try:
                found = _status_in(record, heading, cell)
            except CellError as error:
                record.fields.wrong(column, str(error), error.fix, heading=heading)
                continue
            if isinstance(found, date):
                ended.append(found)
            elif found is not None:
                said.append(found)
                record.takes("status", read_text(cell) or "", found)
            elif column == "status" and (written := _text(cell)):
                record.takes("status", written, None)
                fix = _preset_for(heading, written) or say_what_it_means("status", get_args(EntryStatus))
                message = f"unknown status {shown(written)}, taken as active"
                notes.warnings.append(record.problem(message, field=heading, fix=fix))
    return max(said, key=_ENDED.index, default="active"), min(ended, default=None)


def _preset_for(heading: str, written: str) -> str | None:
    """Return the fix if a cell contains a code of a preset that the list does not have."""
    for preset, table in CODES.items():
        if written in table.get(normal(heading), {}):
            return f'set preset = "{preset}" in the config, if it is such an export'
    return None


def _status_in(record: Record, heading: str, cell: Any) -> EntryStatus | date | None:
    """Return the status in a cell. Under a heading like Decommissioned, it is yes, no, or a date.

    The list's own words go before the codes of its preset, and these before the words that everybody uses. Raises
    CellError for a cell that has no text, and for a date that could be two.
    """
    text = read_text(cell)
    if text is None:
        return None
    if own := record.own_meaning("status", text):
        return _ENDED[_ENDED.index(own)]
    codes = CODES[record.source.preset].get(normal(heading), {}) if record.source.preset in CODES else {}
    status = STATUSES.get(worded(codes.get(text, text)))
    flags = FLAGS.get(normal(heading))
    if flags is None or status is not None:
        return status
    try:
        answer = read_yes_no(cell)
        return None if answer is None else flags[0] if answer else flags[1]
    except CellError:
        pass
    try:
        return read_date(cell, record.source.dates or day_order(heading), last=True) if flags[0] != "active" else None
    except AmbiguousDate:
        raise
    except CellError:
        return None


def _text(cell: Any) -> str | None:
    try:
        return read_text(cell)
    except CellError:
        return None


def _environment(record: Record) -> str | None:
    """Return the environment, in English where it has a word of another language.

    A ``stage`` that is no status counts as one.
    """
    written = record.fields.text("environment")
    if written is None:
        written = _text(record.fields.cell(STAGE))
        if written is not None and not environments(written) and worded(written) in STATUSES:
            return None
    if written is None:
        return None
    meaning = record.own_meaning("environment", written) or ENVIRONMENTS.get(worded(written))
    record.takes("environment", written, meaning or (written if environments(written) else None))
    return meaning or written


def _provider(record: Record) -> str | None:
    written = record.fields.text("provider")
    if written is None or (own := record.own_meaning("provider", written)) is None:
        return written
    record.takes("provider", written, own)
    return own
