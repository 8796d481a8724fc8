"""What findings say alike: title, remediation and controls, kept once for all findings that say the same.

There are a few dozen such texts, and two of three bytes of a finding would be theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from scanner.history import schema
from scanner.history.bodies import decode, encode
from scanner.history.engine import bulk_insert
from scanner.model import Finding


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
