"""Key vaults: access policies as rights with their privilege, and items as stored secrets, by name only.

Source: https://learn.microsoft.com/azure/key-vault/general/assign-access-policy
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from msgspec import Raw, Struct, field

from connectors.azure import sections as s
from connectors.azure.client.errors import ClosedToUs
from connectors.azure.client.requests import Forbidden
from connectors.azure.keys import arm_key, secrets_in, vault_item_key
from connectors.azure.reader import AzureReader, gathered
from connectors.azure.spec import SPEC
from connectors.azure.workloads.rows import AzureResource, Estate, resources_of
from connectors.core.contract import DiscoveredRecord, Malformed, Scope, SectionReading
from scanner.errors import Denied, SourceError, Unreachable
from scanner.model import Assignment, Consequence, ConsequenceKind, Grant, Privilege, StoredSecret

_EVERYTHING = "all"
_GRAVE: Mapping[str, Mapping[str, str]] = {
    "secrets": {
        "get": "read every secret",
        "backup": "export every secret, encrypted",
        "set": "replace every secret",
    },
    "keys": {
        "decrypt": "decrypt with every key",
        "sign": "sign with every key",
        "unwrapkey": "unwrap what every key protects",
        "release": "release every exportable key",
        "backup": "export every key, encrypted",
        "import": "replace every key",
    },
    "certificates": {
        "import": "replace every certificate and its key",
        "create": "replace every certificate and its key",
        "backup": "export every certificate, encrypted",
    },
    "storage": {
        "get": "read keys of storage accounts",
        "getsas": "get access to storage accounts",
        "regeneratekey": "replace keys of storage accounts",
    },
}
"""Privileged verbs by type of item: to read, use or replace values."""
_CONSEQUENCES: tuple[tuple[ConsequenceKind, str, tuple[str, ...]], ...] = (
    ("read_secrets", "secrets", ("get", "backup")),
    ("read_data", "keys", ("decrypt", "unwrapkey")),
    ("delete", "secrets", ("delete", "purge")),
    ("delete", "keys", ("delete", "purge")),
)
"""Consequences by the verbs on vault items."""


class AccessPolicy(Struct, frozen=True, kw_only=True, rename="camel"):
    """The permissions of a principal on all items of a vault. ``application_id``: only through this application."""

    object_id: str
    application_id: str | None = None
    permissions: dict[str, tuple[str, ...] | None] = {}


def assignments_of(scope: Scope, vault: AzureResource, policies: Iterable[AccessPolicy]) -> Iterator[Assignment]:
    """Each policy as a right of its holder. A holder without an identity may be a person or a group."""
    by_key = {_key(vault, policy): policy for policy in policies}
    for key in sorted(by_key):
        policy = by_key[key]
        yield Assignment(
            key=key,
            provider=SPEC.name,
            source=scope.source,
            scope=scope.id,
            holder=policy.object_id,
            grant=Grant(name=_named(policy), via="access policy", resource=vault.id),
            privilege=privilege_of(vault.name, policy.permissions),
            consequences=consequences_of(vault, policy.permissions),
            conditional=policy.application_id is not None,
            attributes={"through": policy.application_id} if policy.application_id else {},
        )


def privilege_of(vault: str, permissions: Mapping[str, Sequence[str] | None]) -> Privilege:
    """High if values can be read, used or replaced."""
    reasons = tuple(f"may {words} in the vault {vault}" for words in dict.fromkeys(_grave(permissions)))
    return Privilege(level="high", evidence=reasons) if reasons else Privilege(level="normal")


def consequences_of(vault: AzureResource, permissions: Mapping[str, Sequence[str] | None]) -> tuple[Consequence, ...]:
    """The consequences for the blast radius: of secrets and of keys."""
    held = {kind: {verb.lower() for verb in verbs or ()} for kind, verbs in permissions.items()}
    return tuple(
        Consequence(
            kind=consequence,
            actions=tuple(f"{kind}/{verb}" for verb in found),
            on=secrets_in(vault.id) if consequence == "read_secrets" else (),
            narrow=True,
        )
        for consequence, kind, verbs in _CONSEQUENCES
        if (found := [verb for verb in verbs if held.get(kind, set()) & {verb, _EVERYTHING}])
    )


def _grave(permissions: Mapping[str, Sequence[str] | None]) -> Iterator[str]:
    for kind, words in _GRAVE.items():
        held = {verb.lower() for verb in permissions.get(kind) or ()}
        yield from (reported for verb, reported in words.items() if held & {verb, _EVERYTHING})


def _key(vault: AzureResource, policy: AccessPolicy) -> str:
    through = f"/{policy.application_id}" if policy.application_id else ""
    return f"{arm_key(vault.id)}/accesspolicies/{policy.object_id}{through}".lower()


def _named(policy: AccessPolicy) -> str:
    held = (f"{kind}: {', '.join(sorted(set(verbs)))}" for kind, verbs in sorted(policy.permissions.items()) if verbs)
    return "; ".join(held) or "nothing"


# --- Items of a key vault as stored secrets: names and dates, never values (pure) ---

# Names of secrets, keys and certificates that Key Vault accepts.
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
    """A row of a vault's own list. ``managed``: it belongs to a certificate, which is listed instead."""

    address: str = field(name="id")
    times: Times | None = field(name="attributes", default=None)
    tags: dict[str, Any] | None = None
    managed: bool | None = None

    @property
    def name(self) -> str | None:
        """The item's name, after its kind; None for any other address."""
        return _vault_items_named(
            self.address.partition("://")[2].partition("/")[2].partition("/")[2].partition("/")[0]
        )


class VaultKey(VaultItem, frozen=True, kw_only=True):
    """A row of a vault's own list of keys, whose address is ``kid``."""

    address: str = field(name="kid")


class _VaultProperties(Struct, frozen=True, kw_only=True):
    attributes: Times | None = None


class ListedItem(Struct, frozen=True, kw_only=True):
    """A row of the resource manager's list."""

    address: str = field(name="id")
    tags: dict[str, Any] | None = None
    properties: _VaultProperties = _VaultProperties()

    @property
    def name(self) -> str | None:
        """The item's name, the last segment of its path; None if invalid."""
        return _vault_items_named(self.address.rstrip("/").rpartition("/")[2])

    @property
    def times(self) -> Times | None:
        """As the vault's own list has them."""
        return self.properties.attributes

    @property
    def managed(self) -> bool | None:
        """False: this list does not report it."""
        return None


Item = VaultItem | ListedItem


def stored_secret(scope: Scope, vault: AzureResource, kind: str, name: str, item: Item) -> StoredSecret:
    """One item of a vault. ``rotated_at``: when it last changed in any way; its value is at least that old."""
    times = item.times or Times()
    reported = {
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
        attributes={key: value for key, value in reported.items() if value is not None},
    )


def _vault_items_named(text: str) -> str | None:
    return text if _NAME.fullmatch(text) else None


def _moment(seconds: int | None) -> datetime | None:
    """A time in UTC; None if missing or out of range."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


# --- Key vaults: access policies and names of items ---
#
# A vault behind its firewall, one without permission, and an empty one are three different cases.
# Source: https://learn.microsoft.com/rest/api/keyvault/

ITEMS_VERSION = "2023-07-01"
_KINDS: Mapping[str, str] = {s.SECRETS: "secrets", s.KEYS: "keys", s.CERTIFICATES: "certificates"}
_ROWS: Mapping[str, type[Item]] = {s.KEYS: VaultKey}
_ALONE = (ClosedToUs, Denied, Forbidden)
"""Failures that concern one vault only: each has its own host, firewall and permissions."""


class NotInPolicy(Denied):
    """A vault uses access policies, and none of them allows its lists; a role would not help."""


def read_vaults(reader: AzureReader, estate: Estate) -> Iterator[DiscoveredRecord]:
    """Read every vault's access policies, then its items if the settings ask for them."""
    vaults: list[AzureResource] = []
    closed: dict[str, Unreachable] = {}
    with reader.section(s.VAULTS) as section:
        for vault in resources_of(reader, section, s.VAULTS, estate):
            vaults.append(vault)
            section.found()
            yield from assignments_of(reader.scope, vault, _policies(reader, section, vault))
    yield reader.done(section)
    for name, kind in _KINDS.items():
        if reader.settings.key_vaults == "off":
            yield reader.off(name)
        elif s.VAULTS in reader.gaps and not vaults:
            yield reader.skipped(name, "the vaults could not be listed")
        elif reader.settings.key_vaults == "arm" and name == s.CERTIFICATES:
            yield reader.scope.coverage(name, "not_offered", detail="the resource manager lists no certificates")
        else:
            yield from _read_items(reader, name, kind, vaults, closed)


def _policies(reader: AzureReader, section: SectionReading, vault: AzureResource) -> Iterator[AccessPolicy]:
    """The policies in force: a vault that uses roles keeps its policies but ignores them."""
    if not vault.enable_rbac_authorization:
        yield from reader.rows(section, [vault.access_policies or []], AccessPolicy)


def _read_items(
    reader: AzureReader, name: str, kind: str, vaults: Sequence[AzureResource], closed: dict[str, Unreachable]
) -> Iterator[DiscoveredRecord]:
    """Read items of a kind. ``closed``: vaults by id that denied another kind; they are skipped."""
    by_arm = reader.settings.key_vaults == "arm"
    row: type[Item] = ListedItem if by_arm else _ROWS.get(name, VaultItem)

    def listed(vault: AzureResource) -> tuple[list[Raw], SourceError | None]:
        if vault.id in closed:
            raise closed[vault.id]
        if not vault.vault_uri:
            raise Malformed("it has no address")
        try:
            return gathered(_by_arm(reader, vault, kind)) if by_arm else _by_vault(reader, vault, kind)
        except Unreachable as error:
            closed[vault.id] = error
            raise

    with reader.section(name) as section:
        each = reader.each(section, "vaults", listed, vaults, named=lambda one: one.name, alone=_ALONE)
        for vault, (rows, cut_off) in each:
            if cut_off is not None:
                section.lost(cut_off, partial=True)
            for item in reader.rows(section, [rows], row):
                if item.name is None:
                    section.malformed(item.address, "it has no name of an item")
                elif not item.managed:
                    section.found()
                    yield stored_secret(reader.scope, vault, kind, item.name, item)
    yield reader.done(section)


def _by_vault(reader: AzureReader, vault: AzureResource, kind: str) -> tuple[list[Raw], SourceError | None]:
    try:
        return gathered(reader.api.vault_pages(vault.vault_uri or "", f"/{kind}"))
    except Denied as error:
        if vault.enable_rbac_authorization:
            raise
        permission = f'an access policy of the vault with "list" on {kind}'
        raise NotInPolicy(str(error), permission=permission) from error


def _by_arm(reader: AzureReader, vault: AzureResource, kind: str) -> Iterator[list[Raw]]:
    path = f"{quote(vault.id.rstrip('/'), safe='/')}/{kind}"
    return reader.api.arm_pages(path, api_version=ITEMS_VERSION)
