"""Rights in Google Cloud, from the APIs or from files to what the command line says of each account."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.demo.fakes.gcp.cloud import Cloud, Row
from scanner.demo.fakes.gcp.consumers import add_cluster, add_node_pool
from scanner.demo.fakes.gcp.roles import add_role
from tests.cli.conftest import Muster, muster
from tests.connectors.gcp.conftest import ORGANIZATION, Place, start
from tests.connectors.gcp.offline.exported import assets_of, everyday, policies_of, roles_of, write
from tests.connectors.gcp.rights.company import POOL_USER, bind, company

__all__ = ["muster", "start"]

GOOGLE = """
[[source]]
name = "google"
type = "gcp"
endpoint_url = "{url}"
grpc_endpoint = "{grpc}"
access_token = {{ file = "{token}" }}
locations = ["europe-west1"]
backoff = 0.001
"""
Scan = Callable[[], dict[str, Any]]
DOMAIN = "acme-prod.iam.gserviceaccount.com"
DAGS, OTHER = (f"//storage.googleapis.com/{one}" for one in ("europe-west1-air-1a2b-bucket", "invoices"))
BUCKET = "storage.googleapis.com/Bucket"


@pytest.fixture
def scan(muster: Muster) -> Scan:
    """One scan of the configured source, as the JSON report has it."""

    def run() -> dict[str, Any]:
        done = muster("scan", "--config", "muster.toml", "--quiet", "-o", "json:-")
        assert done.code == 0, done.err
        result: dict[str, Any] = json.loads(done.out)
        return result

    return run


@pytest.fixture
def alive(start: Callable[[Cloud], Place], tmp_path: Path) -> Callable[[Cloud], None]:
    """Configures a source that asks a running cloud."""

    def configure(cloud: Cloud) -> None:
        expected = start(cloud).settings()
        assert expected.access_token is not None
        config = GOOGLE.format(url=expected.endpoint_url, grpc=expected.grpc_endpoint, token=expected.access_token.file)
        (tmp_path / "muster.toml").write_text(config, encoding="utf-8")

    return configure


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """The folder of a source that reads files."""
    config = '[[source]]\nname = "google"\ntype = "gcp"\nfrom_files = "exports"\n'
    (tmp_path / "muster.toml").write_text(config, encoding="utf-8")
    return tmp_path / "exports"


def levels(result: dict[str, Any]) -> dict[str, str]:
    """By name of an identity."""
    return {one["name"]: one["privilege"]["level"] for one in result["identities"]}


def test_a_disabled_role_makes_no_one_an_administrator(alive: Callable[[Cloud], None], scan: Scan) -> None:
    """It did once: its permissions are listed, and Google grants none of them."""
    cloud = company()
    powers = "resourcemanager.projects.setIamPolicy"
    for stage, name in (("DISABLED", "billing"), ("GA", "deployer")):
        role = add_role(cloud, f"{ORGANIZATION}/roles/{name}", powers, stage=stage)
        bind(cloud, "projects/acme-dev" if stage == "GA" else "projects/acme-prod", {role: [f"{name}@{DOMAIN}"]})
    alive(cloud)

    found = levels(scan())

    assert (found["billing"], found["deployer"]) == ("normal", "admin")


def test_who_changes_workloads_of_a_cluster_reaches_what_runs_there(alive: Callable[[Cloud], None], scan: Scan) -> None:
    """The account of its nodes, and one that trusts pods of it."""
    cloud = company()
    add_cluster(cloud, "acme-dev", "main")
    add_node_pool(cloud, "acme-dev", "main", "pool-1", f"builder@{DOMAIN.replace('prod', 'dev')}", "GKE_METADATA")
    pod = "serviceAccount:acme-dev.svc.id.goog[shop/cart]"
    bind(cloud, f"//iam.googleapis.com/projects/acme-prod/serviceAccounts/billing@{DOMAIN}", {POOL_USER: [pod]})
    role = add_role(cloud, f"{ORGANIZATION}/roles/sets", "container.statefulSets.update")
    bind(cloud, "projects/acme-dev", {role: [f"deployer@{DOMAIN}"]})
    alive(cloud)

    (deployer,) = (one for one in scan()["identities"] if one["name"] == "deployer")

    reached = {one["target"].rpartition("/")[2] for one in deployer["links"] if one["relation"] == "can_assume"}
    assert {f"billing@{DOMAIN}", "builder@acme-dev.iam.gserviceaccount.com"} <= reached
    assert deployer["privilege"]["level"] == "high"  # neither of the two is an admin


@pytest.mark.parametrize("bulk", [True, False], ids=["apis", "files"])
@pytest.mark.parametrize(
    ("place", "permission", "reaches"),
    [
        (DAGS, "storage.objects.create", True),
        (DAGS, "storage.buckets.setIamPolicy", True),
        (DAGS, "storage.objects.get", False),
        (OTHER, "storage.objects.create", False),
        ("projects/acme-dev", "storage.objects.create", True),
        ("projects/acme-prod", "storage.objects.create", False),
    ],
)
def test_who_writes_into_the_bucket_of_an_airflow_can_become_its_account(
    request: pytest.FixtureRequest,
    scan: Scan,
    place: str,
    permission: str,
    *,
    bulk: bool,
    reaches: bool,
) -> None:
    """What lies in the folder of its DAGs is run. In a project without an Airflow the same leads nowhere."""
    cloud = company()
    at = "projects/acme-dev/locations/europe-west1/environments"
    node = {"serviceAccount": "builder@acme-dev.iam.gserviceaccount.com"}
    config = {"nodeConfig": node, "dagGcsPrefix": f"gs://{DAGS.rpartition('/')[2]}/dags"}
    cloud.add(at, {"name": f"{at}/air", "config": config})
    cloud.add_account("acme-prod", "writer")
    role = add_role(cloud, f"{ORGANIZATION}/roles/writer", permission)
    members = [f"serviceAccount:writer@{DOMAIN}"]
    if place.startswith("//"):
        cloud.set_policy(place, {"role": role, "members": members}, asset_type=BUCKET, project="acme-dev")
    else:
        bind(cloud, place, {role: members})
    if bulk:
        request.getfixturevalue("alive")(cloud)
    else:
        policies = policies_of(cloud, ORGANIZATION)
        _write(request.getfixturevalue("exports"), assets_of(cloud, ORGANIZATION), policies, cloud)

    (writer,) = (one for one in scan()["identities"] if one["name"] == "writer")

    reached = {one["target"].rpartition("/")[2] for one in writer["links"] if one["relation"] == "can_assume"}
    assert reached == ({"builder@acme-dev.iam.gserviceaccount.com"} if reaches else set())
    if place == "projects/acme-dev":
        assert writer["privilege"]["level"] == "high"  # the account that it becomes is no admin


def test_unread_policies_of_a_project_leave_the_others_alone(alive: Callable[[Cloud], None], scan: Scan) -> None:
    """Its own accounts may hold more there, and those that are known to hold something in it."""
    cloud = company()
    cloud.faults.deny(api="cloudasset")
    cloud.faults.deny(part="projects/acme-dev:getIamPolicy")
    for project, name in (("acme-prod", "idle"), ("acme-prod", "guest"), ("acme-dev", "nightly")):
        cloud.add_account(project, name)
    builder = "//iam.googleapis.com/projects/acme-dev/serviceAccounts/builder@acme-dev.iam.gserviceaccount.com"
    bind(cloud, builder, {"roles/viewer": [f"guest@{DOMAIN}"]})
    alive(cloud)

    result = scan()

    found = levels(result)
    assert {name: found[name] for name in ("idle", "guest", "nightly")} == {
        "idle": "normal",
        "guest": "unknown",
        "nightly": "unknown",
    }
    assert any("other scopes' identities" in one for one in result["notices"])


def _write(folder: Path, assets: list[Row], policies: list[Row], cloud: Cloud) -> None:
    write(folder / "assets.json", assets)
    write(folder / "policies.json", policies)
    for number, role in enumerate(roles_of(cloud)):
        write(folder / f"role-{number}.json", role)


def _named(rows: list[Row], *types: str) -> list[Row]:
    return [row for row in rows if str(row["assetType"]).endswith(types)]


def _of(rows: list[Row], project: str, number: str) -> list[Row]:
    return [row for row in rows if f"projects/{number}" in str(row) or f"/{project}" in str(row["resource"])]


NARROWED: dict[str, Callable[[list[Row], list[Row]], tuple[list[Row], list[Row]]]] = {
    "some types": lambda assets, policies: (_named(assets, "/ServiceAccount"), policies),
    "some types, services among them": lambda assets, policies: (
        _named(assets, "/ServiceAccount", "/Service"),
        policies,
    ),
    "one project": lambda assets, policies: (_of(assets, "acme-prod", "1111"), _of(policies, "acme-prod", "1111")),
    "accounts of one project, pools of both": lambda assets, policies: (
        _of(_named(assets, "/ServiceAccount"), "acme-prod", "1111")
        + _named(assets, "/WorkloadIdentityPool", "/Project"),
        policies,
    ),
    "policies of buckets": lambda assets, policies: (assets, _named(policies, "/Bucket")),
    "policies of containers": lambda assets, policies: (
        assets,
        _named(policies, "/Organization", "/Folder", "/Project"),
    ),
}


@pytest.mark.parametrize("case", NARROWED)
def test_no_one_leaves_for_an_export_that_was_narrowed(exports: Path, scan: Scan, case: str) -> None:
    """What no file covers was not read: who is there stays, and so do rights, as last known."""
    cloud = company()
    cloud.add("projects/acme-dev/locations/global/keys", {"name": "projects/2222/locations/global/keys/k", "uid": "k"})
    viewer = {"role": "roles/viewer", "members": [f"serviceAccount:billing@{DOMAIN}"]}
    cloud.set_policy("//storage.googleapis.com/invoices", viewer, asset_type=BUCKET, project="acme-prod")
    assets, policies = [*assets_of(cloud, ORGANIZATION), *everyday(cloud)], policies_of(cloud, ORGANIZATION)
    _write(exports, assets, policies, cloud)
    before = scan()

    _write(exports, *NARROWED[case](assets, policies), cloud)
    after = scan()

    assert {one["key"] for one in after["identities"]} == {one["key"] for one in before["identities"]}
    rights = [{(one["holder"], one["grant"]["name"]) for one in result["assignments"]} for result in (before, after)]
    assert rights[0] == rights[1]
    unseen = [one for one in after["identities"] if not one["rechecked"]]
    assert unseen or after["summary"]["gaps"] > before["summary"]["gaps"]
