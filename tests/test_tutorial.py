"""The tutorial, from its first command to its last: anyone who follows it sees what it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "tutorial" / "first-registry.md"
BLOCKS = re.findall(r"^```(sh|text)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
"""Commands to run, and lines that their output has."""


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """Each ``sh`` block ends well, and each line of the ``text`` block behind it is in what it prints."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    printed = ""
    for language, block in BLOCKS:
        if language == "sh":
            shell = ["sh", "-eu", "-c", block]
            run = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            printed = " ".join((run.stdout + run.stderr).split())
            assert run.returncode == 0, f"{block}\n{run.stdout}{run.stderr}"
        else:
            assert [line for line in block.splitlines() if " ".join(line.split()) not in printed] == [], printed

    assert (tmp_path / "report.html").stat().st_size > 0


def test_the_tutorial_is_one() -> None:
    """It promises something after nearly every step."""
    languages = [language for language, _ in BLOCKS]

    assert languages.count("sh") >= 10
    assert languages.count("text") >= 8
