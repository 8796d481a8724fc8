"""The formats with a board's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, ClassVar

from msgspec.structs import asdict

from reports.base import Report, Screen, View
from reports.board.numbers import board
from reports.board.page import BoardPage
from reports.board.text import BoardText
from reports.json import encoded
from reports.summary import Digest
from scanner.model import ScanResult

# --- Its numbers for programs, ``muster.board/1`` ---

SCHEMA = "muster.board/1"
SCAN = ("id", "started_at", "finished_at", "version")
"""Fields of the scan in the document, without its inputs, such as the config."""


class BoardDocument:
    """One JSON document: every number that the page shows, and all teams."""

    name: ClassVar[str] = "json"
    title: ClassVar[str] = "the board's numbers for programs"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the document on one line."""
        del view, screen
        numbers: dict[str, Any] = asdict(board(result))
        scan = {name: getattr(result.scan, name) for name in SCAN}
        out.write(encoded({"schema": SCHEMA, "scan": scan, "gaps": len(Digest(result).gaps), **numbers}) + b"\n")
        return ()


BOARD_FORMATS: Mapping[str, type[Report]] = {one.name: one for one in (BoardText, BoardPage, BoardDocument)}
"""Reports by format."""
