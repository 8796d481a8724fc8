"""Takeovers of workloads by assignments, which apply to all scopes of the provider."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.access.assignments import held_by
from scanner.access.edges import resolve
from scanner.model import Assignment, Edge, Link, Privilege, Takeover, Workload
from tests.factories import make_assignment, make_identity

HOLDER = make_identity("ci", key="k1", provider="gcp", scope="p1", unique_id="1", privilege=Privilege(level="normal"))
TARGET = make_identity("app", key="k2", provider="gcp", scope="p2")
RUN = "//run.googleapis.com/projects/p2/services/API"
DEPLOYS = "it deploys there"


def running(**facts: Any) -> Workload:
    """A service of another project that runs as the target."""
    place = {"provider": "gcp", "source": "prod", "scope": "p2", "kind": "run_service", "name": "api"}
    return Workload(**{"key": RUN, "runs_as": (TARGET.key,), **place, **facts})


def right(*on: str, conditional: bool = False, **facts: Any) -> Assignment:
    """A role that lets its holder deploy."""
    return make_assignment(
        "1", provider="gcp", takes_over=(Takeover(by=DEPLOYS, on=on, **facts),), conditional=conditional
    )


@pytest.mark.parametrize(
    ("one", "workload", "linked"),
    [
        (right("//run.googleapis.com/projects/p2/*"), running(), True),
        (right(RUN), running(), True),
        (right(RUN.lower()), running(), True),
        (right("//run.googleapis.com/projects/p1/*"), running(), False),
        (right("*", but=(RUN.upper(),)), running(), False),
        (right("*"), running(runs_as=(HOLDER.key,)), False),
        (right("*"), running(provider="aws"), False),
    ],
)
def test_an_assignment_applies_to_all_scopes(one: Assignment, workload: Workload, linked: bool) -> None:
    """Of the provider, as it compares keys, except what is denied."""
    held = held_by([HOLDER], [one])
    found = resolve([HOLDER, TARGET], held, [workload], [])

    evidence = f"{RUN} runs as it: {DEPLOYS}"
    link = Link(relation="can_assume", target=TARGET.key, evidence=evidence)
    assert found.identities[0].links == ((link,) if linked else ())
    assert found.edges == ((Edge(HOLDER.key, TARGET.key, evidence),) if linked else ())


@pytest.mark.parametrize(
    "one",
    [
        right("*", conditional=True),
        make_assignment("1", provider="gcp", takes_over=(Takeover(by=DEPLOYS, on=("*",), conditional=True),)),
    ],
)
def test_a_conditional_takeover_makes_no_link(one: Assignment) -> None:
    """The condition of the assignment, or of the takeover."""
    held = held_by([HOLDER], [one])

    found = resolve([HOLDER, TARGET], held, [running()], [])

    assert [identity.links for identity in found.identities] == [(), ()]
    assert found.edges == (Edge(HOLDER.key, TARGET.key, f"{RUN} runs as it: {DEPLOYS}", conditional=True),)


def test_an_agent_that_was_not_read_this_time_can_be_taken_over() -> None:
    """The last known agent still runs as its role."""
    runs_as = Link(relation="runs_as", target=TARGET.key, evidence="its role")
    agent = make_identity("agent", key="a1", provider="gcp", scope="p2", links=(runs_as,))
    found = resolve([HOLDER, TARGET], held_by([HOLDER], [right("a1")]), [], [], [agent])

    assert found.edges == (
        Edge(HOLDER.key, TARGET.key, f"a1 runs as it: {DEPLOYS}"),
        Edge(agent.key, TARGET.key, "its role"),
    )
