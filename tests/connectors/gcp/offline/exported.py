"""Files as gcloud writes them, made from what a fake cloud holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connectors.core.contract import DiscoveredRecord, Scope
from connectors.gcp.connector import GcpConnector
from connectors.gcp.settings import GcpSettings
from scanner.demo.fakes.gcp.cloud import Cloud, Row
from scanner.demo.fakes.gcp.server import answer
from scanner.model import Coverage, Identity

_ASSET = {"assetType": "asset_type", "updateTime": "update_time", "iamPolicy": "iam_policy"}


def write(path: Path, rows: Any) -> None:
    """As ``--format=json`` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=2), encoding="utf-8")


def write_ndjson(path: Path, rows: Iterable[Row]) -> None:
    """As an export to a bucket has its assets: one a line, with the members of the protocol buffer."""
    lines = (json.dumps({_ASSET.get(name, name): value for name, value in row.items()}) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def assets_of(cloud: Cloud, root: str) -> list[Row]:
    """All assets below a place."""
    rows: list[Row] = _all(cloud, f"/v1/{root}/assets?contentType=RESOURCE&pageSize=1000", "assets")
    return rows


def everyday(cloud: Cloud) -> list[Row]:
    """What every project has, and no one here asks for: only a listing of all types has all of it."""
    return [
        {
            "name": f"//{type_.partition('/')[0]}/projects/{number}/{path}".removesuffix("/"),
            "assetType": type_,
            "ancestors": cloud.ancestors(project),
            "resource": {"data": {}},
        }
        for project, row in cloud.projects.items()
        for number in (row["name"].removeprefix("projects/"),)
        for type_, path in (
            ("cloudresourcemanager.googleapis.com/Project", ""),
            ("serviceusage.googleapis.com/Service", "services/run.googleapis.com"),
            ("logging.googleapis.com/LogBucket", "locations/global/buckets/_Required"),
        )
    ]


def policies_of(cloud: Cloud, root: str) -> list[Row]:
    """All policies below a place."""
    return _all(cloud, f"/v1/{root}:searchAllIamPolicies?pageSize=500", "results")


def roles_of(cloud: Cloud) -> list[Row]:
    """Google's own and all custom ones, as ``gcloud iam roles describe`` has them."""
    parents = ("roles", *(f"{one}/roles" for one in (*_named("organizations", cloud), *_named("projects", cloud))))
    return [row for one in parents for row in _all(cloud, f"/v1/{one}?view=FULL&pageSize=1000", "roles")]


def _named(kind: str, cloud: Cloud) -> list[str]:
    return [f"{kind}/{name}" for name in getattr(cloud, kind)]


def _all(cloud: Cloud, target: str, items: str) -> list[Row]:
    rows: list[Row] = []
    token = ""
    while True:
        page = answer(cloud, "GET", target + token, None)
        rows += page.get(items, [])
        if "nextPageToken" not in page:
            return rows
        token = f"&pageToken={page['nextPageToken']}"


def project_row(cloud: Cloud, project: str) -> Row:
    """As ``gcloud projects list`` has it: by version 1 of the API."""
    row = cloud.projects[project]
    kind, _, number = row["parent"].partition("/")
    facts = {"parent": {"type": kind.removesuffix("s"), "id": number}, "labels": row.get("labels", {})}
    number = row["name"].removeprefix("projects/")
    return {"projectId": project, "projectNumber": number, "name": project, "lifecycleState": "ACTIVE"} | facts


def write_listings(cloud: Cloud, folder: Path, project: str) -> None:
    """A file for each command that lists something of a project; empty ones, too."""
    here = f"projects/{project}"
    pools = f"{here}/locations/global/workloadIdentityPools"
    accounts = cloud.rows[f"{here}/serviceAccounts"]
    write(folder / f"service-accounts-{project}.json", accounts)
    for row in accounts:
        email = row["email"]
        write(folder / f"account-keys-{email}.json", cloud.rows[f"{here}/serviceAccounts/{email}/keys"])
    write(folder / f"{project}-workload-identity-pools.json", cloud.rows[pools])
    for row in cloud.rows[pools]:
        pool = row["name"].rpartition("/")[2]
        write(folder / project / f"providers-{pool}.json", cloud.rows[f"{pools}/{pool}/providers"])
    write(folder / f"{project}-api-keys.json", cloud.rows[f"{here}/locations/global/keys"])
    write(folder / f"{project}-hmac.json", cloud.rows[f"{here}/hmacKeys"])
    policy = cloud.policies.get(f"//cloudresourcemanager.googleapis.com/{here}", {"policy": {"etag": "ACAB"}})
    write(folder / f"policy-{project}.json", policy["policy"])


def everything(folder: Path, **facts: Any) -> list[DiscoveredRecord]:
    """All records of all units that files report on."""
    connector = GcpConnector("prod", GcpSettings(from_files=folder, locations=("europe-west1",), **facts))
    records: list[DiscoveredRecord] = []
    for scope in connector.scopes():
        records += connector.discover(scope) if isinstance(scope, Scope) else [scope]
    return records


def identities_in(records: Iterable[DiscoveredRecord]) -> dict[str, Identity]:
    """By key."""
    return {one.key: one for one in records if isinstance(one, Identity)}


def gaps_in(records: Iterable[DiscoveredRecord]) -> dict[tuple[str, str], Coverage]:
    """By scope and section."""
    return {(one.scope, one.section): one for one in records if isinstance(one, Coverage) and one.is_gap}
