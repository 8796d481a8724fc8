"""Leaked keys that reports name: how severe, which first, and when an identity stands for a key that was not read."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.access.exposures import by_subject, matched
from scanner.model import Assessment, Exposure, Finding, Identity, Privilege, PrivilegeLevel
from scanner.rules.base import RuleContext
from scanner.rules.evaluation import JudgedSnapshot, evaluate
from tests.factories import NOW, days_ago, make_assessment, make_credential, make_exposure, make_identity

KEY = make_credential(created_at=days_ago(10), last_used_at=days_ago(1))
HELD = make_identity(credentials=(KEY,))
NAMED = make_identity(credentials=())
UNREAD = replace(NAMED, unread=("credentials",))
BY_ARN = make_exposure(key_id="AKIAGONE", holder=NAMED.key)


def _found(identity: Identity, *exposures: Exposure, level: PrivilegeLevel = "normal", **facts: Any) -> list[Finding]:
    one = make_assessment(identity, privilege=Privilege(level=level), **facts)
    return _findings(exposures, one, fresh=one.rechecked)


def _findings(exposures: tuple[Exposure, ...], one: Assessment, *, fresh: bool = True) -> list[Finding]:
    subjects = by_subject(matched(exposures, [one.identity]))
    read, kept = ([one], []) if fresh else ([], [one])
    found = evaluate(JudgedSnapshot(assessments=read, carried=kept), RuleContext(now=NOW, exposures=subjects))
    return [finding for finding in found if finding.rule.startswith("exposed_")]


@pytest.mark.parametrize(
    ("level", "facts", "severity", "priority"),
    [
        ("admin", {"verified": True}, "critical", 1),
        ("escalation", {"public": True}, "critical", 1),
        ("admin", {}, "critical", 2),
        ("admin", {"verified": False}, "critical", 2),
        ("high", {}, "critical", 3),
        ("unknown", {}, "high", 3),
        ("normal", {"verified": True}, "high", 3),
        ("normal", {}, "high", 4),
    ],
)
def test_severity_and_priority(level: PrivilegeLevel, facts: dict[str, Any], severity: str, priority: int) -> None:
    """A live key of a privileged identity is critical; a key that works for certain goes first."""
    (finding,) = _found(HELD, make_exposure(KEY, **facts), level=level)

    assert (finding.rule, finding.severity, finding.credential) == ("exposed_credential", severity, KEY.key)
    assert finding.evidence["rotation_priority"] == priority


def test_evidence_names_places_and_committers() -> None:
    """The first five, in order, with the oldest time: nothing that changes from night to night."""
    places = [
        make_exposure(
            KEY, key=f"exposure:{line}", line=line, exposed_at=days_ago(line), committer=f"p{line}@example.com"
        )
        for line in range(1, 8)
    ]
    (finding,) = _found(
        HELD, *reversed(places), make_exposure(KEY, key="x", commit=None, committer=None, exposed_at=None)
    )

    assert finding.evidence == {
        "kind": "access_key",
        "id": KEY.id,
        "created_at": "2026-11-15T08:00:00Z",
        "places": ["acme/shop prod.env:1 in 1a5905257dce", "acme/shop prod.env:2 in 1a5905257dce",
                   "acme/shop prod.env:3", "acme/shop prod.env:3 in 1a5905257dce",
                   "acme/shop prod.env:4 in 1a5905257dce"],
        "more_places": 3,
        "committers": ["p1@example.com", "p2@example.com", "p3@example.com", "p4@example.com", "p5@example.com"],
        "exposed_at": "2026-11-18T08:00:00Z",
        "privilege": "normal",
        "rotation_priority": 4,
    }  # fmt: skip


def test_a_key_that_does_not_work_is_no_finding() -> None:
    """Disabled or expired; nor is one that the provider does not list any more, though it names its identity."""
    for facts in ({"enabled": False}, {"expires_at": days_ago(1)}):
        assert _found(replace(HELD, credentials=(replace(KEY, **facts),)), make_exposure(KEY)) == []
    assert _found(NAMED, BY_ARN) == []


@pytest.mark.parametrize(
    ("facts", "level", "severity"),
    [
        ({}, "normal", "high"),
        ({"verified": True}, "admin", "critical"),
        ({}, "unknown", "high"),
        ({"verified": False}, "admin", None),
    ],
)
def test_a_key_that_was_not_read_may_work(facts: dict[str, Any], level: PrivilegeLevel, severity: str | None) -> None:
    """The finding is the identity's, unless the scanner found the key dead."""
    found = _found(UNREAD, replace(BY_ARN, **facts), level=level)

    assert [(one.rule, one.severity, one.credential) for one in found] == (
        [] if severity is None else [("exposed_identity", severity, None)]
    )
    assert all(one.evidence["ids"] == ["AKIAGONE"] for one in found)


def test_a_root_users_keys_have_no_ids() -> None:
    """So that any key of it that leaked may be one of those that it has; without any, it is gone."""
    root = make_identity("root", kind="root", credentials=(make_credential("root", "root-key-1"),))
    leaked = make_exposure(key_id="AKIAGONE", holder=root.key)

    (found,) = _found(root, leaked, level="admin")
    assert (found.rule, found.severity) == ("exposed_identity", "critical")
    assert _found(replace(root, credentials=()), leaked, level="admin") == []


def test_identities_that_were_not_read_again_are_judged_by_new_reports() -> None:
    """By these rules alone, and as not re-checked."""
    (of_key,) = _found(HELD, make_exposure(KEY), rechecked=False)
    (of_name,) = _found(NAMED, BY_ARN, rechecked=False)

    assert [(one.rule, one.rechecked) for one in (of_key, of_name)] == [
        ("exposed_credential", False),
        ("exposed_identity", False),
    ]
