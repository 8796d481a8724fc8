"""Plain listings: rows of a collection, page by page. Limits and defaults as the APIs document them."""

from __future__ import annotations

import re

from msgspec import Struct

from scanner.demo.fakes.gcp.call import Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import Row


class _Listing(Struct, frozen=True, kw_only=True):
    api: str
    path: str
    items: str
    default: int = 50
    cap: int = 1000
    sized_by: str = "pageSize"

    def __call__(self, call: Call) -> Row:
        field, _, value = call.one("filter").partition(":")
        rows = [row for row in _rows(call) if not field or row.get(field) == value]
        return paged(call, rows, self.items, default=self.default, cap=self.cap, sized_by=self.sized_by)


def _rows(call: Call) -> list[Row]:
    """The rows of a collection; the location ``-`` means all locations."""
    if "/locations/-/" not in call.path:
        return call.cloud.rows[call.path]
    before, _, after = call.path.partition("/locations/-/")
    places = re.compile(rf"{re.escape(before)}/locations/[^/]+/{re.escape(after)}")
    return [row for name, rows in list(call.cloud.rows.items()) if places.fullmatch(name) for row in rows]


_AT = "/v1/projects/{project}/locations/{location}"
_POOL = "/v1/projects/{project}/locations/global/workloadIdentityPools"
_LISTINGS = (
    _Listing(api="iam", path="/v1/projects/{project}/serviceAccounts", items="accounts", default=20, cap=100),
    _Listing(api="iam", path=_POOL, items="workloadIdentityPools"),
    _Listing(api="iam", path=f"{_POOL}/{{pool}}/namespaces", items="workloadIdentityPoolNamespaces"),
    _Listing(
        api="iam",
        path=f"{_POOL}/{{pool}}/namespaces/{{namespace}}/managedIdentities",
        items="workloadIdentityPoolManagedIdentities",
    ),
    _Listing(api="iam", path="/v1/projects/{project}/locations/global/oauthClients", items="oauthClients", cap=100),
    _Listing(api="apikeys", path="/v2/projects/{project}/locations/global/keys", items="keys", cap=300),
    _Listing(
        api="storage",
        path="/storage/v1/projects/{project}/hmacKeys",
        items="items",
        default=250,
        cap=250,
        sized_by="maxResults",
    ),
    _Listing(api="secretmanager", path="/v1/projects/{project}/secrets", items="secrets", cap=25000),
    _Listing(api="secretmanager", path="/v1/projects/{project}/secrets/{secret}/versions", items="versions"),
    _Listing(api="secretmanager", path=f"{_AT}/secrets", items="secrets", cap=25000),
    _Listing(api="secretmanager", path=f"{_AT}/secrets/{{secret}}/versions", items="versions"),
    _Listing(api="aiplatform", path=f"{_AT}/reasoningEngines", items="reasoningEngines", cap=100),
    _Listing(api="agentregistry", path=f"{_AT}/agents", items="agents", cap=100),
    _Listing(api="agentregistry", path=f"{_AT}/mcpServers", items="mcpServers", cap=100),
    _Listing(api="agentidentity", path=f"{_AT}/authProviders", items="authProviders"),
    _Listing(api="agentidentity", path=f"{_AT}/authProviders/{{provider}}/authorizations", items="authorizations"),
    _Listing(api="agentidentity", path=f"{_AT}/accessSummaries", items="accessSummaries"),
    _Listing(api="run", path="/v2/projects/{project}/locations/{location}/services", items="services", cap=100),
    _Listing(api="run", path="/v2/projects/{project}/locations/{location}/jobs", items="jobs", cap=100),
    _Listing(api="privilegedaccessmanager", path="/v1/{+scope}/locations/global/entitlements", items="entitlements"),
    _Listing(api="cloudfunctions", path="/v2/projects/{project}/locations/{location}/functions", items="functions"),
)


def _workloads(call: Call) -> Row:
    """The principals of the workloads that used a credential for agents, each once."""
    provider, _, _ = call.path.partition(":")
    rows = call.cloud.rows[f"{provider.partition('/authProviders/')[0]}/accessSummaries"]
    used = {row["workloadId"].replace("spiffe://", "principal://") for row in rows if row["authProvider"] == provider}
    found = paged(call, [{"id": name} for name in sorted(used)], "workloadIds", default=50, cap=1000)
    return found | ({"workloadIds": [row["id"] for row in found["workloadIds"]]} if "workloadIds" in found else {})


ROUTES = (
    *(FakeRoute(api=one.api, path=one.path, answer=one) for one in _LISTINGS),
    FakeRoute(api="agentidentity", path=f"{_AT}/authProviders/{{provider}}:queryWorkloads", answer=_workloads),
)
