"""A page of text for a terminal: headings, wrapped items and tables that never get wider than the screen.

Rich does layout and colour, and is imported when a page is made. Whatever is written is text from outside: it is made
printable here, once, and is never read as Rich's markup.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from reports.base import Screen
from reports.phrases import words
from reports.states import STATES, Axis, Tone
from scanner.text import printable

if TYPE_CHECKING:
    from rich.text import Text

T = TypeVar("T")

LABEL = 10
"""Columns that a label takes, the gap after it included."""
GAP = 2
NARROWEST = 12
"""What a column of flexible width never goes below, however narrow the screen."""

_ADDRESS = re.compile(r"[^@\s/:]+@[^@\s/:]+")

_STYLES: Mapping[Tone, str] = {
    "critical": "bold red",
    "bad": "red",
    "warn": "yellow",
    "unknown": "yellow",
    "good": "green",
}


class Heading(NamedTuple):
    """Of a table's column; width 0 takes what the others leave. With an axis, its cells are states of that axis."""

    text: str
    width: int
    axis: Axis | None = None


class Page:
    """Writes onto one screen; ``text`` gives it all."""

    def __init__(self, screen: Screen) -> None:
        from rich.console import Console

        self._longest = screen.longest
        self._unicode = screen.unicode
        self._dash = "─" if screen.unicode else "-"
        self._width = screen.width
        self._file = io.StringIO()
        self._console = Console(
            file=self._file,
            width=screen.width,
            height=1000,  # with both given, Rich asks no terminal for its size
            color_system="standard" if screen.color else None,
            force_terminal=screen.color,
            no_color=not screen.color,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )

    @property
    def text(self) -> str:
        """Everything written so far, without blanks at the ends of lines."""
        return "".join(f"{line.rstrip()}\n" for line in self._file.getvalue().split("\n")[:-1])

    def line(self, text: str = "", style: str = "") -> None:
        """A paragraph, wrapped."""
        self._console.print(self._styled(text, style), overflow="fold")

    def heading(self, text: str) -> None:
        """A blank line, and a title in a rule across the screen."""
        dash = self._dash
        self.line()
        self.line(f"{dash * 2} {text} ".ljust(self._width, dash), "bold")

    def item(self, label: str, lines: Iterable[str], *, axis: Axis | None = None, first: str = "bold") -> None:
        """A label in its own column, with an axis a state of it, and lines beside it; ``first`` styles the first."""
        from rich.table import Table

        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=LABEL - 1, no_wrap=True, overflow="crop")
        grid.add_column(width=max(self._width - LABEL, NARROWEST), overflow="fold")
        for number, line in enumerate(lines):
            grid.add_row(self._toned("" if number else label, axis, LABEL), self._styled(line, "" if number else first))
        self._console.print(grid)

    def shown(self, listed: Sequence[T]) -> Sequence[T]:
        """The first of a list, as many as the screen is for."""
        return listed[: self._longest]

    def more(self, listed: Sequence[Any], rest: str) -> None:
        """Say how many of a list were not shown, and how to get them, if any were not."""
        if left := len(listed) - len(self.shown(listed)):
            self.line(f"and {left:,} more: {rest}")

    def counts(self, label: str, counts: Iterable[str]) -> None:
        """A label and how many there are of each."""
        self.item(label, [(" · " if self._unicode else ", ").join(counts) or "none"], first="")

    def table(self, headings: Sequence[Heading], rows: Iterable[Sequence[str]]) -> None:
        """A table with a line for each row; what is too long is shortened in the middle, so that its end stays."""
        from rich.table import Table

        widths = self._widths([heading.width for heading in headings])
        grid = Table.grid(padding=(0, GAP, 0, 0))
        for width in widths:
            grid.add_column(width=width, no_wrap=True, overflow="crop")
        grid.add_row(*(self._styled(heading.text, "bold") for heading in headings))
        grid.add_row(*(self._dash * width for width in widths))
        for row in rows:
            cells = zip(row, headings, widths, strict=True)
            grid.add_row(*(self._toned(cell, heading.axis, width) for cell, heading, width in cells))
        self._console.print(grid)

    def _widths(self, asked: Sequence[int]) -> list[int]:
        """Every column's width; where the screen is too narrow for what is asked, all get less."""
        room, fixed = self._width - GAP * len(asked), sum(asked)
        share = min(1.0, max(room - NARROWEST, 0) / fixed)
        widths = [max(int(width * share), NARROWEST // 3) if width else 0 for width in asked]
        return [width or max(room - sum(widths), NARROWEST) for width in widths]

    def shortened(self, text: str, width: int) -> str:
        """The text in that many columns: beginning and end, with dots between; the end is the telling part.

        Of a mail address the beginning is.
        """
        from rich.cells import cell_len, set_cell_size

        safe = self._safe(text)
        if cell_len(safe) <= width:
            return safe
        dots = "…" if self._unicode else "..."
        head = set_cell_size(safe, width - len(dots) if _ADDRESS.fullmatch(safe) else width // 3).rstrip()
        tail = set_cell_size(safe[::-1], width - len(dots) - cell_len(head))[::-1]
        return head + dots + tail

    def _safe(self, text: str) -> str:
        safe = printable(text)
        return safe if self._unicode else safe.encode("ascii", "backslashreplace").decode("ascii")

    def _styled(self, text: str, style: str) -> Text:
        from rich.text import Text

        return Text(self._safe(text), style)

    def _toned(self, text: str, axis: Axis | None, width: int) -> Text:
        state = STATES[axis].get(text) if axis else None
        return self._styled(
            self.shortened(words(text) if axis else text, width), _STYLES.get(state.tone, "") if state else ""
        )
