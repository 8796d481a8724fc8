"""Since when identities are known, by their keys alone: no body is read, nothing is kept for it but by pruning."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, insert, or_, select

from scanner.history import scans, schema
from scanner.history.engine import plain_rows

_LOOKED_UP = 1_000
"""So many keys at most are looked up one by one; for more, the whole index is read."""

_version, _since = schema.identity, schema.identity_since


def first_seen(connection: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """By key, the start of the first scan that ever had it; identities that none had are not among them."""
    versions = select(_version.c.key, func.min(_version.c.first_scan)).group_by(_version.c.key)
    pruned = select(_since.c.key, _since.c.first_scan)
    if len(keys) <= _LOOKED_UP:
        versions, pruned = versions.where(_version.c.key.in_(keys)), pruned.where(_since.c.key.in_(keys))
    known: dict[str, int] = dict(plain_rows(connection, versions))
    known.update(plain_rows(connection, pruned))
    started = scans.start_times(connection)
    return {key: started[known[key]] for key in keys if key in known}


def keep_from_pruning(connection: Connection, oldest: int) -> None:
    """Keep what :func:`first_seen` would say after the versions are gone that no scan from ``oldest`` on has."""
    is_kept = exists().where(_since.c.key == _version.c.key)
    going = select(_version.c.key, func.min(_version.c.first_scan)).where(_version.c.until_scan <= oldest, ~is_kept)
    connection.execute(insert(_since).from_select(["key", "first_scan"], going.group_by(_version.c.key)))
    stays = exists().where(
        _version.c.key == _since.c.key, or_(_version.c.until_scan.is_(None), _version.c.until_scan > oldest)
    )
    connection.execute(delete(_since).where(~stays))
