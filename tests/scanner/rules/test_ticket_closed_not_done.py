"""A ticket that people closed, held against what a later scan still finds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scanner.model import Acknowledged, ClosedTicket, Finding, Policy
from scanner.rules.base import RuleContext
from scanner.rules.evaluation import evaluate_tickets
from tests.factories import NOW, make_assessment

CONTEXT = RuleContext(policy=Policy(), now=NOW)
CLOSED = NOW - timedelta(days=1)
HERE = make_assessment("here")


def finding(fingerprint: str = "f1", **facts: Any) -> Finding:
    """A finding on the identity, which the ticket had."""
    defaults: dict[str, Any] = {"rule": "orphaned", "severity": "high", "identity": HERE.identity.key}
    defaults |= {"title": "t", "remediation": "r", "first_seen": CLOSED - timedelta(days=3)}
    return Finding(fingerprint=fingerprint, **{**defaults, **facts})


def ticket(*findings: str, **facts: Any) -> ClosedTicket:
    """A ticket that was closed a day before the scan."""
    return ClosedTicket(**{"target": "sec", "shown": "SEC-1", "closed_at": CLOSED, "findings": findings, **facts})


def test_it_names_the_ticket_and_what_is_left() -> None:
    """One finding an identity, however many of the ticket's are left, and of several tickets the one closed first."""
    later = ticket("f1", "f2", shown="SEC-2", closed_at=CLOSED + timedelta(hours=1))
    found = evaluate_tickets(
        [later, ticket("f1", "f2", "gone")], [finding(), finding("f2", rule="dormant")], [HERE], CONTEXT
    )

    (one,) = found
    assert (one.rule, one.severity, one.identity) == ("ticket_closed_not_done", "medium", HERE.identity.key)
    assert one.evidence == {
        "ticket": "SEC-1",
        "system": "sec",
        "closed_at": "2026-11-24T08:00:00Z",
        "rules": ["dormant", "orphaned"],
    }


@pytest.mark.parametrize(
    ("closed", "findings", "rechecked"),
    [
        ([], [finding()], True),
        ([ticket("f1")], [], True),
        ([ticket("f2")], [finding()], True),
        ([ticket("f1")], [finding(first_seen=CLOSED + timedelta(hours=1))], True),
        ([ticket("f1")], [finding(acknowledged=Acknowledged(reason="r", by="b", until=NOW.date()))], True),
        ([ticket("f1")], [finding()], False),
    ],
    ids=["no ticket", "done", "another's", "came back later", "accepted", "not read"],
)
def test_it_is_silent(closed: list[ClosedTicket], findings: list[Finding], rechecked: bool) -> None:
    """Where the ticket was right, or no one knows."""
    assert evaluate_tickets(closed, findings, [make_assessment("here", rechecked=rechecked)], CONTEXT) == ()
