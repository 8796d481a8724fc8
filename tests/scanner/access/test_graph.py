"""The engine against ``networkx`` on random graphs: reach, shortest paths, condensation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.access import graph
from scanner.access.graph import Graph, access_of, digraph
from scanner.access.paths import Access, Engine
from scanner.model import Edge

KEYS = st.integers(0, 25).map(lambda number: f"k{number:02}")
EDGES = st.lists(st.builds(Edge, KEYS, KEYS, st.sampled_from(("p", "q")), st.booleans()), max_size=80)
LOOP = [Edge("k00", "k00", "p"), Edge("k00", "k01", "p"), Edge("k01", "k02", "p"), Edge("k02", "k01", "p")]


def is_path(path: tuple[str, ...], edges: Collection[Edge]) -> bool:
    """Whether each step is an edge."""
    return {(edge.source, edge.target) for edge in edges}.issuperset(pairwise(path))


def lengths(paths: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """How many keys each path has."""
    return {key: len(path) for key, path in paths.items()}


@given(EDGES, KEYS)
@example(LOOP, "k00")
@example([], "k00")
def test_reach_is_all_descendants(edges: list[Edge], key: str) -> None:
    """In any number of steps, without the identity itself."""
    oracle = digraph(edges)

    assert Engine(edges).reached_from(key) == (nx.descendants(oracle, key) if key in oracle else set())
    assert Graph(edges).reached_from(key) == Engine(edges).reached_from(key)


@given(EDGES, KEYS, KEYS)
@example(LOOP, "k00", "k02")
@example(LOOP, "k02", "k00")
def test_a_shortest_path_is_one_of_all_shortest(edges: list[Edge], source: str, target: str) -> None:
    """The engine takes the smallest of them, so that the order of edges never shows."""
    oracle = digraph(edges)
    oracle.add_nodes_from((source, target))
    is_reached = nx.has_path(oracle, source, target)
    every: list[list[str]] = list(nx.all_shortest_paths(oracle, source, target)) if is_reached else []

    found = Engine(edges).shortest_path(source, target)

    assert (list(found) in every) if found else not every
    assert found == Engine(edges[::-1]).shortest_path(source, target)
    other = Graph(edges).shortest_path(source, target)
    assert (list(other) in every) if other else not every


@given(EDGES, st.sets(KEYS, max_size=4))
@example(LOOP, {"k02", "k00"})
def test_every_key_has_a_shortest_path_to_the_nearest_goal(edges: list[Edge], goals: set[str]) -> None:
    """Goals have none; all other paths end in one."""
    to_goal = nx.DiGraph((edge.target, edge.source) for edge in edges)
    known = goals & set(to_goal)
    steps = nx.multi_source_dijkstra_path_length(to_goal, known, weight=None) if known else {}

    for access in (Engine(edges), Graph(edges)):
        paths = access.paths_to(goals)
        assert lengths(paths) == {key: number + 1 for key, number in steps.items() if key not in goals}
        assert all(path[0] == key and path[-1] in goals and is_path(path, edges) for key, path in paths.items())


@given(EDGES)
@example(LOOP)
def test_the_condensation_has_the_strongly_connected_components(edges: list[Edge]) -> None:
    """With the edges between them, which form no cycle."""
    found = Engine(edges).condensed()

    assert {frozenset(group) for group in found.groups} == set(
        map(frozenset, nx.strongly_connected_components(digraph(edges)))
    )
    assert list(found.groups) == sorted(tuple(sorted(group)) for group in found.groups)
    assert nx.is_directed_acyclic_graph(nx.DiGraph(found.edges))
    assert Graph(edges).condensed() == found


def test_deep_graphs_need_no_recursion() -> None:
    """A cycle of 20,000 is one group, a chain is 20,000 groups."""
    number = 20_000
    chain = [Edge(f"c{n:05}", f"c{n + 1:05}", "p") for n in range(number)]
    last = f"c{number:05}"

    assert len(Engine(chain).condensed().groups) == number + 1
    assert len(Engine([*chain, Edge(last, "c00000", "p")]).condensed().groups) == 1
    assert len(Engine(chain).shortest_path("c00000", last) or ()) == number + 1
    assert len(Engine(chain).reached_from("c00000")) == number


def test_a_certain_edge_counts_before_a_conditional_one() -> None:
    """In any order."""
    edges = [Edge("a", "b", "if so", conditional=True), Edge("a", "b", "surely"), Edge("a", "b", "again")]

    assert dict(digraph(edges)["a"]["b"]) == {"evidence": "surely", "conditional": False}


@pytest.mark.parametrize(("most", "kind"), [(2, Graph), (1, Engine)])
def test_the_engine_answers_for_more_edges(most: int, kind: type[Access], monkeypatch: pytest.MonkeyPatch) -> None:
    """A networkx graph would need too much memory."""
    monkeypatch.setattr(graph, "MOST_EDGES", most)

    assert isinstance(access_of([Edge("a", "b", "p"), Edge("b", "c", "p")]), kind)
