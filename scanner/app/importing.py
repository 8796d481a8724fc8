"""Shards' files taken into the store, and the scan that they make up concluded once all are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from scanner import __version__
from scanner.app.scanning import conclude, forget_old_scans, settings_digest
from scanner.config.load import Config
from scanner.discovery.engine import LIST
from scanner.discovery.inventory import join
from scanner.discovery.shards.files import ShardFile
from scanner.discovery.shards.joining import Received, agreeing, missing, readings
from scanner.discovery.shards.lines import Head, decode, without_secrets
from scanner.errors import InputError, Problem, UsageError
from scanner.judging.pipeline import Declared
from scanner.matching.places import SourceRef
from scanner.model import ScanResult
from scanner.store.staging import Part, Staging, Waiting
from scanner.store.store import Store
from scanner.text import printable

WAITING_DAYS = 7
"""Shards to which no other came for so long are forgotten."""

_received = msgspec.json.Decoder(Received)


class Taken(Struct, frozen=True, kw_only=True):
    """What became of some files of one scan.

    ``shards``: all that are there now. ``absent``: the numbers of those that are not. ``notes``: what of the files was
    there already, or took another's place. ``is_stored``: the scan was concluded before.
    """

    scan: str
    shards: tuple[Received, ...] = ()
    absent: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    is_stored: bool = False

    @property
    def head(self) -> Head:
        """What they all say of the scan."""
        return self.shards[0].head

    @property
    def started(self) -> datetime:
        """When the first of them began."""
        return min(one.head.started_at for one in self.shards)


class ReadElsewhere(Struct, frozen=True, kw_only=True):
    """A source as its shards read it."""

    name: str
    ref: SourceRef


def sources_of(head: Head) -> list[ReadElsewhere]:
    """The sources that were read."""
    return [ReadElsewhere(name=one.name, ref=SourceRef(name=one.name, provider=one.provider)) for one in head.sources]


def take_in(store: Store, files: Sequence[ShardFile], config: Config, now: datetime) -> Taken:
    """Keep the files of one scan until it is whole: all of them, or none where one does not belong to the rest.

    Raises UsageError for files of two scans, InputError naming the files that disagree. Taking one in again changes
    nothing; of two readings of one shard the later counts, in whatever order they come.
    """
    given = [Received(head=one.head, file=printable(str(one.path)), digest=one.digest) for one in files]
    scan = given[0].head.scan
    if other := next((one for one in given if one.head.scan != scan), None):
        raise UsageError(
            f"{given[0].file} is of the scan {scan}, but {other.file} of {other.head.scan}",
            hint="import each scan by itself",
        )
    if was_faster(store, scan):
        return Taken(scan=scan, is_stored=True)
    for one in given:
        _refuse_other_muster(one)
        _refuse_other_settings(one, config)
    there = {one.head.shard: one for one in _shards(store.staging.heads(scan))}
    agreeing([*there.values(), *given])
    chosen, notes = _newest(there, dict(zip(given, files, strict=True)))
    parts = [
        Part(
            scan=scan,
            part=str(one.head.shard),
            head=msgspec.json.encode(one).decode(),
            lines=map(without_secrets, file.lines()),
        )
        for one, file in chosen.items()
    ]
    replaced = [(scan, part.part) for part in parts if int(part.part) in there]
    store.staging.put(parts, now, instead_of=replaced)
    if was_faster(store, scan):
        return Taken(scan=scan, is_stored=True)
    shards = tuple(_shards(store.staging.heads(scan)))
    absent = tuple(missing(shards, given[0].head.of))
    return Taken(scan=scan, shards=shards, absent=absent, notes=tuple(notes))


def _newest(
    there: Mapping[int, Received], given: Mapping[Received, ShardFile]
) -> tuple[dict[Received, ShardFile], list[str]]:
    """The files to keep, and what to say of the others."""
    best = dict(there)
    notes = []
    for one in sorted(given, key=lambda one: (one.head.started_at, one.digest)):
        known = best.get(one.head.shard)
        if known is None or known.head.started_at < one.head.started_at:
            best[one.head.shard] = one
            if known is not None:
                notes.append(f"{one.file} takes the place of {known.file}, an earlier reading of {one.head.its}")
        elif known.digest == one.digest:
            notes.append(f"{one.file} is there already")
        elif known.head.started_at == one.head.started_at:
            message = f"says otherwise than {known.file}, which is the same shard of the same time"
            raise InputError(Problem(file=one.file, line=1, message=message, fix="scan this shard again"))
        else:
            notes.append(f"{one.file} is an earlier reading of {one.head.its} than {known.file}: left out")
    return {one: given[one] for one in best.values() if one in given}, notes


def _shards(heads: Mapping[str, str]) -> Iterator[Received]:
    """What the store has of a scan's shards; what a cluster's workers put there are none."""
    for head in heads.values():
        if head:
            yield _received.decode(head)


def _refuse_other_muster(one: Received) -> None:
    if one.head.version != __version__:
        message = f"was written by Muster {printable(one.head.version)}, and this is {__version__}"
        raise InputError(Problem(file=one.file, line=1, message=message, fix="use one version for all of a scan"))


def _refuse_other_settings(one: Received, config: Config) -> None:
    """A config without any source contradicts nobody."""
    digests = {source.name: settings_digest(source) for source in config.sources}
    for source in one.head.sources if digests else ():
        if digests.get(source.name) != source.settings:
            what = "says otherwise what is" if source.name in digests else "has no"
            message = f"{config.document.file} {what} source {printable(source.name)}"
            raise InputError(Problem(file=one.file, line=1, message=message, fix="import with the config of the scan"))


def conclude_shards(store: Store, taken: Taken, declared: Declared, config: Config, *, accept_drop: bool) -> ScanResult:
    """Judge and store what the shards of a scan read; scopes of shards that are not there are gaps.

    Raises NothingScanned and StoreError as a scan does.
    """
    head = taken.head
    lines = map(decode, store.staging.lines(head.scan))
    inventory = join(
        readings(lines, head.sources, head.of, taken.absent), {source.name: source.rank for source in head.sources}
    )
    result = conclude(
        store,
        inventory,
        declared,
        lists=[source.name for source in head.sources if source.rank == LIST],
        scan_id=head.scan,
        started=taken.started,
        accept_drop=accept_drop,
        channels=config.channels,
    )
    store.staging.discard(head.scan)
    forget_old_scans(store, config, result)
    return result


def was_faster(store: Store, scan: str) -> bool:
    """Whether another import concluded the scan meanwhile; then its shards are no longer needed."""
    if not store.has_scan(scan):
        return False
    store.staging.discard(scan)
    return True


def waiting_lines(staging: Staging) -> list[str]:
    """Each scan that waits for shards, in words."""
    return [words for one in staging.waiting() if (words := _waiting(one))]


def _waiting(one: Waiting) -> str | None:
    shards = list(_shards(one.heads))
    if not shards:
        return None
    of = shards[0].head.of
    numbers = ", ".join(map(str, missing(shards, of)))
    return (
        f"{printable(one.scan)}: {len(shards)} of {of} shards since {one.since:%Y-%m-%d %H:%M} UTC; missing {numbers}"
    )


def forget_old(staging: Staging, now: datetime) -> tuple[str, ...]:
    """Discard what waited too long; returns the ids of those scans."""
    return staging.forget(now - timedelta(days=WAITING_DAYS))
