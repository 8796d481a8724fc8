"""The interface of reports: a result and a view in, bytes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, ClassVar, Literal, Protocol, TypeAlias, get_args

from msgspec import Struct

from scanner.model import ScanResult

View: TypeAlias = Literal[
    "all",
    "orphans",
    "unregistered",
    "agents",
    "findings",
    "inventory",
    "registry",
    "credentials",
    "exposed",
    "coverage",
]
VIEWS: tuple[View, ...] = get_args(View)
BOARD = "board"
"""A value of ``--view`` for a separate page that some formats have: see ``reports.board.formats``."""


class Screen(Struct, frozen=True, kw_only=True):
    """The capabilities of the output; files are plain and 80 columns wide.

    ``longest``: maximum rows of a list; None: all, as in files and pipes. ``options``: what a printed command needs to
    use the same scan, such as ``" --config prod/config.toml"``. ``program``: how to call Muster.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True
    longest: int | None = None
    options: Callable[[str], str] = lambda _command: ""
    program: str = "muster"

    def command(self, text: str) -> str:
        """A command that can be run as printed."""
        program, _, rest = text.partition(" ")
        called = f"{self.program} {rest}" if program == "muster" else text
        return f"{called}{self.options(text)}"


class Report(Protocol):
    """A format. ``write`` is pure except for ``out``: the same result and view give the same bytes.

    A format with ``streams = True`` reads no list of the result more than a few times, and keeps none. Its result may
    have lists that are read from the store while it writes: see ``scanner.model.stored``.

    All text in the result is untrusted: each format escapes what it could interpret.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    default_view: ClassVar[View]
    extra: ClassVar[str | None]

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the whole report; returns notices about content that was cut, such as a long cell."""
        ...


def streams(report: Report) -> bool:
    """Whether the format reads each list a few times at most."""
    return bool(getattr(report, "streams", False))
