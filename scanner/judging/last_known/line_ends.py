"""Files that lost their last line end since they were last read: they were cut within a row that looks whole. Pure.

Such a row is set aside, and the rows after it count as not read. Only a comparison shows that a file was cut: many
programs write no last line end at all. Of their files, a shorter one whose last row lost cells, or nothing but the end
of a cell, counts as cut; one that lost whole rows may have been, and a notice says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from scanner.discovery.inventory import ScopeReading
from scanner.errors import CutOff
from scanner.model import EVERY_SCOPE, Coverage, Entry, EntryAssessment, FileEnd, Identity, Origin, Person, UnreadRow
from scanner.model.coverage import PEOPLE, REGISTRY

_NOT_OF_ROW = frozenset({"key", "source", "sources"})
_FIX = "write the file again; if it is whole, end its last line, or scan with --accept-drop"
_ELSEWHERE = "rows that may belong here could not be read"


class LastRead(Struct, frozen=True):
    """What the last scan had of a list of identities. ``keys``: by source. ``identity``: by key; None: not this one."""

    keys: Callable[[str], Collection[str]]
    identity: Callable[[str], Identity | None]


class Cuts:
    """How files ended when they were last read to their end: ``earlier``, by the store."""

    def __init__(self, earlier: Iterable[FileEnd] = ()) -> None:
        self._earlier = {_file(end): end for end in earlier}

    @property
    def open_rows(self) -> frozenset[str]:
        """Keys of identities in last rows without a line end: such a row may have been cut already."""
        return frozenset(one.key for one in self._earlier.values() if one.key is not None)

    def how(self, end: FileEnd, is_shortened: Callable[[], bool]) -> str | None:
        """Return how a last row shows that its file was cut off; None if it does not.

        ``is_shortened``: whether the last row lost the end of a cell since the last scan.
        """
        earlier = self._earlier.get(_file(end))
        if end.has_line_end or earlier is None:
            return None
        if earlier.has_line_end:
            return "is the last and has no line end, unlike when the file was last read"
        if end.size < earlier.size and end.lacks_cell and not earlier.lacks_cell:
            return "is the last and lacks its last cell, unlike when the file was last read"
        if end.size < earlier.size and is_shortened():
            return "is the last and begins as one that the last scan read"
        return None

    def why(self, end: FileEnd, is_shortened: Callable[[], bool]) -> str | None:
        """As :meth:`how`, as a sentence with the place and what to do."""
        how = self.how(end, is_shortened)
        return None if how is None else f"{_place(end)} {how}; {_FIX}"

    def is_shorter(self, end: FileEnd) -> bool:
        """Return whether a file without a last line end has become shorter: it may have been cut behind a row."""
        earlier = self._earlier.get(_file(end))
        return earlier is not None and not earlier.has_line_end and not end.has_line_end and end.size < earlier.size

    def kept(self, ends: Iterable[FileEnd], lists: Collection[tuple[str, str]]) -> tuple[FileEnd, ...]:
        """Return how the files ended, for the next scan: ``ends`` of this scan, of files that were not cut.

        ``lists``: role and name of the lists that are given; former files of theirs are forgotten.
        """
        given = {role for role, _ in lists} & {REGISTRY, PEOPLE}
        known = {file: one for file, one in self._earlier.items() if file[0] not in given or file in lists}
        known |= {_file(one): replace(one, row=None, key=None if one.has_line_end else one.key) for one in ends}
        return tuple(known[file] for file in sorted(known))


def _file(end: FileEnd) -> tuple[str, str]:
    """A source has one file, which may be named by the day; registry and roster may have many."""
    return end.source, end.file if end.source in (REGISTRY, PEOPLE) else ""


def _place(end: FileEnd) -> str:
    return f"the row at {end.file}:{end.row}" if end.row is not None else f"a line of {end.file}"


def may_be_cut(end: FileEnd) -> str:
    """Return a notice of a file that became shorter by whole rows: see :meth:`Cuts.is_shorter`."""
    return (
        f"{end.file} lost rows since the last scan, and its last line has no end: if it was cut off, none has left; "
        "end that line, and the next scan can tell"
    )


# --- Sources ---


def without_cut(reading: ScopeReading, cuts: Cuts, last: LastRead) -> ScopeReading:
    """Return a reading without the last row of a file that was cut, which is a gap of every place in the file."""
    for end in reading.ends:
        why = cuts.why(end, partial(_is_beginning, end, reading.identities, last))
        if why is not None:
            reading = _without(reading, end, why)
    return reading


def cut_off_list(reading: ScopeReading, cuts: Cuts, last: LastRead) -> Iterator[CutOff]:
    """Yield the last row of each file that was cut, as :func:`without_cut` sets it aside."""
    for end in reading.ends:
        how = cuts.how(end, partial(_is_beginning, end, reading.identities, last))
        if how is not None:
            yield _cut_off(end, how)


def _is_beginning(end: FileEnd, identities: Sequence[Identity], last: LastRead) -> bool:
    """Return whether the last row has a key that is gone, or a value of a known key, but for the end of a cell."""
    if end.key is None:
        return False
    known, there = frozenset(last.keys(end.source)), {one.key: one for one in identities}
    if end.key not in known:
        return any(_is_without_a_part(end.key, one) for one in known if one not in there)
    before = last.identity(end.key)
    return before is not None and end.key in there and _has_a_shorter_value(there[end.key], before)


def _is_without_a_part(key: str, former: str) -> bool:
    """Return whether a key lost something: the end of its name, or of its scope."""
    same = next((at for at, (one, other) in enumerate(zip(key, former, strict=False)) if one != other), len(key))
    return len(key) < len(former) and former.endswith(key[same:])


def _has_a_shorter_value(identity: Identity, before: Identity) -> bool:
    """Return whether one value is the beginning of the former one, and no other differs.

    Values that only the last scan had came from other sources, or from its conclusions.
    """
    then = dict(_values(before))
    changed = [(value, then.get(name)) for name, value in _values(identity) if value != then.get(name)]
    return len(changed) == 1 and all(_is_cut(value, former) for value, former in changed)


def _is_cut(value: str | datetime, former: str | datetime | None) -> bool:
    match value, former:
        case str(), str():
            return former.startswith(value)
        case datetime(), datetime():  # 2024-01-1 of 2024-01-15, 15.01.20 of 15.01.2024; what a system records grows
            return value < former
    return False


def _values(identity: Identity) -> Iterator[tuple[str, str | datetime]]:
    """Yield what the cells of a row can hold, by name."""
    for name in identity.__struct_fields__:
        if name in _NOT_OF_ROW:
            continue
        match getattr(identity, name):
            case Mapping() as several if name == "attributes":
                yield from ((f"{name} {key}", str(value)) for key, value in several.items())
            case Mapping() as pairs if pairs:
                yield name, "; ".join(f"{key}={value}" for key, value in pairs.items()).removesuffix("=")
            case (str(), *_) as items:
                yield name, "; ".join(items)
            case datetime() as moment:
                yield name, moment
            case str() | int() as value:
                yield name, str(value)


def _without(reading: ScopeReading, end: FileEnd, why: str) -> ScopeReading:
    lost = next((one for one in reading.identities if one.key == end.key), None)
    coverage = list(_partial(reading.coverage, lost))
    whole = next((one for one in coverage if one.scope == EVERY_SCOPE), None)
    if whole is None:
        listing = next(one for one in reading.coverage if one.kinds)
        coverage.append(replace(listing, scope=EVERY_SCOPE, identities=0, calls=0, status="partial", detail=why))
    else:
        coverage[coverage.index(whole)] = replace(whole, detail="; ".join(filter(None, (whole.detail, why))))
    return replace(
        reading,
        identities=tuple(one for one in reading.identities if one is not lost),
        coverage=tuple(coverage),
        ends=tuple(one for one in reading.ends if one is not end),
    )


def _partial(coverage: Sequence[Coverage], lost: Identity | None) -> Iterator[Coverage]:
    """Yield the places as partly read. One that only the lost row names is none: its scope may be cut, too."""
    for one in coverage:
        is_its = lost is not None and (one.provider, one.scope) == (lost.provider, lost.scope)
        found = one.identities - is_its
        if one.status != "complete":
            yield replace(one, identities=found)
        elif found or not is_its:
            yield replace(one, identities=found, status="partial", detail=one.detail or _ELSEWHERE)


# --- Registry and roster ---


def cut_rows(
    ends: Iterable[FileEnd], entries: Sequence[Entry], last: Sequence[EntryAssessment], cuts: Cuts
) -> Iterator[UnreadRow]:
    """Yield the last row of each file of the registry that was cut: it and those behind it may declare anything.

    ``last``: the entries of the last scan, under the ids that they have now.
    """
    for end in ends:
        if end.source != REGISTRY:
            continue
        why = cuts.why(end, partial(_is_shortened, end, entries, last))
        if why is not None:
            yield UnreadRow(origin=Origin(file=end.file, row=end.row), why=(why,), hides_names=True)


def cut_rosters(ends: Iterable[FileEnd], cuts: Cuts) -> Iterator[tuple[Origin, str]]:
    """Yield the last row of each file of the roster that was cut, and why. Of people, no last values are known."""
    for end in ends:
        if end.source == PEOPLE and (why := cuts.why(end, lambda: False)) is not None:
            yield Origin(file=end.file, row=end.row), why


def cut_off(
    ends: Iterable[FileEnd], entries: Sequence[Entry], last: Sequence[EntryAssessment], cuts: Cuts
) -> Iterator[CutOff]:
    """Yield the last row of each file of registry and roster that was cut, for a command that makes no scan."""
    for end in ends:
        is_shortened = partial(_is_shortened, end, entries, last) if end.source == REGISTRY else lambda: False
        if (how := cuts.how(end, is_shortened)) is not None:
            yield _cut_off(end, how)


def _cut_off(end: FileEnd, how: str) -> CutOff:
    return CutOff(file=end.file, line=end.row, message=f"the row {how}", fix=_FIX)


def _is_shortened(end: FileEnd, entries: Sequence[Entry], last: Sequence[EntryAssessment]) -> bool:
    """Return whether the entry in the last row is one of the last scan, but for the end of a cell."""
    there = {one.id for one in entries}
    row = next((one for one in entries if (one.origin.file, one.origin.row) == (end.file, end.row)), None)
    if row is None:
        return False
    before = (one.entry for one in last if one.entry.id == row.id or one.entry.id not in there)
    return any(_is_cut_from(row, one) for one in before)


_PLACE = frozenset({"origin", "has_own_id", "extra", "unread"})


def _is_cut_from(entry: Entry, before: Entry) -> bool:
    """Return whether every value that differs is the beginning of the former one, and at least one does."""
    now, then = asdict(entry), asdict(before)
    pairs = [(now[name], then[name]) for name in now if name not in _PLACE and now[name] != then[name]]
    return bool(pairs) and all(_begins(value, former) for value, former in pairs)


def _begins(value: object, former: object) -> bool:
    match value, former:
        case ((None | () | "active"), _):  # a cell that is empty now, or a status that is unknown
            return True
        case str(), str():
            return former.startswith(value)
        case tuple(), tuple():
            *same, cut = map(str, value)
            return [*map(str, former)][: len(same)] == same and any(
                str(one).startswith(cut) for one in former[len(same) : len(same) + 1]
            )
    return False


_Declared = TypeVar("_Declared", Entry, Person)


def without_rows(declared: Sequence[_Declared], rows: Collection[Origin]) -> tuple[_Declared, ...]:
    """Return the entries or people but those of these rows."""
    places = {(row.file, row.row) for row in rows}
    return tuple(one for one in declared if (one.origin.file, one.origin.row) not in places)
