"""Where to cut attack paths: the identities that others need to become an admin, and the fewest steps to cut. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from scanner.access.adjacency import Adjacency, Pair
from scanner.access.attack_paths import MAKES_ADMIN, AttackGraph, Step
from scanner.access.control import Control, Right, Rights, leading_to
from scanner.errors import MissingExtra

MOST_EDGES = 6_000_000
"""The largest part of a graph that is searched, in edges: about half a minute."""


class Choke(Struct, frozen=True, kw_only=True, gc=False):
    """An identity and the number of others that lose every path to a goal without it."""

    identity: str
    loses: int


class Chokes(Struct, frozen=True, kw_only=True):
    """Choke points, most important first. ``bounded``: only the identities nearest to the goals were counted."""

    chokes: tuple[Choke, ...]
    bounded: bool = False


class Cut(Struct, frozen=True, kw_only=True):
    """The fewest steps to remove so that no path is left.

    ``bounded``: the graph in between is too large to find them.
    """

    steps: tuple[Step, ...]
    bounded: bool = False


def chokes(graph: AttackGraph, goals: Collection[str], most_edges: int = MOST_EDGES) -> Chokes:
    """Return for each identity how many others lose every path to the goals without it.

    These are the identities that it dominates in the reversed graph, with a start node before all goals.
    """
    ends = frozenset(graph.numbered(goals))
    nodes, bounded = _leading_to(graph.edges, ends, most_edges)
    order, parents = _depth_first(graph.edges, ends, nodes)
    place = [-1] * graph.edges.size
    for number, node in enumerate(order, start=1):
        place[node] = number

    def before(number: int) -> list[int]:
        node = order[number - 1]
        return [] if node in ends else [at for other in graph.edges.ahead(node) if (at := place[other]) > 0]

    loses = [0] * (len(order) + 1)
    dominator = _dominators(parents, before)
    for number in range(len(order), 0, -1):  # a dominator comes before what it dominates
        loses[dominator[number]] += loses[number] + 1
    found = (
        Choke(identity=graph.keys[node], loses=number) for node, number in zip(order, loses[1:], strict=True) if number
    )
    return Chokes(chokes=tuple(sorted(found, key=lambda one: (-one.loses, one.identity))), bounded=bounded)


MOST_COUNTED = 200
"""The most identities that are taken out one by one, where a path needs the holder of a method and its target."""


def chokes_to_admin(graph: AttackGraph, most_edges: int = MOST_EDGES) -> Chokes:
    """Return for each identity how many others lose every path to an admin without it, methods included.

    An identity that makes itself an admin is as good as one, also by a right on many of which it is one. Where others
    need both the holder of a method and its target, no dominator says what they lose, so identities are taken out one
    by one, the likeliest first.
    """
    rights = graph.rights(if_met=True)
    on_itself = {node for holders, targets in rights.shared for node in frozenset(targets).intersection(holders)}
    ends = {*graph.numbered(graph.admins), *rights.own, *on_itself}
    found = chokes(graph, [graph.keys[node] for node in ends], most_edges)
    left = [
        ({node: holders[node] for node in holders if node not in ends}, targets) for holders, targets in rights.shared
    ]
    shared = [(holders, targets) for holders, targets in left if holders]
    if not shared or found.bounded:
        return found
    by_methods = list(Control(graph.edges, Rights(admins=frozenset(), own={}, shared=shared)))
    if not by_methods:
        return found
    control = graph.control(if_met=True)
    routes = {node: control.route(node) for node in control}
    named: Counter[str] = Counter({one.identity: one.loses for one in found.chokes})
    for node in by_methods:
        paths = (routes[node].path, routes[node].chain)
        named.update({graph.keys[at] for path in paths if path is not None for at in path.nodes} - {graph.keys[node]})
    counted = []
    most = max(1, min(MOST_COUNTED, most_edges // max(1, graph.edges.edges)))  # each is a search of the whole graph
    for key, _ in sorted(named.items(), key=lambda one: (-one[1], one[0]))[:most]:
        without = graph.without((key,)).control(if_met=True)
        loses = len(routes) - len(set(without)) - (graph.numbers[key] in control)
        if loses > 0:
            counted.append(Choke(identity=key, loses=loses))
    every = sorted(counted, key=lambda one: (-one.loses, one.identity))
    return Chokes(chokes=tuple(every), bounded=len(named) > most)


def _leading_to(edges: Adjacency, goals: Collection[int], most_edges: int) -> tuple[list[int], bool]:
    """The nodes that lead to the goals, these included, and whether the search ended at its limit."""
    found, seen, is_small = sorted(goals), 0, edges.edges <= most_edges
    for level in edges.walk(goals, back=True).levels():
        seen += 0 if is_small else sum(len(edges.ahead(node)) for node in level)
        if seen > most_edges:
            return found, True
        found += level
    return found, False


def _depth_first(edges: Adjacency, goals: frozenset[int], nodes: Iterable[int]) -> tuple[list[int], list[int]]:
    """The nodes in the order of a search back from all goals, and the number of the node before each, from 1 on.

    A goal needs no path, so the search reaches it only from the start node, which has the number 0.
    """
    order: list[int] = []
    parents = [0]
    is_open = bytearray(edges.size)
    for node in nodes:
        is_open[node] = node not in goals
    for goal in sorted(goals):
        order.append(goal)
        parents.append(0)
        walk = [(len(order), iter(edges.ahead(goal, back=True)))]
        while walk:
            number, onward = walk[-1]
            for other in onward:
                if is_open[other]:
                    is_open[other] = 0
                    order.append(other)
                    parents.append(number)
                    walk.append((len(order), iter(edges.ahead(other, back=True))))
                    break
            else:
                walk.pop()
    return order, parents


def _dominators(parents: Sequence[int], before: Callable[[int], Sequence[int]]) -> list[int]:
    """The immediate dominator of each node of a depth-first search, numbered in its order; node 0 is the start.

    ``before``: the nodes with an edge to one. The algorithm is Semi-NCA (Georgiadis, "Linear-Time Algorithms for
    Dominators and Related Problems", 2005).
    """
    forest = _Forest(parents)
    semi, up, label = forest.semi, forest.up, forest.label
    for node in range(len(parents) - 1, 0, -1):
        lowest = parents[node]
        for one in before(node):
            if one > node and up[one] > node:
                forest.compress(one, node)
            lowest = min(lowest, semi[label[one]])
        semi[node] = lowest
    dominator = list(parents)
    for node in range(1, len(parents)):
        one = dominator[node]
        while one > semi[node]:
            one = dominator[one]
        dominator[node] = one
    return dominator


class _Forest:
    """The tree of a search. ``semi``: the semidominator of each node, the node itself until known.

    ``label``: the node with the lowest semidominator on the path up; ``up``: that path, which is compressed when
    walked.
    """

    def __init__(self, parents: Sequence[int]) -> None:
        self.semi = list(range(len(parents)))
        self.up = list(parents)
        self.label = list(range(len(parents)))

    def compress(self, node: int, current: int) -> None:
        """Bring up to date the label of a node, over the nodes above it that come after ``current``."""
        up, label, semi = self.up, self.label, self.semi
        way = [node]
        while up[way[-1]] > current:
            way.append(up[way[-1]])
        above = way.pop()
        for one in reversed(way):
            up[one] = up[above]
            if semi[label[above]] < semi[label[one]]:
                label[one] = label[above]
            above = one


# --- The fewest steps to cut: a maximum flow in which each edge carries one. ---


def fewest_cuts(
    graph: AttackGraph, sources: Collection[str], goals: Collection[str], most_edges: int = MOST_EDGES
) -> Cut:
    """Return the fewest steps without which no source can become a goal, those nearest to the sources.

    A source that is a goal is ignored. Raises MissingExtra without SciPy.
    """
    ends = frozenset(graph.numbered(goals))
    pairs, bounded = _cuttable(graph, graph.numbered(sources), ends, (), most_edges)
    if bounded:
        return Cut(steps=(), bounded=True)
    cut = _minimum_cut(pairs, frozenset(graph.numbered(sources)) - ends, ends)
    return Cut(steps=graph.steps(sorted((graph.keys[one], graph.keys[other]) for one, other in cut)))


def fewest_cuts_to_admin(graph: AttackGraph, sources: Collection[str], most_edges: int = MOST_EDGES) -> Cut:
    """Return the fewest steps without which no source can become an admin: edges, and rights that make one.

    Admins among the sources are ignored. Whoever controls both the holder of a method and a target of it loses that
    by the right alone. Raises MissingExtra without SciPy.
    """
    admins = frozenset(graph.numbered(graph.admins))
    size = graph.edges.size
    rights: list[tuple[Step, Collection[int]]] = []
    known = graph.rights(if_met=True)
    for node, right in known.own.items():
        rights.append((_right(graph, node, node, right), (node,)))
    for holders, targets in known.shared:
        to_target = leading_to(graph.edges, targets)
        for holder, right in holders.items():
            able = [node for node in leading_to(graph.edges, (holder,)) if node in to_target]
            rights.append((_right(graph, holder, targets[0], right), able))
    is_small = sum(len(able) for _, able in rights) <= most_edges
    users = {at for _, able in rights for at in able} if is_small else set()
    pairs, bounded = _cuttable(graph, graph.numbered(sources), admins, users, most_edges)
    if bounded or not is_small:
        return Cut(steps=(), bounded=True)
    # Each right is an edge between two more nodes: whoever can use it leads to the first, and the second is an end.
    given = {(size + 2 * place, size + 2 * place + 1): step for place, (step, _) in enumerate(rights)}
    using = {(node, size + 2 * place) for place, (_, able) in enumerate(rights) for node in able}
    ends = admins.union(end for _, end in given)
    starts = frozenset(graph.numbered(sources)) - admins
    cut = _minimum_cut([*pairs, *sorted(using), *given], starts, ends, using)
    edges = sorted((graph.keys[one], graph.keys[other]) for one, other in cut if other < size)
    return Cut(steps=(*graph.steps(edges), *(given[pair] for pair in sorted(cut) if pair in given)))


def _right(graph: AttackGraph, holder: int, target: int, right: Right) -> Step:
    """The step that the holder of a right makes possible, with the first of its targets."""
    key, via = graph.keys[target], graph.keys[holder]
    return Step(source=key, target=key, relation=MAKES_ADMIN, evidence=right.by, conditional=right.conditional, via=via)


def _cuttable(
    graph: AttackGraph, sources: Iterable[int], ends: frozenset[int], more: Collection[int], most_edges: int
) -> tuple[list[Pair], bool]:
    """The edges on the way from the sources to the ends and to ``more``, and whether they are too many."""
    back, bounded = _leading_to(graph.edges, {*ends, *more}, most_edges)
    return list(_between(graph.edges, frozenset(sources) - ends, ends, frozenset(back))), bounded


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


def _minimum_cut(
    pairs: Sequence[Pair], starts: Iterable[int], ends: Iterable[int], kept: Collection[Pair] = frozenset()
) -> Sequence[Pair]:
    """The fewest of the pairs without which no start leads to an end. ``kept``: those that are never cut."""
    try:
        import numpy as np
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow
    except ImportError as error:
        raise MissingExtra("the fewest steps to cut", "graph") from error
    if not pairs:
        return ()
    place = {node: number for number, node in enumerate(dict.fromkeys(chain.from_iterable(pairs)), start=2)}
    source, sink, every = 0, 1, len(pairs) + 1
    entering = [(source, place[one], every) for one in starts if one in place]
    leaving = [(place[one], sink, every) for one in ends if one in place]
    along = [(place[one], place[other], every if (one, other) in kept else 1) for one, other in pairs]
    rows, columns, capacities = np.array([*entering, *leaving, *along], dtype=np.int32).T
    size = len(place) + 2
    capacity = csr_array((capacities, (rows, columns)), shape=(size, size), dtype=np.int32)
    left = capacity - maximum_flow(capacity, source, sink).flow
    left.eliminate_zeros()
    reached = np.zeros(size, dtype=bool)
    reached[breadth_first_order(left, source, return_predecessors=False)] = True
    return [(one, other) for one, other in pairs if reached[place[one]] and not reached[place[other]]]
