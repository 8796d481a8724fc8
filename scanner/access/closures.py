"""What each node of a graph reaches, for all nodes at once: counted exactly where the work for that is bounded. Pure.

Reachability of every node is quadratic in general. Most estates are far from that: many identities reach the same few
hubs. So components that reach each other are merged, and counted from the far end of the graph on. A component that
leads to one other reaches that one and what it reaches. One that leads to several keeps, beside the successor that
reaches most, only what that one lacks. Where joining these takes more than a given number of steps in all, the rest is
a lower bound, and marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

MOST_STEPS = 40_000_000
"""Steps of joining for the whole graph: some ten seconds in the worst case."""
_NONE = -1


class Closures:
    """Sums over all nodes that a node reaches, itself included. Each node is counted once.

    ``targets``: by node, what it leads to; nodes without targets are left out. ``weights``: by node, the numbers to sum
    up. ``marks``: by node, bits to unite.
    """

    def __init__(
        self,
        size: int,
        targets: Mapping[int, Sequence[int]],
        weights: Sequence[Sequence[int]],
        marks: Sequence[int],
        most_steps: int = MOST_STEPS,
    ) -> None:
        self._component = [_NONE] * size
        self._base: list[int] = []
        self._extra: list[frozenset[int]] = []
        self._open: list[bool] = []
        self._own: list[list[int]] = [[] for _ in weights]
        self._beyond: list[list[int]] = [[] for _ in weights]
        self._marks: list[int] = []
        self._items: list[int] = []
        self._steps = most_steps
        for members in components(size, targets):
            self._add(members, targets, weights, marks)

    def sums(self, node: int) -> tuple[int, ...]:
        """Return the sums of the weights, in their order."""
        place = self._component[node]
        return tuple(own[place] + beyond[place] for own, beyond in zip(self._own, self._beyond, strict=True))

    def marks(self, node: int) -> int:
        """Return the united bits, which are always exact."""
        return self._marks[self._component[node]]

    def is_exact(self, node: int) -> bool:
        """Return whether the sums are exact; otherwise they are lower bounds."""
        return not self._open[self._component[node]]

    def _add(
        self,
        members: Sequence[int],
        targets: Mapping[int, Sequence[int]],
        weights: Sequence[Sequence[int]],
        marks: Sequence[int],
    ) -> None:
        place = len(self._base)
        united = 0
        for node in members:
            self._component[node] = place
            united |= marks[node]
        for own, weight in zip(self._own, weights, strict=True):
            own.append(sum(weight[node] for node in members))
        after = {self._component[target] for node in members for target in targets.get(node, ())}
        after.discard(place)
        for one in after:
            united |= self._marks[one]
        self._marks.append(united)
        self._join(sorted(after))

    def _join(self, after: Sequence[int]) -> None:
        """Append what is beyond a component with these successors."""
        if not after:
            self._append(_NONE, frozenset(), is_open=False)
            return
        base = max(after, key=self._items.__getitem__)
        others = [one for one in after if one != base]
        if not others:
            self._append(base, frozenset((base,)), is_open=self._open[base])
            return
        self._steps -= sum(1 + self._items[one] for one in others)
        if self._steps < 0 or any(self._open[one] for one in after):
            self._append(base, frozenset((base,)), is_open=True)
            return
        extra = {base, *others}
        for one in others:
            extra.update(self._reached(one))
        self._append(base, frozenset(self._lacking(base, extra)), is_open=False)

    def _append(self, base: int, extra: frozenset[int], *, is_open: bool) -> None:
        self._base.append(base)
        self._extra.append(extra)
        self._open.append(is_open)
        self._items.append(len(extra) + (0 if base == _NONE else self._items[base]))
        for own, beyond in zip(self._own, self._beyond, strict=True):
            beyond.append(sum(own[one] for one in extra) + (0 if base == _NONE else beyond[base]))

    def _reached(self, place: int) -> Iterator[int]:
        """Yield the components beyond a component."""
        while place != _NONE:
            yield from self._extra[place]
            place = self._base[place]

    def _lacking(self, place: int, wanted: set[int]) -> set[int]:
        """Return those of the components that are not beyond a component."""
        while place != _NONE and wanted:
            known = self._extra[place]
            self._steps -= min(len(known), len(wanted)) + 1
            wanted = wanted - known
            place = self._base[place]
        return wanted


def components(size: int, targets: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
    """Yield the groups of nodes that all reach each other; a group comes after all that it leads to."""
    search = _Search(size, targets)
    for node in range(size):
        yield from search.groups_from(node)


class _Search:
    """Gabow's algorithm: one depth-first search, without recursion.

    ``_roots``: of the path that is being walked, the first node of each group as far as is known.
    """

    def __init__(self, size: int, targets: Mapping[int, Sequence[int]]) -> None:
        self._targets = targets
        self._number = [0] * size
        self._is_open = bytearray(size)
        self._count = 0
        self._opened: list[int] = []
        self._roots: list[int] = []

    def groups_from(self, start: int) -> Iterator[list[int]]:
        """Yield the groups that can be reached and have not been yielded before."""
        walk = [] if self._number[start] else [self._begin(start)]
        while walk:
            node, onward = walk[-1]
            ahead = self._ahead(onward)
            if ahead is not None:
                walk.append(self._begin(ahead))
                continue
            walk.pop()
            if self._roots[-1] == node:
                yield self._group(self._roots.pop())

    def _begin(self, node: int) -> tuple[int, Iterator[int]]:
        self._count += 1
        self._number[node] = self._count
        self._is_open[node] = 1
        self._opened.append(node)
        self._roots.append(node)
        return node, iter(self._targets.get(node, ()))

    def _ahead(self, onward: Iterator[int]) -> int | None:
        """Return the next new node; an edge back into the path unites the groups in between."""
        number, roots = self._number, self._roots
        for target in onward:
            if not number[target]:
                return target
            if self._is_open[target]:
                while number[roots[-1]] > number[target]:
                    roots.pop()
        return None

    def _group(self, root: int) -> list[int]:
        place = len(self._opened) - 1
        while self._opened[place] != root:
            place -= 1
        group = self._opened[place:]
        del self._opened[place:]
        for node in group:
            self._is_open[node] = 0
        return group
