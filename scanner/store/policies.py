"""What policies allow, as patterns of actions, stored once for all identities that have a policy.

A role with a thousand patterns is mostly these. An identity's body names each long list by its hash; short ones stay
among its attributes, as all of them did in earlier versions. Lists are never changed, and deleted by pruning alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, select

from scanner.errors import DamagedRow
from scanner.model import Assessment, Identity
from scanner.model.attributes import ALLOWED_ACTIONS
from scanner.store import schema
from scanner.store.bodies import encode
from scanner.store.engine import bulk_insert
from scanner.store.integrity import HINT

SHORT = 8
"""Patterns of a list that is not worth a reference."""
_INLINE = "inline"
_CACHED = 10_000
_LOOKED_UP = 500
_patterns = msgspec.json.Decoder(list[str])

Patterns: TypeAlias = tuple[str, ...]


def apart(identity: Identity) -> dict[str, Patterns]:
    """The lists that are stored apart, by the name of the policy: long ones, but for those of inline policies.

    No other identity has an inline policy, and to look each up would take longer than to read it.
    """
    allowed = identity.attributes.get(ALLOWED_ACTIONS)
    if not isinstance(allowed, Mapping):
        return {}
    own = {grant.name for grant in identity.grants if grant.via == _INLINE}
    own.difference_update(grant.name for grant in identity.grants if grant.via != _INLINE)
    return {
        name: tuple(texts)
        for name, texts in allowed.items()
        if name not in own
        and isinstance(texts, list)
        and len(texts) > SHORT
        and all(type(text) is str for text in texts)
    }


@lru_cache(maxsize=_CACHED)
def hash_of(patterns: Patterns) -> str:
    """The hash of a list, as bodies refer to it."""
    return _hashed(encode(patterns, "a policy"))


def _hashed(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def keep_policies(connection: Connection, assessments: Iterable[Assessment]) -> None:
    """Store the lists that the store does not have."""
    found = {hash_of(patterns): patterns for one in assessments for patterns in apart(one.identity).values()}
    hashes, table = sorted(found), schema.policy
    for start in range(0, len(hashes), _LOOKED_UP):
        some = hashes[start : start + _LOOKED_UP]
        known = set(connection.execute(select(table.c.hash).where(table.c.hash.in_(some))).scalars())
        rows = [(one, encode(found[one], "a policy").decode()) for one in some if one not in known]
        bulk_insert(connection, table, rows)


class Policies:
    """The lists of a store, looked up as needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, list[str]] = {}

    def patterns(self, name: str) -> list[str]:
        """The list with a hash. Raises DamagedRow if it was lost or changed."""
        if name not in self._known:
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> list[str]:
        chosen = select(schema.policy.c.body).where(schema.policy.c.hash == name)
        body: str | None = self._connection.execute(chosen).scalar()
        if body is None or _hashed(body.encode()) != name:
            raise DamagedRow("the store has lost what a policy allows", hint=HINT)
        return _patterns.decode(body)


class _Body(Struct):
    """Of an identity's body, the hashes of its lists by policy."""

    allowed: dict[str, str] = {}


_bodies = msgspec.json.Decoder(_Body)


def referring(connection: Connection) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Key, first scan and hashes by policy of each version of an identity that has lists apart, if it can be read."""
    table = schema.identity
    chosen = select(table.c.key, table.c.first_scan, table.c.body).where(table.c.body.contains('"allowed":'))
    for row in connection.execute(chosen, execution_options={"yield_per": _LOOKED_UP}):
        with suppress(msgspec.DecodeError):
            if allowed := _bodies.decode(row.body).allowed:
                yield row.key, row.first_scan, allowed


def damaged_policies(connection: Connection) -> list[str]:
    """Hashes of lists that were changed."""
    rows = connection.execute(select(schema.policy), execution_options={"yield_per": _LOOKED_UP})
    return [row.hash for row in rows if _hashed(row.body.encode()) != row.hash]


def lost_policies(connection: Connection) -> list[str]:
    """Hashes of lists that identities have and the store does not."""
    known = set(connection.execute(select(schema.policy.c.hash)).scalars())
    return sorted({name for _, _, allowed in referring(connection) for name in allowed.values()} - known)


def forget_unused(connection: Connection) -> None:
    """Delete the lists that no version of an identity has."""
    used = {name for _, _, allowed in referring(connection) for name in allowed.values()}
    known = set(connection.execute(select(schema.policy.c.hash)).scalars())
    delete_lists(connection, known - used)


def delete_lists(connection: Connection, hashes: Iterable[str]) -> None:
    """Delete the lists with these hashes."""
    names = sorted(hashes)
    for start in range(0, len(names), _LOOKED_UP):
        some = names[start : start + _LOOKED_UP]
        connection.execute(delete(schema.policy).where(schema.policy.c.hash.in_(some)))
