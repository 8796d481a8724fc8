"""Attack paths, reach, choke points and cuts, against networkx and against removing each identity in turn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any, TypeAlias

import networkx as nx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.access import searches
from scanner.access.adjacency import Arrays
from scanner.access.attack_paths import AttackGraph, AttackPath, Step, admins, graph_of, is_external, steps_of
from scanner.access.chokes import chokes, chokes_to_admin, fewest_cuts, fewest_cuts_to_admin
from scanner.access.control import Method
from scanner.access.questions import ask, question
from scanner.access.raised_privileges import raise_by_paths
from scanner.model import POWERFUL, Assessment, Edge, Link, Privilege, Trust, Way
from tests.examples import examples
from tests.factories import make_assessment, make_identity, make_result


def step(source: str, target: str, *, conditional: bool = False) -> Step:
    """An edge by which one becomes the other."""
    return Step(source=source, target=target, relation="can_assume", evidence="e", conditional=conditional)


KEYS = "abcdefgh"
Edges: TypeAlias = dict[tuple[str, str], bool]
"""Whether each edge is conditional."""

EDGES = st.dictionaries(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), st.booleans(), max_size=24)
GOALS = st.frozensets(st.sampled_from(KEYS), max_size=3)


def graphs(edges: Edges) -> Iterator[AttackGraph]:
    """The graph in both forms: for few edges and for many."""
    known = graph_of(step(*pair, conditional=conditional) for pair, conditional in edges.items())
    yield known
    numbered = [
        (known.numbers[one], known.numbers[other], maybe) for (one, other), maybe in edges.items() if one != other
    ]
    columns = zip(*numbered, strict=True) if numbered else ((), (), ())
    edges_of_arrays = Arrays.of(len(known.keys), *map(list, columns))
    sure = [pair for pair in numbered if not pair[2]]
    certain = Arrays.of(len(known.keys), *map(list, zip(*sure, strict=True))) if sure else known.certain
    yield replace(known, edges=edges_of_arrays, certain=certain)


def oracle_of(edges: Edges) -> Any:
    """The same as networkx knows it, with every key."""
    oracle = nx.DiGraph(pair for pair in edges if pair[0] != pair[1])
    oracle.add_nodes_from(KEYS)
    return oracle


def holds(path: AttackPath, edges: Edges) -> bool:
    """Whether each step is an edge and begins where the one before ended."""
    return len(path.keys) == len(path.steps) + 1 and all(
        edges.get((one.source, one.target)) is one.conditional for one in path.steps
    )


def weight(path: AttackPath) -> tuple[int, int]:
    """Steps, and how many are conditional."""
    return len(path.steps), sum(one.conditional for one in path.steps)


@given(edges=EDGES, goals=GOALS)
@examples(80, smoke=80)
def test_paths_are_shortest_and_simple(edges: Edges, goals: frozenset[str]) -> None:
    """To every key, to goals, from several to the nearest goal, and all simple ones, as networkx finds them."""
    oracle = oracle_of(edges)
    lengths = nx.single_source_shortest_path_length(oracle, "a")
    for one, other in oracle.edges:
        oracle.edges[one, other]["weight"] = 100 + edges[one, other]
    least = nx.single_source_dijkstra_path_length(oracle, "a")
    ours, large = graphs(edges)

    every = list(ours.shortest("a"))
    assert {path.keys[-1]: weight(path) for path in every} == {
        key: divmod(total, 100) for key, total in least.items() if total
    }
    assert [len(path.steps) for path in every] == sorted(len(path.steps) for path in every)
    assert {path.keys[-1] for path in ours.shortest("a", goals)} == (goals & set(lengths)) - {"a"}
    nearest = {path.keys[0]: len(path.steps) for path in ours.nearest(KEYS, goals)}
    assert nearest == {
        key: min(found)
        for key in set(KEYS) - goals
        if (found := [nx.shortest_path_length(oracle, key, goal) for goal in goals if nx.has_path(oracle, key, goal)])
    }
    simple = ours.simple("a", goals, 1000)
    stopped = oracle.copy()
    stopped.remove_edges_from([edge for edge in oracle.edges if edge[0] in goals])
    expected = () if "a" in goals or not goals else nx.all_simple_paths(stopped, "a", goals)
    assert {path.keys for path in simple.paths} == set(map(tuple, expected))
    assert list(map(weight, simple.paths)) == sorted(map(weight, simple.paths))
    short = ours.simple("a", goals, 1000, 3).paths
    assert short == tuple(path for path in simple.paths if len(path.steps) <= 3)
    assert all(holds(path, edges) for path in (*every, *simple.paths))

    assert list(large.shortest("a")) == every
    assert list(large.shortest("a", goals)) == list(ours.shortest("a", goals))
    assert list(large.nearest(KEYS, goals)) == list(ours.nearest(KEYS, goals))
    assert large.simple("a", goals, 1000) == simple


@given(edges=EDGES, goals=GOALS, gone=st.frozensets(st.sampled_from(KEYS), max_size=2), data=st.data())
@examples(60, smoke=60)
def test_reach_without_what_is_cut(
    edges: Edges, goals: frozenset[str], gone: frozenset[str], data: st.DataObject
) -> None:
    """Onward and back, in one step and in any number, with identities avoided and edges cut."""
    cut = data.draw(st.frozensets(st.sampled_from(sorted(edges)), max_size=3)) if edges else frozenset()
    oracle = oracle_of(edges)
    oracle.remove_nodes_from(gone)
    oracle.remove_edges_from(cut)

    for whole in graphs(edges):
        ours = whole.without(gone, [*cut, ("a", "unknown")])
        for key in sorted(set(KEYS) - gone):
            assert set(ours.reached((key,))) == nx.descendants(oracle, key)
            assert set(ours.reached((key,), back=True)) == nx.ancestors(oracle, key)
            assert set(ours.neighbours(key)) == set(oracle.successors(key))
            assert set(ours.neighbours(key, back=True)) == set(oracle.predecessors(key))
        left = {path.keys for path in ours.nearest(KEYS, goals)}
        assert all(gone.isdisjoint(path) and cut.isdisjoint(pairwise(path)) for path in left)
        assert {path[0] for path in left} == {
            key for key in set(KEYS) - gone - goals if any(nx.has_path(oracle, key, goal) for goal in goals - gone)
        }


@given(edges=EDGES, goals=GOALS)
@examples(60, smoke=60)
def test_chokes_are_what_others_need(edges: Edges, goals: frozenset[str]) -> None:
    """As many lose every path as when the identity is taken out."""

    def able(without: str | None) -> set[str]:
        left = {pair: maybe for pair, maybe in edges.items() if without not in pair}
        return {path.keys[0] for path in next(graphs(left)).nearest(KEYS, goals - {without})}

    before = able(None)
    expected = {key: len(before - able(key) - {key}) for key in KEYS}

    for ours in graphs(edges):
        found = chokes(ours, goals)
        assert not found.bounded
        assert {one.identity: one.loses for one in found.chokes} == {
            key: loses for key, loses in expected.items() if loses
        }


@given(edges=EDGES, goals=GOALS, sources=GOALS)
@examples(60, smoke=60)
def test_the_fewest_cuts_leave_no_path(edges: Edges, goals: frozenset[str], sources: frozenset[str]) -> None:
    """As few as a maximum flow by networkx."""
    oracle = oracle_of(edges)
    nx.set_edge_attributes(oracle, 1, "capacity")
    oracle.add_edges_from(("from", one) for one in sources - goals)
    oracle.add_edges_from((one, "to") for one in goals)
    can_flow = {"from", "to"} <= set(oracle) and nx.has_path(oracle, "from", "to")
    most = nx.maximum_flow_value(oracle, "from", "to") if can_flow else 0

    for ours in graphs(edges):
        found = fewest_cuts(ours, sources, goals)
        cut = [(one.source, one.target) for one in found.steps]
        assert (len(cut), found.bounded) == (most, False)
        assert list(ours.without((), cut).nearest(sources, goals)) == []


def test_a_search_that_ends_at_its_limit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simple paths, choke points and cuts."""
    layers = ["a", *"bcdefg", "z"]
    ours = graph_of(step(one, other) for one, other in combinations(layers, 2))

    assert chokes(ours, {"z"}, most_edges=3).bounded
    assert fewest_cuts(ours, {"a"}, {"z"}, most_edges=3).bounded
    assert not ours.simple("a", {"z"}, 1000).bounded
    monkeypatch.setattr(searches, "MOST_TRIED", 10)
    some = ours.simple("a", {"z"}, 1000)
    assert some.bounded
    assert [path.keys for path in some.paths[:1]] == [("a", "z")]


def test_deep_graphs_need_no_recursion() -> None:
    """A chain of 20,000 in both directions."""
    names = [f"k{number:05}" for number in range(20_000)]
    chain = graph_of(step(*pair) for pair in pairwise(names))
    (path,) = chain.shortest(names[0], {names[-1]})

    assert path.keys == tuple(names)
    assert chokes(chain, {names[-1]}).chokes[0].loses == len(names) - 1


def test_the_public_graph_has_evidence() -> None:
    """The whole, or a part of it."""
    ours = graph_of((step("a", "b"), step("b", "c", conditional=True)))

    assert dict(ours.digraph().edges) == {
        ("a", "b"): {"relation": "can_assume", "evidence": "e", "conditional": False},
        ("b", "c"): {"relation": "can_assume", "evidence": "e", "conditional": True},
    }
    assert list(ours.digraph({"a", "b"}).edges) == [("a", "b")]


def test_an_unconditional_edge_counts() -> None:
    """Of two between the same, and of equally short paths."""
    certain = [("a", "b"), ("a", "d"), ("c", "z"), ("d", "z")]
    maybe = [("a", "b"), ("a", "c")]
    ours = graph_of([*(step(*pair, conditional=True) for pair in maybe), *(step(*pair) for pair in certain)])

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
    outside = {one.identity.name for one in found if any(map(is_external, one.identity.trusts))}
    assert outside == {"vendor", "anyone"}


# --- Paths to an admin, which may end in a method ---

METHODS = st.lists(
    st.builds(
        Method,
        holder=st.sampled_from(KEYS),
        targets=st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True).map(tuple),
        by=st.just("by a right"),
        conditional=st.booleans(),
    ),
    max_size=3,
)
ADMINS = st.frozensets(st.sampled_from(KEYS), max_size=2)


def attack_graph(edges: Edges, admins: frozenset[str], methods: list[Method]) -> AttackGraph:
    """The graph as a scan gives it: no admin needs an edge, holds a method or is a target of one."""
    left = [one for one in methods if one.holder not in admins and admins.isdisjoint(one.targets)]
    steps = (step(*pair, conditional=maybe) for pair, maybe in edges.items() if pair[0] not in admins)
    return graph_of([*steps, *(step(key, "other") for key in KEYS)], admins, methods=left)


def levels_of(graph: AttackGraph, edges: Edges) -> dict[str, str]:
    """The levels by the same facts."""
    found = [Edge(*pair, "e", maybe) for pair, maybe in edges.items() if pair[0] not in graph.admins]
    own = {key: Privilege(level="admin" if key in graph.admins else "normal") for key in KEYS}
    return {key: one.level for key, one in raise_by_paths(own, found, graph.methods).items()}


@given(edges=EDGES, admins=ADMINS, methods=METHODS)
@examples(150, smoke=150)
def test_an_identity_has_a_path_exactly_if_its_level_says_so(
    edges: Edges, admins: frozenset[str], methods: list[Method]
) -> None:
    """Without a condition for an admin and an escalation; each path is made of edges, and may end in a method."""
    ours = attack_graph(edges, admins, methods)
    levels = levels_of(ours, edges)
    nearest = {path.start: path for path in ours.to_admin(KEYS)}

    for key in KEYS:
        every = ours.ways_to_admin(key, 1000)[0]
        certain = [path for path in every if not path.is_conditional]
        assert bool(certain) == (levels[key] in POWERFUL)
        assert bool(every) == (key in nearest)
        assert every[: len(certain)] == tuple(certain)
        assert bool(certain) != bool(key in nearest and nearest[key].is_conditional) or not every
        for path in every:
            assert path.start == key
            assert path.end in admins or path.steps[-1].relation == "makes_admin"
            for one in path.steps:
                if one.relation == "makes_admin":
                    assert (one.source, one) == (one.target, path.steps[-1])
                    assert any(one.via == method.holder and one.target in method.targets for method in ours.methods)
                else:
                    assert edges[one.source, one.target] is one.conditional


def able(graph: AttackGraph) -> set[str]:
    """Identities with a path to an admin, certain or not, that are none."""
    return {path.start for path in graph.to_admin(graph.keys)} - graph.admins


ON_ITSELF = Method(holder="a", targets=("a", "b"), by="by a right")


@given(edges=EDGES, admins=ADMINS, methods=METHODS)
@example(edges={("c", "a"): False}, admins=frozenset(), methods=[ON_ITSELF])
@example(edges={("a", "c"): False}, admins=frozenset("c"), methods=[ON_ITSELF])
@examples(80, smoke=80)
def test_chokes_and_cuts_know_of_methods(edges: Edges, admins: frozenset[str], methods: list[Method]) -> None:
    """As many lose every path as when the identity is taken out; a cut leaves none."""
    ours = attack_graph(edges, admins, methods)
    found = {one.identity: one.loses for one in chokes_to_admin(ours).chokes}
    before = able(ours)

    for key in KEYS:
        lost = len(before - {key}) - len(able(ours.without((key,))) - {key})
        assert found.get(key, 0) == lost

    cut = fewest_cuts_to_admin(ours, frozenset(KEYS)).steps
    gone = [(one.source, one.target) for one in cut if one.relation != "makes_admin"]
    left = ours.without((), gone)
    rights = {(one.via, one.target) for one in cut if one.relation == "makes_admin"}
    kept = [one for one in left.methods if not any((one.holder, key) in rights for key in one.targets)]
    assert able(replace(left, methods=tuple(kept))) == set()


@pytest.mark.parametrize(
    ("trust", "outsider", "conditional"),
    [
        ({"kind": "anyone", "principal": "*", "external": None}, "*", False),
        ({"kind": "account", "principal": "arn:aws:iam::999999999999:root"}, "999999999999", False),
        ({"kind": "account", "principal": "999999999999", "restriction": "exact"}, "999999999999", True),
        ({"kind": "principal", "principal": "arn:aws:iam::999999999999:user/x"}, "999999999999", False),
        (
            {"kind": "federated", "principal": "p", "issuer": "https://token.example", "restriction": "loose"},
            "https://token.example",
            True,
        ),
    ],
)
def test_outsiders_come_in_by_the_trust_policy(trust: dict[str, Any], outsider: str, *, conditional: bool) -> None:
    """The admin that they become directly is the shortest path of all."""
    let_in = Trust(**{"evidence": "trust policy", "external": True, **trust})
    ours = graph_of([step("entry", "root")], frozenset({"root"}), {"root": (let_in,), "entry": (let_in,)})

    paths = ask(ours, question(ours, "outside", "admin")).paths

    assert [path.keys for path in paths] == [(outsider, "root"), (outsider, "entry", "root")]
    assert [path.steps[0].conditional for path in paths] == [conditional, conditional]


def test_several_sources_that_are_admins_need_no_path() -> None:
    """They are counted; one of them alone has the path of no steps."""
    ours = graph_of([step("a", "root")], frozenset({"root"}))
    of_all = ask(ours, question(ours, "all", "admin"))
    of_one = ask(ours, question(ours, "root", "admin"))

    assert ([path.keys for path in of_all.paths], of_all.admins) == ([("a", "root")], 1)
    assert [(path.keys, path.steps) for path in of_one.paths] == [(("root",), ())]
