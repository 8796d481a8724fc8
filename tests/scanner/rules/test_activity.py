"""Findings about activity: one an identity, day and rule, with severity and evidence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scanner.model import Finding, KnownFinding, NatureVerdict, Privilege, Severity
from scanner.model.activity import Deviation, SharedChange
from scanner.rules.base import ActivityRule, History, RuleContext, fingerprint
from scanner.rules.catalog import BUILT_IN
from scanner.rules.evaluation import JudgedSnapshot, evaluate
from tests.factories import NOW, make_assessment

RULES = [rule.id for rule in BUILT_IN if isinstance(rule, ActivityRule)]
ADMIN = {"privilege": Privilege(level="admin")}


def _findings(*deviations: Deviation, **facts: Any) -> list[Finding]:
    snapshot = JudgedSnapshot(assessments=[make_assessment(deviations=deviations, **facts)])
    return [one for one in evaluate(snapshot, RuleContext(now=NOW)) if one.rule in RULES]


def _deviation(rule: str = "behaviour_changed", day: int = 20, **facts: Any) -> Deviation:
    return Deviation(rule=rule, day=date(2026, 11, day), **facts)


@pytest.mark.parametrize(
    ("rule", "facts", "of_most", "of_admins"),
    [
        ("used_outside_declaration", {}, "medium", "medium"),
        ("used_outside_declaration", {"facts": {"consequential": True}}, "high", "high"),
        ("used_after_owner_left", {}, "high", "high"),
        ("used_though_retired", {}, "high", "high"),
        ("used_after_expiry", {}, "medium", "high"),
        ("undeclared_credential_used", {}, "high", "high"),
        ("dormant_woke", {}, "medium", "high"),
        ("behaviour_changed", {}, "medium", "high"),
        ("behaviour_changed", {"explained": False}, "medium", "high"),
        ("behaviour_changed", {"explained": True}, "info", "info"),
        ("interactive_use", {}, "medium", "high"),
        ("acted_for_leaver", {}, "high", "high"),
        ("acted_without_person", {}, "low", "low"),
        ("acted_without_person", {"facts": {"entry": "NHI-1"}}, "medium", "medium"),
        ("retired_identity_called", {}, "high", "high"),
    ],
)
def test_severities(rule: str, facts: Any, of_most: Severity, of_admins: Severity) -> None:
    (found,) = _findings(_deviation(rule, **facts))
    (of_admin,) = _findings(_deviation(rule, **facts), **ADMIN)

    assert (found.severity, of_admin.severity) == (of_most, of_admins)
    assert _findings() == []


def test_every_rule_about_a_day_has_a_severity_here() -> None:
    (table,) = (mark for mark in test_severities.pytestmark if mark.name == "parametrize")

    assert {case[0] for case in table.args[1]} == set(RULES)


def test_another_day_is_another_finding() -> None:
    first, second = _findings(_deviation(day=20), _deviation(day=21))
    (again,) = _findings(_deviation(day=20, reasons=("volume",), facts={"events": 3}))

    assert first.fingerprint != second.fingerprint
    assert again.fingerprint in (first.fingerprint, second.fingerprint)


@pytest.mark.parametrize("explained", [True, False, None])
def test_evidence_always_says_whether_it_is_explained(explained: bool | None) -> None:
    by = "owner changed" if explained else None
    (found,) = _findings(_deviation(reasons=("new_action",), event_ids=("e-1",), explained=explained, explained_by=by))

    assert found.evidence["explained"] is explained
    assert found.evidence.get("explained_by") == by
    assert (found.evidence["day"], found.evidence["reasons"]) == ("2026-11-20", ["new_action"])
    assert found.evidence["event_ids"] == ["e-1"]


def test_a_day_that_is_not_rechecked_is_not_judged_again() -> None:
    assert _findings(_deviation(), rechecked=False) == []


def test_people_are_not_judged_by_rules_about_machines() -> None:
    """But whoever calls as an account that is being retired is heard."""
    human = {"nature": NatureVerdict(verdict="human")}

    assert [one.rule for one in _findings(*map(_deviation, RULES), **human)] == ["retired_identity_called"]


def test_what_lasts_is_the_same_finding_on_every_night() -> None:
    """Also for stores of earlier versions, in which each day was a finding of its own."""
    nights = [
        _findings(_deviation("used_though_retired", night, lasts="", days=(date(2026, 11, night),)))
        for night in range(1, 28)
    ]
    (key,) = {one.fingerprint for (one,) in nights}
    daily = fingerprint("used_though_retired", f"{make_assessment().identity.key}\0{date(2026, 11, 3)}")
    lasting = _deviation("used_though_retired", 20, lasts="", days=(date(2026, 11, 3), date(2026, 11, 20)))
    snapshot = JudgedSnapshot(assessments=[make_assessment(deviations=(lasting,))])
    history = History({daily: KnownFinding(NOW)})
    (found,) = (one for one in evaluate(snapshot, RuleContext(now=NOW, history=history)) if one.rule in RULES)

    assert (found.fingerprint, found.new) == (key, False)


def test_what_else_is_new_is_another_finding() -> None:
    both = [_deviation("used_outside_declaration", lasts=service) for service in ("s3", "ses")]

    assert len({one.fingerprint for one in _findings(*both)}) == 2


def test_a_change_of_many_is_one_finding() -> None:
    change = SharedChange(
        provider="aws", sort="network", value="203.0.113.0/24", instead_of=("10.0.0.0/24",),
        first_day=date(2026, 11, 3), last_day=date(2026, 11, 4), identities=tuple(f"bot-{n:02}" for n in range(46)),
    )  # fmt: skip
    (found,) = evaluate(JudgedSnapshot(shared=(change,)), RuleContext(now=NOW))

    assert (found.rule, found.severity, found.identity) == ("shared_change", "low", None)
    assert (found.evidence["count"], len(found.evidence["identities"]), found.evidence["and_more"]) == (46, 20, 26)
