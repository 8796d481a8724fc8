"""``muster.shard/1``: the format of a shard's file, one JSON object per line. Pure.

A file has a head; for each source a ``listing`` with its coverage, and every scope as ``listed``, also of other shards;
for each scope of this shard a ``scope`` with its records; and an ``end``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import Listing
from scanner.errors import UsageError
from scanner.model import (
    Assignment,
    Coverage,
    Credential,
    Exposure,
    Fact,
    FileEnd,
    Identity,
    StoredSecret,
    Workload,
    with_typed,
    with_uncertain,
)
from scanner.redaction.masking import line_may_have_secret, mask
from scanner.redaction.shapes import public_id
from scanner.text import printable

SHARD_SCHEMA: Literal["muster.shard/1"] = "muster.shard/1"
MOST_SHARDS = 100_000

_Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1_000)]
_Hash: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
ScanId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}$")]


class Unit(NamedTuple):
    """The unit of reading: a scope, or one part of it."""

    source: str
    scope: str
    part: str | None

    def __str__(self) -> str:
        return printable(f"{self.source} {self.scope}" + (f" ({self.part})" if self.part else ""))

    @property
    def digest(self) -> str:
        """A hash that identifies it on every machine, even if characters are masked."""
        return hashlib.sha256(msgspec.json.encode(self._replace(scope=public_id(self.scope)))).hexdigest()

    def share(self, of: int) -> int:
        """The number of its shard, from 1. It depends on the name alone, so all machines agree."""
        return int(self.digest[:16], 16) % of + 1


class Shard(Struct, frozen=True):
    """One share of the scopes, as number ``of`` a total, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, unit: Unit) -> bool:
        """Whether the unit belongs to this shard."""
        return unit.share(self.of) == self.number


class SourceHead(Struct, frozen=True, kw_only=True):
    """A source in the head. ``rank``: its priority. ``settings``: a hash of its settings."""

    name: _Name
    provider: _Name
    kinds: tuple[str, ...]
    feeds: tuple[Fact, ...] = ()
    rank: Annotated[int, Meta(ge=0, le=2)]
    settings: _Hash


class Head(Struct, frozen=True, kw_only=True, tag="shard"):
    """The first line. ``config``: a hash that must be the same in all shards and in the importing config."""

    schema: Literal["muster.shard/1"] = SHARD_SCHEMA
    scan: ScanId
    shard: Annotated[int, Meta(ge=1)]
    of: Annotated[int, Meta(ge=1, le=MOST_SHARDS)]
    config: _Hash
    started_at: Annotated[datetime, Meta(tz=True)]
    version: _Name
    sources: Annotated[tuple[SourceHead, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if self.shard > self.of:
            raise ValueError(f"there is no shard {self.shard} of {self.of}")
        if len({source.name for source in self.sources}) < len(self.sources):
            raise ValueError("two sources have one name")
        if self.config != config_hash(self.sources):
            raise ValueError("the hash of the config is not that of the sources")

    @property
    def its(self) -> Shard:
        """This shard's share of the scopes."""
        return Shard(self.shard, self.of)


class ListingLine(Struct, frozen=True, kw_only=True, tag="listing"):
    """Begins the listing of a source."""

    source: str


class ListedLine(Struct, frozen=True, kw_only=True, tag="listed"):
    """A listed scope, of any shard."""

    source: str
    scope: str
    part: str | None = None

    @property
    def unit(self) -> Unit:
        """The unit of the line."""
        return Unit(self.source, self.scope, self.part)


class ScopeLine(ListedLine, frozen=True, kw_only=True, tag="scope"):
    """Begins the records of a scope."""


class End(Struct, frozen=True, kw_only=True, tag="end"):
    """The last line: the number of lines between head and end, and the SHA-256 of all lines before it."""

    records: int
    sha256: _Hash


Record: TypeAlias = Identity | StoredSecret | Workload | Assignment | Exposure | Coverage | FileEnd
Line: TypeAlias = Head | ListingLine | ListedLine | ScopeLine | End | Record

_RECORDS: dict[str, type[Record]] = {
    "identity": Identity,
    "secret": StoredSecret,
    "workload": Workload,
    "assignment": Assignment,
    "exposure": Exposure,
    "coverage": Coverage,
    "file_end": FileEnd,
}
_BEGINNINGS: dict[type, bytes] = {kind: b'{"type":"%s",' % name.encode() for name, kind in _RECORDS.items()}
_MARKS: tuple[Any, ...] = (Head, ListingLine, ListedLine, ScopeLine, End)
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    **{name: msgspec.json.Decoder(kind) for name, kind in _RECORDS.items()},
    **{kind.__struct_config__.tag: msgspec.json.Decoder(kind) for kind in _MARKS},
}
# Times in a shard's file need an offset, so that they can be compared.
_TIMES: dict[type, tuple[str, ...]] = {
    kind: tuple(one.name for one in fields(kind) if datetime in get_args(one.type))
    for kind in (Identity, Credential, StoredSecret, Workload, Assignment, Exposure)
}


class _Typed(Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def config_hash(sources: tuple[SourceHead, ...]) -> str:
    """A hash of all sources, independent of their order."""
    return hashlib.sha256(msgspec.json.encode(sorted(sources, key=lambda source: source.name))).hexdigest()


def encode(line: Line) -> bytes:
    """The line with its newline. Raises UsageError for text that UTF-8 cannot encode."""
    try:
        text = msgspec.json.encode(line)
    except UnicodeEncodeError as error:
        what = getattr(line, "key", type(line).__name__)
        raise UsageError(f"{printable(what)} holds text that UTF-8 cannot hold", hint="please report this") from error
    beginning = _BEGINNINGS.get(type(line))
    return (text if beginning is None else beginning + text[1:]) + b"\n"


def lines_of(outcome: Listing | ScopeReading) -> Iterator[Line]:
    """A listing or a reading as lines."""
    if isinstance(outcome, Listing):
        yield ListingLine(source=outcome.source)
        yield from outcome.coverage
        for scope in outcome.scopes:
            yield ListedLine(source=scope.source, scope=public_id(scope.id), part=scope.part)
        return
    yield ScopeLine(source=outcome.source, scope=outcome.scope, part=outcome.part)
    yield from outcome.identities
    yield from outcome.secrets
    yield from outcome.workloads
    yield from outcome.assignments
    yield from outcome.exposures
    yield from outcome.ends
    yield from outcome.coverage


def without_secrets(line: str) -> str:
    """A line between head and end, with secrets masked. Raises ValueError as ``decode`` does."""
    if not line_may_have_secret(line):
        return line
    record = decode(line)
    return encode(mask(record)).decode().rstrip("\n")


def decode(line: str | bytes) -> Line:
    """Decode a line by its type. The ValueError for an invalid line does not quote it."""
    try:
        name = _typed.decode(line).type
        if name not in _DECODERS:
            raise ValueError(f"there is no line of the type {printable(name)[:40]}")
        decoded: Line = _DECODERS[name].decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"is not a line of a shard: {printable(str(error))[:200]}") from error
    if isinstance(decoded, Identity):
        # The scan has made a gap of an uncertain reach; it is no reason to refuse the file.
        decoded = with_uncertain(decoded) if "permissions" in decoded.unread else with_typed(decoded)
    elif isinstance(decoded, Workload):
        decoded = with_uncertain(decoded)
    for dated in (decoded, *(decoded.credentials if isinstance(decoded, Identity) else ())):
        for field in _TIMES.get(type(dated), ()):
            if (moment := getattr(dated, field)) is not None and moment.tzinfo is None:
                raise ValueError(f"{field} has no time zone")
    return decoded
