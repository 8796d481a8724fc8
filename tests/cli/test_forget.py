"""``muster history forget``: a source that is retired, from the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import BOTS, Muster


@pytest.fixture
def retired(estate: Path, muster: Muster) -> Path:
    """Two sources were scanned, and one of them no longer is."""
    (estate / "second.csv").write_text(BOTS.replace("saas", "crm"))
    muster("scan", "bots", "file:path=second.csv")
    muster("scan")
    return estate


@pytest.mark.usefixtures("retired")
def test_a_retired_source_is_forgotten(muster: Muster) -> None:
    """After a look at what would go; reports, the list of scans and the diff all say so."""
    tried = muster("history", "forget", "file", "--dry-run")
    before = json.loads(muster("report", "-o", "json:-").out)
    done = muster("history", "forget", "file", "--yes")
    after = json.loads(muster("report", "-o", "json:-").out)

    assert (tried.code, tried.err, done.code, done.err) == (0, "", 0, "")
    assert tried.out.startswith("would forget source file: 3 identities, ")
    assert tried.out.replace("would forget", "forgot") == done.out
    assert {one["source"] for one in before["identities"]} == {"bots", "file"}
    assert {one["source"] for one in after["identities"]} == {"bots"}
    assert "source file forgotten by command" in muster("history").out
    listed = json.loads(muster("history", "-o", "json:-").out)["scans"]
    assert [(one["left"], one["forgotten"]) for one in listed] == [(0, 3), (0, 0), (None, 0)]
    assert muster("diff").out.splitlines()[-1].endswith("left 0, returned 0, not re-checked 0, forgotten 3")


@pytest.mark.usefixtures("retired")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("file",), "add --yes"),
        (("nobody", "--yes"), "known sources: bots, file"),
        (("file", "--scope", "nowhere", "--yes"), "scopes of that source: "),
        (("file", "--store", "sqlite:///none.db", "--yes"), "there is no store"),
    ],
)
def test_what_is_not_forgotten(muster: Muster, arguments: tuple[str, ...], message: str) -> None:
    """Nothing without an answer, nor what is not there; the message has the way out."""
    done = muster("history", "forget", *arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(json.loads(muster("history", "-o", "json:-").out)["scans"]) == 2


@pytest.mark.usefixtures("retired")
def test_a_source_that_is_still_read_is_pointed_out(muster: Muster) -> None:
    """The next scan would find it all again."""
    done = muster("history", "forget", "bots", "--scope", "acme", "--dry-run")

    assert done.out.startswith("would forget acme of source bots: 3 identities")
    assert "the latest scan still read acme of source bots" in done.err


@pytest.mark.parametrize(("answer", "scans"), [(b"y\n", 3), (b"n\n", 2), (b"\n", 2)])
def test_someone_is_asked_on_a_terminal(retired: Path, muster: Muster, answer: bytes, scans: int) -> None:
    """And nothing is forgotten unless they say so."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    done = subprocess.run(
        [sys.executable, "-m", "scanner", "history", "forget", "file"],
        cwd=retired,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    os.close(theirs)
    os.close(ours)

    assert "Forget source file: 3 identities" in done.stderr
    assert done.stdout.startswith("forgot source file") == (scans == 3)
    assert len(json.loads(muster("history", "-o", "json:-").out)["scans"]) == scans
