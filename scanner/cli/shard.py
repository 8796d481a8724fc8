"""``muster scan --shard``: read one machine's share of a scan into a file for ``muster import``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import click

from scanner.cli.console import progress
from scanner.cli.output import Delivery, deliver, split_output
from scanner.discovery.shards.files import check_scan_id, head_of, parse_shard
from scanner.errors import UsageError

if TYPE_CHECKING:
    from connectors.core.contract import Scope
    from reports.base import Screen
    from scanner.config.load import Config
    from scanner.config.settings import SourceSettings
    from scanner.discovery.engine import Observer, Source
    from scanner.discovery.inventory import ScopeReading
    from scanner.discovery.scopes import Listing
    from scanner.discovery.shards.lines import Head


HOW = "such as: `muster scan --shard 1/4 --scan-id nightly-17 -o ndjson:shard-1.ndjson`"


def scan_shard(
    config: Config,
    sources: Sequence[SourceSettings],
    shard: str,
    scan_id: str | None,
    outputs: Sequence[str],
    *,
    quiet: bool,
) -> int:
    """Read this shard's scopes and write them to the output; returns the number of gaps. Raises UsageError."""
    from scanner.app import scanning

    share = parse_shard(shard)
    if scan_id is None:
        raise UsageError("--shard needs --scan-id, the same for all shards of a scan", hint=HOW)
    check_scan_id(scan_id)
    asked = [split_output(text) for text in outputs]
    if [name for name, _ in asked] != ["ndjson"]:
        raise UsageError("--shard writes one file: -o ndjson:PATH", hint=HOW)
    path = asked[0][1]
    ready = scanning.make_ready(sources)
    head = head_of(ready, share, scan_id, datetime.now(UTC).replace(microsecond=0))
    gaps: list[str] = []
    with progress(quiet) as observer:
        writing = partial(_write, config, ready, head, observer, gaps)
        delivery = Delivery(format="ndjson", title=f"shard {share} of {scan_id}", path=path, write=writing)
        try:
            deliver([delivery], hint="choose another path")
        except KeyboardInterrupt as stop:
            raise click.Abort("this shard was not written") from stop
    return len(gaps)


def refuse_with_shard(given: Mapping[str, object]) -> None:
    """Raises UsageError for options that apply when the shards are joined."""
    if wrong := next((option for option, value in given.items() if value), None):
        raise UsageError(f"--shard takes no {wrong}", hint="give it to `muster import`, which judges and reports")


def _write(
    config: Config,
    sources: Sequence[Source],
    head: Head,
    observer: Observer,
    gaps: list[str],
    out: BinaryIO,
    screen: Screen,
) -> tuple[str, ...]:
    from scanner.discovery.engine import reading_here
    from scanner.discovery.shards.files import write_shard
    from scanner.discovery.shards.lines import Unit

    del screen

    def is_own(scope: Scope) -> bool:
        return head.its.holds(Unit(scope.source, scope.id, scope.part))

    with reading_here(config.engine, sources, observer, is_own) as outcomes:
        write_shard(out, head, _noting_gaps(outcomes, gaps))
    return ()


def _noting_gaps(outcomes: Iterable[Listing | ScopeReading], gaps: list[str]) -> Iterator[Listing | ScopeReading]:
    for outcome in outcomes:
        gaps += [record.section for record in outcome.coverage if record.is_gap]
        yield outcome
