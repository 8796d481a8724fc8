"""What a shard's file says of itself and of its sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from scanner import __version__
from scanner.discovery.reading import Source
from scanner.discovery.scopes import every_feed, every_kind
from scanner.errors import UsageError
from scanner.shards.lines import MOST_SHARDS, Head, Shard, SourceHead, config_hash

SCAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")


def parse_shard(text: str) -> Shard:
    """``I/N``, from 1. Raises UsageError."""
    number, slash, of = text.partition("/")
    if slash and _is_number(number) and _is_number(of) and 1 <= int(number) <= int(of) <= MOST_SHARDS:
        return Shard(int(number), int(of))
    raise UsageError(f"--shard {text} is not I/N", hint="such as 1/4 to 4/4, for a scan split in four")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(MOST_SHARDS)) + 1


def check_scan_id(scan_id: str) -> None:
    """Raises UsageError for what is no id."""
    if not SCAN_ID.fullmatch(scan_id):
        raise UsageError(
            f"--scan-id {scan_id} is no id: it has up to 100 letters, digits and . _ : + -",
            hint="such as the number of the job that starts all shards",
        )


def head_of(sources: Sequence[Source], shard: Shard, scan_id: str, started: datetime) -> Head:
    """The head of a shard that reads these sources."""
    heads = tuple(
        SourceHead(
            name=one.name,
            provider=one.connector.spec.name,
            kinds=every_kind(one.connector.spec),
            feeds=every_feed(one.connector.spec),
            rank=one.rank,
            settings=one.digest,
        )
        for one in sources
    )
    return Head(
        scan=scan_id,
        shard=shard.number,
        of=shard.of,
        config=config_hash(heads),
        started_at=started,
        version=__version__,
        sources=heads,
    )
