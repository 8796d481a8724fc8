"""kill -9 and SIGTERM at many points of a scan, on every database: what was stored before stays whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from scanner.store.store import open_store
from tests.cli.conftest import BOTS, PEOPLE, REGISTRY
from tests.databases import SHARED, Backend
from tests.processes import Forks, let_go, line_with, start_holder, start_muster

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
import os, sys, threading
from sqlalchemy import Engine, event

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
"""
_RUN = "from scanner.cli.main import run; run()"

BEFORE = (
    "scanner/app/scanning.py:make_ready 1",
    "scanner/store/migrations.py:migrate 1",
    "connectors/file/connector.py:scopes 1",
    "connectors/file/connector.py:discover 1",
    "scanner/discovery/inventory.py:join 1",
    "scanner/store/saving.py:_take 1",
    "scanner/app/last_scan.py:remember 1",
    "scanner/judging/pipeline.py:judge 1",
    "scanner/model/summary.py:summarise 1",
    "scanner/store/scans.py:insert_scan 1",
    "scanner/store/intervals.py:_apply 2",
    "scanner/store/intervals.py:_write_orders 1",
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


class Estate:
    """A folder with config and lists, whose scans go into a store."""

    def __init__(self, folder: Path, url: str, forks: Forks) -> None:
        self.folder, self.url = folder, url
        self._forks = forks

    def scan(self, program: str = _RUN, *before: str) -> CompletedProcess[str]:
        """Run a scan with a report, struck or not."""
        scan = ("scan", "--accept-drop", "--quiet", "--store", self.url, "-o", "json:report.json")
        return self._forks.run(program, *before, *scan, folder=self.folder)

    def strike(self, point: str, number: signal.Signals) -> CompletedProcess[str]:
        """Run a scan that gets this signal at this point."""
        place, _, count = point.partition(" ")
        return self.scan(_SIGNALLED + _RUN, place, str(int(number)), count)


@pytest.fixture
def estate(tmp_path: Path, url: str, forks: Forks) -> Estate:
    """A scan has been stored, and one of the list's three bots has since gone."""
    for name, text in (
        ("bots.csv", BOTS),
        ("registry.csv", REGISTRY),
        ("people.csv", PEOPLE),
        ("config.toml", CONFIG),
    ):
        (tmp_path / name).write_text(text)
    made = Estate(tmp_path, url, forks)
    assert made.scan().returncode == 0
    (tmp_path / "bots.csv").write_text("\n".join(BOTS.splitlines()[:3]) + "\n")
    return made


def stored(url: str) -> list[int]:
    """How many identities each stored scan had, every one of them loaded whole."""
    with open_store(url, create=False) as store:
        return [len(store.load(one.id).identities) for one in store.scans()]


def test_kill(estate: Estate, url: str) -> None:
    """Whatever was struck, the scans before are whole, so is the report, and the next scan needs no repair."""
    expected = [3]
    for point in (*BEFORE, *AFTER):
        struck = estate.strike(point, signal.SIGKILL)

        expected += [2] * (point in AFTER)
        assert struck.returncode == -signal.SIGKILL, point
        assert stored(url) == expected, point
        assert len(json.loads((estate.folder / "report.json").read_text())["identities"]) == 3, point
    assert (estate.scan().returncode, stored(url)) == (0, [*expected, 2])
    with open_store(url, create=False) as store:
        assert store.status().holder is None
        assert not any(one.new for one in store.load().findings)


def test_sigterm(estate: Estate, url: str) -> None:
    """What a scheduler ends is reported as interrupted, with what became of it, and leaves nothing lying about."""
    files = set(estate.folder.iterdir())
    for point in (*BEFORE[3::2], *AFTER):
        before = stored(url)

        struck = estate.strike(point, signal.SIGTERM)

        is_stored = stored(url) != before
        assert struck.returncode == 130, (point, struck.stderr)
        assert struck.stderr.strip().startswith("muster: interrupted"), (point, struck.stderr)
        assert len(struck.stderr.strip().splitlines()) == 1, (point, struck.stderr)
        assert ("nothing of this run was stored" in struck.stderr) != is_stored, (point, struck.stderr)
        assert is_stored or point not in AFTER, point
        assert not is_stored or point not in BEFORE[:-1], point
        assert set(estate.folder.iterdir()) == files, point
        with open_store(url) as store, store.alone():
            assert len(store.scans()) == len(before) + is_stored, point


def test_sigterm_while_waiting(estate: Estate, url: str) -> None:
    """Who waits for another scan can be ended as well."""
    holder = start_holder(url)
    waiting = start_muster(estate.folder, "scan", "--store", url)
    line_with(waiting, "waiting for the scan of")

    waiting.send_signal(signal.SIGTERM)
    _, message = waiting.communicate()
    let_go(holder)

    assert waiting.returncode == 130
    assert "muster: interrupted; nothing of this run was stored" in message
    assert stored(url) == [3]


_STRUCK_AT_THE_END = """
import logging, os, signal, sys
class Struck(logging.Handler):
    def flush(self):
        os.kill(os.getpid(), int(sys.argv[2]))
struck = Struck()
from scanner.cli.main import run
signal.signal(signal.SIGINT, signal.default_int_handler)
run()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_program_ends(number: signal.Signals) -> None:
    """Ctrl-C is often pressed twice; that is no reason for a traceback."""
    ended = subprocess.run(
        [sys.executable, "-c", _STRUCK_AT_THE_END, "no-such-command", str(int(number))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 130, ended.stderr
    assert "Traceback" not in ended.stderr
