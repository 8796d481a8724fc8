"""Who may sign in as a user-assigned identity from outside, without a secret: its federated credentials.

Source: https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials/list
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from urllib.parse import quote

from msgspec import Raw, Struct, structs

from connectors.azure import sections as s
from connectors.azure.federation import Terms, credential_of, trust_of
from connectors.azure.keys import arm_name, managed_identity_key
from connectors.azure.reader import Reader, gathered
from connectors.azure.subscription.identities import Federation
from connectors.azure.subscription.rows import Resource
from scanner.errors import SourceError
from scanner.model import Coverage

VERSION = "2024-11-30"


class FederatedCredential(Struct, frozen=True, kw_only=True):
    """Whose tokens are taken, and whom they must be about."""

    name: str
    properties: Terms


def read_federation(reader: Reader, users: Sequence[Resource]) -> Generator[Coverage, None, dict[str, Federation]]:
    """By key; what is not in it could not be read. One request for each identity, several at a time."""
    found: dict[str, Federation] = {managed_identity_key(one.id): Federation(unread=True) for one in users}

    def listed(one: Resource) -> tuple[list[Raw], SourceError | None]:
        path = f"{quote(one.id.rstrip('/'), safe='/')}/federatedIdentityCredentials"
        return gathered(reader.api.arm_pages(path, api_version=VERSION))

    with reader.section(s.IDENTITY_FEDERATION) as section:
        each = reader.each(section, "identities", listed, users, named=lambda one: arm_name(one.id))
        for one, (rows, cut_off) in each:
            key, read = managed_identity_key(one.id), list(reader.rows(section, [rows], FederatedCredential))
            is_whole = cut_off is None and len(read) == len(rows)
            found[key] = structs.replace(federation(key, read, reader.unit.tenant), unread=not is_whole)
            section.found(len(read))
            if cut_off is not None:
                section.lost(cut_off, partial=True)
    yield reader.done(section)
    return found


def federation(key: str, rows: Iterable[FederatedCredential], tenant: str) -> Federation:
    """The credentials of one identity, and whom each lets in."""
    named = {row.name: row.properties for row in rows}
    return Federation(
        credentials=tuple(credential_of(key, name, named[name]) for name in sorted(named)),
        trusts=tuple(trust_of(name, named[name], tenant) for name in sorted(named)),
    )
