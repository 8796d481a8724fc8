"""How the store encodes times and records: times as ISO 8601 in UTC, which sorts as text, and records as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields
from sqlalchemy import Connection, select

from scanner.errors import StoreError
from scanner.model import Finding, Identity, UsageVerdict
from scanner.store import schema
from scanner.store.engine import bulk_insert
from scanner.text import printable


@lru_cache(maxsize=1_000)  # many findings share the time of the scan that first had them
def text_of(moment: datetime) -> str:
    """The moment as text for the store."""
    return moment.isoformat()


@lru_cache(maxsize=10_000)
def moment_of(text: str) -> datetime:
    """The moment of a stored text. Equal texts give the same object."""
    return datetime.fromisoformat(text)


# --- Records as JSON: the full form is hashed to detect changes, the form without defaults is stored ---

T = TypeVar("T")

# Mappings are sorted: a provider that lists tags in another order has changed nothing.
_encoder = msgspec.json.Encoder(order="deterministic")
_packer = msgspec.msgpack.Encoder(order="deterministic")


def encode(value: object, what: str) -> bytes:
    """The record as JSON. Equal records give equal bytes. Raises StoreError for text that UTF-8 cannot encode."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{printable(what)} holds text that UTF-8 cannot hold", hint="please report this; nothing was stored"
        ) from error


def digest(record: Struct, what: str) -> str:
    """The record's hash, 16 hexadecimal digits. Raises StoreError as :func:`encode` does.

    It is compared with one other, of the same key in the scan before: 64 bits suffice. It is over the full record:
    leaving out defaults first, as the body does, takes twice as long.
    """
    try:
        packed = _packer.encode(record)
    except (OverflowError, UnicodeEncodeError):
        packed = encode(record, what)  # an integer of more than 64 bits, or text that encode() names in its error
    # SHA-256 takes half the time of BLAKE2, because processors support it. The hash is no protection against an
    # attacker: a role that can write here can change any row.
    return hashlib.sha256(packed).hexdigest()[:16]


def decode(decoder: msgspec.json.Decoder[T], body: str, what: str) -> T:
    """The record of a stored body. Raises StoreError for a body that is damaged."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the store's {printable(what)} cannot be read: {printable(str(error))}", hint="put back the last backup"
        ) from error


IN_COLUMNS: Mapping[type[Struct], frozenset[str]] = {
    Identity: frozenset(("key", "provider", "source", "scope", "kind", "unique_id", "created_by")),
    UsageVerdict: frozenset(("state", "last_used_at", "evidence")),
}
"""Fields that no body holds: the columns beside it, or the sighting, have them."""


def compact(record: Struct) -> Any:
    """The record in a type without IN_COLUMNS that leaves out defaults when it is encoded.

    Fields of the result that are set to UNSET are left out, too. A store of 200,000 identities is 215 MB with that, and
    with tables in the order of their keys; it was 397 MB.
    """
    return msgspec.convert(record, _shape(type(record)), from_attributes=True)


@cache
def _shape(kind: type[Struct]) -> type[Struct]:
    """The type of :func:`compact`'s results, also for nested records."""
    members = [(info.name, _held(info.type), _default(info)) for info in _in_body(kind)]
    return msgspec.defstruct(kind.__name__, members, kw_only=True, gc=False, omit_defaults=True)


def part_of(kind: type[Struct], *optional: str) -> type[Struct]:
    """The type that decodes what :func:`compact` encoded.

    ``optional``: fields, such as ``a`` or ``a.b``, that are None if they were left out.
    """
    members = [
        (info.name, part | None, None) if info.name in optional else (info.name, part, _default(info))
        for info in _in_body(kind)
        for part in (_part(info, optional) if info.type in IN_COLUMNS else info.type,)
    ]
    return msgspec.defstruct(kind.__name__, members, kw_only=True, frozen=True, gc=False)


def _part(info: FieldInfo, optional: tuple[str, ...]) -> type[Struct]:
    within = f"{info.name}."
    return part_of(info.type, *(name.removeprefix(within) for name in optional if name.startswith(within)))


def _in_body(kind: type[Struct]) -> list[FieldInfo]:
    return [info for info in fields(kind) if info.name not in IN_COLUMNS.get(kind, ())]


def _default(info: FieldInfo) -> Any:
    return info.default if info.default_factory is NODEFAULT else msgspec.field(default_factory=info.default_factory)


def _held(kind: Any) -> Any:
    """The type of a field. Fields without records become Any: validating them again would cost as much as encoding."""
    if get_origin(kind) is tuple:
        item: Any = _held(get_args(kind)[0])
        return tuple[item, ...]
    is_record = isinstance(kind, type) and issubclass(kind, Struct) and not kind.__struct_config__.array_like
    return _shape(kind) if is_record else Any  # a list of values has no names to leave out


# --- Texts that many findings share: title, remediation and controls, stored once ---
# There are a few dozen of these texts. Without this table they would take two thirds of the size of the findings.


class Wording(Struct, frozen=True):
    """The part of a finding that depends on its rule and provider alone."""

    title: str
    remediation: str
    controls: tuple[str, ...]


_wordings = msgspec.json.Decoder(Wording)


def wording_of(finding: Finding) -> str:
    """The hash of the finding's wording, as its row refers to it."""
    return _hash(finding.title, finding.remediation, finding.controls)


@lru_cache(maxsize=1_000)
def _hash(title: str, remediation: str, controls: tuple[str, ...]) -> str:
    return _hashed(encode(Wording(title, remediation, controls), title))


def _hashed(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def keep(connection: Connection, findings: Iterable[Finding]) -> None:
    """Store the wordings that the store does not have."""
    every = {(finding.title, finding.remediation, finding.controls) for finding in findings}
    known = set(connection.execute(select(schema.wording.c.hash)).scalars())
    rows = {_hash(*wording): encode(Wording(*wording), wording[0]).decode() for wording in every}
    bulk_insert(connection, schema.wording, sorted(row for row in rows.items() if row[0] not in known))


def wordings(connection: Connection) -> dict[str, Wording]:
    """Every intact wording, by hash. A finding with a damaged wording does not load."""
    rows = connection.execute(select(schema.wording.c.hash, schema.wording.c.body))
    return {
        row.hash: decode(_wordings, row.body, f"wording {row.hash}")
        for row in rows
        if _hashed(row.body.encode()) == row.hash
    }


def damaged_wordings(connection: Connection) -> list[str]:
    """Hashes of wordings whose text does not match."""
    rows = connection.execute(select(schema.wording.c.hash, schema.wording.c.body))
    return [row.hash for row in rows if _hashed(row.body.encode()) != row.hash]
