"""The fake cloud's identities, held against Google's discovery documents."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.server import ROUTES, answer
from tests.connectors.gcp.conftest import ORGANIZATION
from tests.connectors.gcp.discovery import check_answer, check_resource
from tests.connectors.gcp.estate import AT, BILLING, DEFAULT, DEV, PROD, company

_POOLS = f"/v1/projects/{PROD}/locations/global/workloadIdentityPools"
PATHS = (
    f"/v1/projects/{PROD}/serviceAccounts",
    f"/v1/projects/{PROD}/serviceAccounts/{BILLING}/keys",
    f"/v1/projects/{PROD}/serviceAccounts/{DEFAULT}/keys",
    f"/v2/projects/{PROD}/locations/global/keys",
    f"/v2/projects/{DEV}/locations/global/keys",
    f"/storage/v1/projects/{PROD}/hmacKeys",
    _POOLS,
    f"{_POOLS}/ci/providers",
    f"{_POOLS}/mesh/namespaces",
    f"{_POOLS}/mesh/namespaces/shop/managedIdentities",
    f"/v1/projects/{PROD}/locations/global/oauthClients",
    f"/v1/projects/{PROD}/locations/{AT}/reasoningEngines",
    f"/v1/projects/{PROD}/locations/{AT}/agents",
    f"/v1/projects/{PROD}/locations/{AT}/mcpServers",
    f"/v1/projects/{PROD}/locations/{AT}/authProviders",
    f"/v1/projects/{PROD}/locations/{AT}/authProviders/calendar/authorizations",
    f"/v1/projects/{PROD}/locations/{AT}/authProviders/calendar:queryWorkloads",
    f"/v1/projects/{PROD}/locations/{AT}/accessSummaries",
    f"/v1/{ORGANIZATION}/assets?contentType=RESOURCE",
)
SCHEMAS = {
    "iam.googleapis.com/ServiceAccount": ("iam.v1", "ServiceAccount"),
    "iam.googleapis.com/ServiceAccountKey": ("iam.v1", "ServiceAccountKey"),
    "iam.googleapis.com/WorkloadIdentityPool": ("iam.v1", "WorkloadIdentityPool"),
    "iam.googleapis.com/WorkloadIdentityPoolProvider": ("iam.v1", "WorkloadIdentityPoolProvider"),
    "apikeys.googleapis.com/Key": ("apikeys.v2", "V2Key"),
    "aiplatform.googleapis.com/ReasoningEngine": ("aiplatform.v1", "GoogleCloudAiplatformV1ReasoningEngine"),
}


@pytest.mark.parametrize("target", PATHS)
def test_answers_are_of_the_schema_that_google_promises(target: str) -> None:
    """Fields, types and enumerations; none of these answers is empty."""
    path = urlsplit(target).path
    api = next(one.api for one in ROUTES if one.method == "GET" and one.pattern.fullmatch(path))

    found = answer(company(), "GET", target, None)

    assert found
    check_answer(api, "GET", path, found)


def test_assets_have_their_own_api_s_resource_as_data() -> None:
    """Every sort is there."""
    assets = answer(company(), "GET", f"/v1/{ORGANIZATION}/assets?contentType=RESOURCE&pageSize=1000", None)["assets"]

    assert {asset["assetType"] for asset in assets} == set(SCHEMAS)
    for asset in assets:
        check_resource(*SCHEMAS[asset["assetType"]], asset["resource"]["data"])


@pytest.mark.parametrize("types", ["iam.googleapis.com/Nothing", "iam.googleapis.com/ServiceAccount&assetTypes=x"])
def test_types_that_cloud_asset_has_not_got_are_refused(types: str) -> None:
    """All that were asked for with them as well."""
    with pytest.raises(Refused, match="Unsupported asset type") as caught:
        answer(company(), "GET", f"/v1/{ORGANIZATION}/assets?assetTypes={types}", None)
    assert caught.value.code == 400


def test_types_may_be_expressions() -> None:
    """As Cloud Asset documents it."""
    found = answer(
        company(), "GET", f"/v1/{ORGANIZATION}/assets?assetTypes=iam.googleapis.com/WorkloadIdentity.*", None
    )

    assert {asset["assetType"] for asset in found["assets"]} == {name for name in SCHEMAS if "WorkloadIdentity" in name}
