"""Reads the list of orphans as owners return it: the identity, the entry, and the filled-in cells.

It may have been edited in any spreadsheet: reordered or added columns, other separators, serial dates. Its texts were
made safe to print, so a key is looked up exactly among the printed keys of the scan. Two keys that print alike are
refused: otherwise the creator of an identity could obtain the answer about another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import get_args

from msgspec import Struct

from scanner.errors import Problem, RegistryError, did_you_mean
from scanner.model import AS_SUGGESTED, EntryStatus, Identity, Origin
from scanner.registry.columns import OWNERS
from scanner.registry.editing.values import Value
from scanner.registry.owner_cells import named, read_owners
from scanner.registry.tables import read_table
from scanner.registry.tables.cells import CellError, shown
from scanner.registry.tables.headings import Columns, Fields
from scanner.text import printable

_TEXTS = ("purpose", "environment")
_IDENTITY = ("key", "provider", "scope", "kind", "name")
_DAYS = ("expires", "last_reviewed")
_SUGGESTED = "suggested_owner"
_COLUMNS = Columns(
    dict.fromkeys((*_IDENTITY, "agent", "id", *OWNERS, *_TEXTS, "status", *_DAYS, _SUGGESTED), ()), lists=OWNERS
)


class FilledInAnswer(Struct, frozen=True, kw_only=True):
    """The declaration of one identity. ``entry``: the id of the entry to update, if the row has one.

    ``cells``: the filled-in values by registry column, without empty ones. ``apart_from``: those that
    stay in the entry, if this one gets its own. ``covers``: those for which the entry's change is meant as well.
    """

    origin: Origin
    identity: Identity
    entry: str | None = None
    cells: Mapping[str, Value]
    apart_from: tuple[Identity, ...] | None = None
    covers: tuple[str, ...] = ()

    def problem(self, message: str, *, field: str | None = None, fix: str | None = None) -> Problem:
        """Return a problem of the row."""
        return Problem(
            file=self.origin.file, sheet=self.origin.sheet, line=self.origin.row, field=field, message=message, fix=fix
        )


class FilledIn(Struct, frozen=True, kw_only=True):
    """The rows that name an owner, in order, the number of others, and warnings about uncertain keys."""

    answers: tuple[FilledInAnswer, ...]
    unowned: int
    warnings: tuple[Problem, ...] = ()


def read_filled_in(path: Path, known: Iterable[Identity] | None = None) -> FilledIn:
    """Return the filled-in rows of a CSV, XLSX or JSON list. ``known``: the scan; None if there is none.

    Raises RegistryError with every unreadable cell, each with file, row and heading.
    """
    by_text, shared = _by_text(known or ())
    answers: list[FilledInAnswer] = []
    problems: list[Problem] = []
    unowned = 0
    table = read_table(path, _likeness)
    with closing(table):
        if table.headings is not None and not _likeness(table.headings):
            raise RegistryError(_no_work_list(path))
        for row in table.rows:
            if isinstance(row, Problem):
                problems.append(row)
                continue
            fields, origin = Fields(row, _COLUMNS), Origin(file=table.file, sheet=table.sheet, row=row.line)
            answer = _answer(fields, origin, by_text)
            problems += [_cell_problem(origin, error) for error in fields.errors]
            unowned += answer is None and not fields.errors
            answers += [answer] if answer is not None else []
    if problems:
        raise RegistryError(*problems)
    return FilledIn(
        answers=tuple(one for one in answers if one.identity.key not in shared),
        unowned=unowned,
        warnings=tuple(_doubts(path, answers, known, shared)) if answers else (),
    )


def _by_text(known: Iterable[Identity]) -> tuple[dict[str, Identity], frozenset[str]]:
    """Return identities by their printed keys, and the printed keys that several of them share."""
    by_text: dict[str, Identity] = {}
    shared = set()
    for one in known:
        text = printable(one.key)
        if by_text.setdefault(text, one).key != one.key:
            shared.add(text)
    return {text: one for text, one in by_text.items() if text not in shared}, frozenset(shared)


def _doubts(
    path: Path, answers: Sequence[FilledInAnswer], known: Iterable[Identity] | None, shared: Collection[str]
) -> Iterator[Problem]:
    """Yield warnings about keys that may mean another identity than the one they were written for."""
    if known is None:
        message = "there is no scan to check the keys against: they are used as written"
        yield Problem(file=str(path), message=message, fix="--store names the store of the scan that it was made from")
        return
    for one in answers:
        if one.identity.key in shared:
            message = f"several identities have a key that is printed as {shown(one.identity.key)}; it was left out"
            yield one.problem(message, field="key", fix="declare them in the registry itself")
        elif not one.identity.source:
            yield one.problem(f"the latest scan has no {shown(one.identity.key)}", field="key")


def _likeness(headings: tuple[str, ...]) -> int:
    meant = {_COLUMNS.means(heading) for heading in headings} - {None}
    return len(meant) if {"key", *OWNERS} <= meant else 0


def _no_work_list(path: Path) -> Problem:
    return Problem(
        file=str(path),
        line=1,
        message="is not a list of orphans: it needs the columns key, owner, technical_owner and backup_owner",
        fix="`muster orphans -o xlsx:orphans.xlsx` writes one",
    )


def _answer(fields: Fields, origin: Origin, known: Mapping[str, Identity]) -> FilledInAnswer | None:
    """Return the answer in a row; None if it names no owner. The fields note unreadable cells."""
    owners = {column: named(fields.items(column, read_owners)) for column in OWNERS}
    if not owners["owner"]:
        return None
    owners["owner"] = tuple(dict.fromkeys(_confirmed(fields, owner) for owner in owners["owner"]))
    key = fields.exact("key")
    if key is None:
        fields.wrong("key", "names no identity", "leave the key as it was written")
        return None
    cells: dict[str, Value | None] = {
        **owners,
        **{column: fields.text(column) for column in _TEXTS},
        "status": _status(fields),
        **{column: fields.day(column) for column in _DAYS},
        "kind": "agent" if fields.text("agent") == "yes" else None,
    }
    return FilledInAnswer(
        origin=origin,
        identity=known.get(key) or _as_listed(fields, key),
        entry=fields.text("id"),
        cells={column: value for column, value in cells.items() if value},
    )


def _confirmed(fields: Fields, owner: str) -> str:
    """Return the owner in the cell, or the suggested owner if the cell accepts it."""
    if " ".join(owner.casefold().split()).strip("'\"") != AS_SUGGESTED:
        return owner
    suggested = fields.text(_SUGGESTED)
    if suggested is None:
        fields.wrong("owner", f"says {AS_SUGGESTED}, but this row has no suggested owner", "name an owner")
    return suggested or owner


def _as_listed(fields: Fields, key: str) -> Identity:
    facts = {column: fields.exact(column) for column in _IDENTITY}
    return Identity(
        key=key,
        provider=facts["provider"] or "",
        source="",
        scope=facts["scope"] or "",
        kind=facts["kind"] or "",
        name=facts["name"] or "",
    )


def _status(fields: Fields) -> EntryStatus | None:
    written = fields.text("status")
    if written is None:
        return None
    statuses: tuple[EntryStatus, ...] = get_args(EntryStatus)
    for status in statuses:
        if status == written.lower():
            return status
    fix = did_you_mean(written.lower(), statuses) or f"write one of {', '.join(statuses)}"
    fields.wrong("status", f"{shown(written)} is not a status", fix)
    return None


def _cell_problem(origin: Origin, error: CellError) -> Problem:
    heading = error.heading and shown(error.heading)
    return Problem(
        file=origin.file, sheet=origin.sheet, line=origin.row, field=heading, message=str(error), fix=error.fix
    )
