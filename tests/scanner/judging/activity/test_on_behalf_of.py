"""Whom an identity acted for: people who have left, and nobody where somebody is expected; and for whom agents act."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.judging.activity.judge import Circumstances, Known, judge_activity
from scanner.judging.agents.people import with_acts_for
from scanner.model import (
    ActivityPolicy,
    AgentVerdict,
    Assessment,
    Entry,
    Link,
    OwnershipVerdict,
    Policy,
    RegistryVerdict,
)
from scanner.model.activity import Deviation
from scanner.registry.roster import Roster
from tests.activity import Did, day_ago, make_past
from tests.examples import examples
from tests.factories import NOW, make_assessment, make_entry, make_identity, make_person

BOT = make_identity("bot")
ADA = "on_behalf_of=person:d-1#u-ada"
FOR_ADA: Did = {"write=s3:PutObject": 4, "read=s3:GetObject": 6, ADA: 10}
ALONE: Did = {"write=s3:PutObject": 3}


def _one(identity: Any = BOT, *, is_agent: bool = True, **more: Any) -> Assessment:
    facts = {
        "registry": RegistryVerdict(state="registered", entry="NHI-1"),
        "ownership": OwnershipVerdict(state="owned"),
        "agent": AgentVerdict(is_agent=is_agent),
    }
    return make_assessment(identity, **{**facts, **more})


def _judged(did: dict[int, Did], one: Assessment | None = None, *, entry: Entry | None = None,
            people: Any = None, log: Any = None) -> Assessment:  # fmt: skip
    circumstances = Circumstances(
        policy=Policy(),
        activity=ActivityPolicy(),
        roster=None if people is None else Roster(people, NOW.date()),
        entry_of=lambda _: entry,
        now=NOW,
    )
    subject = one or _one()
    known = Known(past=make_past({subject.identity.key: did}, log={"names_people": True, **(log or {})}))
    (found,) = judge_activity([subject], known, circumstances).assessments
    return found


def _found(one: Assessment, rule: str) -> list[Deviation]:
    return [each for each in one.deviations if each.rule == rule]


def _ada(**more: Any) -> Any:
    return make_person(**{"aliases": ("u-ada",), "status": "left", "left_on": day_ago(5), **more})


# --- For a leaver ---


def test_acts_for_a_leaver_are_one_finding_that_lasts() -> None:
    one = _judged(dict.fromkeys(range(2, 9), FOR_ADA), people=[_ada()])

    (found,) = _found(one, "acted_for_leaver")
    assert (found.lasts, found.day, found.days) == ("ada@example.com", day_ago(2), (day_ago(4), day_ago(3), day_ago(2)))
    assert found.facts["left_on"] == day_ago(5)
    assert (found.facts["person"], found.facts["events"]) == ("ada@example.com", 30)
    assert "actions" not in found.facts


@pytest.mark.parametrize(
    ("person", "did"),
    [
        (_ada(), {5: FOR_ADA}),
        (_ada(left_on=None), {2: FOR_ADA}),
        (_ada(status="active", left_on=None), {2: FOR_ADA}),
        (_ada(aliases=("u-adam",)), {2: FOR_ADA}),
        (_ada(), {2: {**ALONE, ADA: -3}}),
        (_ada(), {2: {**ALONE, "on_behalf_of=agent:u-ada": 3}}),
        (_ada(), {2: {**ALONE, "on_behalf_of=other:u-ada": 3}}),
        (_ada(), {45: FOR_ADA}),
    ],
    ids=[
        "last day",
        "left at an unknown time",
        "still here",
        "somebody else",
        "refused",
        "an agent",
        "not a person",
        "long ago",
    ],
)
def test_near_misses_of_a_leaver(person: Any, did: dict[int, Did]) -> None:
    assert _found(_judged(did, people=[person]), "acted_for_leaver") == []


def test_without_people_nobody_has_left() -> None:
    assert _found(_judged({2: FOR_ADA}), "acted_for_leaver") == []


# --- Without a person ---

IN_THE_LOOP = make_entry("bot", human_in_the_loop=True)


@pytest.mark.parametrize(
    ("did", "is_agent", "entry"),
    [
        ({2: ALONE}, False, IN_THE_LOOP),
        ({3: FOR_ADA, 2: ALONE}, True, None),
        ({2: {"write=s3:PutObject": 13, ADA: 10}}, False, IN_THE_LOOP),
        ({2: {**ALONE, "on_behalf_of=nobody": 3}}, False, IN_THE_LOOP),
    ],
    ids=["declared", "otherwise for people", "more than for people", "the log says so"],
)
def test_acts_without_a_person(did: dict[int, Did], is_agent: bool, entry: Entry | None) -> None:
    (found,) = _found(_judged(did, _one(is_agent=is_agent), entry=entry), "acted_without_person")

    assert (found.lasts, found.day, found.facts["without_person"]) == ("", day_ago(2), 3)
    assert found.facts.get("entry") == (None if entry is None else "NHI-1")


@pytest.mark.parametrize(
    ("did", "is_agent", "entry"),
    [
        ({2: ALONE}, True, None),
        ({2: ALONE}, True, make_entry("bot")),
        ({2: ALONE}, True, make_entry("bot", human_in_the_loop=False)),
        ({3: FOR_ADA, 2: ALONE}, False, None),
        ({3: {"write=s3:PutObject": 1, ADA: 1}, 2: ALONE}, True, None),
        ({2: FOR_ADA}, True, IN_THE_LOOP),
        ({2: {"read=s3:GetObject": 50}}, True, IN_THE_LOOP),
        ({2: {"write=s3:PutObject": -5}}, True, IN_THE_LOOP),
        ({2: {"write=logs:CreateLogStream": 5}}, True, IN_THE_LOOP),
        ({2: {**ALONE, "on_behalf_of=(more)": 3}}, True, IN_THE_LOOP),
        ({2: {**ALONE, "on_behalf_of=agent:planner": 3}}, True, IN_THE_LOOP),
    ],
    ids=[
        "nothing expected", "an entry that says nothing", "declared without", "no agent", "mostly by itself",
        "all for a person", "reads", "refused", "what everybody uses", "beyond a limit", "for another agent",
    ],
)  # fmt: skip
def test_near_misses_of_acts_without_a_person(did: dict[int, Did], is_agent: bool, entry: Entry | None) -> None:
    assert _found(_judged(did, _one(is_agent=is_agent), entry=entry), "acted_without_person") == []


def test_the_silence_of_a_log_that_names_nobody_says_nothing() -> None:
    cluster = make_identity("bot", provider="kubernetes")

    one = _judged({2: ALONE}, _one(cluster), entry=IN_THE_LOOP, log={"provider": "kubernetes", "names_people": False})
    assert one.activity is not None
    assert _found(one, "acted_without_person") == []


def test_what_a_log_logs_besides_an_impersonated_act_is_no_second_act() -> None:
    did = {"write=pods:delete": 3, "become=users:impersonate": 3, "on_behalf_of=person:ada": 3}

    assert _found(_judged({2: did}, entry=IN_THE_LOOP), "acted_without_person") == []


@pytest.mark.parametrize(("earlier", "found"), [({}, 0), ({3: FOR_ADA}, 1)])
def test_the_silence_of_another_log_counts_once_it_named_people(earlier: dict[int, Did], found: int) -> None:
    account = make_identity("bot", provider="gcp")
    one = _judged(
        {**earlier, 2: ALONE}, _one(account), entry=IN_THE_LOOP, log={"provider": "gcp", "names_people": False}
    )

    assert len(_found(one, "acted_without_person")) == found


_WHOM = st.sampled_from([ADA, "on_behalf_of=agent:a", "on_behalf_of=nobody", "on_behalf_of=(more)"])


@given(
    days=st.dictionaries(
        st.integers(1, 20),
        st.dictionaries(
            st.one_of(_WHOM, st.sampled_from(["write=s3:PutObject", "read=s3:GetObject", "secret=kms:Decrypt"])),
            st.integers(1, 9),
        ),
        max_size=8,
    )
)
@examples(60)
def test_acts_without_a_person_are_no_more_than_acts_and_no_less_than_is_certain(days: dict[int, Did]) -> None:
    """By a count over all days that knows nothing of the rule's own way. KMS is what everybody uses."""
    (*found,) = _found(_judged(days, entry=IN_THE_LOOP), "acted_without_person")
    alone = [max(did.get("write=s3:PutObject", 0) - _for_somebody(did), 0) for did in days.values()]

    assert bool(found) == (sum(alone) > 0)
    for each in found:
        assert each.facts["without_person"] == sum(alone)


def _for_somebody(did: Did) -> int:
    return sum(count for text, count in did.items() if text.startswith("on_behalf_of=") and "nobody" not in text)


# --- For whom agents act ---


@pytest.mark.parametrize(
    ("did", "acts_for"),
    [
        (FOR_ADA, "people"),
        ({**FOR_ADA, "on_behalf_of=nobody": 2}, "people"),
        ({**ALONE, "on_behalf_of=nobody": 3}, "itself"),
        (ALONE, "unknown"),
        ({**ALONE, ADA: -3}, "unknown"),
        ({**ALONE, "on_behalf_of=person:#Maker@acme.example": 3}, "its maker"),
        ({**FOR_ADA, "on_behalf_of=person:maker@acme.example": 3}, "people"),
    ],
)
def test_for_whom_an_agent_acts(did: Did, acts_for: str) -> None:
    made = make_identity("bot", created_by="maker@acme.example")
    (one,) = with_acts_for([_judged({2: did}, _one(made))])

    assert one.agent.acts_for == acts_for


@pytest.mark.parametrize(
    ("listed", "acts_for"),
    [
        ([{"person": "ada@acme.example", "last_at": None}, {"person": None}], "people"),
        ([{"person": None, "last_at": None}], "itself"),
        ([{"person": "Maker@acme.example"}], "its maker"),
        ([], "unknown"),
        ([{"person": ""}, {"person": 7}, {}, "x"], "unknown"),
        ("people", "unknown"),
    ],
)
def test_for_whom_an_agent_acts_as_its_provider_lists_it(listed: Any, acts_for: str) -> None:
    made = make_identity("bot", created_by="maker@acme.example", attributes={"on_behalf_of": listed})

    (one,) = with_acts_for([_one(made)])

    assert one.agent.acts_for == acts_for


def test_without_a_log_it_is_unknown_and_of_what_is_no_agent_not_said() -> None:
    agent, other = with_acts_for([_one(), _one(make_identity("job"), is_agent=False)])

    assert (agent.agent.acts_for, other.agent.acts_for) == ("unknown", None)


@pytest.mark.parametrize(("others", "acts_for"), [(0, "people"), (1, "unknown")])
def test_what_its_role_did_counts_unless_others_run_as_it(others: int, acts_for: str) -> None:
    role = _judged({2: FOR_ADA}, _one(is_agent=False))
    link = Link(relation="runs_as", target=BOT.key, evidence="runs as it")
    agents = [_one(replace(make_identity(f"agent-{number}"), links=(link,))) for number in range(1 + others)]

    assert {one.agent.acts_for for one in with_acts_for([role, *agents])[1:]} == {acts_for}
