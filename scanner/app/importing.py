"""Import shards into the store, and conclude their scan when all are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from scanner import __version__
from scanner.app.last_scan import believed_by
from scanner.app.scanning import Run, conclude, forget_old_scans, settings_digest
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
"""Days after which the shards of an incomplete scan are deleted."""

_received = msgspec.json.Decoder(Received)


class Imported(Struct, frozen=True, kw_only=True):
    """The result of importing files of one scan.

    ``shards``: all shards in the store. ``absent``: numbers of the missing shards. ``notes``: files that were there
    already, or that replaced others. ``is_stored``: the scan was concluded before.
    """

    scan: str
    shards: tuple[Received, ...] = ()
    absent: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    is_stored: bool = False

    @property
    def head(self) -> Head:
        """The header, which is the same in all shards of the scan."""
        return self.shards[0].head

    @property
    def started(self) -> datetime:
        """The start of the earliest shard."""
        return min(shard.head.started_at for shard in self.shards)


class ShardSource(Struct, frozen=True, kw_only=True):
    """A source that shards read, possibly on another machine."""

    name: str
    ref: SourceRef


def sources_of(head: Head) -> list[ShardSource]:
    """The sources in a shard's header."""
    return [
        ShardSource(name=source.name, ref=SourceRef(name=source.name, provider=source.provider))
        for source in head.sources
    ]


def receive(store: Store, files: Sequence[ShardFile], config: Config, now: datetime) -> Imported:
    """Stage the files of one scan until it is complete: all files, or none if one does not fit.

    Raises UsageError for files of two scans, InputError naming the files that differ. Importing a file again changes
    nothing. If a shard was read twice, the later reading counts, in any order of import.
    """
    given = [Received(head=file.head, file=printable(str(file.path)), digest=file.digest) for file in files]
    scan = given[0].head.scan
    if other := next((shard for shard in given if shard.head.scan != scan), None):
        raise UsageError(
            f"{given[0].file} is of the scan {scan}, but {other.file} of {other.head.scan}",
            hint="import each scan by itself",
        )
    if already_concluded(store, scan):
        return Imported(scan=scan, is_stored=True)
    for shard in given:
        if shard.head.version != __version__:
            message = f"was written by Muster {printable(shard.head.version)}, and this is {__version__}"
            raise InputError(Problem(file=shard.file, line=1, message=message, fix="use one version for all of a scan"))
        _refuse_other_settings(shard, config)
    there = {shard.head.shard: shard for shard in _shards(store.staging.heads(scan))}
    agreeing([*there.values(), *given])
    chosen, notes = _newest(there, dict(zip(given, files, strict=True)))
    parts = [
        Part(
            scan=scan,
            part=str(shard.head.shard),
            head=msgspec.json.encode(shard).decode(),
            lines=map(without_secrets, file.lines()),
        )
        for shard, file in chosen.items()
    ]
    replaced = [(scan, part.part) for part in parts if int(part.part) in there]
    store.staging.put(parts, now, instead_of=replaced)
    if already_concluded(store, scan):
        return Imported(scan=scan, is_stored=True)
    shards = tuple(_shards(store.staging.heads(scan)))
    absent = tuple(missing(shards, given[0].head.of))
    return Imported(scan=scan, shards=shards, absent=absent, notes=tuple(notes))


def _newest(
    there: Mapping[int, Received], given: Mapping[Received, ShardFile]
) -> tuple[dict[Received, ShardFile], list[str]]:
    """The files to stage, and notes about the others."""
    best = dict(there)
    notes = []
    for shard in sorted(given, key=lambda shard: (shard.head.started_at, shard.digest)):
        known = best.get(shard.head.shard)
        if known is None or known.head.started_at < shard.head.started_at:
            best[shard.head.shard] = shard
            if known is not None:
                notes.append(f"{shard.file} replaces {known.file}, an earlier reading of {shard.head.its}")
        elif known.digest == shard.digest:
            notes.append(f"{shard.file} is there already")
        elif known.head.started_at == shard.head.started_at:
            message = f"differs from {known.file}, which is the same shard of the same time"
            raise InputError(Problem(file=shard.file, line=1, message=message, fix="scan this shard again"))
        else:
            notes.append(f"{shard.file} is an earlier reading of {shard.head.its} than {known.file}: left out")
    return {shard: given[shard] for shard in best.values() if shard in given}, notes


def _shards(heads: Mapping[str, str]) -> Iterator[Received]:
    """The shards among a scan's staged parts. Parts of a cluster's workers have no head."""
    for head in heads.values():
        if head:
            yield _received.decode(head)


def _refuse_other_settings(received: Received, config: Config) -> None:
    """A config without sources fits every shard."""
    digests = {source.name: settings_digest(source) for source in config.sources}
    if not digests:
        return
    for source in received.head.sources:
        if digests.get(source.name) != source.settings:
            what = "has other settings for the" if source.name in digests else "has no"
            message = f"{config.document.file} {what} source {printable(source.name)}"
            raise InputError(
                Problem(file=received.file, line=1, message=message, fix="import with the config of the scan")
            )


def conclude_shards(
    store: Store, imported: Imported, declared: Declared, config: Config, *, accept_drop: bool
) -> ScanResult:
    """Judge and store the shards of a scan. Scopes of missing shards are gaps.

    Raises NothingScanned and StoreError, as a scan does.
    """
    head = imported.head
    lines = map(decode, store.staging.lines(head.scan))
    read = readings(lines, head.sources, head.of, imported.absent)
    believed = believed_by(store, accept_drop=accept_drop)
    inventory = join(map(believed, read), {source.name: source.rank for source in head.sources})
    result = conclude(
        store,
        inventory,
        declared,
        Run(scan_id=head.scan, started=imported.started),
        lists=[source.name for source in head.sources if source.rank == LIST],
        accept_drop=accept_drop,
        channels=config.channels,
        targets=config.tickets,
    )
    store.staging.discard(head.scan)
    forget_old_scans(store, config, result)
    return result


def already_concluded(store: Store, scan: str) -> bool:
    """Whether another import concluded the scan meanwhile. Its shards are then deleted."""
    if not store.has_scan(scan):
        return False
    store.staging.discard(scan)
    return True


def waiting_lines(staging: Staging) -> list[str]:
    """A line for each scan that waits for shards."""
    return [words for scan in staging.waiting() if (words := _waiting(scan))]


def _waiting(waiting: Waiting) -> str | None:
    shards = list(_shards(waiting.heads))
    if not shards:
        return None
    of = shards[0].head.of
    numbers = ", ".join(map(str, missing(shards, of)))
    since = f"{waiting.since:%Y-%m-%d %H:%M} UTC"
    return f"{printable(waiting.scan)}: {len(shards)} of {of} shards since {since}; missing {numbers}"


def forget_old(staging: Staging, now: datetime) -> tuple[str, ...]:
    """Delete the shards of scans that waited too long; returns their ids."""
    return staging.forget(now - timedelta(days=WAITING_DAYS))
