"""Logs in files, on a disk or in a bucket: one JSON document or lines of JSON, compressed or not.

A reader of such a log (:class:`FileLog`) defines the scope and day in names of files (:class:`Layout`), the record
type, and the counting. If one file of a unit cannot be read, nothing of the unit is kept.
"""

from __future__ import annotations

import glob
import hashlib
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, ClassVar

from msgspec import structs

from connectors.core.contract import Connector, own_words
from connectors.core.offline import Unreadable
from connectors.logs import LogSettings, LogSpec
from connectors.logs.content import CutLine, Records, unpacked
from connectors.logs.folders import Folder, Layout, LocalFolder, LogFile, folder_catalog
from connectors.logs.names import Networks
from connectors.logs.parts import BEFORE, base_of, mark_of
from connectors.logs.redelivery import Early, last_files
from connectors.logs.tally import Counting
from scanner.errors import UsageError
from scanner.model import EVERY_SCOPE
from scanner.model.activity import SILENT, LogDay, LogUnit, UnitReading

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_LONGEST_SPAN = 400


# --- Units ---


def units_of(
    settings: LogSettings, folder: Folder, layout: Layout, since: date, until: date, *, today: date
) -> Iterator[LogUnit | LogDay]:
    """The units of a log in files, and days without any file between days with files.

    A unit is a scope and a day; undated files are one for each folder, or each file. No unit covers ``today``.
    """
    undated: dict[str, list[LogFile]] = {}
    unit_of = partial(_unit, settings.log, layout)
    first = since - timedelta(1) if layout.redelivery else since
    for scope, files in groupby(folder.listed(layout, first, until), key=partial(_scope_of, layout)):
        days: dict[date, list[LogFile]] = {}
        lost: set[date] = set()
        for one in files:
            place = None if isinstance(one, LogDay) else layout.place(one.name)
            if isinstance(one, LogDay):
                lost.add(one.day)
                if since <= one.day < today:
                    yield one
            elif place is None:
                undated.setdefault(one.name.rpartition("/")[0], []).append(one)
            elif first <= place[1] <= until:
                days.setdefault(place[1], []).append(one)
        asked_for = sorted(day for day in days if day >= since)
        yield from (gap for gap in _missing(scope, asked_for, today) if gap.day not in lost)
        for day in asked_for:
            covered = (LogDay(scope=scope, day=day),) if day < today and day not in lost else ()
            before = last_files(days.get(day - timedelta(1), ()), layout)
            unit = unit_of(f"{scope}/{day}", days[day], covered, sorted(before))
            yield unit if day < today else _still_open(unit)
    found = _appended(settings.log, folder, undated) if layout.appended else _folders(settings, unit_of, undated)
    yield from (unit if unit.days[-1].day < today else _still_open(unit) for unit in found)


def _still_open(unit: LogUnit) -> LogUnit:
    """With another digest as long as its last day goes on: that day is covered by a reading after it alone."""
    return structs.replace(unit, digest=f"{unit.digest} open")


def _folders(
    settings: LogSettings, unit_of: Callable[..., LogUnit], undated: Mapping[str, list[LogFile]]
) -> Iterator[LogUnit]:
    """A unit for each folder, named by its path below the log's: another folder changes no name."""
    common, root = _common_folder(list(undated)), _root(settings.path or "")
    for where, files in sorted(undated.items()):
        name = f"files/{where.removeprefix(root).strip('/')}"
        formerly = f"files/{where.removeprefix(common).strip('/')}"
        unit = unit_of(name, files, _written(files))
        yield unit if formerly == name else structs.replace(unit, replaces=(formerly,))


def _root(path: str) -> str:
    """The folder that a path names, without its pattern: absolute on a disk, a key in a bucket."""
    if found := _URL.match(path):
        return path[found.end() :].partition("/")[2].rstrip("/")
    parts = Path(path).expanduser().absolute().parts
    fixed = next((place for place, one in enumerate(parts) if glob.has_magic(one)), len(parts))
    return Path(*parts[:fixed]).as_posix()


def _appended(log: str, folder: Folder, undated: Mapping[str, list[LogFile]]) -> Iterator[LogUnit]:
    """Of files that begin alike, being one file that was copied, the one that was written last."""
    latest: dict[str, LogFile] = {}
    for one in sorted(chain.from_iterable(undated.values()), key=lambda each: (each.changed, each.size, each.name)):
        latest[folder.identity(one)] = one
    for identity, one in sorted(latest.items()):
        yield structs.replace(
            _unit(log, None, f"files/{identity}", [one], _written([one])), digest=f"{one.size} {one.version}"
        )


def _written(files: Iterable[LogFile]) -> tuple[LogDay, ...]:
    """The days on which files were written, for a gap: only their events contain the days that they cover."""
    return tuple(LogDay(scope=EVERY_SCOPE, day=day) for day in sorted({one.changed.date() for one in files}))


def _scope_of(layout: Layout, one: LogFile | LogDay) -> str:
    return one.scope if isinstance(one, LogDay) else layout.scope(one.name)


def _missing(scope: str, days: Sequence[date], today: date) -> Iterator[LogDay]:
    if not days:
        return
    for ordinal in range(days[0].toordinal() + 1, days[-1].toordinal()):
        day = date.fromordinal(ordinal)
        if day not in days and day < today:
            yield LogDay(scope=scope, day=day, status="failed", detail="there is no file of this day")


def _common_folder(folders: Sequence[str]) -> str:
    if not folders:
        return ""
    parts = [each.split("/") for each in folders]
    common = [each[0] for each in zip(*parts, strict=False) if len(set(each)) == 1]
    same = len(common)
    while same and any(each[:same] != common[:same] for each in parts):
        same -= 1
    return "/".join(common[:same])


def _unit(
    log: str,
    layout: Layout | None,
    name: str,
    files: Sequence[LogFile],
    days: tuple[LogDay, ...],
    before: Sequence[LogFile] = (),
) -> LogUnit:
    """``layout``: by which files are told apart; None: they are known by the digest alone."""
    ordered = sorted(files)
    digest = hashlib.blake2b(digest_size=16)
    for one in ordered:
        digest.update(f"{one.name.rpartition('/')[2]}\0{one.size}\0{one.version}\n".encode("utf-8", "surrogatepass"))
    parts = [*(("", one) for one in ordered), *((BEFORE, one) for one in before)]
    return LogUnit(
        log=log,
        name=name,
        digest=digest.hexdigest(),
        files=tuple(f"{begin}{one.size} {one.name}" for begin, one in parts),
        marks=b"".join(
            mark_of(layout.among_its_unit(one.name), f"{one.size}\0{one.version}", begin) for begin, one in parts
        )
        if layout
        else b"",
        days=days,
    )


def files_of(unit: LogUnit, begin: str = "") -> list[tuple[int, str]]:
    """Size and name of each file of a unit; or of those that it only looks at, which ``begin`` so."""
    parted = (one.removeprefix(begin).partition(" ") for one in unit.files if one.startswith(begin))
    return [(int(size), name) for size, _, name in parted if size.isdecimal()]


# --- Readers ---


class FileLog:
    """A reader of a log in files; see ``LogReader``. A subclass defines the log. ``layout``: the meaning of file names.

    ``records``: decodes their content.
    """

    spec: ClassVar[LogSpec]
    layout: ClassVar[Layout] = Layout()
    records: ClassVar[Records[Any]]

    def __init__(self, settings: LogSettings, source: Connector | None) -> None:
        self.settings = settings
        self.source = source
        self._folder = self.folder()

    def __reduce__(self) -> tuple[type[FileLog], tuple[LogSettings, Connector | None]]:
        """Pickle the settings and source only: sessions are not sent to other processes."""
        return type(self), (self.settings, self.source)

    @abstractmethod
    def counting(self, networks: Networks) -> Counting:
        """Counts the records of one unit."""
        ...

    def folder(self) -> Folder:
        """The folder of the files: on a disk, or where the scheme of a URL says. Raises UsageError, MissingExtra."""
        path = self.settings.path
        if path is None:
            raise UsageError(f"a log of type {self.spec.name} is read from files", hint='name them: path = "…"')
        if found := _URL.match(path):
            schemes = folder_catalog()
            if found[1] not in schemes.names:
                hint = "copy the files to a folder first, and name that"
                raise UsageError(f"{own_words(path)}: files at {found[0]} are not read", hint=hint)
            opened: Folder = schemes.load(found[1])(path)
            return opened
        return LocalFolder(path)

    def units(self, since: date, until: date) -> Iterator[LogUnit | LogDay]:
        """A unit is a scope and a day (UTC) by the files' names; undated files are one unit for each folder."""
        return units_of(self.settings, self._folder, self.layout, since, until, today=_today())

    def read(self, unit: LogUnit) -> UnitReading:
        """See ``LogReader``."""
        counting = self.counting(Networks(self.settings.networks, truncate=self.settings.truncate_addresses))
        name, calls = "", self._folder.calls
        cut = ""
        before = files_of(unit, BEFORE)
        early = Early(self.layout, before, _day_of(unit).day if before else None)
        spans: list[tuple[str, str]] = []
        spoilt = counting.spoilt
        try:
            for name, pieces in self._folder.pieces(files_of(unit)):
                counting.begin(name)
                spoilt.begin(_shown(name))
                try:
                    for some in self.records.of(unpacked(pieces), spoilt):
                        counting.take(early.taken_out(name, some))
                except CutLine as error:
                    cut = f"{_shown(name)}: {error}"
                if days := counting.raw.touched():
                    spans.append((min(days), max(days)))
                spoilt.end(days)
            for name, some in early.delivered_once(self._folder, self.records):
                counting.begin(name)
                spoilt.begin(_shown(name))
                counting.take(spoilt.next(some))
                spoilt.end(())
            name = ""
            counting.finish()
            reading = counting.reading(unit, _covered(unit, counting, spans), self._folder.calls - calls)
        except Unreadable as error:
            return self._gap(unit, f"{_shown(name)}: {error}" if name else str(error), calls)
        # Whether it is still written to: the day that its last line is of is not covered anyway.
        if cut and not (self.layout.appended and any(day >= _today().isoformat() for _, day in counting.days)):
            return self._gap(unit, cut, calls)
        return reading

    def _gap(self, unit: LogUnit, reason: str, calls_before: int) -> UnitReading:
        days = unit.days or (_day_of(unit),)
        gap = tuple(structs.replace(day, status="failed", detail=reason) for day in days)
        return UnitReading(unit=unit, coverage=gap, calls=self._folder.calls - calls_before)


def _shown(name: str) -> str:
    return own_words(name.rpartition("/")[2])


def _day_of(unit: LogUnit) -> LogDay:
    """The scope and day of a unit of dated files."""
    scope, _, day = base_of(unit.name).rpartition("/")
    return LogDay(scope=scope, day=date.fromisoformat(day))


def _today() -> date:
    return datetime.now(UTC).date()


def _covered(unit: LogUnit, counting: Counting, files: Sequence[tuple[str, str]]) -> tuple[LogDay, ...]:
    """The days of the files' names, with the scopes that acted then where names have none.

    Of undated files, the days from the first event of a scope to its last that lie within a file. Days without any
    event are silent: a file does not tell whether lines were removed. ``files``: the first and the last day of each.
    """
    days = [(day.scope, day.day) for day in unit.days]
    if days and base_of(unit.name) == f"{EVERY_SCOPE}/{days[0][1]}":
        days = sorted((scope, days[0][1]) for scope, text in counting.days if text == str(days[0][1]))
    elif any(scope == EVERY_SCOPE for scope, _ in days):
        spans: dict[str, list[date]] = {}
        for scope, text in counting.days:
            spans.setdefault(scope, []).append(date.fromisoformat(text))
        today, within = _today(), set(files)
        days = [
            (scope, day)
            for scope, found in sorted(spans.items())
            for day in days_between(max(min(found), max(found) - timedelta(_LONGEST_SPAN)), max(found))
            if day < today and any(first <= str(day) <= last for first, last in within)
        ]
    heard = {text for _, text in counting.days}
    return tuple(
        structs.replace(one, detail=SILENT) if one.status == "complete" and one.day.isoformat() not in heard else one
        for one in counting.covered(LogDay(scope=scope, day=day) for scope, day in days)
    )


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last, both included."""
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
