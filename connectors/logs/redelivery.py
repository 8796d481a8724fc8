"""Events that were delivered again after midnight: one copy lies in a file of its day, another in one of the next day.

A reader of the files of a day sets aside what is of the day before, and counts of it what the last files of that day
do not have. These are read for that alone, and only if something was set aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from connectors.core.offline import Unreadable
from connectors.logs.content import Records, unpacked
from connectors.logs.folders import Folder, Layout, LogFile
from scanner.errors import SourceError

_MINUTES = 60
_MOST_BYTES = 32 * 1024 * 1024
"""Of the last files of a day and part, packed."""
_MOST_SET_ASIDE = 50_000


def last_files(files: Iterable[LogFile], layout: Layout) -> Iterator[LogFile]:
    """Of a day's files, by part those of the last hour that has any; none of a log that delivers once."""
    if layout.redelivery is None:
        return
    parts: dict[str, list[tuple[int, LogFile]]] = {}
    for one in files:
        if found := layout.redelivery.stamp.search(one.name):
            minute = int(found["hour"]) * 60 + int(found["minute"])
            parts.setdefault(layout.part(one.name), []).append((minute, one))
    for stamped in parts.values():
        size, last = 0, max(stamped)[0]
        for minute, one in sorted(stamped, reverse=True):
            size += one.size
            if minute < last - _MINUTES or size > _MOST_BYTES:
                break
            yield one


class Early:
    """Events of the day before in the files of a day; none without ``day``. ``before``: that day's last files."""

    def __init__(self, layout: Layout, before: Sequence[tuple[int, str]], day: date | None) -> None:
        self._layout = layout
        self._redelivery = layout.redelivery
        self._before = before
        self._found: dict[str, tuple[str, list[Any]]] = {}
        self._left = 0 if day is None else _MOST_SET_ASIDE
        self._day = str(day)
        self._eve = "" if day is None else str(day - timedelta(1))

    def taken_out(self, name: str, records: list[Any]) -> list[Any]:
        """The records of a file without those of the day before, which are set aside."""
        if self._redelivery is None or self._left <= 0:
            return records
        when, eve, day = self._redelivery.when, self._eve, self._day
        early = [one for one in records if eve <= when(one) < day]
        if not early:
            return records
        self._found.setdefault(self._layout.part(name), (name, []))[1].extend(early)
        self._left -= len(early)
        return [one for one in records if not eve <= when(one) < day]

    def delivered_once(self, folder: Folder, records: Records[Any]) -> Iterator[tuple[str, list[Any]]]:
        """By a file's name, what was set aside of its part and is in no file of the day before that can be read."""
        if self._redelivery is None or not self._found:
            return
        which, seen = self._redelivery.which, set[str]()
        try:
            for _, pieces in folder.pieces([one for one in self._before if self._layout.part(one[1]) in self._found]):
                for some in records.of(unpacked(pieces)):
                    seen.update(map(which, some))
        except (Unreadable, SourceError):
            pass  # it is a gap of its own day
        for name, early in self._found.values():
            yield name, [one for one in early if which(one) not in seen]
