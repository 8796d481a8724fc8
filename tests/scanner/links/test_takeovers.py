"""Taking over what runs as somebody, by a right that reaches any scope of the provider."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.links.assignments import held_by
from scanner.links.takeovers import doubtful_takeovers, with_takeovers
from scanner.model import Assignment, Link, Privilege, Takeover, Workload
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
def test_a_right_reaches_whatever_runs_anywhere(one: Assignment, workload: Workload, linked: bool) -> None:
    """In the provider, as it compares keys, but for what is denied."""
    held = held_by([HOLDER], [one])
    found, _ = with_takeovers([HOLDER, TARGET], [workload], held)

    expected = Link(relation="can_assume", target=TARGET.key, evidence=f"{RUN} runs as it: {DEPLOYS}")
    assert found.links == ((expected,) if linked else ())
    assert list(doubtful_takeovers([HOLDER, TARGET], [workload], held)) == []


@pytest.mark.parametrize(
    "one",
    [
        right("*", conditional=True),
        make_assignment("1", provider="gcp", takes_over=(Takeover(by=DEPLOYS, on=("*",), conditional=True),)),
    ],
)
def test_under_a_condition_it_is_a_doubt(one: Assignment) -> None:
    """Whether the right has one, or what it allows."""
    held = held_by([HOLDER], [one])

    assert with_takeovers([HOLDER, TARGET], [running()], held) == (HOLDER, TARGET)
    assert list(doubtful_takeovers([HOLDER], [running()], held)) == [
        (HOLDER.key, TARGET.key, f"{RUN} runs as it: {DEPLOYS}")
    ]
