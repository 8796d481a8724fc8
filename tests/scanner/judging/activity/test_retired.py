"""Who is refused because of a retirement is heard, once, with the way back; nobody else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from scanner.judging.activity.judge import Circumstances, Known, judge_activity
from scanner.model import ActivityPolicy, Grant, Policy
from scanner.model.activity import Deviation
from scanner.model.retirement import RetirementStarted, StagePlan, grants_of
from tests.activity import make_past
from tests.factories import NOW, days_ago, make_assessment, make_identity

BOT = make_identity("old-bot", grants=(Grant(name="p", via="direct"),), enabled=True)
BEGUN = RetirementStarted(
    identity=BOT.key, name="old-bot", at=days_ago(10), by="ada", wait_days=30, verdict="safe",
    grants=tuple(grants_of(BOT)),
    plan=(StagePlan(stage="lowered", undo=("attach",)), StagePlan(stage="disabled", undo=("activate",))),
)  # fmt: skip
REFUSED = {"read=s3:GetObject": -2, "network=203.0.113.0/24": -2, "client=boto3": -2}


def heard(
    did: dict[int, Any], identity: Any = BOT, begun: RetirementStarted | None = BEGUN, **more: Any
) -> list[Deviation]:
    past = make_past({BOT.key: did}, **{one: more.pop(one) for one in ("signed_in",) if one in more})
    known = Known(past=past, retiring={} if begun is None else {BOT.key: begun})
    given = Circumstances(
        policy=Policy(), activity=ActivityPolicy(), roster=None, entry_of=lambda _: None, now=NOW, **more
    )
    (one,) = judge_activity([make_assessment(identity)], known, given).assessments
    return [found for found in one.deviations if found.rule == "retired_identity_called"]


LOWERED, DISABLED = replace(BOT, grants=()), replace(BOT, enabled=False)


def test_refused_calls_since_the_start_are_one_finding() -> None:
    """With caller, host, minute and the way back, the last stage first."""
    for identity in (LOWERED, DISABLED):
        (found,) = heard({20: REFUSED, 5: REFUSED, 3: REFUSED}, identity)

        assert found.facts["days"] == 2
        assert (found.facts["caller"], found.facts["host"]) == ("boto3", "203.0.113.0/24")
        assert found.facts["minute"] == f"{days_ago(3):%Y-%m-%d} 03:30 UTC"
        assert found.facts["way_back"] == ["activate", "attach"]
        assert found.explained is None


def test_what_succeeds_or_was_before_or_is_no_retirement_is_silent() -> None:
    assert heard({3: {"read=s3:GetObject": 2}}, LOWERED) == []
    assert heard({20: REFUSED}, DISABLED) == []
    assert heard({3: REFUSED}, DISABLED, None) == []


def test_before_a_scan_saw_it_lowered_only_calls_after_the_scan_count() -> None:
    """People run the plan, and the log is read before the next scan."""
    assert heard({3: REFUSED}) == []
    assert len(heard({3: REFUSED}, scanned_at=days_ago(4))) == 1
    assert heard({5: REFUSED}, scanned_at=NOW - timedelta(days=4)) == []
