"""``muster.shard/1``: what a shard's file is made of, one JSON object a line. Pure.

A head; for each source a ``listing`` with the coverage of listing it and every scope ``listed``, be it another shard's;
for each scope of its own a ``scope`` and the records that were read in it; an ``end``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from scanner.discovery.inventory import Reading
from scanner.discovery.scopes import Listing
from scanner.errors import UsageError
from scanner.model import Assignment, Coverage, Credential, Fact, Identity, StoredSecret, Workload, with_typed_reach
from scanner.redaction.gate import cleared, line_may_have_secret
from scanner.redaction.shapes import public_id
from scanner.text import printable

SHARD_SCHEMA: Literal["muster.shard/1"] = "muster.shard/1"
MOST_SHARDS = 100_000

_Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1_000)]
_Hash: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
ScanId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}$")]


class Unit(NamedTuple):
    """What one task reads: a scope, or one part of it."""

    source: str
    scope: str
    part: str | None

    def __str__(self) -> str:
        return printable(f"{self.source} {self.scope}" + (f" ({self.part})" if self.part else ""))

    @property
    def digest(self) -> str:
        """A name for it that is as good on every machine, whatever characters it has, also where they are masked."""
        return hashlib.sha256(msgspec.json.encode(self._replace(scope=public_id(self.scope)))).hexdigest()

    def share(self, of: int) -> int:
        """The number, from 1, of the shard it belongs to: told by its name alone, so that all machines agree."""
        return int(self.digest[:16], 16) % of + 1


class Shard(Struct, frozen=True):
    """One of so many shares of the scopes, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, unit: Unit) -> bool:
        """Whether the unit is its share."""
        return unit.share(self.of) == self.number


class SourceHead(Struct, frozen=True, kw_only=True):
    """A source as the shards read it. ``rank``: how far it is believed; ``settings``: a hash of them."""

    name: _Name
    provider: _Name
    kinds: tuple[str, ...]
    feeds: tuple[Fact, ...] = ()
    rank: Annotated[int, Meta(ge=0, le=2)]
    settings: _Hash


class Head(Struct, frozen=True, kw_only=True, tag="shard"):
    """The first line. ``config``: a hash of what all shards of a scan and whoever imports them must agree in."""

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
        """Which share of the scopes it is."""
        return Shard(self.shard, self.of)


class ListingLine(Struct, frozen=True, kw_only=True, tag="listing"):
    """What follows is about listing the scopes of this source."""

    source: str


class ListedLine(Struct, frozen=True, kw_only=True, tag="listed"):
    """A scope that is there, whoever reads it."""

    source: str
    scope: str
    part: str | None = None

    @property
    def unit(self) -> Unit:
        """What it names."""
        return Unit(self.source, self.scope, self.part)


class ScopeLine(ListedLine, frozen=True, kw_only=True, tag="scope"):
    """The records that follow were read in this scope."""


class End(Struct, frozen=True, kw_only=True, tag="end"):
    """The last line: how many lines lie between the first and this one, and the SHA-256 of all before this one."""

    records: int
    sha256: _Hash


Record: TypeAlias = Identity | StoredSecret | Workload | Assignment | Coverage
Line: TypeAlias = Head | ListingLine | ListedLine | ScopeLine | End | Record

_RECORDS: dict[str, type[Record]] = {
    "identity": Identity,
    "secret": StoredSecret,
    "workload": Workload,
    "assignment": Assignment,
    "coverage": Coverage,
}
_BEGINNINGS: dict[type, bytes] = {kind: b'{"type":"%s",' % name.encode() for name, kind in _RECORDS.items()}
_MARKS: tuple[Any, ...] = (Head, ListingLine, ListedLine, ScopeLine, End)
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    **{name: msgspec.json.Decoder(kind) for name, kind in _RECORDS.items()},
    **{kind.__struct_config__.tag: msgspec.json.Decoder(kind) for kind in _MARKS},
}
# In a shard's file times tell their offset; without one they could not be compared with any other.
_TIMES: dict[type, tuple[str, ...]] = {
    kind: tuple(one.name for one in fields(kind) if datetime in get_args(one.type))
    for kind in (Identity, Credential, StoredSecret, Workload, Assignment)
}


class _Typed(Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def config_hash(sources: tuple[SourceHead, ...]) -> str:
    """One hash of all sources, in whatever order they are given."""
    return hashlib.sha256(msgspec.json.encode(sorted(sources, key=lambda source: source.name))).hexdigest()


def encode(line: Line) -> bytes:
    """The line, with its end. Raises UsageError for text that no file holds."""
    try:
        text = msgspec.json.encode(line)
    except UnicodeEncodeError as error:
        what = getattr(line, "key", type(line).__name__)
        raise UsageError(f"{printable(what)} holds text that UTF-8 cannot hold", hint="please report this") from error
    beginning = _BEGINNINGS.get(type(line))
    return (text if beginning is None else beginning + text[1:]) + b"\n"


def lines_of(outcome: Listing | Reading) -> Iterator[Line]:
    """What a listing or a reading came to, line by line."""
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
    yield from outcome.coverage


def without_secrets(line: str) -> str:
    """A line between head and end as it may be kept, whoever wrote it. Raises ValueError as ``decode`` does."""
    if not line_may_have_secret(line):
        return line
    record = decode(line)
    return encode(cleared(record)).decode().rstrip("\n")


def decode(line: str | bytes) -> Line:
    """The line as what it says it is. Raises ValueError saying what is wrong with it, without repeating it."""
    try:
        name = _typed.decode(line).type
        if name not in _DECODERS:
            raise ValueError(f"there is no line of the type {printable(name)[:40]}")
        decoded: Line = _DECODERS[name].decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"is no line of a shard: {printable(str(error))[:200]}") from error
    if isinstance(decoded, Identity):
        decoded = with_typed_reach(decoded)
    for dated in (decoded, *(decoded.credentials if isinstance(decoded, Identity) else ())):
        for field in _TIMES.get(type(dated), ()):
            if (moment := getattr(dated, field)) is not None and moment.tzinfo is None:
                raise ValueError(f"{field} has no time zone")
    return decoded
