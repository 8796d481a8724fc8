"""Which targets of wide rights an attack path can need. Pure.

A right on everything of a kind leads to thousands of identities, and thousands may hold it: an edge each would be the
square of an account. So a group of targets that holders share is one node here, and an edge is made only to targets
through which a path goes on: to an admin, or to the holder or a target of a method.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

from scanner.access.adjacency import adjacency
from scanner.access.control import Control, Leading, Method, Targets, leading_to, rights_in
from scanner.model import POWERFUL, Edge, Identity

MOST = 100
"""The most edges by one right. More change no level: if one of the targets leads to an admin, these come first."""
MOST_TAKEOVERS = 1_000
"""With more takeovers than this, an identity keeps those that paths need."""


def needed_of_judged(group: Sequence[str], leading: Container[str], methods: Sequence[Method]) -> Iterator[str]:
    """Yield the targets of a right that paths need, once identities are judged: those that lead to an admin.

    Where none does, it is holders of methods, and of each set of targets one. ``leading``: keys of identities that were
    judged to lead to an admin, for certain or under a condition.
    """
    strong = [key for key in group if key in leading]
    yield from islice(strong, MOST)
    if strong or not methods:
        return
    among = frozenset(group)
    holders = (method.holder for method in methods if method.holder in among)
    each = {id(method.targets): method.targets for method in methods}
    targets = (next((key for key in targets if key in among), None) for targets in each.values())
    yield from islice(dict.fromkeys(key for key in (*holders, *targets) if key is not None), MOST)


class Candidates:
    """The edges of rights to become others, and of takeovers, as far as paths need them.

    ``edges``: returns all other edges, links included. ``methods`` and ``targets``: of the same identities.
    """

    def __init__(
        self,
        identities: Sequence[Identity],
        edges: Callable[[], Sequence[Edge]],
        methods: Sequence[Method],
        targets: Targets,
    ) -> None:
        self._identities, self._find_edges, self._methods = identities, edges, methods
        self._ways = [
            (one.key, way, targets.of(one.provider, way))
            for one in identities
            if one.privilege.level != "admin"
            for way in one.reach
            if way.kind == "become"
        ]
        self._chosen: dict[int, tuple[str, ...]] = {}

    def becoming(self) -> Iterator[Edge]:
        """Yield the edges of rights to become others without their consent."""
        for key, way, group in self._ways:
            for target in self._of_group(group):
                if target != key:
                    yield Edge(key, target, way.by, way.conditional)

    def needed(self, takeovers: Iterable[Edge]) -> Iterator[Edge]:
        """Yield the takeovers, of a source that has very many only those that paths need."""
        takeovers = tuple(takeovers)
        many = {
            source for source, number in Counter(edge.source for edge in takeovers).items() if number > MOST_TAKEOVERS
        }
        kept: defaultdict[str, set[str]] = defaultdict(set)
        if many:
            each: defaultdict[str, list[str]] = defaultdict(list)
            for edge in takeovers:
                if edge.source in many:
                    each[edge.source].append(edge.target)
            for source, group in each.items():
                kept[source].update(self._first(group))
        for edge in takeovers:
            if edge.source not in many or edge.target in kept[edge.source]:
                yield edge

    def _of_group(self, group: tuple[str, ...]) -> tuple[str, ...]:
        known = id(group)  # the tuple is shared, and lives as long as the ways
        if known not in self._chosen:
            self._chosen[known] = tuple(self._first(group))
        return self._chosen[known]

    def _first(self, group: Collection[str]) -> Iterator[str]:
        """Yield the targets that paths need, those that lead to an admin first."""
        numbers, control = self._numbers, self._control
        strong = [key for key in group if numbers[key] in control]
        yield from islice(strong, MOST)
        if strong:
            return
        onward: list[str] = []
        alike: dict[frozenset[int], str] = {}
        for key in group:
            if numbers[key] in self._needed:
                if key in self._leading_on:
                    onward.append(key)
                else:  # a target of methods, and nothing else: one of those that are alike is enough
                    alike.setdefault(self._methods_on.get(key, frozenset()), key)
        yield from islice((*onward, *alike.values()), MOST)

    @cached_property
    def _edges(self) -> Sequence[Edge]:
        return self._find_edges()  # only where there are wide rights: there can be millions of edges

    @cached_property
    def _groups(self) -> Mapping[int, tuple[str, ...]]:
        return {id(group): group for _, _, group in self._ways}

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        """The numbers of all keys; groups come after them."""
        named = dict.fromkeys(one.key for one in self._identities)
        named |= dict.fromkeys(key for edge in self._edges for key in edge[:2])
        return {key: number for number, key in enumerate(named)}

    def _leading(self, *, if_met: bool) -> tuple[int, list[int], list[int]]:
        """The edges of the graph with a node for each group: its size, sources and targets."""
        numbers = self._numbers
        node = {known: number for number, known in enumerate(self._groups, start=len(numbers))}
        sources, targets = [], []
        for edge in self._edges:
            if if_met or not edge.conditional:
                sources.append(numbers[edge.source])
                targets.append(numbers[edge.target])
        for key, way, group in self._ways:
            if if_met or not way.conditional:
                sources.append(numbers[key])
                targets.append(node[id(group)])
        for known, keys in self._groups.items():
            sources += [node[known]] * len(keys)
            targets += [numbers[key] for key in keys]
        return len(numbers) + len(node), sources, targets

    @cached_property
    def _control(self) -> Control:
        size, sources, targets = self._leading(if_met=False)
        admins = [one.key for one in self._identities if one.privilege.level == "admin"]
        rights = rights_in(self._methods, self._numbers, admins)
        return Control(adjacency(size, sources, targets), rights)

    @cached_property
    def _needed(self) -> Leading:
        """All that leads to anything that matters, conditions aside."""
        goals = {
            self._numbers[one.key]
            for one in self._identities
            if one.privilege.level in POWERFUL or one.privilege.level == "unknown"
        }
        goals.update(self._numbers[key] for method in self._methods for key in (method.holder, *method.targets))
        size, sources, targets = self._leading(if_met=True)
        return leading_to(adjacency(size, sources, targets), goals)

    @cached_property
    def _leading_on(self) -> frozenset[str]:
        """Keys of holders of methods, and of sources of edges."""
        sources = {edge.source for edge in self._edges} | {key for key, _, _ in self._ways}
        return frozenset(sources.union(method.holder for method in self._methods))

    @cached_property
    def _methods_on(self) -> Mapping[str, frozenset[int]]:
        """By key, the sets of targets that it is in."""
        found: defaultdict[str, set[int]] = defaultdict(set)
        for targets in {id(method.targets): method.targets for method in self._methods}.values():
            for key in targets:
                found[key].add(id(targets))
        return {key: frozenset(sets) for key, sets in found.items()}
