"""Which files a path stands for: itself, those of a folder, or those that fit a pattern."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from scanner.errors import Problem, RegistryError

IN_FOLDERS = (".yaml", ".yml", ".json", ".toml", ".tfstate")
"""The endings of files that are taken from a folder."""


def find_files(path: Path) -> list[Path]:
    """The files, sorted by name. Hidden ones are left out, as shells and editors do.

    A path that is there is itself, whatever its name looks like. Raises RegistryError where nothing is found.
    """
    try:
        if path.is_dir():
            return _sorted(_in_folder(path), path, "no YAML, JSON or TOML file is in this folder")
        if "*" in str(path) and not path.exists():
            found = glob.iglob(str(path), recursive=True)  # noqa: PTH207  # Path.glob gives hidden files, too
            fitting = map(Path, found)
            return _sorted((one for one in fitting if one.is_file()), path, "no file fits this pattern")
    except (OSError, ValueError) as error:  # a name that is too long for the file system, or holds a NUL
        raise RegistryError(Problem(file=str(path), message=getattr(error, "strerror", None) or str(error))) from error
    return [path]


def _in_folder(path: Path) -> Iterator[Path]:
    for file in path.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if file.suffix.lower() in IN_FOLDERS and not hidden:
            yield file


def _sorted(files: Iterator[Path], path: Path, nothing: str) -> list[Path]:
    found = sorted(files)
    if not found:
        raise RegistryError(Problem(file=str(path), message=nothing))
    return found
