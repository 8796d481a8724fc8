"""One scan of two clouds: who comes from one into the other, by the tokens that one issues and the other takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.demo.fakes.azure.estate import add_user_assigned, run, trust_issuer
from scanner.demo.fakes.azure.relations import add_federation
from scanner.demo.fakes.gcp.cloud import Cloud
from tests.cli.conftest import Muster, muster
from tests.connectors.azure.conftest import azure
from tests.connectors.azure.estate import SECRET_VARIABLE, AzureEstate
from tests.connectors.gcp.conftest import Place, small_company, start
from tests.connectors.gcp.estate import BILLING, key_of
from tests.e2e.test_azure_rules import CONFIG as AZURE

__all__ = ["azure", "muster", "start"]

GOOGLE = """
[[source]]
name = "google"
type = "gcp"
endpoint_url = "{url}"
grpc_endpoint = "{grpc}"
access_token = {{ file = "{token}" }}
locations = ["europe-west1"]
"""
AKS = "https://westeurope.oic.prod-aks.azure.com/0000/1111/"
CLUSTERS = "Microsoft.ContainerService/managedClusters"


@pytest.fixture
def scanned(
    azure: AzureEstate,  # the imported fixtures
    start: Callable[[Cloud], Place],
    muster: Muster,
    tmp_path: Path,
) -> Callable[[], dict[str, Any]]:
    """Scan both with the command line: the identities by name."""
    place = start(small_company())
    expected = place.settings()
    assert expected.access_token is not None
    tenant, server = azure.tenant, azure.server
    entra = AZURE.format(
        tenant=tenant.id, client=tenant.client_id, variable=SECRET_VARIABLE, url=server.url, ca=server.ca_file
    )
    google = GOOGLE.format(url=expected.endpoint_url, grpc=expected.grpc_endpoint, token=expected.access_token.file)
    (tmp_path / "muster.toml").write_text(entra + google)

    def scan() -> dict[str, Any]:
        done = muster("scan", "--config", "muster.toml", "--quiet", "-o", "json:-")
        return {one["name"]: one for one in json.loads(done.out)["identities"]}

    return scan


def links(identity: dict[str, Any], relation: str) -> set[str]:
    """Who its links of a sort lead to."""
    return {one["target"] for one in identity["links"] if one["relation"] == relation}


def test_a_service_account_of_google_becomes_an_application_of_entra(
    azure: AzureEstate,  # the imported fixture
    scanned: Callable[[], dict[str, Any]],
) -> None:
    """By its unique id, which the application trusts Google to vouch for."""
    unique_id = scanned()["billing"]["unique_id"]
    shop = azure.tenant.add_application("shop")
    add_federation(azure.tenant, shop, "billing", "https://accounts.google.com", unique_id)

    found = scanned()

    assert links(found["shop"], "federates") == {f"google:{unique_id}", key_of(BILLING)}
    assert links(found["billing"], "can_assume") == {found["shop"]["key"]}


def test_a_cluster_of_another_subscription_is_no_outsider(
    azure: AzureEstate,  # the imported fixture
    scanned: Callable[[], dict[str, Any]],
) -> None:
    """And stands with the identity that takes its tokens."""
    here, there = (azure.tenant.add_subscription(name)["subscriptionId"] for name in ("prod", "platform"))
    api = add_user_assigned(azure.tenant, here, "api")
    trust_issuer(azure.tenant, api, "aks", AKS, "system:serviceaccount:shop:api")
    cluster = run(azure.tenant, there, CLUSTERS, "aks", properties={"oidcIssuerProfile": {"issuerURL": AKS}})

    found = scanned()

    name = f"kubernetes:{AKS.removeprefix('https://').rstrip('/')}/shop/api"
    assert links(found["api"], "federates") == {name, cluster["id"].lower()}
