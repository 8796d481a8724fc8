"""Searches on numbered nodes: what one becomes, the nearest goals first, and simple paths. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heappop, heappush
from itertools import islice
from typing import TypeAlias

from scanner.access.adjacency import Adjacency, Walk
from scanner.access.control import Path

MOST_TRIED = 200_000
"""Maximum number of path prefixes that a search for simple paths tries."""


def arrivals(walk: Walk, wanted: set[int] | None) -> Iterator[int]:
    """Yield the nodes that a walk reaches, or only the wanted ones, until all of them are reached."""
    left = None if wanted is None else len(wanted)
    if left == 0:
        return
    for level in walk.levels():
        for node in level:
            if wanted is None:
                yield node
            elif node in wanted:
                yield node
                left = (left or 0) - 1
        if left == 0:
            return


def traced(walk: Walk, node: int) -> list[int]:
    """Return the nodes of a walk from a node back to its start."""
    nodes = [int(node)]
    while (before := int(walk.before[nodes[-1]])) >= 0:
        nodes.append(before)
    return nodes


class Forward:
    """All that a node can become."""

    def __init__(self, edges: Adjacency, start: int) -> None:
        self._walk = edges.walk((start,))
        for _ in self._walk.levels():
            pass

    def __contains__(self, node: object) -> bool:
        return isinstance(node, int) and self._walk.steps[node] >= 0

    def order(self, node: int) -> tuple[int, int, int]:
        """What sorts the nearest first, then those with fewer conditions."""
        return int(self._walk.steps[node]), int(self._walk.conditions[node]), node

    def to(self, node: int) -> Path:
        """Return a shortest path to a node that can be reached."""
        nodes = tuple(traced(self._walk, node)[::-1])
        return Path(nodes, len(nodes) - 1, node)


def simple_paths(
    edges: Adjacency, source: int, goals: Collection[int], most: int, longest: int | None
) -> tuple[list[tuple[int, ...]], bool]:
    """Return the nodes of up to ``most`` simple paths to goals, and whether the search ended at its limit.

    A path ends at its first goal; a source that is one has a path of no steps besides.
    """
    others = [node for node in goals if node != source]
    to_goal = edges.walk(others, back=True)
    for _ in to_goal.levels():
        pass
    search = _Search(edges, to_goal, source, longest)
    found: list[tuple[int, ...]] = [(source,)] if source in goals else []
    found += islice(search.paths(), most - len(found))
    return found, len(found) < most and search.tried >= MOST_TRIED


_Beginning: TypeAlias = tuple[int, int, tuple[int, ...], int]
"""Least steps and conditions of a path with this prefix, the nodes of the prefix, and its conditions."""


class _Search:
    """Searches simple paths by their least length, from the distances to the goals: no dead end is tried."""

    def __init__(self, edges: Adjacency, to_goal: Walk, source: int, longest: int | None) -> None:
        self._edges, self._to_goal, self._longest = edges, to_goal, longest
        self._begun: list[_Beginning] = []
        self.tried = 0
        self._begin((source,), 0)

    def paths(self) -> Iterator[tuple[int, ...]]:
        """Yield the nodes of each path."""
        while self._begun:
            _, _, nodes, conditions = heappop(self._begun)
            last = nodes[-1]
            if self._to_goal.steps[last] == 0:
                yield nodes
                continue
            for other in self._edges.ahead(last):
                if self.tried >= MOST_TRIED:
                    break
                if other not in nodes and self._to_goal.steps[other] >= 0:
                    self._begin((*nodes, other), conditions + self._edges.is_conditional(last, other))

    def _begin(self, nodes: tuple[int, ...], conditions: int) -> None:
        left = int(self._to_goal.steps[nodes[-1]])
        steps = len(nodes) - 1 + left
        if left >= 0 and (self._longest is None or steps <= self._longest):
            self.tried += 1
            at_least = conditions + int(self._to_goal.conditions[nodes[-1]])
            heappush(self._begun, (steps, at_least, nodes, conditions))
