"""A retirement moves on by what scans read, never by what was said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.lifecycle.retirement.stages import CALLED, RetirementSeen, followed, state_of
from scanner.model import Grant, Identity, Trust
from scanner.model.retirement import (
    RetirementRecord,
    RetirementStarted,
    RetirementStopped,
    Stage,
    StagePlan,
    grants_of,
    periods,
    standing,
)
from tests.factories import NOW, days_ago, make_credential, make_finding, make_identity

READ, WRITE = (Grant(name=name, via="direct") for name in ("read", "write"))
WHOLE = make_identity(grants=(READ, WRITE), unique_id="AIDA1", enabled=True)


def begun(identity: Identity = WHOLE, **facts: Any) -> RetirementStarted:
    grants = tuple(sorted(grants_of(identity)))
    given: dict[str, Any] = {"at": days_ago(60), "by": "ada", "wait_days": 30, "verdict": "safe", "grants": grants}
    return RetirementStarted(identity=identity.key, name=identity.name, unique_id="AIDA1", **{**given, **facts})


def stage(now: Identity | None, *history: tuple[float, Identity], **facts: Any) -> Stage | None:
    seen = [(days_ago(days), one) for days, one in history]
    return state_of(begun(**facts), RetirementSeen(at=NOW, now=now, history=seen)).stage


DISABLED = replace(WHOLE, enabled=False)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (WHOLE, None),
        (replace(WHOLE, grants=(READ,)), "lowered"),
        (replace(WHOLE, grants=()), "lowered"),
        (replace(WHOLE, grants=(READ, Grant(name="list", via="direct"))), None),
        (replace(WHOLE, grants=(READ,), unread=("permissions",)), None),
        (DISABLED, "disabled"),
        (None, "deleted"),
        (replace(WHOLE, unique_id="AIDA2"), "deleted"),
    ],
)
def test_the_stage_is_what_was_read(now: Identity | None, expected: Stage | None) -> None:
    assert stage(now) == expected


def test_the_wait_counts_from_the_first_scan_that_saw_it_disabled_without_a_break() -> None:
    assert stage(DISABLED, (50, WHOLE), (31, DISABLED)) == "waited"
    assert stage(DISABLED, (50, WHOLE), (29, DISABLED)) == "disabled"
    assert stage(DISABLED, (50, DISABLED), (20, WHOLE), (10, DISABLED)) == "disabled"


def test_the_wait_begins_anew_when_somebody_calls() -> None:
    heard = make_finding(rule=CALLED, evidence={"last_at": days_ago(5).isoformat()})
    seen = RetirementSeen(at=NOW, now=DISABLED, history=[(days_ago(40), DISABLED)], findings=[heard])
    state = state_of(begun(), seen)

    assert (state.stage, state.heard_at, state.is_heard) == ("disabled", days_ago(5), True)


@pytest.mark.parametrize(
    ("has_log", "heard_in", "is_heard"),
    [(True, ("disabled",), True), (True, (), None), (False, ("disabled",), None)],
)
def test_silence_means_something_only_where_it_would_be_broken(
    has_log: bool, heard_in: tuple[Stage, ...], is_heard: bool | None
) -> None:
    state = state_of(begun(heard_in=heard_in), RetirementSeen(at=NOW, now=DISABLED, has_log=has_log))

    assert state.is_heard is is_heard


def test_what_has_no_switch_is_disabled_otherwise() -> None:
    """A role of AWS when nobody is let in, an account of Kubernetes when nothing binds it."""
    trust = Trust(principal="aws", kind="service", evidence="ec2")

    assert stage(replace(WHOLE, trusts=(trust,)), switch="trusts") is None
    assert stage(WHOLE, switch="trusts") == "disabled"
    assert stage(replace(WHOLE, unread=("trusts",)), switch="trusts") is None
    assert stage(replace(WHOLE, grants=()), switch="grants") == "disabled"


def test_one_credential_is_followed_by_itself() -> None:
    key = make_credential()
    held = replace(WHOLE, credentials=(key,))

    assert stage(held, credential=key.key) is None
    assert stage(replace(held, credentials=(replace(key, enabled=False),)), credential=key.key) == "disabled"
    assert stage(replace(held, credentials=()), credential=key.key) == "deleted"
    assert stage(replace(held, credentials=(), unread=("credentials",)), credential=key.key) == "disabled"


def test_what_was_stopped_is_no_longer_under_way() -> None:
    first = begun()
    ended = RetirementStopped(identity=first.identity, at=first.at + timedelta(days=1), by="ada")
    again = begun(at=first.at + timedelta(days=2))
    records: list[RetirementRecord] = [first, ended]

    assert standing(records) == ()
    assert standing([*records, again]) == (again,)
    assert periods([*records, again]) == ((first, ended.at), (again, None))


# --- What was deleted ---

GONE_AT = days_ago(10)
LISTENING = range(days_ago(59).toordinal(), GONE_AT.toordinal())
"""The days between the start and the end that a log covers in full."""


def gone(*history: tuple[float, Identity], covered: Iterable[int] = LISTENING, **facts: Any) -> RetirementSeen:
    """Of an identity that was deleted ten days ago."""
    seen = [(days_ago(days), one) for days, one in history]
    given: dict[str, Any] = {"has_log": True, "covered": frozenset(covered), **facts}
    return RetirementSeen(at=NOW, now=None, history=seen, gone_at=GONE_AT, **given)


def test_it_is_deleted_since_the_first_scan_that_no_longer_saw_it() -> None:
    recreated = replace(WHOLE, unique_id="AIDA2")
    anew = RetirementSeen(at=NOW, now=recreated, history=[(days_ago(50), WHOLE), (days_ago(3), recreated)])

    assert state_of(begun(), gone((50, WHOLE))).stage_since == GONE_AT
    assert state_of(begun(), anew).stage_since == days_ago(3)
    assert state_of(begun(), RetirementSeen(at=NOW, now=None)).stage_since is None  # its versions were pruned


@pytest.mark.parametrize(
    ("seen", "heard_in", "is_heard"),
    [
        pytest.param(gone((60, DISABLED)), ("disabled",), True, id="every day was heard"),
        pytest.param(gone((60, DISABLED), covered=list(LISTENING)[1:]), ("disabled",), None, id="a day is missing"),
        pytest.param(gone((60, WHOLE), (12, DISABLED)), ("disabled",), None, id="for less than the wait"),
        pytest.param(gone((60, DISABLED), has_log=False), ("disabled",), None, id="no log"),
        pytest.param(gone((60, DISABLED)), ("lowered",), None, id="while nothing is recorded"),
        pytest.param(
            gone((60, replace(WHOLE, grants=())), (20, DISABLED)),
            ("lowered",),
            True,
            id="denied before it was disabled",
        ),
    ],
)
def test_nobody_was_harmed_only_where_every_day_of_the_wait_was_heard(
    seen: RetirementSeen, heard_in: tuple[Stage, ...], is_heard: bool | None
) -> None:
    state = state_of(begun(heard_in=heard_in), seen)

    assert (state.stage, state.is_heard, state.heard_at) == ("deleted", is_heard, None)


def test_a_refused_call_outlives_its_finding_and_the_identity() -> None:
    """But one from before the start was not caused by it."""
    calls = [make_finding(rule=CALLED, evidence={"last_at": days_ago(days).isoformat()}) for days in (70, 40)]
    state = state_of(begun(), gone((60, DISABLED), findings=calls))

    assert (state.stage, state.heard_at) == ("deleted", days_ago(40))
    assert state_of(begun(), gone((60, DISABLED), findings=calls[:1])).heard_at is None


# --- What is next ---

PLAN = (
    StagePlan(stage="lowered", commands=("lower",), undo=("raise",)),
    StagePlan(stage="disabled", commands=("disable",), undo=("enable",)),
    StagePlan(stage="waited", says=("Listen.",)),
    StagePlan(stage="deleted", commands=("delete",), says=("Final.",)),
)


@pytest.mark.parametrize(
    ("now", "history", "stage", "commands", "way_back"),
    [
        (WHOLE, [], "lowered", ("lower",), ()),
        (replace(WHOLE, grants=(READ,)), [], "disabled", ("disable",), ("raise",)),
        (DISABLED, [], "waited", (), ("enable", "raise")),
        (DISABLED, [(days_ago(40), DISABLED)], "deleted", ("delete",), ("enable", "raise")),
        (None, [], None, ("muster retire --stop " + WHOLE.key,), ()),
    ],
)
def test_the_commands_of_the_next_stage(
    now: Identity | None, history: list[Any], stage: Stage | None, commands: tuple[str, ...], way_back: tuple[str, ...]
) -> None:
    record = begun(plan=PLAN)
    told = followed(record, state_of(record, RetirementSeen(at=NOW, now=now, history=history)), []).next

    assert (told.stage, told.commands, told.way_back) == (stage, commands, way_back)


def test_a_stage_without_commands_is_passed_over() -> None:
    record = begun(plan=(StagePlan(stage="lowered", says=("Nothing to lower.",)), PLAN[1]))
    told = followed(record, state_of(record, RetirementSeen(at=NOW, now=WHOLE)), []).next

    assert (told.stage, told.commands) == ("disabled", ("disable",))


def test_a_scream_asks_somebody_to_decide() -> None:
    """It is named with caller and host, and no command goes on."""
    facts = {"last_at": days_ago(2).isoformat(), "caller": "curl/8", "host": "192.0.2.7", "events": 3}
    heard = make_finding(rule=CALLED, evidence=facts)
    record = begun(plan=PLAN)
    seen = RetirementSeen(at=NOW, now=DISABLED, history=[(days_ago(20), DISABLED)], findings=[heard])
    told = followed(record, state_of(record, seen), [heard])

    assert [(one.caller, one.host, one.events) for one in told.screams] == [("curl/8", "192.0.2.7", 3)]
    assert (told.next.stage, told.next.commands, told.next.way_back) == (None, (), ("enable", "raise"))
    assert f"until {days_ago(-28):%Y-%m-%d %H:%M}" in told.next.says[-1]
