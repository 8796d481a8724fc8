"""``muster scan``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Struct

from scanner.cli.calls import remember_sources
from scanner.cli.exit_codes import FINDINGS, INCOMPLETE, exit_code, is_failing
from scanner.cli.options import (
    Accepted,
    Given,
    Reports,
    agents_lock_option,
    as_one,
    given_options,
    listed,
    output_options,
    verdict_options,
)

if TYPE_CHECKING:
    from scanner.app.scanning import Run
    from scanner.cli.output import Output
    from scanner.config.load import Config
    from scanner.config.settings import SourceSettings
    from scanner.model import ScanResult


NAMED = 5
"""Maximum number of gaps and of findings that ``--quiet`` names."""


class How(Struct, frozen=True, kw_only=True):
    """Options for the reading of a scan, from the command line."""

    no_activity: bool
    workers: int | None
    quiet: bool
    agents_lock: Path | None


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", callback=remember_sources)
@given_options
@output_options
@verdict_options
@click.option("--shard", metavar="I/N", help="Read only this share of the scopes, into an ndjson file.")
@click.option("--scan-id", metavar="ID", help="Id of the scan; the same for all of its shards.")
@click.option("--no-activity", is_flag=True, help="Do not read the config's audit logs first.")
@click.option("--workers", type=click.IntRange(1, 256), help="Scopes read at once.")
@click.option("--quiet", is_flag=True, help="Print nothing unless something is wrong, but what -o FORMAT:- asks for.")
@agents_lock_option
@as_one("how", How)
def scan(
    sources: tuple[str, ...],
    given: Given,
    reports: Reports,
    accepted: Accepted,
    shard: str | None,
    scan_id: str | None,
    how: How,
) -> int:
    """Discover, match, evaluate, store and report.

    SOURCE is the name of a source in the config, or TYPE[:key=value[,key=value]...], such as
    aws:profile=audit,regions=eu-west-1+us-east-1 or vault:url=https://vault.internal:8200. By default, all sources of
    the config are scanned.
    """
    from scanner.app.scanning import new_run
    from scanner.cli.console import keep_quiet
    from scanner.cli.indexing import index_after_scan
    from scanner.cli.notify import notify_on_failure, then_notify
    from scanner.cli.output import offering, plan_outputs
    from scanner.cli.runs import failures_kept
    from scanner.cli.sources import named_sources
    from scanner.config.load import load_config
    from scanner.errors import UsageError

    keep_quiet(how.quiet)
    with notify_on_failure(given.config_file, given.store_url):
        config = with_lock(overridden(load_config(given.config_file), given, how.workers), how.agents_lock)
        if shard is not None:
            from scanner.cli.shard import refuse_with_shard, scan_shard

            refuse_with_shard(
                {
                    "--registry": given.registries,
                    "--people": given.people,
                    "--strict-registry": given.strict_registry,
                    "--store": given.store_url,
                    "--view": reports.view,
                    "--fail-on": accepted.fail_on,
                    "--fail-on-new": accepted.fail_on_new,
                    "--accept-drop": accepted.accept_drop,
                    "--no-activity": how.no_activity,
                    "--agents-lock": how.agents_lock,
                }
            )
            gaps = scan_shard(config, named_sources(config, sources), shard, scan_id, reports.outputs, quiet=how.quiet)
            return INCOMPLETE if accepted.strict and gaps else 0
        if scan_id is not None:
            raise UsageError("--scan-id needs --shard", hint="a scan without shards makes its own id")
        run = new_run()
        with failures_kept(config, run):
            planned = plan_outputs(reports.outputs, reports.view, config, page=not how.quiet)
            planned = offering(planned, config.people, config.serve.public_url)
            chosen = named_sources(config, sources)
            result, undelivered = then_notify(
                config,
                lambda: scan_and_report(
                    config,
                    chosen,
                    planned,
                    run,
                    quiet=how.quiet,
                    accept_drop=accepted.accept_drop,
                    strict_registry=given.strict_registry,
                    reads_logs=not how.no_activity,
                ),
            )
        index_after_scan(config)
        code = exit_code(result, undelivered, accepted)
        if how.quiet:
            _say_what_is_wrong(result, accepted, code)
        return code


def _say_what_is_wrong(result: ScanResult, accepted: Accepted, code: int) -> None:
    """With ``--quiet``: say on stderr what a scan could not read, and which findings give it exit code 1."""
    from scanner.cli.console import warn

    gaps = [one for one in result.coverage if one.is_gap]
    if result.summary.gaps > result.known_gaps:
        warn([f"incomplete: {one.source} {one.scope} {one.section}: {one.status}" for one in gaps[:NAMED]])
        if len(gaps) > NAMED:
            warn([f"and {len(gaps) - NAMED} more sections were not read in full"])
    if code == FINDINGS:
        failing = [
            one for one in result.findings if is_failing([one], accepted.fail_on, fail_on_new=accepted.fail_on_new)
        ]
        warn(f"{one.severity}: {one.title}: {one.about}" for one in failing[:NAMED])
        if len(failing) > NAMED:
            warn([f"and {len(failing) - NAMED} more findings"])


def scan_and_report(
    config: Config,
    sources: Sequence[SourceSettings],
    outputs: Sequence[Output],
    run: Run,
    *,
    quiet: bool,
    accept_drop: bool = False,
    strict_registry: bool = False,
    reads_logs: bool = True,
) -> ScanResult:
    """Read the config's logs about these sources, scan them, store the result, and write the outputs."""
    from scanner.app import scanning
    from scanner.app.activity import LogPlan, configured_logs, make_logs
    from scanner.app.cut_lists import refuse_cut_lists
    from scanner.app.lists import load_lists
    from scanner.cli.console import progress, warned_at_the_end
    from scanner.cli.output import with_changes_shown, write_outputs
    from scanner.cli.runs import infrequent_collection
    from scanner.processes import using

    ready = scanning.make_ready(sources)
    entries = configured_logs(config, {source.name for source in sources}) if reads_logs else ()
    logs = make_logs(config, entries, scanning.make_ready)
    lists = load_lists(config, ready, strict=strict_registry)
    if strict_registry and not accept_drop:
        refuse_cut_lists(config.store_url, lists.declared)
    with warned_at_the_end(lists.warnings), infrequent_collection(), using(config.engine.processes):
        try:
            with progress(quiet) as observer:
                result = scanning.scan(
                    config,
                    ready,
                    lists.declared,
                    observer,
                    run,
                    accept_drop=accept_drop,
                    logs=LogPlan(logs=logs, observer=observer),
                    complete=partial(with_changes_shown, outputs=outputs, activity=config.activity),
                )
        except KeyboardInterrupt as stop:
            # The text is the store's if the interruption came after the scan was stored.
            raise click.Abort(str(stop) or "nothing of this run was stored") from stop
        write_outputs(result, outputs)
    return result


def with_lock(config: Config, agents_lock: Path | None) -> Config:
    """The config with the lock of agents that the command line names."""
    return config if agents_lock is None else msgspec.structs.replace(config, agents_lock=agents_lock)


def overridden(config: Config, given: Given, workers: int | None = None) -> Config:
    """The config with the settings of the command line."""
    changes: dict[str, object] = {}
    if given.registries:
        changes["registry"] = tuple(map(listed, given.registries))
    if given.people:
        changes["people"] = tuple(map(listed, given.people))
    if given.store_url:
        changes["store_url"] = given.store_url
    if workers:
        changes["engine"] = msgspec.structs.replace(config.engine, workers=workers)
    return msgspec.structs.replace(config, **changes)
