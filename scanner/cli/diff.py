"""``muster diff``: what changed between two scans."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from scanner.cli.options import config_option, store_option


@click.command()
@click.argument("old", required=False)
@click.argument("new", required=False)
@config_option
@store_option
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write it as table, csv, markdown or json; '-' is stdout, {date} the later scan's day. Repeats.",
)
def diff(
    old: str | None, new: str | None, config_file: Path | None, store_url: str | None, outputs: tuple[str, ...]
) -> None:
    """Compare two scans in the store.

    Lists identities that joined, moved (with each change), left or came back; findings that are new, reopened or
    resolved; and registry entries in another state. Identities that could not be re-checked are listed as that, not as
    left.

    OLD and NEW are scan ids, days (2026-11-01 is the last scan up to its end in UTC), or 'latest'. NEW is the latest
    scan by default. Without both, the two latest are compared.
    """
    from reports.diff import WRITERS
    from reports.diff_table import totals
    from scanner.app.changes import changes_between
    from scanner.cli.console import say
    from scanner.cli.output import STDOUT, Delivery, deliver, plan_formats
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    planned = plan_formats(outputs, tuple(WRITERS), "a diff")
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        found = changes_between(store, old, new)
    deliver(
        [
            Delivery(
                format=name,
                title=f"{name} (diff)",
                path=path.replace("{date}", f"{found.new.started_at:%Y-%m-%d}"),
                write=partial(WRITERS[name], found),
            )
            for name, path in planned
        ],
        hint="choose another path",
    )
    if ("table", STDOUT) not in planned:
        say(totals(found.summary))
