"""The file of a store on SQLite: there, or made, and never an empty one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from scanner.beside import in_place_of, real_path
from scanner.errors import MissingStore, StoreError
from scanner.text import printable

# Larger pages than SQLite's usual: of identities of 1.5 KB each, only two fit into 4 KB and a quarter stays empty.
_LARGER_PAGES = "PRAGMA page_size = 8192"


def ensure(path: Path, *, create: bool, wait: float) -> None:
    """See to it that there is a file, made if ``create`` and for its owner only. Raises MissingStore and StoreError.

    ``wait``: seconds for which another process that is making it is awaited.
    """
    _refuse_links_of_others(path)
    if create and not (path.exists() and path.stat().st_size):
        _make_unless_there(path, wait)
    if not path.exists() and not path.parent.is_dir():
        raise StoreError(
            f"there is no store at {printable(str(path))}, nor is there its directory",
            hint="make the directory, or name another place with --store",
        )
    if not path.exists():
        raise MissingStore(f"there is no store at {printable(str(path))}", hint="`muster scan` makes one")
    if path.stat().st_size == 0:
        raise StoreError(
            f"the store {printable(str(path))} is an empty file, which no store ever is: it was cut off",
            hint="put back the last backup; only if there never was anything in it, remove the file and scan again",
        )


def _refuse_links_of_others(path: Path) -> None:
    """What a scan knows would be written to where another user wants it."""
    try:
        real_path(path)
    except PermissionError as error:
        raise StoreError(
            f"the store {printable(str(path))} is not opened: {printable(error.strerror or str(error))}",
            hint="name the place that it leads to with --store, if it is the right one",
        ) from error
    except OSError:
        return  # whoever opens it says what is wrong


def _make_unless_there(path: Path, wait: float) -> None:
    """Who finds an empty file comes here as well: it may be told to be cut off when nobody is making it."""
    import filelock

    try:
        path = real_path(path)
        path.parent.stat()  # the lock would make a directory that is missing
        with filelock.FileLock(f"{path}.lock", timeout=wait, mode=0o600):
            if not path.exists():
                _make(path)
    except OSError as error:
        raise StoreError(
            f"the store {printable(str(path))} cannot be created: {error.strerror or error}",
            hint="check that its directory exists, that you may write there and that the disk has room",
        ) from error


def _make(path: Path) -> None:
    """A database without tables: to SQLite an empty file would be as good, but not to whoever finds one."""
    # For its owner alone; SQLite gives the files it puts beside this one (-wal, -shm) the same permissions.
    with in_place_of(path) as file, closing(sqlite3.connect(":memory:")) as empty:
        empty.execute(_LARGER_PAGES)
        file.write(empty.serialize())
