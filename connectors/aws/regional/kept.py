"""Credentials that a service keeps or knows, as stored secrets, by where their facts stand in a row (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from connectors.aws.identities import known
from connectors.aws.regional.declarations import Where
from connectors.aws.regional.paths import filled
from connectors.aws.regional.rows import fact, moment, tags_in
from scanner.model import StoredSecret


class Kept(Struct, frozen=True, kw_only=True):
    """Where in a row the facts of a credential stand. Whatever is not named here is never kept.

    ``type``: what sort of credential it is. ``key``, ``name``: templates. The rest are paths, ``facts`` by name.
    """

    type: str
    key: str
    name: str
    created_at: str | None = None
    expires_at: str | None = None
    last_used_at: str | None = None
    tags: str | None = None
    facts: Mapping[str, str] = {}

    def __call__(self, row: Any, where: Where) -> StoredSecret:
        """The credential that a row is about. Raises ValueError saying what is wrong with it."""
        facts = {name: fact(row, path) for name, path in self.facts.items()}
        return StoredSecret(
            key=filled(self.key, row, where.names),
            provider="aws",
            source=where.source,
            scope=where.account,
            name=filled(self.name, row, where.names),
            created_at=moment(row, self.created_at),
            expires_at=moment(row, self.expires_at),
            last_used_at=moment(row, self.last_used_at),
            tags=tags_in(row, self.tags) if self.tags else {},
            attributes=known(region=where.region, type=self.type, **facts),
        )
