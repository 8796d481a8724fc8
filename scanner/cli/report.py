"""``muster report`` and ``muster orphans``: the reports of a scan in the store."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.options import config_option, output_options, store_option


@click.command()
@click.option("--scan", "scan_id", metavar="ID", help="A scan by its id; by default the latest.")
@config_option
@store_option
@output_options
def report(
    scan_id: str | None, config_file: Path | None, store_url: str | None, outputs: tuple[str, ...], view: str | None
) -> None:
    """Report on a scan in the store, without scanning."""
    _report(scan_id, config_file, store_url, outputs, view)


@click.command()
@config_option
@store_option
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write it as csv:PATH or xlsx:PATH. Repeats.",
)
def orphans(config_file: Path | None, store_url: str | None, outputs: tuple[str, ...]) -> None:
    """List the identities that nobody answers for.

    As csv or xlsx the list has empty columns for owners to fill in.
    """
    _report(None, config_file, store_url, outputs, "orphans")


def _report(
    scan_id: str | None, config_file: Path | None, store_url: str | None, outputs: tuple[str, ...], view: str | None
) -> None:
    from scanner.cli.output import plan_outputs, with_since, write_outputs
    from scanner.config import load_config
    from scanner.history.store import open_store

    planned = plan_outputs(outputs, view)
    url = store_url or load_config(config_file).store_url
    with open_store(url, create=False) as store:
        result = with_since(store, store.with_past(store.load(scan_id)), planned)
    write_outputs(result, planned)
