"""Cloud Asset Inventory over the same rows: assets by type, and policies of all resources below a scope."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scanner.demo.fakes.gcp.call import Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import CREATED, Cloud, Row
from scanner.demo.fakes.gcp.faults import Refused

# The collections and the version of the data of each asset type.
_TYPES: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (kind, re.compile(rf"projects/[^/]+/{collection}"), version)
    for kind, collection, version in (
        ("iam.googleapis.com/ServiceAccount", r"serviceAccounts", "v1"),
        ("iam.googleapis.com/ServiceAccountKey", r"serviceAccounts/[^/]+/keys", "v1"),
        ("iam.googleapis.com/WorkloadIdentityPool", r"locations/global/workloadIdentityPools", "v1"),
        (
            "iam.googleapis.com/WorkloadIdentityPoolProvider",
            r"locations/global/workloadIdentityPools/[^/]+/providers",
            "v1",
        ),
        ("apikeys.googleapis.com/Key", r"locations/global/keys", "v2"),
        ("secretmanager.googleapis.com/Secret", r"(?:locations/[^/]+/)?secrets", "v1"),
        ("secretmanager.googleapis.com/SecretVersion", r"(?:locations/[^/]+/)?secrets/[^/]+/versions", "v1"),
        ("aiplatform.googleapis.com/ReasoningEngine", r"locations/[^/]+/reasoningEngines", "v1"),
        ("compute.googleapis.com/Instance", r"instances", "v1"),
        ("compute.googleapis.com/InstanceTemplate", r"global/instanceTemplates", "v1"),
        ("run.googleapis.com/Service", r"locations/[^/]+/services", "v2"),
        ("run.googleapis.com/Service", r"knative/services", "v1"),
        ("run.googleapis.com/Job", r"locations/[^/]+/jobs", "v2"),
        ("run.googleapis.com/Job", r"knative/jobs", "v1"),
        ("cloudfunctions.googleapis.com/Function", r"locations/[^/]+/functions", "v2"),
        ("cloudfunctions.googleapis.com/CloudFunction", r"locations/[^/]+/cloudFunctions", "v1"),
        ("container.googleapis.com/Cluster", r"clusters", "v1"),
        ("container.googleapis.com/NodePool", r"nodePools", "v1"),
        ("dataflow.googleapis.com/Job", r"locations/[^/]+/pipelines", "v1b3"),
        ("cloudscheduler.googleapis.com/Job", r"locations/[^/]+/schedules", "v1"),
        ("composer.googleapis.com/Environment", r"locations/[^/]+/environments", "v1"),
        ("cloudbuild.googleapis.com/BuildTrigger", r"locations/[^/]+/triggers", "v1"),
        ("notebooks.googleapis.com/Instance", r"locations/[^/]+/notebooks", "v2"),
        ("notebooks.googleapis.com/Instance", r"locations/[^/]+/oldNotebooks", "v1"),
        ("aiplatform.googleapis.com/Endpoint", r"locations/[^/]+/endpoints", "v1"),
        ("appengine.googleapis.com/Version", r"versions", "v1"),
        ("workflows.googleapis.com/Workflow", r"locations/[^/]+/workflows", "v1"),
        ("dataproc.googleapis.com/Cluster", r"regions/[^/]+/clusters", "v1"),
    )
)


def _assets(call: Call) -> Row:
    place = _place(call)
    wanted = call.query.get("assetTypes", ())
    _check_types(call.cloud, wanted)
    found = [
        asset
        for project in call.cloud.below(place)
        for asset in _of_project(call.cloud, project)
        if not wanted or any(re.fullmatch(one, asset["assetType"]) for one in wanted)
    ]
    if call.one("contentType") != "RESOURCE":
        found = [{name: value for name, value in asset.items() if name != "resource"} for asset in found]
    return {"readTime": CREATED} | paged(call, found, "assets", default=100, cap=1000)


def _check_types(cloud: Cloud, wanted: Sequence[str]) -> None:
    """Refuse the request if a type or expression matches no asset type of Cloud Asset."""
    known = {kind for kind, _, _ in _TYPES} - cloud.faults.unlisted_types
    for one in wanted:
        if not any(re.fullmatch(one, kind) for kind in known):
            raise Refused(400, f"Unsupported asset type: {one}")


def _of_project(cloud: Cloud, project: str) -> Iterator[Row]:
    for collection, rows in sorted(cloud.rows.items()):
        if not collection.startswith(f"projects/{project}/"):
            continue
        for kind, pattern, version in _TYPES:
            if pattern.fullmatch(collection):
                for row in rows:
                    if row.get("email") in cloud.faults.unlisted_accounts:
                        continue
                    yield {
                        "name": f"//{kind.partition('/')[0]}/{_name(collection, row)}",
                        "assetType": kind,
                        "ancestors": cloud.ancestors(project),
                        "updateTime": CREATED,
                        "resource": {"version": version, "discoveryName": kind.partition("/")[2], "data": row},
                    }


def _name(collection: str, row: Row) -> str:
    """The resource name, which some APIs return as a link, or only in parts."""
    own = str(row.get("name") or row.get("clusterName") or row.get("metadata", {}).get("name"))
    if own.startswith(("projects/", "apps/")):
        return own
    if "/knative/" in collection:
        return f"{collection.replace('knative', 'locations/europe-west1')}/{own}"
    link = str(row.get("selfLink", ""))
    return link[link.index("projects/") :] if "projects/" in link else f"{collection}/{row.get('id', own)}"


def _resources(call: Call) -> Row:
    """The result of a search, which has projects by id in ``name`` and by number in ``project``."""
    wanted = call.query.get("assetTypes", ())
    found = [
        {
            "name": asset["name"],
            "assetType": asset["assetType"],
            "project": asset["ancestors"][0],
            "displayName": str(asset["resource"]["data"].get("displayName", "")),
            "labels": asset["resource"]["data"].get("labels", {}),
            "location": "global",
        }
        for project in call.cloud.below(_place(call))
        for asset in _of_project(call.cloud, project)
        if not wanted or asset["assetType"] in wanted
    ]
    return paged(call, found, "results", default=100, cap=500)


def _policies(call: Call) -> Row:
    place = _place(call)
    found = [row for name, held in call.cloud.policies.items() if (row := _result(call.cloud, place, name, held))]
    wanted = call.query.get("assetTypes", ())
    kept = [row for row in found if not wanted or any(re.fullmatch(one, row["assetType"]) for one in wanted)]
    return paged(call, kept, "results", default=100, cap=500)


def _result(cloud: Cloud, place: str, name: str, held: Row) -> Row | None:
    """A policy in the form of a search result; None if its resource is not below the scope."""
    owner = re.search(r"(projects|folders|organizations)/[^/]+", name)
    here = f"projects/{held['project']}" if "project" in held else owner.group() if owner else ""
    result: Row = {"resource": name, "assetType": held["assetType"], "policy": held["policy"]}
    if not here.startswith("projects/"):
        parent = cloud.folders.get(here.removeprefix("folders/"), {}).get("parent")
        above = [here, *([parent] if parent else [])]
        return result if place in above else None
    project = here.removeprefix("projects/")
    if project not in set(cloud.below(place)):
        return None
    number, *above = cloud.ancestors(project)
    folders = [one for one in above if one.startswith("folders/")]
    organization = next((one for one in above if one.startswith("organizations/")), None)
    result |= {"project": number} | ({"folders": folders} if folders else {})
    return result | ({"organization": organization} if organization else {})


def _place(call: Call) -> str:
    place = call.cloud.canonical(call.places["scope"])
    if not call.cloud.exists(place):
        raise Refused(403, "The caller does not have permission")
    return place


ROUTES = tuple(
    FakeRoute(api="cloudasset", path=f"/v1/{{+scope}}{end}", answer=answer)
    for end, answer in (("/assets", _assets), (":searchAllIamPolicies", _policies), (":searchAllResources", _resources))
)
