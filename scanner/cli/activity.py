"""``muster activity``: audit logs, read into daily profiles of identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from scanner.cli.exit_codes import FINDINGS, INCOMPLETE, NOTHING, is_failing
from scanner.cli.options import Alarm, Given, alarm_options, as_one, given_options
from scanner.text import either

if TYPE_CHECKING:
    from scanner.config.load import Config
    from scanner.config.settings import Since
    from scanner.discovery.logs import LogsRead
    from scanner.model import Finding

NAMED = 10
"""Maximum number of new findings that are printed."""


class ActivityAsked(Struct, frozen=True, kw_only=True):
    """The days to read, and whether to show progress, from the command line."""

    since: str | None
    until: str | None
    quiet: bool


@click.command()
@click.argument("logs", nargs=-1, metavar="[LOG]...")
@given_options
@click.option(
    "--since", metavar="DAY|Nd", help="First day to read, such as 2026-09-01 or 30d; default: the log's window."
)
@click.option("--until", metavar="DAY|Nd", help="Last day to read; default: today.")
@alarm_options
@click.option(
    "--strict",
    is_flag=True,
    help="Exit 3 if there are gaps that no earlier run has reported, or undelivered messages.",
)
@click.option("--quiet", is_flag=True, help="Print nothing unless something is wrong or new.")
@as_one("asked", ActivityAsked)
def activity(logs: tuple[str, ...], given: Given, alarm: Alarm, strict: bool, asked: ActivityAsked) -> int:
    """Read audit logs into one profile for each identity and day, and alert on what is new.

    LOG is the name of a log in the config, or TYPE[:key=value[,key=value]...], such as
    cloudtrail:path=logs/,source=prod. By default, all logs of the config are read. Only what is new is read, and what
    was read stays if the command is interrupted. No event is stored.

    Then judges what identities of the latest scan did, and notifies the config's channels of findings that neither a
    scan nor an earlier reading had.
    """
    from scanner.cli.console import keep_quiet
    from scanner.cli.notify import notify_all, notify_on_failure
    from scanner.cli.scan import overridden
    from scanner.config.load import load_config

    keep_quiet(asked.quiet)
    with notify_on_failure(given.config_file, given.store_url):
        config = overridden(load_config(given.config_file), given)
        remembers = bool(config.channels) or alarm.fail_on_new
        done, findings = read_and_judge(config, logs, asked, strict=given.strict_registry, remembers=remembers)
        undelivered = notify_all(config)
    if done.is_nothing:
        return NOTHING
    if strict and (done.new_gaps or undelivered):
        return INCOMPLETE
    return FINDINGS if is_failing(findings, alarm.fail_on, fail_on_new=alarm.fail_on_new) else 0


def read_and_judge(
    config: Config, logs: Sequence[str], asked: ActivityAsked, *, strict: bool, remembers: bool
) -> tuple[LogsRead, Sequence[Finding]]:
    """Read the logs and judge them; returns the counts and all findings."""
    from datetime import UTC, datetime

    from scanner.app import scanning
    from scanner.app.activity import LogPlan, judge_now, make_logs, read, tally, unknown_sources
    from scanner.app.cut_lists import refuse_cut_lists, without_cut_rows
    from scanner.app.lists import load_lists
    from scanner.cli.console import progress, say, warn_together
    from scanner.cli.sources import named_logs
    from scanner.discovery.logs import Window
    from scanner.store.store import open_store

    now = datetime.now(UTC).replace(microsecond=0)
    window = Window(since=_day("--since", asked.since), until=_day("--until", asked.until))
    entries = named_logs(config, logs)
    ready = make_logs(config, entries, scanning.make_ready)
    lists = load_lists(config, (), strict=strict)
    if strict:
        refuse_cut_lists(config.store_url, lists.declared)
    with open_store(config.store_url) as store:
        for _, wrong in unknown_sources(config, entries, store):
            raise wrong
        try:
            with progress(asked.quiet) as observer:
                acted = read(store, LogPlan(logs=ready, observer=observer, window=window), config.activity, now)
            declared = without_cut_rows(store, lists.declared)
            findings = judge_now(store, acted, declared, config.channels, remembers=remembers)
        except KeyboardInterrupt as stop:
            raise click.Abort("what was read is stored; the next run reads the rest") from stop
        names = [one.name for one in ready]
        tallied = tally(store, acted, names, config.activity, now.date())
    if findings is None:
        say("the store has no scan yet: what was read is judged by the next `muster scan`")
    for line in _new_ones(findings or ()):
        say(line, wrong=True)
    done = acted.read
    assert done is not None
    if done.is_nothing:
        say("nothing could be read", wrong=True)
    if not asked.quiet or done.is_nothing or tallied.gaps:
        click.echo(
            f"read {_of(done.events, 'event', 'events')} of {_of(tallied.identities, 'identity', 'identities')} "
            f"on {_of(len(done.days), 'day', 'days')}; {_of(tallied.unknown, 'unknown caller', 'unknown callers')}; "
            f"{_of(tallied.gaps, 'gap', 'gaps')}"
        )
    warn_together(lists.warnings)
    return done, findings or ()


def _new_ones(findings: Iterable[Finding]) -> Iterator[str]:
    """A line for each of the first new findings, the most severe first."""
    new = [one for one in findings if one.new and one.acknowledged is None]
    for one in new[:NAMED]:
        name = (one.identity or "").rpartition("/")[2]
        yield f"new: {one.severity}: {one.title}: {name} on {one.evidence.get('day')} ({one.fingerprint[:8]})"
    if len(new) > NAMED:
        yield f"and {_of(len(new) - NAMED, 'more new finding', 'more new findings')}"


def _of(number: int, one: str, many: str) -> str:
    """The number as the published line has it, without separators, and its noun."""
    return f"{number} {either(number, one, many)}"


def _day(option: str, text: str | None) -> Since | None:
    from scanner.config.settings import since_of

    try:
        return None if text is None else since_of(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from error
