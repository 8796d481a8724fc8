"""What the gate finds in plans, and what it only says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from msgspec.structs import replace

from scanner.lifecycle.gate.judging import Surroundings, judge_plans
from scanner.model import Acknowledged, Acknowledgement, Link, Origin, Person, Policy, Privilege, Trust
from scanner.model.planned import PlannedIdentity, PlannedPlace, Unread
from scanner.rules.base import PlanCredentialRule, PlanRule
from scanner.rules.catalog import RULES
from tests.factories import ACCOUNT, NOW, make_assessment, make_entry, make_person
from tests.scanner.lifecycle.gate.plans import (
    ADMIN,
    INFO,
    NOTHING,
    declared,
    judged,
    plan,
    planned,
    role,
    rules,
    with_credential,
)

ARN = f"arn:aws:iam::{ACCOUNT}:role/deploy"
OPEN = Trust(principal="*", kind="anyone", external=True, evidence="Principal *")


@dataclass
class Case:
    """A planned identity, what is declared, and the rules that fire."""

    planned: PlannedIdentity
    fires: list[str]
    entry: dict[str, object] = field(default_factory=dict)


CASES = {
    "declared": Case(planned(role()), []),
    "unregistered": Case(planned(role("other")), ["planned_unregistered"]),
    "unregistered admin": Case(planned(role("other", privilege=ADMIN)), ["planned_privilege", "planned_unregistered"]),
    "proposed": Case(planned(role()), ["planned_unregistered"], {"status": "proposed"}),
    "without an owner": Case(planned(role()), ["planned_without_owner"], {"owner": ()}),
    "of a leaver": Case(planned(role()), ["planned_without_owner"], {"owner": ("bob@example.com",)}),
    "admin without a blast radius": Case(
        planned(role(privilege=ADMIN)), ["planned_privilege", "planned_without_blast_radius"]
    ),
    "admin with one": Case(planned(role(privilege=ADMIN)), ["planned_privilege"], {"blast_radius": "everything"}),
    "was an admin": Case(planned(role(privilege=ADMIN), "changed", before=role(privilege=ADMIN)), []),
    "becomes an admin": Case(
        planned(role(privilege=ADMIN), "changed", before=role()), ["planned_privilege"], {"blast_radius": "everything"}
    ),
    "could escalate before": Case(
        planned(role(privilege=ADMIN), "changed", before=role(privilege=Privilege(level="escalation"))),
        ["planned_privilege"],
        {"blast_radius": "everything"},
    ),
    "admin imported": Case(planned(role(privilege=ADMIN), "imported"), []),
    "unchanged": Case(planned(role("other", privilege=ADMIN), "unchanged"), []),
    "deleted": Case(planned(role("other", privilege=ADMIN), "deleted"), []),
    "open trust": Case(planned(role(trusts=(OPEN,))), ["open_trust"]),
    "retired": Case(planned(role()), ["retired_but_alive"], {"status": "retired"}),
    "other environment": Case(
        planned(role(environment="prod")), ["planned_beyond_declaration"], {"environment": "dev"}
    ),
    "other environment as before": Case(
        planned(role(environment="prod"), "changed", before=role(environment="prod")), [], {"environment": "dev"}
    ),
    "access key": Case(with_credential(role()), ["planned_long_lived_credential"]),
    "secret that never expires": Case(
        with_credential(role(), "client_secret", never_expires=True), ["planned_long_lived_credential"]
    ),
    "secret for years": Case(
        with_credential(role(), "client_secret", expires_at=NOW + timedelta(days=700)),
        ["planned_long_lived_credential"],
    ),
    "secret for a month": Case(with_credential(role(), "client_secret", expires_at=NOW + timedelta(days=30)), []),
    "secret with an unknown end": Case(with_credential(role(), "client_secret"), []),
    "access key that is not new": Case(replace(with_credential(role()), credentials_at={}), []),
    "federation": Case(with_credential(role(), "federation", never_expires=True), []),
    "computed name": Case(planned(role(), computed=frozenset({"name"})), []),
    "computed policy": Case(planned(role(), computed=frozenset({"permissions"})), []),
    "computed policy beside an admin's": Case(
        planned(role(privilege=ADMIN), computed=frozenset({"permissions"})),
        ["planned_privilege"],
        {"blast_radius": "everything"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_rules(case: Case) -> None:
    """Each rule fires on what it is about, with the place, and on nothing else."""
    gone = make_person("bob@example.com", status="left")
    result = judged(case.planned, by=declared(make_entry(ARN, **case.entry), people=(make_person(), gone)))

    assert rules(result) == case.fires
    assert all({"file", "resource"} <= finding.evidence.keys() for finding in result.findings)


def test_every_rule_of_the_gate_has_both_kinds_of_case() -> None:
    """One in which it fires, and one with the same identity declared in which it does not."""
    of_the_gate = {rule.id for rule in RULES if isinstance(rule, (PlanRule, PlanCredentialRule))}

    assert of_the_gate <= {rule for case in CASES.values() for rule in case.fires}
    assert [case.fires for case in CASES.values()].count([]) > len(of_the_gate)


def test_what_is_computed_is_unknown_and_said() -> None:
    """A computed name leaves registration unchecked, a computed policy privilege unknown; neither looks clean."""
    computed = planned(role("other"), computed=frozenset({"name", "permissions"}))
    result = judged(computed)
    (judged_one,) = result.identities

    assert (judged_one.registry.state, judged_one.ownership.state) == ("unchecked", "unchecked")
    assert judged_one.privilege.level == "unknown"
    assert "name and permissions not known before deployment" in result.notices[0]


def test_without_a_registry() -> None:
    """Registration is unchecked; privileges are still judged."""
    result = judge_plans(
        [plan(planned(role(privilege=ADMIN)))], replace(declared(), entries=None), Surroundings(), INFO
    )

    assert rules(result) == ["planned_privilege"]
    assert result.identities[0].registry.state == "unchecked"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("arn:aws:iam::999999999999:role/app/deploy", "registered"),
        ("arn:aws:iam::999999999999:role/dep*", "registered"),
        ("arn:aws:iam::999999999999:role/*", "unregistered"),
        ("deploy", "registered"),
        ("arn:aws:iam::999999999999:role/deploy-other", "unregistered"),
    ],
)
def test_an_unknown_account_is_matched_by_name(text: str, state: str) -> None:
    """Whatever account the entry's ids name, also by patterns; the entry stays as it is written."""
    entry = make_entry(text, scope="999999999999")
    result = judged(planned(role("deploy", None)), by=declared(entry))

    assert result.identities[0].registry.state == state
    assert [one.entry for one in result.entries if one.entry.id == result.identities[0].registry.entry] == (
        [entry] if state == "registered" else []
    )


def test_a_known_account_is_not_matched_by_name() -> None:
    """An entry of another account is about another identity."""
    result = judged(planned(role()), by=declared(make_entry("arn:aws:iam::999999999999:role/deploy")))

    assert rules(result) == ["planned_unregistered"]


def test_a_way_to_an_admin_that_the_store_knows() -> None:
    """The planned identity is judged with what it could become."""
    admin = make_assessment(role("admin"), privilege=ADMIN)
    link = Link(relation="can_assume", target=admin.identity.key, evidence="trusts it")
    around = Surroundings(assessments=(admin,))

    gains = judged(planned(role(links=(link,))), around=around)
    had = judged(planned(role(links=(link,)), "changed", before=role(links=(link,))), around=around)

    assert rules(gains) == ["planned_privilege", "planned_without_blast_radius"]
    assert [one.identity.key for one in gains.identities] == [ARN]
    assert rules(had) == []


def test_an_unchanged_identity_that_gains_by_another_change_is_judged() -> None:
    """A user may become a role already; the change makes that role an admin."""
    link = Link(relation="can_assume", target=ARN, evidence="trusts it")
    user = planned(role("runner", links=(link,)), "unchanged")
    result = judged(user, planned(role(privilege=ADMIN), "changed", before=role()))

    assert {finding.identity for finding in result.findings if finding.rule == "planned_privilege"} == {
        ARN,
        user.identity.key,
    }


def test_a_deleted_identity_of_an_active_entry_is_a_note() -> None:
    """Its entry is to be retired; it is no identity of the result."""
    result = judged(planned(role(), "deleted"))

    assert "entry NHI-1 declares deploy as active" in result.notices[0]
    assert (result.identities, result.findings) == ((), ())


def test_entries_that_are_not_touched_are_silent() -> None:
    """Neither listed nor found missing."""
    result = judged(planned(role()), by=declared(make_entry(ARN), make_entry("gone", id="NHI-2")))

    assert [one.entry.id for one in result.entries] == ["NHI-1"]
    assert result.summary.registry_entries == 1


def test_gaps_are_named() -> None:
    """What could not be evaluated is a gap with its place."""
    unread = Unread(
        place=PlannedPlace(file="main.tf", resource="aws_iam_policy.x", line=3), reason="its policy is not JSON"
    )
    result = judged(unread=(unread,))

    assert [(one.section, one.detail, one.is_gap) for one in result.coverage] == [
        ("aws_iam_policy.x", "its policy is not JSON", True)
    ]
    assert result.summary.gaps == 1


def test_keys_of_two_files_do_not_run_into_each_other() -> None:
    """A logical id names a resource of its own file alone; credentials stay with their identity."""
    files = ("a.yaml", "b.yaml")
    named = [plan(planned(role("deploy", None)), file=name) for name in files]
    known = [plan(with_credential(role()), file=name) for name in files]

    assert [one.identity.key for one in judge_plans(named, declared(), NOTHING, INFO).identities] == [
        "planned:a.yaml:aws_iam_role.deploy",
        "planned:b.yaml:aws_iam_role.deploy",
    ]
    assert rules(judge_plans(known, declared(), NOTHING, INFO)) == ["planned_long_lived_credential"]


def test_secrets_are_masked() -> None:
    """A file may hold a secret anywhere."""
    described = role(description="token ghp_0123456789abcdefghijklmnopqrstuvwxyz")
    result = judged(planned(described))

    assert "ghp_0123456789" not in (result.identities[0].identity.description or "")


def test_findings_can_be_acknowledged() -> None:
    """As those of a scan, by rule and identity."""
    given = Acknowledged(reason="agreed", by="ada@example.com", until=NOW.date() + timedelta(days=9))
    accepted = Acknowledgement(
        origin=Origin(file="acknowledged.toml"), rule="planned_privilege", match="**:role/deploy", given=given
    )
    result = judged(planned(role(privilege=ADMIN)), by=declared(acknowledgements=(accepted,)))

    assert {one.rule: one.acknowledged is not None for one in result.findings} == {
        "planned_privilege": True,
        "planned_without_blast_radius": False,
    }


def test_the_limit_is_the_policys() -> None:
    """``max_lifetime`` of the config counts."""
    secret = with_credential(role(), "client_secret", expires_at=NOW + timedelta(days=30))

    assert rules(judged(secret, by=declared(policy=Policy(max_lifetime=7)))) == ["planned_long_lived_credential"]


def test_people_need_no_entry() -> None:
    """A user on the roster is exempt."""
    person = Person(email="deploy@example.com", origin=Origin(file="people.csv"), aliases=("deploy",))
    user = role(kind="user", key=f"arn:aws:iam::{ACCOUNT}:user/deploy")
    result = judged(planned(user), by=declared(make_entry("other"), people=(person,)))

    assert rules(result) == []
