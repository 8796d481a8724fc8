"""The asset types of Cloud Asset Inventory whose resources run as a service account.

Source: cloud.google.com/asset-inventory/docs/asset-types.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from connectors.gcp.client.payloads import Asset
from connectors.gcp.workloads import compute, functions, kubernetes, others, run
from connectors.gcp.workloads.records import Consumer

COMPUTE, RUN, FUNCTIONS, KUBERNETES, OTHERS = SECTIONS = (
    "workloads.compute",
    "workloads.run",
    "workloads.functions",
    "workloads.kubernetes",
    "workloads.others",
)


class Sort(Struct, frozen=True, kw_only=True):
    """A type of workload. ``versions``: the payloads of API versions with a different structure."""

    section: str
    kind: str
    payload: type[Consumer]
    versions: Mapping[str, type[Consumer]] = {}

    def payload_of(self, asset: Asset) -> type[Consumer]:
        """The payload type of an asset's data."""
        return self.versions.get(asset.resource.version or "", self.payload)


SORTS: dict[str, Sort] = {
    "compute.googleapis.com/Instance": Sort(section=COMPUTE, kind="compute_instance", payload=compute.Instance),
    "compute.googleapis.com/InstanceTemplate": Sort(
        section=COMPUTE, kind="compute_instance_template", payload=compute.InstanceTemplate
    ),
    "run.googleapis.com/Service": Sort(
        section=RUN, kind="run_service", payload=run.RunService, versions={"v1": run.RunServiceV1}
    ),
    "run.googleapis.com/Job": Sort(section=RUN, kind="run_job", payload=run.RunJob, versions={"v1": run.RunJobV1}),
    "cloudfunctions.googleapis.com/Function": Sort(section=FUNCTIONS, kind="function", payload=functions.Function),
    "cloudfunctions.googleapis.com/CloudFunction": Sort(
        section=FUNCTIONS, kind="function", payload=functions.CloudFunction
    ),
    "container.googleapis.com/Cluster": Sort(section=KUBERNETES, kind="gke_cluster", payload=kubernetes.Cluster),
    "container.googleapis.com/NodePool": Sort(section=KUBERNETES, kind="gke_node_pool", payload=kubernetes.NodePool),
    "dataflow.googleapis.com/Job": Sort(section=OTHERS, kind="dataflow_job", payload=others.DataflowJob),
    "cloudscheduler.googleapis.com/Job": Sort(section=OTHERS, kind="scheduler_job", payload=others.SchedulerJob),
    "composer.googleapis.com/Environment": Sort(
        section=OTHERS, kind="composer_environment", payload=others.ComposerEnvironment
    ),
    "cloudbuild.googleapis.com/BuildTrigger": Sort(section=OTHERS, kind="build_trigger", payload=others.BuildTrigger),
    "notebooks.googleapis.com/Instance": Sort(
        section=OTHERS, kind="notebook", payload=others.Notebook, versions={"v1": others.NotebookV1}
    ),
    "aiplatform.googleapis.com/Endpoint": Sort(section=OTHERS, kind="vertex_endpoint", payload=others.Endpoint),
    "appengine.googleapis.com/Version": Sort(
        section=OTHERS, kind="app_engine_version", payload=others.AppEngineVersion
    ),
    "workflows.googleapis.com/Workflow": Sort(section=OTHERS, kind="workflow", payload=others.Workflow),
    "dataproc.googleapis.com/Cluster": Sort(section=OTHERS, kind="dataproc_cluster", payload=others.DataprocCluster),
}


def asked_types() -> tuple[str, ...]:
    """The asset types to request; the rarer ones as one regular expression.

    Cloud Asset refuses the whole listing for a type that it does not support, but an expression needs only one match.
    """
    sure = [kind for kind, sort in SORTS.items() if sort.section != OTHERS]
    rest = "|".join(kind.replace(".", r"\.") for kind, sort in SORTS.items() if sort.section == OTHERS)
    return (*sure, f"({rest})")
