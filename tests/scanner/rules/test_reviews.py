"""Rules about access reviews: when a decision counts as done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scanner.model import Grant, OwnershipVerdict, Privilege
from scanner.model.reviews import ReviewOutcome
from scanner.rules.base import RuleContext
from scanner.rules.evaluation import JudgedSnapshot, evaluate
from tests.factories import NOW, make_assessment, make_credential, make_identity

KEY = make_identity().key


def outcome(decision: Any, **facts: Any) -> ReviewOutcome:
    """What the review q4 decided ten days ago."""
    since = (NOW - timedelta(days=10)).date()
    return ReviewOutcome(review="q4", key=KEY, outcome=decision, since=since, by="ada@example.com", **facts)


def found(decided: ReviewOutcome, level: Any = "high", owner: str | None = None, **facts: Any) -> dict[str, str]:
    """Rules about reviews that fire, with their severity."""
    assessment = make_assessment(
        make_identity(**facts),
        privilege=Privilege(level=level),
        ownership=OwnershipVerdict(state="owned", owner=owner),
    )
    snapshot = JudgedSnapshot(assessments=[assessment])
    context = RuleContext(now=NOW, reviews={KEY: decided})
    ours = ("_not_done", "_undecided")
    return {finding.rule: finding.severity for finding in evaluate(snapshot, context) if finding.rule.endswith(ours)}


GRANTS = (Grant(name="read", via="direct"), Grant(name="write", via="direct"))
REDUCE: dict[str, Any] = {"privilege": "high", "grants": ("read", "write"), "services": 3}


@pytest.mark.parametrize(
    ("decided", "identity", "rules"),
    [
        pytest.param(outcome("keep"), {}, {}, id="kept"),
        pytest.param(outcome("revoke"), {}, {"revocation_not_done": "high"}, id="revoked, enabled unknown"),
        pytest.param(outcome("revoke"), {"enabled": True}, {"revocation_not_done": "high"}, id="revoked, enabled"),
        pytest.param(outcome("revoke"), {"enabled": False}, {}, id="revoked and disabled"),
        pytest.param(
            outcome("revoke"),
            {"enabled": False, "credentials": (make_credential(enabled=True),)},
            {},
            id="a disabled identity counts as revoked",
        ),
        pytest.param(outcome("reduce", **REDUCE), {"grants": GRANTS}, {"reduction_not_done": "medium"}, id="as it was"),
        pytest.param(outcome("reduce", **REDUCE), {"grants": GRANTS[:1]}, {}, id="a grant less"),
        pytest.param(outcome("reduce", **REDUCE), {"grants": GRANTS, "level": "normal"}, {}, id="less privilege"),
        pytest.param(
            outcome("reduce", **REDUCE),
            {"grants": GRANTS[:1], "level": "admin"},
            {"reduction_not_done": "high"},
            id="a grant less, more privilege",
        ),
        pytest.param(
            outcome("reduce", **REDUCE),
            {"grants": GRANTS, "attributes": {"granted_services": ["a", "b"]}},
            {},
            id="the same grant for fewer services",
        ),
        pytest.param(outcome("reduce", **REDUCE), {"grants": (), "level": "unknown"}, {}, id="unknown proves nothing"),
        pytest.param(
            outcome("reassign", new_owner="bob@example.com"),
            {"owner": "ada@example.com"},
            {"reassignment_not_done": "medium"},
            id="the former owner",
        ),
        pytest.param(outcome("reassign", new_owner="bob@example.com"), {"owner": "BOB@example.com"}, {}, id="the new"),
        pytest.param(outcome("undecided"), {}, {"review_undecided": "low"}, id="no decision"),
        pytest.param(outcome("undecided"), {"level": "admin"}, {"review_undecided": "high"}, id="an admin"),
    ],
)
def test_a_decision_is_held_against_what_is_there(
    decided: ReviewOutcome, identity: dict[str, Any], rules: dict[str, str]
) -> None:
    """Until it is done, and no longer."""
    assert found(decided, **identity) == rules


def test_a_gap_proves_nothing() -> None:
    """An identity that was not read again gets no new finding."""
    snapshot = JudgedSnapshot(assessments=[make_assessment(rechecked=False)])

    assert evaluate(snapshot, RuleContext(now=NOW, reviews={KEY: outcome("revoke")})) == ()
