"""Files of audit logs, written as lines of JSON, and what a reader makes of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from connectors.core.contract import Connector
from connectors.logs import LogSettings
from connectors.logs.files import FileLog
from scanner.model.activity import CallerDay, LogDay, LogUnit, UnitReading

DAY = date(2026, 11, 20)
SINCE, UNTIL = date(2026, 9, 1), date(2026, 11, 28)


def written(root: Path, *records: Mapping[str, Any] | str, name: str = "audit.ndjson") -> Path:
    """A file with a record a line, packed if its name says so."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records).encode()
    path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    return path


def log_of(reader: type[FileLog], path: Path, source: Connector | None = None, **settings: Any) -> FileLog:
    """The reader of a folder or file."""
    return reader(LogSettings(log="audit", path=str(path), **settings), source)


def read_all(log: FileLog, since: date = SINCE, until: date = UNTIL) -> tuple[Sequence[UnitReading], Sequence[LogDay]]:
    """Every unit, and the days that the listing says are gaps."""
    listed = list(log.units(since, until))
    units = [one for one in listed if isinstance(one, LogUnit)]
    return [log.read(one) for one in units], [one for one in listed if isinstance(one, LogDay)]


def read_one(reader: type[FileLog], root: Path, *records: Mapping[str, Any] | str, **settings: Any) -> UnitReading:
    """What one file with these records gives; it is read in full."""
    written(root, *records)
    (reading,), _ = read_all(log_of(reader, root, **settings))
    assert [one.detail for one in reading.coverage if one.detail] == []
    return reading


def profiles(reader: type[FileLog], root: Path, *records: Mapping[str, Any] | str, **more: Any) -> dict[str, CallerDay]:
    """The profiles of one file with these records, by caller."""
    return {one.caller: one for one in read_one(reader, root, *records, **more).callers}


def features(profile: CallerDay, *sorts: str) -> Sequence[str]:
    """The features of these sorts."""
    return [text for text in profile.counts if text.partition("=")[0] in sorts]
