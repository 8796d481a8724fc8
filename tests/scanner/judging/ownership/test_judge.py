"""An estate as a whole."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.judging.ownership.candidates import KEPT
from scanner.model import Entry, Identity, Link, Ownership, OwnershipRule, RegistryVerdict
from scanner.registry.roster import Roster
from tests.factories import make_entry, make_identity, make_person
from tests.scanner.judging.ownership.people import ROSTER, TODAY, UNREGISTERED, judge_all, likely

OWNERS = ("ada@example.com", "cyd@example.com", "lea@example.com", "bob@example.com", "team:core", "gus@x.y", "ci")
NAMES = st.sampled_from(("svc-core-etl", "svc-core-api", "svc-ada-x", "SvcCoreJob", "core", "x-1", "svc-core-0007", ""))
OWNERSHIP = Ownership(
    machines=("gus*",),
    platforms={"aws": "cyd@example.com"},
    rules=(OwnershipRule(match="svc-*", owner="E7"), OwnershipRule(match="*-etl", owner="team:core")),
)


@st.composite
def estates(draw: st.DrawFn) -> tuple[list[tuple[Identity, RegistryVerdict]], list[Entry]]:
    """Identities with owners, tags and creators of all sorts, declared or not."""
    subjects, entries = [], []
    for number in range(draw(st.integers(1, 8))):
        owner = draw(st.sampled_from(OWNERS))
        identity = make_identity(
            draw(NAMES),
            key=f"id-{number}",
            scope=draw(st.sampled_from(("1", "core"))),
            tags=draw(st.dictionaries(st.sampled_from(("owner", "Team", "x")), st.sampled_from(OWNERS), max_size=2)),
            created_by=draw(st.none() | st.sampled_from(OWNERS)),
        )
        entries.append(make_entry("x", id=f"E{number}", owner=(owner,), built_by=draw(st.sampled_from(OWNERS))))
        registered = RegistryVerdict(state="registered", entry=f"E{number}")
        subjects.append((identity, draw(st.sampled_from((registered, UNREGISTERED, likely(f"E{number}", 0.5))))))
    return subjects, entries


@given(estates(), st.randoms())
def test_input_order_does_not_matter(
    estate: tuple[list[tuple[Identity, RegistryVerdict]], list[Entry]], random: Random
) -> None:
    """The same estate in any order, with its tags in any order, gets the same verdicts."""
    subjects, entries = estate
    shuffled = [
        (msgspec.structs.replace(identity, tags=dict(reversed(list(identity.tags.items())))), verdict)
        for identity, verdict in random.sample(subjects, len(subjects))
    ]
    people = random.sample(list(ROSTER.everybody), len(ROSTER.everybody))
    again = judge_all(shuffled, random.sample(entries, len(entries)), Roster(people, TODAY), OWNERSHIP)
    assert again == judge_all(subjects, entries, ownership=OWNERSHIP)


@given(estates())
def test_candidates_are_active_and_ranked(
    estate: tuple[list[tuple[Identity, RegistryVerdict]], list[Entry]],
) -> None:
    """Candidates are active, listed once, with evidence and a score, and only without an active owner."""
    for verdict in judge_all(*estate, ownership=OWNERSHIP).values():
        found = verdict.candidates
        people = [ROSTER.resolve(one.person) for one in found]
        assert all(person is not None and ROSTER.is_active(person) for person in people)
        assert len({one.person for one in found}) == len(found) <= KEPT
        assert all(0 < one.score < 1 and one.evidence for one in found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        assert not found or verdict.state == "orphaned" or verdict.leaving


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_hostile_texts_give_no_candidates_and_no_errors(name: str, tag: str, creator: str) -> None:
    """With any names an attacker chooses, the verdict is the same."""
    identity = make_identity(name, key="k", tags={tag: name, "owner": creator}, created_by=creator, scope=tag)
    verdict = judge_all([(identity, UNREGISTERED)], ownership=OWNERSHIP)["k"]
    assert (verdict.state, verdict.reason) == ("orphaned", "unregistered")


@pytest.mark.parametrize(
    "registry",
    [RegistryVerdict(state="exempt", evidence="a person"), RegistryVerdict(state="unchecked")],
    ids=["exempt", "unchecked"],
)
def test_identities_without_need_of_an_owner_have_no_candidates(registry: RegistryVerdict) -> None:
    """Exempt identities have no candidates, and neither does any without a registry."""
    identity = make_identity(tags={"owner": "E7"})
    assert judge_all([(identity, registry)])[identity.key].candidates == ()


def test_without_a_roster_there_are_no_candidates() -> None:
    """A name in a tag can be anybody's."""
    identity = make_identity(tags={"owner": "E7"})
    assert judge_all([(identity, UNREGISTERED)], roster=None)[identity.key].candidates == ()


def test_a_group_that_is_about_to_leave_does_not_succeed_itself() -> None:
    """No member stays, so neither the group nor its members are candidates."""
    people = [
        make_person("leo@example.com", status="leaving", manager="ada@example.com"),
        make_person("ada@example.com"),
        make_person("team:pay", members=("leo@example.com",)),
    ]
    identity = make_identity()
    registered = RegistryVerdict(state="registered", entry="E1")
    declared = [make_entry("x", id="E1", owner=("team:pay",), team="team:pay", built_by="leo@example.com")]
    verdict = judge_all([(identity, registered)], declared, Roster(people, TODAY))[identity.key]

    assert verdict.leaving
    assert [candidate.person for candidate in verdict.candidates] == ["ada@example.com"]


@pytest.mark.parametrize(
    ("owner", "person"),
    [("cyd@example.com", "cyd@example.com"), ("eve@example.com", None)],
    ids=["owned", "whose owner has left"],
)
def test_who_answers_for_the_role_is_asked_about_what_runs_as_it(owner: str, person: str | None) -> None:
    """The creator of an agent also created its role."""
    role = make_identity("r", key="role")
    agent = make_identity("q", key="agent", links=(Link(relation="runs_as", target="role", evidence="it says so"),))
    registered = RegistryVerdict(state="registered", entry="E1")
    subjects = [(agent, UNREGISTERED), (role, registered)]
    found = judge_all(subjects, [make_entry("r", id="E1", owner=(owner,))])["agent"].candidates

    assert [one.person for one in found] == ([person] if person else [])
    assert [one.evidence for one in found] == ([f"{person} owns role, as which it runs"] if person else [])
