"""Instances of Compute Engine by zone, and clusters of Kubernetes Engine with their node pools."""

from __future__ import annotations

from collections import defaultdict

from scanner.demo.fakes.gcp.call import Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import Row
from scanner.demo.fakes.gcp.faults import Refused


def _instances(call: Call) -> Row:
    """Instances by zone; a zone without instances has a warning, as in the API."""
    project = call.places["project"]
    rows = call.cloud.rows[f"projects/{project}/instances"]
    page = paged(call, rows, "items", default=500, cap=500, sized_by="maxResults")
    zones: defaultdict[str, list[Row]] = defaultdict(list)
    for row in page.pop("items", []):
        zones["zones/" + row["zone"].rpartition("/")[2]].append(row)
    empty: Row = {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "There are no results for this scope."}}
    items = {"zones/europe-west1-b": empty} | {zone: {"instances": found} for zone, found in zones.items()}
    away = call.cloud.faults.unreachable_zones
    return {"kind": "compute#instanceAggregatedList", "items": items} | ({"unreachables": away} if away else {}) | page


def _clusters(call: Call) -> Row:
    """All clusters with their node pools, which are separate assets in Cloud Asset."""
    project = call.places["project"]
    pools = call.cloud.rows[f"projects/{project}/nodePools"]
    clusters = [
        {**cluster, "nodePools": [pool for pool in pools if pool["selfLink"].startswith(f"{cluster['selfLink']}/")]}
        for cluster in call.cloud.rows[f"projects/{project}/clusters"]
    ]
    return {"clusters": clusters} if clusters else {}


def _cluster(call: Call) -> Row:
    """A cluster of a location."""
    for cluster in call.cloud.rows[f"projects/{call.places['project']}/clusters"]:
        if cluster["name"] == call.places["cluster"] and cluster["location"] == call.places["location"]:
            return cluster
    raise Refused(404, f"Not found: {call.path}.")


ROUTES = (
    FakeRoute(api="compute", path="/compute/v1/projects/{project}/aggregated/instances", answer=_instances),
    FakeRoute(api="container", path="/v1/projects/{project}/locations/-/clusters", answer=_clusters),
    FakeRoute(api="container", path="/v1/projects/{project}/locations/{location}/clusters/{cluster}", answer=_cluster),
)
