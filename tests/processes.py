"""Other processes that a test needs: the program itself, and small ones that hold something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PATIENCE = 60

# Holds the store's lock from the line it prints until its input ends.
_HOLDER = """
import sys
from scanner.store.store import open_store
with open_store(sys.argv[1]) as store, store.alone():
    print("held", flush=True)
    sys.stdin.read()
"""


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
