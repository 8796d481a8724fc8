"""Options that several commands share, and files on the command line as lists."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from reports.base import BOARD, VIEWS
from scanner.cli.calls import remember_option
from scanner.model import SEVERITIES, Severity

if TYPE_CHECKING:
    from scanner.config.load import Config
    from scanner.registry.lists import ListSource


def listed(path: Path) -> ListSource:
    """A list in that file, with default settings."""
    from scanner.registry.lists import ListSource

    return ListSource(path=path)


def registry_of(config: Config, path: Path) -> ListSource:
    """The file with the settings of the config, if the config has it."""
    explained = (one for one in config.registry if one.path is not None and one.path.resolve() == path.resolve())
    return next(explained, None) or listed(path)


# --- Options that several commands share ---


def _config_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        callback=remember_option,
        metavar="FILE",
        help=text,
    )


config_option = _config_option("Config file; default: ./config.toml if it exists.")
named_config_option = _config_option("Config file; without it, none is read.")
"""For a command that may run in somebody else's folder."""
store_option = click.option(
    "--store",
    "store_url",
    callback=remember_option,
    metavar="URL",
    help="Store as a SQLAlchemy URL; default: sqlite:///muster.db.",
)
_output = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write a report; '-' is stdout, {date} the scan's date. Repeats.",
)
_view = click.option(
    "--view", type=click.Choice((*VIEWS, BOARD)), help="View of the reports; the default depends on the format."
)
_registries = click.option(
    "--registry",
    "registries",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Registry file, instead of the config's. Repeats.",
)
people_option = click.option(
    "--people",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Roster file, instead of the config's. Repeats.",
)
fail_on_option = click.option(
    "--fail-on", type=click.Choice(SEVERITIES), help="Exit 1 on findings at or above this severity."
)
_fail_on_new = click.option("--fail-on-new", is_flag=True, help="Exit 1 on new or worse findings.")
_strict = click.option("--strict", is_flag=True, help="Exit 3 if there are gaps or undelivered messages.")
_accept_drop = click.option(
    "--accept-drop", is_flag=True, help="Accept that over 30 % of a source, registry or roster disappeared."
)


_strict_registry = click.option(
    "--strict-registry",
    is_flag=True,
    help="Exit 2 if a row of the registry cannot be read, instead of reporting a gap.",
)


class Given(Struct, frozen=True, kw_only=True):
    """The inputs of a command from the command line: config, lists and store."""

    config_file: Path | None
    registries: tuple[Path, ...]
    people: tuple[Path, ...]
    strict_registry: bool
    store_url: str | None


class Accepted(Struct, frozen=True, kw_only=True):
    """The conditions for exit code 0 from the command line, and the accepted drop."""

    fail_on: Severity | None
    fail_on_new: bool
    strict: bool
    accept_drop: bool


class Alarm(Struct, frozen=True, kw_only=True):
    """The findings that end a reading of logs with exit code 1, from the command line."""

    fail_on: Severity | None
    fail_on_new: bool


class Reports(Struct, frozen=True, kw_only=True):
    """The reports to write, from the command line: each ``FORMAT:PATH``, and a view."""

    outputs: tuple[str, ...]
    view: str | None


def as_one(name: str, record: type[Struct]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Pass the options that are fields of a record to a command as one argument."""

    def packing(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(**options: Any) -> Any:
            fields = {field: options.pop(field) for field in record.__struct_fields__}
            return command(**options, **{name: record(**fields)})

        return run

    return packing


def given_options(
    command: Callable[..., Any], *, config: Callable[[Callable[..., Any]], Callable[..., Any]] = config_option
) -> Callable[..., Any]:
    """``given``: ``--config``, ``--registry``, ``--people``, ``--strict-registry``, ``--store``."""
    packed = as_one("given", Given)(command)
    return config(_registries(people_option(_strict_registry(store_option(packed)))))


def verdict_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``accepted``: ``--fail-on``, ``--fail-on-new``, ``--strict`` and ``--accept-drop``."""
    return fail_on_option(_fail_on_new(_strict(_accept_drop(as_one("accepted", Accepted)(command)))))


def alarm_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``alarm``: ``--fail-on`` and ``--fail-on-new``."""
    return fail_on_option(_fail_on_new(as_one("alarm", Alarm)(command)))


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``reports``: ``-o`` and ``--view``."""
    return _output(_view(as_one("reports", Reports)(command)))


def agents_lock_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``agents_lock``: the file of ``muster agents lock``."""
    return click.option(
        "--agents-lock",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Report what AI agents have beyond this file of `muster agents lock`.",
    )(command)
