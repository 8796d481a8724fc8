"""The tutorial, from its first command to its last: it shows what the commands print.

``python -m tests.test_tutorial`` writes the page's outputs anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "tutorial" / "first-registry.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
"""Commands to run, and all that those before it print."""
WRITTEN_ON = "2026-12-02"


def followed(text: str, folder: Path) -> Iterator[tuple[re.Match[str], str]]:
    """Run the ``sh`` blocks of the page; yields each ``text`` block with what the commands before it printed."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    printed = ""
    for block in BLOCK.finditer(text):
        if block[1] == "text":
            yield block, printed
            continue
        shell = ["sh", "-eu", "-c", block[2]]
        run = subprocess.run(
            shell, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert run.returncode == 0, f"{block[2]}\n{run.stdout}"
        printed = run.stdout


def timeless(text: str, day: str) -> str:
    """The text without the day on which it was printed, times and ids of scans."""
    text = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "SCAN", text)
    return re.sub(r"\d\d:\d\d(?=\s+UTC)", "TIME", text.replace(day, "TODAY"))


def test_the_tutorial_shows_what_is_printed(tmp_path: Path) -> None:
    """Whole and in order."""
    pairs = list(followed(PAGE.read_text(encoding="utf-8"), tmp_path))
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    assert len(pairs) >= 8
    for block, printed in pairs:
        assert timeless(block[2], WRITTEN_ON) == timeless(printed, today)
    assert (tmp_path / "report.html").stat().st_size > 0


def rewrite() -> None:
    """Write the outputs on the page anew."""
    text, today = PAGE.read_text(encoding="utf-8"), f"{datetime.now(UTC):%Y-%m-%d}"
    with TemporaryDirectory() as folder:
        pairs = list(followed(text, Path(folder)))
    for block, printed in reversed(pairs):
        text = text[: block.start(2)] + printed.replace(today, WRITTEN_ON) + text[block.end(2) :]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
