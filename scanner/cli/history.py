"""``muster history``: the scans in the store, and forgetting old ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import config_option, store_option

if TYPE_CHECKING:
    from reports.scan_list import ListedScan
    from scanner.history.scans import StoredScan
    from scanner.history.tallies import Tally

SHOWN = 30


@click.group(invoke_without_command=True)
@config_option
@store_option
@click.option("--all", "every", is_flag=True, help=f"All scans, not only the last {SHOWN}.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write it as table or json; '-' is stdout. Repeats.",
)
@click.pass_context
def history(
    context: click.Context, config_file: Path | None, store_url: str | None, every: bool, outputs: tuple[str, ...]
) -> None:
    """List the scans in the store, newest first.

    Each with its time, how much it found, what it changed, how many findings are new and resolved, and how many
    sections could not be read.
    """
    if context.invoked_subcommand is not None:
        return
    from reports.scan_list import WRITERS
    from scanner.cli.output import Delivery, deliver, plan_formats
    from scanner.config import load_config
    from scanner.history.store import open_store

    planned = plan_formats(outputs, tuple(WRITERS), "the list of scans")
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        scans = store.newest_scans(None if every else SHOWN)
    listed = [_listed(*one) for one in scans]
    deliver(
        [
            Delivery(format=name, title=f"{name} (history)", path=path, write=partial(WRITERS[name], listed))
            for name, path in planned
        ],
        hint="choose another path",
    )


def _listed(scan: StoredScan, tally: Tally | None) -> ListedScan:
    from reports.scan_list import ListedScan

    return ListedScan(
        id=scan.id,
        started_at=scan.started_at,
        finished_at=scan.finished_at,
        version=scan.version,
        summary=scan.counts,
        joined=None if tally is None else tally.joined,
        changed=None if tally is None else tally.changed,
        left=None if tally is None else tally.left,
    )


@history.command()
@click.option("--keep-days", type=click.IntRange(1, 36_500), required=True, help="Scans younger than this are kept.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be forgotten.")
@config_option
@store_option
def prune(keep_days: int, dry_run: bool, config_file: Path | None, store_url: str | None) -> None:
    """Forget scans older than so many days; the latest always stays.

    Scans that are kept stay as they are, and findings that still stand keep the day on which they were first seen.
    """
    from scanner.config import load_config
    from scanner.history.store import open_store
    from scanner.text import counted

    now = datetime.now(UTC).replace(microsecond=0)
    before = now - timedelta(days=keep_days)
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        pruned = store.plan_pruning(before) if dry_run else store.prune(before, now)
    what = f"{counted(pruned.scans, 'scan', 'scans')} and {counted(pruned.rows, 'row', 'rows')} that only they had"
    click.echo(f"{'would forget' if dry_run else 'forgot'} {what if pruned.scans else 'nothing'}; {pruned.kept:,} kept")
