"""Records as JSON text: whole, to tell whether they changed, and without what says nothing, to be kept."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from scanner.errors import StoreError
from scanner.text import printable

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
