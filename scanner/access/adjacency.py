"""Directed edges between numbered nodes, searched breadth first: plain Python for few, NumPy for many.

Both give the same answers. NumPy searches five million edges in half a second, but importing it takes longer than plain
Python needs for a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.int64]

MANY = 100_000
"""Number of edges from which NumPy is used, if installed."""

Pair: TypeAlias = tuple[int, int]


class Walk(Protocol):
    """A breadth-first search under way, by node.

    ``steps``: the number of steps from the nearest start, -1 if the node was not reached. ``conditions``: how many of
    them are conditional. ``before``: the node before it, -1 for a start.
    """

    @property
    def steps(self) -> Sequence[int]: ...

    @property
    def conditions(self) -> Sequence[int]: ...

    @property
    def before(self) -> Sequence[int]: ...

    def levels(self) -> Iterator[Sequence[int]]:
        """Search on, and yield the nodes of each level in ascending order; the starts are none of them.

        Of equally many steps those with fewer conditions count, then those through the smallest node.
        """
        ...


class Adjacency(Protocol):
    """Edges without duplicates and loops. ``size``: the number of nodes; ``edges``: the number of edges."""

    @property
    def size(self) -> int: ...

    @property
    def edges(self) -> int: ...

    def ahead(self, node: int, *, back: bool = False) -> list[int]:
        """Return the nodes that an edge leads to, ascending; with ``back`` those that an edge comes from."""
        ...

    def is_conditional(self, source: int, target: int) -> bool:
        """Return whether an edge is conditional. It must exist."""
        ...

    def walk(self, starts: Collection[int], *, back: bool = False) -> Walk:
        """Return a search from the starts, along the edges or against them."""
        ...

    def without(self, nodes: Collection[int], edges: Collection[Pair]) -> Adjacency:
        """Return a copy without these edges, and without the edges of these nodes."""
        ...


def adjacency(
    size: int, sources: Sequence[int], targets: Sequence[int], conditional: Sequence[int] | None = None
) -> Adjacency:
    """Return the edges in the form that suits their number. ``conditional``: None if none of them is.

    Of several between two nodes, an unconditional edge wins.
    """
    if conditional is None:
        conditional = memoryview(bytes(len(sources)))
    if len(sources) >= MANY and find_spec("numpy") is not None:
        return Arrays.of(size, sources, targets, conditional)
    return Lists.of(size, sources, targets, conditional)


class Lists:
    """Edges as dictionaries, from each node to whether the edge to another is conditional."""

    def __init__(self, onward: Sequence[dict[int, bool]]) -> None:
        self._onward = onward
        self._back: list[dict[int, bool]] = [{} for _ in onward]
        for source, targets in enumerate(onward):
            for target, conditional in targets.items():
                self._back[target][source] = conditional

    @classmethod
    def of(cls, size: int, sources: Sequence[int], targets: Sequence[int], conditional: Sequence[int]) -> Lists:
        """See :func:`adjacency`."""
        onward: list[dict[int, bool]] = [{} for _ in range(size)]
        for source, target, uncertain in sorted(zip(sources, targets, conditional, strict=True)):
            if source != target:
                onward[source].setdefault(target, bool(uncertain))
        return cls(onward)

    @property
    def size(self) -> int:
        """See :class:`Adjacency`."""
        return len(self._onward)

    @property
    def edges(self) -> int:
        """See :class:`Adjacency`."""
        return sum(map(len, self._onward))

    def ahead(self, node: int, *, back: bool = False) -> list[int]:
        """See :class:`Adjacency`."""
        return list((self._back if back else self._onward)[node])

    def is_conditional(self, source: int, target: int) -> bool:
        """See :class:`Adjacency`."""
        return self._onward[source][target]

    def walk(self, starts: Collection[int], *, back: bool = False) -> Walk:
        """See :class:`Adjacency`."""
        return _ListWalk(self._back if back else self._onward, starts)

    def without(self, nodes: Collection[int], edges: Collection[Pair]) -> Lists:
        """See :class:`Adjacency`."""
        gone, cut = frozenset(nodes), frozenset(edges)
        return Lists(
            [
                {target: uncertain for target, uncertain in targets.items() if not (
                    source in gone or target in gone or (source, target) in cut
                )}
                for source, targets in enumerate(self._onward)
            ]
        )  # fmt: skip


class _ListWalk:
    def __init__(self, edges: Sequence[dict[int, bool]], starts: Collection[int]) -> None:
        self._edges = edges
        self._frontier = sorted(set(starts))
        self.steps = [-1] * len(edges)
        self.conditions = [0] * len(edges)
        self.before = [-1] * len(edges)
        for node in self._frontier:
            self.steps[node] = 0

    def levels(self) -> Iterator[Sequence[int]]:
        while self._frontier:
            reached: dict[int, Pair] = {}
            for node in self._frontier:
                for other, uncertain in self._edges[node].items():
                    way = self.conditions[node] + uncertain, node
                    if self.steps[other] < 0 and (other not in reached or way < reached[other]):
                        reached[other] = way
            depth = self.steps[self._frontier[0]] + 1
            for node, (conditions, before) in reached.items():
                self.steps[node], self.conditions[node], self.before[node] = depth, conditions, before
            self._frontier = sorted(reached)
            if reached:
                yield self._frontier


class _Rows(NamedTuple):
    """Compressed rows: the edges of a node are those from its offset up to that of the next node."""

    offsets: Numbers
    ends: NDArray[np.int32]
    conditional: NDArray[np.bool_]

    def chosen(self, nodes: Numbers) -> tuple[Numbers, Numbers]:
        """The positions of all edges of these nodes, and the node of each."""
        import numpy as np

        first = self.offsets[nodes]
        numbers = self.offsets[nodes + 1] - first
        skipped = np.repeat(first - np.cumsum(numbers) + numbers, numbers)
        return skipped + np.arange(len(skipped)), np.repeat(nodes, numbers)

    def place(self, source: int, target: int) -> int:
        """The position of an edge; -1 if there is none."""
        import numpy as np

        first, end = int(self.offsets[source]), int(self.offsets[source + 1])
        place = first + int(np.searchsorted(self.ends[first:end], target))
        return place if place < end and self.ends[place] == target else -1


class Arrays:
    """Edges as compressed rows in both directions: 10 bytes an edge.

    ``gone`` and ``cut``: nodes and edges that are left out.
    """

    def __init__(
        self, onward: _Rows, back: _Rows, gone: frozenset[int] = frozenset(), cut: frozenset[Pair] = frozenset()
    ) -> None:
        self._onward, self._back = onward, back
        self._gone, self._cut = gone, cut

    @classmethod
    def of(cls, size: int, sources: Sequence[int], targets: Sequence[int], conditional: Sequence[int]) -> Arrays:
        """See :func:`adjacency`."""
        import numpy as np

        one, other = np.asarray(sources, dtype=np.int64), np.asarray(targets, dtype=np.int64)
        uncertain = np.asarray(conditional, dtype=np.int64)
        apart = one != other
        one, other, uncertain = one[apart], other[apart], uncertain[apart]
        return cls(_rows(size, one, other, uncertain), _rows(size, other, one, uncertain))

    @property
    def size(self) -> int:
        """See :class:`Adjacency`."""
        return len(self._onward.offsets) - 1

    @property
    def edges(self) -> int:
        """See :class:`Adjacency`."""
        return len(self._onward.ends)

    def ahead(self, node: int, *, back: bool = False) -> list[int]:
        """See :class:`Adjacency`."""
        rows, gone, cut = self._back if back else self._onward, self._gone, self._cut
        found: list[int] = rows.ends[rows.offsets[node] : rows.offsets[node + 1]].tolist()
        if not gone and not cut:
            return found
        pairs = ((other, node) if back else (node, other) for other in found)
        return [other for other, pair in zip(found, pairs, strict=True) if gone.isdisjoint(pair) and pair not in cut]

    def is_conditional(self, source: int, target: int) -> bool:
        """See :class:`Adjacency`."""
        return bool(self._onward.conditional[self._onward.place(source, target)])

    def walk(self, starts: Collection[int], *, back: bool = False) -> Walk:
        """See :class:`Adjacency`."""
        cut = [(target, source) for source, target in self._cut] if back else self._cut
        return _ArrayWalk(self._back if back else self._onward, starts, self._gone, cut)

    def without(self, nodes: Collection[int], edges: Collection[Pair]) -> Arrays:
        """See :class:`Adjacency`."""
        return Arrays(self._onward, self._back, self._gone.union(nodes), self._cut.union(edges))


def _rows(size: int, nodes: Numbers, ends: Numbers, conditional: Numbers) -> _Rows:
    """The edges sorted by node, then end; of several between two, the first is the unconditional one."""
    import numpy as np

    coded = nodes * size
    coded += ends
    coded <<= 1
    coded |= conditional
    coded.sort()
    edges = coded >> 1
    first = np.ones(len(edges), dtype=bool)
    np.not_equal(edges[1:], edges[:-1], out=first[1:])
    edges = edges[first]
    offsets = np.searchsorted(edges, np.arange(size + 1, dtype=np.int64) * size)
    edges -= np.repeat(np.arange(size, dtype=np.int64) * size, np.diff(offsets))
    return _Rows(offsets, edges.astype(np.int32), (coded[first] & 1).astype(bool))


class _ArrayWalk:
    def __init__(self, rows: _Rows, starts: Collection[int], gone: Collection[int], cut: Collection[Pair]) -> None:
        import numpy as np

        size = len(rows.offsets) - 1
        self._rows = rows
        self._frontier = np.array(sorted(set(starts).difference(gone)), dtype=np.int64)
        self._steps = np.full(size, -1, dtype=np.int32)
        self._conditions = np.zeros(size, dtype=np.int32)
        self._before = np.full(size, -1, dtype=np.int32)
        self._new = np.ones(size, dtype=bool)
        self._steps[self._frontier] = 0
        self._new[self._frontier] = False
        self._new[list(gone)] = False
        self._cut = [place for edge in cut if (place := rows.place(*edge)) >= 0]

    @property
    def steps(self) -> Sequence[int]:
        return cast("Sequence[int]", self._steps)

    @property
    def conditions(self) -> Sequence[int]:
        return cast("Sequence[int]", self._conditions)

    @property
    def before(self) -> Sequence[int]:
        return cast("Sequence[int]", self._before)

    def levels(self) -> Iterator[Sequence[int]]:
        depth = 0
        while len(self._frontier):
            depth += 1
            self._frontier = self._next(depth)
            if len(self._frontier):
                level: list[int] = self._frontier.tolist()
                yield level

    def _next(self, depth: int) -> Numbers:
        import numpy as np

        edges, nodes = self._rows.chosen(self._frontier)
        is_new = self._new[self._rows.ends[edges]]
        if self._cut:
            is_new &= ~np.isin(edges, self._cut)
        edges, nodes = edges[is_new], nodes[is_new]
        ends = self._rows.ends[edges]
        conditions = self._conditions[nodes] + self._rows.conditional[edges]
        # Where an index repeats, the last value stays: that with the fewest conditions, then from the smallest node.
        for number in np.flatnonzero(np.bincount(conditions))[::-1]:
            some = np.flatnonzero(conditions == number)[::-1]
            self._before[ends[some]] = nodes[some]
            self._conditions[ends[some]] = number
        self._steps[ends] = depth
        self._new[ends] = False
        if len(ends) * _SPARSE > len(self._steps):
            return np.flatnonzero(self._steps == depth)
        return np.unique(ends).astype(np.int64)


_SPARSE = 20
"""With more edges in a level than one per this many nodes, nodes are found in an array of all, otherwise by sorting.
"""
