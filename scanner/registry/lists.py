"""Which files a path stands for: itself, those of a folder, or those that fit a pattern."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.redaction.redact import SecretRef, redact
from scanner.registry.tables.cells import DateOrder, read_list

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


# --- Where declared lists come from, as the config names them: a file or folder, or a query to a database ---

Format: TypeAlias = Literal["table", "backstage", "terraform", "scim", "entra", "a2a", "mcp"]


LONGEST_QUERY = 86_400
"""Seconds; what takes a day is not done by the next night."""


Preset: TypeAlias = Literal["servicenow", "cyberark", "sharepoint"]
PRESETS: Mapping[Preset, Mapping[str, str]] = msgspec.toml.decode(
    files("scanner.registry").joinpath("presets.toml").read_bytes(), type=dict[Preset, dict[str, str]]
)
"""What headings mean in the exports of other programs."""


class ListSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[registry]]`` or ``[[people]]``: a ``path``, or a ``url`` (SQLAlchemy's) with a ``query``.

    ``path``: a file, a folder, or a pattern (``repos/*/catalog-info.yaml``). ``format``: None tells it by the file
    itself. ``sheet``: of a workbook; None takes the first whose headings fit. ``columns``: headings that need
    explaining, each with the column it means. ``preset``: whose export it is. ``dates``: what 03/04/2026 is.
    ``password``: of the url's user. ``timeout``: seconds until the last row of a query must be there. ``max_rows``:
    how many it may have.
    """

    path: Path | None = None
    format: Format | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = {}
    preset: Preset | None = None
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
        """The headings that need explaining, those of the preset included."""
        return {**(PRESETS[self.preset] if self.preset else {}), **self.columns}

    @property
    def name(self) -> str:
        """What messages call it: its path, or the url without any password."""
        return redact(self.url) if self.url is not None else str(self.path)


# --- Whom a cell of owners names, as people fill such cells in ---

_NOBODY = frozenset(
    {
        "", "-", "--", "?", "??", "???", "n/a", "na", "none", "nobody", "nil", "null", "tba", "tbc", "tbd",
        "to be assigned", "to be confirmed", "to be decided", "to be determined", "to do", "todo", "open",
        "unknown", "unassigned", "not assigned", "not known", "no owner", "vacant", "pending",
    }
)  # fmt: skip
_EMAIL = re.compile(r"[^\s,/&@]+@[^\s,/&@]+")
# SharePoint's look-ups: 12;#Jane Doe;#13;#John Smith, each with the number of its row.
_LOOKED_UP = re.compile(r"\d{1,9};#")
_NEXT_LOOKED_UP = re.compile(r";#(?:\d{1,9};#)?")

SEPARATE = "separate them by ;"
"""What to do about several who are written as one."""


def read_owners(cell: Any) -> tuple[str, ...]:
    """The owners of a cell, as :func:`read_list` reads one; SharePoint's look-ups without their numbers."""
    if isinstance(cell, str) and _LOOKED_UP.match(cell):
        cell = _NEXT_LOOKED_UP.sub(";", _LOOKED_UP.sub("", cell, count=1))
    return read_list(cell)


def named(items: Iterable[str]) -> tuple[str, ...]:
    """Those of the items that are somebody: ``TBD`` and the like say that nobody is."""
    return tuple(item for item in items if not says_nobody(item))


def says_nobody(item: str) -> bool:
    """Whether it says that nobody is named yet, in so many words."""
    return " ".join(item.lower().split()).strip(" .!()[]<>*") in _NOBODY


def are_several(item: str) -> bool:
    """Whether one item holds several e-mails (``ada@x.org, bob@x.org``), and so is read as nobody's."""
    return item.count("@") > 1 and len(_EMAIL.findall(item)) > 1
