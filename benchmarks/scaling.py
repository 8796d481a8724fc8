"""How time and memory of a scan grow: four Dask processes over PostgreSQL, at an eighth, a quarter, half and all of it.

``python -m benchmarks scaling [IDENTITIES]`` (a hundredth of ten million unless said otherwise) scans an estate of so
many in 40 lists, with a tenth as many registry entries, into an empty store each time, and prints tables in Markdown.
One process judges and saves, so that the stages add up on any machine. What the smallest estate costs counts as what a
scan of any size costs: it is set aside before the exponent is fitted.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import linear_regression

from msgspec import Struct

from benchmarks.linked_estate import SOURCES, write
from benchmarks.measure import descendants, proportional_memory, used_cpu
from scanner.store.store import open_store
from tests.servers.postgres import Postgres, missing

COUNT = 100_000
TARGET = 10_000_000
SHARES = (8, 4, 2, 1)
SMALLEST = 50 * SOURCES
SAMPLED_EVERY = 0.1
WALL = "wall clock, s"
STAGES = {
    "reading": "reading, by four processes, fetching and joining included",
    "fetching": "fetching what they stored",
    "joining": "joining the inventory",
    "judging": "judging, all of the following included",
    "matching": "matching (ambiguity)",
    "look-alikes": "look-alikes",
    "suggestions": "suggestions (rarity of words)",
    "links": "links (graph)",
    "paths": "paths to privileges (graph)",
    "reach": "reach (graph)",
    "owners": "owners",
    "rules": "rules",
    "saving": "saving",
}
"""The stages in the scan's log, and what the table calls them."""
_TOOK = re.compile(r"(?P<stage>.+) took (?P<wall>[\d.]+) s \((?P<cpu>[\d.]+) s of CPU\)")


class Stage(Struct, frozen=True):
    """A stage of a scan: its CPU seconds, and the memory of all processes at its begin and at its highest, in MiB."""

    cpu: float
    before: float
    peak: float


class Sample(Struct, frozen=True):
    """When it was taken, in seconds since the epoch, and the memory of all processes in MiB."""

    time: float
    memory: float


class Scan(Struct, frozen=True, kw_only=True):
    """What a scan cost: numbers by what they are, and its stages by name."""

    identities: int
    whole: Mapping[str, float]
    stages: Mapping[str, Stage]


def main() -> None:
    """Scan the estates, the smallest first, and print the tables."""
    if lacking := missing():
        print(f"left out: {lacking}")
        return
    count = int(next(iter(sys.argv[1:]), COUNT))
    with Postgres() as server:
        scans = [measured(size, server.store_url()) for size in (SMALLEST, *(count // share for share in SHARES))]
    print("\n".join(tables(scans)))


def measured(count: int, store: str) -> Scan:
    """Scan an estate of so many identities into the store. The only other processes of this one are the database's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, count, store)
        served, began = used_cpu(descendants(os.getpid())), time.perf_counter()
        samples, own = _scanned(folder)
        wall, served = time.perf_counter() - began, used_cpu(descendants(os.getpid())) - served
        with open_store(store) as opened:
            size = opened.status().bytes / 1e6
        stages = stages_in((folder / "log").read_text(encoding="utf-8").splitlines(), samples)
    whole = {
        WALL: wall,
        "CPU of the scan, s": own,
        "CPU of PostgreSQL, s": served,
        "memory while reading, MiB": stages["reading"].peak,
        "memory while judging and saving, MiB": max(stages["judging"].peak, stages["saving"].peak),
        "store, MB": size,
    }
    return Scan(identities=count, whole=whole, stages=stages)


def _scanned(folder: Path) -> tuple[Sequence[Sample], float]:
    """Scan, and log into the folder. Returns samples of the memory, and CPU seconds of all its processes."""
    samples = []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-m", "scanner", "-v", "--log-format", "json", "scan", "--quiet"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            samples.append(Sample(time.time(), proportional_memory(process.pid)))
            time.sleep(SAMPLED_EVERY)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((folder / "log").read_text(encoding="utf-8")[-2000:])
    return samples, usage.ru_utime + usage.ru_stime


def stages_in(log: Iterable[str], samples: Sequence[Sample]) -> Mapping[str, Stage]:
    """The stages in a log of JSON lines, by name. Other lines, of Dask's processes, go to stderr."""
    found = {}
    for line in log:
        if not line.startswith("{"):
            print(line, file=sys.stderr)
            continue
        record = json.loads(line)
        if took := _TOOK.fullmatch(record["message"]):
            end = datetime.fromisoformat(record["time"]).timestamp()
            begin = end - float(took["wall"])
            before = [sample.memory for sample in samples if sample.time <= begin][-1:] or [0.0]
            during = [sample.memory for sample in samples if begin < sample.time <= end]
            found[took["stage"]] = Stage(cpu=float(took["cpu"]), before=before[0], peak=max(during, default=before[0]))
    return found


# --- The tables ---


def tables(scans: Sequence[Scan]) -> Iterator[str]:
    """Two tables in Markdown, of the whole and of the stages. The first scan is the smallest, set aside."""
    smallest, *others = scans
    largest = others[-1]
    sizes = [scan.identities for scan in scans]
    heads = [*(f"{size:,}" for size in sizes[1:]), "exponent", f"{TARGET:,}"]
    yield from _head("", *heads)
    for name in largest.whole:
        yield _row(name, sizes, [scan.whole[name] for scan in scans])
    yield ""
    yield from _head("CPU, s", *heads, f"memory at {largest.identities:,}, MiB")
    for name, title in STAGES.items():
        stage = largest.stages[name]
        row = _row(title, sizes, [scan.stages[name].cpu for scan in scans])
        yield f"{row} +{max(stage.peak - stage.before, 0):,.0f} |"
    aside = "; ".join(f"{name}: {_number(value)}" for name, value in smallest.whole.items())
    yield f"\nSet aside, {smallest.identities:,} identities: {aside}."


def _head(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
    yield f"|---|{'---:|' * (len(cells) - 1)}"


def _row(title: str, sizes: Sequence[int], values: Sequence[float]) -> str:
    cells = [title, *map(_number, values[1:])]
    grown = [value - values[0] for value in values[1:]]
    # Other work on this machine decides how long a scan takes, and so nothing follows from that.
    if title == WALL or min(grown) < 0:
        return f"| {' | '.join(cells)} | | |"
    larger = [size - sizes[0] for size in sizes[1:]]
    exponent = slope(larger, grown)
    # A part that seems to grow more slowly than the estate does is taken to grow with it.
    there = values[0] + grown[-1] * ((TARGET - sizes[0]) / larger[-1]) ** max(exponent, 1.0)
    return f"| {' | '.join(cells)} | {exponent:.2f} | {_number(there)} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def slope(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The exponent by which values grow with sizes: the slope of their logarithms, by least squares."""
    # A stage that takes less than a hundredth of a second is logged as 0.
    return linear_regression([*map(math.log, sizes)], [math.log(max(value, 0.01)) for value in values]).slope


if __name__ == "__main__":
    main()
