"""Attack paths to an admin: examples, and a comparison with a slow search on small graphs."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.access.raised_privileges import STEPS_SHOWN, raise_by_paths
from scanner.model import UNKNOWN_PRIVILEGE, Edge, Privilege, PrivilegeLevel

ADMIN = Privilege(level="admin", evidence=("* on *",))
NORMAL = Privilege(level="normal")


def edge(source: str, target: str, *, conditional: bool = False) -> Edge:
    """An edge with a trust policy for evidence."""
    return Edge(source, target, f"trust policy of {target}", conditional)


def test_one_step_leads_to_an_admin() -> None:
    """An identity that can assume an admin is raised, and the evidence names the step."""
    raised = raise_by_paths({"a": NORMAL, "root": ADMIN}, [edge("a", "root")])

    assert raised == {
        "a": Privilege(level="escalation", evidence=("a can become the admin root: trust policy of root",)),
        "root": ADMIN,
    }


def test_a_chain_through_an_unlisted_identity_counts() -> None:
    """A path can lead through an identity that was not discovered."""
    raised = raise_by_paths({"a": NORMAL, "root": ADMIN}, [edge("a", "x"), edge("x", "root")])

    assert raised["a"].evidence == (
        "a can become x: trust policy of x",
        "x can become the admin root: trust policy of root",
    )
    assert "x" not in raised


@pytest.mark.parametrize("level", ["normal", "high", "escalation"])
def test_an_identity_with_a_path_is_at_least_escalation(level: PrivilegeLevel) -> None:
    """A path raises every lower level, and what was known before stays in the evidence behind it."""
    before = Privilege(level=level, evidence=("known before",))
    raised = raise_by_paths({"a": before, "root": ADMIN}, [edge("a", "root")])["a"]

    assert raised.level == "escalation"
    assert raised.evidence == ("a can become the admin root: trust policy of root", "known before")


def test_why_the_own_privilege_is_unknown_is_no_evidence_of_a_path() -> None:
    """An unread scope does not raise a privilege."""
    before = Privilege(level="unknown", evidence=("a place could not be read",))

    raised = raise_by_paths({"a": before, "root": ADMIN}, [edge("a", "root")])

    assert raised == raise_by_paths({"a": NORMAL, "root": ADMIN}, [edge("a", "root")])


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param([], id="no edges"),
        pytest.param([edge("root", "a")], id="the admin can become it"),
        pytest.param([edge("b", "b"), edge("b", "c"), edge("c", "b")], id="a cycle that leads nowhere"),
        pytest.param([edge("a", "stranger")], id="to a stranger"),
    ],
)
def test_without_a_path_nothing_changes(edges: list[Edge]) -> None:
    """Unknown stays unknown, and normal normal."""
    before = {"a": UNKNOWN_PRIVILEGE, "b": NORMAL, "c": NORMAL, "root": ADMIN}

    assert raise_by_paths(before, edges) == before


def test_a_path_to_an_identity_that_can_escalate_is_escalation() -> None:
    """A path to an admin comes first; identities that can escalate themselves keep their own evidence."""
    able = Privilege(level="escalation", evidence=("can change its own rights",))
    before = {"a": NORMAL, "b": NORMAL, "able": able, "other": able, "root": ADMIN}
    edges = [edge("a", "b"), edge("b", "able"), edge("b", "other"), edge("able", "other")]

    raised = raise_by_paths(before, edges)
    assert raised["a"].evidence == (
        "a can become b: trust policy of b",
        "b can become able, which can make itself an admin: trust policy of able",
    )
    assert (raised["able"], raised["other"]) == (able, able)
    assert raise_by_paths(before, [*edges, edge("other", "root"), edge("b", "other")])["b"].evidence == (
        "b can become other: trust policy of other",
        "other can become the admin root: trust policy of root",
    )


def test_an_admin_that_can_become_another_stays_as_it_is() -> None:
    """Admins get no paths to other admins."""
    before = {"a": ADMIN, "b": ADMIN}

    assert raise_by_paths(before, [edge("a", "b"), edge("b", "a")]) == before


@pytest.mark.parametrize(
    ("own", "level"), [("normal", "unknown"), ("high", "high"), ("unknown", "unknown"), ("escalation", "escalation")]
)
def test_a_path_to_unknown_privilege_is_unknown(own: PrivilegeLevel, level: PrivilegeLevel) -> None:
    """It is not known to be normal; higher levels stay."""
    before = {"a": Privilege(level=own, evidence=("known before",)), "m": NORMAL, "u": UNKNOWN_PRIVILEGE}
    raised = raise_by_paths(before, [edge("a", "m"), edge("m", "u")])

    assert (raised["a"].level, raised["m"].level) == (level, "unknown")
    steps = ("a can become m: trust policy of m", "m can become u, whose privilege is unknown: trust policy of u")
    assert raised["a"].evidence == ((*steps, "known before") if own in ("normal", "high") else ("known before",))


@pytest.mark.parametrize(
    ("own", "goal", "level"),
    [
        ("normal", "admin", "high"),
        ("high", "escalation", "high"),
        ("unknown", "admin", "high"),
        ("normal", "high", "normal"),
        ("escalation", "admin", "escalation"),
    ],
)
def test_what_holds_under_a_condition_is_high(own: PrivilegeLevel, goal: PrivilegeLevel, level: PrivilegeLevel) -> None:
    """Never an unconditional path; the evidence shows the first by key."""
    before = {"a": Privilege(level=own), "k": Privilege(level=goal), "z": Privilege(level=goal)}
    raised = raise_by_paths(
        before,
        [
            *(edge("a", key, conditional=True) for key in ("z", "k", "stranger")),
            edge("stranger", "k", conditional=True),
        ],
    )

    assert raised["a"].level == level
    steps = ("a can become k, under a condition: trust policy of k",)
    assert raised["a"].evidence == (steps if level != own or own == "high" else ())


def test_a_conditional_edge_to_an_identity_with_a_path() -> None:
    """An identity raised by a path counts as powerful."""
    raised = raise_by_paths(
        {"a": NORMAL, "b": NORMAL, "root": ADMIN}, [edge("b", "root"), edge("a", "b", conditional=True)]
    )

    assert raised["a"] == Privilege(level="high", evidence=("a can become b, under a condition: trust policy of b",))


CHOICES = [edge("a", "m"), edge("a", "k"), Edge("a", "k", "another way"), edge("m", "v"), edge("k", "z")]


@given(st.permutations(CHOICES + [edge("b", admin) for admin in "vwxyz"]))
def test_of_equal_paths_the_smallest_key_is_taken(edges: list[Edge]) -> None:
    """The order of the edges never shows: not in the path and not in its evidence."""
    raised = raise_by_paths({"a": NORMAL, "b": NORMAL} | dict.fromkeys("zyxwv", ADMIN), edges)

    assert raised["a"].evidence == ("a can become k: another way", "k can become the admin z: trust policy of z")
    assert raised["b"].evidence == ("b can become the admin v: trust policy of v",)


def test_a_long_path_is_cut_and_names_its_end() -> None:
    """Evidence stays short: the first steps, the number of others, and the goal."""
    steps = STEPS_SHOWN + 4
    keys = [f"n{number:02}" for number in range(steps)] + ["root"]
    edges = [edge(source, target) for source, target in pairwise(keys)]
    evidence = raise_by_paths({"n00": NORMAL, "root": ADMIN}, edges)["n00"].evidence

    assert len(evidence) == STEPS_SHOWN + 1
    assert evidence[0] == "n00 can become n01: trust policy of n01"
    assert evidence[-1] == "4 more steps lead to the admin root"


LEVELS: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "normal", "unknown")
NODES = "abcdefgh"
graphs = st.tuples(
    st.dictionaries(st.sampled_from(NODES), st.sampled_from(LEVELS), min_size=1),
    st.lists(
        st.builds(
            Edge, st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from(("p", "q")), st.just(value=False)
        )
    ),
)


def shortest_by_hand(
    levels: dict[str, PrivilegeLevel], edges: list[Edge], start: str, level: PrivilegeLevel
) -> int | None:
    """Steps from ``start`` to the nearest of that level, by widening the set of reachable keys until it stops."""
    reachable = {start}
    for steps in range(len(NODES) + 1):
        if any(levels.get(key) == level for key in reachable):
            return steps
        reachable |= {target for source, target, *_ in edges if source in reachable}
    return None


GOALS: tuple[tuple[PrivilegeLevel, PrivilegeLevel], ...] = (
    ("admin", "escalation"),
    ("escalation", "escalation"),
    ("unknown", "unknown"),
)
"""The level of an identity with a path to the first one; highest first."""


@given(graphs)
def test_against_a_naive_walk(graph: tuple[dict[str, PrivilegeLevel], list[Edge]]) -> None:
    """Levels, path lengths and every single step agree with a walk forward from each identity."""
    levels, edges = graph
    raised = raise_by_paths({key: Privilege(level=level) for key, level in levels.items()}, edges)

    assert list(raised) == list(levels)
    for key, level in levels.items():
        ends = ((shortest_by_hand(levels, edges, key, goal), to) for goal, to in GOALS)
        steps, to = next(((steps, to) for steps, to in ends if steps is not None), (0, level))
        kept = steps == 0 or (level == "high" and to == "unknown")
        assert raised[key].level == (level if kept else to)
        assert len(raised[key].evidence) == min(steps, STEPS_SHOWN + 1)
        for line in raised[key].evidence[:STEPS_SHOWN]:
            plain = line.replace("the admin ", "").replace(", which can make itself an admin", "")
            plain = plain.replace(", whose privilege is unknown", "")
            step, _, evidence = plain.partition(": ")
            source, _, target = step.partition(" can become ")
            assert Edge(source, target, evidence) in edges


def test_deep_and_wide_graphs_take_one_walk() -> None:
    """A chain of 20,000 and 20,000 around one admin need neither recursion nor a path each in full."""
    number = 20_000
    chain = [edge(f"c{n}", f"c{n + 1}") for n in range(number)]
    star = [edge(f"s{n}", f"c{number}") for n in range(number)]
    edges = chain + star
    random.Random(7).shuffle(edges)  # noqa: S311  # a fixed order, nothing secret
    privileges = {source: NORMAL for source, *_ in edges} | {f"c{number}": ADMIN}
    raised = raise_by_paths(privileges, edges)

    assert {privilege.level for key, privilege in raised.items() if key != f"c{number}"} == {"escalation"}
    assert raised["c0"].evidence[-1] == f"{number - STEPS_SHOWN} more steps lead to the admin c{number}"
