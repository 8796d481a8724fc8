"""How the cost of a list grows with its rows, for lists of extreme shapes: all alike, all different, all broken.

``python -m benchmarks shapes [ROWS]`` lints and scans each shape with so many rows, and with four times as many, and
prints the CPU seconds and their ratio. A cost of n log n gives up to 4.6 at these sizes, a quadratic one 16; what any
run costs is measured with nearly empty lists and set aside.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import TypeAlias

from msgspec import Struct

COUNT = 4_000
FACTOR = 4
MOST = 6.0
"""The highest ratio that is no sign of quadratic cost, with the noise of a busy machine."""
LIMIT = 300
"""Seconds after which a run counts as without end."""

Rows: TypeAlias = Iterable[Sequence[str]]


class Lists(Struct, frozen=True):
    """Rows of a list of identities, of a registry and of a roster."""

    bots: Rows
    registry: Rows
    people: Rows = (("ada@acme.example", "Ada Lovelace", "active", "", ""),)


BOTS = ("provider", "scope", "name", "id", "owner")
REGISTRY = ("id", "identities", "owner", "expires", "provider", "scope")
PEOPLE = ("email", "name", "status", "manager", "team")
_ADA = "ada@acme.example"


def _bots(count: int, name: str = "svc-{}", scope: str = "prod") -> Rows:
    return (("aws", scope.format(n), name.format(n), f"key-{n}", "") for n in range(count))


def _entries(count: int, identity: str = "svc-{}", owner: str = _ADA, **cells: str) -> Rows:
    own_id, expires, scope = (
        cells.get(name, default) for name, default in (("id", "E{}"), ("expires", ""), ("scope", ""))
    )
    return (
        (own_id.format(n), identity.format(n), owner.format(n), expires, "aws" if scope else "", scope.format(n))
        for n in range(count)
    )


def _people(count: int, name: str = "P{n} Q", status: str = "active", manager: str = "", team: str = "") -> Rows:
    numbers = ({"n": n, "next": n + 1} for n in range(count))
    return ((f"p{at['n']}@acme.example", name.format(**at), status, manager.format(**at), team) for at in numbers)


def _alike(count: int) -> Rows:
    """Names of the same look: l, 1 and I."""
    names = ("svc-" + "".join("l1I"[n // 3**place % 3] for place in range(10)) for n in range(count))
    return ((f"E{n}", name, _ADA, "", "", "") for n, name in enumerate(names))


SHAPES: dict[str, Callable[[int], Lists]] = {
    "all different": lambda n: Lists(_bots(n), _entries(n)),
    "one name in all scopes": lambda n: Lists(_bots(n, "svc", "s{}"), _entries(n, "svc", scope="s{}")),
    "one name, all alike": lambda n: Lists(_bots(n, "svc", "s{}"), _entries(n, "svc")),
    "one pattern, all alike": lambda n: Lists(_bots(n), _entries(n, "svc-*")),
    "a pattern for each": lambda n: Lists(_bots(n), _entries(n, "svc-*{}")),
    "no identity declared": lambda n: Lists(_bots(n, "svc-pay-{}"), _entries(n, "svc-pays-{}")),
    "names that look alike": lambda n: Lists(_bots(n), _alike(n)),
    "several in each cell": lambda n: Lists(_bots(n), _entries(n, "svc-{0}, gone-{0}")),
    "one long cell": lambda n: Lists(
        (("aws", "prod", "x" * 1000 * n, "key", ""), *_bots(10)),
        (("E", "x" * 1000 * n, _ADA, "", "", ""), *_entries(9)),
    ),
    "every date broken": lambda n: Lists(_bots(n), _entries(n, expires="soon")),
    "all people of one name": lambda n: Lists(
        _bots(n), _entries(n, owner="Ada Lovelace {}"), _people(n, "Ada Lovelace")
    ),
    "one team, one manager": lambda n: Lists(
        _bots(n),
        _entries(n, owner="Team Payments ({})"),
        _people(n, manager="p0@acme.example", team="Payments"),
    ),
    "a chain of leavers": lambda n: Lists(
        _bots(n),
        _entries(n, owner="p{}@acme.example"),
        _people(n, status="left", manager="p{next}@acme.example"),
    ),
}  # fmt: skip
ONLY_LINT: dict[str, Callable[[int], Lists]] = {
    "one id repeated": lambda n: Lists(_bots(1), _entries(n, id="E1")),
}
"""Shapes that a scan refuses."""


class Growth(Struct, frozen=True):
    """The CPU seconds of one command over a shape, at both sizes; infinite for a run that did not end."""

    shape: str
    command: str
    small: float
    large: float

    @property
    def ratio(self) -> float:
        return self.large / self.small


def measure(folder: Path, count: int) -> Iterable[Growth]:
    """Yield the growth of each shape and command."""
    for shape, lists in {**SHAPES, **ONLY_LINT}.items():
        for command in ("lint",) if shape in ONLY_LINT else ("lint", "scan"):
            nothing = _cost(folder, Lists(_bots(1), _entries(1)), command)
            small, large = (_cost(folder, lists(size), command) - nothing for size in (count, FACTOR * count))
            yield Growth(shape, command, max(small, 0.1), max(large, 0.1))


def _cost(folder: Path, lists: Lists, command: str) -> float:
    for name, head, rows in (
        ("bots", BOTS, lists.bots),
        ("registry", REGISTRY, lists.registry),
        ("people", PEOPLE, lists.people),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(head)
            writer.writerows(rows)
    (folder / "config.toml").write_text(
        '[[source]]\ntype = "file"\nname = "bots"\npath = "bots.csv"\n'
        '[[registry]]\npath = "registry.csv"\n[[people]]\npath = "people.csv"\n'
    )
    (folder / "muster.db").unlink(missing_ok=True)
    arguments = {"lint": ("registry", "lint", "-o", "json:lint.json"), "scan": ("scan", "--quiet")}[command]
    before = getrusage(RUSAGE_CHILDREN)
    try:
        subprocess.run(
            [sys.executable, "-m", "scanner", *arguments, "--config", "config.toml"],
            cwd=folder, capture_output=True, timeout=LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return float("inf")
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: Sequence[str]) -> int:
    """Print a line for each shape and command. Returns 1 if one grows faster than n log n."""
    count = int(arguments[0]) if arguments else COUNT
    print(f"CPU seconds, {count:,} rows and {FACTOR * count:,}; at most {MOST} times as much")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for growth in measure(Path(folder), count):
            worst = max(worst, growth.ratio)
            verdict = "" if growth.ratio <= MOST else "   TOO MUCH"
            print(
                f"{growth.shape:<24} {growth.command}  {growth.small:7.1f} {growth.large:7.1f}  {growth.ratio:5.1f} x"
                + verdict,
                flush=True,
            )
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
