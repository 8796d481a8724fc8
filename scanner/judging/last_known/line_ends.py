"""Files that lost their last line end since they were last read: they were cut within a row that looks whole. Pure.

Such a row is set aside, and the rows after it count as not read. Only a comparison shows that a file was cut: many
programs write no last line end at all. Of their files, a shorter one whose last row lost nothing but the end of a cell
counts as cut.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import asdict, replace

from scanner.discovery.inventory import ScopeReading
from scanner.errors import CutOff
from scanner.model import EVERY_SCOPE, Coverage, Entry, EntryAssessment, FileEnd, Identity, Origin, Person, UnreadRow
from scanner.model.coverage import PEOPLE, REGISTRY

_FIX = "write the file again; if it is whole, end its last line, or scan with --accept-drop"
_ELSEWHERE = "rows that may belong here could not be read"


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
        if end.size < earlier.size and is_shortened():
            return "is the last and begins as one that the last scan read"
        return None

    def why(self, end: FileEnd, is_shortened: Callable[[], bool]) -> str | None:
        """As :meth:`how`, as a sentence with the place and what to do."""
        how = self.how(end, is_shortened)
        return None if how is None else f"{_place(end)} {how}; {_FIX}"

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


# --- Sources ---


def without_cut(reading: ScopeReading, cuts: Cuts, last: Callable[[str], Collection[str]]) -> ScopeReading:
    """Return a reading without the last row of a file that was cut, which is a gap of every place in the file.

    ``last``: returns the keys of a source's identities in the last scan.
    """
    for end in reading.ends:
        why = cuts.why(end, partial(_is_beginning, end, reading.identities, last))
        if why is not None:
            reading = _without(reading, end, why)
    return reading


def cut_off_list(reading: ScopeReading, cuts: Cuts, last: Callable[[str], Collection[str]]) -> Iterator[CutOff]:
    """Yield the last row of each file that was cut, as :func:`without_cut` sets it aside."""
    for end in reading.ends:
        how = cuts.how(end, partial(_is_beginning, end, reading.identities, last))
        if how is not None:
            yield _cut_off(end, how)


def _is_beginning(end: FileEnd, identities: Sequence[Identity], last: Callable[[str], Collection[str]]) -> bool:
    """Return whether the last row has a new key, and one that is gone begins with it."""
    if end.key is None:
        return False
    known = frozenset(last(end.source))
    there = {one.key for one in identities}
    return end.key not in known and any(one.startswith(end.key) for one in known if one not in there)


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
