"""A page of text for a terminal: headings, wrapped items, and tables that fit the screen.

Rich measures, wraps and colors; it is imported when a page is made. All text is untrusted: it is made printable
here and is never interpreted as Rich's markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, islice
from typing import BinaryIO, NamedTuple, TypeVar

from reports.base import Screen
from reports.states import STATES, Axis, Tone
from scanner.rules.wording import words
from scanner.text import printable

T = TypeVar("T")

_TOGETHER = 1_000
"""Lines that are written together."""

LABEL = 10
"""Width of a label, with the gap after it."""
GAP = 2
INDENT = 6
"""Blanks before a cell below its row."""
NARROWEST = 12
"""Minimum width of a flexible column, if the screen has it."""

_ADDRESS = re.compile(r"[^@\s/:]+@[^@\s/:]+")

_STYLES: Mapping[Tone, str] = {
    "critical": "bold red",
    "bad": "red",
    "warn": "yellow",
    "unknown": "yellow",
    "good": "green",
}


class Heading(NamedTuple):
    """A column's heading. Width 0 takes the remaining space. With an axis, its cells are states of that axis.

    ``least``: the width of screens that have room for the column. ``below``: its cells are long and needed whole, so
    that they are wrapped below the rest of the row.
    """

    text: str
    width: int
    axis: Axis | None = None
    least: int = 0
    below: bool = False


class TerminalPage:
    """A page for one screen, as ``text``; with ``out``, it is written there while it grows, and ``close`` ends it."""

    def __init__(self, screen: Screen, out: BinaryIO | None = None) -> None:
        from rich.color import ColorSystem
        from rich.console import Console

        self._screen = screen
        self._longest = screen.longest
        self._unicode = screen.unicode
        self._dash = "─" if screen.unicode else "-"
        self._width = screen.width
        self._colors = ColorSystem.STANDARD if screen.color else None
        self._console = Console(width=screen.width, height=1000)  # with both given, Rich does not query the terminal
        self._lines: list[str] = []
        self._out = out

    @property
    def text(self) -> str:
        """The page so far, without trailing blanks."""
        return "".join(f"{line.rstrip()}\n" for line in self._lines)

    @property
    def bullet(self) -> str:
        """What begins an item of a list."""
        return "•" if self._unicode else "*"

    def close(self) -> None:
        """Write the rest."""
        if self._out is not None:
            self._out.write(self.text.encode())
            self._lines.clear()

    def line(self, text: str = "", style: str = "") -> None:
        """A paragraph, wrapped."""
        self._lines += (self._painted(line, style) for line in self._wrapped(text, self._width))

    def heading(self, text: str) -> None:
        """A blank line, and a title in a rule across the screen."""
        dash = self._dash
        self.line()
        self.line(f"{dash * 2} {text} ".ljust(self._width, dash), "bold")

    def item(self, label: str, lines: Iterable[str], *, axis: Axis | None = None, first: str = "bold") -> None:
        """A label (with an axis, a state of it) with lines beside it; ``first`` is the style of the first line."""
        if len(self._lines) >= _TOGETHER:
            self.close()
        beside = self._cell(label, axis, LABEL, LABEL - 1)
        for number, line in enumerate(lines):
            for part in self._wrapped(line, max(self._width - LABEL, NARROWEST)):
                self._lines.append(f"{beside} {self._painted(part, '' if number else first)}")
                beside = " " * (LABEL - 1)

    def shown(self, listed: Sequence[T]) -> Sequence[T]:
        """The part of a list that the screen shows."""
        return listed[: self._longest]

    def first(self, listed: Iterable[T]) -> Iterable[T]:
        """Like :meth:`shown`, for a list that is not in memory."""
        return islice(listed, self._longest)

    def more(self, listed: int, command: str) -> None:
        """Add a line with the number of hidden rows of a list of that length, and any command that shows them."""
        left = 0 if self._longest is None else listed - self._longest
        if left > 0:
            self.hint(f"and {left:,} more", command)

    def hint(self, text: str, command: str, *, indent: int = 0, apart: bool = False) -> None:
        """A command to run, with its purpose; on a separate line with ``apart``, or if it does not fit.

        It is never wrapped, so that it can be copied.
        """
        command = self._safe(self._screen.command(command))
        if not apart and indent + len(text) + len(command) + len(": ") <= self._width:
            self._lines.append(f"{' ' * indent}{self._safe(text)}: {command}")
            return
        self._lines += (" " * indent + part for part in self._wrapped(f"{text}:", self._width - indent))
        self._lines.append(f"{' ' * min(indent, GAP)}{' ' * GAP}{command}")

    def command(self, text: str) -> None:
        """A line of a script, which is never wrapped, so that it can be copied."""
        self._lines.append(f"{' ' * GAP}{self._safe(text)}")

    def counts(self, label: str, counts: Iterable[str]) -> None:
        """A label with counts by state."""
        self.item(label, [(" · " if self._unicode else ", ").join(counts) or "none"], first="")

    def table(self, headings: Sequence[Heading], rows: Iterable[Sequence[str]]) -> None:
        """A table with a line for each row. Long texts are shortened in the middle, so that their end stays.

        Cells below their row are wrapped. Columns for wider screens are left out, here and of each row.
        """
        below = [heading.below for heading in headings]
        fits = [heading.least <= self._width and not heading.below for heading in headings]
        texts_below = [heading.text for heading in compress(headings, below)]
        headings = tuple(compress(headings, fits))
        widths = self._widths([heading.width for heading in headings])
        gap = " " * GAP
        named = zip(headings, widths, strict=True)
        self._lines.append(gap.join(self._fitted(heading.text, width, "bold") for heading, width in named))
        self._below(texts_below, "bold")
        self._lines.append(gap.join(self._dash * width for width in widths))
        for row in rows:
            if len(self._lines) >= _TOGETHER:
                self.close()
            cells = zip(compress(row, fits), headings, widths, strict=True)
            self._lines.append(gap.join(self._cell(cell, heading.axis, width, width) for cell, heading, width in cells))
            self._below(compress(row, below))

    def _below(self, texts: Iterable[str], style: str = "") -> None:
        for text in filter(None, texts):
            for part in self._wrapped(text, self._width - INDENT):
                self._lines.append(f"{' ' * INDENT}{self._painted(part, style)}")

    def _widths(self, asked: Sequence[int]) -> list[int]:
        """The width of each column; on a narrow screen, all get less."""
        room, fixed = self._width - GAP * len(asked), sum(asked)
        share = min(1.0, max(room - NARROWEST, 0) / fixed)
        widths = [max(int(width * share), NARROWEST // 3) if width else 0 for width in asked]
        left = room - sum(widths)
        return [
            width or max(left, min(NARROWEST, left + GAP)) for width in widths
        ]  # there is no gap after the last column

    def shortened(self, text: str, width: int) -> str:
        """The text in that many columns: beginning and end, with dots between.

        The end is longer, but for e-mail addresses the beginning.
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

    def _wrapped(self, text: str, width: int) -> Iterable[str]:
        """Lines of that width, broken between words, or inside a longer word."""
        from rich.cells import cell_len
        from rich.text import Text

        safe = self._safe(text)
        if cell_len(safe) <= width:
            return (safe,)
        return (line.plain for line in Text(safe).wrap(self._console, width, overflow="fold"))

    def _cell(self, text: str, axis: Axis | None, longest: int, width: int) -> str:
        """A cell: with an axis, a state in its color; shortened to ``longest``, and padded to the width."""
        state = STATES[axis].get(text) if axis else None
        short = self.shortened(words(text) if axis else text, longest)
        return self._fitted(short, width, _STYLES.get(state.tone, "") if state else "")

    def _fitted(self, text: str, width: int, style: str) -> str:
        """Cut or padded to the width. The padding has no style."""
        from rich.cells import cell_len, set_cell_size

        cut = self._safe(text)
        blanks = width - cell_len(cut)
        if blanks < 0:
            cut, blanks = set_cell_size(cut, width), 0
        return self._painted(cut, style) + " " * blanks

    def _painted(self, text: str, style: str) -> str:
        from rich.style import Style

        return Style.parse(style).render(text, color_system=self._colors) if style else text
