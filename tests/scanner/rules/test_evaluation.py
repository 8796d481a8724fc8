"""What evaluating the rules promises."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import (
    SEVERITIES,
    AgentVerdict,
    EntryAssessment,
    Exemption,
    OwnerCandidate,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    StoredSecret,
    UsageVerdict,
)
from scanner.rules.base import RuleContext, fingerprint
from scanner.rules.evaluation import JudgedSnapshot, evaluate
from tests.factories import NOW, days_ago, make_assessment, make_assignment, make_credential, make_entry, make_identity

CONTEXT = RuleContext(now=NOW)
EXPIRED = NOW.date() - timedelta(1)


def test_fingerprint_is_of_rule_and_key_alone() -> None:
    """Other dates, verdicts and candidates leave the fingerprint as it is."""
    before = make_assessment(make_identity(created_at=days_ago(400)))
    after = make_assessment(
        make_identity(created_at=days_ago(1), source="elsewhere"),
        registry=RegistryVerdict(state="unregistered", provisional=True),
    )
    findings = [evaluate(JudgedSnapshot(assessments=(assessment,)), CONTEXT)[0] for assessment in (before, after)]

    assert findings[0].fingerprint == findings[1].fingerprint == fingerprint("unregistered", before.identity.key)
    assert findings[0].evidence != findings[1].evidence


def orphan_with(**verdict: Any) -> OwnershipVerdict:
    """An ownership verdict with two candidates, the likelier one second."""
    candidates = (
        OwnerCandidate(person="bob@example.com", score=0.4, evidence="tag"),
        OwnerCandidate(person="ada@example.com", score=0.9, evidence="created it"),
    )
    return OwnershipVerdict(**{"candidates": candidates, **verdict})


@pytest.mark.parametrize(
    ("ownership", "expected"),
    [
        pytest.param(OwnershipVerdict(state="owned", owner="cy@example.com"), "cy@example.com", id="owner"),
        pytest.param(OwnershipVerdict(state="unchecked", owner="cy@example.com"), "cy@example.com", id="no roster"),
        pytest.param(
            orphan_with(state="orphaned", reason="departed", owner="eve@example.com"), "ada@example.com", id="leaver"
        ),
        pytest.param(orphan_with(state="orphaned", reason="unregistered"), "ada@example.com", id="likeliest candidate"),
        pytest.param(OwnershipVerdict(state="orphaned", reason="unregistered"), None, id="no-owner"),
    ],
)
def test_a_finding_names_who_can_act(ownership: OwnershipVerdict, expected: str | None) -> None:
    """A finding names the owner, else the best candidate, never a person who has left."""
    assessment = make_assessment(privilege=Privilege(level="admin"), ownership=ownership)

    assert {finding.owner for finding in evaluate(JudgedSnapshot(assessments=(assessment,)), CONTEXT)} == {expected}


def test_a_finding_points_at_its_subject() -> None:
    """Identity, credential, entry and secret findings name the key one can look up; nothing is new by itself."""
    findings = {finding.rule: finding for finding in reversed(evaluate(estate(), CONTEXT))}

    assert findings["unregistered"].identity == make_identity("b").key
    assert findings["credential_too_old"].identity == make_identity("a").key
    assert findings["credential_too_old"].credential == make_credential("a", "AKIA1").key
    assert findings["entry_not_found"].entry == "NHI-1"
    assert findings["entry_not_found"].owner == "ada@example.com"
    assert findings["stale_secret"].credential == "secret-1"
    assert findings["orphaned_grant"].assignment == "assignment-1"
    assert findings["orphaned_grant"].identity is None
    assert not any(finding.new for finding in findings.values())


def test_on_an_expired_credential_nothing_else_is_said() -> None:
    """It cannot be used, so its age, its life and its last use are no matter any more."""
    old = make_credential(
        "a", kind="client_secret", created_at=days_ago(800), expires_at=days_ago(1), last_used_at=days_ago(400)
    )
    snapshot = JudgedSnapshot(assessments=[make_assessment(make_identity("a", credentials=(old,)))])

    assert [found.rule for found in evaluate(snapshot, CONTEXT) if found.credential] == ["credential_expired"]
    assert evaluate(snapshot, CONTEXT)[-1].evidence == {
        "kind": "client_secret", "id": old.id, "expires_at": days_ago(1).isoformat().replace("+00:00", "Z")
    }  # fmt: skip


def test_what_was_not_rechecked_is_not_judged_again() -> None:
    """Identities and entries whose place was not read this time find nothing."""
    known = estate()
    not_read = msgspec.structs.replace(
        known,
        assessments=[msgspec.structs.replace(found, rechecked=False) for found in known.assessments],
        entries=[msgspec.structs.replace(found, rechecked=False) for found in known.entries],
    )

    assert {finding.rule for finding in evaluate(not_read, CONTEXT)} == {
        "stale_secret",
        "orphaned_grant",
        "exemption_expired",
    }


def test_without_a_registry_its_rules_are_silent() -> None:
    """With no registry at all nothing is said about registration, ownership or exemptions."""
    unchecked = make_assessment(
        registry=RegistryVerdict(state="unchecked"),
        ownership=OwnershipVerdict(state="unchecked"),
        usage=UsageVerdict(state="dormant", window_days=90, evidence="not used since 2026-01-05"),
    )
    expired = Exemption(match="a/*", reason="trial", until=EXPIRED)
    snapshot = JudgedSnapshot(assessments=(unchecked,), exemptions=(expired,), registry_given=False)

    assert [finding.rule for finding in evaluate(snapshot, CONTEXT)] == ["dormant"]


@pytest.mark.parametrize("renewed_until", [None, NOW.date()], ids=["for good", "until today"])
def test_a_renewed_exemption_has_not_expired(renewed_until: Any) -> None:
    """An old line beside its renewal is no finding."""
    lines = (
        Exemption(match="a/*", reason="renewed", until=renewed_until),
        Exemption(match="a/*", reason="trial", until=EXPIRED),
    )

    assert "exemption_expired" not in {found.rule for found in evaluate(JudgedSnapshot(exemptions=lines), CONTEXT)}


def estate() -> JudgedSnapshot:
    """A small estate on which rules of every kind fire."""
    old_key = make_credential("a", "AKIA1")
    return JudgedSnapshot(
        assessments=[
            make_assessment(make_identity("a", credentials=(old_key,))),
            make_assessment("b", privilege=Privilege(level="admin")),
            make_assessment("c", privilege=Privilege(level="escalation")),
            make_assessment("d", usage=UsageVerdict(state="never_used", window_days=90, evidence="no use recorded")),
        ],
        entries=[EntryAssessment(entry=make_entry("gone", id=f"NHI-{n}"), state="not_found") for n in (2, 1)],
        secrets=[
            StoredSecret(key=f"secret-{n}", provider="aws", source="s", scope="1", name="n", created_at=days_ago(400))
            for n in (2, 1)
        ],
        assignments=[make_assignment(key=f"assignment-{n}", gone=True) for n in (2, 1)],
        exemptions=[Exemption(match=f"{n}/*", reason="trial", until=EXPIRED) for n in (2, 1)],
    )


def test_findings_are_sorted() -> None:
    """Critical findings come first, then rule by rule, then by subject."""
    findings = evaluate(estate(), CONTEXT)
    order = [(SEVERITIES.index(f.severity), f.rule, f.credential or f.subject or f.evidence["match"]) for f in findings]

    assert order == sorted(order)
    assert findings[0].severity == "critical"
    assert len({finding.fingerprint for finding in findings}) == len(findings)


@given(st.data())
def test_input_order_does_not_matter(data: st.DataObject) -> None:
    """The same snapshot in any order gives the same findings in the same order."""
    snapshot = estate()
    shuffled = msgspec.structs.replace(
        snapshot,
        assessments=data.draw(st.permutations(snapshot.assessments)),
        entries=data.draw(st.permutations(snapshot.entries)),
        secrets=data.draw(st.permutations(snapshot.secrets)),
        assignments=data.draw(st.permutations(snapshot.assignments)),
        exemptions=data.draw(st.permutations(snapshot.exemptions)),
    )

    assert evaluate(shuffled, CONTEXT) == evaluate(snapshot, CONTEXT)


def cited(*, provider: str = "aws", is_agent: bool = False, frameworks: frozenset[str] | None = None) -> set[str]:
    """The frameworks that the findings on an old key of such an identity cite."""
    old = make_credential("svc", kind="token", created_at=days_ago(400), last_used_at=days_ago(1))
    assessment = make_assessment(
        make_identity("svc", provider=provider, credentials=(old,)), agent=AgentVerdict(is_agent=is_agent)
    )
    findings = evaluate(JudgedSnapshot(assessments=(assessment,)), RuleContext(now=NOW, frameworks=frameworks))
    controls = next(finding.controls for finding in findings if finding.rule == "credential_too_old")
    return {control.partition(":")[0] for control in controls}


@pytest.mark.parametrize(
    ("provider", "is_agent", "more"),
    [
        ("aws", False, {"cis-aws-3.0.0"}),
        ("gcp", False, {"cis-gcp-5.0.0"}),
        ("vault", False, set()),
        ("aws", True, {"cis-aws-3.0.0", "owasp-agentic-2026"}),
    ],
)
def test_a_finding_cites_what_is_written_for_its_identity(provider: str, is_agent: bool, more: set[str]) -> None:
    """The benchmark of its own cloud in one version, what is about agents on agents alone, what is general."""
    assert cited(provider=provider, is_agent=is_agent) == more | {"nist-800-53r5", "owasp-nhi-2025"}


@pytest.mark.parametrize(
    ("frameworks", "expected"),
    [
        (frozenset({"cis-aws-3.0.0", "cis-gcp-4.0.0", "pci-dss-4.0.1"}), {"cis-aws-3.0.0", "pci-dss-4.0.1"}),
        (frozenset({"cis-aws-3.0.0", "cis-aws-7.0.0"}), {"cis-aws-3.0.0", "cis-aws-7.0.0"}),
        (frozenset(), set()),
    ],
)
def test_the_frameworks_that_findings_cite_can_be_chosen(frameworks: frozenset[str], expected: set[str]) -> None:
    """Older versions, others, or none; never one that speaks of another cloud."""
    assert cited(frameworks=frameworks) == expected
