"""Reads key vaults: who may use them by their access policies, and the names of what they hold.

A vault that its firewall closes, one that we have no right to, and one that is empty are three different things.
Source: https://learn.microsoft.com/rest/api/keyvault/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from msgspec import Raw

from connectors.azure import sections as s
from connectors.azure.errors import ClosedToUs
from connectors.azure.reader import Reader, gathered
from connectors.azure.requests import Forbidden
from connectors.azure.subscription.access_policies import AccessPolicy, assignments_of
from connectors.azure.subscription.rows import Estate, Resource, resources_of
from connectors.azure.subscription.vault_items import Item, ListedItem, VaultItem, VaultKey, stored_secret
from connectors.base import DiscoveredRecord, SectionReading
from connectors.errors import Malformed
from scanner.errors import Denied, SourceError, Unreachable

ITEMS_VERSION = "2023-07-01"
_KINDS: Mapping[str, str] = {s.SECRETS: "secrets", s.KEYS: "keys", s.CERTIFICATES: "certificates"}
_ROWS: Mapping[str, type[Item]] = {s.KEYS: VaultKey}
_ALONE = (ClosedToUs, Denied, Forbidden)
"""Failures that say nothing of the next vault: each has a host, a firewall and rights of its own."""


class NotInPolicy(Denied):
    """A vault goes by its access policies, and none of them gives us its lists; a role would not help."""


def read_vaults(reader: Reader, estate: Estate) -> Iterator[DiscoveredRecord]:
    """Every vault's access policies, then what the vaults hold, as far as the settings want that."""
    vaults: list[Resource] = []
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


def _policies(reader: Reader, section: SectionReading, vault: Resource) -> Iterator[AccessPolicy]:
    """Those in force: a vault that goes by roles keeps its policies, and does not look at them."""
    if not vault.enable_rbac_authorization:
        yield from reader.rows(section, [vault.access_policies or []], AccessPolicy)


def _read_items(
    reader: Reader, name: str, kind: str, vaults: Sequence[Resource], closed: dict[str, Unreachable]
) -> Iterator[DiscoveredRecord]:
    """``closed``: by id, vaults that did not let us in for another kind; they are not asked again."""
    by_arm = reader.settings.key_vaults == "arm"
    row: type[Item] = ListedItem if by_arm else _ROWS.get(name, VaultItem)

    def listed(vault: Resource) -> tuple[list[Raw], SourceError | None]:
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


def _by_vault(reader: Reader, vault: Resource, kind: str) -> tuple[list[Raw], SourceError | None]:
    try:
        return gathered(reader.api.vault_pages(vault.vault_uri or "", f"/{kind}"))
    except Denied as error:
        if vault.enable_rbac_authorization:
            raise
        permission = f'an access policy of the vault with "list" on {kind}'
        raise NotInPolicy(str(error), permission=permission) from error


def _by_arm(reader: Reader, vault: Resource, kind: str) -> Iterator[list[Raw]]:
    path = f"{quote(vault.id.rstrip('/'), safe='/')}/{kind}"
    return reader.api.arm_pages(path, api_version=ITEMS_VERSION)
