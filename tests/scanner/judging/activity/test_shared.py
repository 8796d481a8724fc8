"""When a new network or client is a change of many, and when it is the business of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.judging.activity.shared import LEAST_MEMBERS, Candidate, Span, moves

DAY, HOUR = 86_400, 3600
OLD, NEW, SWITCH = "10.0.0.0/24", "203.0.113.0/24", 100


def _span(day: int, first: int, last: int) -> Span:
    return Span(day, day * DAY + first * HOUR, day * DAY + last * HOUR)


def _moved(name: str, *, until: int = SWITCH + 3, at: int = 10, is_odd: bool = False) -> Candidate:
    """From the old network to the new one, at an hour of the day of the switch."""
    old = [*(_span(day, 0, 23) for day in range(SWITCH - 14, SWITCH)), _span(SWITCH, 0, at)]
    new = [_span(SWITCH, at, 23), *(_span(day, 0, 23) for day in range(SWITCH + 1, until + 1))]
    return Candidate(identity=name, feature=NEW, day=SWITCH, spans={OLD: old, NEW: new}, is_odd=is_odd)


def _stolen(name: str, *, until: int = SWITCH + 3, hour: int = 10) -> Candidate:
    """The old network goes on; a thief comes from the new one."""
    old = [_span(day, 0, 23) for day in range(SWITCH - 14, until + 1)]
    return Candidate(identity=name, feature=NEW, day=SWITCH, spans={OLD: old, NEW: [_span(SWITCH, hour, hour + 1)]})


def _last(*ones: Candidate) -> dict[str, int]:
    return {name: max(one.spans[name][-1].last for one in ones if name in one.spans) for name in (OLD, NEW)}


def test_a_move_of_many_is_one_change() -> None:
    ones = [_moved(f"bot-{number:02}") for number in range(46)]
    (found,) = moves(ones, _last(*ones), 51)

    assert found.members == tuple(one.identity for one in ones)
    assert (found.replaced, found.first_day, found.apart) == ((OLD,), SWITCH, ())


def test_it_is_known_in_the_first_night_once_nobody_comes_from_the_old_network() -> None:
    ones = [_moved(f"bot-{number:02}", until=SWITCH) for number in range(46)]
    (found,) = moves(ones, _last(*ones), 51)

    assert len(found.members) == 46
    assert moves(ones, _last(*ones) | {OLD: SWITCH * DAY + 20 * HOUR}, 51) == ()


@given(st.integers(1, 60), st.integers(0, 22), st.integers(0, 3))
def test_a_thief_with_many_keys_is_never_a_move(count: int, hour: int, nights: int) -> None:
    ones = [_stolen(f"bot-{number:02}", until=SWITCH + nights, hour=hour) for number in range(count)]

    assert moves(ones, _last(*ones), count) == ()


@given(st.integers(0, 10), st.integers(5, 60), st.integers(0, 5))
def test_who_keeps_the_old_network_never_hides_behind_those_who_moved(odd: int, moved: int, stolen: int) -> None:
    ones = [
        *(_moved(f"moved-{number:02}") for number in range(moved)),
        *(_moved(f"odd-{number:02}", is_odd=True) for number in range(odd)),
        *(_stolen(f"stolen-{number:02}") for number in range(stolen)),
    ]
    for found in moves(ones, _last(*ones), len(ones)):
        assert all(name.startswith("moved") for name in found.members)
        assert stolen * 10 <= len(ones)


@pytest.mark.parametrize(("count", "active", "is_shared"), [
    (LEAST_MEMBERS, 500, True), (LEAST_MEMBERS - 1, 500, False), (3, 30, True), (2, 2, False), (4, 41, False),
])  # fmt: skip
def test_few_are_many_only_among_few(count: int, active: int, is_shared: bool) -> None:
    ones = [_moved(f"bot-{number}") for number in range(count)]

    assert bool(moves(ones, _last(*ones), active)) == is_shared


def test_a_job_that_was_silent_anyway_has_not_moved_yet() -> None:
    """A thief in the silence after the nightly run looks like a move until the next run."""
    old = [_span(day, 2, 3) for day in range(SWITCH - 14, SWITCH + 1)]
    ones = [
        Candidate(identity=f"job-{n}", feature=NEW, day=SWITCH, spans={OLD: old, NEW: [_span(SWITCH, 14, 15)]})
        for n in range(20)
    ]

    assert moves(ones, _last(*ones), 20) == ()


@pytest.mark.parametrize(("days_after", "is_shared"), [(0, False), (1, False), (6, False), (7, True)])
def test_a_weekly_job_has_moved_once_it_missed_a_run(days_after: int, is_shared: bool) -> None:
    """A thief between two runs cannot make the next run come from elsewhere."""
    old = [_span(day, 2, 3) for day in range(SWITCH - 28, SWITCH + 1, 7)]
    new = [_span(day, 14, 15) for day in range(SWITCH, SWITCH + days_after + 1)]
    ones = [Candidate(identity=f"job-{n}", feature=NEW, day=SWITCH, spans={OLD: old, NEW: new}) for n in range(20)]
    elsewhere = {OLD: (SWITCH + days_after) * DAY + 20 * HOUR}

    assert bool(moves(ones, _last(*ones) | elsewhere, 20)) == is_shared
