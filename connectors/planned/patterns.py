"""The files that a pattern names (``deploy/**/*.yaml``), also those whose names begin with a dot, as deployment finds.

A shell leaves such names out, and hands on a pattern that matches nothing as nothing at all. The tree is the change's
own: links to folders are not followed but reported, because they may lead to themselves or anywhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from connectors.planned import FileResources
from scanner.errors import UsageError
from scanner.model.planned import PlannedPlace, Unread

MOST_ENTRIES: Final = 1_000_000
"""Files and folders under a pattern's first folder; a tree with more is not searched."""
_ANY_DEPTH = "**"
_OF_GIT = ".git"
_WILD = re.compile(r"[*?[]")


def is_pattern(text: str) -> bool:
    """Whether it is a pattern, and no file of just that name."""
    return _WILD.search(text) is not None and not os.path.lexists(text)


def found(pattern: str) -> tuple[list[str], FileResources | None]:
    """Return the files that a pattern matches, sorted, and its gap.

    It has one if it matches none, or meets a link to a folder, or a folder that cannot be read.

    Raises UsageError for a tree that is too large.
    """
    base, parts = _split(pattern)
    files: list[str] = []
    links: list[str] = []
    errors: list[OSError] = []
    for path, is_link in _entries(base, errors, deep=len(parts) > 1 or parts == (_ANY_DEPTH,)):
        relative = Path(path).relative_to(base).parts
        # Whether files that match may lie below a folder.
        if is_link and any(at < len(parts) for at in _reached(relative, parts)):
            links.append(path)
        elif not is_link and _matches(relative, parts):
            files.append(path)
    problems = [_problem(link, "is a link to a folder, and links are not followed") for link in sorted(links)]
    unread = [(str(error.filename), error.strerror) for error in errors if not isinstance(error, FileNotFoundError)]
    problems += [_problem(folder, f"is a folder that cannot be read: {why}") for folder, why in sorted(unread)]
    if not files:
        problems.append(_problem(pattern, "matches no file: nothing of what was asked for was checked"))
    gap = FileResources(file=pattern, format="pattern", problems=tuple(problems)) if problems else None
    return sorted(files), gap


def _problem(name: str, reason: str) -> Unread:
    return Unread(place=PlannedPlace(file=name, resource=name), reason=reason)


def _split(pattern: str) -> tuple[Path, tuple[str, ...]]:
    """The folder before the first wildcard, and the parts from there on."""
    parts = Path(pattern).parts
    first = next(number for number, part in enumerate(parts) if _WILD.search(part))
    return Path(*parts[:first]), parts[first:]


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # a folder that may be listed, but not entered: walking into it reports that
        return False


def _entries(base: Path, errors: list[OSError], *, deep: bool) -> Iterator[tuple[str, bool]]:
    """Files, and links to folders (True), below a folder. ``errors``: takes those of folders that cannot be read."""
    left = MOST_ENTRIES
    for folder, folders, files in os.walk(base, onerror=errors.append):
        left -= len(folders) + len(files)
        if left < 0:
            raise UsageError(f"{base}: has more than {MOST_ENTRIES:,} files and folders", hint="name a folder within")
        links = {name for name in folders if _is_link(Path(folder, name))}
        yield from ((str(Path(folder, name)), True) for name in links)
        yield from ((str(Path(folder, name)), False) for name in files)
        folders[:] = sorted(set(folders) - links - {_OF_GIT}) if deep else []


def _matches(path: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a path matches a pattern, part by part."""
    return len(parts) in _closure(_reached(path, parts), parts)


def _reached(path: Sequence[str], parts: Sequence[str]) -> set[int]:
    """The positions in a pattern after a path, all at once: in time of the product of their lengths."""
    reached = {0}
    for name in path:
        reached = {after for at in _closure(reached, parts) for after in _after(at, name, parts)}
    return reached


def _closure(reached: set[int], parts: Sequence[str]) -> set[int]:
    """The positions in the pattern, also those after each ``**`` but a last one, which may stand for no folder."""
    every: set[int] = set()
    for start in reached:
        ends = range(start, len(parts) + 1)
        beyond = next(at for at in ends if at >= len(parts) - 1 or parts[at] != _ANY_DEPTH)
        every |= set(range(start, beyond + 1))
    return every


def _after(at: int, name: str, parts: Sequence[str]) -> Iterator[int]:
    if at == len(parts):
        return
    if parts[at] == _ANY_DEPTH:
        yield at
        if at == len(parts) - 1:
            yield at + 1
    elif fnmatchcase(name, parts[at]):
        yield at + 1
