"""Edges as a ``networkx`` graph, for programs and for comparison in tests. Needs the extra ``graph``.

It implements :class:`scanner.access.paths.Access`. ``networkx`` needs about one kilobyte per edge, so
:func:`access_of` uses the engine for larger estates. Both give the same answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, TypeAlias

from scanner.access.paths import Access, Condensed, Engine
from scanner.errors import MissingExtra
from scanner.model import Edge

MOST_EDGES = 300_000
"""The largest number of edges for which ``networkx`` is used."""

DiGraph: TypeAlias = Any
"""A ``networkx.DiGraph``; the package ships no types."""


def access_of(edges: Sequence[Edge]) -> Access:
    """Return a ``networkx`` graph for few edges, else the engine, which needs no ``networkx``."""
    is_small = len(edges) <= MOST_EDGES and find_spec("networkx") is not None
    return Graph(edges) if is_small else Engine(edges)


def digraph(edges: Iterable[Edge]) -> DiGraph:
    """Return the edges as a ``networkx.DiGraph``: nodes are keys, edges have ``evidence`` and ``conditional``.

    Of several edges between the same nodes, an unconditional one wins, then the first. Raises MissingExtra without
    ``networkx``.
    """
    try:
        import networkx as nx
    except ImportError as error:
        raise MissingExtra("a graph of attack paths", "graph") from error
    graph = nx.DiGraph()
    for edge in edges:
        known = graph.get_edge_data(edge.source, edge.target)
        if known is None or (known["conditional"] and not edge.conditional):
            graph.add_edge(edge.source, edge.target, evidence=edge.evidence, conditional=edge.conditional)
    return graph


class Graph:
    """Uses ``networkx``. Which of several shortest paths it returns is undefined."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.digraph = digraph(edges)

    def reached_from(self, key: str) -> frozenset[str]:
        """See :class:`Access`."""
        import networkx as nx

        return frozenset(nx.descendants(self.digraph, key)) if key in self.digraph else frozenset()

    def paths_to(self, goals: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """See :class:`Access`."""
        import networkx as nx

        known = {goal for goal in goals if goal in self.digraph}
        if not known:
            return {}
        paths = nx.multi_source_dijkstra_path(self.digraph.reverse(copy=False), known, weight=None)
        return {key: tuple(reversed(path)) for key, path in paths.items() if len(path) > 1}

    def shortest_path(self, source: str, target: str) -> tuple[str, ...] | None:
        """See :class:`Access`."""
        import networkx as nx

        if source == target:
            return (source,)
        try:
            return tuple(nx.shortest_path(self.digraph, source, target))
        except (nx.NodeNotFound, nx.NetworkXNoPath):
            return None

    def condensed(self) -> Condensed:
        """See :class:`Access`."""
        import networkx as nx

        dag = nx.condensation(self.digraph)
        groups = {number: tuple(sorted(members)) for number, members in dag.nodes(data="members")}
        order = sorted(groups, key=groups.__getitem__)
        place = {number: position for position, number in enumerate(order)}
        edges = frozenset((place[one], place[other]) for one, other in dag.edges)
        return Condensed(tuple(groups[number] for number in order), edges)
