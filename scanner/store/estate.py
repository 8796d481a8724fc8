"""Looks up the latest scan's identities, workloads and secrets on demand, for a walk from one identity."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from sqlalchemy import Connection, select

from scanner.access.blast_radius.walk import ScopeOf, SecretKeys
from scanner.model import Assessment, Entry, Workload
from scanner.store import schema
from scanner.store.engine import plain_rows
from scanner.store.intervals import read_open
from scanner.store.kinds import ENTRIES, IDENTITIES, WORKLOADS, R, RecordKind

_LOOKED_UP = 500
"""The keys in one query."""


class StoredEstate:
    """See :class:`scanner.access.blast_radius.walk.Estate`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def assessments(self, keys: Collection[str]) -> Iterable[Assessment]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        return self._looked_up(IDENTITIES, keys)

    def living_in(self, place: ScopeOf) -> Iterable[Assessment]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        provider, scope = place
        table = schema.identity.c
        return read_open(self._connection, IDENTITIES, (table.provider == provider) & (table.scope == scope))

    def secrets_in(self, place: ScopeOf) -> Iterable[str]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        return self._secrets.within(place)

    def secrets_like(self, provider: str, pattern: str) -> Iterable[str]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        return self._secrets.like(provider, pattern)

    def secrets_used_by(self, workloads: Collection[str]) -> Iterable[str]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        found: Iterator[Workload] = self._looked_up(WORKLOADS, workloads)
        return [secret for workload in found for secret in workload.uses]

    def entry(self, key: str) -> Entry | None:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        return next((one.entry for one in self._looked_up(ENTRIES, (key,))), None)

    def _looked_up(self, kind: RecordKind[R], keys: Collection[str]) -> Iterator[R]:
        wanted = sorted(keys)
        for start in range(0, len(wanted), _LOOKED_UP):
            some = kind.versions.c.key.in_(wanted[start : start + _LOOKED_UP])
            yield from read_open(self._connection, kind, some)

    @cached_property
    def _secrets(self) -> SecretKeys:
        table = schema.secret.c
        rows = select(table.provider, table.scope, table.key).where(table.until_scan.is_(None)).order_by(table.key)
        return SecretKeys((provider, scope, key) for provider, scope, key in plain_rows(self._connection, rows))
