"""Attack paths and choke points, against networkx and against removing each identity in turn."""

from __future__ import annotations

from typing import Any

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from scanner.access.attack_paths import AttackGraph, AttackPath, Step, admins, entrances, steps_of
from scanner.model import Assessment, Link, Privilege, Trust, Way
from tests.examples import examples
from tests.factories import make_assessment, make_identity, make_result


def step(source: str, target: str, *, conditional: bool = False) -> Step:
    """An edge by which one becomes the other."""
    return Step(source=source, target=target, relation="can_assume", evidence="e", conditional=conditional)


PAIRS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=20, unique=True)


def graph(pairs: list[tuple[str, str]]) -> AttackGraph:
    """Of these edges."""
    return AttackGraph(step(*pair) for pair in pairs)


def holds(path: AttackPath, pairs: list[tuple[str, str]]) -> bool:
    """Whether each step is an edge and begins where the one before ended."""
    return all((one.source, one.target) in pairs for one in path.steps) and len(path.keys) == len(path.steps) + 1


@given(pairs=PAIRS, goals=st.sets(st.sampled_from("abcdefgh"), max_size=3))
@examples(60)
def test_paths_are_shortest(pairs: list[tuple[str, str]], goals: set[str]) -> None:
    """To every key, to goals, from several to the nearest goal, and several between two."""
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    oracle = nx.DiGraph(pairs)
    oracle.add_nodes_from("abcdefgh")
    lengths = nx.single_source_shortest_path_length(oracle, "a")
    ours = graph(pairs)

    every = list(ours.shortest("a"))
    assert {path.keys[-1]: len(path.steps) for path in every} == {key: n for key, n in lengths.items() if n}
    assert [len(path.steps) for path in every] == sorted(len(path.steps) for path in every)
    assert {path.keys[-1] for path in ours.shortest("a", goals)} == (goals & set(lengths)) - {"a"}
    nearest = {path.keys[0]: len(path.steps) for path in ours.nearest("abcdefgh", goals)}
    assert nearest == {
        key: min(found)
        for key in set("abcdefgh") - goals
        if (found := [nx.shortest_path_length(oracle, key, goal) for goal in goals if nx.has_path(oracle, key, goal)])
    }
    several = ours.several("a", "b", 5)
    expected = sorted(map(tuple, nx.all_simple_paths(oracle, "a", "b")), key=len)[:5]
    assert [len(path.keys) for path in several] == list(map(len, expected))
    assert len({path.keys for path in several}) == len(several)
    assert all(holds(path, pairs) for path in (*every, *several))


@given(pairs=PAIRS, goals=st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=2))
@examples(60)
def test_chokes_are_what_others_need(pairs: list[tuple[str, str]], goals: set[str]) -> None:
    """As many lose every path as when the identity is taken out."""

    def able(without: str | None) -> set[str]:
        left = [pair for pair in pairs if without not in pair]
        return {path.keys[0] for path in graph(left).nearest("abcdefgh", goals - {without})}

    before = able(None)
    expected = {key: len(before - able(key) - {key}) for key in "abcdefgh"}

    found = {choke.identity: choke.loses for choke in graph(pairs).chokes(goals)}

    assert found == {key: loses for key, loses in expected.items() if loses}


def test_an_unconditional_edge_counts() -> None:
    """Of two between the same, and of equally short paths."""
    certain = [("a", "b"), ("a", "d"), ("c", "z"), ("d", "z")]
    maybe = [("a", "b"), ("a", "c")]
    ours = AttackGraph([*(step(*pair, conditional=True) for pair in maybe), *(step(*pair) for pair in certain)])

    assert [path.keys for path in ours.shortest("a", {"z"})] == [("a", "d", "z")]
    assert not any(one.conditional for path in ours.shortest("a", {"b"}) for one in path.steps)


def test_edges_come_from_links_and_conditions() -> None:
    """Other relations are context; an edge under a condition is resolved from ways and trusts."""
    trusts = (Trust(principal="arn:b", kind="principal", evidence="trusted"),)
    linked = make_identity("a", links=(Link(relation="can_assume", target="t", evidence="l"),))
    member = make_identity("m", links=(Link(relation="member_of", target="g", evidence="l"),))
    maybe = make_identity("b", scope="2", reach=(Way(kind="assume", on=("*:c",), conditional=True, by="sts"),))
    target = make_identity("c", scope="1", trusts=trusts)
    result = make_result(*map(make_assessment, (linked, member, maybe, target)))

    found = {(one.source, one.relation, one.becomes) for one in steps_of(result)}

    assert (linked.key, "can_assume", True) in found
    assert (member.key, "member_of", False) in found


def test_admins_and_entrances() -> None:
    """An escalation is no goal; services of the provider and deleted principals are not outside."""
    admin = make_assessment("root", privilege=Privilege(level="admin"))
    rising = make_assessment("rising", privilege=Privilege(level="escalation"))

    def trusting(name: str, **facts: Any) -> Assessment:
        trust: dict[str, Any] = {"principal": "p", "kind": "account", "evidence": "e", "external": True, **facts}
        return make_assessment(make_identity(name, trusts=(Trust(**trust),)))

    found = [
        trusting("vendor"),
        trusting("own", external=False),
        trusting("service", kind="service"),
        trusting("anyone", kind="anyone", external=None),
        trusting("gone", kind="deleted"),
    ]

    assert admins([admin, rising]) == {admin.identity.key}
    assert {key.rpartition("/")[2].rpartition(":")[2] for key in entrances(found)} == {"vendor", "anyone"}
