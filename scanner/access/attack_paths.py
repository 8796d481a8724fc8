"""Attack paths of a scan: all edges, the shortest paths from some identities to others, and choke points. Pure.

An edge ``becomes`` another identity by the relations ``can_assume`` and ``acts_as``; paths use these alone. Other
relations are context.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import TypeAlias

from msgspec import Struct

from scanner.access.assignments import held_by
from scanner.access.paths import resolve
from scanner.errors import MissingExtra
from scanner.model import Assessment, Relation, ScanResult, Trust

BECOMES: frozenset[Relation] = frozenset({"can_assume", "acts_as"})


class Step(Struct, frozen=True, kw_only=True, gc=False):
    """An edge between two keys. ``conditional``: only if a condition holds."""

    source: str
    target: str
    relation: Relation
    evidence: str
    conditional: bool = False

    @property
    def becomes(self) -> bool:
        """Whether the source becomes the target."""
        return self.relation in BECOMES


class AttackPath(Struct, frozen=True, kw_only=True, gc=False):
    """The steps from one identity to another, at least one."""

    steps: tuple[Step, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The identities on the path, both ends included."""
        return (self.steps[0].source, *(step.target for step in self.steps))


class Choke(Struct, frozen=True, kw_only=True, gc=False):
    """An identity and the number of others that lose every path to an admin without it."""

    identity: str
    loses: int


def steps_of(result: ScanResult) -> Iterator[Step]:
    """Yield every link of the identities, and every edge under a condition, in the order of the identities."""
    for one in result.identities:
        for link in one.identity.links:
            yield Step(source=one.identity.key, target=link.target, relation=link.relation, evidence=link.evidence)
    fresh = [one.identity for one in result.identities if one.rechecked]
    others = [one.identity for one in result.identities if not one.rechecked]
    held = held_by((*fresh, *others), result.assignments)
    # Links keep the edges that hold for certain; those under a condition are resolved again.
    for edge in resolve(fresh, held, result.workloads, result.coverage, others).edges:
        if edge.conditional:
            yield Step(
                source=edge.source,
                target=edge.target,
                relation="can_assume",
                evidence=edge.evidence,
                conditional=True,
            )


_Walk: TypeAlias = dict[str, tuple[str, Step] | None]
"""By key, the key before it and the step between them; None for a start."""


class AttackGraph:
    """The edges by which one identity becomes another. Of several between two keys, an unconditional one counts."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._onward: defaultdict[str, dict[str, Step]] = defaultdict(dict)
        self._back: defaultdict[str, list[str]] = defaultdict(list)
        for step in steps:
            known = self._onward[step.source].get(step.target)
            if not step.becomes or step.source == step.target:
                continue
            if known is None:
                self._back[step.target].append(step.source)
            if known is None or (known.conditional and not step.conditional):
                self._onward[step.source][step.target] = step

    def shortest(self, source: str, goals: Collection[str] | None = None) -> Iterator[AttackPath]:
        """Yield a shortest path from ``source`` to each goal, or to every key that it can become, shortest first.

        Of equally short paths, one with fewer conditions, then the one through the smallest keys.
        """
        wanted = None if goals is None else set(goals) - {source}
        for target, before in self._walked([source], self._steps_on):
            if wanted is None or target in wanted:
                yield AttackPath(steps=_traced(before, target)[::-1])
            if wanted is not None:
                wanted.discard(target)
                if not wanted:
                    return

    def nearest(self, sources: Collection[str], goals: Collection[str]) -> Iterator[AttackPath]:
        """Yield for each source that can become a goal a shortest path to one, shortest first."""
        wanted = set(sources) - set(goals)
        for source, after in self._walked(goals, self._steps_back):
            if source in wanted:
                yield AttackPath(steps=_traced(after, source))

    def _steps_on(self, key: str) -> Iterable[tuple[str, Step]]:
        return self._onward.get(key, {}).items()

    def _steps_back(self, key: str) -> Iterable[tuple[str, Step]]:
        return ((source, self._onward[source][key]) for source in self._back.get(key, ()))

    @staticmethod
    def _walked(
        starts: Iterable[str], steps: Callable[[str], Iterable[tuple[str, Step]]]
    ) -> Iterator[tuple[str, _Walk]]:
        """Yield each key that a walk from the starts comes to, the nearest first, and the walk so far.

        A breadth-first search, in which of equally many steps those with fewer conditions count, then the smallest key.
        """
        before: _Walk = dict.fromkeys(starts)
        frontier = dict.fromkeys(sorted(before), 0)
        while frontier:
            reached: dict[str, tuple[int, str, Step]] = {}
            for key, conditions in frontier.items():
                for other, step in steps(key):
                    so_far = conditions + step.conditional
                    if other not in before and (other not in reached or (so_far, key) < reached[other][:2]):
                        reached[other] = so_far, key, step
            before |= {key: (previous, step) for key, (_, previous, step) in reached.items()}
            frontier = {key: reached[key][0] for key in sorted(reached)}
            for key in frontier:
                yield key, before

    def several(self, source: str, goal: str, most: int) -> list[AttackPath]:
        """Return up to ``most`` simple paths between two keys, shortest first.

        Raises MissingExtra for more than one without ``networkx``.
        """
        first = list(self.shortest(source, {goal}))
        if not first or most == 1:
            return first
        try:
            import networkx as nx
        except ImportError as error:
            raise MissingExtra("more than one path between two identities", "graph") from error
        between = self._reached(source, forward=True) & self._reached(goal, forward=False)
        graph = nx.DiGraph()
        for key in sorted(between):
            graph.add_edges_from((key, target) for target in sorted(self._onward.get(key, ())) if target in between)
        found = nx.shortest_simple_paths(graph, source, goal)
        others = (self._along(keys) for keys in islice(found, most + 1))
        return [*first, *(path for path in others if path.keys != first[0].keys)][:most]

    def _along(self, keys: Sequence[str]) -> AttackPath:
        return AttackPath(steps=tuple(self._onward[source][target] for source, target in pairwise(keys)))

    def _reached(self, key: str, *, forward: bool) -> set[str]:
        reached, todo = {key}, deque([key])
        while todo:
            at = todo.popleft()
            for other in self._onward.get(at, ()) if forward else self._back.get(at, ()):
                if other not in reached:
                    reached.add(other)
                    todo.append(other)
        return reached

    def chokes(self, goals: Collection[str]) -> tuple[Choke, ...]:
        """Return for each identity how many others lose every path to the goals without it, the most first.

        Those are the identities that it dominates in the graph turned around (Cooper, Harvey and Kennedy, "A Simple,
        Fast Dominance Algorithm", 2001). Raises MissingExtra without ``networkx``.
        """
        try:
            import networkx as nx
        except ImportError as error:
            raise MissingExtra("choke points", "graph") from error
        graph = nx.DiGraph((_ROOT, goal) for goal in sorted(goals))
        graph.add_edges_from(self._turned_around(goals))
        if not goals:
            return ()
        parents: Mapping[str, str | None] = nx.immediate_dominators(graph, _ROOT)
        dominated: defaultdict[str, list[str]] = defaultdict(list)
        for key, parent in parents.items():
            if parent is not None and key != _ROOT:
                dominated[parent].append(key)
        found = (Choke(identity=key, loses=number) for key, number in _sizes(dominated).items() if number)
        return tuple(sorted(found, key=lambda choke: (-choke.loses, choke.identity)))

    def _turned_around(self, goals: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the edges that lead to the goals, from target to source. What is a goal itself needs no path."""
        todo, seen = deque(sorted(goals)), set(goals)
        while todo:
            key = todo.popleft()
            for source in self._back.get(key, ()):
                if source in goals:
                    continue
                yield key, source
                if source not in seen:
                    seen.add(source)
                    todo.append(source)


_ROOT = ""
"""A node before all goals. No identity has an empty key."""


def _sizes(children: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return how many nodes are below each node of a tree, except the root."""
    order, todo = list[str](), list(children.get(_ROOT, ()))
    while todo:
        order.append(todo.pop())
        todo += children.get(order[-1], ())
    sizes: dict[str, int] = {}
    for key in reversed(order):
        sizes[key] = sum(sizes[child] + 1 for child in children.get(key, ()))
    return sizes


def _traced(before: _Walk, key: str) -> tuple[Step, ...]:
    """Return the steps of a walk from a key back to its start."""
    steps: list[Step] = []
    while (last := before[key]) is not None:
        key, step = last
        steps.append(step)
    return tuple(steps)


def admins(assessments: Iterable[Assessment]) -> frozenset[str]:
    """Return the keys of admins. Identities that can escalate are on the way, and no goal."""
    return frozenset(one.identity.key for one in assessments if one.privilege.level == "admin")


def entrances(assessments: Iterable[Assessment]) -> Mapping[str, tuple[Trust, ...]]:
    """Return the identities that external principals can become, by key, with the trusts that allow it."""
    found = ((one.identity.key, tuple(filter(is_external, one.identity.trusts))) for one in assessments)
    return {key: trusts for key, trusts in found if trusts}


def is_external(trust: Trust) -> bool:
    """Return whether a trust lets in principals from outside. Services of the provider are no such principals."""
    return trust.kind == "anyone" or (trust.external is True and trust.kind not in ("service", "deleted"))
