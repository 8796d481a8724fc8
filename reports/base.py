"""The report contract: a result and a view in, bytes out."""

from __future__ import annotations

from typing import BinaryIO, ClassVar, Literal, Protocol, TypeAlias, get_args

from msgspec import Struct

from scanner.model import ScanResult

View: TypeAlias = Literal[
    "all", "orphans", "unregistered", "findings", "inventory", "registry", "credentials", "coverage"
]
VIEWS: tuple[View, ...] = get_args(View)
BOARD = "board"
"""Chosen as a view is, but it is a page of its own, which only some formats have: see ``reports.board.formats``."""


class Screen(Struct, frozen=True, kw_only=True):
    """What the output can show; files are plain and 80 columns wide.

    ``longest``: of a list so many are shown, the first; None: all, as for whoever searches a file or a pipe.
    ``options``: what a printed command needs to be about the same scan, such as ``" --config prod/config.toml"``.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True
    longest: int | None = None
    options: str = ""

    def command(self, text: str) -> str:
        """A command of Muster's, to be run as it is printed."""
        return f"{text}{self.options}"


class Report(Protocol):
    """A format. ``write`` is pure but for ``out``: same result and view, same bytes.

    Everything in the result comes from outside and is hostile: each format escapes what could act in it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    default_view: ClassVar[View]
    extra: ClassVar[str | None]

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the whole report; returns notices about what could not be shown in full (a cut cell)."""
        ...
