"""What a panel shows of the attack graph: who can become its identity, and what that can become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from scanner.access.attack_paths import AttackGraph
from scanner.model import Link

_MOST = 100
"""Identities that a panel names in each direction."""


def around(graph: AttackGraph, key: str) -> Iterator[str]:
    """Keys on the shortest path to an admin, and the nearest that it can become and that can become it."""
    to_admin = next(graph.shortest(key, graph.admins), None)
    onward, back = graph.reached((key,)), graph.reached((key,), back=True)
    return chain(to_admin.keys if to_admin else (), islice(onward, _MOST), islice(back, _MOST))


def conditional(graph: AttackGraph, keys: Sequence[str]) -> dict[str, list[Link]]:
    """What these can become of each other under a condition, by key."""
    among = frozenset(keys)
    pairs = [
        (source, target)
        for source in keys
        for target in graph.neighbours(source)
        if target in among and graph.edges.is_conditional(graph.numbers[source], graph.numbers[target])
    ]
    found: dict[str, list[Link]] = {}
    for step in graph.steps(pairs):
        link = Link(relation=step.relation, target=step.target, evidence=step.evidence)
        found.setdefault(step.source, []).append(link)
    return found
