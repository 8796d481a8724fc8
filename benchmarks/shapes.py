"""How the cost of what is read grows with its size, for extreme shapes: all alike, all different, all broken.

``python -m benchmarks shapes [ROWS]`` reads each shape with so many rows, with twice and with four times as many, and
prints the CPU seconds, the ratio of the last to the first, and its exponent. A cost of n log n gives up to 4.6 and 1.1
at these sizes, a quadratic one 16 and 2; what any run costs is measured with nearly empty lists and set aside. Lists
are linted and scanned; logs, plans and exported answers are in ``benchmarks/shapes_read.py``.
"""

from __future__ import annotations

import csv
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import TypeAlias

import msgspec
from msgspec import Struct
from xlsxwriter import Workbook

from benchmarks.shapes_read import READ

COUNT = 4_000
SIZES = (1, 2, 4)
"""As many times that number of rows."""
MOST = 6.0
"""The highest ratio that is no sign of quadratic cost, with the noise of a busy machine."""
LIMIT = 300
"""Seconds after which a run counts as without end."""

Rows: TypeAlias = Iterable[Sequence[str]]


class Lists(Struct, frozen=True):
    """Rows of a list of identities, of a registry and of a roster.

    ``suffix``: of the first two files. ``only``: the position of the only column that each of them has. ``before``:
    what stands before each of their rows. ``more``: attributes in the first row of a list in NDJSON.
    """

    bots: Rows
    registry: Rows
    people: Rows = (("ada@acme.example", "Ada Lovelace", "active", "", ""),)
    suffix: str = "csv"
    only: tuple[int, int] | None = None
    before: str = ""
    more: int = 0


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
    "one column": lambda n: Lists(_bots(n), _entries(n), only=(2, 1)),
    "every row broken": lambda n: Lists(_bots(n), _entries(n), before='"a"b,'),
    "all rows the same": lambda n: Lists((("aws", "prod", "svc", "key", "") for _ in range(n)), _entries(1)),
    "one long line": lambda n: Lists(_bots(2), _entries(2), suffix="ndjson", more=10 * n),
    "JSON": lambda n: Lists(_bots(n), _entries(n), suffix="json"),
    "NDJSON": lambda n: Lists(_bots(n), _entries(n), suffix="ndjson"),
    "YAML": lambda n: Lists(_bots(n), _entries(n), suffix="yaml"),
    "XLSX": lambda n: Lists(_bots(n), _entries(n), suffix="xlsx"),
    "a person for each": lambda n: Lists(_bots(n), _entries(n, owner="p{}@acme.example"), _people(n)),
    "people who left": lambda n: Lists(_bots(n), _entries(n, owner="p{}@acme.example"), _people(n, status="left")),
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
    """The CPU seconds of one command over a shape, at each size; infinite for a run that did not end."""

    shape: str
    command: str
    seconds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return self.seconds[-1] / self.seconds[0]

    @property
    def exponent(self) -> float:
        """The power of the size that gives this ratio."""
        return math.log(self.ratio, SIZES[-1])


def measure(folder: Path, count: int) -> Iterable[Growth]:
    """Yield the growth of each shape and command."""
    lint, scan = ("registry", "lint", "-o", "json:lint.json"), ("scan", "--quiet")
    for shape, lists in {**SHAPES, **ONLY_LINT}.items():
        for command in (lint,) if shape in ONLY_LINT else (lint, scan):
            _write(folder, Lists(_bots(1), _entries(1)))
            nothing = _cost(folder, command)
            seconds = []
            for factor in SIZES:
                _write(folder, lists(factor * count))
                seconds.append(max(_cost(folder, command) - nothing, 0.1))
            yield Growth(shape, command[0], tuple(seconds))
    for shape, write in READ.items():
        nothing = _cost(folder, write(folder, 1))
        costs = (_cost(folder, write(folder, factor * count)) - nothing for factor in SIZES)
        yield Growth(shape, write(folder, 1)[0], tuple(max(cost, 0.1) for cost in costs))


def _write(folder: Path, lists: Lists) -> None:
    for old in (*folder.glob("bots.*"), *folder.glob("registry.*")):
        old.unlink()
    for at, (name, head, rows) in enumerate((("bots", BOTS, lists.bots), ("registry", REGISTRY, lists.registry))):
        path = folder / f"{name}.{lists.suffix}"
        if lists.only is None:
            _write_table(path, head, rows, lists)
        else:
            column = lists.only[at]
            _write_table(path, head[column : column + 1], (row[column : column + 1] for row in rows), lists)
    _write_table(folder / "people.csv", PEOPLE, lists.people, Lists((), ()))
    (folder / "config.toml").write_text(
        f'[[source]]\ntype = "file"\nname = "bots"\npath = "bots.{lists.suffix}"\n'
        f'[[registry]]\npath = "registry.{lists.suffix}"\n[[people]]\npath = "people.csv"\n'
    )


def _write_table(path: Path, head: Sequence[str], rows: Rows, lists: Lists) -> None:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(head)
            for row in rows:
                file.write(lists.before)
                writer.writerow(row)
    elif path.suffix == ".xlsx":
        with Workbook(str(path), {"constant_memory": True}) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate((head, *rows)):
                sheet.write_row(number, 0, row)
    else:
        objects = [dict(zip(head, row, strict=True)) for row in rows]
        objects[0] |= {f"attribute {number}": "x" for number in range(lists.more)}
        lines = [msgspec.json.encode(one).decode() for one in objects]
        opened, before, between, closed = _JOINED[path.suffix]
        path.write_text(opened + between.join(before + line for line in lines) + closed)


_JOINED = {
    ".json": ("[", "", ",\n", "]\n"),
    ".ndjson": ("", "", "\n", "\n"),
    ".yaml": ("", "- ", "\n", "\n"),
}
"""By suffix: what stands before all objects, before each, between them, and behind all."""


def _cost(folder: Path, arguments: Sequence[str]) -> float:
    (folder / "muster.db").unlink(missing_ok=True)
    before = getrusage(RUSAGE_CHILDREN)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "scanner", *arguments, "--config", "config.toml"],
            cwd=folder, capture_output=True, timeout=LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return float("inf")
    if done.returncode > 1:
        raise SystemExit(f"{' '.join(arguments)}: nothing was read: {done.stderr.decode()}")
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: Sequence[str]) -> int:
    """Print a line for each shape and command. Returns 1 if one grows faster than n log n."""
    count = int(arguments[0]) if arguments else COUNT
    sizes = ", ".join(f"{factor * count:,}" for factor in SIZES)
    print(f"CPU seconds for {sizes} rows; at most {MOST} times as much, n^{math.log(MOST, SIZES[-1]):.2f}")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for growth in measure(Path(folder), count):
            worst = max(worst, growth.ratio)
            verdict = "" if growth.ratio <= MOST else "   TOO MUCH"
            seconds = " ".join(f"{one:7.1f}" for one in growth.seconds)
            print(
                f"{growth.shape:<24} {growth.command:<8} {seconds}  {growth.ratio:5.1f} x  n^{growth.exponent:.2f}"
                + verdict,
                flush=True,
            )
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
