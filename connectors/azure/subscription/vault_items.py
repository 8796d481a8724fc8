"""What a key vault holds, as stored secrets: names and dates, never a value. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from connectors.azure.keys import vault_item_key
from connectors.azure.spec import SPEC
from connectors.azure.subscription.rows import Resource
from connectors.base import Scope
from scanner.model import StoredSecret

# As Key Vault takes the name of a secret, a key or a certificate.
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_SINGULAR = {"secrets": "secret", "keys": "key", "certificates": "certificate"}


class Times(Struct, frozen=True, kw_only=True):
    """Seconds since 1970, of the item's current version."""

    enabled: bool | None = None
    created: int | None = None
    updated: int | None = None
    expires: int | None = field(name="exp", default=None)
    not_before: int | None = field(name="nbf", default=None)


class VaultItem(Struct, frozen=True, kw_only=True):
    """A row of a vault's own list. ``managed``: it belongs to a certificate, and is listed as that."""

    address: str = field(name="id")
    times: Times | None = field(name="attributes", default=None)
    tags: dict[str, Any] | None = None
    managed: bool | None = None

    @property
    def name(self) -> str | None:
        """The item's name, after its kind; None where the address is none of an item."""
        return _named(self.address.partition("://")[2].partition("/")[2].partition("/")[2].partition("/")[0])


class VaultKey(VaultItem, frozen=True, kw_only=True):
    """A row of a vault's own list of keys, which call their address otherwise."""

    address: str = field(name="kid")


class _Properties(Struct, frozen=True, kw_only=True):
    attributes: Times | None = None


class ListedItem(Struct, frozen=True, kw_only=True):
    """A row of the resource manager's list."""

    address: str = field(name="id")
    tags: dict[str, Any] | None = None
    properties: _Properties = _Properties()

    @property
    def name(self) -> str | None:
        """The item's name, the last of its path; None where that is no name."""
        return _named(self.address.rstrip("/").rpartition("/")[2])

    @property
    def times(self) -> Times | None:
        """As the vault's own list has them."""
        return self.properties.attributes

    @property
    def managed(self) -> bool | None:
        """It is not told here."""
        return None


Item = VaultItem | ListedItem


def stored_secret(scope: Scope, vault: Resource, kind: str, name: str, item: Item) -> StoredSecret:
    """One item of a vault. ``rotated_at``: when it last changed in any way; its value is at least that old."""
    times = item.times or Times()
    told = {
        "type": _SINGULAR[kind],
        "vault": vault.name,
        "enabled": times.enabled,
        "not_before": when.isoformat() if (when := _moment(times.not_before)) else None,
        "scope_name": scope.context.name,
    }
    return StoredSecret(
        key=vault_item_key(vault.vault_uri or "", kind, name),
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        name=name,
        created_at=_moment(times.created),
        rotated_at=_moment(times.updated),
        expires_at=_moment(times.expires),
        tags={key: value for key, value in sorted((item.tags or {}).items()) if isinstance(value, str)},
        attributes={key: value for key, value in told.items() if value is not None},
    )


def _named(text: str) -> str | None:
    return text if _NAME.fullmatch(text) else None


def _moment(seconds: int | None) -> datetime | None:
    """A moment in UTC; None where it is not told, or is none that a calendar has."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
