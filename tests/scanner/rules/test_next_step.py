"""The next step: one sentence, true of the state, that names only whom it may name."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import (
    Acknowledged,
    Assessment,
    Finding,
    Grant,
    Link,
    MatchCandidate,
    NatureVerdict,
    OwnerCandidate,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    Severity,
    Trust,
    UsageVerdict,
)
from scanner.model.activity import Activity
from scanner.rules.base import ActivityRule
from scanner.rules.catalog import BUILT_IN, RULES
from scanner.rules.next_step import STEPS, instead, next_step, step_of, step_of_group
from scanner.text import printable
from tests.factories import days_ago, make_assessment, make_credential, make_finding, make_identity

GRACE = OwnerCandidate(person="grace@example.com", score=0.9, evidence="created it")
LEO = OwnerCandidate(person="leo@example.com", score=0.95, evidence="tag owner=leo@example.com", leaving=True)
DOT = OwnerCandidate(person="dot@example.com", score=0.6, evidence="name says deploy", technical=True)
UMA = OwnerCandidate(person="uma@example.com", score=0.49, evidence="created by uma@example.com")
NEAR = MatchCandidate(entry="NHI-9", score=0.8, evidence="one letter away")
UNUSED = UsageVerdict(state="dormant", window_days=90, evidence="last used 2026-01-29")
REGISTERED = RegistryVerdict(state="registered", entry="NHI-1")
PROVISIONAL = RegistryVerdict(state="unregistered", provisional=True, evidence="not read: x")
OWN = NatureVerdict(verdict="mixed", person="ada@example.com")


def finding(rule: str, severity: Severity = "high", **evidence: Any) -> Finding:
    return make_finding(rule=rule, severity=severity, evidence=evidence)


def orphan(reason: Any = "unregistered", *candidates: OwnerCandidate, **facts: Any) -> OwnershipVerdict:
    return OwnershipVerdict(state="orphaned", reason=reason, candidates=candidates, **facts)


def unregistered(*candidates: OwnerCandidate, identity: dict[str, Any] | None = None, **verdicts: Any) -> Assessment:
    return make_assessment(
        make_identity(**{"scope": "1", **(identity or {})}), ownership=orphan("unregistered", *candidates), **verdicts
    )


def owned(**verdicts: Any) -> Assessment:
    ownership = OwnershipVerdict(state="owned", owner="ada@example.com")
    return make_assessment(**{"registry": REGISTERED, "ownership": ownership, **verdicts})


REGISTER = "what it is for, then register it with an owner or disable it."


@pytest.mark.parametrize(
    ("judged", "rule", "step"),
    [
        (unregistered(GRACE), "unregistered", f"Ask grace@example.com (confidence 0.90) {REGISTER}"),
        (unregistered(LEO, DOT, GRACE), "unregistered", f"Ask grace@example.com (confidence 0.90) {REGISTER}"),
        (
            unregistered(UMA, identity={"created_at": days_ago(60)}),
            "unregistered",
            f"Find out from the audit log of aws 1 for 2026-09-26, when it was created, {REGISTER}",
        ),
        (
            unregistered(registry=RegistryVerdict(state="unregistered", candidates=(NEAR,))),
            "unregistered",
            "Check whether entry NHI-9 declares it, too: one letter away.",
        ),
        (
            unregistered(GRACE, registry=PROVISIONAL),
            "unregistered",
            "Close the gap first (not read: x): what could not be read may show its entry.",
        ),
        (
            unregistered(GRACE, usage=UNUSED, privilege=Privilege(level="admin")),
            "admin",
            (
                "Take its rights away (see its grants), since last used 2026-01-29, and ask "
                "grace@example.com (confidence 0.90) whether anything still needs it."
            ),
        ),
        (
            make_assessment(registry=REGISTERED, ownership=orphan("departed", GRACE, owner="bob@example.com")),
            "orphaned",
            (
                "Ask grace@example.com (confidence 0.90) to take it over, and write the owner into "
                "entry NHI-1: the declared owner has left."
            ),
        ),
        (
            make_assessment(
                registry=REGISTERED,
                ownership=orphan("departed", GRACE, owner="bob@example.com", last_day=date(2027, 1, 31)),
            ),
            "orphaned",
            (
                "Ask grace@example.com (confidence 0.90) to take it over, and write the owner into "
                "entry NHI-1: the declared owner leaves on 2027-01-31."
            ),
        ),
        (owned(), "review_overdue", "Ask its owner ada@example.com whether entry NHI-1 is still right, and set last"),
    ],
    ids=[
        "likely",
        "first who may be named",
        "where to look",
        "likely entry",
        "gap",
        "unused",
        "left",
        "to leave",
        "owned",
    ],
)
def test_whom_to_ask(judged: Assessment, rule: str, step: str) -> None:
    """A person only with a confidence of at least 0.5, who stays, and for more than a technical word."""
    assert next_step(judged, [finding(rule, due="2026-01-01")]).startswith(step)


@pytest.mark.parametrize(
    ("facts", "place"),
    [
        ({"links": (Link(relation="runs_as", target="role/x", evidence="e"),)}, "the role that it runs as (role/x)"),
        ({"links": (Link(relation="federates", target="sa/x", evidence="e"),)}, "what signs in as it (sa/x)"),
        ({"attributes": {"repository": "acme/shop"}}, "the repository acme/shop"),
        ({"created_by": "arn:aws:iam::1:role/deploy"}, "its creator arn:aws:iam::1:role/deploy"),
        ({"created_by": "arn:aws:iam::1:user/bob"}, "its creator, named in its record,"),
        ({"created_by": "bob@example.com"}, "its creator, named in its record,"),
        ({"attributes": {"publisher": {"name": "Acme"}}}, "its publisher Acme"),
        (
            {"name": "svc-parcels", "grants": (Grant(name="x", via="direct", resource="arn:aws:s3:::parcels/*"),)},
            "the users of the resource whose name it shares (arn:aws:s3:::parcels/*)",
        ),
        ({"tags": {"team": "growth"}}, "those behind its tag team=growth"),
        ({"attributes": {"scope_contact": "aws@example.com"}}, "the contact of the account aws 1"),
        (
            {"credentials": (make_credential("svc", "AKIA1"),)},
            "the audit log of aws 1 by its access key AKIA1",
        ),
        (
            {"trusts": (Trust(kind="service", principal="ec2.amazonaws.com", external=False, evidence="e"),)},
            "the workload of ec2.amazonaws.com that its trust policy lets in",
        ),
    ],
)
def test_where_to_look(facts: dict[str, Any], place: str) -> None:
    """The workload, the creator, the contact, the namesake; nobody is named who is not likely enough."""
    name = facts.pop("name", "svc-billing")
    judged = make_assessment(
        make_identity(name, **{"scope": "1", "created_at": None, **facts}), ownership=orphan("unregistered", UMA, LEO)
    )

    assert next_step(judged, [finding("unregistered")]).startswith(f"Find out from {place} ")


def test_what_runs_as_it_comes_first() -> None:
    """Before what its logs and its tags say."""
    activity = Activity(
        covered_from=None,
        covered_to=None,
        covered_days=0,
        assumed_by=("ada@example.com", "role/ci"),
        clients=("boto3",),
    )
    judged = unregistered(identity={"tags": {"team": "x"}}, consumers=("fn/a", "fn/b"), activity=activity)

    assert next_step(judged, [finding("unregistered")]) == (
        "Find out from what runs as it (fn/a and 1 more) or what became it by the audit log (role/ci) " + REGISTER
    )


BREAK_GLASS = RegistryVerdict(state="registered", entry="NHI-1", break_glass=True)
RETIRED = RegistryVerdict(state="registered", entry="NHI-1", retired=True)
SEALED = "Keep it sealed, alert on every use, and review who can open it: it is declared for emergencies."
UNOWNED = (
    "Keep it sealed, alert on every use, and name an owner in entry NHI-1: it is declared for emergencies, and the "
    "declared owner has left."
)
OFF = make_identity(enabled=False)
DEFAULT = {"attributes": {"default_account": True}}


@pytest.mark.parametrize(
    ("judged", "rule", "step"),
    [
        (owned(registry=BREAK_GLASS, usage=UNUSED), "admin", SEALED),
        (make_assessment(registry=BREAK_GLASS, usage=UNUSED, ownership=orphan("departed")), "dormant", UNOWNED),
        (
            make_assessment(registry=RETIRED, ownership=orphan("departed", GRACE)),
            "orphaned",
            "Disable it, then delete it with its credentials: entry NHI-1 is retired or has expired.",
        ),
        (
            make_assessment(OFF, registry=RETIRED, ownership=orphan("departed", GRACE)),
            "orphaned",
            "Delete it once nothing refers to it: it is disabled, and entry NHI-1 is retired or has expired.",
        ),
        (
            make_assessment(OFF, ownership=orphan("unregistered", GRACE)),
            "unregistered",
            (
                "Delete it if nothing refers to it, or ask grace@example.com (confidence 0.90) "
                "whether it is needed again: it is disabled."
            ),
        ),
        (
            unregistered(GRACE, identity=DEFAULT),
            "unregistered",
            (
                "Give each workload that runs as it an account of its own, then take its roles away: "
                "it is the provider's default account."
            ),
        ),
        (
            unregistered(nature=OWN),
            "unregistered",
            (
                "Move what uses its keys to an identity of its own with an owner, then delete the "
                "keys: it is a person's own account."
            ),
        ),
        (
            unregistered(GRACE, nature=NatureVerdict(verdict="mixed", person="bob@example.com", has_left=True)),
            "admin",
            "Disable it and revoke its credentials: the person whose own account it is has left.",
        ),
        (
            make_assessment(OFF, nature=NatureVerdict(verdict="human", person="bob@example.com", has_left=True)),
            "leaver_account_used",
            (
                "Revoke its credentials, and find out who used it on 2026-11-20: it is disabled, and "
                "the person whose own account it is left on 2026-11-01."
            ),
        ),
    ],
    ids=[
        "break glass",
        "break glass unused",
        "retired",
        "retired and off",
        "off",
        "default account",
        "own account",
        "own account of a leaver",
        "used after the last day",
    ],
)
def test_it_is_true_of_the_state(judged: Assessment, rule: str, step: str) -> None:
    """Nothing disabled is to be disabled, nothing retired gets an owner, and so on."""
    assert next_step(judged, [finding(rule, last_used_on="2026-11-20", left_on="2026-11-01")]) == step
    assert "example.com" not in step or "grace" in step


TRUSTS = ["account arn:aws:iam::9:root (restriction: none): its trust policy names it"]


def test_an_open_trust_is_closed_before_anybody_is_asked() -> None:
    """As the worst finding, and before a question about another."""
    judged, open_trust = unregistered(GRACE), finding("open_trust", "high", trusts=TRUSTS)
    low = finding("open_trust", "low", trusts=TRUSTS)

    assert next_step(judged, [finding("unregistered"), open_trust]) == (
        "Close its trust in account arn:aws:iam::9:root first: name the exact principal, subject or source account "
        "that may use it."
    )
    assert next_step(judged, [finding("unregistered"), low]) == (
        f"Close its trust in account arn:aws:iam::9:root, then ask grace@example.com (confidence 0.90) {REGISTER}"
    )


def test_it_is_about_the_worst_finding_that_stands() -> None:
    """Acknowledged ones are done; of one severity, what cannot wait comes first."""
    accepted = Acknowledged(by="ada@example.com", reason="x", until=date(2027, 1, 1))
    leak = finding("exposed_credential", "critical", kind="access_key", id="AKIA1")
    done = make_finding(rule="admin", severity="critical", acknowledged=accepted)

    assert next_step(unregistered(), [finding("admin", "critical"), leak]).startswith(
        "Disable access key AKIA1 at once"
    )
    assert "register it" in next_step(unregistered(), [done, finding("unregistered")])
    assert next_step(unregistered(), [done]) == ""
    assert next_step(unregistered(), []) == ""


def test_what_the_state_asks_for_without_a_finding() -> None:
    """A handover asks, too."""
    assert (instead("orphaned", make_assessment(registry=RETIRED)) or "").startswith("Disable it, then delete it")
    assert instead("orphaned", owned()) is None


def test_every_rule_has_a_step() -> None:
    """Rules of other packages say the first sentence of their remediation."""
    assert {rule.id for rule in BUILT_IN} - set(STEPS) == set()
    assert step_of(make_finding(rule="house_rule", remediation="Do this. Then that.")) == "Do this."


def test_a_finding_about_no_identity_has_a_step() -> None:
    """An entry, a secret, an assignment, an exemption."""
    found = make_finding(rule="entry_not_found", identity=None, entry="NHI-1")

    assert step_of(found) == (
        "Correct the id in entry NHI-1 if its identity is among the unregistered ones, or set the entry to retired."
    )


HOSTILE = st.text(max_size=40) | st.sampled_from(("a. Ask eve@example.com", "x\ny", "{ask}", "", "…", "a" * 500))
CANDIDATES = st.lists(st.sampled_from((GRACE, LEO, DOT, UMA)), max_size=4, unique=True)
STATES: dict[str, st.SearchStrategy[Any]] = {
    "registry": st.sampled_from((REGISTERED, RETIRED, BREAK_GLASS, RegistryVerdict(state="unregistered"))),
    "nature": st.sampled_from((NatureVerdict(), OWN, NatureVerdict(verdict="human", person="b@c.d", has_left=True))),
    "usage": st.sampled_from((UNUSED, UsageVerdict(state="active", window_days=90, evidence="used"))),
}


@given(
    st.sampled_from([rule for rule in RULES if rule.id in STEPS]),
    st.fixed_dictionaries(STATES),
    CANDIDATES,
    st.sampled_from((True, False, None)),
    st.sampled_from(({}, {"default_account": True}, {"repository": "acme/shop"})),
    HOSTILE,
)
def test_one_sentence_whatever_the_facts(
    rule: Any, verdicts: dict[str, Any], candidates: Any, enabled: Any, attributes: Any, text: str
) -> None:
    """On one line, without a gap; nobody is named who may not be; nothing disabled is to be disabled."""
    identity = make_identity(enabled=enabled, attributes=attributes, created_by=text, tags={"team": text})
    judged = make_assessment(identity, ownership=orphan("departed", *candidates), **verdicts)
    evidence = dict.fromkeys(rule.evidence, text) | {"trusts": [text], "because": [text]}
    if not isinstance(rule, ActivityRule):
        evidence.pop("day", None)
    found = make_finding(rule=rule.id, evidence=evidence)
    step, to_owner = next_step(judged, [found]), step_of(found, judged, to_owner=True)

    for said in (step, to_owner):
        assert said == printable(said)
        assert said.endswith(".")
        assert ". " not in said
    assert not re.search(r"\b[Aa]sk (its (backup )?owner|grace@)|\{", to_owner.replace(text, ""))
    assert not re.search(r"leo@|dot@|uma@", step)
    assert ("grace@" in step) <= ("(confidence 0.90)" in step)
    assert enabled is not False or not re.match(r"Disable it\b", step)


@pytest.mark.parametrize(
    ("rule", "evidence", "step"),
    [
        ("dormant", {}, "Check whether anything still needs it, then disable it, and delete it after a month without"),
        ("admin", {"because": ["*:*"]}, "Replace its full rights by what it needs (*:*), and check what that is."),
        ("backup_owner_only", {"entry": "NHI-1"}, "Take it over as owner in entry NHI-1, or name one: you are its"),
        ("owner_leaving", {"last_day": "2026-12-15"}, "Name who takes it over before 2026-12-15, and write the owner"),
        ("drifted", {"entry": "NHI-1"}, "Check whether entry NHI-1 or the identity is right, and correct the other."),
    ],
)
def test_owners_are_not_told_to_ask_themselves(rule: str, evidence: dict[str, Any], step: str) -> None:
    """Who reads it as the owner is told what to find out, and to name somebody else where one is needed."""
    assert step_of(finding(rule, **evidence), owned(), to_owner=True).startswith(step)


def test_an_owner_reads_about_an_entry_what_it_needs() -> None:
    """Without an identity nobody else can be named, but the owner of the entry knows."""
    overdue = make_finding(rule="review_overdue", identity=None, entry="NHI-1", evidence={"due": "2026-11-01"})

    assert step_of(overdue, to_owner=True).startswith("Check whether entry NHI-1 is still right, and set last_reviewed")
    assert not step_of(overdue).startswith("Check")


def test_of_several_findings_the_step_is_that_of_the_first_by_name() -> None:
    """So that no list says of an identity what its own step denies."""
    judged, found = owned(registry=BREAK_GLASS), finding("admin")

    assert step_of_group(found, 1, judged) == SEALED
    assert step_of_group(found, 8, judged) == f"{judged.identity.shown_name}: {SEALED[:1].lower()}{SEALED[1:]}"


@pytest.mark.parametrize(
    ("rule", "step"),
    [
        ("admin", "Take away the rights that the person whose own account it is does not need"),
        ("person_with_keys", "Move what uses its keys to an identity of its own with an owner"),
    ],
)
def test_the_own_account_of_an_admin_loses_rights_first(rule: str, step: str) -> None:
    """A finding of high severity is not answered by the step of another, and nobody is asked about oneself."""
    assert next_step(unregistered(nature=OWN), [finding(rule)]).startswith(step)


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        ((OwnerCandidate(person="ada@example.com", score=0.4, evidence="created by ada"),), True),
        ((OwnerCandidate(person="ada@example.com", score=0.4, evidence="created by ada", leaving=True),), False),
        ((), False),
    ],
)
def test_a_creator_is_asked_only_if_on_the_roster(candidates: tuple[OwnerCandidate, ...], *, said: bool) -> None:
    """Somebody who has left cannot answer."""
    judged = unregistered(*candidates, identity={"created_by": "ada@example.com"})

    assert ("its creator" in next_step(judged, [finding("unregistered")])) is said


def test_anybody_is_not_asked() -> None:
    """A trust policy that names everybody names nobody to ask."""
    trusts = (Trust(principal="*", kind="principal", evidence="its trust policy"),)

    assert "trust policy" not in next_step(unregistered(identity={"trusts": trusts}), [finding("unregistered")])
