"""Who may sign in as a user-assigned identity from outside, without a secret: its federated credentials.

Source: https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials/list
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from urllib.parse import quote, urlsplit

from msgspec import Raw, Struct, structs

from connectors.azure import sections as s
from connectors.azure.keys import arm_name, managed_identity_key
from connectors.azure.reader import Reader, gathered
from connectors.azure.subscription.identities import Federation
from connectors.azure.subscription.rows import Resource
from scanner.errors import SourceError
from scanner.model import Coverage, Credential, Trust, credential_key

VERSION = "2024-11-30"
_DIRECTORIES = frozenset({
    "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn", "sts.windows.net", "sts.chinacloudapi.cn",
})  # fmt: skip
"""Who makes out tokens of Entra; the first part of the issuer's path is the tenant."""
_CLUSTERS = ".oic.prod-aks.azure.com"
"""The end of the hosts where clusters of AKS publish their keys, whoever's they are."""


class _Terms(Struct, frozen=True, kw_only=True):
    issuer: str | None = None
    subject: str | None = None
    audiences: tuple[str, ...] | None = None


class FederatedCredential(Struct, frozen=True, kw_only=True):
    """Whose tokens are taken, and whom they must be about."""

    name: str
    properties: _Terms


class Issuers(Struct, frozen=True, kw_only=True):
    """Whose tokens are of our own making. ``clusters``: issuers of our clusters."""

    tenant: str
    clusters: frozenset[str] = frozenset()

    def are_external(self, issuer: str) -> bool | None:
        """Whether tokens of that issuer are others'; None where it cannot be told: a cluster that was not seen."""
        try:
            parts = urlsplit(issuer)
        except ValueError:
            return True
        host = (parts.hostname or "").lower()
        if issuer.rstrip("/") in self.clusters:
            return False
        if host in _DIRECTORIES:
            return parts.path.strip("/").partition("/")[0].lower() != self.tenant
        return None if host.endswith(_CLUSTERS) else True


def read_federation(
    reader: Reader, users: Sequence[Resource], clusters: Iterable[str]
) -> Generator[Coverage, None, dict[str, Federation]]:
    """By key; what is not in it could not be read. One request for each identity, several at a time."""
    found: dict[str, Federation] = {managed_identity_key(one.id): Federation(unread=True) for one in users}
    issuers = Issuers(tenant=reader.unit.tenant, clusters=frozenset(clusters))

    def listed(one: Resource) -> tuple[list[Raw], SourceError | None]:
        path = f"{quote(one.id.rstrip('/'), safe='/')}/federatedIdentityCredentials"
        return gathered(reader.api.arm_pages(path, api_version=VERSION))

    with reader.section(s.IDENTITY_FEDERATION) as section:
        each = reader.each(section, "identities", listed, users, named=lambda one: arm_name(one.id))
        for one, (rows, cut_off) in each:
            key, read = managed_identity_key(one.id), list(reader.rows(section, [rows], FederatedCredential))
            is_whole = cut_off is None and len(read) == len(rows)
            found[key] = structs.replace(federation(key, read, issuers), unread=not is_whole)
            section.found(len(read))
            if cut_off is not None:
                section.lost(cut_off, partial=True)
    yield reader.done(section)
    return found


def federation(key: str, rows: Iterable[FederatedCredential], issuers: Issuers) -> Federation:
    """The credentials of one identity, and whom each lets in."""
    by_name = {row.name: row for row in rows}
    return Federation(
        credentials=tuple(_credential(key, by_name[name]) for name in sorted(by_name)),
        trusts=tuple(_trust(by_name[name], issuers) for name in sorted(by_name)),
    )


def _credential(key: str, row: FederatedCredential) -> Credential:
    told = {"issuer": row.properties.issuer, "subject": row.properties.subject}
    return Credential(
        key=credential_key(key, "federation", row.name),
        kind="federation",
        id=row.name,
        never_expires=True,
        attributes={
            **{name: value for name, value in told.items() if value is not None},
            "audiences": list(row.properties.audiences or ()),
        },
    )


def _trust(row: FederatedCredential, issuers: Issuers) -> Trust:
    issuer, subject = row.properties.issuer, row.properties.subject
    return Trust(
        principal=issuer or "unknown",
        kind="federated",
        external=None if issuer is None else issuers.are_external(issuer),
        restriction="exact" if subject else "loose",
        evidence=f"federated credential {row.name}"
        + (f", for {subject} only" if subject else ", without an exact subject"),
        issuer=issuer,
        subject=subject,
    )
