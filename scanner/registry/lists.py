"""Where declared lists come from, as the config names them: a file or folder, or a query to a database."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from scanner.redact import SecretRef, redact
from scanner.tables.cells import DateOrder

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
