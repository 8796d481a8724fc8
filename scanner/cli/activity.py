"""``muster activity``: audit logs, read into daily profiles of identities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import config_option, store_option

if TYPE_CHECKING:
    from scanner.config.settings import Since

INCOMPLETE = 3
NOTHING = 4


@click.command()
@click.argument("logs", nargs=-1, metavar="[LOG]...")
@config_option
@store_option
@click.option("--since", metavar="DAY|Nd", help="First day to read, such as 2026-09-01 or 30d; default: what is new.")
@click.option("--until", metavar="DAY|Nd", help="Last day to read; default: today.")
@click.option("--strict", is_flag=True, help="Exit 3 if days are gaps that no earlier run has reported.")
@click.option("--quiet", is_flag=True, help="No progress.")
def activity(
    logs: tuple[str, ...],
    config_file: Path | None,
    store_url: str | None,
    since: str | None,
    until: str | None,
    strict: bool,
    quiet: bool,
) -> int:
    """Read audit logs into one profile for each identity and day.

    LOG is the name of a log in the config, or TYPE[:key=value[,key=value]...], such as
    cloudtrail:path=logs/,source=prod. By default, all logs of the config are read. Only what is new is read, and what
    was read stays if the command is interrupted. No event is stored.
    """
    from datetime import UTC, datetime

    from scanner.app import scanning
    from scanner.app.activity import LogPlan, make_logs, read, tally
    from scanner.cli.console import progress
    from scanner.cli.sources import named_logs
    from scanner.config.load import load_config
    from scanner.discovery.logs import Window
    from scanner.store.store import open_store

    config, now = load_config(config_file), datetime.now(UTC).replace(microsecond=0)
    window = Window(since=_day("--since", since), until=_day("--until", until))
    ready = make_logs(config, named_logs(config, logs), scanning.make_ready)
    with open_store(store_url or config.store_url) as store:
        try:
            with progress(quiet) as observer:
                acted = read(store, LogPlan(logs=ready, observer=observer, window=window), config.activity, now)
        except KeyboardInterrupt as stop:
            raise click.Abort("what was read is stored; the next run reads the rest") from stop
        names = [one.name for one in ready]
        counted = tally(store, acted, names, config.activity, now.date())
    done = acted.read
    assert done is not None
    click.echo(
        f"read {done.events} events of {counted.identities} identities on {len(done.days)} days; "
        f"{counted.unknown} unknown callers; {counted.gaps} gaps"
    )
    if done.is_nothing:
        return NOTHING
    return INCOMPLETE if strict and done.new_gaps else 0


def _day(option: str, text: str | None) -> Since | None:
    from scanner.config.settings import since_of

    try:
        return None if text is None else since_of(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from error
