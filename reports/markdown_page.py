"""A page of Markdown that ends before it is too long for a comment: tables are cut, and say what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports.base import Screen
from reports.markdown_text import code

LENGTH_TAKEN = 65_536
"""Characters in a comment on GitHub; the summary of a job takes more."""
_KEPT_FREE = 8_000
"""For what comes after the tables, and for their headings."""


class MarkdownPage:
    """Lines and tables; every text is Markdown already."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lines: list[str] = []
        self._left = LENGTH_TAKEN - _KEPT_FREE
        self._is_cut = False

    @property
    def text(self) -> str:
        """The page so far."""
        return "".join(f"{line}\n" for line in self._lines)

    @property
    def notices(self) -> tuple[str, ...]:
        """Whether a table had no room for all that it was given; the page itself says how many rows are missing."""
        return (f"it is cut to {LENGTH_TAKEN:,} characters, the most that a comment holds",) if self._is_cut else ()

    def line(self, text: str) -> None:
        """Add lines, whether or not there is room for them: few and short ones."""
        self._lines.append(text)
        self._left -= _length(text)

    def table(
        self, title: str | None, headings: Sequence[str], rows: Iterable[Iterable[str]], *, total: int, rest: str = ""
    ) -> None:
        """Add a table of as many rows as fit. ``total``: with those not even given; ``rest``: how to see them all."""
        self.line(f"\n### {title}\n" if title else "")
        self.line(_row(headings))
        self.line(_row(["---"] * len(headings)))
        shown = 0
        for row in map(_row, rows):
            if _length(row) > self._left:
                self._is_cut = True
                break
            self.line(row)
            shown += 1
        if shown < total:
            self.line(f"\nand {total - shown:,} more: {self.command(rest)}")

    def command(self, text: str) -> str:
        """A command to run, as code."""
        return code(self._screen.command(text))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _length(line: str) -> int:
    """With its line end, as those count who count in UTF-16."""
    return len(line.encode("utf-16-le", "replace")) // 2 + 1
