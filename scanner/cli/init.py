"""``muster init``."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import click

from scanner.cli.calls import as_called, remember
from scanner.errors import UsageError, fix_of
from scanner.safe_files import in_place_of

_TEMPLATES = ("config.toml", "registry.csv", "people.csv")
_TODAY = b"{today}"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(directory: Path) -> None:
    """Create a starter config, registry and roster.

    Creates config.toml with comments, registry.csv and people.csv. Never overwrites a file.
    """
    existing = [name for name in _TEMPLATES if (directory / name).exists()]
    if existing:
        raise UsageError(f"{directory / existing[0]} already exists", hint="nothing was written; choose another folder")
    templates = files("scanner.cli") / "templates"
    today = f"{datetime.now(UTC):%Y-%m-%d}".encode()  # an older review of the example would be due
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in _TEMPLATES:
            path = directory / name
            with in_place_of(path) as file:
                file.write((templates / name).read_bytes().replace(_TODAY, today))
    except OSError as error:
        raise UsageError(f"{directory} cannot be written: {error.strerror}", hint=fix_of(error)) from error
    for name in _TEMPLATES:
        click.echo(f"wrote {directory / name}")
    remember(**({} if directory.resolve() == Path.cwd() else {"config": directory / "config.toml"}))
    click.echo(as_called("next: fill in config.toml, then `muster doctor`, then `muster scan`"))
