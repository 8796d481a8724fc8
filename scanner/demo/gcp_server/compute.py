"""Compute Engine's machines, in a map by zone."""

from __future__ import annotations

from collections import defaultdict

from scanner.demo.gcp_server.call import Call, Route, paged
from scanner.demo.gcp_server.cloud import Row


def _instances(call: Call) -> Row:
    """A zone without machines is there with a warning, as the real one has it."""
    project = call.places["project"]
    rows = call.cloud.rows[f"projects/{project}/instances"]
    page = paged(call, rows, "items", default=500, cap=500, sized_by="maxResults")
    zones: defaultdict[str, list[Row]] = defaultdict(list)
    for row in page.pop("items", []):
        zones["zones/" + row["zone"].rpartition("/")[2]].append(row)
    empty: Row = {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "There are no results for this scope."}}
    items = {"zones/europe-west1-b": empty} | {zone: {"instances": found} for zone, found in zones.items()}
    return {"kind": "compute#instanceAggregatedList", "items": items} | page


ROUTES = (Route(api="compute", path="/compute/v1/projects/{project}/aggregated/instances", answer=_instances),)
