"""A company in which something of every sort runs as a service account, for the tests of how that is read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.core.contract import DiscoveredRecord
from scanner.demo.fakes.gcp.cloud import CREATED, Cloud
from scanner.demo.fakes.gcp.consumers import (
    AT,
    add_cluster,
    add_function,
    add_instance,
    add_node_pool,
    add_old_function,
    add_run,
    add_run_v1,
    add_secret,
    add_template,
)
from scanner.demo.fakes.gcp.identities import add_key
from scanner.demo.fakes.gcp.usage import add_key_use, add_use
from scanner.model import Coverage, Identity, StoredSecret, Workload
from tests.connectors.gcp.conftest import small_company

PROD, DEV = "acme-prod", "acme-dev"
BILLING = "billing@acme-prod.iam.gserviceaccount.com"
DEFAULT = "1111-compute@developer.gserviceaccount.com"
APP_ENGINE = "acme-prod@appspot.gserviceaccount.com"
SECRETS = "//secretmanager.googleapis.com/projects"


def key_of(email: str, project: str = PROD) -> str:
    return f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}"


def shop() -> Cloud:
    """What each project's own APIs list, too."""
    cloud = small_company()
    add_instance(cloud, PROD, "vm-1", BILLING)
    add_instance(cloud, PROD, "vm-alone")
    add_run(cloud, PROD, "checkout", BILLING, secrets=("db", "projects/1111/secrets/tls"))
    add_run(cloud, PROD, "helper", functionalType="FUNCTIONAL_TYPE_AGENT", secrets=("db",))
    add_run(cloud, PROD, "tools", BILLING, functionalType="FUNCTIONAL_TYPE_MCP_SERVER")
    add_run(cloud, PROD, "nightly", BILLING, secrets=("db", "projects/other-7/secrets/x/versions/3"), job=True)
    add_function(cloud, PROD, "resize", secrets=(("1111", "db"), ("acme-dev", "api")))
    add_function(cloud, PROD, "mailer", BILLING, environment="GEN_1")
    add_cluster(cloud, PROD, "main", autopilot={"enabled": True})
    add_node_pool(cloud, PROD, "main", "pool-1", mode="GKE_METADATA")
    add_node_pool(cloud, PROD, "main", "pool-2", BILLING)
    return cloud


def secretive() -> Cloud:
    """Secrets that are global and regional, rotated and not, in two projects."""
    cloud = small_company()
    versions = (("DESTROYED", CREATED), ("ENABLED", "2025-01-01T00:00:00Z"), ("DISABLED", "2026-01-01T00:00:00Z"))
    rotation = {"nextRotationTime": "2027-01-01T00:00:00Z", "rotationPeriod": "2592000s"}
    add_secret(cloud, PROD, "db", versions, labels={"team": "shop"}, rotation=rotation)
    add_secret(cloud, PROD, "empty", (), expireTime="2027-05-05T05:05:05Z")
    add_secret(cloud, PROD, "local", location=AT)
    replicas = {"replicas": [{"location": "europe-west4"}, {"location": AT}]}
    add_secret(cloud, DEV, "api", replication={"userManaged": replicas})
    return cloud


def more_of_assets(cloud: Cloud) -> Cloud:
    """What Cloud Asset alone says."""
    at = f"projects/{PROD}/locations/{AT}"
    node = {"serviceAccount": BILLING}
    add_template(cloud, PROD, "web", BILLING)
    add_run_v1(cloud, PROD, "old-shop", BILLING, secrets=("db", "projects/1111/secrets/tls"))
    add_run_v1(cloud, PROD, "old-job", secrets=("db",), job=True)
    add_old_function(cloud, PROD, "ancient")
    for state in ("RUNNING", "DONE"):
        job = {"id": f"2025-{state}", "name": f"pipeline-{state.lower()}", "currentState": f"JOB_STATE_{state}"}
        cloud.add(f"{at}/pipelines", job | {"environment": {"serviceAccountEmail": BILLING}})
    token = {"oidcToken": {"serviceAccountEmail": BILLING}, "uri": "https://example.com"}
    cloud.add(f"{at}/schedules", {"name": f"{at}/jobs/hourly", "httpTarget": token, "state": "ENABLED"})
    cloud.add(f"{at}/environments", {"name": f"{at}/environments/air", "config": {"nodeConfig": node}})
    trigger = {"id": "t-1", "name": "on-push", "serviceAccount": f"projects/{PROD}/serviceAccounts/{BILLING}"}
    cloud.add(f"{at}/triggers", trigger)
    setup = {"serviceAccounts": [{"email": BILLING}]}
    cloud.add(f"{at}/notebooks", {"name": f"{at}/instances/nb", "gceSetup": setup, "creator": "ada@example.com"})
    cloud.add(f"{at}/oldNotebooks", {"name": f"{at}/instances/nb-old", "serviceAccount": BILLING})
    cloud.add(f"{at}/endpoints", {"name": f"{at}/endpoints/77", "displayName": "scoring", "deployedModels": [node]})
    version = f"apps/{PROD}/services/default/versions/v1"
    cloud.add(f"projects/{PROD}/versions", {"name": version, "id": "v1", "servingStatus": "SERVING"})
    cloud.add(f"{at}/workflows", {"name": f"{at}/workflows/flow"})
    cluster = {"clusterName": "spark", "projectId": PROD, "config": {"gceClusterConfig": node}}
    cloud.add(f"projects/{PROD}/regions/{AT}/clusters", cluster)
    return cloud


def used_company() -> Cloud:
    """Billing was used three days ago, builder never; of its keys one."""
    cloud = small_company()
    add_use(cloud, PROD, "billing", 3)
    add_use(cloud, DEV, "builder")
    add_key(cloud, PROD, "billing", "0001")
    add_key(cloud, PROD, "billing", "0002")
    add_key_use(cloud, PROD, BILLING, "0001", 5)
    add_key_use(cloud, PROD, BILLING, "0002", days=400)
    return cloud


def days_since(moment: datetime | None) -> int:
    assert moment is not None
    return (datetime.now(UTC).date() - moment.date()).days


def workloads_in(records: Iterable[DiscoveredRecord]) -> dict[str, Workload]:
    """By key."""
    return {one.key: one for one in records if isinstance(one, Workload)}


def secrets_in(records: Iterable[DiscoveredRecord]) -> dict[str, StoredSecret]:
    """By key."""
    return {one.key: one for one in records if isinstance(one, StoredSecret)}


def accounts_in(records: Iterable[DiscoveredRecord]) -> dict[str, Identity]:
    """Service accounts by name."""
    return {one.name: one for one in records if isinstance(one, Identity) and one.kind == "service_account"}


def coverage_in(records: Iterable[DiscoveredRecord]) -> dict[tuple[str, str], Coverage]:
    """By scope and section."""
    return {(one.scope, one.section): one for one in records if isinstance(one, Coverage)}
