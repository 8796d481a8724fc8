"""``safe`` is said only where every kind of use was covered, and nothing could start it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scanner.lifecycle.retirement.verdict import Evidence, Judgement, LogDays, judge
from scanner.model.retirement import Dependent
from tests.factories import NOW, days_ago, make_assessment, make_coverage, make_credential, make_identity

TODAY = NOW.date().toordinal()
EVERY_DAY = frozenset(range(TODAY - 90, TODAY))


def judged(*, identity: dict[str, Any] | None = None, rechecked: bool = True, **facts: Any) -> Judgement:
    """The verdict on a user without use whose use AWS records."""
    one = make_assessment(make_identity(**(identity or {})), rechecked=rechecked)
    return judge(Evidence(judged=one, read_at=NOW, now=NOW, window_days=90, **facts))


def log(covered: frozenset[int] = EVERY_DAY, *, conclusive: bool = True, **facts: Any) -> LogDays:
    return LogDays(log="audit", conclusive=conclusive, covered=covered, **facts)


BOUND = Dependent(kind="workload", what="lambda:nightly", evidence="runs as it", source="prod", starts=True)
UNTRACKED = {"use_tracked_days": None}


def test_a_whole_record_without_use_is_safe() -> None:
    found = judged()

    assert found.verdict == "safe"
    assert found.to_know == ()
    assert "never used" in found.because[0]


def test_logs_that_record_every_use_are_enough() -> None:
    assert judged(identity=UNTRACKED, logs=(log(),)).verdict == "safe"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"identity": {"last_used_at": days_ago(3)}}, "by the record of prod"),
        ({"identity": {"credentials": (make_credential(last_used_at=days_ago(89)),)}}, "access key AKIAEXAMPLE1"),
        ({"used_at": days_ago(89), "logs": (log(),)}, "by log audit"),
        ({"identity": {"enabled": False}, "refused_at": days_ago(7), "logs": (log(),)}, "was refused"),
    ],
)
def test_any_use_in_the_window_is_in_use(facts: dict[str, Any], told: str) -> None:
    """Also of a single credential, in a log alone, and by a caller that is refused because it is disabled."""
    found = judged(**facts)

    assert found.verdict == "in_use"
    assert told in " ".join(found.because)


@pytest.mark.parametrize(
    ("facts", "to_know"),
    [
        ({"identity": UNTRACKED}, "GenerateCredentialReport"),
        ({"identity": {"use_tracked_days": 30}}, "--window 30"),
        ({"identity": {"created_at": days_ago(10)}}, "Wait until 2027-02-13"),
        ({"identity": UNTRACKED, "logs": (log(EVERY_DAY - {TODAY - 40}),)}, "or wait until 2027-01-15"),
        ({"identity": UNTRACKED, "logs": (log(), log(frozenset()))}, "muster activity audit --since 2026-08-27"),
        ({"identity": UNTRACKED, "logs": (log(EVERY_DAY - {TODAY - 40}, silent=frozenset({TODAY - 40})),)},
         "ask with `--window 39`. Scan every night"),
        ({"identity": UNTRACKED, "logs": (log(EVERY_DAY - {TODAY - 1}, silent=frozenset({TODAY - 1})),)},
         "another copy of audit. Scan every night: each scan leaves events in the log, so that 2027-02-23 tells"),
        ({"identity": UNTRACKED, "logs": (log(conclusive=False),)}, "GenerateCredentialReport"),
        ({"dependents": (BOUND,)}, "lambda:nightly"),
        ({"refused_at": days_ago(2)}, "Find who calls"),
        ({"rechecked": False}, "scan again"),
        ({"identity": {"unread": ("credentials",)}}, "its credentials"),
        ({"coverage": (make_coverage(status="denied", section="lambda.functions", permission="lambda:List*"),)},
         "lambda.functions of 123456789012, denied (needs lambda:List*)"),
    ],
)  # fmt: skip
def test_anything_less_is_unknown_with_the_way_to_know(facts: dict[str, Any], to_know: str) -> None:
    found = judged(**facts)

    assert found.verdict == "unknown"
    assert to_know in " ".join(found.to_know)


def test_silent_and_unread_days_are_told_apart() -> None:
    """A day that one log is silent on and another one lacks was not read."""
    days, silent = EVERY_DAY - {TODAY - 40, TODAY - 50}, frozenset({TODAY - 40, TODAY - 50})
    (told,) = judged(identity=UNTRACKED, logs=(log(days, silent=silent), log(EVERY_DAY - {TODAY - 50}))).because[1:]

    assert "1 day is not covered by audit, audit: 2026-10-06" in told
    assert "1 day has no event of anybody in audit, audit: 2026-10-16" in told


def test_a_reading_of_long_ago_says_nothing_of_the_days_since() -> None:
    one = make_assessment(make_identity())
    given = Evidence(judged=one, read_at=NOW - timedelta(days=4), now=NOW, window_days=90)

    assert judge(given).verdict == "unknown"
    assert "Scan again: the reading is old." in judge(given).to_know


def test_a_gap_of_another_source_that_hides_no_workload_changes_nothing() -> None:
    other = make_coverage(source="other", status="denied")

    assert judged(coverage=(other,)).verdict == "safe"


def test_a_credential_is_judged_by_its_own_use() -> None:
    """Though the other one of the user is in use."""
    old, new = make_credential(), make_credential("svc-billing", "AKIAEXAMPLE2", last_used_at=days_ago(1))
    identity = {"credentials": (old, new), "last_used_at": days_ago(1)}

    assert judged(identity=identity, credential=old).verdict == "safe"
    assert judged(identity=identity, credential=new).verdict == "in_use"
