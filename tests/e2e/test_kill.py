"""kill -9 and SIGTERM at many points of a scan, on every database: what was stored before stays whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.store.store import open_store
from tests.cli.conftest import BOTS, PEOPLE, REGISTRY
from tests.databases import SHARED, Backend
from tests.processes import PATIENCE, let_go, line_with, start_holder, start_muster

CONFIG = """
[[registry]]
path = "registry.csv"
[[people]]
path = "people.csv"
[[source]]
name = "bots"
type = "file"
path = "bots.csv"
"""

# Sends itself a signal as soon as a function of ours is called for the nth time, wherever that is.
_SIGNALLED = """
import os, signal, sys, threading
from sqlalchemy import Engine, event
from scanner.cli.main import run

name, number, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
file, _, function = name.partition(":")
del sys.argv[1:4]

def strike(*_):
    global count
    count -= 1
    if count == 0:
        sys.setprofile(None)
        os.kill(os.getpid(), number)

def watch(frame, happening, _):
    code = frame.f_code
    if happening == "call" and code.co_name == function and file in code.co_filename:
        strike()

if file == "sqlalchemy":
    event.listen(Engine, function, strike)
else:
    sys.setprofile(watch)
    threading.setprofile(watch)
run()
"""

BEFORE = (
    "scanner/app/scanning.py:make_ready 1",
    "scanner/store/migrations.py:migrate 1",
    "connectors/file.py:scopes 1",
    "connectors/file.py:discover 1",
    "scanner/discovery/inventory.py:join 1",
    "scanner/store/saving.py:_take 1",
    "scanner/app/scanning.py:_remember 1",
    "scanner/judging/pipeline.py:judge 1",
    "scanner/model/summary.py:summarise 1",
    "scanner/store/scans.py:insert_scan 1",
    "scanner/store/intervals.py:write 2",
    "scanner/store/intervals.py:write_orders 1",
    "sqlalchemy:commit 1",
)
AFTER = (
    "scanner/store/:settle 1",
    "scanner/cli/output.py:write_outputs 1",
    "reports/json.py:write 1",
)
"""Functions of ours, and the call at which the scan is struck: before it is stored, and after."""


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty store that other processes can open."""
    backend: Backend = request.param
    with backend() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, url: str) -> Path:
    """A scan has been stored, and one of the list's three bots has since gone."""
    for name, text in (
        ("bots.csv", BOTS),
        ("registry.csv", REGISTRY),
        ("people.csv", PEOPLE),
        ("config.toml", CONFIG),
    ):
        (tmp_path / name).write_text(text)
    scan(tmp_path, url)
    (tmp_path / "bots.csv").write_text("\n".join(BOTS.splitlines()[:3]) + "\n")
    return tmp_path


def scan(folder: Path, url: str, *before: str) -> subprocess.CompletedProcess[str]:
    """Run a scan with a report, struck or not."""
    program = ["-c", _SIGNALLED, *before] if before else ["-m", "scanner"]
    return subprocess.run(
        [sys.executable, *program, "scan", "--accept-drop", "--quiet", "--store", url, "-o", "json:report.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def stored(url: str) -> list[int]:
    """How many identities each stored scan had, every one of them loaded whole."""
    with open_store(url, create=False) as store:
        return [len(store.load(one.id).identities) for one in store.scans()]


def strike(folder: Path, url: str, point: str, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Run a scan that gets this signal at this point."""
    place, _, count = point.partition(" ")
    return scan(folder, url, place, str(int(number)), count)


def test_kill(folder: Path, url: str) -> None:
    """Whatever was struck, the scans before are whole, so is the report, and the next scan needs no repair."""
    expected = [3]
    for point in (*BEFORE, *AFTER):
        struck = strike(folder, url, point, signal.SIGKILL)

        expected += [2] * (point in AFTER)
        assert struck.returncode == -signal.SIGKILL, point
        assert stored(url) == expected, point
        assert len(json.loads((folder / "report.json").read_text())["identities"]) == 3, point
    assert (scan(folder, url).returncode, stored(url)) == (0, [*expected, 2])
    with open_store(url, create=False) as store:
        assert store.status().holder is None
        assert not any(one.new for one in store.load().findings)


def test_sigterm(folder: Path, url: str) -> None:
    """What a scheduler ends is told as interrupted, with what became of it, and leaves nothing lying about."""
    files = set(folder.iterdir())
    for point in (*BEFORE[3::2], *AFTER):
        before = stored(url)

        struck = strike(folder, url, point, signal.SIGTERM)

        is_stored = stored(url) != before
        assert struck.returncode == 130, (point, struck.stderr)
        assert struck.stderr.strip().startswith("muster: interrupted"), (point, struck.stderr)
        assert len(struck.stderr.strip().splitlines()) == 1, (point, struck.stderr)
        assert ("nothing of this run was stored" in struck.stderr) != is_stored, (point, struck.stderr)
        assert is_stored or point not in AFTER, point
        assert not is_stored or point not in BEFORE[:-1], point
        assert set(folder.iterdir()) == files, point
        with open_store(url) as store, store.alone():
            assert len(store.scans()) == len(before) + is_stored, point


def test_sigterm_while_waiting(folder: Path, url: str) -> None:
    """Who waits for another scan can be ended as well."""
    holder = start_holder(url)
    waiting = start_muster(folder, "scan", "--quiet", "--store", url)
    line_with(waiting, "waiting for the scan of")

    waiting.terminate()
    _, message = waiting.communicate(timeout=PATIENCE)
    let_go(holder)

    assert waiting.returncode == 130
    assert "muster: interrupted; nothing of this run was stored" in message
    assert stored(url) == [3]
