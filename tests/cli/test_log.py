"""stderr with ``--log-format json``: one object a line, whatever happens."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BOTS, Done, Muster

BROKEN = "saas:acme:broken,broken,saas,acme,bot,perhaps,,,,\n"


def lines(done: Done) -> list[dict[str, Any]]:
    """Each line of stderr, decoded, with the fields that every one has."""
    decoded = [json.loads(line) for line in done.err.splitlines()]
    assert decoded
    assert all({"time", "level", "logger", "message"} <= set(line) for line in decoded)
    return decoded


@pytest.mark.parametrize("library", ["azure.identity._credentials.chained", "msal.application", "botocore.session"])
def test_warnings_of_libraries_are_not_repeated(library: str, muster: Muster) -> None:
    """Muster's own message says the same in one line."""
    muster("rules")

    assert not logging.getLogger(library).isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    ("arguments", "code", "level"),
    [
        pytest.param(("-v", "scan", "-o", "csv:out.csv"), 0, "info", id="a scan"),
        pytest.param(("scan", "--registry", "strange.csv", "-o", "csv:out.csv"), 0, "warning", id="warnings"),
        pytest.param(("scan", "nonsense"), 2, "error", id="an error"),
        pytest.param(("scan", "--fail-on", "nonsense"), 2, "error", id="a wrong option"),
        pytest.param(("nonsense",), 2, "error", id="a wrong command"),
        pytest.param(("scan", "file:path=missing.csv"), 4, "error", id="nothing scanned"),
    ],
)
def test_every_line_is_json(estate: Path, muster: Muster, arguments: tuple[str, ...], code: int, level: str) -> None:
    """Also where a command ends before it began."""
    (estate / "strange.csv").write_text("id,identities,owner\nN-1,invoice-bot,unlisted_person@example.com\n")

    done = muster("--log-format", "json", *arguments)

    assert done.code == code
    assert level in {line["level"] for line in lines(done)}


def test_a_line_about_a_place_names_it(estate: Path, muster: Muster) -> None:
    """Source and scope are fields of their own."""
    (estate / "bots.csv").write_text(BOTS + BROKEN)

    expected = lines(muster("-v", "--log-format", "json", "scan", "-o", "csv:out.csv"))

    assert {("bots", None), ("bots", "bots")} <= {(line.get("source"), line.get("scope")) for line in expected}


def test_a_terminal_gets_no_bar_in_json(estate: Path) -> None:
    """A service whose stderr looks like a terminal still writes lines."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "scanner", "-v", "--log-format", "json", "scan", "-o", "csv:out.csv"]
    subprocess.run(command, cwd=estate, stderr=theirs, check=True, env={**os.environ, "PYTHONPATH": _here()})
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        written += part
    os.close(ours)

    assert lines(Done(0, "", written.decode()))


def _here() -> str:
    return os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
