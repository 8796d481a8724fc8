"""Moments as the store keeps them, ISO 8601 in UTC, which sorts as text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields
from sqlalchemy import Connection, select

from scanner.errors import StoreError
from scanner.model import Finding
from scanner.store import schema
from scanner.store.engine import bulk_insert
from scanner.text import printable


@lru_cache(maxsize=1_000)  # a moment stands in as many findings as its scan first had
def text_of(moment: datetime) -> str:
    """The moment, to be kept."""
    return moment.isoformat()


@lru_cache(maxsize=10_000)
def moment_of(text: str) -> datetime:
    """A kept moment; the same record for the same text."""
    return datetime.fromisoformat(text)


# --- Records as JSON text: whole, to tell whether they changed, and without what says nothing, to be kept ---

T = TypeVar("T")

# Mappings are sorted: a provider that lists tags in another order has changed nothing.
_encoder = msgspec.json.Encoder(order="deterministic")
_packer = msgspec.msgpack.Encoder(order="deterministic")


def encode(value: object, what: str) -> bytes:
    """The record as JSON, the same for equal records. Raises StoreError for text that no database takes."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{printable(what)} holds text that UTF-8 cannot hold", hint="please report this; nothing was stored"
        ) from error


def digest(record: Struct, what: str) -> str:
    """32 hex digits that are the same for equal records, and differ for others. Raises StoreError as :func:`encode`.

    The record is hashed as it is: to leave out what says nothing first, as for the body, takes twice as long.
    """
    try:
        packed = _packer.encode(record)
    except (OverflowError, UnicodeEncodeError):
        packed = encode(record, what)  # an integer of more than 64 bits; or text that it will name
    # Half the time of BLAKE2, since processors know SHA-256. No one attacks it: who can write here can write anything.
    return hashlib.sha256(packed).hexdigest()[:32]


def decode(decoder: msgspec.json.Decoder[T], body: str, what: str) -> T:
    """A stored body as its record. Raises StoreError for one that was tampered with or is damaged."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the store's {printable(what)} cannot be read: {printable(str(error))}", hint="put back the last backup"
        ) from error


def compact(record: Struct) -> Struct:
    """The record such that only what differs from the defaults is encoded; the record's own type decodes that.

    It halves an identity's body, and with it the time that SQLite takes to write a first scan.
    """
    return msgspec.convert(record, _shape(type(record)), from_attributes=True)


@cache
def _shape(kind: type[Struct]) -> type[Struct]:
    """The type with the same fields that leaves out defaults when it is encoded, as do the records in it."""
    members = [(one.name, _held(one.type), _default(one)) for one in fields(kind)]
    return msgspec.defstruct(kind.__name__, members, kw_only=True, frozen=True, gc=False, omit_defaults=True)


def _default(one: FieldInfo) -> Any:
    return one.default if one.default_factory is NODEFAULT else msgspec.field(default_factory=one.default_factory)


def _held(kind: Any) -> Any:
    """The type of a field. What holds no record may be anything: checking it again would cost as much as encoding."""
    if get_origin(kind) is tuple:
        item: Any = _held(get_args(kind)[0])
        return tuple[item, ...]
    return _shape(kind) if isinstance(kind, type) and issubclass(kind, Struct) else Any


# --- What findings say alike: title, remediation and controls, kept once for all findings that say the same ---
#
# There are a few dozen such texts, and two of three bytes of a finding would be theirs.


class Wording(Struct, frozen=True):
    """The part of a finding that its rule and provider decide."""

    title: str
    remediation: str
    controls: tuple[str, ...]


_wordings = msgspec.json.Decoder(Wording)


def wording_of(finding: Finding) -> str:
    """The hash of its wording, which stands in its row."""
    return _hash(finding.title, finding.remediation, finding.controls)


@lru_cache(maxsize=1_000)
def _hash(title: str, remediation: str, controls: tuple[str, ...]) -> str:
    return _hashed(encode(Wording(title, remediation, controls), title))


def _hashed(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def keep(connection: Connection, findings: Iterable[Finding]) -> None:
    """Store the wordings that are not there yet."""
    wordings = {(one.title, one.remediation, one.controls) for one in findings}
    known = set(connection.execute(select(schema.wording.c.hash)).scalars())
    rows = {_hash(*wording): encode(Wording(*wording), wording[0]).decode() for wording in wordings}
    bulk_insert(connection, schema.wording, sorted(row for row in rows.items() if row[0] not in known))


def all_wordings(connection: Connection) -> dict[str, Wording]:
    """Every wording in the store, by hash, but for those that do not match it: findings with them refuse to load."""
    rows = connection.execute(select(schema.wording.c.hash, schema.wording.c.body))
    return {
        row.hash: decode(_wordings, row.body, f"wording {row.hash}")
        for row in rows
        if _hashed(row.body.encode()) == row.hash
    }


def misnamed(connection: Connection) -> list[str]:
    """Hashes under which something else stands."""
    rows = connection.execute(select(schema.wording.c.hash, schema.wording.c.body))
    return [row.hash for row in rows if _hashed(row.body.encode()) != row.hash]
