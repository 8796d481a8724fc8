"""A scan gives the same whatever the number of processes: verdicts, findings, tables and what the store keeps."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Muster
from tests.timeless import timeless

COUNT = 2_300  # more than are encoded at once
CYRILLIC_A = "\u0430"
TEAMS = ("payments", "search", "growth", "data")
CONFIG = """
[engine]
processes = {processes}

[[source]]
name = "estate"
type = "file"
path = "{folder}/estate.csv"

[[registry]]
path = "{folder}/registry.csv"

[[people]]
path = "{folder}/people.csv"
"""


def write_estate(folder: Path, *, night: int) -> None:
    """Registered by key, by pattern, twice and not; orphans of leavers and look-alikes; a few change at night."""
    with (folder / "estate.csv").open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(("key", "name", "provider", "scope", "kind", "enabled", "last_used_at", "description", "tags"))
        for number in range(night, COUNT):
            team = TEAMS[number % 4]
            name = f"svc-{team if number % 9 else team.replace('a', CYRILLIC_A)}-{number:04}"
            described = "changed" if number % 50 == night else ""
            used = f"2026-0{1 + number % 9}-01"
            rows.writerow(
                (f"saas:{number % 3}:{name}", name, "saas", number % 3, "bot", "yes", used, described, f"team={team}")
            )


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A registry and people."""
    with (tmp_path / "registry.csv").open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(("id", "identities", "owner"))
        rows.writerows((f"K{n}", f"svc-{TEAMS[n % 4]}-{n:04}", f"p{n % 20}@example.com") for n in range(0, COUNT, 7))
        rows.writerows((f"G{n}", f"saas:*:svc-*-{n:02}*", f"p{n % 20}@example.com") for n in range(10, 16))
        rows.writerows((f"M{n}", f"{TEAMS[n % 4]}-svc-{n:04}-old", f"p{n % 20}@example.com") for n in range(150))
    people = "".join(f"p{n}@example.com,{'left' if n % 5 == 0 else 'active'}\n" for n in range(20))
    (tmp_path / "people.csv").write_text(f"email,status\n{people}", encoding="utf-8")
    return tmp_path


def stored(store: Path) -> Iterator[tuple[Any, ...]]:
    """Every row of a version but what has the time of its scan: bodies of findings and of entries."""
    with closing(sqlite3.connect(store)) as connection:
        yield from connection.execute("SELECT key, first_scan, until_scan, hash, body FROM identity ORDER BY 1, 2")
        yield from connection.execute("SELECT key, first_scan, until_scan FROM entry ORDER BY 1, 2")
        yield from connection.execute("SELECT key, first_scan, until_scan, rule, identity FROM finding ORDER BY 1, 2")
        yield from connection.execute("SELECT key, first_scan, body FROM identity_sighting ORDER BY 1, 2")


def test_any_number_of_processes_gives_the_same(lists: Path, muster: Muster) -> None:
    """On the first night and on the second."""
    results = []
    for processes in (1, 3):
        folder = lists / str(processes)
        folder.mkdir()
        (folder / "config.toml").write_text(CONFIG.format(processes=processes, folder=lists), encoding="utf-8")
        outputs = []
        for night in (0, 1):
            write_estate(lists, night=night)
            config = ("--config", f"{processes}/config.toml", "--store", f"sqlite:///{folder}/muster.db")
            done = muster(
                "scan", *config, "--quiet", "-o", f"json:{folder}/all.json", "-o", f"csv:{folder}/orphans.csv"
            )
            assert done.code == 0, done.err
            result = timeless(msgspec.json.decode((folder / "all.json").read_bytes()))
            outputs += [result, (folder / "orphans.csv").read_text(encoding="utf-8")]
        results.append((*outputs, list(stored(folder / "muster.db"))))

    alone, *shared = results
    summary = alone[0]["summary"]
    assert summary["registered"] > 300
    assert summary["unregistered"] > 1_000
    assert shared == [alone]


@pytest.mark.parametrize(
    ("processes", "problem"), [(0, " >= 1"), (257, " <= 256"), (10**9, " <= 256"), ('"two"', ", got text")]
)
def test_the_number_of_processes_is_checked(processes: object, problem: str, lists: Path, muster: Muster) -> None:
    """With its line in the config."""
    (lists / "config.toml").write_text(CONFIG.format(processes=processes, folder="."), encoding="utf-8")

    done = muster("scan")

    assert done.code == 2
    assert "config.toml:3" in done.err
    assert f"engine.processes: expected a whole number{problem}" in done.err
