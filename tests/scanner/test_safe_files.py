"""A file is put in place whole, never through another user's link, and nothing of a killed process stays."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from scanner.errors import StoreError, as_muster_error
from scanner.safe_files import AtomicFile, in_place_of, real_path
from scanner.store.store import open_store

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's link")
OTHER = 65_534

KILLED = """
import sys, time
from pathlib import Path
from scanner.safe_files import AtomicFile
new_file = AtomicFile(Path(sys.argv[1]))
new_file.file.write(b"half")
new_file.file.flush()
print(new_file.path, flush=True)
time.sleep(60)
"""


def _foreign_link(link: Path, target: Path) -> Path:
    link.symlink_to(target)
    os.chown(link, OTHER, OTHER, follow_symlinks=False)
    return link


def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path) -> None:
    """For its owner alone, and with nothing beside it."""
    path = tmp_path / "report.csv"
    with in_place_of(path) as file:
        file.write(b"one")
    with suppress(ValueError), in_place_of(path) as file:
        file.write(b"tw")
        raise ValueError

    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_one_s_own_links_are_followed(tmp_path: Path) -> None:
    """Through folders, upwards, in a chain, and where nothing is yet."""
    (tmp_path / "real/deep").mkdir(parents=True)
    (tmp_path / "folder").symlink_to("real/deep")
    (tmp_path / "first").symlink_to("folder/../second")
    (tmp_path / "real/second").symlink_to(tmp_path / "real" / "file.csv")

    with in_place_of(tmp_path / "first") as file:
        file.write(b"x")

    assert (tmp_path / "real/file.csv").read_bytes() == b"x"
    assert (tmp_path / "first").is_symlink()
    assert real_path(tmp_path / "folder" / "new" / "f") == tmp_path.resolve() / "real/deep/new/f"


def test_links_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    """As the system has it."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(OSError, match="symbolic links"):
        real_path(tmp_path / "a")


@ROOT_ONLY
@pytest.mark.parametrize("where", ["file", "folder", "behind one's own"])
def test_another_user_s_link_is_not_followed(tmp_path: Path, where: str) -> None:
    """In /tmp anyone may have put it there, to have us write over what is ours."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "report.csv").write_text("precious")
    if where == "folder":
        path = _foreign_link(tmp_path / "link", victim) / "report.csv"
    else:
        path = _foreign_link(tmp_path / "link", victim / "report.csv")
    if where == "behind one's own":
        (tmp_path / "own").symlink_to(path)
        path = tmp_path / "own"

    with pytest.raises(PermissionError, match="another user"), in_place_of(path):
        pass

    assert (victim / "report.csv").read_text() == "precious"


@ROOT_ONLY
def test_neither_a_report_nor_a_store_goes_through_another_user_s_link(tmp_path: Path) -> None:
    """Nor into a pipe that another user reads."""
    link = _foreign_link(tmp_path / "muster.db", tmp_path / "elsewhere.db")
    pipe = tmp_path / "report.csv"
    os.mkfifo(pipe)
    os.chown(pipe, OTHER, OTHER)

    with pytest.raises(StoreError, match="another user"):
        open_store(f"sqlite:///{link}")
    with pytest.raises(PermissionError, match="another user"):
        real_path(pipe)

    assert not (tmp_path / "elsewhere.db").exists()


def test_an_error_names_the_file_that_was_to_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the hidden one beside it; the message says what to do."""
    path, open_any = tmp_path / "a.json", os.open

    def refusing(name: str, flags: int, *mode: int, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
        return open_any(name, flags, *mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(PermissionError) as raised, in_place_of(path):
        pass

    error = as_muster_error(raised.value)
    assert str(error) == f"{path}: Permission denied"
    assert error.hint == "allow this user to read or write there, or choose another path"


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    """By the next writer to the folder; what a running process writes stays, and so does what only looks like ours."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "dated-2026-01-01.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        alive = AtomicFile(tmp_path / "alive.csv")
        assert left.read_bytes() == b"half"
        process.send_signal(signal.SIGKILL)
        process.wait()
    (tmp_path / ".muster-notes.part").write_text("mine")

    with in_place_of(tmp_path / "other.csv") as file:
        file.write(b"x")
    alive.file.write(b"y")
    alive.put_in_place()
    alive.close()

    assert sorted(one.name for one in tmp_path.iterdir()) == [".muster-notes.part", "alive.csv", "other.csv"]
    assert (tmp_path / "alive.csv").read_bytes() == b"y"
