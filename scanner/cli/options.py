"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reports.base import BOARD, VIEWS

F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The config; by default ./config.toml where there is one.",
)
store_option = click.option(
    "--store", "store_url", metavar="URL", help="The store, as a SQLAlchemy URL; by default sqlite:///muster.db."
)
_output = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write a report; '-' is stdout, {date} the scan's day. Repeats.",
)
_view = click.option(
    "--view", type=click.Choice((*VIEWS, BOARD)), help="What the reports show: all, or one view of it."
)


def output_options(command: F) -> F:
    """``-o`` and ``--view``."""
    return _output(_view(command))
