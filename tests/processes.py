"""Other processes that a test needs: the program itself, and small ones that hold something."""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

PATIENCE = 300
"""Seconds: only a process that hangs takes so long, however busy the machine is."""

# Loads what a scan loads, and then forks each program that it is sent. A keeper between the two waits for the program:
# it reports the number of the process, and the exit code when there is one.
_FORKING = """
import gc, importlib, json, os, signal, socket, sys
for name in (
    "scanner.cli.main", "scanner.cli.scan", "scanner.cli.sources", "scanner.cli.notify", "scanner.cli.output",
    "scanner.app.scanning", "scanner.app.changes", "scanner.store.store", "scanner.judging.pipeline",
    "scanner.judging.last_known.forgetting", "connectors.file.connector", "reports.catalog", "reports.json",
    "reports.xlsx.report", "filelock", "scipy.sparse", "psycopg", "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.dialects.postgresql.psycopg", "tests.factories",
):
    importlib.import_module(name)
kept = 0
jobs = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the tests to end it
while True:
    message, files, *_ = socket.recv_fds(jobs, 1 << 20, 4)
    if not message:
        break
    while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG) if kept else None:
        kept -= 1
    job = json.loads(message)
    for name in job["modules"]:
        importlib.import_module(name)
    gc.freeze()  # or the end of each fork would look through all of it
    kept += 1
    if os.fork() == 0:
        break
    for file in files:
        os.close(file)
if not message:
    sys.exit()
jobs.close()
report = files.pop()
child = os.fork()
if child:
    for file in files:
        os.close(file)
    os.write(report, f"{child}\\n".encode())
    os.write(report, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\\n".encode())
    os._exit(0)
os.close(report)
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.alarm(job["patience"])
os.environ.clear()
os.environ.update(job["environment"])
os.chdir(job["folder"])
for number, file in enumerate(files):
    os.dup2(file, number)
    os.close(file)
sys.argv = ["muster", *job["arguments"]]
exec(job["program"], {"__name__": "__main__"})
"""

# Holds the store's lock from the line it prints until its input ends.
_HOLDER = """
import sys
from scanner.store.store import open_store
with open_store(sys.argv[1]) as store, store.alone():
    print("held", flush=True)
    sys.stdin.read()
"""


_MUSTER = "from scanner.cli.main import run; run()"


class Forked:
    """A process that was forked, as ``subprocess.Popen`` has one that was started; all of its files are text."""

    def __init__(self, report: int, stdin: IO[str], stdout: IO[str], stderr: IO[str] | None) -> None:
        self._report = os.fdopen(report)
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.pid = int(self._report.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, minus the signal that ended it, or None while it runs."""
        if self.returncode is None and select.select([self._report], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """The exit code, when there is one."""
        if self.returncode is None:
            self.returncode = int(self._report.readline())
            self._report.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self) -> tuple[str, str]:
        """End its input, wait for its end, and return the rest of what it wrote."""
        errors: list[str] = []
        reading = threading.Thread(target=lambda: errors.append(self.stderr.read() if self.stderr else ""))
        reading.start()
        self.stdin.close()
        out = self.stdout.read()
        reading.join()
        self.wait()
        for file in filter(None, (self.stdout, self.stderr)):
            file.close()
        return out, errors[0]


class Forks:
    """Runs Python programs, each a process of its own, that find the scanner loaded already."""

    def __enter__(self) -> Self:
        self._jobs, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-c", _FORKING, str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, pass_fds=[theirs.fileno()])
        return self

    def start(
        self,
        program: str,
        *arguments: str,
        folder: Path,
        modules: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        stderr: int | None = None,
        patience: int = PATIENCE,
    ) -> Forked:
        """Start one. ``modules``: what it needs, loaded once for all; ``stderr``: a file, else a pipe.

        ``patience``: seconds after which it is ended; 0: never.
        """
        job = {
            "program": program, "arguments": arguments, "folder": str(folder), "modules": modules,
            "patience": patience, "environment": dict(os.environ if environment is None else environment),
        }  # fmt: skip
        (stdin, ours_in), (ours_out, stdout), (report, theirs) = os.pipe(), os.pipe(), os.pipe()
        ours_err, err = os.pipe() if stderr is None else (None, stderr)
        socket.send_fds(self._jobs, [json.dumps(job).encode()], [stdin, stdout, err, theirs])
        for file in (stdin, stdout, theirs, *(() if ours_err is None else (err,))):
            os.close(file)
        errors = None if ours_err is None else os.fdopen(ours_err)
        return Forked(report, os.fdopen(ours_in, "w"), os.fdopen(ours_out), errors)

    def run(self, program: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to its end, in a folder of its own unless one is given."""
        with tempfile.TemporaryDirectory() as own:
            process = self.start(program, *arguments, folder=folder or Path(own))
            out, err = process.communicate()
            return subprocess.CompletedProcess(program, process.wait(), out, err)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.close()
        self._process.wait(PATIENCE)


@cache
def forks() -> Forks:
    """The one of this process, until the tests end."""
    started = Forks().__enter__()
    atexit.register(started.__exit__, None, None, None)
    return started


def start_muster(folder: Path, *arguments: str, **facts: Any) -> Forked:
    """``muster ARGUMENTS`` in a folder, forked; ``facts``: see ``Forks.start``."""
    return forks().start(_MUSTER, *arguments, folder=folder, **facts)


def ended_muster(
    folder: Path, *arguments: str, site: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``muster ARGUMENTS`` in a folder when it has ended; ``site``: a folder of packages that are installed, too."""
    program = _MUSTER if site is None else f"import sys; sys.path.insert(0, {str(site)!r}); {_MUSTER}"
    process = forks().start(program, *arguments, folder=folder, environment=environment)
    out, err = process.communicate()
    return subprocess.CompletedProcess(arguments, process.wait(), out, err)


def run_muster(folder: Path, *arguments: str) -> str:
    """What ``muster ARGUMENTS`` in a folder writes to stdout; it must work."""
    done = ended_muster(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def start_holder(url: str) -> Forked:
    """A process that holds the lock of the store by now."""
    holder = forks().start(_HOLDER, url, folder=Path.cwd())
    assert holder.stdout.readline() == "held\n"
    return holder


def let_go(holder: Forked) -> None:
    """Have a holder end in peace."""
    holder.communicate()
    assert holder.returncode == 0


def line_with(process: Forked, text: str) -> str:
    """The next line of its stderr that has this text; fails where it ends without one."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"ended without saying: {text}")
