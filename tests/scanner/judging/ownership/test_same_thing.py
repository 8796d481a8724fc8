"""Candidates from what is the same thing; nobody for their own account, and nobody for a technical word."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scanner.judging.ownership import Beside, judge_owners
from scanner.model import Identity, Link, OwnerCandidate, Ownership, RegistryVerdict, Workload
from scanner.registry.roster import Roster
from tests.factories import make_entry, make_identity, make_person
from tests.scanner.judging.ownership.people import (
    ROSTER,
    TODAY,
    UNREGISTERED,
    candidates,
    discovered,
    judge_all,
    likely,
)

AGENT = make_identity("q", key="agent", links=(Link(relation="runs_as", target="role", evidence="it says so"),))


def of_role(agent: Identity, registry: RegistryVerdict = UNREGISTERED, *owner: str) -> Sequence[OwnerCandidate]:
    subjects = [(agent, registry), (make_identity("r", key="role"), UNREGISTERED)]
    return judge_all(subjects, [make_entry("q", id="E1", owner=owner)])["role"].candidates


def test_the_owner_of_an_agent_is_asked_about_its_role() -> None:
    """Both ways: the role is the agent's."""
    (found,) = of_role(AGENT, RegistryVerdict(state="registered", entry="E1"), "cyd@example.com")

    assert (found.person, found.score, found.may_be_asked) == ("cyd@example.com", 0.7, True)
    assert found.evidence == "cyd@example.com owns agent, which runs as it"


def test_what_names_somebody_at_the_agent_names_them_for_its_role() -> None:
    """A tag of the agent, at second hand; a person about to leave is listed, not asked."""
    agent = make_identity("q", key="agent", links=AGENT.links, tags={"owner": "lea@example.com"})
    (found,) = of_role(agent)

    assert (found.person, found.score, found.leaving, found.may_be_asked) == ("lea@example.com", 0.72, True, False)
    assert found.evidence == "tag owner=lea@example.com of agent, which runs as it, about to leave"


def test_who_made_the_workload_is_asked_about_its_role() -> None:
    """A function that runs as it."""
    function = Workload(
        key="f", provider="aws", source="prod", scope="1", kind="function", name="shop", runs_as=("role",),
        created_by="ada@example.com",
    )  # fmt: skip
    role = make_identity("r", key="role")
    found = judge_owners(
        [(role, UNREGISTERED)],
        {},
        ROSTER,
        ownership=Ownership(),
        machines=discovered,
        beside=Beside(workloads=(function,)),
    )["role"].candidates

    assert [(one.person, one.score) for one in found] == [("ada@example.com", 0.44)]
    assert found[0].evidence == "created by ada@example.com of shop, which runs as it"


@pytest.mark.parametrize("name", ["ada.lovelace", "Ada-Lovelace", "x"])
def test_nobody_is_asked_about_their_own_account(name: str) -> None:
    """By the roster, or called as the person is."""
    roster = Roster([make_person("ada.lovelace@example.com"), make_person("bob@example.com")], TODAY)
    identity = make_identity(name, tags={"owner": "ada.lovelace@example.com", "contact": "bob@example.com"})
    found = judge_owners(
        [(identity, UNREGISTERED)], {}, roster, ownership=Ownership(), machines=discovered,
        beside=Beside(holders={identity.key: "ada.lovelace@example.com"} if name == "x" else {}),
    )[identity.key].candidates  # fmt: skip

    assert [one.person for one in found] == ["bob@example.com"]


@pytest.mark.parametrize(
    ("name", "declared", "score", "technical"),
    [
        ("github-deploy-b", "github-deploy-a", 0.7, True),
        ("github-deploy-b", "github-deploy-a", 0.9, False),
        ("payments-deploy", "payments-b", 0.7, False),
        ("payment", "invoices", 0.7, False),
    ],
    ids=["only technical words", "likely the entry", "a word of its own", "likeness of another kind"],
)
def test_a_shared_technical_word_is_no_evidence(name: str, declared: str, score: float, technical: bool) -> None:
    """Names that share only ``github`` and ``deploy`` are listed with their score, and nobody is named for them."""
    entry = make_entry(declared, id="E1", owner=("ada@example.com",))
    (found,) = candidates(make_identity(name), entry, registry=likely("E1", score))

    assert found.technical is technical
    assert found.may_be_asked is (found.score >= 0.5 and not technical)


def test_a_technical_word_beside_better_evidence() -> None:
    """One other kind of evidence suffices."""
    entry = make_entry("github-deploy-a", id="E1", owner=("ada@example.com",))
    identity = make_identity("github-deploy-b", tags={"contact": "ada@example.com"})
    (found,) = candidates(identity, entry, registry=likely("E1", 0.7))

    assert found.may_be_asked
