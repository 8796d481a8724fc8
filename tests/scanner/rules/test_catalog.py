"""The catalog: what every rule must declare, and what evaluating them promises."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import (
    SEVERITIES,
    EntryAssessment,
    Exemption,
    OwnerCandidate,
    OwnershipVerdict,
    Policy,
    Privilege,
    RegistryVerdict,
    StoredSecret,
    UsageVerdict,
)
from scanner.rules import catalog
from scanner.rules.base import FRAMEWORKS, Rule, fingerprint
from scanner.rules.catalog import RULES, RuleContext, evaluate
from tests.factories import NOW, days_ago, make_assessment, make_assignment, make_credential, make_entry, make_identity

RULE_IDS = [rule.id for rule in RULES]
MACHINERY = {"__init__", "base", "catalog", "reference"}
CONTROL = {
    "owasp-nhi-2025": r"NHI([1-9]|10)",
    "cis-aws-3.0.0": r"1\.(4|12|13|14|16)",
    "cis-azure-5.0.0": r"5\.3\.4",
    "cis-gcp-4.0.0": r"1\.(5|7|14|15)|4\.1",
    "cis-controls-8.1": r"\d{1,2}\.\d{1,2}",
    "nist-800-53r5": r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
}
EXPIRED = NOW.date() - timedelta(1)


@pytest.mark.parametrize("rule", RULES, ids=RULE_IDS)
def test_a_rule_says_everything_about_itself(rule: Rule) -> None:
    """A rule has an id, a severity, all its texts, the facts it shows, controls, and thresholds that exist."""
    sentences = (rule.why, rule.remediation)

    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", rule.id)
    assert rule.severity in SEVERITIES
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert all(text[0].isupper() and text.endswith(".") for text in sentences)
    assert rule.evidence
    assert set(rule.thresholds) <= set(Policy.__struct_fields__)


@pytest.mark.parametrize("rule", RULES, ids=RULE_IDS)
def test_controls_are_well_formed(rule: Rule) -> None:
    """Every control names a versioned catalog and a control in that catalog's own form, OWASP among them."""
    cited = [control.partition(":")[::2] for control in rule.controls]

    assert {framework for framework, _ in cited} <= set(FRAMEWORKS)
    assert all(re.fullmatch(CONTROL[framework], control) for framework, control in cited)
    assert "owasp-nhi-2025" in {framework for framework, _ in cited}
    assert len(set(rule.controls)) == len(rule.controls)


def test_ids_are_unique_and_sorted() -> None:
    """The catalog is in the order of its ids."""
    assert sorted(set(RULE_IDS)) == RULE_IDS


def test_one_rule_a_file() -> None:
    """Every file holds the one rule it is named after, and none is forgotten in the catalog."""
    files = {path.stem for path in Path(catalog.__file__).parent.glob("*.py")} - MACHINERY

    assert files == set(RULE_IDS)
    assert all(getattr(catalog, name).RULE.id == name for name in files)


@pytest.mark.parametrize(
    ("rule_id", "subject", "expected"),
    [
        pytest.param(
            "dormant", "arn:aws:iam::123456789012:user/svc-billing", "bc5a78a096204c572cf40d934176ba71", id="plain"
        ),
        pytest.param("dormant", "naïve", "d8e25492c27158780047e8a1bb24c64a", id="non-ASCII"),
        pytest.param("dormant", "\ud800", "13df24b31228df7f767ba6721c466c7c", id="lone surrogate"),
    ],
)
def test_fingerprints_never_change(rule_id: str, subject: str, expected: str) -> None:
    """A fingerprint is the same for ever, so that nothing becomes new by an update of ours."""
    assert fingerprint(rule_id, subject) == expected


def test_fingerprint_knows_rule_from_subject() -> None:
    """Rule and key cannot run into each other."""
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_fingerprint_is_of_rule_and_key_alone() -> None:
    """Other dates, verdicts and candidates leave the fingerprint as it is."""
    before = make_assessment(make_identity(created_at=days_ago(400)))
    after = make_assessment(
        make_identity(created_at=days_ago(1), source="elsewhere"),
        registry=RegistryVerdict(state="unregistered", provisional=True),
    )
    findings = [evaluate(RuleContext(assessments=(assessment,), now=NOW))[0] for assessment in (before, after)]

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
        pytest.param(OwnershipVerdict(state="orphaned", reason="unregistered"), None, id="nobody"),
    ],
)
def test_a_finding_names_who_can_act(ownership: OwnershipVerdict, expected: str | None) -> None:
    """A finding goes to the owner, else to the likeliest candidate, never to somebody who has left."""
    assessment = make_assessment(privilege=Privilege(level="admin"), ownership=ownership)

    assert {finding.owner for finding in evaluate(RuleContext(assessments=(assessment,), now=NOW))} == {expected}


def test_a_benchmark_of_another_provider_is_not_cited() -> None:
    """A CIS control for AWS stands on an AWS key and not on a Vault token."""
    cited: dict[str, tuple[str, ...]] = {}
    for provider in ("aws", "vault"):
        old = make_credential("svc", kind="token", created_at=days_ago(400), last_used_at=days_ago(1))
        assessment = make_assessment(make_identity("svc", provider=provider, credentials=(old,)))
        findings = evaluate(RuleContext(assessments=(assessment,), now=NOW))
        cited[provider] = next(finding.controls for finding in findings if finding.rule == "credential_too_old")

    assert "cis-aws-3.0.0:1.14" in cited["aws"]
    assert set(cited["aws"]) - set(cited["vault"]) == {"cis-aws-3.0.0:1.14"}


@pytest.mark.parametrize(
    ("provider", "rule", "controls"),
    [
        ("gcp", "credential_too_old", {"cis-gcp-4.0.0:1.7", "cis-gcp-4.0.0:1.15"}),
        ("gcp", "admin", {"cis-gcp-4.0.0:1.5"}),
        ("azure", "orphaned_grant", {"cis-azure-5.0.0:5.3.4"}),
        ("azure", "admin", set()),
    ],
)
def test_each_cloud_has_its_own_benchmark(provider: str, rule: str, controls: set[str]) -> None:
    """What another one says is left out."""
    cited = next(one for one in RULES if one.id == rule).controls_for(provider)

    assert {control for control in cited if control.startswith("cis-") and "controls" not in control} == controls


def test_a_finding_points_at_its_subject() -> None:
    """Identity, credential, entry and secret findings name the key one can look up; nothing is new by itself."""
    findings = {finding.rule: finding for finding in reversed(evaluate(estate()))}

    assert findings["unregistered"].identity == make_identity("b").key
    assert findings["credential_too_old"].identity == make_identity("a").key
    assert findings["credential_too_old"].credential == make_credential("a", "AKIA1").key
    assert findings["entry_not_found"].entry == "NHI-1"
    assert findings["entry_not_found"].owner == "ada@example.com"
    assert findings["stale_secret"].credential == "secret-1"
    assert findings["orphaned_grant"].assignment == "assignment-1"
    assert findings["orphaned_grant"].identity is None
    assert not any(finding.new for finding in findings.values())


def test_what_was_not_rechecked_is_not_judged_again() -> None:
    """Identities and entries whose place was not read this time find nothing."""
    known = estate()
    not_read = msgspec.structs.replace(
        known,
        assessments=[msgspec.structs.replace(found, rechecked=False) for found in known.assessments],
        entries=[msgspec.structs.replace(found, rechecked=False) for found in known.entries],
    )

    assert {finding.rule for finding in evaluate(not_read)} == {"stale_secret", "orphaned_grant", "exemption_expired"}


def test_without_a_registry_its_rules_are_silent() -> None:
    """With no registry at all nothing is said about registration, ownership or exemptions."""
    unchecked = make_assessment(
        registry=RegistryVerdict(state="unchecked"),
        ownership=OwnershipVerdict(state="unchecked"),
        usage=UsageVerdict(state="dormant", window_days=90, evidence="not used since 2026-01-05"),
    )
    expired = Exemption(match="a/*", reason="trial", until=EXPIRED)
    context = RuleContext(assessments=(unchecked,), exemptions=(expired,), now=NOW, registry_given=False)

    assert [finding.rule for finding in evaluate(context)] == ["dormant"]


@pytest.mark.parametrize("renewed_until", [None, NOW.date()], ids=["for good", "until today"])
def test_a_renewed_exemption_has_not_expired(renewed_until: Any) -> None:
    """An old line beside its renewal is no finding."""
    lines = (
        Exemption(match="a/*", reason="renewed", until=renewed_until),
        Exemption(match="a/*", reason="trial", until=EXPIRED),
    )

    assert "exemption_expired" not in {found.rule for found in evaluate(RuleContext(exemptions=lines, now=NOW))}


def estate() -> RuleContext:
    """A small estate on which rules of every kind fire."""
    old_key = make_credential("a", "AKIA1")
    return RuleContext(
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
        now=NOW,
    )


def test_findings_are_sorted() -> None:
    """Critical findings come first, then rule by rule, then by subject."""
    findings = evaluate(estate())
    order = [(SEVERITIES.index(f.severity), f.rule, f.credential or f.subject or f.evidence["match"]) for f in findings]

    assert order == sorted(order)
    assert findings[0].severity == "critical"
    assert len({finding.fingerprint for finding in findings}) == len(findings)


@given(st.data())
def test_input_order_does_not_matter(data: st.DataObject) -> None:
    """The same snapshot in any order gives the same findings in the same order."""
    context = estate()
    shuffled = msgspec.structs.replace(
        context,
        assessments=data.draw(st.permutations(context.assessments)),
        entries=data.draw(st.permutations(context.entries)),
        secrets=data.draw(st.permutations(context.secrets)),
        assignments=data.draw(st.permutations(context.assignments)),
        exemptions=data.draw(st.permutations(context.exemptions)),
    )

    assert evaluate(shuffled) == evaluate(context)


def test_every_threshold_of_the_policy_is_used() -> None:
    """A limit that nothing reads is a promise that nobody keeps; dormancy of identities is judged as a verdict."""
    used = {name for rule in RULES for name in rule.thresholds}

    assert set(Policy.__struct_fields__) == used | {"dormant_identity"}
