"""The evidence report: a zip of one folder, written part by part, with the hash of each in ``SHA256SUMS``."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, ClassVar, cast

from reports.base import Screen, View
from reports.columns import TABLES
from reports.csv import CsvReport
from reports.evidence.parts import TEXTS
from reports.json import JsonReport
from scanner.model import ScanResult

if TYPE_CHECKING:
    from typing_extensions import Buffer

FOLDER = "muster-evidence"
_EARLIEST = 1980
"""The earliest year of dates in a zip."""
_READABLE_BY_ALL = 0o100644 << 16


class EvidenceReport:
    """Results, tables, coverage, and the basis of the verdicts."""

    name: ClassVar[str] = "evidence"
    title: ClassVar[str] = "a zip for auditors, to check offline"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the pack; nothing is left out, so there are no notices. Its dates are the scan's."""
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            pack = Pack(archive, result.scan.finished_at)
            with pack.part("result.json") as part:
                JsonReport().write(result, view, part, screen)
            # The view's tables, and always the coverage: no number without its gaps.
            for table in TABLES if view == "all" else dict.fromkeys((view, "coverage")):
                with pack.part(f"tables/{table}.csv") as part:
                    CsvReport().write(result, table, part, screen)
            for name, text in TEXTS.items():
                with pack.part(name) as part:
                    part.write(text(result).encode())
            pack.write_sums()
        return ()


class Pack:
    """A zip of one folder. ``at``: the date of its parts, so that the same content gives the same bytes."""

    def __init__(self, archive: zipfile.ZipFile, at: datetime, folder: str = FOLDER) -> None:
        date = at.astimezone(UTC)
        self._date = (max(date.year, _EARLIEST), *date.timetuple()[1:6])
        self._folder = folder
        self._archive = archive
        self._sums: list[str] = []

    @contextmanager
    def part(self, name: str) -> Iterator[BinaryIO]:
        """A part to be written to, hashed on the way."""
        with self._archive.open(self._entry(name), "w", force_zip64=True) as file:
            hashed = _Hashed(cast("BinaryIO", file))
            yield cast("BinaryIO", hashed)
        self._sums.append(f"{hashed.hexdigest()}  {name}\n")

    def write_sums(self) -> None:
        """The list that ``sha256sum -c`` reads; it comes last and does not list itself."""
        self._archive.writestr(self._entry("SHA256SUMS"), "".join(self._sums))

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(f"{self._folder}/{name}", self._date)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = _READABLE_BY_ALL
        return entry


class _Hashed(io.BufferedIOBase):
    """A stream that hashes everything written to it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._sha256 = hashlib.sha256()

    def write(self, data: Buffer, /) -> int:
        self._sha256.update(data)
        return self._file.write(data)

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()
