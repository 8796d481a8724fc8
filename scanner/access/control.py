"""Who controls whom, and who can thereby become an admin: one computation for all providers. Pure.

X *controls* Y if a chain of certain edges leads from X to Y; X controls itself. A *method* lets its holder give a
target the rights of an admin. An identity can escalate if it controls

- an admin,
- an identity that can make itself an admin, or
- both the holder and a target of a method.

Levels, their evidence, attack paths, blast radii and the gate all read the result:
:mod:`scanner.access.raised_privileges` has the privileges, :class:`scanner.access.attack_paths.AttackGraph` the paths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.adjacency import Adjacency
from scanner.access.trusts import Keys
from scanner.model import (
    Identity,
    Relation,
    Way,
)

BECOMES: frozenset[Relation] = frozenset({"can_assume", "acts_as", "runs_as"})
"""The links by which one identity acts with the rights of another."""
OTHERS_KEPT = 5
"""The most methods on others that are kept of an identity: a hub may lead to thousands of holders."""


class Method(Struct, frozen=True, kw_only=True, gc=False):
    """``holder`` can give each of ``targets`` (keys) the rights of an admin.

    An identity that can make itself an admin is holder and target. ``by``: the permissions that allow it, as text.
    """

    holder: str
    targets: tuple[str, ...]
    by: str
    conditional: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the holder makes itself an admin, by its own policies alone."""
        return self.targets == (self.holder,)


class Targets:
    """The targets of ways, by pattern. Equal ways of many holders share one tuple.

    ``more``: providers and keys of further identities, which trust no service.
    """

    def __init__(self, identities: Iterable[Identity], more: Iterable[tuple[str, str]] = ()) -> None:
        self._identities = tuple(identities)
        self._more = tuple(more)
        self._keys: dict[str, Keys] = {}
        self._known: dict[tuple[str, Way], tuple[str, ...]] = {}
        self._trusting: dict[str, frozenset[str]] | None = None

    def of(self, provider: str, way: Way) -> tuple[str, ...]:
        """The keys that a way leads to, of identities of its provider."""
        shared = replace(way, by="", conditional=False)
        if (provider, shared) not in self._known:
            self._known[provider, shared] = self._look_up(provider, shared)
        return self._known[provider, shared]

    def _look_up(self, provider: str, way: Way) -> tuple[str, ...]:
        if provider not in self._keys:
            every = chain(((one.provider, one.key) for one in self._identities), self._more)
            self._keys[provider] = Keys(provider, (key for of, key in every if of == provider))
        keys = self._keys[provider]
        found = {key: None for pattern in way.on for key in keys.named(pattern)}
        for pattern in way.but:
            for key in keys.named(pattern):
                found.pop(key, None)
        if way.service:
            return tuple(key for key in found if key in self._let_in(way.service))
        return tuple(found)

    def _let_in(self, service: str) -> frozenset[str]:
        """The keys of identities whose trust policy names a service."""
        if self._trusting is None:
            trusting: defaultdict[str, set[str]] = defaultdict(set)
            for one in self._identities:
                for trust in one.trusts:
                    if trust.kind == "service":
                        trusting[trust.principal].add(one.key)
            self._trusting = {principal: frozenset(keys) for principal, keys in trusting.items()}
        return self._trusting.get(service, frozenset())


def methods_in(
    identities: Sequence[Identity], targets: Targets, admins: Collection[str] = frozenset()
) -> tuple[Method, ...]:
    """Return the methods that the policies of identities allow.

    Admins, those besides the identities included, hold none, and are targets of none: there is nothing to be gained.
    """
    admins = {*admins, *(one.key for one in identities if one.privilege.level == "admin")}
    found: list[Method] = []
    left: dict[int, tuple[str, ...]] = {}
    for one in identities:
        if one.key in admins:
            continue
        if one.privilege.level == "escalation":
            found.append(Method(holder=one.key, targets=(one.key,), by=next(iter(one.privilege.evidence), "")))
        for way in one.reach:
            if way.kind != "make_admin":
                continue
            every = targets.of(one.provider, way)
            if id(every) not in left:  # the tuples live as long as ``targets``
                left[id(every)] = tuple(key for key in every if key not in admins)
            if left[id(every)]:
                by, conditional = way.by, way.conditional
                found.append(Method(holder=one.key, targets=left[id(every)], by=by, conditional=conditional))
    return tuple(found)


# --- The graph of control: nodes are numbers, for a scan under way as for one in the store ---


class Right(NamedTuple):
    """What allows a method, as text. ``conditional``: only if a condition holds."""

    by: str
    conditional: bool = False


class Rights(Struct, frozen=True, kw_only=True):
    """What control can lead to, by node: the admins, the holders that make themselves admins, and other methods.

    ``own``: the right of each holder. ``shared``: for each set of targets, the rights of the holders; whoever controls
    any of the holders and any of the targets can make itself an admin.
    """

    admins: frozenset[int]
    own: Mapping[int, Right]
    shared: Sequence[tuple[Mapping[int, Right], tuple[int, ...]]]


def rights_in(
    methods: Iterable[Method], numbers: Mapping[str, int], admins: Iterable[str], *, conditional: bool = False
) -> Rights:
    """Return what control can lead to. ``conditional``: methods under a condition count, too."""
    own: dict[int, Right] = {}
    shared: dict[tuple[str, ...], dict[int, Right]] = {}
    for method in methods:
        if method.conditional and not conditional:
            continue
        rights, holder = own if method.is_own else shared.setdefault(method.targets, {}), numbers[method.holder]
        if holder not in rights or rights[holder].conditional > method.conditional:
            rights[holder] = Right(method.by, method.conditional)
    return Rights(
        admins=frozenset(numbers[key] for key in admins if key in numbers),
        own=own,
        shared=[(holders, tuple(numbers[key] for key in targets)) for targets, holders in shared.items()],
    )


class Path(Struct, frozen=True, gc=False):
    """A shortest path to ``goal``, of that many steps. ``nodes``: both ends included, or only the first ones."""

    nodes: tuple[int, ...]
    steps: int
    goal: int


class Leading(Protocol):
    """All nodes that lead to some goals, each with a shortest path; the goals, with a path of their own, included."""

    def __contains__(self, node: object) -> bool: ...

    def __iter__(self) -> Iterator[int]: ...

    def steps(self, node: int) -> int:
        """Return the number of steps from a node to the nearest goal."""
        ...

    def path(self, node: int, most: int | None = None) -> Path:
        """Return a shortest path to a goal, with at most that many steps shown.

        Of equally short paths, the one through the smallest number is taken.
        """
        ...


class _Everywhere:
    """Leading to goals that much of the graph may lead to: a search in arrays, as large as the graph."""

    def __init__(self, edges: Adjacency, goals: Collection[int]) -> None:
        self._walk = edges.walk(goals, back=True)
        self._goal = dict(zip(goals, goals, strict=True))
        for level in self._walk.levels():
            for node in level:
                self._goal[node] = self._goal[int(self._walk.before[node])]

    def __contains__(self, node: object) -> bool:
        return node in self._goal

    def __iter__(self) -> Iterator[int]:
        return iter(self._goal)

    def steps(self, node: int) -> int:
        return int(self._walk.steps[node])

    def path(self, node: int, most: int | None = None) -> Path:
        return _path(node, self._walk.before, self.steps(node), self._goal[node], most)


class _Nearby:
    """Leading to goals of one account: costs what leads there, and not the graph, of which there may be many such."""

    def __init__(self, edges: Adjacency, goals: Collection[int]) -> None:
        self._ahead: dict[int, int] = {}
        self._goal = dict(zip(goals, goals, strict=True))
        self._steps = dict.fromkeys(goals, 0)
        frontier = sorted(goals)
        while frontier:
            reached: dict[int, int] = {}
            for target in frontier:
                for source in edges.ahead(target, back=True):
                    if source not in self._goal:
                        reached.setdefault(source, target)
            self._ahead |= reached
            for source, target in reached.items():
                self._steps[source] = self._steps[target] + 1
                self._goal[source] = self._goal[target]
            frontier = sorted(reached)

    def __contains__(self, node: object) -> bool:
        return node in self._goal

    def __iter__(self) -> Iterator[int]:
        return iter(self._goal)

    def steps(self, node: int) -> int:
        return self._steps[node]

    def path(self, node: int, most: int | None = None) -> Path:
        return _path(node, self._ahead, self._steps[node], self._goal[node], most)


_PART = 500
"""With more goals than one per this many nodes, arrays are faster: measured at 10,000 goals among 1,000,000 nodes."""


def leading_to(edges: Adjacency, goals: Collection[int]) -> Leading:
    """Return all that leads to any of the goals."""
    return _Everywhere(edges, goals) if len(goals) * _PART > edges.size else _Nearby(edges, goals)


def _path(node: int, ahead: Mapping[int, int] | Sequence[int], steps: int, goal: int, most: int | None) -> Path:
    nodes = [node]
    for _ in range(steps if most is None else min(steps, most)):
        nodes.append(int(ahead[nodes[-1]]))
    return Path(tuple(nodes), steps, goal)


class Route(Struct, frozen=True, kw_only=True, gc=False):
    """How a node becomes an admin: by a path to one, or to the target of a method whose holder it controls as well.

    ``chain``: the path to that holder; None if the path ends in an admin. ``right``: what allows the method.
    """

    path: Path
    chain: Path | None = None
    right: Right = Right("")

    @property
    def steps(self) -> int:
        """The number of steps, with the one that makes an admin."""
        return self.path.steps + (self.chain is not None)

    @property
    def is_own(self) -> bool:
        """Whether the path ends in an identity that makes itself an admin by its own policies alone."""
        return self.chain is not None and self.chain.goal == self.path.goal


class MethodOnOthers(Struct, frozen=True, kw_only=True, gc=False):
    """A method whose holder a node controls, but none of the targets. ``chain``: the path to the holder."""

    chain: Path
    by: str
    targets: tuple[int, ...]


class Control:
    """The nodes that control an admin, or what makes one. ``edges``: those that count, without conditions or with."""

    def __init__(self, edges: Adjacency, rights: Rights) -> None:
        self._rights = rights
        self._admins = leading_to(edges, rights.admins)
        self._own = leading_to(edges, rights.own.keys())
        self._shared: dict[int, tuple[Leading, Leading, Mapping[int, Right]]] = {}
        self._others: dict[int, list[tuple[Leading, Mapping[int, Right], tuple[int, ...]]]] = {}
        for holders, targets in rights.shared:
            to_holder, to_target = leading_to(edges, holders.keys()), leading_to(edges, targets)
            for node in to_holder:
                if node not in to_target:
                    if len(known := self._others.setdefault(node, [])) < OTHERS_KEPT:
                        known.append((to_holder, holders, targets))
                elif node not in self._shared or to_target.steps(node) < self._shared[node][1].steps(node):
                    self._shared[node] = to_holder, to_target, holders

    def __contains__(self, node: int) -> bool:
        return node in self._admins or node in self._own or node in self._shared

    def __iter__(self) -> Iterator[int]:
        return iter(dict.fromkeys((*self._admins, *self._own, *self._shared)))

    def route(self, node: int, most: int | None = None) -> Route:
        """Return how a node becomes an admin: by a path to one, else by an identity that makes itself one, else both.

        The node must be one that does. ``most``: of the steps of paths that are shown.
        """
        if node in self._admins:
            return Route(path=self._admins.path(node, most))
        if node in self._own:
            path = self._own.path(node, most)
            return Route(path=path, chain=path, right=self._rights.own[path.goal])
        to_holder, to_target, holders = self._shared[node]
        chain = to_holder.path(node, most)
        return Route(path=to_target.path(node, most), chain=chain, right=holders[chain.goal])

    def makes_others(self, most: int | None = None) -> Iterator[tuple[int, list[MethodOnOthers]]]:
        """Yield the nodes that can make others admins without controlling them, with the first methods of each."""
        for node, found in self._others.items():
            chains = ((to_holder.path(node, most), holders, targets) for to_holder, holders, targets in found)
            yield (
                node,
                [
                    MethodOnOthers(chain=chain, by=rights[chain.goal].by, targets=targets)
                    for chain, rights, targets in chains
                ],
            )
