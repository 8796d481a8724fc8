"""The fake cloud, held against Google's discovery documents and read by Google's own clients."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from connectors.gcp.logs.batching import question
from connectors.logs.live import Span
from scanner.demo.fakes.gcp.call import FakeRoute
from scanner.demo.fakes.gcp.cloud import Cloud, Row
from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.logs import log_entry
from scanner.demo.fakes.gcp.server import ROUTES, answer
from tests.connectors.gcp.conftest import ORGANIZATION, READS_ONLY, Place, small_company
from tests.connectors.gcp.discovery import UNDOCUMENTED, check_answer, find_method

ACCOUNT = "billing@acme-prod.iam.gserviceaccount.com"
AT = "projects/acme-prod/locations"
KEY = {
    "name": f"projects/acme-prod/serviceAccounts/{ACCOUNT}/keys/0123abcd",
    "keyType": "USER_MANAGED",
    "keyOrigin": "GOOGLE_PROVIDED",
    "keyAlgorithm": "KEY_ALG_RSA_2048",
    "validAfterTime": "2024-01-01T00:00:00Z",
    "validBeforeTime": "9999-12-31T23:59:59Z",
}
ROWS: tuple[tuple[str, Row], ...] = (
    (f"projects/acme-prod/serviceAccounts/{ACCOUNT}/keys", KEY),
    (f"projects/acme-prod/serviceAccounts/{ACCOUNT}/keys", KEY | {"keyType": "SYSTEM_MANAGED"}),
    (f"{AT}/global/workloadIdentityPools", {"name": f"{AT}/global/workloadIdentityPools/ci", "state": "ACTIVE"}),
    (f"{AT}/global/workloadIdentityPools/ci/providers", {"name": f"{AT}/global/workloadIdentityPools/ci/providers/gh"}),
    (f"{AT}/global/keys", {"name": f"{AT}/global/keys/1", "uid": "1", "displayName": "maps"}),
    (
        "projects/acme-prod/instances",
        {"name": "vm", "zone": "https://www.googleapis.com/compute/v1/projects/acme-prod/zones/europe-west3-a"},
    ),
    ("projects/acme-prod/secrets", {"name": "projects/1111/secrets/db", "createTime": "2024-01-01T00:00:00Z"}),
)
PATHS = (
    "/v3/organizations:search",
    "/v3/folders:search?query=state:ACTIVE",
    "/v3/projects:search?pageSize=1",
    "/v3/projects/acme-prod",
    "/v3/projects/1111",
    "/v3/folders/456",
    "/v1/projects/acme-prod/serviceAccounts",
    f"/v1/projects/acme-prod/serviceAccounts/{ACCOUNT}/keys",
    f"/v1/{AT}/global/workloadIdentityPools",
    f"/v2/{AT}/global/keys",
    "/v1/projects/acme-prod/secrets",
    "/compute/v1/projects/acme-prod/aggregated/instances",
    f"/v1/{ORGANIZATION}/assets?contentType=RESOURCE",
    "/v1/projects/acme-prod/assets",
    f"/v1/{ORGANIZATION}:searchAllIamPolicies",
    "/v1/folders/456:searchAllIamPolicies",
    "/v1/folders/456:searchAllResources",
    f"/v1/{AT}/global/workloadIdentityPools/ci/providers",
    "/v1/projects/acme-prod/secrets/db:getIamPolicy?options.requestedPolicyVersion=3",
)
POSTS = (
    "/v3/projects/acme-prod:getIamPolicy",
    f"/v3/{ORGANIZATION}:getIamPolicy",
    f"/v1/projects/acme-prod/serviceAccounts/{ACCOUNT}:getIamPolicy",
)


def _cloud() -> Cloud:
    cloud = small_company()
    for collection, row in ROWS:
        cloud.add(collection, row)
    binding = {"role": "roles/owner", "members": [f"serviceAccount:{ACCOUNT}"]}
    condition = {"condition": {"title": "office hours", "expression": "true"}}
    for place in (ORGANIZATION, "folders/456", "projects/acme-prod"):
        cloud.set_policy(f"//cloudresourcemanager.googleapis.com/{place}", binding, binding | condition)
    return cloud


def _api(path: str, method: str) -> FakeRoute:
    return next(one for one in ROUTES if one.method == method and one.pattern.fullmatch(path))


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.api not in UNDOCUMENTED],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_every_route_is_one_of_google_s(route: FakeRoute) -> None:
    """Nothing is answered that the real APIs do not have."""
    samples = {"scope": "folders/1", "kind": "organizations", "location": "global"}
    path = re.sub(r"\{\+?(\w+)\}", lambda place: samples.get(place.group(1), "x"), route.path)
    # An attachment point is one segment, until it is decoded.
    path = path.replace("googleapis.com/organizations/x", "googleapis.com_organizations_x")

    assert find_method(route.api, route.method, path)


@pytest.mark.parametrize("target", [*PATHS, *POSTS])
def test_answers_are_of_the_schema_that_google_promises(target: str) -> None:
    """Fields, types and enumerations; none of these answers is empty."""
    path = urlsplit(target).path
    method = "POST" if target in POSTS else "GET"

    found = answer(_cloud(), method, target, {"options": {"requestedPolicyVersion": 3}})

    assert found
    check_answer(_api(path, method).api, method, path, found)


@contextmanager
def _client(name: str, version: str, place: Place) -> Iterator[Any]:
    from google.oauth2.credentials import Credentials
    from googleapiclient.discovery import build

    with build(
        name,
        version,
        credentials=Credentials("any"),
        client_options={"api_endpoint": place.url},
        static_discovery=True,
        cache_discovery=False,
    ) as client:
        yield client


@pytest.mark.parametrize("accounts", [99, 100, 101, 250])
def test_google_s_generic_client_reads_all_pages(place: Place, accounts: int) -> None:
    """However many it asks for: 100 is the most."""
    for number in range(accounts - 1):
        place.cloud.add_account("acme-prod", f"svc-{number}")
    pages = []
    with _client("iam", "v1", place) as client:
        listing = client.projects().serviceAccounts()
        request = listing.list(name="projects/acme-prod", pageSize=1000)
        while request is not None:
            page = request.execute()
            pages.append(len(page["accounts"]))
            request = listing.list_next(request, page)

    assert sum(pages) == accounts
    assert max(pages) <= 100


def test_google_s_client_for_iam_reads_all_pages(place: Place) -> None:
    """By gRPC."""
    import grpc
    from google.cloud.iam_admin_v1 import IAMClient

    for number in range(149):
        place.cloud.add_account("acme-prod", f"svc-{number}")
    target = place.settings().grpc_endpoint
    with grpc.insecure_channel(target) as channel:
        client = IAMClient(transport=IAMClient.get_transport_class("grpc")(channel=channel))
        found = {one.unique_id for one in client.list_service_accounts({"name": "projects/acme-prod"})}

    assert len(found) == 150


def _get(place: Place, path: str, **query: str) -> tuple[int, Any]:
    response = requests.get(f"{place.url}{path}", params=query, headers={"Authorization": "Bearer x"}, timeout=30)
    return response.status_code, response.json()


def test_a_token_belongs_to_its_request(place: Place) -> None:
    """With another parameter, or at another path, it is refused."""
    for number in range(3):
        place.cloud.add_account("acme-prod", f"svc-{number}")
    path = "/v1/projects/acme-prod/serviceAccounts"
    _, first = _get(place, path, pageSize="2")
    token = first["nextPageToken"]

    assert _get(place, path, pageSize="2", pageToken=token)[0] == 200
    assert _get(place, path, pageSize="3", pageToken=token)[0] == 400
    assert _get(place, path, pageSize="2", pageToken="!")[0] == 400


@pytest.mark.parametrize(
    ("path", "items", "cap"),
    [
        (f"/v1/{ORGANIZATION}/assets?assetTypes=iam.googleapis.com/ServiceAccount&", "assets", 1000),
        (f"/v1/{ORGANIZATION}:searchAllIamPolicies?", "results", 500),
        ("/v1/projects/acme-prod/serviceAccounts?", "accounts", 100),
        ("/storage/v1/projects/acme-prod/hmacKeys?", "items", 250),
    ],
)
def test_no_page_is_larger_than_the_real_one(path: str, items: str, cap: int) -> None:
    """However many are asked for, by whichever parameter."""
    cloud = small_company()
    for number in range(1100):
        cloud.add_account("acme-prod", f"svc-{number}")
        cloud.add("projects/acme-prod/hmacKeys", {"accessId": f"GOOG{number}"})
        cloud.set_policy(f"//storage.googleapis.com/projects/acme-prod/buckets/{number}")

    assert len(answer(cloud, "GET", f"{path}pageSize=5000&maxResults=5000", None)[items]) == cap


@pytest.mark.parametrize("mode", ["TRUST_DOMAIN", "SYSTEM_TRUST_DOMAIN"])
def test_a_trust_domain_has_no_providers_to_list(mode: str) -> None:
    """The real one answers 400, no matter who asks."""
    cloud = small_company()
    cloud.add(f"{AT}/global/workloadIdentityPools", {"name": f"{AT}/global/workloadIdentityPools/td", "mode": mode})

    with pytest.raises(Refused, match="mode") as caught:
        answer(cloud, "GET", f"/v1/{AT}/global/workloadIdentityPools/td/providers", None)
    assert caught.value.code == 400


def test_only_keys_of_the_type_that_was_asked_for(start: Callable[[Cloud], Place]) -> None:
    """Without a type all are listed."""
    place = start(_cloud())
    path = f"/v1/projects/acme-prod/serviceAccounts/{ACCOUNT}/keys"

    assert [key["keyType"] for key in _get(place, path)[1]["keys"]] == ["USER_MANAGED", "SYSTEM_MANAGED"]
    assert [key["keyType"] for key in _get(place, path, keyTypes="USER_MANAGED")[1]["keys"]] == ["USER_MANAGED"]


def test_without_version_3_conditions_are_lost() -> None:
    """As with the real one."""
    path = "/v3/projects/acme-prod:getIamPolicy"

    assert "condition" in json.dumps(answer(_cloud(), "POST", path, {"options": {"requestedPolicyVersion": 3}}))
    assert '"condition"' not in json.dumps(answer(_cloud(), "POST", path, None))


@pytest.mark.parametrize("path", ["/v1/projects/acme-prod/secrets/db/versions/1:access", "/v2/keys:lookupKey"])
def test_values_cannot_be_read(place: Place, path: str) -> None:
    """Anyone who asks for one is shown that there is no such thing, and it is in the log."""
    assert _get(place, path)[0] == 404
    assert place.cloud.log == [f"GET {path}"]
    assert not READS_ONLY.match(place.cloud.log.pop())


def test_logs_answer_as_the_document_has_it() -> None:
    """Without the right to private logs those of data access are left out, as Google leaves them out."""
    cloud = small_company()
    for kind in ("activity", "data_access"):
        log_entry(cloud, "projects/acme-prod", "2026-11-20T10:00:00Z", 1, kind, serviceName="iam.googleapis.com")
    body = question(["acme-prod"], Span(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)))
    public = answer(cloud, "POST", "/v2/entries:list", body)
    cloud.rights.add("logging.privateLogEntries.list")
    first = answer(cloud, "POST", "/v2/entries:list", {**body, "pageSize": 1})
    second = answer(cloud, "POST", "/v2/entries:list", {**body, "pageSize": 1, "pageToken": first["nextPageToken"]})
    bucket = "/v2/projects/acme-prod/locations/global/buckets/_Default"

    assert [len(one["entries"]) for one in (public, first, second)] == [1, 1, 1]
    for one in (public, first, second):
        check_answer("logging", "POST", "/v2/entries:list", one)
    check_answer("logging", "GET", bucket, answer(cloud, "GET", bucket, None))
    with pytest.raises(Refused):
        answer(cloud, "POST", "/v2/entries:list", {**body, "filter": 'severity="ERROR"'})
