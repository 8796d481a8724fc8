"""Options that several commands share, and files on the command line as lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reports.base import BOARD, VIEWS
from scanner.cli.calls import remember_option
from scanner.model import SEVERITIES

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

F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    callback=remember_option,
    metavar="FILE",
    help="Config file; default: ./config.toml if it exists.",
)
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
_fail_on = click.option(
    "--fail-on", type=click.Choice(SEVERITIES), help="Exit 1 on findings at or above this severity."
)
_fail_on_new = click.option("--fail-on-new", is_flag=True, help="Exit 1 on new findings.")
_strict = click.option("--strict", is_flag=True, help="Exit 3 if there are gaps or undelivered messages.")
_accept_drop = click.option("--accept-drop", is_flag=True, help="Accept that over 30 % of a source disappeared.")


_strict_registry = click.option(
    "--strict-registry",
    is_flag=True,
    help="Exit 2 if a row of the registry cannot be read, instead of reporting a gap.",
)


def lists_options(command: F) -> F:
    """``--registry``, ``--people`` and ``--strict-registry``, for commands that judge."""
    return _registries(people_option(_strict_registry(command)))


def verdict_options(command: F) -> F:
    """``--fail-on``, ``--fail-on-new``, ``--strict`` and ``--accept-drop``, which decide the exit code."""
    return _fail_on(_fail_on_new(_strict(_accept_drop(command))))


def output_options(command: F) -> F:
    """``-o`` and ``--view``."""
    return _output(_view(command))
