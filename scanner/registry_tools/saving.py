"""Files put in place of others: written beside, read back, and renamed once all of them are as they should be."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import msgspec
from msgspec import Struct

from scanner.beside import Beside
from scanner.errors import Problem, RegistryError
from scanner.model import Entry, Origin
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.tables.files import unreadable

_NOWHERE = Origin(file="")


class NewFile(Struct, frozen=True, kw_only=True):
    """What a file is to hold. ``before``: what it held when it was read, None where it is new.

    ``entries``: what must be read from it.
    """

    path: Path
    data: bytes
    before: bytes | None
    entries: tuple[Entry, ...]


def save(files: Sequence[NewFile], source: ListSource, *, backups: bool = False) -> list[Path]:
    """Put them all in place, or none; links are followed, permissions kept. ``source``: how they are read.

    Returns the ``backups``: each file that was there, as it was, beside it; an earlier one is never overwritten.
    Raises RegistryError where one would not be read as it should, or was changed since it was read.
    """
    with ExitStack() as undo:
        written = [(file, _write_beside(file.path, file.data, _mode(file), undo)) for file in files]
        for file, beside in written:
            _check(file, beside.path, source)
        for file, _ in written:
            if _now(file.path) != file.before:
                raise _refused(file, "was changed meanwhile; nothing was written", "run the command again")
        kept = {}
        for file in files if backups else ():
            if file.before is not None:
                backup = _free_name(file.path)
                kept[backup] = _write_beside(backup, file.before, _mode(file), undo)
        for beside in (*kept.values(), *(beside for _, beside in written)):
            beside.put_in_place()
    return list(kept)


def _mode(file: NewFile) -> int:
    return 0o600 if file.before is None else stat.S_IMODE(file.path.stat().st_mode)


def _free_name(path: Path) -> Path:
    """``registry.csv.bak``, with a number behind it where that is there already."""
    names = (path.with_name(f"{path.name}.bak{number or ''}") for number in count())
    return next(name for name in names if not os.path.lexists(name))


def _write_beside(path: Path, data: bytes, mode: int, undo: ExitStack) -> Beside:
    """Under a hidden name: nobody takes it for one more file of a folder."""
    beside = Beside(path, mode=mode)
    undo.callback(beside.close)
    beside.file.write(data)
    beside.file.flush()
    os.fsync(beside.file.fileno())
    return beside


def _check(file: NewFile, beside: Path, source: ListSource) -> None:
    """Read it as a scan will, and compare; whatever a format cannot hold ends here and not in the registry."""
    try:
        read = load_registry([msgspec.structs.replace(source, path=beside)]).entries
    except RegistryError as error:
        problems = [msgspec.structs.replace(problem, file=str(file.path)) for problem in error.problems]
        raise RegistryError(*problems, hint="nothing was written") from error
    if len(read) != len(file.entries) or not all(map(_same, read, file.entries)):
        raise _refused(file, "would not be read back as the same entries; nothing was written", None)


def _same(one: Entry, other: Entry) -> bool:
    """Whether two entries say the same, whatever file and row they stand in."""
    both_named = one.has_own_id and other.has_own_id
    said, meant = (
        msgspec.structs.replace(entry, origin=_NOWHERE, registry="", id=entry.id if both_named else "", has_own_id=True)
        for entry in (one, other)
    )
    return said == meant


def _now(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def _refused(file: NewFile, message: str, fix: str | None) -> RegistryError:
    return RegistryError(Problem(file=str(file.path), message=message, fix=fix))
