"""``muster doctor``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from scanner.cli.calls import as_called
from scanner.cli.exit_codes import PROBLEMS
from scanner.cli.options import config_option, store_option

if TYPE_CHECKING:
    from connectors.core.contract import Check
    from scanner.config.load import Config
    from scanner.discovery.engine import Source
    from scanner.errors import Problem
    from scanner.registry.editing.lint import LintReport
    from scanner.store.store import Store


DAYS_LISTED = 7
NOTED = 50
"""The most problems and warnings of lists that are shown."""
_LISTS = "registry and people"


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@config_option
@store_option
@click.option("--all", "every", is_flag=True, help="List each check, instead of one line for equal results.")
def doctor(sources: tuple[str, ...], config_file: Path | None, store_url: str | None, every: bool) -> int:
    """Check config, lists, store, reach, permissions and channels.

    Names each missing permission, without scanning. Checks with the same result share a line. Exit 1 on problems.
    """
    from scanner.app.scanning import make_ready
    from scanner.cli.sources import named_sources
    from scanner.config.load import load_config
    from scanner.redaction.redact import redact
    from scanner.text import printable

    config = load_config(config_file)
    ready = make_ready(named_sources(config, sources) if sources else config.sources)
    problems = 0
    checks = _checks(config, ready, store_url or config.store_url)
    for check in checks if every else _folded(checks):
        problems += not check.ok
        mark = "ok     " if check.ok else "PROBLEM"
        click.echo(f"{mark} {printable(redact(f'{check.name}: {check.detail}'))}")
        if check.fix and not check.ok:
            click.echo(f"          → {printable(redact(as_called(check.fix)))}")
    click.echo(f"problems: {problems}" if problems else "no problems found")
    return PROBLEMS if problems else 0


def _folded(checks: Iterable[Check]) -> Iterator[Check]:
    """The checks, with one line for passed checks of a source with the same detail. Problems come first."""
    from connectors.core.contract import Check

    for place, group in groupby(checks, key=lambda check: check.name.partition(": ")[0]):
        fine: dict[str, list[Check]] = {}
        for check in group:
            if check.ok:
                fine.setdefault(check.detail, []).append(check)
            else:
                yield check
        for detail, alike in fine.items():
            one = Check(name=place, ok=True, detail=f"{len(alike)} checks: {detail}")
            yield one if len(alike) > 1 else alike[0]


def _checks(config: Config, sources: tuple[Source, ...], store_url: str) -> Iterator[Check]:
    from connectors.core.contract import Check, Preflight
    from scanner.app.cut_lists import cut_sources
    from scanner.errors import MusterError

    yield from _list_checks(replace(config, store_url=store_url), sources)
    yield _store_check(store_url)
    if config.reports:
        yield _report_check(config)
    for source in sources:
        if not isinstance(source.connector, Preflight):
            yield Check(name=source.name, ok=True, detail=f"{source.type} has nothing to check beforehand")
            continue
        try:
            for check in source.connector.check():
                yield Check(name=f"{source.name}: {check.name}", ok=check.ok, detail=check.detail, fix=check.fix)
        except MusterError as error:
            yield Check(name=source.name, ok=False, detail=str(error), fix=error.hint)
    for source, cut in cut_sources(store_url, sources):
        yield Check(name=f"{source.name}: {cut.document}:{cut.line}", ok=False, detail=cut.message, fix=cut.fix)
    if config.logs:
        yield from _log_source_checks(config, store_url)
        yield from _log_checks(config)
    yield from _channel_checks(config)
    yield from _ticket_checks(config)


def _log_source_checks(config: Config, store_url: str) -> Iterator[Check]:
    """Checks for logs with an unknown source. A store that cannot be read has its own check."""
    from connectors.core.contract import Check
    from scanner.app.activity import unknown_sources
    from scanner.errors import MusterError
    from scanner.store.store import open_store

    try:
        with open_store(store_url, create=False) as store:
            for entry, wrong in unknown_sources(config, config.logs, store):
                (problem,) = wrong.problems
                yield Check(name=f"log {entry.name}", ok=False, detail=problem.message, fix=problem.fix)
    except MusterError:
        return


def _log_checks(config: Config) -> Iterator[Check]:
    """Check whether each log has events of the last days. Of a live log, one page is read."""
    from datetime import UTC, datetime, timedelta

    from connectors.core.contract import Check
    from connectors.logs import CheckedLog
    from scanner.app.activity import make_logs
    from scanner.app.scanning import make_ready
    from scanner.errors import MusterError

    today = datetime.now(UTC).date()
    since = today - timedelta(days=DAYS_LISTED)
    for entry in config.logs:
        name = f"log {entry.name}"
        try:
            (log,) = make_logs(config, [entry], make_ready)
            found = next(iter(log.reader.units(since, today)), None)
            if isinstance(log.reader, CheckedLog):
                log.reader.check()
        except MusterError as error:
            permission = getattr(error, "permission", None)
            detail = f"{error} (needs {permission})" if permission else str(error)
            yield Check(name=name, ok=False, detail=detail, fix=error.hint)
        else:
            listed = "can be read" if entry.path is None and isinstance(log.reader, CheckedLog) else "can be listed"
            what = listed if found else f"can be listed, but has nothing of the last {DAYS_LISTED} days"
            yield Check(name=name, ok=True, detail=what)


def _channel_checks(config: Config) -> Iterator[Check]:
    from connectors.core.contract import Check
    from scanner.errors import SourceError
    from scanner.notify.sending import target_text

    for channel in config.channels:
        try:
            yield Check(name=f"notify {channel.name}", ok=True, detail=target_text(channel))
        except SourceError as error:
            yield Check(name=f"notify {channel.name}", ok=False, detail=str(error), fix=error.hint)


def _ticket_checks(config: Config) -> Iterator[Check]:
    """Check whether tickets can be opened and found again. Leaves none behind."""
    from connectors.core.contract import Check
    from scanner.app.ticketing import checks

    for target in config.tickets:
        for check in checks(target):
            yield Check(name=f"tickets {target.name}", ok=check.ok, detail=check.detail)


def _list_checks(config: Config, sources: tuple[Source, ...]) -> Iterator[Check]:
    """Check whether the lists can be read, and show what lint says about them."""
    from connectors.catalog import connector_catalog
    from connectors.core.contract import Check
    from scanner.app.lists import lint_configured, load_lists
    from scanner.errors import InputError
    from scanner.text import counted

    report = lint_configured(config, config.registry, config.people, connector_catalog().names)
    try:
        lists = load_lists(config, sources, strict=True)
    except InputError as error:
        unread = dict.fromkeys(error.problems)
        for problem in unread:
            yield Check(name=_LISTS, ok=False, detail=str(replace(problem, fix=None)), fix=problem.fix)
        yield from _lint_checks(report, unread)
        return
    declared = lists.declared
    entries = (
        "no registry"
        if declared.entries is None
        else counted(len(declared.entries), "registry entry", "registry entries")
    )
    people = (
        "no roster"
        if declared.people is None
        else counted(len(declared.people), "person or group", "people and groups")
    )
    yield Check(name=_LISTS, ok=True, detail=f"{entries}, {people}")
    yield from _lint_checks(report, ())
    for warning in lists.besides_lint:
        yield Check(name=_LISTS, ok=True, detail=f"warning: {warning}")


def _lint_checks(report: LintReport, shown: Collection[Problem]) -> Iterator[Check]:
    """Yield the problems and warnings of lint: those of entries and people keep no scan from running."""
    from connectors.core.contract import Check
    from scanner.text import counted

    for word, found in (("problem", report.problems), ("warning", report.warnings)):
        others = [problem for problem in found if problem not in shown]
        yield from (Check(name=_LISTS, ok=True, detail=f"{word}: {problem}") for problem in others[:NOTED])
        if more := others[NOTED:]:
            text = f"and {counted(len(more), f'more {word}', f'more {word}s')}: `muster registry lint` has them all"
            yield Check(name=_LISTS, ok=True, detail=text)


def _report_check(config: Config) -> Check:
    """Check whether a scan can write the reports of the config: formats, views and file extensions."""
    from connectors.core.contract import Check
    from scanner.cli.output import configured_outputs
    from scanner.errors import ConfigError

    try:
        planned = configured_outputs(config)
    except ConfigError as error:
        return Check(name="reports", ok=False, detail=str(error), fix=error.hint)
    return Check(name="reports", ok=True, detail=", ".join(f"{one.report.name} to {one.path}" for one in planned))


def _store_check(url: str) -> Check:
    from connectors.core.contract import Check
    from scanner.errors import MissingStore, MusterError, OlderStore
    from scanner.store.store import open_store

    try:
        with open_store(url, create=False) as store:
            return Check(name="store", ok=True, detail=_store_detail(store))
    except MissingStore as error:
        return Check(name="store", ok=True, detail=f"{error}; the first scan creates it")
    except OlderStore as error:
        return Check(name="store", ok=True, detail=f"{error}; the next scan migrates it")
    except MusterError as error:
        return Check(name="store", ok=False, detail=str(error), fix=error.hint)


def _store_detail(store: Store) -> str:
    from scanner.text import counted

    status, scans = store.status(), store.scans()
    last = f", the last one {scans[-1].id} of {scans[-1].started_at:%Y-%m-%d %H:%M} UTC" if scans else ""
    running = f"; a scan is being stored by {status.holder}" if status.holder else ""
    return (
        f"{status.place}: {counted(len(scans), 'scan', 'scans')}{last}, {status.bytes / 1e6:,.1f} MB"
        f", version {status.version}{running}"
    )
