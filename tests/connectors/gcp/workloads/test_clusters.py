"""Clusters of Kubernetes Engine, joined with their accounts: identities of a pool that a project's clusters share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scanner.access.assignments import held_by
from scanner.access.edges import resolve
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.consumers import add_cluster, add_node_pool
from scanner.demo.fakes.gcp.roles import add_role
from scanner.model import Assignment, Identity, Privilege, TokenSubject, Workload, with_typed
from tests.connectors.gcp.conftest import Place, small_company
from tests.connectors.gcp.estate import without_bulk
from tests.factories import make_identity

PROJECT = "acme-prod"
POOL = f"{PROJECT}.svc.id.goog"
APP, CI, NODES = (f"{name}@{PROJECT}.iam.gserviceaccount.com" for name in ("app", "ci", "nodes"))
BY_SUBJECT = f"principal://iam.googleapis.com/projects/1111/locations/global/workloadIdentityPools/{POOL}/subject/"
LINK = f"https://container.googleapis.com/v1/projects/{PROJECT}/locations/europe-west1/clusters"


def estate(member: str, role: str = "roles/container.viewer") -> Cloud:
    """Two clusters of a project, whose account ``app`` lets ``member`` act as it, and where ``ci`` has a role."""
    cloud = small_company()
    for name in ("app", "ci", "nodes"):
        cloud.add_account(PROJECT, name)
    for name in ("one", "two"):
        add_cluster(cloud, PROJECT, name, location="europe-west1", selfLink=f"{LINK}/{name}")
    add_node_pool(cloud, PROJECT, "one", "pool", NODES)
    cloud.rows[f"projects/{PROJECT}/nodePools"][0]["selfLink"] = f"{LINK}/one/nodePools/pool"
    cloud.set_policy(
        f"//iam.googleapis.com/projects/{PROJECT}/serviceAccounts/{APP}",
        {"role": "roles/iam.workloadIdentityUser", "members": [member]},
        asset_type="iam.googleapis.com/ServiceAccount",
    )
    cloud.set_policy(
        f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}",
        {"role": role, "members": [f"serviceAccount:{CI}"]},
    )
    return cloud


def account(cluster: str, path: str) -> Identity:
    """As the connector for Kubernetes gives it."""
    namespace, _, name = path.partition("/")
    return make_identity(
        name,
        key=f"kubernetes://{cluster}/{namespace}/serviceaccount/{name}",
        provider="kubernetes",
        scope=cluster,
        display_name=f"{cluster}/{path}",
        token_subjects=(TokenSubject(f"{LINK}/{cluster}", f"system:serviceaccount:{namespace}:{name}"),),
        privilege=Privilege(level="normal"),
        consequences=(),
    )


PATHS = {f"{cluster}/{path}" for cluster in ("one", "two") for path in ("shop/cart", "jobs/job")}
ACCOUNTS = tuple(account(*path.split("/", 1)) for path in sorted(PATHS))


def joined(place: Place) -> dict[str, Identity]:
    """What a scan of the cloud and of both clusters amounts to; accounts by cluster and name, others by their name."""
    records = place.scan()
    found = [*ACCOUNTS, *(one for one in records if isinstance(one, Identity))]
    rights = [one for one in records if isinstance(one, Assignment)]
    workloads = [with_typed(one) for one in records if isinstance(one, Workload)]
    resolved = resolve(found, held_by(found, rights), workloads, [])
    return {
        one.display_name or one.key if one.provider == "kubernetes" else one.name: one for one in resolved.identities
    }


def becomes(found: dict[str, Identity], name: str) -> set[str]:
    """The identities that it can become, by the names of ``joined``."""
    names = {one.key: name for name, one in found.items()}
    return {names[link.target] for link in found[name].links if link.relation == "can_assume"}


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (f"serviceAccount:{POOL}[shop/cart]", {"one/shop/cart", "two/shop/cart"}),
        (f"{BY_SUBJECT}ns/shop/sa/cart", {"one/shop/cart", "two/shop/cart"}),
        (f"serviceAccount:{POOL}[shop/other]", set()),
        ("serviceAccount:acme-dev.svc.id.goog[shop/cart]", set()),
        (f"principalSet://iam.googleapis.com/projects/1111/locations/global/workloadIdentityPools/{POOL}/namespace/shop",
         {"one/shop/cart", "two/shop/cart"}),
    ],
)  # fmt: skip
def test_an_account_of_each_cluster_is_the_principal_of_the_pool(
    start: Callable[[Cloud], Place], member: str, expected: set[str], bulk: bool
) -> None:
    """In both forms that name one, whichever of the project's clusters it is in."""
    place = start(estate(member))
    found = joined(place if bulk else without_bulk(place))
    app = next(one for one in found.values() if one.key.endswith(APP))

    assert {name for name in PATHS if app.name in becomes(found, name)} == expected
    alike = [one["identities"] for one in app.attributes.get("shared_subjects", ())]
    assert alike == (
        [sorted(found[name].key for name in expected)] if expected and "principalSet" not in member else []
    )


@pytest.mark.parametrize(
    ("permissions", "leads"),
    [
        (("container.pods.create",), True),
        (("container.pods.exec", "container.pods.get"), True),
        (("container.clusterRoleBindings.create",), True),
        (("container.pods.list", "container.clusters.get", "container.clusters.list"), False),
    ],
)
def test_rights_in_clusters_lead_to_their_accounts(
    start: Callable[[Cloud], Place], permissions: tuple[str, ...], *, leads: bool
) -> None:
    """And to what their nodes run as: pods can be run on these."""
    cloud = estate(f"serviceAccount:{POOL}[shop/none]", "roles/container.some")
    add_role(cloud, "roles/container.some", *permissions)
    found = joined(start(cloud))
    ci = next(name for name, one in found.items() if one.key.endswith(CI))

    names = {name.partition("@")[0] for name in becomes(found, ci)}

    assert names & {*PATHS, "nodes"} == ({*PATHS, "nodes"} if leads else set())
