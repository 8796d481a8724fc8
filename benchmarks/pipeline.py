"""The whole of a scan, from a list of identities to the store and a CSV, in one process and in several.

``python -m benchmarks pipeline [COUNT] [csv]`` scans so many twice, from NDJSON or CSV, with 1 % changed between. The
baselines are a tenth of it, because cost must grow as the estate does, and one process (goals: 0.62 × of its time with
two; a second night with two 0.55 × of its first). Memory of several: pages that they share count once.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from benchmarks.estate import entries, identities, people
from benchmarks.measure import Cost, run

COUNT = 100_000
CHANGED_EVERY = 100
_CONFIG = """
[engine]
processes = {processes}

[[source]]
name = "estate"
type = "file"
path = "estate.{ending}"

[[registry]]
path = "registry.csv"

[[people]]
path = "people.csv"
"""


class Scans(Struct, frozen=True):
    """Two scans of one estate, and how many megabytes the store had after each."""

    first: Cost
    second: Cost
    stored: tuple[float, float]


def main() -> None:
    """Scan a tenth, then all of it, each twice; then all of it with more processes."""
    arguments = sys.argv[1:]
    count = int(next(iter(arguments), COUNT))
    ending = "csv" if "csv" in arguments else "ndjson"
    small, large = (_scanned(size, ending) for size in (count // 10, count))
    growth = large.first.wall / small.first.wall
    again, work = large.second.wall / large.first.wall, large.second.cpu / large.first.cpu
    print(
        f"{count:,} identities from {ending}: {large.first.wall:.1f} s ({large.first.cpu:.1f} s CPU), "
        f"{large.first.peak:,.0f} MiB; {growth:.1f} × the time of a tenth"
    )
    print(
        f"1 % changed: {large.second.wall:.1f} s ({again:.2f} ×; {large.second.cpu:.1f} s CPU, {work:.2f} ×), "
        f"{large.second.peak:,.0f} MiB; the store: {large.stored[0]:,.0f} MB, "
        f"{large.stored[1] / large.stored[0] - 1:+.1%}"
    )
    for processes in sorted({2, os.cpu_count() or 2}):
        shared = _scanned(count, ending, processes)
        print(
            f"{processes} processes: {shared.first.wall:.1f} s ({shared.first.wall / large.first.wall:.2f} ×; "
            f"{shared.first.cpu:.1f} s CPU), {shared.first.together:,.0f} MiB together; 1 % changed: "
            f"{shared.second.wall:.1f} s ({shared.second.wall / large.first.wall:.2f} × of the first night of one)"
        )


def _scanned(count: int, ending: str, processes: int = 1) -> Scans:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_lists(folder, count)
        (folder / "config.toml").write_text(_CONFIG.format(ending=ending, processes=processes), encoding="utf-8")
        costs, sizes = [], []
        for changed in (False, True):
            _write_estate(folder / f"estate.{ending}", count, changed=changed)
            command = [sys.executable, "-m", "scanner", "scan", "--quiet", "-o", f"csv:{folder / 'orphans.csv'}"]
            environment = {"PYTHONPATH": str(Path(__file__).parent.parent)}
            costs.append(run(command, cwd=name, environment=environment, with_children=processes > 1))
            sizes.append(sum(one.stat().st_size for one in folder.glob("muster.db*")) / 1e6)
    return Scans(costs[0], costs[1], (sizes[0], sizes[1]))


def _write_lists(folder: Path, count: int) -> None:
    with (folder / "registry.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("id", "identities", "owner"))
        rows.writerows((one.id, *one.identities, *one.owner) for one in entries(count // 10, count // 100))
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("email", "status"))
        rows.writerows((one.email, "left" if number % 10 == 0 else "active") for number, one in enumerate(people()))


def _write_estate(path: Path, count: int, *, changed: bool) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = _rows(count, changed=changed)
        if path.suffix == ".ndjson":
            out.writelines(f"{json.dumps(row)}\n" for row in rows)
            return
        first = next(rows)
        table = csv.DictWriter(out, list(first))
        table.writeheader()
        table.writerow(first)
        table.writerows(rows)


def _rows(count: int, *, changed: bool) -> Iterator[Mapping[str, str]]:
    for number, one in enumerate(identities(count)):
        assert one.created_at is not None
        assert one.last_used_at is not None
        yield {
            "key": one.key,
            "provider": one.provider,
            "scope": one.scope,
            "kind": one.kind,
            "name": one.name,
            "description": "changed" if changed and number % CHANGED_EVERY == 0 else "",
            "enabled": "true",
            "created_at": one.created_at.isoformat(),
            "last_used_at": one.last_used_at.isoformat(),
            "tags": "team=payments; stage=prod" if number % 2 else "",
        }


if __name__ == "__main__":
    main()
