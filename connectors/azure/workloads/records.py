"""Workloads that run as managed identities and applications: every resource that has an identity (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.azure.keys import agent_blueprint_key, agent_identity_key, application_key, arm_key
from connectors.azure.spec import SPEC
from connectors.azure.workloads.rows import BOT, FOUNDRY_AGENT, Resource, kind_of, runs_as
from connectors.core.contract import Scope
from scanner.model import Workload
from scanner.model.attributes import NO_LOCAL_ACCOUNTS, SIGNS_TOKENS_AS


def workload(scope: Scope, tenant: str, row: Resource) -> Workload | None:
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


def _in_directory(tenant: str, row: Resource) -> Iterator[str]:
    """Applications and agent identities; a bot with a managed identity names its client id, too."""
    kind = row.type.lower()
    if kind == BOT and isinstance(row.msa_app_id, str) and row.msa_app_id and not row.msa_app_msi:
        yield application_key(tenant, row.msa_app_id)
    if kind == FOUNDRY_AGENT and isinstance(row.agent_principal, str) and row.agent_principal:
        yield agent_identity_key(tenant, row.agent_principal)


def _attributes(tenant: str, row: Resource) -> dict[str, Any]:
    blueprint = row.agent_blueprint if row.type.lower() == FOUNDRY_AGENT else None
    reported = {
        "location": row.location,
        "local_keys": _local_keys(row),
        SIGNS_TOKENS_AS: row.oidc_issuer,  # malformed: a gap of its row
        NO_LOCAL_ACCOUNTS: row.disable_local_accounts if isinstance(row.disable_local_accounts, bool) else None,
        "blueprint": agent_blueprint_key(tenant, blueprint) if isinstance(blueprint, str) and blueprint else None,
    }
    return {name: value for name, value in reported.items() if value is not None}


def _local_keys(row: Resource) -> bool | None:
    """Whether local keys give access without an identity; None if unknown."""
    if isinstance(row.disable_local_auth, bool):
        return not row.disable_local_auth
    return row.allow_shared_key_access if isinstance(row.allow_shared_key_access, bool) else None
