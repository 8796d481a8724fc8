"""A subscription with something of everything in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import pytest

from connectors.core.contract import Scope
from scanner.demo.fakes.azure.estate import add_user_assigned, put, run, trust_issuer, with_access_policy
from scanner.demo.fakes.azure.tenant import Row, guid
from scanner.model import Coverage
from tests.connectors.azure.estate import AzureEstate

R = TypeVar("R")
SITES, CLUSTERS = "Microsoft.Web/sites", "Microsoft.ContainerService/managedClusters"
ISSUER = "https://westeurope.oic.prod-aks.azure.com/0000/1111/"
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
GRAPH = "/providers/Microsoft.ResourceGraph"
MINE = ("arm.managed_identities", "arm.workloads", "arm.federated_credentials", "vault.vaults", "vault.secrets",
        "vault.keys", "vault.certificates")  # fmt: skip
"""The sections that are not about roles, in their order."""
GITHUB = "https://token.actions.githubusercontent.com"


class Subscription(AzureEstate):
    """The one subscription, ``here``, of a tenant that is not looked into otherwise."""

    def __init__(self, estate: AzureEstate) -> None:
        super().__init__(estate.server)
        self.here: str = self.tenant.add_subscription("prod")["subscriptionId"]

    def records(self, kind: type[R], **facts: Any) -> list[R]:
        """What is found of a kind in the subscription."""
        return [one for one in self.of_unit(**facts) if isinstance(one, kind)]

    def of_unit(self, **facts: Any) -> Iterable[Any]:
        """Everything of its unit."""
        connector = self.connector(**{"management_groups": ()} | facts)
        for unit in connector.scopes():
            if isinstance(unit, Scope) and unit.id == self.here:
                yield from connector.discover(unit)

    def coverage(self, **facts: Any) -> dict[str, Coverage]:
        """By section."""
        return {one.section: one for one in self.records(Coverage, **facts)}

    def arm_id(self, kind: str, name: str) -> str:
        """Of a resource of its one resource group."""
        return f"/subscriptions/{self.here}/resourceGroups/rg/providers/{kind}/{name}"


@pytest.fixture
def empty(azure: AzureEstate) -> Subscription:
    """A subscription with nothing in it."""
    return Subscription(azure)


@pytest.fixture
def full(empty: Subscription) -> Subscription:
    """Two user-assigned identities with workloads, a vault that goes by roles, and one that goes by policies."""
    tenant, here = empty.tenant, empty.here
    deployer = add_user_assigned(tenant, here, "Deployer", tags={"owner": "ada@example.com"})
    add_user_assigned(tenant, here, "idle")
    trust_issuer(tenant, deployer, "github", GITHUB, "repo:contoso/shop:ref:refs/heads/main")
    trust_issuer(tenant, deployer, "cluster", ISSUER, "system:serviceaccount:shop:api")
    run(tenant, here, SITES, "Shop", as_=[deployer], kind="functionapp,linux", tags={"env": "prod"})
    run(tenant, here, CLUSTERS, "aks", properties={"oidcIssuerProfile": {"issuerURL": ISSUER}})
    tenant.add_resource(here, "Microsoft.Network/virtualNetworks", "net")
    tenant.add_vault(here, "by-roles")
    closed: Row = tenant.add_vault(here, "by-policies", enableRbacAuthorization=False)
    with_access_policy(closed, guid("principal/shop"), {"secrets": ["Get", "List"], "keys": []})
    put(tenant, "by-roles", "secrets", "db-password", times={"exp": 1_800_000_000}, tags={"team": "shop"})
    put(tenant, "by-roles", "keys", "signing")
    put(tenant, "by-roles", "certificates", "web")
    put(tenant, "by-roles", "secrets", "web", managed=True)
    put(tenant, "by-roles", "keys", "web", managed=True)
    put(tenant, "by-policies", "secrets", "api-key")
    return empty
