"""Where declared lists come from, as the config names them: a file or folder, or a query to a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.redact import SecretRef

Format: TypeAlias = Literal["table", "backstage", "terraform", "scim", "entra", "a2a", "mcp"]
DateOrder: TypeAlias = Literal["day-first", "month-first"]


class ListSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[registry]]`` or ``[[people]]``: a ``path``, or a ``url`` (SQLAlchemy's) with a ``query``.

    ``format``: None tells it by the file itself. ``sheet``: of a workbook; None takes the first whose headings fit.
    ``columns``: headings that need explaining, each with the column it means. ``dates``: what 03/04/2026 is.
    """

    path: Path | None = None
    format: Format | None = None
    sheet: str | None = None
    columns: Mapping[str, str] = {}
    dates: DateOrder | None = None
    url: str | None = None
    query: str | None = None
    password: SecretRef | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.url is None):
            raise ValueError("a list needs either a path or a url with a query")
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query go together")

    @property
    def name(self) -> str:
        """What messages call it: its path, or the url, which holds no password."""
        return str(self.path or self.url)
