"""What each node of a graph reaches, for all nodes at once: exact up to a limit of work. Pure.

Reachability of every node is quadratic in general, but rarely in practice: an identity reaches its own scope and a few
that many share. Nodes that reach each other are merged. Of the rest, some thousand at a time are counted as bits: every
node that leads to any of them unites the bits of its successors. That is cheap where few nodes lead there, and is done
once for all where many do. Beyond a given number of steps the rest is not counted: the sums of nodes that lead there
are lower bounds, and marked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

MOST_STEPS = 20_000_000
"""Edges followed, over all rounds: four for each edge of a million identities with five each."""
BITS = 4_096
"""Nodes counted per round. More need fewer rounds, but more memory: one bit for each node that leads there."""


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
        self._group = [0] * size
        self._own: list[list[int]] = [[] for _ in weights]
        self._marks: list[int] = []
        self._same: dict[int, int] = {}
        self._onward: list[Sequence[int]] = []
        for members in components(size, targets):
            self._add(members, targets, weights, marks)
        self._back: list[list[int]] = [[] for _ in self._onward]
        for group, onward in enumerate(self._onward):
            for ahead in onward:
                self._back[ahead].append(group)
        self._sums = [list(own) for own in self._own]
        self._inexact: Collection[int] = self._count(most_steps)

    def sums(self, node: int) -> tuple[int, ...]:
        """Return the sums of the weights, in their order."""
        group = self._group[node]
        return tuple(sums[group] for sums in self._sums)

    def marks(self, node: int) -> int:
        """Return the united bits, which are always exact."""
        return self._marks[self._group[node]]

    def is_exact(self, node: int) -> bool:
        """Return whether the sums are exact; otherwise they are lower bounds."""
        return self._group[node] not in self._inexact

    def _add(
        self,
        members: Sequence[int],
        targets: Mapping[int, Sequence[int]],
        weights: Sequence[Sequence[int]],
        marks: Sequence[int],
    ) -> None:
        """Add a group of nodes that reach each other. All that they lead to was added before."""
        place = len(self._onward)
        group, united = self._group, 0
        onward: set[int] = set()
        for node in members:
            group[node] = place
        for node in members:
            united |= marks[node]
            if node in targets:
                onward.update([group[target] for target in targets[node]])
        onward.discard(place)
        for ahead in onward:
            united |= self._marks[ahead]
        self._marks.append(self._same.setdefault(united, united) if onward else united)
        self._onward.append(tuple(onward))
        for own, weight in zip(self._own, weights, strict=True):
            own.append(weight[members[0]] if len(members) == 1 else sum([weight[node] for node in members]))

    def _count(self, most_steps: int) -> Collection[int]:
        """Count all groups with a predecessor. Returns the groups whose count is incomplete."""
        counted = [group for group, back in enumerate(self._back) if back]
        for start in range(0, len(counted), BITS):
            block = counted[start : start + BITS]
            leading = self._leading_to(block)
            most_steps -= sum(len(self._onward[group]) for group in leading)
            if most_steps < 0:
                return self._leading_to({back for group in counted[start:] for back in self._back[group]})
            self._count_block(block, sorted(leading))
        return frozenset()

    def _leading_to(self, groups: Collection[int]) -> set[int]:
        """Return the groups, and all that lead to any of them."""
        found, todo = set(groups), list(groups)
        while todo:
            new = [back for back in self._back[todo.pop()] if back not in found]
            found.update(new)
            todo += new
        return found

    def _count_block(self, block: Sequence[int], leading: Sequence[int]) -> None:
        """Add the weights of the block to the sums of the groups that lead to it, the nearest first."""
        own = {group: 1 << place for place, group in enumerate(block)}
        planes = [list(_planes([weight[group] for group in block])) for weight in self._own]
        reached: dict[int, int] = {}
        for group in leading:
            bits = 0
            for ahead in self._onward[group]:
                bits |= reached.get(ahead, 0)
            if bits:
                for sums, weighed in zip(self._sums, planes, strict=True):
                    for shift, plane in weighed:
                        sums[group] += (bits & plane).bit_count() << shift
            reached[group] = bits | own.get(group, 0)


def _planes(weights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each binary digit of the weights that is not 0 in all of them, as a number with one bit for each weight."""
    for shift in range(max(weights).bit_length()):
        plane = 0
        for place, weight in enumerate(weights):
            plane |= (weight >> shift & 1) << place
        if plane:
            yield shift, plane


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
