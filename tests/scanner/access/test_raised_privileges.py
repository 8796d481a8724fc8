"""Attack paths to an admin: examples, and a comparison with a slow search on small graphs."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.access.control import Method
from scanner.access.raised_privileges import STEPS_SHOWN, raise_by_paths, with_unread_targets
from scanner.model import POTENTIAL, POWERFUL, UNKNOWN_PRIVILEGE, Coverage, Edge, Privilege, PrivilegeLevel
from tests.factories import make_identity

ADMIN = Privilege(level="admin", evidence=("* on *",))
NORMAL = Privilege(level="normal")


def edge(source: str, target: str, *, conditional: bool = False) -> Edge:
    """An edge with a trust policy for evidence."""
    return Edge(source, target, f"trust policy of {target}", conditional)


def test_one_step_leads_to_an_admin() -> None:
    """An identity that can assume an admin is raised, and the evidence names the step."""
    raised = raise_by_paths({"a": NORMAL, "root": ADMIN}, [edge("a", "root")])

    assert raised == {
        "a": Privilege(
            level="escalation", evidence=("a can become the admin root: trust policy of root",), goal="root"
        ),
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
    raised = raise_by_paths(before, [edge("a", key, conditional=True) for key in ("z", "k", "stranger")])

    assert raised["a"].level == level
    last = {"admin": "the admin k", "escalation": "k, which can make itself an admin"}.get(goal, "")
    steps = (f"a can become {last}, under a condition: trust policy of k",)
    assert raised["a"].evidence == (steps if level != own or own == "high" else ())


def test_a_conditional_edge_to_an_identity_with_a_path() -> None:
    """An identity raised by a path counts as powerful."""
    raised = raise_by_paths(
        {"a": NORMAL, "b": NORMAL, "root": ADMIN}, [edge("b", "root"), edge("a", "b", conditional=True)]
    )

    steps = (
        "a can become b, under a condition: trust policy of b",
        "b can become the admin root: trust policy of root",
    )
    assert raised["a"] == Privilege(level="high", evidence=steps, goal="root")


def test_a_condition_anywhere_on_the_way_counts() -> None:
    """Whoever controls an identity with a conditional path has that path, too: `paths` lists it."""
    raised = raise_by_paths(
        {"a": NORMAL, "b": NORMAL, "root": ADMIN}, [edge("a", "b"), edge("b", "root", conditional=True)]
    )

    assert {key: raised[key].level for key in "ab"} == {"a": "high", "b": "high"}


def test_a_path_to_an_identity_that_was_not_read_is_unknown() -> None:
    """Nobody knows what it may do; an identity that is high stays high."""
    raised = raise_by_paths({"a": NORMAL, "b": Privilege(level="high")}, [edge("a", "x"), edge("b", "x")])

    assert raised["a"].level == "unknown"
    assert raised["a"].evidence == ("a can become x, which was not read: trust policy of x",)
    assert raised["b"].level == "high"


# --- Methods: for whoever controls holder and target ---


def method(holder: str, *targets: str, conditional: bool = False) -> Method:
    """A method with a policy for evidence."""
    return Method(holder=holder, targets=targets, by=f"policy of {holder}", conditional=conditional)


METHODS = [
    pytest.param([edge("x", "h")], [method("h", "x")], "escalation", id="may assume a role that may change it"),
    pytest.param([edge("x", "h"), edge("x", "t")], [method("h", "t")], "escalation", id="controls both"),
    pytest.param([edge("x", "m"), edge("m", "h"), edge("m", "t")], [method("h", "t")], "escalation", id="through both"),
    pytest.param([edge("x", "h")], [method("h", "t", "x")], "escalation", id="one of several targets"),
    pytest.param([edge("x", "t")], [method("x", "t")], "escalation", id="is the holder"),
    pytest.param([edge("x", "t")], [method("h", "t")], "normal", id="controls the target alone"),
    pytest.param([edge("x", "h")], [method("h", "t")], "high", id="controls the holder alone"),
    pytest.param([], [method("x", "t")], "high", id="is the holder alone"),
    pytest.param([edge("x", "h")], [method("h", "x", conditional=True)], "high", id="a conditional method"),
    pytest.param([edge("x", "h", conditional=True)], [method("h", "x")], "high", id="a conditional way to the holder"),
    pytest.param([edge("h", "x")], [method("h", "x")], "normal", id="the holder controls it, it does not control"),
    pytest.param([edge("x", "h"), edge("h", "t")], [method("x", "t")], "escalation", id="a target further on"),
]


@pytest.mark.parametrize(("edges", "methods", "level"), METHODS)
def test_a_method_needs_control_of_holder_and_target(
    edges: list[Edge], methods: list[Method], level: PrivilegeLevel
) -> None:
    """The level of x; holders alone are high and named with their targets."""
    raised = raise_by_paths(dict.fromkeys("xhtm", NORMAL), edges, methods)

    assert raised["x"].level == level
    sure = not any(one.conditional for one in edges) and not any(one.conditional for one in methods)
    alone = raised["x"].level == "high" and sure
    assert raised["x"].makes_admin == (("t",) if alone else ())


def test_the_evidence_of_a_method_names_both_paths() -> None:
    """The path to the target first, then who makes it an admin, then the path to that holder."""
    raised = raise_by_paths(dict.fromkeys("xht", NORMAL), [edge("x", "h"), edge("x", "t")], [method("h", "t")])

    assert raised["x"] == Privilege(
        level="escalation",
        evidence=(
            "x can become t: trust policy of t",
            "h can make t an admin: policy of h",
            "x can become h: trust policy of h",
        ),
        goal="t",
    )
    assert raised["h"].evidence == ("can make t an admin: policy of h",)


def test_what_only_could_be_is_dropped_where_a_target_is_known() -> None:
    """Without one it stays, and the level with it."""
    could = Privilege(level="high", evidence=(f"{POTENTIAL}can pass a role: iam:PassRole", "can read secrets"))
    raised = raise_by_paths({"a": could, "b": could, "root": ADMIN}, [edge("a", "root"), edge("b", "b")])

    assert raised["a"].evidence == ("a can become the admin root: trust policy of root", "can read secrets")
    assert raised["b"] == could


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
nodes = st.sampled_from(NODES)
estates = st.tuples(
    st.dictionaries(nodes, st.sampled_from(LEVELS), min_size=1),
    st.lists(st.builds(Edge, nodes, nodes, st.sampled_from(("p", "q")), st.booleans()), max_size=20),
    st.lists(
        st.builds(
            Method,
            holder=nodes,
            targets=st.lists(nodes, min_size=1, max_size=3, unique=True).map(tuple),
            by=st.just("p"),
            conditional=st.booleans(),
        ),
        max_size=4,
    ),
)


def controlled(edges: list[Edge], start: str, *, if_met: bool) -> set[str]:
    """Return all that one controls, by widening the set until it stops."""
    reached = {start}
    for _ in NODES:
        reached |= {edge.target for edge in edges if edge.source in reached and (if_met or not edge.conditional)}
    return reached


def level_by_hand(
    levels: dict[str, PrivilegeLevel], edges: list[Edge], methods: list[Method], start: str
) -> PrivilegeLevel:
    """Return the level as it is defined, from all that one controls."""
    own = levels[start]
    if own == "admin":
        return own

    def escalates(*, if_met: bool) -> bool:
        mine = controlled(edges, start, if_met=if_met)
        return any(levels.get(key) in POWERFUL for key in mine) or any(
            one.holder in mine and not mine.isdisjoint(one.targets) and (if_met or not one.conditional)
            for one in methods
        )

    mine = controlled(edges, start, if_met=False)
    if escalates(if_met=False):
        return "escalation"
    holds = any(one.holder in mine and not one.conditional for one in methods)
    if own == "high" or escalates(if_met=True) or holds:
        return "high"
    return "unknown" if any(levels.get(key, "unknown") == "unknown" for key in mine) else own


@given(estates)
def test_levels_are_as_defined(estate: tuple[dict[str, PrivilegeLevel], list[Edge], list[Method]]) -> None:
    """All levels agree with their definition, and every step of the evidence is an edge."""
    levels, edges, given = estate
    # Admins need no method, are targets of none, and lead nowhere that matters: all that is left out before.
    admins = {key for key, level in levels.items() if level == "admin"}
    edges = [one for one in edges if one.source not in admins]
    methods = [one for one in given if one.holder not in admins and admins.isdisjoint(one.targets) and not one.is_own]
    raised = raise_by_paths({key: Privilege(level=level) for key, level in levels.items()}, edges, methods)

    assert {key: one.level for key, one in raised.items()} == {
        key: level_by_hand(levels, edges, methods, key) for key in levels
    }
    for one in raised.values():
        for line in one.evidence:
            if " can become " in line:
                for more in ("the admin ", ", which can make itself an admin", ", under a condition"):
                    line = line.replace(more, "")  # noqa: PLW2901  # what is said of the end of a path
                step, _, evidence = re.sub(", (whose privilege is unknown|which was not read)", "", line).partition(
                    ": "
                )
                source, _, target = step.partition(" can become ")
                assert {(source, target, evidence)} & {edge[:3] for edge in edges}


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
    assert raised["c0"].evidence[-1] == f"{number - STEPS_SHOWN:,} more steps lead to the admin c{number}"


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"section": "lambda.functions", "status": "denied"}, True),
        ({"section": "iam.roles", "status": "partial", "kinds": ("role",)}, True),
        ({"section": "lambda.functions", "status": "complete"}, False),
        ({"section": "lambda.functions", "status": "denied", "scope": "other"}, False),
        ({"section": "iam.service_specific", "status": "denied", "about": ("user",)}, False),
    ],
)
def test_unread_targets_are_named_beside_what_only_could_be(section: dict[str, Any], *, said: bool) -> None:
    """A listing of the same scope that is a gap may hold a target; one that adds facts to users cannot."""
    one = make_identity("a")
    could = Privilege(level="high", evidence=(f"{POTENTIAL}can act as what runs",))
    gap = Coverage(**{"source": one.source, "provider": "aws", "scope": one.scope, **section})

    found = with_unread_targets({one.key: could}, [one], [gap])[one.key]

    more = (f"{POTENTIAL}not all targets could be read: {gap.section} ({gap.status})",)
    assert found == Privilege(level="high", evidence=could.evidence + (more if said else ()))
