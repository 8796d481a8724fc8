"""Write reports to files and stdout. A file is written beside its target and renamed, readable by its owner only."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reports.base import BOARD, VIEWS, Report, Screen, View
from reports.catalog import report_catalog
from scanner.cli.calls import options_given, program
from scanner.cli.console import say, warn
from scanner.config.load import Config
from scanner.errors import RegistryError, UsageError, did_you_mean
from scanner.model import ActivityPolicy, ScanResult
from scanner.notify.links import start_page
from scanner.safe_files import in_place_of, real_path

if TYPE_CHECKING:
    from scanner.registry.lists import ListSource
    from scanner.store.store import Store


STDOUT = "-"
LISTED = 200
"""Maximum rows of a list on a terminal: 100,000 rows take a minute to scroll."""
_NO_TEXT: Mapping[str, str] = {"xlsx": "a workbook", "evidence": "a zip"}
READABLE = frozenset({"prometheus"})
"""Formats without names, only counts, that every user of the machine may read."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9@._-]+")
_PLACEHOLDER = re.compile(r"\{\w*\}")


Write: TypeAlias = Callable[[BinaryIO, Screen], tuple[str, ...]]
"""Writes a document; returns notices about content that was cut."""


class Delivery(Struct, frozen=True, kw_only=True):
    """A document to write. ``title``: its name in messages. ``path``: ``-`` is stdout."""

    format: str
    title: str
    path: str
    write: Write


class Output(Struct, frozen=True, kw_only=True):
    """A report to write. ``shows``: the view's name in messages. ``path``: ``-`` is stdout."""

    report: Report
    view: View
    shows: str
    path: str


def parse_output(text: str, view: str | None) -> Output:
    """Parse ``FORMAT:PATH``. Raises UsageError."""
    return make_output(*split_output(text), view)


_ENDINGS: Mapping[str, tuple[str, ...]] = {
    ".xlsx": ("xlsx",),
    ".csv": ("csv", "splunk"),
    ".html": ("html",),
    ".json": ("json", "sarif", "ocsf", "opengraph"),
    ".ndjson": ("ndjson", "ocsf"),
    ".jsonl": ("ndjson", "ocsf"),
    ".md": ("markdown",),
    ".sarif": ("sarif",),
    ".zip": ("evidence",),
    ".prom": ("prometheus",),
    ".graphml": ("graphml",),
    ".dot": ("dot",),
    ".gv": ("dot",),
}
"""Formats by file extension. Other extensions fit every format."""
_WITH_ENDING = frozenset({"table", *chain.from_iterable(_ENDINGS.values())})


def refuse_other_ending(format_name: str, path: str) -> None:
    """Raises UsageError if the file extension is that of another format, since programs open files by it."""
    promised = _ENDINGS.get(Path(path).suffix.lower(), (format_name,))
    if format_name in _WITH_ENDING and format_name not in promised:
        raise UsageError(
            f"{path} would contain {format_name}, but its extension is that of {promised[0]}",
            hint=f"-o {promised[0]}:{path}, or another extension",
        )


def split_output(text: str) -> tuple[str, str]:
    """Split ``FORMAT:PATH``. Raises UsageError."""
    name, colon, path = text.partition(":")
    if not colon or not path:
        raise UsageError(f"-o {text} is not FORMAT:PATH", hint="such as html:report.html, or csv:- for stdout")
    refuse_other_ending(name, path)
    return name, path


def make_output(format_name: str, path: str, view: str | None) -> Output:
    """An output in that format; the default view depends on the format. Raises UsageError."""
    if view == BOARD:
        return Output(report=_board(format_name), view="all", shows=BOARD, path=path)
    report: Report = report_catalog().load(format_name)()
    if view is not None and view not in VIEWS:
        views = (*VIEWS, BOARD)
        raise UsageError(
            f"there is no view called {view}", hint=did_you_mean(view, views) or f"views: {', '.join(views)}"
        )
    shown = view or report.default_view
    return Output(report=report, view=shown, shows=shown, path=path)


def _board(format_name: str) -> Report:
    from reports.board.formats import BOARD_FORMATS

    if format_name not in BOARD_FORMATS:
        report_catalog().load(format_name)  # raises for an unknown format
        raise UsageError(f"{format_name} has no {BOARD} view", hint=f"these have: {', '.join(BOARD_FORMATS)}")
    return BOARD_FORMATS[format_name]()


def plan_outputs(
    texts: Sequence[str], view: str | None, config: Config | None = None, *, page: bool = True
) -> list[Output]:
    """The outputs of the config and of ``-o``; by default the table on stdout, with ``page``."""
    planned = configured_outputs(config) if config is not None else []
    planned += [parse_output(text, view) for text in texts]
    refuse_one_path_twice([output.path for output in planned])
    shown = make_output("table", STDOUT, view)  # also without a page, for an unknown view is an error
    return planned or ([shown] if page else [])


def plan_formats(texts: Sequence[str], formats: Sequence[str], what: str) -> list[tuple[str, str]]:
    """Formats and paths of ``-o`` for a report with a fixed list of formats; by default the table on stdout.

    Raises UsageError.
    """
    planned = [split_output(text) for text in texts]
    for name, _ in planned:
        if name not in formats:
            raise UsageError(
                f"{what} has no format {name}",
                hint=did_you_mean(name, formats) or f"formats: {', '.join(formats)}",
            )
    refuse_one_path_twice([path for _, path in planned])
    return planned or [("table", STDOUT)]


def refuse_one_path_twice(paths: Sequence[str]) -> None:
    """Raises UsageError if two outputs are one file, however it is written. Stdout takes several."""
    written: dict[str, str] = {}
    for path in paths:
        if path == STDOUT:
            continue
        if (file := os.path.realpath(path)) in written:
            also = "" if written[file] == path else f", which is {written[file]}"
            raise UsageError(f"two reports would be written to {path}{also}", hint="give each report its own path")
        written[file] = path


def configured_outputs(config: Config) -> list[Output]:
    """The reports of ``[[report]]``. Raises ConfigError, which names the line."""
    planned = []
    for number, one in enumerate(config.reports):
        try:
            refuse_other_ending(one.format, str(one.path))
            planned.append(make_output(one.format, str(one.path), one.view))
        except UsageError as error:
            raise config.document.problem(str(error), ("report", number), error.hint) from error
        if left := _PLACEHOLDER.search(str(one.path).replace("{date}", "")):
            place = ("report", number, "path")
            raise config.document.problem(f"{left[0]} is not a placeholder", place, "{date} is the scan's date")
    return planned


def offering(outputs: Sequence[Output], people: Sequence[ListSource], page: str | None = None) -> list[Output]:
    """The outputs; workbooks get a list of active people on the roster to choose owners from, and a link to ``page``.

    A roster that cannot be read only gives a warning: the orphans are the same without it.
    """
    from reports.xlsx.report import XlsxReport
    from scanner.registry.roster.people import load_people

    if not (people or page) or not any(isinstance(output.report, XlsxReport) for output in outputs):
        return list(outputs)
    try:
        loaded = load_people(people, strict=False)
    except RegistryError as error:
        warn([f"workbooks have no list of owners to choose from: {error}"])
        offered = []
    else:
        roster = loaded.roster(datetime.now(UTC).date())
        offered = sorted((one.email, one.name or "", one.team or "") for one in loaded.people if roster.is_active(one))
    return [
        replace(output, report=XlsxReport(people=offered, page=start_page(page)))
        if isinstance(output.report, XlsxReport)
        else output
        for output in outputs
    ]


SINCE = frozenset({"html"})
"""Formats that also show the changes since the scan before."""


def with_changes_shown(
    store: Store, result: ScanResult, outputs: Sequence[Output], activity: ActivityPolicy
) -> ScanResult:
    """The stored result with the changes since the scan before, if one of the outputs shows them."""
    from scanner.app.changes import with_since

    board = any(output.shows == BOARD for output in outputs)
    if board:
        result = replace(result, trends=store.trends(result.scan.id))
    wanted = board or any(output.report.name in SINCE for output in outputs)
    return with_since(store, result, shares=board, activity=activity) if wanted else result


_ON_THE_REGISTRY: Mapping[View, str] = {
    "orphans": "nobody's ownership was checked",
    "unregistered": "no identity's registration was checked",
    "registry": "nothing is declared",
}
"""Views that are empty without a registry, and why."""


def write_outputs(result: ScanResult, outputs: Sequence[Output]) -> None:
    """Write all outputs. If some fail, the others are still written, then raises UsageError."""
    for shown in dict.fromkeys(one.view for one in outputs if one.report.name != "table"):
        if shown in _ON_THE_REGISTRY and _has_no_registry(result):
            why = f"the view {shown} is empty: no registry was given, so {_ON_THE_REGISTRY[shown]}"
            warn([f"{why}; `--view inventory` has every identity"])
    deliver(
        [
            Delivery(
                format=output.report.name,
                title=f"{output.report.name} ({output.shows})",
                path=output.path.replace("{date}", f"{result.scan.started_at:%Y-%m-%d}"),
                write=partial(output.report.write, result, output.view),
            )
            for output in outputs
        ],
        hint="choose another path, then: `muster report -o FORMAT:PATH`",
    )


def _has_no_registry(result: ScanResult) -> bool:
    from reports.summary import Digest

    if result.entries or not result.identities:
        return False
    return Digest(result).states["registry"]["unchecked"] == len(result.identities)


class FileNames:
    """Names for the files of several people. Names that would be the same file get numbers."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """A file name without its extension, for a name that comes from outside."""
        plain = _NOT_IN_A_NAME.sub("-", name).strip(".-")[:80] or "x"
        free, number = plain, 1
        while free.casefold() in self._taken:
            number += 1
            free = f"{plain}-{number}"
        self._taken.add(free.casefold())
        return free


def deliver(deliveries: Sequence[Delivery], *, hint: str) -> None:
    """Write all documents. If some fail, the others are still written, then raises UsageError with the hint."""
    failed: list[UsageError] = []
    for delivery in deliveries:
        try:
            _deliver(delivery)
        except UsageError as error:
            failed.append(error)
    if failed:
        raise UsageError("\n".join(map(str, failed)), hint=hint)


def _deliver(delivery: Delivery) -> None:
    if delivery.path == STDOUT:
        if sys.stdout.isatty() and delivery.format in _NO_TEXT:
            wrong = f"{_NO_TEXT[delivery.format]} cannot be printed on a terminal"
            raise UsageError(wrong, hint=f"write it to a file: -o {delivery.format}:PATH")
        notices = _through(delivery, sys.stdout.buffer, stdout_screen())
    else:
        notices = _to_path(delivery, Path(delivery.path))
        say(f"wrote {delivery.title} to {delivery.path}")
    warn(f"{delivery.format}: {notice}" for notice in notices)


def stdout_screen() -> Screen:
    """The screen of stdout: a terminal has its width, colors, and cut lists.

    Anything else gets 80 columns of plain text with complete lists, for pagers and searches.
    """
    terminal = sys.stdout.isatty()
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return Screen(
        width=max(shutil.get_terminal_size().columns, 40) if terminal else 80,
        color=terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        unicode=encoding.startswith("utf"),
        longest=LISTED if terminal else None,
        options=options_given,
        program=program(),
    )


def file_screen() -> Screen:
    """The screen for files."""
    return Screen(options=options_given)


def _to_path(delivery: Delivery, path: Path) -> tuple[str, ...]:
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, not replaced, unless another user made it. A folder raises.
            real_path(path)
            with path.open("wb") as file:
                return _through(delivery, file, file_screen())
        return _to_file(delivery, real_path(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _through(delivery: Delivery, stream: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """Write to a stream that may be a pipe. A workbook is built in memory, because its writer seeks."""
    buffer = BytesIO() if delivery.format == "xlsx" else stream
    notices = delivery.write(buffer, screen)
    if isinstance(buffer, BytesIO):
        stream.write(buffer.getvalue())
    stream.flush()
    return notices


def _to_file(delivery: Delivery, path: Path) -> tuple[str, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by its owner only: a report shows an attacker where to look.
    with in_place_of(path, mode=0o644 if delivery.format in READABLE else 0o600) as file:
        return delivery.write(file, file_screen())
