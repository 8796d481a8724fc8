"""``muster history``: list the scans in the store, prune old ones, and forget a retired source or log."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.calls import Group
from scanner.cli.options import config_option, store_option

if TYPE_CHECKING:
    from reports.scan_list import ListedScan
    from scanner.judging.last_known.forgetting import Forgetting
    from scanner.store.comparison import Tally
    from scanner.store.scans import StoredScan
    from scanner.store.store import Store


SHOWN = 30


@click.group(cls=Group, invoke_without_command=True)
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

    For each scan: its time, the numbers of identities and changes, of findings by severity, of new, worse and resolved
    ones, and of sections that could not be read. Runs that failed or were killed are listed with the reason.
    """
    if context.invoked_subcommand is not None:
        return
    from msgspec.structs import asdict

    from reports.scan_list import WRITERS, ListedRun, ReportListed
    from scanner.cli.output import Delivery, deliver, plan_formats
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    planned = plan_formats(outputs, tuple(WRITERS), "the list of scans")
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        scans = store.newest_scans(None if every else SHOWN)
        runs = store.runs.without_result(datetime.now(UTC))
    oldest = scans[-1][0].started_at if len(scans) == SHOWN and not every else None
    failed = [run for run in runs if oldest is None or run.started_at >= oldest]
    listed = ReportListed(scans=[_listed(*scan) for scan in scans], failed=[ListedRun(**asdict(run)) for run in failed])
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
        left=None if tally is None else 0 if scan.forgot else tally.left,
        forgotten=tally.left if tally and scan.forgot else 0,
        forgot=scan.forgot,
    )


@history.command()
@click.option("--keep-days", type=click.IntRange(1, 36_500), required=True, help="Scans younger than this are kept.")
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
@config_option
@store_option
def prune(keep_days: int, dry_run: bool, config_file: Path | None, store_url: str | None) -> None:
    """Delete scans older than --keep-days; the latest always stays.

    The other scans do not change, and open findings keep the day on which they were first seen.
    """
    from scanner.app.acting import by_command
    from scanner.config.load import load_config
    from scanner.store.store import open_store
    from scanner.text import counted

    now = datetime.now(UTC).replace(microsecond=0)
    before = now - timedelta(days=keep_days)
    config = load_config(config_file)
    with open_store(store_url or config.store_url, create=False) as store:
        pruned = store.plan_pruning(before) if dry_run else store.prune(before, now, by_command())
        if not dry_run:
            with store.alone():
                store.activity.prune(now.date(), config.activity.keep_days)
    what = f"{counted(pruned.scans, 'scan', 'scans')} and {counted(pruned.rows, 'row', 'rows')} that only they had"
    click.echo(f"{'would forget' if dry_run else 'forgot'} {what if pruned.scans else 'nothing'}; {pruned.kept:,} kept")


@history.command()
@click.argument("source")
@click.option("--scope", metavar="SCOPE", help="Only this scope, such as an account or a project.")
@click.option("--log", "is_log", is_flag=True, help="SOURCE is an audit log: remove all that was read of it.")
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
@config_option
@store_option
def forget(
    source: str, scope: str | None, is_log: bool, dry_run: bool, yes: bool,
    config_file: Path | None, store_url: str | None,
) -> None:  # fmt: skip
    """Remove a retired source, or one scope of it, from the current state; or an audit log.

    A source that is no longer scanned stays in reports as last known, with its findings. This command removes both.
    They count as forgotten, not as left or resolved. Earlier scans and data of other sources do not change. If the
    source is scanned again, its identities are new.

    Of an audit log, everything is removed, also from reports of earlier scans. The next scan resolves its findings.
    """
    from scanner.app.forgetting import forget_place, plan_forgetting
    from scanner.app.scanning import new_scan_id
    from scanner.cli.console import say
    from scanner.config.load import load_config
    from scanner.errors import UsageError
    from scanner.model import Forgotten
    from scanner.store.store import open_store
    from scanner.text import printable

    if is_log:
        if scope is not None:
            raise UsageError("an audit log is forgotten as a whole", hint="leave out --scope")
        with open_store(store_url or load_config(config_file).store_url, create=False) as store:
            _forget_log(store, source, dry_run=dry_run, yes=yes)
        return
    now = datetime.now(UTC).replace(microsecond=0)
    place, scan_id = Forgotten(source=source, scope=scope), new_scan_id(now)
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        planned = store.retrying(lambda: plan_forgetting(store, place, scan_id, now))
        if planned.was_read:
            say(
                f"the latest scan still read {printable(str(place))}: the next scan of it reports its identities as new"
            )
        if dry_run:
            click.echo(f"would forget {_describe(planned)}")
        elif yes or _agreed(_describe(planned)):
            click.echo(f"forgot {_describe(forget_place(store, place, scan_id, now))}")
        else:
            say("nothing was forgotten")


def _forget_log(store: Store, log: str, *, dry_run: bool, yes: bool) -> None:
    from scanner.app.acting import by_command
    from scanner.cli.console import say
    from scanner.errors import UsageError
    from scanner.model.decisions import Act
    from scanner.text import counted, printable

    held = store.retrying(lambda: store.activity.held(log))
    if held is None:
        known = ", ".join(map(printable, sorted(store.retrying(store.activity.logs)))) or "none"
        raise UsageError(f"the store knows no log {printable(log)}", hint=f"known logs: {known}")
    callers, days = counted(held.callers, "caller", "callers"), counted(held.days, "day", "days")
    what = printable(f"the log {log}: {days} of {callers}")
    if dry_run:
        click.echo(f"would forget {what}")
    elif yes or _agreed(what):
        with store.alone():
            store.forget_log(
                log, Act(what="forgot", actor=by_command(), at=datetime.now(UTC), about={"log": log}, after=what)
            )
        click.echo(f"forgot {what}")
    else:
        say("nothing was forgotten")


def _describe(forgetting: Forgetting) -> str:
    from scanner.text import counted, printable

    entries = counted(forgetting.entries, "registry entry", "registry entries")
    return printable(f"{forgetting}{f'; {entries} left without an identity' if forgetting.entries else ''}")


def _agreed(what: str) -> bool:
    """Whether the user confirms it. Raises UsageError without a terminal."""
    from scanner.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(f"would forget {what}", hint="add --yes to skip the confirmation")
    return click.confirm(f"Forget {what}?", err=True)
