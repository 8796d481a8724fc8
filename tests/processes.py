"""Other processes that a test needs: the program itself, and small ones that hold something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 300
"""Seconds: only a process that hangs takes so long, however busy the machine is."""

# Loads what a scan loads. Then a fork runs each program in its input, and the answer is the exit code of the fork.
_FORKING = """
import gc, importlib, json, os, signal, sys
for name in (
    "scanner.cli.main", "scanner.cli.scan", "scanner.cli.sources", "scanner.cli.notify", "scanner.cli.output",
    "scanner.app.scanning", "scanner.app.changes", "scanner.store.store", "scanner.judging.pipeline",
    "scanner.judging.last_known.forgetting", "connectors.file", "reports.catalog", "reports.json", "reports.xlsx",
    "filelock", "scipy.sparse", "psycopg", "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.dialects.postgresql.psycopg", "tests.factories",
):
    importlib.import_module(name)
gc.freeze()  # or the end of each fork would look through all of it
print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    signal.alarm(job["patience"])
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    for number, path in enumerate((os.devnull, job["out"], job["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
    sys.argv[1:] = job["arguments"]
    exec(job["program"], {"__name__": "__main__"})
    sys.exit()
"""

# Holds the store's lock from the line it prints until its input ends.
_HOLDER = """
import sys
from scanner.store.store import open_store
with open_store(sys.argv[1]) as store, store.alone():
    print("held", flush=True)
    sys.stdin.read()
"""


class Forks:
    """Runs Python programs, each a process of its own, that find the scanner loaded already."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORKING],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready\n"
        return self

    def run(self, program: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to its end, in a folder of its own unless one is given."""
        with tempfile.TemporaryDirectory() as own:
            out, err = Path(own, "stdout"), Path(own, "stderr")
            job = {
                "program": program, "arguments": arguments, "folder": str(folder or own), "patience": PATIENCE,
                "environment": dict(os.environ), "out": str(out), "err": str(err),
            }  # fmt: skip
            assert self._process.stdin is not None
            self._process.stdin.write(f"{json.dumps(job)}\n")
            self._process.stdin.flush()
            return subprocess.CompletedProcess(program, int(self._answer()), out.read_text(), err.read_text())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=PATIENCE)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def start_muster(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """``muster ARGUMENTS`` in a folder, with its stderr to be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "scanner", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_holder(url: str) -> subprocess.Popen[str]:
    """A process that holds the lock of the store by now."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def let_go(holder: subprocess.Popen[str]) -> None:
    """Have a holder end in peace."""
    holder.communicate(timeout=PATIENCE)
    assert holder.returncode == 0


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """The next line of its stderr that has this text; fails where it ends without one."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"ended without saying: {text}")
