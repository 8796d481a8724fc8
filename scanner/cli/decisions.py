"""``muster decisions``: show and export the log of what people decided."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path

import click

from scanner.cli.options import config_option, store_option


@click.command()
@click.option("--by", metavar="PERSON", help="Only decisions of this person, by e-mail or user of the system.")
@click.option("--identity", metavar="KEY", help="Only decisions about this identity.")
@click.option("--since", metavar="DAY", help="Only decisions from this day on, in UTC, such as 2026-09-01.")
@click.option("--all", "every", is_flag=True, help="All decisions on the page, not only the last 30.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write it as table, json or csv; '-' is stdout. Repeats.",
)
@config_option
@store_option
def decisions(
    by: str | None,
    identity: str | None,
    since: str | None,
    every: bool,
    outputs: tuple[str, ...],
    config_file: Path | None,
    store_url: str | None,
) -> None:
    """Show and export the log of what people decided.

    Each record has who decided what, when and why: acknowledgements, proposed owners, adopted entries, access reviews,
    accepted drops, and what was forgotten or pruned. Records are only added, and each holds the hash of the one before;
    `muster store check` verifies that. The page has the newest first, files have all that fit, oldest first.
    """
    from reports.decisions import SHOWN, WRITERS, ListedDecisions
    from scanner.cli.output import Delivery, deliver, plan_formats
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    planned = plan_formats(outputs, tuple(WRITERS), "the log of decisions")
    from_then = None if since is None else _day(since)
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        head, wanted = store.decisions.head(), partial(store.decisions.newest, by=by, identity=identity)
        deliver(
            [
                Delivery(
                    format=name,
                    title=f"{name} (decisions)",
                    path=path,
                    write=partial(
                        WRITERS[name],
                        ListedDecisions(head=head, records=wanted(since=from_then), most=None if every else SHOWN),
                    ),
                )
                for name, path in planned
            ],
            hint="choose another path",
        )


def _day(text: str) -> datetime:
    from scanner.errors import UsageError
    from scanner.text import printable

    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise UsageError(f"--since {printable(text)} is not a day", hint="such as 2026-09-01") from error
