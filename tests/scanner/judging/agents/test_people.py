"""Sponsors who have all left."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judging.agents.people import with_sponsors_left
from scanner.model import AgentVerdict
from scanner.registry.roster import Roster
from tests.activity import day_ago
from tests.factories import NOW, make_assessment, make_identity, make_person

TODAY = NOW.date()
PEOPLE = [
    make_person("ada@example.com", name="Ada", status="left", aliases=("oid-ada",)),
    make_person("eve@example.com", name="Eve", status="left", left_on=day_ago(-3)),
    make_person("bob@example.com", name="Bob"),
    make_person("team:old@example.com", name="Old", status="left", members=()),
]
ADA, BOB, EVE = {"id": "oid-ada"}, {"id": "x", "email": "bob@example.com"}, {"email": "eve@example.com"}


def _left(sponsors: Any, *, is_agent: bool = True, people: Any = PEOPLE) -> tuple[str, ...]:
    identity = make_identity("bot", attributes={"sponsors": sponsors})
    one = make_assessment(identity, agent=AgentVerdict(is_agent=is_agent))
    roster = None if people is None else Roster(people, TODAY)
    (judged,) = with_sponsors_left([one], roster, TODAY)
    return judged.agent.sponsors_left


@pytest.mark.parametrize("sponsors", [[ADA], [ADA, {"email": "ada@example.com"}]])
def test_all_of_them_have_left(sponsors: Any) -> None:
    assert _left(sponsors) == ("ada@example.com",)


@pytest.mark.parametrize(
    "sponsors",
    [
        [], None, "ada@example.com", [ADA, BOB], [ADA, {"id": "somebody"}], [EVE], [{"name": "Ada"}],
        [{"email": "team:old@example.com"}], [ADA, 5], [{"id": None, "email": 7}],
    ],
    ids=[
        "none", "not read", "another shape", "one is here", "one is not on the roster", "last day to come",
        "a name alone", "a group", "a row of another shape", "fields of another shape",
    ],
)  # fmt: skip
def test_near_misses(sponsors: Any) -> None:
    assert _left(sponsors) == ()


def test_neither_without_a_roster_nor_of_what_is_no_agent() -> None:
    assert (_left([ADA], people=None), _left([ADA], is_agent=False)) == ((), ())
