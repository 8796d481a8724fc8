"""Runs of ``muster retire``, and of the commands of its plans, as people run them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cli.conftest import Muster

Plan = dict[str, dict[str, Any]]


def run(commands: list[str], folder: Path, **environment: str) -> None:
    """As people run them."""
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(commands)],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (commands, done.stderr)


def started(muster: Muster, name: str, *options: str) -> tuple[str, Plan]:
    done = muster("retire", name, "-o", "json:-", "--start", *options)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    return found["verdict"], {one["stage"]: one for one in found["plan"]}


def scanned(muster: Muster) -> dict[str, Any]:
    assert muster("scan", "-o", "json:scan.json").code == 0
    found: dict[str, Any] = json.loads(Path("scan.json").read_text())
    return found


def stage(muster: Muster) -> str | None:
    (found,) = scanned(muster)["retirements"]
    told: str | None = found["stage"]
    return told


def disabled_and_taken_back(
    muster: Muster, name: str, folder: Path, refusal: Callable[[], str | None], says: str
) -> str:
    """Retire an identity by its plan, enable it again in between, and return the verdict of the start.

    ``refusal``: signs in as it, and returns how the server refused that, if it did: at first it does not, once it is
    disabled its answer has the text ``says``.
    """
    scanned(muster)
    verdict, plan = started(muster, name)
    assert refusal() is None
    run(plan["disabled"]["commands"], folder)
    assert says in str(refusal())
    assert stage(muster) == "disabled"
    run(plan["disabled"]["undo"], folder)
    assert refusal() is None
    assert stage(muster) is None
    run(plan["deleted"]["commands"], folder)
    assert stage(muster) == "deleted"
    return verdict
