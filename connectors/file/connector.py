"""Lists of identities in CSV, XLSX, NDJSON or JSON files, for providers without a connector.

Rows have their own provider and scope, and coverage is reported for each. A fault of the whole file, or of a row
without a readable place, is reported for scope ``*``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec
from msgspec import Struct

from connectors.core.contract import Check, DiscoveredRecord, Scope, Section, SectionReading, Spec
from connectors.file.rows import COLUMNS, parse_identity
from scanner.errors import Problem, RegistryError, SourceError
from scanner.model import ANY_KIND, EVERY_SCOPE, RUNGS, SCHEMA, Coverage, FileEnd, Identity
from scanner.model.providers import read_providers
from scanner.registry.tables import EmptyTable, Row, Table, read_table
from scanner.registry.tables.cells import CellError, shown
from scanner.registry.tables.headings import Fields
from scanner.text import counted

SECTION = "file.identities"
_PLACES_NAMED = 3
"""Scopes whose unread rows a check names."""


class FileSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of type ``file``. ``complete``: the file lists all identities of its scopes."""

    path: Path
    complete: bool = True


class FileConnector:
    """Reads one file; its identities have the provider and scope of their rows, by default the source's name."""

    spec: ClassVar[Spec] = Spec(
        name="file",
        providers=read_providers("connectors.file", "file"),
        title="List in a file",
        settings=FileSettings,
        kinds=(ANY_KIND,),  # any kind in the file
        sections=(
            Section(
                name=SECTION,
                title="Identities listed in the file",
                permissions=("read access to the file",),
                without="none of the identities that only the file lists are seen",
                kinds=(ANY_KIND,),
                rungs=RUNGS,
            ),
        ),
    )

    def __init__(self, source: str, settings: FileSettings) -> None:
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope]:
        """One unit of work: the file."""
        yield Scope(source=self._source, spec=self.spec, id=self._source)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Yield its identities, row by row, then the coverage of every place."""
        tally = _Tally(scope)
        try:
            yield from self._identities(tally)
        except RegistryError as error:
            tally.broke_off(error)
        if not tally.is_empty and not self._settings.complete:
            tally.mark_uncertain("the file is declared incomplete")
        tally.note(tally.warnings)
        if tally.end is not None:
            yield tally.end
        yield from tally.coverage()

    def check(self) -> Iterator[Check]:
        """Whether the file lists identities and each of its rows can be read."""
        path = str(self._settings.path)
        (scope,) = self.scopes()
        tally = _Tally(scope)
        try:
            for _ in self._identities(tally):
                pass
        except RegistryError as error:
            problem = error.problems[0]
            line = f"line {problem.line}: " if problem.line else ""
            yield Check(name=path, ok=False, detail=f"{line}{problem.message}", fix=problem.fix)
            return
        unread = [detail for detail in tally.details if detail]
        more = [f"and rows of {counted(len(unread) - _PLACES_NAMED, 'other scope', 'other scopes')}"]
        detail = "; ".join(unread[:_PLACES_NAMED] + (more if len(unread) > _PLACES_NAMED else []))
        if not unread and tally.warnings:
            detail = "; ".join(map(str, ("readable", *tally.warnings[:_PLACES_NAMED])))
        yield Check(name=path, ok=not unread, detail=detail or "readable")

    def _identities(self, tally: _Tally) -> Iterator[Identity]:
        """The identities of the file, row by row. Raises RegistryError where the file breaks off."""
        # An empty file is reported like one with headings only.
        with suppress(EmptyTable):
            table = self._open()
            keys: dict[int | None, str] = {}
            for row in _identity_rows(table):
                identity = self._read(row, tally)
                if identity is not None:
                    keys = {row.line: identity.key}
                    yield identity
            tally.end = table.ending.of(self._source, table.file, keys.get(table.ending.row))
            tally.warnings = [*table.warnings, *table.skipped]
        if tally.is_empty:
            tally.mark_uncertain("the file lists no identities; an empty file is treated as a failed read")

    def _open(self) -> Table:
        table = read_table(self._settings.path, _likeness)
        try:
            if table.headings is not None:
                _check_headings(table.file, table.line, table.headings)
        except RegistryError:
            table.close()
            raise
        return table

    def _read(self, row: Row | Problem, tally: _Tally) -> Identity | None:
        """The row's identity. A row that cannot be read counts as a gap of its place."""
        if isinstance(row, Problem):
            tally.unplaced.malformed(self._place(row.line), _with_fix(row.message, row.fix))
            return None
        fields = Fields(row, COLUMNS)
        place = (fields.word("provider") or self._source, fields.word("scope") or self._source)
        if EVERY_SCOPE in place:
            fields.wrong("scope", f"{EVERY_SCOPE} is not a scope")
        reading = tally.unplaced if fields.errors else tally.at(*place)
        identity = parse_identity(fields, self._source, *place)
        wrong = [_message(error) for error in fields.errors]
        wrong += [_clash(*clash) for clash in fields.clashes]
        earlier = None if wrong else tally.earlier(identity.key, row.line)
        if earlier is not None:
            wrong.append(f"{shown(identity.key)} is already in row {earlier}")
        if wrong:
            reading.malformed(self._place(row.line), "; ".join(wrong))
            return None
        reading.found()
        return identity

    def _place(self, line: int | None) -> str:
        return f"{line} of {self._settings.path.name}"


class _Tally:
    """The rows read for each place, and the line of each key."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._readings: dict[tuple[str, str], SectionReading] = {}
        self._lines: dict[str, int] = {}
        self._unplaced: SectionReading | None = None
        self.end: FileEnd | None = None
        self.warnings: list[Problem] = []
        """Of the file as a whole, such as its encoding, and rows that are no identities."""

    @property
    def is_empty(self) -> bool:
        return not self._readings and self._unplaced is None

    @property
    def details(self) -> list[str | None]:
        """The unread rows of each place, as text."""
        readings = (*self._readings.values(), *filter(None, (self._unplaced,)))
        return [reading.coverage.detail for reading in readings]

    @property
    def unplaced(self) -> SectionReading:
        """The reading for rows whose place is unknown."""
        if self._unplaced is None:
            self._unplaced = msgspec.structs.replace(self._scope, id=EVERY_SCOPE).section(SECTION)
        return self._unplaced

    def at(self, provider: str, scope: str) -> SectionReading:
        reading = self._readings.get((provider, scope))
        if reading is None:
            reading = msgspec.structs.replace(self._scope, id=scope).section(SECTION)
            self._readings[provider, scope] = reading
        return reading

    def earlier(self, key: str, line: int) -> int | None:
        """The earlier line with that key; None the first time."""
        if key in self._lines:
            return self._lines[key]
        self._lines[key] = line
        return None

    def broke_off(self, error: RegistryError) -> None:
        """Record that the file could not be read to its end: missing rows could be of any place."""
        self.unplaced.lost(SourceError("; ".join(map(str, error.problems))), partial=bool(self._readings))

    def note(self, warnings: Sequence[Problem]) -> None:
        """Note what is no gap at one of the places."""
        reading = next(iter(self._readings.values()), self._unplaced)
        if reading is not None:
            for warning in warnings:
                reading.note(str(warning))

    def mark_uncertain(self, why: str) -> None:
        """Record that every place may have more identities."""
        for reading in self._readings.values() or (self.unplaced,):
            reading.lost(SourceError(why), partial=True)

    def coverage(self) -> Iterator[Coverage]:
        """A record for each place, in order, and one for ``*`` if a row could be of any place."""
        if self._unplaced is not None and self._readings:
            self.mark_uncertain("rows that may belong here could not be read")
        for (provider, scope), reading in sorted(self._readings.items(), key=lambda item: item[0]):
            yield msgspec.structs.replace(reading.coverage, provider=provider, scope=scope)
        if self._unplaced is not None:
            yield self._unplaced.coverage


def _likeness(headings: tuple[str, ...]) -> int:
    return COLUMNS.likeness(headings, ("key", "name"))


def _check_headings(file: str, line: int | None, headings: tuple[str, ...]) -> None:
    """Raise RegistryError if no heading names an identity, or two headings mean the same single-valued column."""
    if not _likeness(headings):
        fix = "put the headings into the first row"
        raise RegistryError(Problem(file=file, line=line, message="no heading means key or name", fix=fix))
    clashes = [
        Problem(file=file, line=line, message=_clash(*clash), fix="remove one")
        for clash in COLUMNS.place(headings).clashes
    ]
    if clashes:
        raise RegistryError(*clashes)


def _message(error: CellError) -> str:
    message = _with_fix(str(error), error.fix)
    return f"{shown(error.heading)}: {message}" if error.heading else message


def _with_fix(message: str, fix: str | None) -> str:
    return f"{message} ({fix})" if fix else message


def _clash(column: str, first: str, second: str) -> str:
    return f"{shown(first)} and {shown(second)} both mean {column}"


def _identity_rows(table: Table) -> Iterator[Row | Problem]:
    """The rows of identities: all rows, or in the NDJSON output of a scan those of that type."""
    is_scan = False
    for row in table.rows:
        if isinstance(row, Row) and table.headings is None:
            is_scan = is_scan or _says(row, "schema", SCHEMA)
            if is_scan and not _says(row, "type", "identity"):
                continue
        yield row


def _says(row: Row, heading: str, cell: str) -> bool:
    return heading in row.headings and row.cells[row.headings.index(heading)] == cell
