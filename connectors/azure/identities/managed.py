"""Managed identities, as the resource manager lists them, and their federated credentials."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Raw, Struct, structs

from connectors.azure import sections as s
from connectors.azure.identities.federation import Terms, credential_of, federates, trust_of
from connectors.azure.keys import arm_key, arm_name, managed_identity_key, subscription_of
from connectors.azure.reader import AzureReader, gathered
from connectors.azure.spec import MANAGED_IDENTITY, SPEC
from connectors.azure.workloads.rows import AzureResource, agent_signal, kind_of, runs_as
from connectors.core.contract import Scope
from connectors.core.reading import unread_facts
from scanner.errors import SourceError
from scanner.model import Coverage, Credential, Identity, Privilege, Signal, Trust

_NO_RIGHT_YET = Privilege(level="normal")
"""Assignments report rights, and raise the level."""
_MACHINE = Signal(says="machine", sort="provider", evidence="a managed identity")


class Federation(Struct, frozen=True, kw_only=True):
    """External principals that may sign in as an identity. ``unread``: unknown."""

    credentials: tuple[Credential, ...] = ()
    trusts: tuple[Trust, ...] = ()
    unread: bool = False


def managed_identities(
    scope: Scope,
    users: Iterable[AzureResource],
    resources: Sequence[AzureResource],
    federation: Mapping[str, Federation],
) -> Iterator[Identity]:
    """Managed identities without duplicates. ``users``: user-assigned identities; ``federation``: of those, by key.

    One of another subscription is reported only where an agent runs as it: its own subscription may not be read.
    """
    signals = _agents(resources)
    yielded: set[str] = set()
    for one in (*(_user_assigned(scope, row, signals, federation) for row in users), *_own(scope, resources, signals)):
        if one.key not in yielded:
            yielded.add(one.key)
            yield one
    for one in _elsewhere(scope, resources, signals):
        if one.key not in yielded:
            yielded.add(one.key)
            yield one


def _agents(resources: Iterable[AzureResource]) -> dict[str, tuple[Signal, ...]]:
    found: dict[str, tuple[Signal, ...]] = {}
    for resource in resources:
        signal = agent_signal(resource)
        if signal is None:
            continue
        for key in runs_as(resource):
            found[key] = (*found.get(key, ()), signal)
    return found


def _user_assigned(
    scope: Scope, row: AzureResource, signals: Mapping[str, tuple[Signal, ...]], federation: Mapping[str, Federation]
) -> Identity:
    key = managed_identity_key(row.id)
    trusted = federation.get(key, Federation())
    return Identity(
        key=key,
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        kind=MANAGED_IDENTITY,
        name=arm_name(row.id) or row.name,
        unique_id=row.principal_id,
        aliases=_aliases(row.client_id, row.id),
        created_at=row.made_at,
        created_by=row.made_by,
        tags=row.labels,
        attributes=_attributes(scope, row, assigned="user"),
        signals=(_MACHINE, *signals.get(key, ())),
        privilege=_NO_RIGHT_YET,
        consequences=(),
        credentials=trusted.credentials,
        links=federates(trusted.trusts),
        trusts=trusted.trusts,
        unread=unread_facts(credentials=trusted.unread, trusts=trusted.unread),
    )


def _own(scope: Scope, rows: Iterable[AzureResource], signals: Mapping[str, tuple[Signal, ...]]) -> Iterator[Identity]:
    """System-assigned identities of resources, with the tags of the resource."""
    for row in rows:
        if row.identity is not None and row.identity.principal_id:
            key = managed_identity_key(row.id)
            yield Identity(
                key=key,
                provider=SPEC.name,
                source=scope.source,
                scope=scope.id,
                kind=MANAGED_IDENTITY,
                name=arm_name(row.id) or row.name,
                unique_id=row.identity.principal_id,
                aliases=_aliases(None, row.id),
                created_by=row.made_by,
                tags=row.labels,
                attributes={**_attributes(scope, row, assigned="system"), "resource": kind_of(row)},
                signals=(_MACHINE, *signals.get(key, ())),
                privilege=_NO_RIGHT_YET,
                consequences=(),
            )


def _elsewhere(
    scope: Scope, rows: Iterable[AzureResource], signals: Mapping[str, tuple[Signal, ...]]
) -> Iterator[Identity]:
    for row in rows:
        for arm_id, reported in ((row.identity and row.identity.user_assigned_identities) or {}).items():
            key, place = managed_identity_key(arm_id), subscription_of(arm_id)
            if key in signals and place is not None and place != scope.id:
                yield Identity(
                    key=key,
                    provider=SPEC.name,
                    source=scope.source,
                    scope=place,
                    kind=MANAGED_IDENTITY,
                    name=arm_name(arm_id) or key,
                    unique_id=reported.principal_id if reported else None,
                    aliases=_aliases(reported.client_id if reported else None, arm_id),
                    signals=(_MACHINE, *signals[key]),
                    privilege=_NO_RIGHT_YET,
                    consequences=(),
                    unread=unread_facts(credentials=True, tags=True, trusts=True),
                )


def _aliases(client_id: str | None, arm_id: str) -> tuple[str, ...]:
    return (arm_id,) if client_id is None else (client_id, arm_id)


def _attributes(scope: Scope, row: AzureResource, *, assigned: str) -> dict[str, Any]:
    reported = {"scope_name": scope.context.name, "assigned": assigned, "location": row.location}
    group = arm_key(row.id).partition("/resourcegroups/")[2].partition("/")[0]
    return {name: value for name, value in (reported | {"resource_group": group or None}).items() if value is not None}


# --- Federated credentials of user-assigned identities ---
#
# Source: https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials/list

VERSION = "2024-11-30"


class FederatedCredential(Struct, frozen=True, kw_only=True):
    """A federated credential of a user-assigned identity."""

    name: str
    properties: Terms


def read_federation(
    reader: AzureReader, users: Sequence[AzureResource]
) -> Generator[Coverage, None, dict[str, Federation]]:
    """Read by key; identities without an item could not be read. One request for each identity, several in parallel."""
    found: dict[str, Federation] = {managed_identity_key(one.id): Federation(unread=True) for one in users}

    def listed(one: AzureResource) -> tuple[list[Raw], SourceError | None]:
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
    """The credentials of one identity, and the trust of each."""
    named = {row.name: row.properties for row in rows}
    return Federation(
        credentials=tuple(credential_of(key, name, named[name]) for name in sorted(named)),
        trusts=tuple(trust_of(name, named[name], tenant) for name in sorted(named)),
    )
