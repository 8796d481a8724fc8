"""Understands the resources of the Terraform providers ``azurerm`` and ``azuread`` that bring identities and rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from connectors.azure.keys import arm_key, managed_identity_key
from connectors.azure.planned.identities import CREDENTIALS, HOLDING_TYPES, SOURCE, UNKNOWN_PLACE, AzureHolder, Holders
from connectors.azure.planned.rights import RIGHT_TYPES, AzureRights
from connectors.azure.spec import SPEC
from connectors.planned import UNKNOWN, Known, Planned, Resource, planned_key
from connectors.planned.effects import PlannedState, givers_of, planned_by_place
from connectors.planned.kinds import not_understood
from connectors.planned.shapes import PlannedDeclared, listed, mapping, text
from scanner.access.assignments import with_assignments
from scanner.model import Assignment, StoredSecret, Workload
from scanner.model.planned import Unread

_CONFIGURED = ("data.azuread_client_config", "data.azurerm_client_config")
_AZAPI = ("azapi_resource", "azapi_update_resource")
_AZAPI_IDENTITIES = ("microsoft.managedidentity/", "microsoft.authorization/role")
_OF_VAULT = "azurerm_key_vault_secret"


class AzurePlanner:
    """Reads resources of the Terraform providers ``azurerm``, ``azuread`` and, as gaps, ``azapi``."""

    provider: ClassVar[str] = "azure"
    types: ClassVar[tuple[str, ...]] = ("azurerm_*", "azuread_*", "azapi_*", "data.azurerm_*", "data.azuread_*")

    @staticmethod
    def reads() -> frozenset[str]:
        """The types that are read completely; of others the block ``identity`` is."""
        return frozenset(HOLDING_TYPES | RIGHT_TYPES | CREDENTIALS.keys() | {_OF_VAULT})

    def planned(self, resources: Sequence[Resource], known: Known) -> Planned:
        """The planned identities and rights."""
        tenant = _tenant(resources)
        after = _Moment(
            resources, {each.place.resource: each.values for each in resources if each.effect != "deleted"}, tenant
        )
        before = _Moment(resources, {each.place.resource: each.before for each in resources if each.before}, tenant)
        deployed = [each for each in resources if each.effect != "deleted"]
        return Planned(
            identities=tuple(planned_by_place(after.found, before.found, known)),
            workloads=tuple(workload for each in deployed if (workload := after.workload(each)) is not None),
            secrets=tuple(
                StoredSecret(
                    key=planned_key(each.place),
                    provider=SPEC.name,
                    source=SOURCE,
                    scope=each.account or UNKNOWN_PLACE,
                    name=text(each.values.get("name")) or each.place.resource,
                )
                for each in deployed
                if each.type == _OF_VAULT
            ),
            unread=(*after.unread, *_unread(resources)),
        )


def _tenant(resources: Sequence[Resource]) -> str:
    """The tenant: from the configured provider or a data source; empty if unknown."""
    configured = (each.account for each in resources if each.type.removeprefix("data.").startswith("azuread_"))
    described = (text(each.values.get("tenant_id")) for each in resources if each.type in _CONFIGURED)
    return next((each for each in (*configured, *described) if each), "").lower()


class _Moment:
    """The resources of a plan after the change, or before it. ``values``: their arguments, by address."""

    def __init__(self, resources: Sequence[Resource], values: Mapping[str, Any], tenant: str) -> None:
        declared = [
            PlannedDeclared(resource=each, values=values[each.place.resource])
            for each in resources
            if each.place.resource in values
        ]
        self._holders = Holders(declared, tenant)
        self.unread: list[Unread] = []
        for each in declared:
            if each.type in CREDENTIALS and not each.is_data:
                self._add_credential(each)
        rights = AzureRights(declared, self._holders, tenant)
        held: defaultdict[int, list[Assignment]] = defaultdict(list)
        for right in rights.given():
            right.holder.given.append(right.declared)
            right.holder.gives.setdefault(right.declared.at, []).append(right.assignment.grant.name)
            held[id(right.holder)].append(right.assignment)
        self.unread += rights.unread
        self.found = [(each.place, _found(each, held[id(each)])) for each in self._holders]

    def _add_credential(self, declared: PlannedDeclared) -> None:
        names = (CREDENTIALS[declared.type][1], "application_object_id", "user_assigned_identity_id")
        holders = self._holders.referred(declared, *names)
        for holder in holders:
            holder.credentials.append(declared)
        if not holders and declared.resource.effect not in ("deleted", "unchanged"):
            self.unread.append(
                Unread(place=declared.resource.place, reason="whose credential it is is not in the plan")
            )

    def workload(self, resource: Resource) -> Workload | None:
        """A resource with identities; None if it has none."""
        if resource.type.startswith("data."):
            return None
        blocks = [mapping(each) for each in listed(resource.values.get("identity"))]
        ids = [each for block in blocks for each in listed(block.get("identity_ids"))]
        declared = PlannedDeclared(resource=resource, values=resource.values)
        keys = [managed_identity_key(each) for each in ids if isinstance(each, str)]
        referred = [
            at
            for path, found in resource.refers.items()
            if path.startswith("identity.") and "identity_ids" in path
            for at in found
        ]
        by_at = {each.at: each for each in self._holders}
        keys += [by_at[at].key for at in referred if at in by_at]
        keys += [by_at[declared.at].key] if declared.at in by_at and blocks else []
        if not keys:
            return None
        known = text(resource.values.get("id"))
        return Workload(
            key=arm_key(known) if known else planned_key(resource.place),
            provider=SPEC.name,
            source=SOURCE,
            scope=resource.account or UNKNOWN_PLACE,
            kind=resource.type.removeprefix("azurerm_"),
            name=text(resource.values.get("name")) or resource.place.resource,
            runs_as=tuple(dict.fromkeys(keys)),
        )


def _found(holder: AzureHolder, held: Sequence[Assignment]) -> PlannedState:
    (identity,) = with_assignments([holder.identity()], {holder.key: held} if held else {})
    return PlannedState(
        at=holder.at,
        identity=identity,
        effect=holder.effect,
        gains=holder.gains,
        places=holder.places,
        computed=holder.computed,
        givers=givers_of((each.resource, holder.gives[each.at]) for each in holder.given),
        credentials_at=holder.credentials_at(),
    )


def _unread(resources: Sequence[Resource]) -> Iterator[Unread]:
    yield from not_understood(resources, AzurePlanner.reads())
    for each in resources:
        kind = each.values.get("type")
        by_azapi = each.type in _AZAPI and (kind is UNKNOWN or text(kind).lower().startswith(_AZAPI_IDENTITIES))
        if by_azapi and each.effect not in ("unchanged", "deleted"):
            yield Unread(place=each.place, reason=f"what a resource of the type {each.type} brings is not evaluated")
