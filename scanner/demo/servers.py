"""Starts what the demo scans, and stops it again whatever happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scanner.errors import MusterError


@contextmanager
def aws_server() -> Iterator[str]:
    """The AWS emulator in a process of its own; yields its URL. It ends with its stdin, so also if we are killed."""
    process = subprocess.Popen(  # this very interpreter
        [sys.executable, "-m", "scanner.demo.aws_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        word, _, port = process.stdout.readline().partition(" ")
        if word != "ready":
            raise MusterError("the demo's AWS emulator did not start", hint="its message is above")
        yield f"http://127.0.0.1:{port.strip()}"
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()
