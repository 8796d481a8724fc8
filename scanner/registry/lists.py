"""Lists of entries and people, as configured: a file, a folder, a pattern or a query. Finds the files of a list."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.catalog import read_table
from scanner.errors import Problem, RegistryError
from scanner.redaction.redact import SecretRef, redact
from scanner.registry.tables.dates import DateOrder

IN_FOLDERS = (".yaml", ".yml", ".json", ".toml", ".tfstate")
"""The suffixes of files that are read from a folder."""


def find_files(path: Path) -> list[Path]:
    """Return the files, sorted by name, without hidden ones, as shells and editors do.

    An existing path is used as it is, even if it looks like a pattern. Raises RegistryError if there is no file.
    """
    try:
        if path.is_dir():
            return _sorted(_in_folder(path), path, "no YAML, JSON or TOML file is in this folder")
        if "*" in str(path) and not path.exists():
            found = glob.iglob(str(path), recursive=True)  # noqa: PTH207  # Path.glob returns hidden files, too
            fitting = map(Path, found)
            return _sorted((one for one in fitting if one.is_file()), path, "no file fits this pattern")
    except (OSError, ValueError) as error:  # the name is too long for the file system, or contains NUL
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


# --- A list in the config ---

Format: TypeAlias = Literal["table", "backstage", "terraform", "scim", "entra", "a2a", "mcp"]


LONGEST_QUERY = 86_400
"""Seconds: one day, because the next nightly scan begins then."""


Preset: TypeAlias = Literal["servicenow", "cyberark", "sharepoint"]
PRESETS: Mapping[Preset, Mapping[str, str]] = read_table(
    "scanner.registry", "presets.toml", dict[Preset, dict[str, str]]
)
"""The headings of other programs' exports, with the column that each means."""


class ListSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[registry]]`` or ``[[people]]``: a ``path``, or a ``url`` (SQLAlchemy's) with a ``query``.

    ``path``: a file, a folder, or a pattern (``repos/*/catalog-info.yaml``). ``format``: None detects it from the file.
    ``sheet``: of a workbook; None takes the one that is the list by its shape. ``columns``: your own headings, with the
    column that each means. ``values``: by column, your own words for a status, kind, environment or provider, with
    what each means. ``preset``: the program that wrote the export. ``dates``: the order of day and month in
    03/04/2026. ``password``: of the URL's user. ``timeout``: seconds within which a query must return its last row.
    ``max_rows``: the most rows it may return.
    """

    path: Path | None = None
    format: Format | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = {}
    preset: Preset | None = None
    values: Mapping[str, Mapping[str, str]] = {}
    dates: DateOrder | None = None
    url: str | None = None
    query: str | None = None
    password: SecretRef | None = None
    timeout: float | None = None
    max_rows: int | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.url is None):
            raise ValueError("a list needs either a path or a url with a query")
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query go together")
        if self.url is None and self.password is not None:
            raise ValueError("a password goes with a url")
        if self.url is None and (self.timeout, self.max_rows) != (None, None):
            raise ValueError("timeout and max_rows go with a url")
        if self.timeout is not None and not 0 < self.timeout <= LONGEST_QUERY:
            raise ValueError(f"timeout is a number of seconds, at most {LONGEST_QUERY}")
        if self.max_rows is not None and self.max_rows < 1:
            raise ValueError("max_rows is a number of rows, at least 1")
        if self.url is not None and (self.sheet is not None or self.format not in (None, "table")):
            raise ValueError("a query gives a table: neither sheet nor another format goes with a url")

    @property
    def explained(self) -> Mapping[str, str]:
        """The list's own headings, including those of the preset."""
        return {**(PRESETS[self.preset] if self.preset else {}), **self.columns}

    @property
    def name(self) -> str:
        """The name in messages: the path, or the URL without the password."""
        return redact(self.url) if self.url is not None else str(self.path)
