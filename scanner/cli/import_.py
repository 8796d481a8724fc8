"""``muster import``: the shards of a scan, joined, judged and stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import Accepted, Given, Reports, given_options, output_options, verdict_options
from scanner.text import either

if TYPE_CHECKING:
    from scanner.app.importing import Imported
    from scanner.cli.output import Output
    from scanner.config.load import Config
    from scanner.model import ScanResult
    from scanner.store.store import Store


@click.command("import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@given_options
@output_options
@verdict_options
@click.option("--partial", is_flag=True, help="Finish without the missing shards; their scopes are gaps.")
@click.option("--pending", is_flag=True, help="List the scans that wait for shards.")
@click.option("--discard", metavar="ID", help="Delete the shards of an incomplete scan.")
def import_(
    files: tuple[Path, ...],
    given: Given,
    reports: Reports,
    accepted: Accepted,
    partial: bool,
    pending: bool,
    discard: str | None,
) -> int:
    """Join the shards of a scan, then match, evaluate, store and report.

    FILE is what `muster scan --shard` wrote. Shards wait in the store until all are imported. Importing a file again
    changes nothing.
    """
    from scanner.app.scanning import new_run
    from scanner.cli.exit_codes import exit_code
    from scanner.cli.indexing import index_after_scan
    from scanner.cli.notify import notify_on_failure, then_notify
    from scanner.cli.output import offering, plan_outputs
    from scanner.cli.runs import failures_kept
    from scanner.cli.scan import overridden
    from scanner.config.load import load_config
    from scanner.errors import UsageError
    from scanner.store.store import open_store

    if pending or discard:
        if files:
            raise UsageError("--pending and --discard take no files")
        config = overridden(load_config(given.config_file), given)
        with open_store(config.store_url, create=False) as store:
            return _discard(store, discard) if discard else _list_waiting(store)
    with notify_on_failure(given.config_file, given.store_url):
        config = overridden(load_config(given.config_file), given)
        if not files:
            raise UsageError("there is nothing to import", hint="name the files that `muster scan --shard` wrote")
        with failures_kept(config, new_run()):
            planned = plan_outputs(reports.outputs, reports.view, config)
            planned = offering(planned, config.people, config.serve.public_url)
            result, undelivered = then_notify(
                config,
                lambda: _import(
                    config,
                    files,
                    planned,
                    partial=partial,
                    accept_drop=accepted.accept_drop,
                    strict_registry=given.strict_registry,
                ),
            )
        if result is None:
            return 0
        index_after_scan(config)
        return exit_code(result, undelivered, accepted)


def _import(
    config: Config,
    paths: Sequence[Path],
    outputs: Sequence[Output],
    *,
    partial: bool,
    accept_drop: bool,
    strict_registry: bool,
) -> ScanResult | None:
    from scanner.app import importing
    from scanner.cli.console import say
    from scanner.cli.output import with_changes_shown, write_outputs
    from scanner.cli.runs import infrequent_collection
    from scanner.discovery.shards.files import check_shard
    from scanner.discovery.shards.joining import named
    from scanner.processes import using
    from scanner.store.store import open_store

    now = datetime.now(UTC)
    with infrequent_collection(), using(config.engine.processes):
        checked = [check_shard(path) for path in paths]
        with open_store(config.store_url) as store:
            for old in importing.forget_old(store.staging, now):
                say(f"scan {old}: its shards were deleted: no other was imported for {importing.WAITING_DAYS} days")
            imported = importing.receive(store, checked, config, now)
            for note in imported.notes:
                say(note)
            if imported.is_stored:
                say(f"scan {imported.scan} is in the store already: nothing to do")
                return None
            if imported.absent and not partial:
                number = len(imported.shards)
                there = f"{number} of {imported.head.of} shards {either(number, 'is', 'are')} there"
                say(f"scan {imported.scan}: {there}; missing: {named(imported.absent)}")
                return None
            result = _concluded(config, store, imported, accept_drop=accept_drop, strict_registry=strict_registry)
            if result is not None:
                result = with_changes_shown(store, result, outputs, config.activity)
        if result is not None:
            write_outputs(result, outputs)
    return result


def _concluded(
    config: Config, store: Store, imported: Imported, *, accept_drop: bool, strict_registry: bool
) -> ScanResult | None:
    """The result; None if another import concluded the scan meanwhile."""
    from scanner.app import importing
    from scanner.app.cut_lists import refuse_cut_lists
    from scanner.app.lists import load_lists
    from scanner.cli.console import say, warn_together
    from scanner.errors import NothingScanned, StoreError

    lists = load_lists(config, importing.sources_of(imported.head), strict=strict_registry)
    if strict_registry and not accept_drop:
        refuse_cut_lists(config.store_url, lists.declared)
    warn_together(lists.warnings)
    try:
        return importing.conclude_shards(store, imported, lists.declared, config, accept_drop=accept_drop)
    except (StoreError, NothingScanned):  # another import may have stored the scan and deleted its shards
        if not importing.already_concluded(store, imported.scan):
            raise
        say(f"scan {imported.scan} was concluded by another import meanwhile")
        return None


def _list_waiting(store: Store) -> int:
    from scanner.app.importing import waiting_lines

    for line in waiting_lines(store.staging) or ["no scan waits for shards"]:
        click.echo(line)
    return 0


def _discard(store: Store, scan: str) -> int:
    from scanner.cli.console import say
    from scanner.errors import UsageError
    from scanner.text import printable

    if not store.staging.discard(scan):
        raise UsageError(f"no shards of a scan {printable(scan)} wait", hint="`muster import --pending` lists them")
    say(f"discarded the shards of {printable(scan)}")
    return 0
