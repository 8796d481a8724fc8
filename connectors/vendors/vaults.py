"""Credentials that a vendor stores for agents in vaults of projects or workspaces: names and dates, never values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from connectors.core.reading import ReadSection
from connectors.vendors.api import Api
from connectors.vendors.reader import VendorReader
from connectors.vendors.records import VendorOrganization
from connectors.vendors.sections import Request
from scanner.model import StoredSecret


class Vault(Protocol):
    """A vault as both vendors have it."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str:
        """Its name, or its id if it has none."""
        ...


V = TypeVar("V", bound=Vault)
C = TypeVar("C")


class Vaults(Struct, Generic[V, C], frozen=True, kw_only=True):
    """A vendor's vaults: the section, its requests and their rows, and the function that makes a record of a row."""

    section: str
    listing: Request
    vault: type[V]
    within: Request
    credential: type[C]
    made: Callable[[VendorOrganization, V, C], StoredSecret]


def read_vaults(
    reader: VendorReader, vaults: Vaults[V, C], opened: Mapping[str, Api]
) -> ReadSection[dict[str, list[str]]]:
    """Read vaults and their credentials. Returns the keys of credentials by the id of their vault."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    seen: dict[str, StoredSecret] = {}
    with reader.section(vaults.section) as section:
        for api in opened.values():

            def in_vault(vault: V, api: Api = api) -> list[C]:
                return list(api.rows(vaults.within, vaults.credential, section, vault=vault.id))

            listed = reader.listed(section, vaults.listing, vaults.vault, api)
            for vault, rows in reader.each(section, "vaults", in_vault, listed, lambda one: one.title):
                for row in rows:
                    secret = vaults.made(reader.place, vault, row)
                    if secret.key not in seen:
                        seen[secret.key] = secret
                        found[vault.id].append(secret.key)
        section.found(len(seen))
    yield from seen.values()
    yield reader.done(section)
    return dict(found)
