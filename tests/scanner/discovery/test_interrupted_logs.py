"""Readings that are cut off, and files that come late: every event is counted once, and what is unread is a gap."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.logs import LogSettings
from scanner.discovery.log_coverage import coverage_of
from scanner.discovery.logs import ALL_NEW, Log, LogsRead, Window, read_logs
from scanner.errors import Unreachable
from scanner.model.activity import LogUnit, UnitReading
from scanner.store.activity.units import NOT_YET_READ
from scanner.store.store import Store
from tests.contract.test_store_activity import contents
from tests.databases import BACKENDS, Backend, empty_store, sqlite_memory
from tests.examples import examples
from tests.factories import NOW
from tests.plain_log import PlainLog

TODAY = NOW.date()
SCOPES = ("111111111111", "222222222222", "333333333333")


class Killed(BaseException):
    """Ends a reading as SIGKILL does: nothing that is not in the store yet gets there."""


class CutLog(PlainLog):
    """One that ends after some units: by ``how``, or with a network that is gone for the rest."""

    how: type[BaseException] | None = None
    after = 0

    def read(self, unit: LogUnit) -> UnitReading:
        """See ``LogReader``."""
        if self.how is not None and len(self.read_by) >= self.after:
            raise self.how("the network is gone")
        return super().read(unit)


class Quiet:
    """Watches nothing."""

    def units_planned(self, name: str, units: int) -> None:
        """Planned."""

    def unit_read(self, reading: UnitReading) -> None:
        """Read."""


class Trail:
    """Files of scopes and days, and a store that reads them."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        folder.mkdir(exist_ok=True)

    def put(self, scope: str, days: int, text: str = "bot write=iam:PutRolePolicy 3\n") -> None:
        """Write the file of a day."""
        file = self.folder / scope / f"{TODAY - timedelta(days)}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def read(
        self,
        how: type[BaseException] | None = None,
        after: int = 0,
        window: Window = ALL_NEW,
        store: Store | None = None,
    ) -> LogsRead:
        """One run, which ends by ``how`` after some units."""
        reader = CutLog(LogSettings(log="plain", path=str(self.folder)))
        reader.how, reader.after = how, after
        log = Log(name="plain", type="plain", source="prod", since=90, reader=reader)
        return read_logs([log], (store or self.store).activity, Quiet(), NOW, window=window, keep_days=90)

    def files(self) -> set[tuple[str, int]]:
        """Scope and ordinal of each."""
        return {(one.parent.name, date.fromisoformat(one.stem).toordinal()) for one in self.folder.glob("*/*")}

    def contents(self) -> Any:
        """All that the store knows."""
        return contents(self.store.activity.past())

    def of_one_reading(self) -> Any:
        """What the store would know after a single reading without an interruption."""
        store = empty_store(sqlite_memory)
        self.read(store=store)
        return contents(store.activity.past())

    def covered(self) -> set[tuple[str, int]]:
        """Scope and ordinal of days that count as read in full."""
        log = self.store.activity.past().logs["plain"]
        return {(scope, day) for scope, days in log.covered.items() for day in days}

    def unread(self) -> set[tuple[str, int]]:
        """Scope and ordinal of days that are to be read."""
        gaps = self.store.activity.past().logs["plain"].gaps
        return {(scope, n) for scope, days in gaps.items() for n, day in days.items() if day.detail == NOT_YET_READ}


@pytest.fixture(params=BACKENDS)
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> Trail:
    """Three days of two accounts."""
    trail = Trail(tmp_path / "log", empty_store(request.param))
    for scope in SCOPES[:2]:
        for days in (1, 2, 3):
            trail.put(scope, days)
    return trail


@pytest.mark.parametrize("how", [Killed, KeyboardInterrupt])
@pytest.mark.parametrize("after", range(7))
def test_days_that_are_not_read_yet_are_gaps(trail: Trail, how: type[BaseException], after: int) -> None:
    """At whatever unit the reading ends; the coverage is partial and names them; the next run reads them."""
    with pytest.raises(how) if after < 6 else nullcontext():
        trail.read(how, after)
    covered, unread = trail.covered(), trail.unread()
    assert covered | unread == trail.files()
    assert not covered & unread
    assert len(covered) == after or how is Killed
    rows = coverage_of(trail.store.activity.past().logs, TODAY, 90)
    partial = {one.scope: one.detail or "" for one in rows if one.section == "activity" and one.status == "partial"}
    assert partial.keys() == {scope for scope, _ in unread}
    if after == 0:
        assert f"3 days not read yet: {TODAY - timedelta(3)} to {TODAY - timedelta(1)}" in partial[SCOPES[0]]

    trail.read()
    assert trail.contents() == trail.of_one_reading()
    assert (trail.covered(), trail.unread()) == (trail.files(), set())


def test_a_network_that_is_gone_costs_what_it_did_not_give(trail: Trail) -> None:
    """Their days are gaps with the reason; the next run reads them alone."""
    done = trail.read(Unreachable, 2)
    assert (done.units, done.failed) == (2, 4)
    assert trail.unread() == set()
    again = trail.read()
    assert (again.events, again.failed) == (16, 0)
    assert trail.contents() == trail.of_one_reading()


def test_an_account_that_joins_gets_all_its_days(trail: Trail) -> None:
    """Also those before the newest day of the log."""
    trail.read()
    for days in range(1, 31):
        trail.put(SCOPES[2], days)
    assert trail.read().events == 30 * 4
    assert trail.contents() == trail.of_one_reading()


@pytest.mark.parametrize("late", [3, 21, 80])
def test_a_file_that_comes_late_is_read_when_it_comes(trail: Trail, late: int) -> None:
    """Three days, three weeks; a day that grew is counted as it is then."""
    trail.read()
    trail.put(SCOPES[0], late, "bot write=iam:PutRolePolicy 5\n")
    trail.read()
    assert trail.contents() == trail.of_one_reading()


def test_a_plan_for_days_that_are_not_asked_for_now_stays(trail: Trail) -> None:
    """``--since 1d`` after an interruption closes no gap of older days."""
    with pytest.raises(Killed):
        trail.read(Killed)
    trail.read(window=Window(since=1))
    assert {day for _, day in trail.unread()} == {TODAY.toordinal() - 2, TODAY.toordinal() - 3}
    trail.read()
    assert trail.unread() == set()


_RUNS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from((Killed, KeyboardInterrupt, Unreachable, None)), st.integers(0, 12)),
        st.tuples(st.sampled_from(SCOPES), st.integers(1, 40), st.integers(1, 9)),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("backend", BACKENDS)
@given(runs=_RUNS)
@examples(20)
def test_in_whatever_order(backend: Backend, runs: Iterable[tuple[Any, ...]]) -> None:
    """Files come and grow between runs that end anywhere; one whole run at the end, and everything is counted once."""
    with tempfile.TemporaryDirectory() as folder:
        trail = Trail(Path(folder, "log"), empty_store(backend))
        trail.put(SCOPES[0], 5)
        for run in runs:
            if len(run) == 3:
                scope, days, events = run
                trail.put(scope, days, f"bot write=iam:PutRolePolicy {events}\n")
                continue
            how, after = run
            try:
                trail.read(how, after)
            except (Killed, KeyboardInterrupt):
                assert trail.covered() | trail.unread() == trail.files()
        trail.read()
        assert (trail.covered(), trail.unread()) == (trail.files(), set())
        assert trail.contents() == trail.of_one_reading()
