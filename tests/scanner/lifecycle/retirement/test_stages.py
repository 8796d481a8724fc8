"""A retirement moves on by what scans read, never by what was said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.lifecycle.retirement.stages import CALLED, state_of
from scanner.model import Grant, Identity, Trust
from scanner.model.retirement import (
    RetirementRecord,
    RetirementStarted,
    RetirementStopped,
    Stage,
    grants_of,
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
    return state_of(begun(**facts), seen, now, at=NOW).stage


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
    state = state_of(begun(), [(days_ago(40), DISABLED)], DISABLED, at=NOW, findings=[heard])

    assert (state.stage, state.heard_at, state.is_heard) == ("disabled", days_ago(5), True)


@pytest.mark.parametrize(
    ("has_log", "heard_in", "is_heard"),
    [(True, ("disabled",), True), (True, (), None), (False, ("disabled",), None)],
)
def test_silence_means_something_only_where_it_would_be_broken(
    has_log: bool, heard_in: tuple[Stage, ...], is_heard: bool | None
) -> None:
    state = state_of(begun(heard_in=heard_in), [], DISABLED, at=NOW, has_log=has_log)

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
