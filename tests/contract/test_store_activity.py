"""What every store must know of activity: units whole and once, in any order, through kills, damage and pruning."""

from __future__ import annotations

import pickle
import random
import signal
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select

from scanner.errors import DamagedRow
from scanner.model.activity import (
    TIMED,
    ActivityPast,
    CallerDay,
    LogDay,
    LogUnit,
    NamedChange,
    UnitReading,
    feature_of,
)
from scanner.store import schema
from scanner.store.activity.units import LogHead
from scanner.store.engine import connect, reading
from scanner.store.store import Store, open_store
from tests.contract.test_store_integrity import falsify
from tests.databases import BACKENDS, SHARED, Backend, empty_store
from tests.examples import examples
from tests.factories import ACCOUNT, NOW
from tests.processes import Forks

HEAD = LogHead(type="cloudtrail", provider="aws", source="prod", unlogged=("s3:Get*",))
TODAY = NOW.date()
BOT = f"arn:aws:iam::{ACCOUNT}:user/svc-billing"


def ago(days: int) -> date:
    """A day before the day of ``NOW``."""
    return TODAY - timedelta(days=days)


def caller_day(day: date, caller: str = BOT, **facts: Any) -> CallerDay:
    """Two events of a caller, at six and at seven."""
    defaults: dict[str, Any] = {
        "scope": ACCOUNT,
        "first_at": datetime.combine(day, time(6), UTC),
        "last_at": datetime.combine(day, time(7), UTC),
        "hours": 1 << 6 | 1 << 7,
        "events": 2,
        "counts": {"read=s3:ListBuckets": (2, 0, 0), "region=eu-west-1": (2, 0, 0)},
        "samples": {"read=s3:ListBuckets": f"event-{day}"},
    }
    return CallerDay(day=day, caller=caller, **{**defaults, **facts})


def unit(day: date, *callers: CallerDay, digest: str = "1", **facts: Any) -> UnitReading:
    """What the account's file of a day gave."""
    coverage = facts.pop("coverage", (LogDay(scope=ACCOUNT, day=day),))
    made = LogUnit(log="trail", name=facts.pop("name", f"{ACCOUNT}/{day}"), digest=digest)
    return UnitReading(
        unit=made, callers=callers or (caller_day(day),), coverage=coverage, events=2, by_provider=0, **facts
    )


def write(store: Store, *units: UnitReading, gaps: Mapping[str, Sequence[LogDay]] | None = None, at: Any = NOW) -> None:
    """Add units to the log ``trail``."""
    store.activity.write("trail", HEAD, units, gaps or {}, at)


def contents(past: ActivityPast) -> Any:
    """All that the past says, without the numbers that the store gave."""
    callers = []
    for one in past.read([caller.number for caller in past.callers]):
        days = [
            (
                day,
                replace(counts, counts=(), samples=()),
                sorted((one.features[feature], *numbers) for feature, *numbers in counts.counts),
                sorted((one.features[feature], event) for feature, event in counts.samples),
            )
            for day, counts in one.days
        ]
        who = one.caller.log, one.caller.scope, one.caller.caller, one.caller.unique_id
        callers.append((who, sorted(days, key=repr)))
    logs = {name: replace(log, first_read_at=NOW) for name, log in past.logs.items()}
    return logs, sorted(callers, key=repr), past.changes


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    return empty_store(request.param)


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty store that other processes can open."""
    backend: Backend = request.param
    with backend() as url:
        yield url


def test_comes_back_as_it_was_read(store: Store) -> None:
    """Counts, samples, coverage, changes; UUIDs and ids that look like what is kept for them."""
    events = ("0a1b2c3d-0000-4000-8000-123456789abc", "~tilde", "=equals", "\x00\x01")
    counts: dict[str, tuple[int, int, int]] = {f"write=iam:{name}": (0, 1, 0) for name in "ABCD"}
    day = caller_day(ago(2), denied=4, counts=counts, samples=dict(zip(counts, events, strict=True)))
    change = replace(CHANGE, by="\x00", event_id=events[0])
    write(store, unit(ago(2), day, caller_day(ago(2), "\x00\x01é"), changes=(change,)))

    past = store.activity.past()
    log = past.logs["trail"]
    found = {one.caller.caller: one for one in past.read([caller.number for caller in past.callers])}

    assert past.changes == (change,)
    assert (log.provider, log.source, log.unlogged, log.first_read_at) == ("aws", "prod", ("s3:Get*",), NOW)
    assert log.covered == {ACCOUNT: {ago(2).toordinal()}}
    assert log.gaps == {ACCOUNT: {}}
    assert found.keys() == {BOT, "\x00\x01é"}
    ((ordinal, of_day),) = found[BOT].days
    features = found[BOT].features
    assert (ordinal, of_day.events, of_day.denied, of_day.hours) == (ago(2).toordinal(), 2, 4, 0b11000000)
    assert of_day.first == int(day.first_at.timestamp())
    assert {features[feature]: tuple(rest) for feature, *rest in of_day.counts} == dict.fromkeys(counts, (0, 1))
    assert {features[feature]: event for feature, event in of_day.samples} == day.samples


def test_a_unit_read_again_replaces_what_it_gave(store: Store) -> None:
    """The caller that is no more in it is gone; its changes, too; the digest is the new one."""
    write(store, unit(ago(3), caller_day(ago(3)), caller_day(ago(3), "gone"), changes=(CHANGE,)))
    write(store, unit(ago(3), caller_day(ago(3), events=5), digest="2"))

    past = store.activity.past()
    ((_, counts),) = next(iter(past.read([past.callers[0].number]))).days

    assert [caller.caller for caller in past.callers] == [BOT]
    assert (counts.events, past.changes) == (5, ())
    assert store.activity.states(["trail"])["trail"].known == {f"{ACCOUNT}/{ago(3)}": "2"}


CHANGE = NamedChange(scope=ACCOUNT, at=NOW, target=BOT, action="iam:A", by=BOT, event_id="e")


def _acted(day: int, who: str, place: str) -> CallerDay:
    counts = {f"write=iam:{who}{day}{more}": (1, more, 0) for more in (0, 1)}
    return caller_day(ago(day), f"{who}-{place}", counts=counts)


_UNITS = tuple(
    unit(
        ago(day),
        *(
            caller_day(
                ago(day), f"{who}-{place}", counts={f"write=iam:{who}{day}{more}": (1, more, 0) for more in (0, 1)}
            )
            for who in ("a", "b")
        ),
        name=f"{ACCOUNT}/{place}/{ago(day)}",
        changes=(
            NamedChange(scope=ACCOUNT, at=NOW - timedelta(days=day), target="x", action=place, by="y", event_id="z"),
        ),
    )
    for day in (2, 3, 4, 7)
    for place in ("eu", "us")
)


@pytest.mark.parametrize("backend", BACKENDS)
@given(orders=st.lists(st.permutations(range(len(_UNITS))), min_size=1, max_size=2), cut=st.integers(1, len(_UNITS)))
@examples(15)
def test_order_and_repetition_change_nothing(backend: Backend, orders: list[list[int]], cut: int) -> None:
    """Whatever is read first, together or twice, the past is the same."""
    store = empty_store(backend)
    write(store, *_UNITS)
    expected = contents(store.activity.past())
    store = empty_store(backend)
    for order in orders:
        for begin in range(0, len(order), cut):
            write(store, *(_UNITS[place] for place in order[begin : begin + cut]))
    assert contents(store.activity.past()) == expected


def test_two_writers_at_once(url: str) -> None:
    """What one has looked up does not hold once the other has written, pruned or emptied something."""
    with open_store(url) as store, open_store("sqlite://") as fresh:
        one, other = store.activity, store.activity
        for number, reading in enumerate((*_UNITS, *reversed(_UNITS))):
            (one if number % 3 else other).write("trail", HEAD, [reading], {}, NOW)
            if number == len(_UNITS):
                store.activity.prune(TODAY + timedelta(days=30), keep_days=90)
        write(fresh, *_UNITS)

        assert contents(store.activity.past()) == contents(fresh.activity.past())
        assert store.check() == ()


def test_a_caller_that_a_unit_names_twice_is_counted_together(store: Store) -> None:
    """A reader that does so loses nothing, and ends nothing."""
    write(store, unit(ago(2), caller_day(ago(2)), caller_day(ago(2), events=3, hours=1)))

    past = store.activity.past()
    ((_, counts),) = next(iter(past.read([past.callers[0].number]))).days

    assert (counts.events, counts.hours, counts.counts) == (5, 0b11000001, ((0, 4), (1, 4)))


def test_gaps(store: Store) -> None:
    """What cannot be read, what lies between and has nothing, and a day that was read before it ended."""
    denied = LogDay(scope=ACCOUNT, day=ago(6), status="denied", detail="no", permission="s3:GetObject")
    broken = LogDay(scope=ACCOUNT, day=ago(3), status="failed", detail="cut off")
    write(store, unit(ago(8)), unit(ago(2)), unit(ago(0)), unit(ago(3), coverage=(broken,)), gaps={"six": [denied]})
    write(store, unit(ago(6), name="another region"))

    log = store.activity.past().logs["trail"]

    assert log.covered[ACCOUNT] == {ago(8).toordinal(), ago(2).toordinal()}
    assert list(log.gaps[ACCOUNT]) == [ago(day).toordinal() for day in (7, 6, 5, 4, 3)]
    assert (log.gaps[ACCOUNT][ago(6).toordinal()], log.gaps[ACCOUNT][ago(3).toordinal()]) == (denied, broken)
    state = store.activity.states(["trail"])["trail"]
    assert (state.newest, state.gaps) == (TODAY.toordinal(), {"six": (denied,)})
    assert f"{ACCOUNT}/{TODAY}" not in state.known

    write(store, gaps={"six": []})
    assert store.activity.past().logs["trail"].covered[ACCOUNT] >= {ago(6).toordinal()}
    write(store, unit(ago(0)), at=NOW + timedelta(days=1))
    assert TODAY.toordinal() in store.activity.past().logs["trail"].covered[ACCOUNT]


# Writes units one after another and kills itself with SIGKILL, as no handler can see, at a statement of the second.
_WRITE_AND_DIE = """
import os, pickle, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from scanner.store.store import open_store

url, at, given = sys.argv[1:]
head, units, now = pickle.loads(Path(given).read_bytes())
with open_store(url) as store:
    store.activity.write("trail", head, units[:1], {}, now)
    left = [int(at)]

    def count(*_):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)
    store.activity.write("trail", head, units[1:], {}, now)
"""


@pytest.mark.parametrize("at", [2, 4, 6])
def test_a_kill_leaves_units_whole(url: str, at: int, forks: Forks, tmp_path: Path) -> None:
    """The first unit stays; resumed, nothing is counted twice and nothing is missing."""
    given = tmp_path / "given"
    given.write_bytes(pickle.dumps((HEAD, _UNITS, NOW)))
    killed = forks.run(_WRITE_AND_DIE, url, str(at), str(given))
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    with open_store(url) as store:
        assert store.check() == ()
        once = contents(store.activity.past())
        assert once[0]["trail"].covered == {ACCOUNT: {ago(2).toordinal()}}
        write(store, *_UNITS)
        resumed = contents(store.activity.past())
    with open_store("sqlite://") as fresh:
        write(fresh, *_UNITS)
        assert resumed == contents(fresh.activity.past())


FALSIFIED = {
    "a log": ("UPDATE audit_log SET body = replace(body, 'aws', 'gcp')", "audit_log"),
    "a removed log": ("DELETE FROM audit_log", "trail"),
    "a unit": ("UPDATE log_unit SET digest = 'x' WHERE number = 1", "log_unit"),
    "a unit's day": ("UPDATE log_unit SET coverage = replace(coverage, '[', '')", "log_unit"),
    "a removed unit": ("DELETE FROM log_unit WHERE number = 1", "unit 1"),
    "a caller": ("UPDATE log_caller SET caller = 'someone else' WHERE number = 1", "log_caller"),
    "a removed caller": ("DELETE FROM log_caller WHERE number = 1", "caller 1"),
    "a feature": ("UPDATE log_feature SET feature = 'read=s3:X' WHERE caller = 1 AND number = 0", "log_feature"),
    "a removed feature": ("DELETE FROM log_feature WHERE caller = 1 AND number = 0", "caller 1"),
    "a day": ("UPDATE log_day SET body = replace(body, '2,', '9,')", "log_day"),
    "a removed day": ("DELETE FROM log_day WHERE unit = 1", "1 days"),
    "a moved day": ("UPDATE log_day SET unit = 1, day = day + 1 WHERE unit = 2", "unit"),
    "a change": ("UPDATE log_change SET body = replace(body, 'iam', 'aim')", "log_change"),
    "a removed change": ("DELETE FROM log_change", "1 changes"),
}
WEEK_AGO = (unit(ago(3), changes=(CHANGE,)), unit(ago(2)))
on_every_falsehood = pytest.mark.parametrize(("statement", "named"), FALSIFIED.values(), ids=FALSIFIED)


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest) -> Store:
    """A store of a week, on a database that others can write to."""
    store = empty_store(request.param)
    write(store, *WEEK_AGO)
    return store


@on_every_falsehood
def test_nothing_falsified_is_silently_trusted(shared: Store, statement: str, named: str) -> None:
    """Reading refuses, a check names it; a scan takes the day for a gap, reads it anew, and all is well."""
    assert shared.check() == ()
    whole = contents(shared.activity.past())
    falsify(shared, statement)

    with pytest.raises(DamagedRow):
        contents(shared.activity.past())
    assert any(named in problem.what for problem in shared.check())

    damage = shared.activity.damage()
    log = shared.activity.past(damage).logs.get("trail")
    assert log is None or ago(3).toordinal() not in log.covered.get(ACCOUNT, ())
    assert log is None or ago(3).toordinal() in log.gaps[ACCOUNT]
    known = shared.activity.states(["trail"], damage)["trail"].known
    assert log is None or f"{ACCOUNT}/{ago(3)}" not in known

    write(shared, *WEEK_AGO)
    if named == "unit 1":  # no one can say what rows of a unit that is lost were replaced by
        shared.repair()
        write(shared, *WEEK_AGO, gaps=dict.fromkeys(shared.activity.states(["trail"])["trail"].gaps, ()))
    assert contents(shared.activity.past(shared.activity.damage())) == whole


@on_every_falsehood
def test_a_repair_leaves_gaps_that_are_read_again(shared: Store, statement: str, named: str) -> None:
    """Afterwards the store is sound, and the day is none that was read."""
    whole = contents(shared.activity.past())
    falsify(shared, statement)

    repaired = shared.repair()

    assert all(problem.repaired for problem in repaired)
    assert any(named in problem.what for problem in repaired)
    assert shared.check() == ()
    log = shared.activity.past().logs.get("trail")
    assert log is None or ago(3).toordinal() not in log.covered.get(ACCOUNT, ())
    state = shared.activity.states(["trail"])["trail"]
    write(shared, *WEEK_AGO, gaps=dict.fromkeys(state.gaps, ()))
    assert contents(shared.activity.past()) == whole
    assert shared.check() == ()


def test_pruning_merges_weeks_and_forgets(store: Store) -> None:
    """Counts of whole weeks stay what they were; days before them are not taken in again."""
    days = [unit(ago(day), caller_day(ago(day), events=day)) for day in range(130)]
    hole = LogDay(scope=ACCOUNT, day=ago(100), status="denied", detail="no")
    write(store, *days[:100], *days[101:], unit(ago(500), caller_day(ago(500), "long gone")), gaps={"g": [hole]})
    before = store.activity.past().logs["trail"]

    store.activity.prune(TODAY, keep_days=90)
    past = store.activity.past()
    begin = ago(90).toordinal() - ago(90).weekday()
    read = {one.caller.caller: one.days for one in past.read([caller.number for caller in past.callers])}

    assert store.check() == ()
    assert past.logs["trail"].covered[ACCOUNT] == {
        day for day in before.covered[ACCOUNT] if day >= ago(400).toordinal()
    }
    assert past.logs["trail"].gaps[ACCOUNT][ago(100).toordinal()] == hole
    assert read.keys() == {BOT}
    assert {counts.days for day, counts in read[BOT] if day < begin} == {7}
    assert {counts.days for day, counts in read[BOT] if day >= begin} == {1}
    assert sum(counts.events for _, counts in read[BOT]) == sum(day for day in range(130) if day != 100)
    assert all(day % 7 == 1 for day, counts in read[BOT] if counts.days == 7)
    assert store.activity.states(["trail"])["trail"].merged_until == begin

    once = contents(past)
    write(store, *days)
    store.activity.prune(TODAY, keep_days=90)
    again = contents(store.activity.past())
    assert (again[0]["trail"].covered, again[1]) == (once[0]["trail"].covered, once[1])
    store.activity.prune(TODAY + timedelta(days=600), keep_days=90)
    assert store.activity.past().callers == ()
    assert store.check() == ()


def test_as_of_a_moment(store: Store) -> None:
    """What was read later does not count, whether it is new or replaces something; once pruned, what replaced it."""
    write(store, unit(ago(3)), unit(ago(2)))
    then = contents(store.activity.past(as_of=NOW))
    later = NOW + timedelta(days=2)
    write(store, unit(ago(2), caller_day(ago(2), events=7), digest="2"), unit(ago(9), digest="1"), at=later)

    assert contents(store.activity.past(as_of=NOW)) == then
    store.activity.prune(TODAY + timedelta(days=5), keep_days=90)
    assert contents(store.activity.past(as_of=NOW)) == then
    now = contents(store.activity.past())
    store.activity.prune(TODAY + timedelta(days=10), keep_days=90)
    assert contents(store.activity.past()) == now
    assert store.check() == ()
    past = store.activity.past(as_of=NOW)
    ((first, _), (second, counts)) = next(iter(past.read([past.callers[0].number]))).days
    assert (first, second, counts.events) == (ago(3).toordinal(), ago(2).toordinal(), 7)
    store.activity.prune(TODAY + timedelta(days=120), keep_days=90)
    assert store.check() == ()
    assert sum(len(one.days) for one in store.activity.past().read([1])) == 2


def test_a_unit_of_many_days_loses_only_the_old_ones(store: Store) -> None:
    """A file that goes on growing, read again after some of its days were merged, counts nothing twice."""
    days = tuple(caller_day(ago(day)) for day in range(1, 121))
    whole = unit(
        ago(1), *days, name="audit.log", coverage=tuple(LogDay(scope=ACCOUNT, day=ago(n)) for n in range(1, 121))
    )
    write(store, whole)
    store.activity.prune(TODAY, keep_days=90)
    once = contents(store.activity.past())

    write(store, replace(whole, unit=replace(whole.unit, digest="2")))

    assert contents(store.activity.past()) == once
    assert store.check() == ()


def _within(chance: random.Random, day: date) -> tuple[datetime, datetime]:
    """Two moments of a job that works for an hour every night."""
    begun = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=3)
    first, last = sorted(chance.randint(0, 3600) for _ in range(2))
    return begun + timedelta(seconds=first), begun + timedelta(seconds=last)


def test_a_day_is_small(url: str) -> None:
    """A median day takes at most 450 bytes, with the ids of its row, and its share of what stands once.

    It was 300 without the times of what was done. Those of a job that does all at once take less.
    """
    chance = random.Random(7)  # noqa: S311  # the same numbers every time
    actions = [
        f"{sort}={service}:Action{n}"
        for sort in ("read", "write")
        for service in ("s3", "sqs", "kms")
        for n in range(9)
    ]
    with open_store(url) as store:
        for day in range(1, 29):
            callers = []
            for number in range(40):
                chosen = chance.sample(actions, chance.randint(3, 14))
                uuids = [f"{chance.getrandbits(32):08x}-0000-4000-8000-{chance.getrandbits(48):012x}" for _ in chosen]
                others = ["region=eu-west-1", "network=10.0.0.0/24", "client=boto3", "credential=ASIA", "assumed_by=ci"]
                counts = {text: (chance.randint(1, 900), 0, 0) for text in (*chosen, *others)}
                samples = dict(zip(chosen, uuids, strict=True))
                times = {text: _within(chance, ago(day)) for text in counts if feature_of(text).sort in TIMED}
                callers.append(
                    caller_day(
                        ago(day), f"{BOT}{number}", events=1800, counts=counts, samples=samples, times=times,
                        first_at=min(first for first, _ in times.values()),
                        last_at=max(last for _, last in times.values()),
                    )
                )  # fmt: skip
            write(store, unit(ago(day), *callers))
    engine = connect(url, create=False)
    with reading(engine) as connection:
        sizes = [sum(len(str(value)) for value in row) for row in connection.execute(select(schema.log_day))]
    engine.dispose()

    assert median(sizes) <= 450
