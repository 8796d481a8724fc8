"""The blast radius of every identity at once, beside networkx, which walks from each one of a small estate.

python -m benchmarks blast_radius [IDENTITIES]       1,000,000 by default, with five edges each

Three shapes: *accounts* of 500 identities, each with an administrator and a few trusts across accounts; *random* edges,
most of them in one large cycle; *layers*, edges that lead only onward, the hardest case for exact counts.
"""

from __future__ import annotations

import gc
import random
import resource
import sys
import time
from collections.abc import Callable, Mapping

import networkx as nx

from scanner.access.blast_radius.counts import Radii
from scanner.access.blast_radius.walk import WholeScan, administered, blast_radius_of, targets_of
from scanner.model import (
    AgentVerdict,
    Assessment,
    Consequence,
    Identity,
    Link,
    NatureVerdict,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    ScanResult,
    UsageVerdict,
)
from tests.factories import make_result

IDENTITIES = 1_000_000
PER_IDENTITY = 5
PER_ACCOUNT = 500
SHARED = 10
"""Accounts with roles that others may assume."""
ACROSS = 0.02
"""The share of edges that lead into these."""
FLOOR = 2_000
"""Identities of the small estate that networkx walks from, one by one."""

Targets = Callable[[random.Random, int, int], int]


def main(arguments: list[str]) -> None:
    """Print a line for each shape."""
    size = int(arguments[0]) if arguments else IDENTITIES
    for name in SHAPES:
        print(f"{name}: {measured(name, size)}; of {FLOOR:,} identities networkx takes {ratio(name):.0f} ×", flush=True)
        gc.collect()


def measured(name: str, size: int) -> str:
    """CPU seconds for all numbers at once and for one walk with evidence, the share of exact counts, and memory."""
    result = estate(size, name)
    keys = [one.identity.key for one in result.identities]
    started = time.process_time()
    radii = Radii(result)
    inexact = sum(one.identities.at_least for key in keys if (one := radii.of(key)) is not None)
    all_at_once = time.process_time() - started
    blast_radius_of(WholeScan(result), keys[0])
    one_walk = time.process_time() - started - all_at_once
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return (
        f"{size:,} identities with {PER_IDENTITY} edges each: {all_at_once:.1f} s CPU, {1 - inexact / size:.1%} exact; "
        f"one walk with evidence {one_walk:.1f} s; peak {peak:.1f} GiB with the records"
    )


def ratio(name: str) -> float:
    """How many times as long networkx takes on a small estate. Raises AssertionError if a count is wrong."""
    small = estate(FLOOR, name)
    started = time.process_time()
    ours = counted(small)
    between = time.process_time()
    known = walked(small)
    ended = time.process_time()
    for key, (number, exact) in ours.items():
        assert number == known[key] if exact else number <= known[key], key
    return (ended - between) / (between - started)


def _in_accounts(chosen: random.Random, source: int, size: int) -> int:
    """Onward in its account, or one of few roles in one of the shared accounts, which trust no other."""
    first = source - source % PER_ACCOUNT
    if chosen.random() < ACROSS and first >= SHARED * PER_ACCOUNT:
        return chosen.randrange(0, SHARED * PER_ACCOUNT, PER_ACCOUNT // 10)
    return min(source + chosen.randrange(PER_ACCOUNT), first + PER_ACCOUNT - 1, size - 1)


SHAPES: Mapping[str, Targets] = {
    "accounts": _in_accounts,
    "random": lambda chosen, _, size: chosen.randrange(size),
    "layers": lambda chosen, source, size: chosen.randrange(source, size),
}


def estate(size: int, shape: str) -> ScanResult:
    """An estate of that shape; in accounts, the first identity of each administers it."""
    target, administers = SHAPES[shape], shape == "accounts"
    chosen = random.Random(7)
    normal = Privilege(level="normal")
    everything = (Consequence(kind="administer"),)
    nature, agent = NatureVerdict(verdict="non_human"), AgentVerdict()
    registry, ownership = RegistryVerdict(state="unchecked"), OwnershipVerdict(state="unchecked")
    usage = UsageVerdict(state="unknown", window_days=90, evidence="")
    keys = [f"arn:aws:iam::{number // PER_ACCOUNT:012}:role/role-{number:07}" for number in range(size)]
    assessments = tuple(
        Assessment(
            identity=Identity(
                key=key,
                provider="aws",
                source="prod",
                scope=f"{number // PER_ACCOUNT:012}",
                kind="role",
                name=f"role-{number:07}",
                privilege=normal,
                consequences=everything if administers and number % PER_ACCOUNT == 0 else (),
                links=tuple(
                    Link(relation="can_assume", target=keys[target(chosen, number, size)], evidence="")
                    for _ in range(PER_IDENTITY)
                ),
            ),
            nature=nature,
            agent=agent,
            registry=registry,
            ownership=ownership,
            usage=usage,
            privilege=normal,
        )
        for number, key in enumerate(keys)
    )
    return make_result(*assessments)


def counted(result: ScanResult) -> dict[str, tuple[int, bool]]:
    """By key: how many identities are within reach, and whether that is exact."""
    radii = Radii(result)
    found = ((one.identity.key, radii.of(one.identity.key)) for one in result.identities)
    return {key: (one.identities.number, not one.identities.at_least) for key, one in found if one is not None}


def walked(result: ScanResult) -> dict[str, int]:
    """The same by networkx, from each identity, with a node for each scope that someone administers."""
    graph = nx.DiGraph()
    for one in result.identities:
        graph.add_node(one.identity.key)
        graph.add_edges_from((one.identity.key, target) for target in targets_of(one.identity))
        graph.add_edges_from((one.identity.key, place) for place in administered(one.identity))
        graph.add_edge((one.identity.provider, one.identity.scope), one.identity.key)
    keys = {one.identity.key for one in result.identities}
    return {key: len((nx.descendants(graph, key) & keys) - {key}) for key in keys}


if __name__ == "__main__":
    main(sys.argv[1:])
