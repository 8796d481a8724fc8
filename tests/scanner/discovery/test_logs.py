"""Reading logs into the store: only what is new, each unit by itself, in processes or here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from connectors.logs import LogSettings
from scanner.discovery.log_coverage import coverage_of
from scanner.discovery.log_units import LONGEST, Failure, clean, read_units
from scanner.discovery.logs import ALL_NEW, Log, LogsRead, Window, read_logs
from scanner.model.activity import LogDay, LogUnit, UnitReading
from scanner.store.store import Store, open_store
from tests.contract.test_store_activity import caller_day, contents
from tests.factories import NOW
from tests.plain_log import PlainLog, Waiting

TODAY = NOW.date()
SCOPE = "123456789012"
ACTED = "bot write=iam:PutRolePolicy 3\n"


def ago(days: int) -> date:
    """A day before today."""
    return TODAY - timedelta(days=days)


class Watcher:
    """Counts what it is reported."""

    def __init__(self) -> None:
        self.planned = self.read = 0

    def units_planned(self, _name: str, units: int) -> None:
        """More to read."""
        self.planned += units

    def unit_read(self, _reading: UnitReading) -> None:
        """Read."""
        self.read += 1


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty store."""
    with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Writes the file of a day: text, or nothing to take it away."""

    def write(
        days: int, text: str | None = "bot write=iam:PutRolePolicy 3\n", scope: str = SCOPE, end: str = "txt"
    ) -> None:
        file = tmp_path / "log" / scope / f"{ago(days)}.{end}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True) if text is None else file.write_text(text)

    return write


class Nights:
    """Reads the log again and again, each time by a reader of its own."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self.reader = self._reader()
        self.watcher = Watcher()

    def _reader(self) -> PlainLog:
        return PlainLog(LogSettings(log="plain", path=str(self._folder)))

    def __call__(self, *, now: datetime = NOW, window: Window = ALL_NEW) -> LogsRead:
        self.reader, self.watcher = self._reader(), Watcher()
        log = Log(name="plain", type="plain", source="prod", since=90, reader=self.reader)
        return read_logs([log], self._store.activity, self.watcher, now, window=window, keep_days=90)

    @property
    def gaps(self) -> dict[str, list[int]]:
        """By scope, the days that are gaps, as days ago."""
        gaps = self._store.activity.past().logs["plain"].gaps
        return {scope: [TODAY.toordinal() - day for day in days] for scope, days in gaps.items() if days}

    @property
    def covered(self) -> list[int]:
        """The covered days, as days ago."""
        return sorted(TODAY.toordinal() - day for day in self._store.activity.past().logs["plain"].covered[SCOPE])


@pytest.fixture
def night(store: Store, tmp_path: Path) -> Nights:
    """Reads ``tmp_path/log``."""
    return Nights(store, tmp_path / "log")


def test_only_what_is_new_is_read(night: Nights, write: Callable[..., None], store: Store) -> None:
    """Every reading lists all since 90 days ago; units that are as they were are not read."""
    for days in (95, 3, 2, 1):
        write(days)
    first = night()
    asked, watched = night.reader.asked, (night.watcher.planned, night.watcher.read)
    once = contents(store.activity.past())
    second = night()

    assert asked == [(ago(90), TODAY)]
    assert (first.events, first.units, sorted(first.days), watched) == (12, 3, [ago(3), ago(2), ago(1)], (3, 3))
    assert night.reader.asked == [(ago(90), TODAY)]
    assert (second.events, second.units, second.callers, night.reader.read_by) == (0, 3, set(), [])
    assert contents(store.activity.past()) == once

    write(1, "late write=iam:PutRolePolicy 1\n")
    write(0)
    third = night()
    assert sorted(night.reader.read_by) == [f"{SCOPE}/{ago(1)}", f"{SCOPE}/{TODAY}"]
    assert {who[2] for who in third.callers} == {"bot", "late"}
    assert night.covered == [1, 2, 3]
    night(now=NOW + timedelta(days=1))
    assert night.reader.read_by == [f"{SCOPE}/{TODAY}"]
    assert night.covered == [0, 1, 2, 3]


def test_days_asked_for_that_were_read_change_nothing(night: Nights, write: Callable[..., None], store: Store) -> None:
    """``--since`` goes further back, and no unit is counted again."""
    for days in (95, 3, 2):
        write(days)
    night(window=Window(until=2))
    once = contents(store.activity.past())
    again = night(window=Window(since=ago(50), until=ago(2)))
    assert (again.events, night.reader.asked, contents(store.activity.past())) == (0, [(ago(50), ago(2))], once)

    further = night(window=Window(since=100))
    assert (further.events, night.reader.asked) == (4, [(ago(100), TODAY)])


def test_one_that_fails_is_a_gap_and_is_tried_again(night: Nights, write: Callable[..., None], store: Store) -> None:
    """Others are read; what was known of its day before stays; once it can be read, it is none any more."""
    write(4)
    write(3)
    night()
    write(4, "denied")
    write(3, "raise")
    write(2)
    done = night(window=Window(since=30))

    assert (done.units, done.failed, done.events) == (1, 2, 4)
    assert night.gaps == {SCOPE: [4, 3]}
    assert done.new_gaps == {("plain", SCOPE, f"activity:{ago(day)}") for day in (4, 3)}
    gap = store.activity.past().logs["plain"].gaps[SCOPE][ago(4).toordinal()]
    assert (gap.status, gap.permission, gap.detail) == ("denied", "s3:GetObject", "you may not")
    rows = coverage_of(store.activity.past().logs, TODAY, 90)
    assert [(one.source, one.scope, one.section, one.status) for one in rows] == [
        ("plain", SCOPE, "activity", "complete"),
        ("plain", SCOPE, f"activity:{ago(4)}", "denied"),
        ("plain", SCOPE, f"activity:{ago(3)}", "failed"),
    ]

    write(4)
    write(3)
    again = night()
    assert (night.gaps, again.new_gaps, night.covered) == ({}, set(), [2, 3, 4])


def test_days_without_anything_are_gaps(night: Nights, write: Callable[..., None]) -> None:
    """Between days that have files, in each scope by itself; and what the listing says, until it says so no more."""
    for days in (9, 6):
        write(days)
    write(7, scope="other")
    write(3, "", end="missing")
    first = night()
    assert night.gaps == {SCOPE: [8, 7, 5, 4, 3]}
    assert len(first.new_gaps) == 5

    write(3, None, end="missing")
    write(3)
    second = night()
    assert night.gaps == {SCOPE: [8, 7, 5, 4]}
    assert second.new_gaps == set()


def test_a_log_that_cannot_be_listed(night: Nights, tmp_path: Path, store: Store) -> None:
    """It is a gap of this run, and leaves nothing in the store."""
    done = night()

    assert done.is_nothing
    assert [(one.source, one.section, one.status, one.detail) for one in done.faults] == [
        ("plain", "activity", "failed", f"there is no folder {tmp_path}/log (make it)")
    ]
    assert done.new_gaps == {("plain", "*", "activity")}
    assert store.activity.past().logs == {}


def test_a_first_reading_that_finds_nothing_says_so(
    night: Nights, write: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """Files of last year are not read without being asked for."""
    write(300)
    assert night().events == 0
    assert f"nothing from {ago(90)} to {TODAY}; --since" in caplog.text

    assert night(window=Window(since=400)).events == 4


def test_an_interruption_keeps_what_was_read(night: Nights, write: Callable[..., None]) -> None:
    """The rest is read the next time."""
    write(3)
    write(2, "interrupt")
    with pytest.raises(KeyboardInterrupt):
        night()
    assert night.covered == [3]

    write(2)
    night()
    assert night.reader.read_by == [f"{SCOPE}/{ago(2)}"]


def _units(folder: Path, reader: PlainLog) -> tuple[LogUnit, ...]:
    found = tuple(one for one in reader.units(ago(90), TODAY) if isinstance(one, LogUnit))
    assert len(found) == len(list(folder.glob("*/*")))
    return found


@pytest.mark.parametrize("kind", [PlainLog, Waiting])
def test_others_read_the_same(kind: type[PlainLog], write: Callable[..., None], tmp_path: Path) -> None:
    """Whether processes or threads help, whatever a unit raises; a denial stays one."""
    for days in range(1, 9):
        write(days, {2: "denied", 3: "raise"}.get(days, f"bot{days} read=s3:ListBuckets {days}\n"))
    reader = kind(LogSettings(log="plain", path=str(tmp_path / "log")))
    units = _units(tmp_path / "log", reader)

    alone = {unit.name: outcome for unit, outcome in read_units(reader, units, patience=600)}
    helped = {unit.name: outcome for unit, outcome in read_units(reader, units, patience=0)}

    assert helped == alone
    assert helped[f"{SCOPE}/{ago(2)}"] == Failure("denied", "you may not", "s3:GetObject")
    assert helped[f"{SCOPE}/{ago(3)}"] == Failure("failed", "Unpicklable: an odd file")


def test_a_cluster_reads_the_same(write: Callable[..., None], tmp_path: Path) -> None:
    """Each worker makes its reader once."""
    for days in range(1, 9):
        write(days, {2: "denied", 3: "raise"}.get(days, f"bot{days} read=s3:ListBuckets {days}\n"))
    reader = PlainLog(LogSettings(log="plain", path=str(tmp_path / "log")))
    units = _units(tmp_path / "log", reader)

    alone = {unit.name: outcome for unit, outcome in read_units(reader, units, patience=600)}

    assert {unit.name: one for unit, one in read_units(reader, units, 0, cluster="local:1")} == alone


def test_a_process_that_dies_costs_only_what_it_read(write: Callable[..., None], tmp_path: Path) -> None:
    """Others go on with the rest."""
    for days in range(1, 20):
        write(days, "kill" if days == 19 else None)
    for days in range(1, 19):
        write(days, f"bot{days} read=s3:ListBuckets {days}\n")
    reader = PlainLog(LogSettings(log="plain", path=str(tmp_path / "log")))
    units = _units(tmp_path / "log", reader)

    outcomes = {unit.name: outcome for unit, outcome in read_units(reader, units, patience=0)}

    assert outcomes.keys() == {unit.name for unit in units}
    killed = outcomes[f"{SCOPE}/{ago(19)}"]
    assert isinstance(killed, Failure)
    assert "too little memory" in killed.words
    assert any(isinstance(outcome, UnitReading) for outcome in outcomes.values())


def test_what_is_kept_is_harmless() -> None:
    """No secret, no lone surrogate, nothing without end; actions and public ids stay."""
    token = "ghp_" + "0123456789" * 3 + "abcdef"
    counts = {"secret=secretsmanager:GetSecretValue": (1, 0, 0), "credential=AKIAIOSFODNN7EXAMPLE": (1, 0, 0)}
    counts |= {f"client={token}": (1, 0, 0), "read=s3:\ud800": (1, 0, 0), "network=" + "n" * 5000: (1, 0, 0)}
    made = LogUnit(log="plain", name="x", digest="1")
    gap = LogDay(scope=SCOPE, day=TODAY, status="failed", detail=f"bad \x1b[31m {token}")
    reading = UnitReading(unit=made, callers=(caller_day(TODAY, token, counts=counts, samples={}),), coverage=(gap,))

    (caller,), (day,) = clean(reading).callers, clean(reading).coverage

    assert token not in repr(clean(reading))
    assert "\x1b" not in (day.detail or "")
    assert list(counts)[:2] == list(caller.counts)[:2]
    assert max(map(len, caller.counts)) <= LONGEST + len("network=")
    "".join(caller.counts).encode()
