"""The formats with a board's page."""

from __future__ import annotations

from collections.abc import Mapping

from reports.base import Report
from reports.board.document import BoardDocument
from reports.board.page import BoardPage
from reports.board.text import BoardText

BOARD_FORMATS: Mapping[str, type[Report]] = {one.name: one for one in (BoardText, BoardPage, BoardDocument)}
"""Reports by format."""
