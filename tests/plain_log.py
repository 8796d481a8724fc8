"""A log as small as can be: a folder for each scope, a file for each day, ``caller feature count`` on each line."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, ClassVar

from connectors.core.contract import Connector
from connectors.logs import LogSettings, LogSpec
from scanner.errors import Denied, SourceError
from scanner.model.activity import CallerDay, LogDay, LogUnit, UnitReading


class PlainLog:
    """Reads it. A file that says ``denied``, ``raise`` or ``kill`` does that to anyone who reads it."""

    spec: ClassVar[LogSpec] = LogSpec(name="plain", title="Plain", provider="aws", unlogged=("s3:Get*",))

    def __init__(self, settings: LogSettings, source: Connector | None = None) -> None:
        del source
        self._folder = Path(settings.path or ".")
        self._log = settings.log
        self.asked: list[tuple[date, date]] = []
        self.read_by: list[str] = []

    def units(self, since: date, until: date) -> Iterator[LogUnit | LogDay]:
        """A file is a unit; a file of the name ``DAY.missing`` is a gap that the listing knows of."""
        self.asked.append((since, until))
        if not self._folder.is_dir():
            raise SourceError(f"there is no folder {self._folder}", hint="make it")
        for file in sorted(self._folder.glob("*/*")):
            day, scope = date.fromisoformat(file.stem), file.parent.name
            if since <= day <= until:
                one = LogDay(scope=scope, day=day, status="failed", detail="missing")
                if file.suffix == ".missing":
                    yield one
                    continue
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                days = (LogDay(scope=scope, day=day),)
                yield LogUnit(log=self._log, name=f"{scope}/{day}", digest=digest, files=(str(file),), days=days)

    def read(self, unit: LogUnit) -> UnitReading:
        """Counts by caller."""
        self.read_by.append(unit.name)
        (path,), (covered,) = unit.files, unit.days
        callers: dict[str, dict[str, tuple[int, int, int]]] = {}
        for line in Path(path).read_text().splitlines():
            match line.split():
                case ["denied"]:
                    raise Denied("you may not", permission="s3:GetObject")
                case ["raise"]:
                    raise Unpicklable("an odd file", 7)
                case ["kill"]:
                    os.kill(os.getpid(), signal.SIGKILL)
                case ["interrupt"]:
                    raise KeyboardInterrupt
                case [caller, feature, count]:
                    callers.setdefault(caller, {})[feature] = (int(count), 0, 0)
        made = [
            CallerDay(
                scope=covered.scope,
                day=covered.day,
                caller=caller,
                first_at=datetime.combine(covered.day, time(6), UTC),
                last_at=datetime.combine(covered.day, time(7), UTC),
                hours=1 << 6,
                events=sum(count for count, _, _ in counts.values()),
                counts=counts,
                samples={feature: f"{covered.day}-{feature}" for feature in counts},
            )
            for caller, counts in callers.items()
        ]
        return UnitReading(
            unit=unit,
            callers=tuple(made),
            coverage=(covered,),
            events=sum(one.events for one in made) + 1,
            by_provider=1,
        )


class Unpicklable(Exception):
    """It pickles, but cannot be made again."""

    def __init__(self, message: str, number: int, *, needed: Any = None) -> None:
        super().__init__(message)
        del number, needed


class Waiting(PlainLog):
    """One that holds what no other process can have."""

    def __init__(self, settings: LogSettings, source: Connector | None = None) -> None:
        super().__init__(settings, source)
        self._lock = threading.Lock()
