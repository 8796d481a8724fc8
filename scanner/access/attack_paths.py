"""Attack paths of a scan: shortest and simple paths, what an identity reaches, who reaches it, and what a cut changes.

An edge ``becomes`` another identity by the relations ``can_assume`` and ``acts_as``; paths use these alone. Other
relations are context. :mod:`scanner.access.chokes` says where to cut.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice, pairwise
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.adjacency import Adjacency, Walk, adjacency
from scanner.access.assignments import held_by
from scanner.access.edges import conditional_edges
from scanner.errors import MissingExtra
from scanner.model import Assessment, Relation, ScanResult, Trust

BECOMES: frozenset[Relation] = frozenset({"can_assume", "acts_as"})

MOST_TRIED = 200_000
"""Maximum number of path prefixes that a search for simple paths tries."""

DiGraph: TypeAlias = Any
"""A ``networkx.DiGraph``; the package ships no types."""


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


class Simple(Struct, frozen=True, kw_only=True):
    """Simple paths, shortest first. ``bounded``: the search ended at its limit, so that there may be more."""

    paths: tuple[AttackPath, ...]
    bounded: bool = False


def steps_of(result: ScanResult) -> Iterator[Step]:
    """Yield every link of the identities, and every edge under a condition, in the order of the identities."""
    for one in result.identities:
        for link in one.identity.links:
            yield Step(source=one.identity.key, target=link.target, relation=link.relation, evidence=link.evidence)
    yield from conditional_steps(result)


def conditional_steps(result: ScanResult) -> Iterator[Step]:
    """Yield the edges under a condition alone. Links keep those that hold for certain, so these are resolved again."""
    identities = [one.identity for one in result.identities]
    for edge in conditional_edges(identities, held_by(identities, result.assignments), result.workloads):
        yield Step(
            source=edge.source, target=edge.target, relation="can_assume", evidence=edge.evidence, conditional=True
        )


Evidence: TypeAlias = Callable[[Collection[tuple[str, str]]], Mapping[tuple[str, str], Step]]
"""Returns the steps between pairs of keys."""


class AttackGraph(Struct, frozen=True, kw_only=True, eq=False):
    """The edges by which one identity becomes another. Of several between two keys, an unconditional edge counts.

    Built once, by :func:`graph_of` or ``Store.attack_graph``, and then safe to read from any number of threads.
    ``keys``: of the nodes, sorted; ``numbers``: the place of each. ``admins``: the usual goals; ``entrances``:
    identities that external principals can become. ``evidence``: reads the steps of an answer.
    """

    keys: Sequence[str]
    numbers: Mapping[str, int]
    edges: Adjacency
    evidence: Evidence
    admins: frozenset[str] = frozenset()
    entrances: frozenset[str] = frozenset()

    def without(self, identities: Collection[str] = (), edges: Collection[tuple[str, str]] = ()) -> AttackGraph:
        """Return the graph without these identities and edges; unknown ones are ignored."""
        pairs = (self.numbered(edge) for edge in edges)
        cut = [(pair[0], pair[1]) for pair in pairs if len(pair) > 1]
        return replace(
            self,
            edges=self.edges.without(self.numbered(identities), cut),
            admins=self.admins.difference(identities),
            entrances=self.entrances.difference(identities),
        )

    def shortest(self, source: str, goals: Collection[str] | None = None) -> Iterator[AttackPath]:
        """Yield a shortest path from ``source`` to each goal, or to every key that it can become, shortest first.

        Of equally short paths, one with fewer conditions, then the one through the smallest keys.
        """
        wanted = None if goals is None else set(self.numbered(goals)).difference(self.numbered((source,)))
        walk = self.edges.walk(self.numbered((source,)))
        for node in _arrivals(walk, wanted):
            yield self._path(_traced(walk, node)[::-1])

    def nearest(self, sources: Collection[str], goals: Collection[str]) -> Iterator[AttackPath]:
        """Yield for each source that can become a goal a shortest path to one, shortest first."""
        wanted = set(self.numbered(sources)).difference(self.numbered(goals))
        walk = self.edges.walk(self.numbered(goals), back=True)
        for node in _arrivals(walk, wanted):
            yield self._path(_traced(walk, node))

    def simple(self, source: str, goals: Collection[str], most: int, longest: int | None = None) -> Simple:
        """Return up to ``most`` simple paths to goals, of up to ``longest`` steps.

        Shortest first; of equally short paths, those with fewer conditions. A path ends at its first goal. Only
        prefixes that can still reach a goal within that length are tried, the most promising first.
        """
        if source not in self.numbers or source in goals:
            return Simple(paths=())
        to_goal = self._walked(goals, back=True)
        search = _Search(self.edges, to_goal, self.numbers[source], longest)
        found = tuple(self._path(nodes) for nodes in islice(search.paths(), most))
        return Simple(paths=found, bounded=len(found) < most and search.tried >= MOST_TRIED)

    def reached(self, keys: Collection[str], *, back: bool = False) -> Iterator[str]:
        """Yield all that these identities can become, the nearest first; with ``back`` all that can become them."""
        for node in _arrivals(self.edges.walk(self.numbered(keys), back=back), None):
            yield self.keys[node]

    def neighbours(self, key: str, *, back: bool = False) -> list[str]:
        """Return what an identity can become in one step; with ``back`` what can become it."""
        return [self.keys[other] for node in self.numbered((key,)) for other in self.edges.ahead(node, back=back)]

    def steps(self, pairs: Iterable[tuple[str, str]]) -> tuple[Step, ...]:
        """Return the steps of these edges, which must exist, with their evidence."""
        wanted = tuple(pairs)
        known = self.evidence(wanted)
        return tuple(known.get(pair) or self._bare(pair) for pair in wanted)

    def digraph(self, keys: Collection[str] | None = None) -> DiGraph:
        """Return the graph, or the part of it between these keys, as a ``networkx.DiGraph``.

        Nodes are keys; edges have ``relation``, ``evidence`` and ``conditional``. About a kilobyte an edge. Raises
        MissingExtra without ``networkx``.
        """
        try:
            import networkx as nx
        except ImportError as error:
            raise MissingExtra("a graph of attack paths", "graph") from error
        nodes = range(len(self.keys)) if keys is None else sorted(self.numbered(keys))
        among = set(nodes)
        graph = nx.DiGraph()
        graph.add_nodes_from(self.keys[node] for node in nodes)
        pairs = ((node, other) for node in nodes for other in self.edges.ahead(node) if other in among)
        for step in self.steps((self.keys[node], self.keys[other]) for node, other in pairs):
            facts = {"relation": step.relation, "evidence": step.evidence, "conditional": step.conditional}
            graph.add_edge(step.source, step.target, **facts)
        return graph

    def numbered(self, keys: Iterable[str]) -> list[int]:
        """Return the node numbers of the keys that are in the graph."""
        return [self.numbers[key] for key in keys if key in self.numbers]

    def _walked(self, keys: Collection[str], *, back: bool) -> Walk:
        walk = self.edges.walk(self.numbered(keys), back=back)
        for _ in walk.levels():
            pass
        return walk

    def _path(self, nodes: Sequence[int]) -> AttackPath:
        return AttackPath(steps=self.steps(pairwise(self.keys[node] for node in nodes)))

    def _bare(self, pair: tuple[str, str]) -> Step:
        """The step of an edge whose evidence was removed from the store since the graph was built."""
        source, target = self.numbered(pair)
        conditional = self.edges.is_conditional(source, target)
        return Step(source=pair[0], target=pair[1], relation="can_assume", evidence="", conditional=conditional)


def graph_of(
    steps: Iterable[Step], admins: frozenset[str] = frozenset(), entrances: frozenset[str] = frozenset()
) -> AttackGraph:
    """Return the graph of these steps. Steps of other relations, and from an identity to itself, are left out."""
    known: dict[tuple[str, str], Step] = {}
    for step in steps:
        pair = step.source, step.target
        if step.becomes and step.source != step.target and (pair not in known or known[pair].conditional):
            known[pair] = known[pair] if pair in known and step.conditional else step
    keys = sorted({key for pair in known for key in pair})
    numbers = {key: number for number, key in enumerate(keys)}
    return AttackGraph(
        keys=keys,
        numbers=numbers,
        edges=adjacency(
            len(keys),
            [numbers[source] for source, _ in known],
            [numbers[target] for _, target in known],
            [step.conditional for step in known.values()],
        ),
        evidence=lambda pairs: {pair: known[pair] for pair in pairs},
        admins=admins,
        entrances=entrances,
    )


def _arrivals(walk: Walk, wanted: set[int] | None) -> Iterator[int]:
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


def _traced(walk: Walk, node: int) -> list[int]:
    """Return the nodes of a walk from a node back to its start."""
    nodes = [int(node)]
    while (before := int(walk.before[nodes[-1]])) >= 0:
        nodes.append(before)
    return nodes


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


def admins(assessments: Iterable[Assessment]) -> frozenset[str]:
    """Return the keys of admins. Identities that can escalate are not goals."""
    return frozenset(one.identity.key for one in assessments if one.privilege.level == "admin")


def entrances(assessments: Iterable[Assessment]) -> Mapping[str, tuple[Trust, ...]]:
    """Return the identities that external principals can become, by key, with the trusts that allow it."""
    found = ((one.identity.key, tuple(filter(is_external, one.identity.trusts))) for one in assessments)
    return {key: trusts for key, trusts in found if trusts}


def is_external(trust: Trust) -> bool:
    """Return whether a trust admits external principals. Services of the provider are not external."""
    return trust.kind == "anyone" or (trust.external is True and trust.kind not in ("service", "deleted"))
