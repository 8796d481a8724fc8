"""Writes reports to files and to stdout: beside the target and renamed, readable by their owner alone."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from reports.base import VIEWS, Report, Screen, View
from reports.catalog import report_catalog
from scanner.cli.console import say, warn
from scanner.config import Config
from scanner.errors import UsageError, did_you_mean
from scanner.model import ScanResult

STDOUT = "-"
_PLACEHOLDER = re.compile(r"\{\w*\}")


class Output(Struct, frozen=True, kw_only=True):
    """A report to be written: how, which view, and where (``-`` is stdout)."""

    report: Report
    view: View
    path: str


def parse_output(text: str, view: str | None) -> Output:
    """``FORMAT:PATH``. Raises UsageError."""
    name, colon, path = text.partition(":")
    if not colon or not path:
        raise UsageError(f"-o {text} is not FORMAT:PATH", hint="such as html:report.html, or csv:- for stdout")
    return make_output(name, path, view)


def make_output(format_name: str, path: str, view: str | None) -> Output:
    """A report of that format; without a view, the format's own default. Raises UsageError."""
    report: Report = report_catalog().load(format_name)()
    if view is not None and view not in VIEWS:
        raise UsageError(
            f"there is no view called {view}",
            hint=did_you_mean(view, VIEWS) or f"there are: {', '.join(VIEWS)}",
        )
    return Output(report=report, view=view or report.default_view, path=path)


def plan_outputs(texts: Sequence[str], view: str | None, config: Config | None = None) -> list[Output]:
    """What ``-o`` asks for and the config's reports; with neither, the table on stdout."""
    planned = _configured(config) if config is not None else []
    planned += [parse_output(text, view) for text in texts]
    paths = [output.path for output in planned if output.path != STDOUT]
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise UsageError(f"two reports would be written to {twice}", hint="give each a path of its own")
    return planned or [make_output("table", STDOUT, view)]


def _configured(config: Config) -> list[Output]:
    planned = []
    for number, one in enumerate(config.reports):
        try:
            planned.append(make_output(one.format, str(one.path), one.view))
        except UsageError as error:
            raise config.document.problem(str(error), ("report", number), error.hint) from error
        if left := _PLACEHOLDER.search(str(one.path).replace("{date}", "")):
            place = ("report", number, "path")
            raise config.document.problem(f"{left[0]} stands for nothing", place, "{date} is the scan's day")
    return planned


def write_outputs(result: ScanResult, outputs: Sequence[Output]) -> None:
    """Write them all. Raises UsageError where some cannot be written, after the others have been."""
    failed: list[UsageError] = []
    for output in outputs:
        try:
            _write(result, output)
        except UsageError as error:
            failed.append(error)
    if failed:
        raise UsageError("\n".join(map(str, failed)), hint="choose another path, then: muster report -o …")


def _write(result: ScanResult, output: Output) -> None:
    if output.path == STDOUT:
        notices = _to_stdout(result, output)
    else:
        path = Path(output.path.replace("{date}", f"{result.scan.started_at:%Y-%m-%d}"))
        notices = _to_path(result, output, path)
        say(f"wrote {output.report.name} ({output.view}) to {path}")
    warn(f"{output.report.name}: {notice}" for notice in notices)


def stdout_screen() -> Screen:
    """What stdout can show: a terminal its width and colours, anything else 80 columns of plain text."""
    terminal = sys.stdout.isatty()
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return Screen(
        width=max(shutil.get_terminal_size().columns, 40) if terminal else 80,
        color=terminal and not os.environ.get("NO_COLOR"),
        unicode=encoding.startswith("utf"),
    )


def _to_stdout(result: ScanResult, output: Output) -> tuple[str, ...]:
    if sys.stdout.isatty() and output.report.name == "xlsx":
        raise UsageError("a workbook is no text for a terminal", hint="write it to a file: -o xlsx:PATH")
    return _through(result, output, sys.stdout.buffer, stdout_screen())


def _to_path(result: ScanResult, output: Output, path: Path) -> tuple[str, ...]:
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, never replaced; a folder refuses.
            with path.open("wb") as file:
                return _through(result, output, file, Screen())
        return _to_file(result, output, path.resolve())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _through(result: ScanResult, output: Output, stream: BinaryIO, screen: Screen) -> tuple[str, ...]:
    """Write to what may be a pipe: a workbook goes through memory, as its writer wants to seek."""
    buffer = BytesIO() if output.report.name == "xlsx" else stream
    notices = output.report.write(result, output.view, buffer, screen)
    if isinstance(buffer, BytesIO):
        stream.write(buffer.getvalue())
    stream.flush()
    return notices


def _to_file(result: ScanResult, output: Output, path: Path) -> tuple[str, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes it 0600: a report tells an attacker where to look.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            notices = output.report.write(result, output.view, file, Screen())
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return notices
