"""Join the shards of one scan: listings, readings, and gaps for what no shard read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import rest_of
from scanner.discovery.shards.lines import Head, Line, ListedLine, ListingLine, ScopeLine, SourceHead, Unit
from scanner.errors import InputError, Problem
from scanner.model import (
    RUNGS,
    Assignment,
    Coverage,
    CoverageStatus,
    Exposure,
    FileEnd,
    Identity,
    StoredSecret,
    Workload,
)
from scanner.text import few, printable

SHARDS_NAMED = 10
"""Shards that a message names; the rest is counted."""

_WORST_FIRST: tuple[CoverageStatus, ...] = (
    "failed", "denied", "partial", "skipped", "not_offered", "off", "complete",
)  # fmt: skip


class Received(Struct, frozen=True, kw_only=True):
    """A shard's head, and the name of its file."""

    head: Head
    file: str
    digest: str


def agreeing(shards: Sequence[Received]) -> Head:
    """The head that all shards share. Raises InputError with two files that differ."""
    first = shards[0]
    for shard in shards[1:]:
        for name, words in (
            ("of", "a scan split in so many"),
            ("version", "a scan by Muster"),
            ("config", "other sources, or other settings of them: config"),
        ):
            ours, theirs = getattr(first.head, name), getattr(shard.head, name)
            if ours != theirs:
                message = f"is of {words} {printable(str(theirs))}, but {first.file} of {printable(str(ours))}"
                raise InputError(
                    Problem(
                        file=shard.file,
                        line=1,
                        message=message,
                        fix="scan all shards with the same settings, under a new --scan-id",
                    )
                )
    return first.head


def missing(shards: Iterable[Received], of: int) -> list[int]:
    """The numbers of the missing shards."""
    return sorted(set(range(1, of + 1)) - {shard.head.shard for shard in shards})


def readings(
    lines: Iterable[Line], sources: Sequence[SourceHead], of: int, absent: Collection[int]
) -> list[ScopeReading]:
    """All readings, and a gap for each listed scope that no shard read.

    ``absent``: numbers of the missing shards. A listing that several shards made counts once, with the worst status.
    """
    listings: dict[tuple[str, str, str, str], Coverage] = {}
    listed: set[Unit] = set()
    read: list[ScopeReading] = []
    for part in parts(lines):
        if isinstance(part, ScopeReading):
            read.append(part)
            continue
        listed |= part.units
        for record in part.coverage:
            place = (record.source, record.provider, record.scope, record.section)
            listings[place] = _worse(listings[place], record) if place in listings else record
    unread = listed - {Unit(one.source, one.scope, one.part) for one in read}
    by_name = {source.name: source for source in sources}
    gaps = [_gap(unit, by_name, of, absent) for unit in sorted(unread, key=str)]
    return [
        *read,
        *(ScopeReading(source=one.source, scope=one.scope, coverage=(one,)) for one in (*listings.values(), *gaps)),
    ]


class Listed(Struct, frozen=True):
    """One shard's listing of one source."""

    units: set[Unit]
    coverage: list[Coverage]


def parts(lines: Iterable[Line]) -> Iterator[Listed | ScopeReading]:
    """Split lines into listings and readings, each with its first line."""
    begun: ListingLine | ScopeLine | None = None
    held: list[Line] = []
    for line in lines:
        if isinstance(line, ListingLine | ScopeLine):
            if begun is not None:
                yield _part(begun, held)
            begun, held = line, []
        else:
            held.append(line)
    if begun is not None:
        yield _part(begun, held)


def _part(begun: ListingLine | ScopeLine, held: Sequence[Line]) -> Listed | ScopeReading:
    coverage = tuple(one for one in held if isinstance(one, Coverage))
    if isinstance(begun, ListingLine):
        return Listed({one.unit for one in held if isinstance(one, ListedLine)}, list(coverage))
    return ScopeReading(
        source=begun.source,
        scope=begun.scope,
        part=begun.part,
        identities=tuple(one for one in held if isinstance(one, Identity)),
        secrets=tuple(one for one in held if isinstance(one, StoredSecret)),
        workloads=tuple(one for one in held if isinstance(one, Workload)),
        assignments=tuple(one for one in held if isinstance(one, Assignment)),
        exposures=tuple(one for one in held if isinstance(one, Exposure)),
        ends=tuple(one for one in held if isinstance(one, FileEnd)),
        coverage=coverage,
    )


def _worse(record: Coverage, other: Coverage) -> Coverage:
    """The worse of two listings, independent of their order."""
    worst = min(record, other, key=lambda each: (_WORST_FIRST.index(each.status), each.detail or ""))
    return replace(worst, calls=max(record.calls, other.calls), identities=max(record.identities, other.identities))


def _gap(unit: Unit, sources: Mapping[str, SourceHead], of: int, absent: Collection[int]) -> Coverage:
    source = sources[unit.source]
    number = unit.share(of)
    why = "is not there" if number in absent else "did not list it"
    return Coverage(
        source=unit.source,
        provider=source.provider,
        scope=unit.scope,
        section=rest_of(unit.part),
        status="failed",
        detail=f"not read: shard {number} of {of}, whose part it is, {why}",
        kinds=source.kinds,
        rungs=RUNGS,
        feeds=source.feeds,
    )


def named(numbers: Sequence[int]) -> str:
    """Numbers of shards as text."""
    return few(list(map(str, numbers)), SHARDS_NAMED)
