"""Attack paths of a scan: shortest and simple paths, what an identity reaches, who reaches it, and what a cut changes.

An edge ``becomes`` another identity by the relations of :data:`scanner.access.control.BECOMES`; paths use these alone.
Other relations are context. A path to an admin may end in a method, by which its last identity makes itself an admin:
see :mod:`scanner.access.control`, which decides who has such a path. :mod:`scanner.access.chokes` says where to cut.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.adjacency import Adjacency, adjacency
from scanner.access.assignments import held_by
from scanner.access.control import BECOMES, Control, Method, Path, Right, Rights, Route, Targets, methods_in, rights_in
from scanner.access.edges import conditional_edges
from scanner.access.searches import Forward, arrivals, simple_paths, traced
from scanner.access.trusts import scope_named
from scanner.errors import MissingExtra
from scanner.model import Assessment, Relation, ScanResult, Trust

MAKES_ADMIN: Literal["makes_admin"] = "makes_admin"
"""The relation of a last step from an identity to itself: a method makes it an admin."""

DiGraph: TypeAlias = Any
"""A ``networkx.DiGraph``; the package ships no types."""


class Step(Struct, frozen=True, kw_only=True, gc=False):
    """An edge between two keys. ``conditional``: only if a condition holds. ``via``: the holder of a method."""

    source: str
    target: str
    relation: Relation | Literal["makes_admin"]
    evidence: str
    conditional: bool = False
    via: str = ""

    @property
    def becomes(self) -> bool:
        """Whether the source becomes the target."""
        return self.relation in BECOMES


class AttackPath(Struct, frozen=True, kw_only=True, gc=False):
    """The steps from one identity to another. An admin has a path of no steps to an admin: itself."""

    start: str
    steps: tuple[Step, ...]

    @property
    def end(self) -> str:
        """The identity at its end."""
        return self.steps[-1].target if self.steps else self.start

    @property
    def keys(self) -> tuple[str, ...]:
        """The identities on the path, both ends included, each once."""
        return tuple(dict.fromkeys((self.start, *(step.target for step in self.steps))))

    @property
    def is_conditional(self) -> bool:
        """Whether any of its steps is."""
        return any(step.conditional for step in self.steps)

    @property
    def order(self) -> tuple[int, int, tuple[str, ...]]:
        """What sorts shorter paths first, then those with fewer conditions."""
        return len(self.steps), sum(step.conditional for step in self.steps), self.keys


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
    leading = {one.identity.key for one in result.identities if one.privilege.leads_to_admin}
    held, targets = held_by(identities, result.assignments), Targets(identities)
    methods = methods_in(identities, targets)
    for edge in conditional_edges(identities, held, result.workloads, leading, methods, targets):
        yield Step(
            source=edge.source, target=edge.target, relation="can_assume", evidence=edge.evidence, conditional=True
        )


Evidence: TypeAlias = Callable[[Collection[tuple[str, str]]], Mapping[tuple[str, str], Step]]
"""Returns the steps between pairs of keys."""


class AttackGraph(Struct, frozen=True, kw_only=True, eq=False):
    """The edges by which one identity becomes another. Of several between two keys, an unconditional edge counts.

    Built once, by :func:`graph_of` or ``Store.attack_graph``, and then safe to read from any number of threads.
    ``keys``: of the nodes, sorted; ``numbers``: the place of each. ``certain``: the edges without those under a
    condition. ``admins``: the usual goals. ``methods``: by which identities make themselves or others admins.
    ``entrances``: the external principals that can become an identity, by key. ``evidence``: reads the steps of an
    answer.
    """

    keys: Sequence[str]
    numbers: Mapping[str, int]
    edges: Adjacency
    certain: Adjacency
    evidence: Evidence
    admins: frozenset[str] = frozenset()
    methods: tuple[Method, ...] = ()
    entrances: Mapping[str, tuple[Trust, ...]] = {}

    def without(self, identities: Collection[str] = (), edges: Collection[tuple[str, str]] = ()) -> AttackGraph:
        """Return the graph without these identities and edges; unknown ones are ignored."""
        pairs = (self.numbered(edge) for edge in edges)
        cut = [(pair[0], pair[1]) for pair in pairs if len(pair) > 1]
        gone = frozenset(identities)
        left = (
            replace(method, targets=tuple(key for key in method.targets if key not in gone))
            for method in self.methods
            if method.holder not in gone
        )
        return replace(
            self,
            edges=self.edges.without(self.numbered(gone), cut),
            certain=self.certain.without(self.numbered(gone), cut),
            admins=self.admins.difference(gone),
            methods=tuple(method for method in left if method.targets),
            entrances={key: trusts for key, trusts in self.entrances.items() if key not in gone},
        )

    def rights(self, *, if_met: bool) -> Rights:
        """Return what makes an admin. ``if_met``: methods under a condition count, too."""
        return rights_in(self.methods, self.numbers, self.admins, conditional=if_met)

    def control(self, *, if_met: bool = False) -> Control:
        """Return who can become an admin, without conditions or with. It is computed anew: a search of the graph."""
        return Control(self.edges if if_met else self.certain, self.rights(if_met=if_met))

    # --- Paths to an admin, which may end in a method ---

    def to_admin(self, sources: Collection[str]) -> Iterator[AttackPath]:
        """Yield for each identity that can become an admin the nearest way: those without a condition, shortest first.

        For an admin that is the path of no steps.
        """
        wanted = set(self.numbered(sources))
        certain = self.control()
        found = {node: certain.route(node) for node in wanted if node in certain}
        possible = self.control(if_met=True) if len(found) < len(wanted) else certain
        more = {node: possible.route(node) for node in wanted if node not in certain and node in possible}
        for some in (found, more):
            for node in sorted(some, key=lambda node: (some[node].steps, node)):
                yield self._routed(some[node])

    def ways_to_admin(
        self, source: str, most: int, *, every: bool = False, longest: int | None = None
    ) -> tuple[tuple[AttackPath, ...], bool]:
        """Return paths from one identity to admins and to methods, and whether the search ended at its limit.

        Those without a condition come first, shortest first; then those under one. ``every``: all simple paths to each
        end, of at most ``longest`` steps; otherwise the shortest, unless there is a single end.
        """
        if source in self.admins:
            return (AttackPath(start=source, steps=()),), False
        certain, bounded = self._ways(self.certain, source, most, if_met=False, every=every, longest=longest)
        possible, at_limit = self._ways(self.edges, source, most, if_met=True, every=every, longest=longest)
        known = {path.steps for path in certain}
        more = (path for path in possible if path.is_conditional and path.steps not in known)
        ordered = (sorted(paths, key=lambda path: path.order) for paths in (certain, more))
        return tuple(islice(chain.from_iterable(ordered), most)), bounded or at_limit

    def ends_within(self, source: str) -> int:
        """Return how many admins, and identities that a method makes one, an identity can become."""
        forward = Forward(self.edges, self.numbers[source])
        ends = {node for node in self.numbered(self.admins) if node in forward}
        return len(ends.union(node for node, _ in self._methods_of(forward, if_met=True)))

    def from_outside(self, paths: Iterable[AttackPath]) -> Iterator[AttackPath]:
        """Yield each path once for every external principal that the trust policy of its start lets in.

        A restriction, such as an external id or a claim, makes the first step conditional.
        """
        for path in paths:
            steps: dict[str, Step] = {}
            for trust in self.entrances[path.start]:
                step = Step(
                    source=outsider(trust),
                    target=path.start,
                    relation="can_assume",
                    evidence=trust.evidence,
                    conditional=trust.restriction != "none",
                )
                known = steps.get(step.source)
                if known is None or known.conditional > step.conditional:
                    steps[step.source] = step
            for who, step in steps.items():
                yield AttackPath(start=who, steps=(step, *path.steps))

    def _ways(
        self, edges: Adjacency, source: str, most: int, *, if_met: bool, every: bool, longest: int | None
    ) -> tuple[list[AttackPath], bool]:
        """Paths along these edges to admins, and to the nearest target of each method whose holder is controlled."""
        forward = Forward(edges, self.numbers[source])
        ends: dict[int, tuple[Path, Right] | None] = dict(self._methods_of(forward, if_met=if_met))
        ends |= dict.fromkeys(self.numbered(self.admins))
        if every or len(ends) == 1:
            found, bounded = simple_paths(edges, self.numbers[source], ends, most, longest)
        else:
            near = sorted((node for node in ends if node in forward), key=forward.order)
            found, bounded = [forward.to(node).nodes for node in near[:most]], False
        return [self._attack_path(nodes, ends[nodes[-1]]) for nodes in found], bounded

    def _methods_of(self, forward: Forward, *, if_met: bool) -> Iterator[tuple[int, tuple[Path, Right]]]:
        """By target: the path to the holder of a method that makes it an admin, and what allows that."""
        rights = self.rights(if_met=if_met)
        for node, right in rights.own.items():
            if node in forward:
                yield node, (forward.to(node), right)
        for holders, targets in rights.shared:
            mine = [node for node in holders if node in forward]
            near = min((node for node in targets if node in forward), key=forward.order, default=None)
            if mine and near is not None and near not in rights.own:
                holder = min(mine, key=forward.order)
                yield near, (forward.to(holder), holders[holder])

    def _routed(self, route: Route) -> AttackPath:
        ending = None if route.chain is None else (route.chain, route.right)
        return self._attack_path(route.path.nodes, ending)

    def _attack_path(self, nodes: Sequence[int], ending: tuple[Path, Right] | None) -> AttackPath:
        """The path along these nodes. ``ending``: the path to the holder of its last method, and what allows that."""
        steps = self._steps(nodes)
        if ending is not None:
            to_holder, right = ending
            steps = (*steps, self._made_admin(nodes[-1], to_holder, right, first=nodes[0]))
        return AttackPath(start=self.keys[nodes[0]], steps=steps)

    def _made_admin(self, node: int, to_holder: Path, right: Right, *, first: int) -> Step:
        key, holder = self.keys[node], self.keys[to_holder.goal]
        through = self._steps(to_holder.nodes) if to_holder.goal != node else ()
        way = "; ".join(f"{one.source} can become {one.target}: {one.evidence}" for one in through)
        return Step(
            source=key,
            target=key,
            relation=MAKES_ADMIN,
            evidence=f"{right.by}; {way}" if way and holder != self.keys[first] else right.by,
            conditional=right.conditional or any(one.conditional for one in through),
            via=holder,
        )

    # --- Paths to any identity ---

    def shortest(self, source: str, goals: Collection[str] | None = None) -> Iterator[AttackPath]:
        """Yield a shortest path from ``source`` to each goal, or to every key that it can become, shortest first.

        Of equally short paths, one with fewer conditions, then the one through the smallest keys.
        """
        wanted = None if goals is None else set(self.numbered(goals)).difference(self.numbered((source,)))
        walk = self.edges.walk(self.numbered((source,)))
        for node in arrivals(walk, wanted):
            yield self._path(traced(walk, node)[::-1])

    def nearest(self, sources: Collection[str], goals: Collection[str]) -> Iterator[AttackPath]:
        """Yield for each source that can become a goal a shortest path to one, shortest first."""
        wanted = set(self.numbered(sources)).difference(self.numbered(goals))
        walk = self.edges.walk(self.numbered(goals), back=True)
        for node in arrivals(walk, wanted):
            yield self._path(traced(walk, node))

    def simple(self, source: str, goals: Collection[str], most: int, longest: int | None = None) -> Simple:
        """Return up to ``most`` simple paths to goals, of up to ``longest`` steps.

        Shortest first; of equally short paths, those with fewer conditions. A path ends at its first goal. Only
        prefixes that can still reach a goal within that length are tried, the most promising first.
        """
        if source not in self.numbers or source in goals:
            return Simple(paths=())
        nodes, bounded = simple_paths(self.edges, self.numbers[source], self.numbered(goals), most, longest)
        return Simple(paths=tuple(map(self._path, nodes)), bounded=bounded)

    def reached(self, keys: Collection[str], *, back: bool = False) -> Iterator[str]:
        """Yield all that these identities can become, the nearest first; with ``back`` all that can become them."""
        for node in arrivals(self.edges.walk(self.numbered(keys), back=back), None):
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

    def _path(self, nodes: Sequence[int]) -> AttackPath:
        return AttackPath(start=self.keys[nodes[0]], steps=self._steps(nodes))

    def _steps(self, nodes: Sequence[int]) -> tuple[Step, ...]:
        return self.steps(pairwise(self.keys[node] for node in nodes))

    def _bare(self, pair: tuple[str, str]) -> Step:
        """The step of an edge whose evidence was removed from the store since the graph was built."""
        source, target = self.numbered(pair)
        conditional = self.edges.is_conditional(source, target)
        return Step(source=pair[0], target=pair[1], relation="can_assume", evidence="", conditional=conditional)


def graph_of(
    steps: Iterable[Step],
    admins: frozenset[str] = frozenset(),
    entrances: Mapping[str, tuple[Trust, ...]] | None = None,
    methods: Iterable[Method] = (),
) -> AttackGraph:
    """Return the graph of these steps. Steps of other relations, and from an identity to itself, are left out."""
    methods = tuple(methods)
    known: dict[tuple[str, str], Step] = {}
    for step in steps:
        pair = step.source, step.target
        if step.becomes and step.source != step.target and (pair not in known or known[pair].conditional):
            known[pair] = known[pair] if pair in known and step.conditional else step
    alone = {key for method in methods for key in (method.holder, *method.targets)} | admins | set(entrances or ())
    keys = sorted(alone.union(*known))
    numbers = {key: number for number, key in enumerate(keys)}
    pairs = [(numbers[source], numbers[target], step.conditional) for (source, target), step in known.items()]
    return AttackGraph(
        keys=keys,
        numbers=numbers,
        edges=_adjacency(len(keys), pairs),
        certain=_adjacency(len(keys), [pair for pair in pairs if not pair[2]]),
        evidence=lambda pairs: {pair: known[pair] for pair in pairs if pair in known},
        admins=admins,
        methods=methods,
        entrances=entrances or {},
    )


def admins(assessments: Iterable[Assessment]) -> frozenset[str]:
    """Return the keys of admins. Identities that can escalate are not goals."""
    return frozenset(one.identity.key for one in assessments if one.privilege.level == "admin")


def _adjacency(size: int, pairs: Sequence[tuple[int, int, bool]]) -> Adjacency:
    sources, targets, conditional = zip(*pairs, strict=True) if pairs else ((), (), ())
    return adjacency(size, sources, targets, conditional)


def outsider(trust: Trust) -> str:
    """Return who comes in by a trust: anybody, an account, or whoever has tokens of an issuer."""
    if trust.kind == "anyone":
        return "*"
    if trust.kind == "federated":
        return (trust.issuer or trust.principal).removeprefix("aws:")
    return scope_named(trust.principal)


def is_external(trust: Trust) -> bool:
    """Return whether a trust admits external principals. Services of the provider are not external."""
    return trust.kind == "anyone" or (trust.external is True and trust.kind not in ("service", "deleted"))
