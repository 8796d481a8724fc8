"""Finds formulas and errors of a workbook. Without a value, they would be read as empty cells.

A spreadsheet stores a formula's value beside it; programs that write workbooks often store none.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple
from xml.parsers import expat

MOST = 100_000
"""The most cells without a value in a sheet; with more, the file is refused."""

_CHUNK = 1024 * 1024
_NO_VALUE = re.compile(rb"""<(?:[\w.-]{1,20}:)?f[\s/>]|\bt\s*=\s*["']e["']""")
_LONGEST = 24
_LONGEST_ERROR = 16
_PLACE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")


class Formulas(NamedTuple):
    """Formulas in a sheet; rows and columns count from 1.

    ``unstored``: row and column of those without a stored value. ``typed``: by row, the first column among those asked
    for that has any formula. ``errors``: by row and column, errors in place of a value, such as ``#REF!``.
    """

    unstored: frozenset[tuple[int, int]] = frozenset()
    typed: Mapping[int, int] = MappingProxyType({})
    errors: Mapping[tuple[int, int], str] = MappingProxyType({})


def formulas_in(archive: zipfile.ZipFile, sheet: str, typed: Collection[int] = ()) -> Formulas:
    """Return the formulas in a sheet. ``typed``: columns of which every formula counts.

    Raises KeyError if the archive has no such sheet, ValueError if it is no valid workbook, or has too many such
    cells.
    """
    try:
        part = _part_of(archive, sheet)
        if not _lacks_values(archive, part):  # few lists do, and checking each cell takes much longer
            return Formulas()
        cells = _Cells(typed)
        _parse(archive, part, start=cells.start, end=cells.end, text=cells.text)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return Formulas(frozenset(cells.unstored), cells.in_typed, cells.errors)


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the sheet's part, by the workbook's list of sheets and its relationships."""
    relations: dict[str, str] = {}
    targets: dict[str, str] = {}

    def listed(element: str, given: Mapping[str, str]) -> None:
        if _local(element) == "sheet":
            relations[given.get("name", "")] = next((of for name, of in given.items() if _local(name) == "id"), "")

    def related(element: str, given: Mapping[str, str]) -> None:
        if _local(element) == "Relationship":
            targets[given.get("Id", "")] = given.get("Target", "")

    _parse(archive, "xl/workbook.xml", start=listed)
    _parse(archive, "xl/_rels/workbook.xml.rels", start=related)
    return posixpath.normpath(posixpath.join("/xl", targets[relations[sheet]])).lstrip("/")


def _lacks_values(archive: zipfile.ZipFile, part: str) -> bool:
    kept = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            if _NO_VALUE.search(kept + chunk):
                return True
            kept = chunk[-_LONGEST:]
    return False


class _Cells:
    """Yield the elements of a sheet that concern cells."""

    def __init__(self, typed: Collection[int]) -> None:
        self._typed = frozenset(typed)
        self.in_typed: dict[int, int] = {}
        self.unstored: set[tuple[int, int]] = set()
        self.errors: dict[tuple[int, int], str] = {}
        self._row = self._column = 0
        self._is_formula = self._is_stored = self._in_value = self._is_error = False

    def start(self, element: str, given: Mapping[str, str]) -> None:
        match _local(element):
            case "row":
                self._row, self._column = _number(given.get("r")) or self._row + 1, 0
            case "c":
                place = _PLACE.fullmatch(given.get("r", ""))
                self._column = _column(place[1]) if place else self._column + 1
                self._is_formula = False
                self._is_error = given.get("t") == "e"
                self._is_stored = given.get("t") == "str"  # an empty text is stored as a value, too
            case "f":
                self._is_formula = True
            case "v":
                self._in_value = True

    def text(self, text: str) -> None:
        self._is_stored = self._is_stored or (self._in_value and not text.isspace())
        if self._is_error and self._in_value:
            at = self._row, self._column
            self.errors[at] = (self.errors.get(at, "") + text)[:_LONGEST_ERROR]

    def end(self, element: str) -> None:
        match _local(element):
            case "v":
                self._in_value = False
            case "c" if self._is_formula:
                if self._column in self._typed:
                    self.in_typed.setdefault(self._row, self._column)
                elif not self._is_stored:
                    self.unstored.add((self._row, self._column))
                if len(self.unstored) + len(self.errors) > MOST:
                    raise ValueError(f"more than {MOST} formulas have no value")


def _parse(
    archive: zipfile.ZipFile,
    part: str,
    *,
    start: Callable[[str, Mapping[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    with archive.open(part) as stream:
        parser.ParseFile(stream)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) <= len("1048576") else None


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
