"""KV listings to stored secrets: names, and dates where the server gives them."""

from __future__ import annotations

from connectors.base import Scope
from connectors.vault.payloads import KvMetadata, moment
from connectors.vault.texts import simple_strings
from scanner.model import StoredSecret


def parse_secret(scope: Scope, mount: str, version: str, path: str, metadata: KvMetadata | None) -> StoredSecret:
    """One secret. Without ``metadata`` only its name is known.

    ``expires_at`` is when its current value was or will be deleted, which can lie in the future.
    """
    row = metadata or KvMetadata()
    current = (row.versions or {}).get(str(row.current_version))
    return StoredSecret(
        key=f"vault://{scope.id}/{mount}/{path}",
        provider=scope.spec.name,
        source=scope.source,
        scope=scope.id,
        name=path,
        created_at=moment(row.created_time),
        rotated_at=moment(current.created_time) if current else None,
        expires_at=moment(current.deletion_time) if current else None,
        tags=simple_strings(row.custom_metadata),
        attributes={
            "mount": mount,
            "kv_version": version,
            **({"destroyed": True} if current and current.destroyed else {}),
        },
    )
