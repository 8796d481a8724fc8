"""A subscription's resources: how they are listed, which kind each is, and what it runs as.

The query names each property: complete ``properties`` hold settings, which may include secrets. Source:
https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language and the REST reference of each
resource provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct, structs

from connectors.azure import sections as s
from connectors.azure.client.batch import resource_graph
from connectors.azure.client.payloads import moment
from connectors.azure.keys import (
    agent_blueprint_key,
    agent_identity_key,
    application_key,
    arm_key,
    managed_identity_key,
    subscription_of,
)
from connectors.azure.reader import AzureReader
from connectors.azure.spec import SPEC
from connectors.core.contract import Scope, SectionReading
from scanner.catalog import read_table
from scanner.errors import SourceError
from scanner.model import Signal, Workload
from scanner.model.attributes import NO_LOCAL_ACCOUNTS, SIGNS_TOKENS_AS

USER_ASSIGNED, VAULT = "microsoft.managedidentity/userassignedidentities", "microsoft.keyvault/vaults"
BOT, FOUNDRY_AGENT = "microsoft.botservice/botservices", "microsoft.cognitiveservices/accounts/projects/applications"
_COLUMNS: Mapping[str, str] = {
    "principalId": "principalId",
    "clientId": "clientId",
    "vaultUri": "vaultUri",
    "enableRbacAuthorization": "enableRbacAuthorization",
    "accessPolicies": "accessPolicies",
    "disableLocalAuth": "disableLocalAuth",
    "allowSharedKeyAccess": "allowSharedKeyAccess",
    "msaAppId": "msaAppId",
    "msaAppMSIResourceId": "msaAppMSIResourceId",
    "timeCreated": "timeCreated",
    "creationTime": "creationTime",
    "createdTime": "createdTime",
    "dateCreated": "dateCreated",
    "kubelet": "identityProfile.kubeletidentity.resourceId",
    "oidcIssuer": "oidcIssuerProfile.issuerURL",
    "disableLocalAccounts": "disableLocalAccounts",
    "agentPrincipal": "defaultInstanceIdentity.principalId",
    "agentBlueprint": "agentIdentityBlueprint.clientId",
}
"""Columns of the answer by property."""
_ASKED_FOR = (USER_ASSIGNED, VAULT, BOT, FOUNDRY_AGENT)
"""Types that are read without an identity of their own."""
QUERY = (
    "resources"
    f" | where isnotnull(identity) or type in~ ({', '.join(repr(one) for one in _ASKED_FOR)})"
    " | project id, name, type, kind, location, tags, identity, "
    + ", ".join(f"{column} = properties.{path}" for column, path in _COLUMNS.items())
    + " | order by id asc"
)
_LISTS: Mapping[str, tuple[str, str, Mapping[str, str | int]]] = {
    s.MANAGED_IDENTITIES: ("providers/Microsoft.ManagedIdentity/userAssignedIdentities", "2024-11-30", {}),
    s.WORKLOADS: ("resources", "2021-04-01", {"$expand": "createdTime", "$top": 1000}),
    s.VAULTS: ("providers/Microsoft.KeyVault/vaults", "2023-07-01", {}),
}
"""The resource manager's list for a section: path, version of the API, and parameters."""
_SECTION_OF = {USER_ASSIGNED: s.MANAGED_IDENTITIES, VAULT: s.VAULTS}


class Assigned(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user-assigned identity in a resource to which it is assigned."""

    principal_id: str | None = None
    client_id: str | None = None


class Identities(Struct, frozen=True, kw_only=True, rename="camel"):
    """The identities of a resource: its own (``principal_id``), and others by their resource ids."""

    type: str | None = None
    principal_id: str | None = None
    user_assigned_identities: dict[str, Assigned | None] | None = None


class AzureFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """Properties of resources, each of some types only. Those of type Any may have any shape."""

    principal_id: str | None = None
    client_id: str | None = None
    vault_uri: str | None = None
    enable_rbac_authorization: bool | None = None
    access_policies: list[Raw] | None = None
    disable_local_auth: Any = None
    allow_shared_key_access: Any = None
    msa_app_id: Any = None
    msa_app_msi: Any = msgspec.field(name="msaAppMSIResourceId", default=None)
    time_created: Any = None
    creation_time: Any = None
    created_time: Any = None
    date_created: Any = None


class System(Struct, frozen=True, kw_only=True, rename="camel"):
    """The creator of a resource, and the time."""

    created_by: str | None = None
    created_at: Any = None


class AzureResource(AzureFacts, frozen=True, kw_only=True, rename="camel"):
    """One resource. ``properties`` and ``system_data`` come from lists of the resource manager only."""

    id: str
    name: str
    type: str
    kind: str | None = None
    location: str | None = None
    tags: Any = None
    identity: Identities | None = None
    kubelet: Any = None
    oidc_issuer: Any = None
    disable_local_accounts: Any = None
    agent_principal: Any = None
    agent_blueprint: Any = None
    properties: AzureFacts | None = None
    system_data: System | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Its tags."""
        tags = self.tags if isinstance(self.tags, dict) else {}
        return {key: value for key, value in sorted(tags.items()) if isinstance(value, str)}

    @property
    def made_by(self) -> str | None:
        """The creator, if reported."""
        return self.system_data.created_by if self.system_data else None

    @property
    def made_at(self) -> datetime | None:
        """The time of creation, under any of the names that types use."""
        reported = (self.time_created, self.creation_time, self.created_time, self.date_created)
        system = self.system_data.created_at if self.system_data else None
        return next((when for one in (*reported, system) if (when := moment(one)) is not None), None)


class _Typed(Struct, frozen=True):
    id: str
    type: str


class Estate(Struct, frozen=True, kw_only=True):
    """The rows of Resource Graph by section. ``refusal``: why they may be incomplete."""

    rows: Mapping[str, list[Raw]] = {}
    refusal: SourceError | None = None


def ask_resource_graph(reader: AzureReader, section: SectionReading) -> Estate:
    """One query for all sections; rows whose type cannot be determined are a gap of this one.

    Resource Graph lags behind, so if it lists nothing, the resource manager is read as well. A row that moves between
    pages counts once.
    """
    rows: dict[str, list[Raw]] = {}
    seen: set[str] = set()
    try:
        for raw in resource_graph(reader.api, QUERY, subscriptions=[reader.scope.id]):
            typed = reader.row(section, raw, _Typed)
            if typed is not None and subscription_of(typed.id) != reader.scope.id:
                section.malformed(typed.id, "it is of another subscription")
            elif typed is not None and (key := arm_key(typed.id)) not in seen:
                seen.add(key)
                rows.setdefault(_SECTION_OF.get(typed.type.lower(), s.WORKLOADS), []).append(raw)
    except SourceError as error:
        return Estate(rows=rows, refusal=error)
    return Estate(rows=rows, refusal=None if rows else SourceError("Resource Graph returns nothing here"))


def resources_of(reader: AzureReader, section: SectionReading, name: str, estate: Estate) -> Iterator[AzureResource]:
    """A section's resources. If Resource Graph failed, the resource manager is read.

    If that fails as well, the rows of Resource Graph are kept. Raises SourceError if there are none.
    """
    known = estate.rows.get(name, [])
    if estate.refusal is None:
        yield from _decoded(reader, section, [known])
        return
    path, version, params = _LISTS[name]
    pages = reader.api.arm_pages(f"/subscriptions/{reader.scope.id}/{path}", api_version=version, params=params)
    try:
        listed = list(pages)
    except SourceError as error:
        if not known:
            raise
        section.lost(error, partial=True)
        listed = [known]
    some = False
    for row in _decoded(reader, section, listed):
        some = some or row.identity is not None or row.type.lower() in _ASKED_FOR
        yield row
    section.note("Resource Manager was used instead")
    if (
        name == s.WORKLOADS and some
    ):  # its list lacks properties, which name the identities of kubelets, bots and agents
        section.lost(estate.refusal, partial=True)
    else:
        section.note(str(estate.refusal))


def _decoded(reader: AzureReader, section: SectionReading, pages: list[list[Raw]]) -> Iterator[AzureResource]:
    for row in reader.rows(section, pages, AzureResource):
        if subscription_of(row.id) != reader.scope.id:
            section.malformed(row.id, "it is of another subscription")
        elif row.properties is not None:
            reported = structs.asdict(row.properties)
            yield structs.replace(row, **{name: value for name, value in reported.items() if value is not None})
        else:
            yield row


# --- Resource types and AI agents (``resource_types.toml``) ---


class _Type(Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    variants: Mapping[str, str] = {}
    agent: Literal["strong", "weak"] | None = None
    agent_kinds: frozenset[str] = frozenset()
    words: str = ""


@cache
def _types() -> Mapping[str, _Type]:
    return read_table("connectors.azure.workloads", "resource_types.toml", dict[str, _Type])


def kind_of(resource: AzureResource) -> str:
    """The kind of a resource, such as ``function_app``; otherwise Azure's type."""
    found = _types().get(resource.type.lower())
    if found is None:
        return resource.type.lower()
    said = _said(resource)
    return next((name for word, name in found.variants.items() if word in said), found.kind)


def agent_signal(resource: AzureResource) -> Signal | None:
    """The signal that the identity of a resource is, or may be, an AI agent's."""
    found = _types().get(resource.type.lower())
    if found is None or found.agent is None or (found.agent_kinds and not found.agent_kinds & _said(resource)):
        return None
    evidence = f"the {found.words} {resource.name} runs as it"
    return Signal(says="agent", sort="provider", evidence=evidence, strength=found.agent)


def _said(resource: AzureResource) -> frozenset[str]:
    """The words of its ``kind``: ``functionapp,linux``."""
    return frozenset(word.strip() for word in (resource.kind or "").lower().split(","))


def runs_as(resource: AzureResource) -> tuple[str, ...]:
    """Keys of the managed identities that a resource may act as, sorted."""
    keys = {managed_identity_key(arm_id) for arm_id in _assigned(resource)}
    if resource.identity is not None and resource.identity.principal_id:
        keys.add(managed_identity_key(resource.id))
    return tuple(sorted(keys))


def _assigned(resource: AzureResource) -> Iterator[str]:
    """Resource ids of user-assigned identities."""
    yield from (resource.identity and resource.identity.user_assigned_identities) or ()
    yield from (one for one in (resource.kubelet, resource.msa_app_msi) if isinstance(one, str) and one)


# --- Workloads: every resource that has an identity ---


def workload(scope: Scope, tenant: str, row: AzureResource) -> Workload | None:
    """A resource that runs as an identity; None for others."""
    keys = sorted({*runs_as(row), *_in_directory(tenant, row)})
    if not keys:
        return None
    return Workload(
        key=arm_key(row.id),
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        kind=kind_of(row),
        name=row.name,
        runs_as=tuple(keys),
        created_at=row.made_at,
        created_by=row.made_by,
        tags=row.labels,
        attributes=_attributes(tenant, row),
    )


def _in_directory(tenant: str, row: AzureResource) -> Iterator[str]:
    """Applications and agent identities; a bot with a managed identity names its client id, too."""
    kind = row.type.lower()
    if kind == BOT and isinstance(row.msa_app_id, str) and row.msa_app_id and not row.msa_app_msi:
        yield application_key(tenant, row.msa_app_id)
    if kind == FOUNDRY_AGENT and isinstance(row.agent_principal, str) and row.agent_principal:
        yield agent_identity_key(tenant, row.agent_principal)


def _attributes(tenant: str, row: AzureResource) -> dict[str, Any]:
    blueprint = row.agent_blueprint if row.type.lower() == FOUNDRY_AGENT else None
    reported = {
        "location": row.location,
        "local_keys": _local_keys(row),
        SIGNS_TOKENS_AS: row.oidc_issuer,  # malformed: a gap of its row
        NO_LOCAL_ACCOUNTS: row.disable_local_accounts if isinstance(row.disable_local_accounts, bool) else None,
        "blueprint": agent_blueprint_key(tenant, blueprint) if isinstance(blueprint, str) and blueprint else None,
    }
    return {name: value for name, value in reported.items() if value is not None}


def _local_keys(row: AzureResource) -> bool | None:
    """Whether local keys give access without an identity; None if unknown."""
    if isinstance(row.disable_local_auth, bool):
        return not row.disable_local_auth
    return row.allow_shared_key_access if isinstance(row.allow_shared_key_access, bool) else None
