"""Replaces files atomically: a file is written beside its target, and renamed when it is complete.

Other users with access to the folder (``/tmp``) cannot redirect the write: their links are not followed. Files that a
killed process left are removed by the next process that writes to the folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_ROOT = 0
_MOST_LINKS = 40  # as on Linux
_OURS = re.compile(r"\.muster-[0-9a-f]{16}\.part(\.\w{1,10})?")
# Permission to open files in a folder, if the system distinguishes it from listing.
_REACH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def real_path(path: Path) -> Path:
    """The resolved path. Raises OSError at another user's link or pipe, except root's."""
    path = path.absolute()
    current, left, links = Path(path.anchor), deque(path.parts[1:]), 0
    while left:
        part = left.popleft()
        if part == "..":
            current = current.parent
            continue
        step = current / part
        try:
            about = step.lstat()
        except FileNotFoundError:
            return step.joinpath(*left)
        if not stat.S_ISLNK(about.st_mode):
            current = step
            if stat.S_ISFIFO(about.st_mode):
                _refuse_foreign(step, about, "a pipe")
            continue
        _refuse_foreign(step, about, "a link")
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = step.readlink()
        if target.is_absolute():
            current = Path(target.anchor)
        left.extendleft(reversed(target.parts[1:] if target.is_absolute() else target.parts))
    return current


def is_writable(path: Path) -> bool:
    """Return whether this process may write to the file or folder; never on a read-only mount."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _refuse_foreign(step: Path, about: os.stat_result, what: str) -> None:
    if about.st_uid not in (_ROOT, os.geteuid()):
        raise PermissionError(errno.EPERM, f"{step} is {what} of another user, which is not followed", str(step))


class AtomicFile:
    """A new file in the folder of ``path`` that replaces it; readable by its owner only. ``file``: the stream.

    Closing without :meth:`put_in_place` deletes it. Raises OSError.
    """

    def __init__(self, path: Path, *, mode: int = 0o600) -> None:
        target = real_path(path)
        self._target, self._name = path, target.name
        self._beside: str | None = None
        with _about(path):
            self._folder = _open_folder(target.parent)
            try:
                _sweep(self._folder, target.parent)
                self._beside, handle = _create(self._folder, target.suffix)
                self.file: BinaryIO = os.fdopen(handle, "wb")
                os.fchmod(handle, mode)
            except BaseException:
                os.close(self._folder)
                raise
        self.path = target.parent / self._beside

    def put_in_place(self) -> None:
        """Replace the target with the new file."""
        self.file.flush()
        assert self._beside is not None
        with _about(self._target):
            os.replace(self._beside, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._beside = None

    def close(self) -> None:
        """Close the file, and delete it unless it was put in place."""
        try:
            self.file.close()
        finally:
            if self._beside is not None:
                with suppress(FileNotFoundError):
                    os.unlink(self._beside, dir_fd=self._folder)
            os.close(self._folder)


@contextmanager
def in_place_of(path: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Replace the file when the block ends without an error; otherwise nothing changes. Raises OSError."""
    new_file = AtomicFile(path, mode=mode)
    try:
        yield new_file.file
        new_file.put_in_place()
    finally:
        new_file.close()


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Let errors name the file that was to be written, instead of the hidden one beside it."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _open_folder(folder: Path) -> int:
    """Open the folder step by step, so that a link created since the path was resolved is not followed."""
    handle = os.open(folder.anchor, _REACH)
    for part in folder.parts[1:]:
        above = handle
        try:
            handle = os.open(part, _REACH, dir_fd=above)
        finally:
            os.close(above)
    return handle


def _create(folder: int, suffix: str) -> tuple[str, int]:
    """Create a new file, locked while this process runs."""
    kind = suffix if re.fullmatch(r"\.\w{1,10}", suffix) else ""
    while True:
        name = f".muster-{secrets.token_hex(8)}.part{kind}"
        handle = os.open(
            name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder
        )
        _lock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino == os.fstat(handle).st_ino:
                return name, handle
        os.close(handle)  # another process removed it before it was locked


def _sweep(folder: int, path: Path) -> None:
    """Remove unlocked files of killed processes, by name and owner."""
    try:
        names = [one.name for one in path.iterdir() if _OURS.fullmatch(one.name)]
    except OSError:
        return  # a folder that can be written but not listed
    for name in names:
        with suppress(OSError):
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            try:
                if os.fstat(handle).st_uid == os.geteuid() and _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    os.unlink(name, dir_fd=folder)
            finally:
                os.close(handle)


def _lock(handle: int, how: int) -> bool:
    """Lock the file; returns whether that succeeded. On file systems without locks, nothing is removed."""
    try:
        fcntl.flock(handle, how)
    except OSError:
        return False
    return True
