"""Where to cut attack paths: the identities that others need to become an admin, and the fewest steps to cut. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from scanner.access.adjacency import Adjacency, Pair
from scanner.access.attack_paths import AttackGraph, Step
from scanner.errors import MissingExtra

MOST_EDGES = 6_000_000
"""The largest part of a graph that is searched, in edges: about ten seconds and two gigabytes."""


class Choke(Struct, frozen=True, kw_only=True, gc=False):
    """An identity and the number of others that lose every path to a goal without it."""

    identity: str
    loses: int


class Chokes(Struct, frozen=True, kw_only=True):
    """Choke points, the most needed first. ``bounded``: counted only among the identities nearest to the goals."""

    chokes: tuple[Choke, ...]
    bounded: bool = False


class Cut(Struct, frozen=True, kw_only=True):
    """The fewest steps without which no path is left. ``bounded``: too many lie between to find them."""

    steps: tuple[Step, ...]
    bounded: bool = False


def chokes(graph: AttackGraph, goals: Collection[str], most_edges: int = MOST_EDGES) -> Chokes:
    """Return for each identity how many others lose every path to the goals without it.

    Those are the identities that it dominates in the graph turned around, with a node before all goals.
    """
    ends = frozenset(graph.numbered(goals))
    nodes, bounded = _leading_to(graph.edges, ends, most_edges)
    order, parents = _depth_first(graph.edges, ends, frozenset(nodes))
    place = {node: number for number, node in enumerate(order, start=1)}
    places = ((place[other] for other in graph.edges.ahead(node) if other in place) for node in order)
    needed = (iter((0,)) if node in ends else onward for node, onward in zip(order, places, strict=True))
    loses = [0] * (len(order) + 1)
    parent = _dominators(parents, [[], *map(list, needed)])
    for number in range(len(order), 0, -1):  # a dominator comes before what it dominates
        loses[parent[number]] += loses[number] + 1
    found = (Choke(identity=graph.keys[node], loses=loses[number]) for node, number in place.items() if loses[number])
    return Chokes(chokes=tuple(sorted(found, key=lambda one: (-one.loses, one.identity))), bounded=bounded)


def _leading_to(edges: Adjacency, goals: Collection[int], most_edges: int) -> tuple[list[int], bool]:
    """The nodes that lead to the goals, these included, and whether the search ended at its limit."""
    found, seen = sorted(goals), 0
    for level in edges.walk(goals, back=True).levels():
        seen += sum(len(edges.ahead(node)) for node in level)
        if seen > most_edges:
            return found, True
        found += level
    return found, False


def _depth_first(edges: Adjacency, goals: frozenset[int], among: frozenset[int]) -> tuple[list[int], list[int]]:
    """The nodes in the order of a search back from all goals, and the number of the node before each, from 1 on.

    A goal needs no path, so the search comes to it from the node before all goals alone, which has the number 0.
    """
    order: list[int] = []
    parents = [0]
    done = set(goals)
    for goal in sorted(goals):
        walk = [_entered(edges, goal, order, parents, 0)]
        while walk:
            number, onward = walk[-1]
            other = next((one for one in onward if one not in done and one in among), None)
            if other is None:
                walk.pop()
            else:
                done.add(other)
                walk.append(_entered(edges, other, order, parents, number))
    return order, parents


def _entered(
    edges: Adjacency, node: int, order: list[int], parents: list[int], before: int
) -> tuple[int, Iterator[int]]:
    order.append(node)
    parents.append(before)
    return len(order), iter(edges.ahead(node, back=True))


def _dominators(parents: Sequence[int], before: Sequence[Sequence[int]]) -> list[int]:
    """The immediate dominator of each node of a depth-first search, numbered in its order; node 0 is the start.

    ``before``: the nodes with an edge to each. The algorithm is Semi-NCA (Georgiadis, "Linear-Time Algorithms for
    Dominators and Related Problems", 2005).
    """
    count = len(parents)
    forest = _Forest(parents)
    for node in range(count - 1, 0, -1):
        forest.semi[node] = min(chain((parents[node],), (forest.lowest(one, node) for one in before[node])))
    dominator = list(parents)
    for node in range(1, count):
        one = dominator[node]
        while one > forest.semi[node]:
            one = dominator[one]
        dominator[node] = one
    return dominator


class _Forest:
    """The nodes seen so far, with the lowest semidominator on the way up from each, found by path compression."""

    def __init__(self, parents: Sequence[int]) -> None:
        self.semi = list(range(len(parents)))
        self._up = list(parents)
        self._label = list(range(len(parents)))

    def lowest(self, node: int, current: int) -> int:
        """Return the lowest semidominator of a node and the nodes above it that come after ``current``."""
        up, label, semi = self._up, self._label, self.semi
        if up[node] > current:
            way = [node]
            while up[way[-1]] > current:
                way.append(up[way[-1]])
            above = way.pop()
            for one in reversed(way):
                up[one] = up[above]
                if semi[label[above]] < semi[label[one]]:
                    label[one] = label[above]
                above = one
        return semi[label[node]]


# --- The fewest steps to cut: a maximum flow in which each edge carries one. ---


def fewest_cuts(
    graph: AttackGraph, sources: Collection[str], goals: Collection[str], most_edges: int = MOST_EDGES
) -> Cut:
    """Return the fewest steps without which no source can become a goal, those nearest to the sources.

    A source that is a goal itself needs no path. Raises MissingExtra without SciPy.
    """
    ends = frozenset(graph.numbered(goals))
    starts = frozenset(graph.numbered(sources)) - ends
    back, bounded = _leading_to(graph.edges, ends, most_edges)
    if bounded:
        return Cut(steps=(), bounded=True)
    pairs = list(_between(graph.edges, starts, ends, frozenset(back)))
    cut = _minimum_cut(pairs, starts, ends) if pairs else ()
    return Cut(steps=graph.steps(sorted((graph.keys[one], graph.keys[other]) for one, other in cut)))


def _between(edges: Adjacency, starts: frozenset[int], ends: frozenset[int], leading: frozenset[int]) -> Iterator[Pair]:
    """The edges on the way from the starts to the ends."""
    todo, seen = sorted(starts & leading), set(starts)
    while todo:
        node = todo.pop()
        for other in edges.ahead(node):
            if other in leading:
                yield node, other
                if other not in seen and other not in ends:
                    seen.add(other)
                    todo.append(other)


def _minimum_cut(pairs: Sequence[Pair], starts: Iterable[int], ends: Iterable[int]) -> Sequence[Pair]:
    try:
        import numpy as np
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow
    except ImportError as error:
        raise MissingExtra("the fewest steps to cut", "graph") from error
    place = {node: number for number, node in enumerate(dict.fromkeys(chain.from_iterable(pairs)), start=2)}
    source, sink, every = 0, 1, len(pairs) + 1
    entering = [(source, place[one], every) for one in starts if one in place]
    leaving = [(place[one], sink, every) for one in ends if one in place]
    along = [(place[one], place[other], 1) for one, other in pairs]
    rows, columns, capacities = np.array([*entering, *leaving, *along], dtype=np.int32).T
    size = len(place) + 2
    capacity = csr_array((capacities, (rows, columns)), shape=(size, size), dtype=np.int32)
    left = capacity - maximum_flow(capacity, source, sink).flow
    left.eliminate_zeros()
    reached = np.zeros(size, dtype=bool)
    reached[breadth_first_order(left, source, return_predecessors=False)] = True
    return [(one, other) for one, other in pairs if reached[place[one]] and not reached[place[other]]]
