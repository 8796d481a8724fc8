"""Secrets Manager: which secrets there are and how old their values are. Values are never asked for."""

from __future__ import annotations

from typing import Any

from connectors.aws.identities import Place, known, newest
from connectors.aws.payloads import SecretListEntry, read, tags_of, utc
from scanner.model import StoredSecret


def parse_secret(payload: Any, place: Place, region: str) -> StoredSecret:
    """A ``SecretListEntry`` as a stored secret. Raises ValueError.

    ``rotated_at`` is the last rotation or the last change of any kind, whichever is newer: the value is at least
    that old. AWS tells the day of last use, kept for each region by itself.
    """
    entry = read(payload, SecretListEntry)
    changed_at, deleted_at = utc(entry.last_changed_date), utc(entry.deleted_date)
    return StoredSecret(
        key=entry.arn,
        provider="aws",
        source=place.source,
        scope=place.account,
        name=entry.name,
        created_at=utc(entry.created_date),
        rotated_at=newest(utc(entry.last_rotated_date), changed_at),
        last_used_at=utc(entry.last_accessed_date),
        rotation_enabled=entry.rotation_enabled,
        tags=tags_of(entry.tags),
        attributes=known(
            region=region,
            kms_key=entry.kms_key_id,
            rotation_lambda=entry.rotation_lambda_arn,
            owning_service=entry.owning_service,
            primary_region=entry.primary_region,
            external_type=entry.type,
            deletion_planned_at=deleted_at.isoformat() if deleted_at else None,
        ),
    )
