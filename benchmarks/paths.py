"""Attack paths over a stored scan: loading, reach, shortest and simple paths, choke points, and the fewest cuts.

python -m benchmarks paths [IDENTITIES]       1,000,000 by default, with five edges each, in an SQLite file

Two shapes: *accounts* of 500 identities with a few trusts across accounts, and *random* edges. Beside it, networkx over
a small estate of the same shape.
"""

from __future__ import annotations

import gc
import random
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import networkx as nx
from msgspec.structs import replace

from benchmarks.blast_radius import IDENTITIES, PER_ACCOUNT, SHARED, estate
from scanner.access.attack_paths import AttackGraph, graph_of, steps_of
from scanner.access.chokes import chokes, fewest_cuts
from scanner.model import Assessment, Privilege, ScanResult, Trust
from scanner.store.store import open_store

SHAPES = ("accounts", "random")
SMALL = 20_000
ADMINS = 20
ENTRANCES = 1_000
"""One of so many identities lets in a vendor."""
EVIDENCE = "its trust policy names {source}, and {source} may call sts:AssumeRole on it (policy deploy-{number})"
T = TypeVar("T")


def main(arguments: list[str]) -> None:
    """Print some lines for each shape."""
    size = int(arguments[0]) if arguments else IDENTITIES
    for shape in SHAPES:
        with TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'muster.db'}"
            with open_store(url) as store:
                store.save(trusted(size, shape))
            gc.collect()
            measured(shape, size, url)
        compared(shape)


def measured(shape: str, size: int, url: str) -> None:
    """Wall and CPU seconds of each question, and memory."""
    with open_store(url, create=False) as store:
        graph = timed(f"{shape}: loaded {size:,} identities", store.attack_graph)
        print(f"  {graph.edges.edges:,} edges; {resident():.0f} MiB resident")
        middle = graph.keys[size // 2]
        some = frozenset(random.Random(3).sample(sorted(graph.entrances), min(200, len(graph.entrances))))
        path = timed(
            "shortest path from outside to an admin", lambda: next(graph.nearest(graph.entrances, graph.admins))
        )
        timed("all that one identity reaches", lambda: count(graph.reached((middle,))))
        timed("all that reach an admin", lambda: count(graph.reached(graph.admins, back=True)))
        timed("20 nearest of these, with evidence", lambda: first(graph.nearest(graph.keys, graph.admins)))
        avoided = graph.without(path.keys[1:-1], [(path.keys[0], path.keys[1])])
        timed("the same without an identity and an edge", lambda: first(avoided.nearest(graph.entrances, graph.admins)))
        timed("20 simple paths", lambda: len(graph.simple(middle, graph.admins, 20).paths))
        timed("choke points", lambda: len(chokes(graph, graph.admins).chokes))
        timed(f"the fewest cuts from {len(some)}", lambda: len(fewest_cuts(graph, some, graph.admins).steps))
    print(f"  peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def compared(shape: str) -> None:
    """How many times as long networkx takes. Raises AssertionError if a number differs."""
    result = trusted(SMALL, shape)
    graph = graph_of(steps_of(result), frozenset(one.identity.key for one in result.identities if is_admin(one)))
    rival: nx.DiGraph[str] = graph.digraph()
    back = rival.reverse(copy=False)
    ours, reached = clocked(lambda: count(graph.reached(graph.admins, back=True)))
    theirs, known = clocked(lambda: len(nx.multi_source_dijkstra_path_length(back, graph.admins, weight=None)))
    assert reached == known - len(graph.admins)
    mine, found = clocked(lambda: len(chokes(graph, graph.admins).chokes))
    rivals, dominated = clocked(lambda: dominating(back, graph))
    assert found == dominated
    took = f"{theirs / ours:.1f} × for reach, {rivals / mine:.1f} × for choke points"
    print(f"  of {SMALL:,} identities networkx takes {took}", flush=True)


def dominating(back: nx.DiGraph[str], graph: AttackGraph) -> int:
    """How many identities others need, by networkx."""
    rooted = nx.DiGraph(edge for edge in back.edges if edge[1] not in graph.admins)
    rooted.add_edges_from(("", admin) for admin in graph.admins)
    return len(set(nx.immediate_dominators(rooted, "").values()) - {"", None})


def trusted(size: int, shape: str) -> ScanResult:
    """An estate with evidence, admins, and identities that let in a vendor."""
    result = estate(size, shape)
    chosen = random.Random(5)
    last_shared = range(PER_ACCOUNT - 1, SHARED * PER_ACCOUNT, PER_ACCOUNT)
    admins = frozenset(last_shared if shape == "accounts" else chosen.sample(range(size), ADMINS))
    vendor = (
        Trust(principal="arn:aws:iam::999999999999:root", kind="account", external=True, evidence="no condition"),
    )

    def fitted(number: int, one: Assessment) -> Assessment:
        key = one.identity.key
        links = tuple(
            replace(link, evidence=EVIDENCE.format(source=key, number=place))
            for place, link in enumerate(one.identity.links)
        )
        trusts = vendor if number % ENTRANCES == 1 else ()
        level = Privilege(level="admin") if number in admins else one.privilege
        return replace(
            one, identity=replace(one.identity, links=links, trusts=trusts, privilege=level), privilege=level
        )

    return replace(result, identities=tuple(fitted(*numbered) for numbered in enumerate(result.identities)))


def is_admin(one: Assessment) -> bool:
    """Whether it is a goal."""
    return one.privilege.level == "admin"


def timed(what: str, ask: Callable[[], T]) -> T:
    """The answer; prints how long it took."""
    started = time.perf_counter()
    cpu, answer = clocked(ask)
    said = f" ({answer:,})" if isinstance(answer, int) else ""
    print(f"  {what}{said}: {time.perf_counter() - started:.2f} s, CPU {cpu:.2f} s", flush=True)
    return answer


def clocked(ask: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds, and the answer."""
    started = time.process_time()
    answer = ask()
    return time.process_time() - started, answer


def count(every: Iterable[object]) -> int:
    """How many there are."""
    return sum(1 for _ in every)


def first(paths: Iterable[object], most: int = 20) -> int:
    """Takes the first ones; returns their number."""
    return count(one for one, _ in zip(paths, range(most), strict=False))


def resident() -> float:
    """Memory of this process now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024**2


if __name__ == "__main__":
    main(sys.argv[1:])
