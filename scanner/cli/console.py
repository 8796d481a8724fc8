"""Output on stderr: the log, warnings, errors and progress. Only data goes to stdout."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

import click

from scanner.cli.calls import as_called
from scanner.errors import MusterError
from scanner.model import GAPS
from scanner.redaction.redact import RedactingFilter, redact
from scanner.text import counted, printable

if TYPE_CHECKING:
    from scanner.discovery.inventory import ScopeReading
    from scanner.discovery.logs import FullObserver
    from scanner.model.activity import UnitReading


PROBLEMS_SHOWN = 100
"""The number of lines of an error that are printed, such as problems of a file."""

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""Whether the command says nothing unless something is wrong."""
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_PLACES = ("source", "scope", "log", "channel", "person", "client")
"""Additional keys of a JSON line, from the log's ``extra``."""
_TOLD_EVERY = 10.0
"""Seconds between two lines about something that takes long."""
_CHATTY = ("botocore", "boto3", "urllib3", "hvac", "uvicorn", "azure", "msal")


class _TextFormatter(logging.Formatter):
    """One line for each record, without control characters; a traceback follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"muster: {record.levelname.lower()}: {printable(record.getMessage())}"
        return f"{text}\n{record.exc_text}" if record.exc_text else text


class _JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: redact(str(place)) for name in _PLACES if (place := getattr(record, name, None)) is not None}
        if record.exc_text:
            entry["traceback"] = record.exc_text
        return json.dumps(entry)


def set_up_logging(verbose: int, log_format: str) -> None:
    """Log to stderr with masked secrets. Libraries log at ``-vv`` only. Ends ``--quiet`` of an earlier command."""
    _quiet.set(False)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _TextFormatter())
    logging.basicConfig(level=_LEVELS[min(verbose, 2)], handlers=[handler], force=True)
    logging.captureWarnings(log_format == "json")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.INFO if verbose > 1 else logging.ERROR)


def print_error(error: MusterError) -> None:
    """Print an error and its hint."""
    message, hint = as_called(str(error)), error.hint and as_called(error.hint)
    if structured():
        _emit("error", message, hint=hint)
        return
    lines = redact(message).splitlines() or [type(error).__name__]
    click.echo("muster: " + "\n".join(printable(line) for line in lines[:PROBLEMS_SHOWN]), err=True)
    if len(lines) > PROBLEMS_SHOWN:
        click.echo(f"and {len(lines) - PROBLEMS_SHOWN} more", err=True)
    if hint:
        click.echo(f"  → {printable(redact(hint))}", err=True)


def warn(messages: Iterable[str]) -> None:
    """Print warnings, one per line."""
    for message in map(as_called, messages):
        if structured():
            _emit("warning", message)
        else:
            click.echo(f"muster: warning: {printable(redact(message))}", err=True)


def keep_quiet(quiet: bool) -> None:
    """Print notes only if something is wrong, with ``--quiet``."""
    _quiet.set(quiet)


def is_quiet() -> bool:
    """Whether ``--quiet`` was given."""
    return _quiet.get()


@contextmanager
def warned_at_the_end(messages: Sequence[str]) -> Iterator[None]:
    """Print warnings below what is printed meanwhile, also if that fails."""
    try:
        yield
    finally:
        warn_together(messages)


def warn_together(messages: Sequence[str]) -> None:
    """Print warnings, alike ones together, at 80 columns."""
    if structured():
        warn(messages)
    else:
        for line in chain.from_iterable(map(_alike_lines, _alike(messages).items())):
            click.echo(line, err=True)


def _alike(messages: Iterable[str]) -> dict[str, list[str]]:
    """Warnings by what they have in common, in the order of the first: their words without places and names."""
    found: dict[str, list[str]] = {}
    for message in messages:
        shown = printable(redact(as_called(message)))
        found.setdefault(_kind_of(shown), []).append(shown)
    return found


_PLACE = re.compile(r"^\S+:\d+: ")
_NAME = re.compile(r"[^\s]*[^A-Za-z\s,;:.()'][^\s]*")
"""A word with a sign or a digit in it, which names something."""


def _kind_of(message: str) -> str:
    return " ".join("…" if _NAME.fullmatch(word) else word for word in _PLACE.sub("", message).split())


def _alike_lines(group: tuple[str, list[str]]) -> Iterator[str]:
    kind, messages = group
    if len(messages) == 1:
        yield from _wrapped(f"muster: warning: {messages[0]}", "  ")
        return
    yield from _wrapped(f"muster: warning: {len(messages):,} times: {kind}", "  ")
    for message in messages[:PROBLEMS_SHOWN]:
        yield from _wrapped(f"  {message}", "    ")
    if len(messages) > PROBLEMS_SHOWN:
        yield f"  and {len(messages) - PROBLEMS_SHOWN:,} more"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, 80, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def say(message: str, *, wrong: bool = False) -> None:
    """Print a note on stderr; with ``--quiet`` only if something is ``wrong``."""
    if is_quiet() and not wrong:
        return
    message = as_called(message)
    if structured():
        _emit("info", message)
    else:
        click.echo(printable(message), err=True)


def structured() -> bool:
    """Whether stderr has one JSON object per line."""
    return any(isinstance(handler.formatter, _JsonFormatter) for handler in logging.getLogger().handlers)


def _emit(level: str, message: str, **more: str | None) -> None:
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "logger": "muster",
        "message": redact(message),
    }
    entry |= {name: redact(text) for name, text in more.items() if text}
    click.echo(json.dumps(entry), err=True)


class _Lines:
    """Progress without a terminal: a log line for each scope at ``-v``."""

    def planned(self, source: str, scopes: int) -> None:
        logging.getLogger("muster").info(
            "%s: %s to read", source, counted(scopes, "scope", "scopes"), extra={"source": source}
        )

    def done(self, reading: ScopeReading) -> None:
        logging.getLogger("muster").info("%s", _line(reading), extra={"source": reading.source, "scope": reading.scope})

    def units_planned(self, name: str, units: int) -> None:
        logging.getLogger("muster").info("%s: %s to read", name, counted(units, "unit", "units"), extra={"log": name})

    def unit_read(self, reading: UnitReading) -> None:
        logging.getLogger("muster").info("%s", _unit_line(reading), extra={"log": reading.unit.log})


def _unit_line(reading: UnitReading) -> str:
    line = f"{reading.unit.log} {reading.unit.name}: {counted(reading.events, 'event', 'events')}"
    gaps = sum(day.status in GAPS for day in reading.coverage)
    return f"{line}, {counted(gaps, 'gap', 'gaps')}" if gaps else line


def _line(reading: ScopeReading) -> str:
    calls = sum(record.calls for record in reading.coverage)
    gaps = sum(record.is_gap for record in reading.coverage)
    identities = counted(reading.found, "identity", "identities")
    line = f"{reading.source} {reading.scope}: {identities}, {counted(calls, 'call', 'calls')}"
    return f"{line}, {counted(gaps, 'gap', 'gaps')}" if gaps else line


@contextmanager
def progress(quiet: bool) -> Iterator[FullObserver]:
    """An observer for a scan: a bar on a terminal, log lines elsewhere."""
    if quiet or structured() or not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Bar(bars)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A callback that shows how many of all are done; without a terminal, as :func:`telling`."""
    if structured() or is_quiet() or not sys.stderr.isatty():
        yield telling(what)
        return
    from rich.console import Console

    with Console(stderr=True, no_color="NO_COLOR" in os.environ).status(f"{what} …") as status:
        yield lambda done, total: status.update(f"{what}: {done:,} of {total:,}")


def telling(what: str) -> Callable[[int, int], None]:
    """A callback that says how many of all are done: at the start, every few seconds, and at the end."""
    told: float | None = None

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if told is None or done in (0, total) or now - told > _TOLD_EVERY:
            told = now
            say(f"{what}: {done:,} of {total:,}")

    return tell


class _Bar:
    def __init__(self, bars: object) -> None:
        from rich.progress import Progress

        assert isinstance(bars, Progress)
        self._bars = bars
        self._task = bars.add_task("listing scopes", total=None)
        self._total = 0

    def planned(self, source: str, scopes: int) -> None:
        self._total += scopes
        self._bars.update(self._task, total=self._total, description=f"reading {printable(source)}")

    def done(self, reading: ScopeReading) -> None:
        self._bars.update(self._task, advance=1, description=f"read {printable(_line(reading))}")

    def units_planned(self, name: str, units: int) -> None:
        self._total += units
        self._bars.update(self._task, total=self._total, description=f"reading {printable(name)}")

    def unit_read(self, reading: UnitReading) -> None:
        self._bars.update(self._task, advance=1, description=f"read {printable(_unit_line(reading))}")
