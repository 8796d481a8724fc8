"""What each sort of resource reports on what it runs as and what it is given."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads import compute, functions, kubernetes, others, run
from connectors.gcp.workloads.catalog import OTHERS, SORTS, asked_types
from connectors.gcp.workloads.records import default_app_engine
from scanner.demo.fakes.gcp.consumers import VALUE
from tests.examples import examples

PROJECT = ProjectRef(id="acme", number="11")
DEFAULT = "11-compute@developer.gserviceaccount.com"
APP = "acme@appspot.gserviceaccount.com"
MINE = "mine@acme.iam.gserviceaccount.com"
NAME = "projects/acme/locations/here/things/one"
GKE = "https://container.googleapis.com/v1/projects/acme"


def _attached(email: str) -> dict[str, Any]:
    return {"name": "one", "serviceAccounts": [{"email": email, "scopes": []}]}


@pytest.mark.parametrize(
    ("payload", "row", "accounts"),
    [
        pytest.param(compute.Instance, {"name": "one"}, (), id="a machine has none"),
        pytest.param(compute.Instance, _attached("default"), (DEFAULT,), id="a machine has the default"),
        pytest.param(compute.Instance, _attached(MINE), (MINE,), id="a machine"),
        pytest.param(
            compute.InstanceTemplate, {"name": "one", "properties": _attached(MINE)}, (MINE,), id="a template"
        ),
        pytest.param(compute.InstanceTemplate, {"name": "one"}, (), id="an empty template"),
        pytest.param(run.RunService, {"name": NAME}, (DEFAULT,), id="a service by default"),
        pytest.param(run.RunService, {"name": NAME, "template": {"serviceAccount": MINE}}, (MINE,), id="a service"),
        pytest.param(run.RunJob, {"name": NAME}, (DEFAULT,), id="a job by default"),
        pytest.param(
            run.RunJob, {"name": NAME, "template": {"template": {"serviceAccount": MINE}}}, (MINE,), id="a job"
        ),
        pytest.param(
            run.RunServiceV1,
            {"metadata": {"name": "one"}, "spec": {"template": {"spec": {"serviceAccountName": MINE}}}},
            (MINE,),
            id="a service of version 1",
        ),
        pytest.param(run.RunServiceV1, {"metadata": {"name": "one"}}, (DEFAULT,), id="one of version 1 by default"),
        pytest.param(
            run.RunJobV1,
            {
                "metadata": {"name": "one"},
                "spec": {"template": {"spec": {"template": {"spec": {"serviceAccountName": MINE}}}}},
            },
            (MINE,),
            id="a job of version 1",
        ),
        pytest.param(functions.Function, {"name": NAME}, (DEFAULT,), id="a function by default"),
        pytest.param(functions.Function, {"name": NAME, "environment": "GEN_1"}, (APP,), id="an old one by default"),
        pytest.param(
            functions.Function, {"name": NAME, "serviceConfig": {"serviceAccountEmail": MINE}}, (MINE,), id="a function"
        ),
        pytest.param(functions.CloudFunction, {"name": NAME}, (APP,), id="an old function by default"),
        pytest.param(
            functions.CloudFunction, {"name": NAME, "serviceAccountEmail": MINE}, (MINE,), id="an old function"
        ),
        pytest.param(kubernetes.NodePool, {"name": "one"}, (DEFAULT,), id="nodes by default"),
        pytest.param(
            kubernetes.NodePool,
            {"name": "one", "config": {"serviceAccount": "default"}},
            (DEFAULT,),
            id="nodes as default",
        ),
        pytest.param(kubernetes.NodePool, {"name": "one", "config": {"serviceAccount": MINE}}, (MINE,), id="nodes"),
        pytest.param(kubernetes.Cluster, {"name": "one"}, (), id="a cluster that makes no nodes"),
        pytest.param(kubernetes.Cluster, {"name": "one", "autopilot": {"enabled": True}}, (DEFAULT,), id="autopilot"),
        pytest.param(
            kubernetes.Cluster,
            {"name": "one", "autoscaling": {"autoprovisioningNodePoolDefaults": {"serviceAccount": MINE}}},
            (MINE,),
            id="a cluster that makes nodes",
        ),
        pytest.param(others.DataflowJob, {"name": "one"}, (DEFAULT,), id="a pipeline by default"),
        pytest.param(others.SchedulerJob, {"name": NAME}, (), id="a schedule that calls as nobody"),
        pytest.param(
            others.SchedulerJob,
            {"name": NAME, "httpTarget": {"oauthToken": {"serviceAccountEmail": MINE}}},
            (MINE,),
            id="a schedule",
        ),
        pytest.param(others.ComposerEnvironment, {"name": NAME}, (DEFAULT,), id="airflow by default"),
        pytest.param(others.BuildTrigger, {"id": "one"}, (), id="a build by a default that is not told"),
        pytest.param(others.NotebookV1, {"name": NAME}, (DEFAULT,), id="an old notebook by default"),
        pytest.param(others.Notebook, {"name": NAME}, (DEFAULT,), id="a notebook by default"),
        pytest.param(others.Endpoint, {"name": NAME, "deployedModels": [{}]}, (), id="a model as an agent of Google's"),
        pytest.param(others.AppEngineVersion, {"name": "apps/a/services/s/versions/v"}, (APP,), id="an app by default"),
        pytest.param(others.Workflow, {"name": NAME}, (DEFAULT,), id="a workflow by default"),
        pytest.param(others.DataprocCluster, {"clusterName": "one"}, (), id="spark without machines"),
        pytest.param(others.DataprocCluster, {"clusterName": "one", "config": {}}, (DEFAULT,), id="spark by default"),
    ],
)
def test_what_it_runs_as(payload: Any, row: dict[str, Any], accounts: tuple[str, ...]) -> None:
    """Without an account each sort has a default of its own, or runs as no one."""
    assert msgspec.convert(row, payload).details(PROJECT).accounts == accounts


@pytest.mark.parametrize("state", ["DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED"])
def test_a_pipeline_that_has_ended_runs_as_no_one(state: str) -> None:
    """It is listed for long after."""
    assert (
        msgspec.convert({"name": "p", "currentState": f"JOB_STATE_{state}"}, others.DataflowJob).details(PROJECT)
        is None
    )


def test_a_secret_stands_behind_an_alias() -> None:
    """In version 1 of Cloud Run, for secrets of other projects."""
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "far", "key": "1"}}}, {"name": "B", "value": VALUE}]
    pod = {"containers": [{"env": env}], "volumes": [{"secret": {"secretName": "near"}}, {"emptyDir": {}}]}
    annotations = {"run.googleapis.com/secrets": "far:projects/7/secrets/db, odd"}
    row = {"metadata": {"name": "one"}, "spec": {"template": {"metadata": {"annotations": annotations}, "spec": pod}}}

    assert msgspec.convert(row, run.RunServiceV1).details(PROJECT).secrets == ("projects/7/secrets/db", "near")


@pytest.mark.parametrize(("mode", "reach"), [("GKE_METADATA", False), ("GCE_METADATA", True), ("", True)])
def test_pods_reach_the_account_of_their_node_unless_it_is_hidden(mode: str, reach: bool) -> None:
    """Which is what workload identity does."""
    row = {"name": "pool", "config": {"workloadMetadataConfig": {"mode": mode}}}

    assert msgspec.convert(row, kubernetes.NodePool).details(PROJECT).attributes["pods_reach_account"] is reach


def test_times_are_reported_in_utc() -> None:
    """Compute Engine has them of the US Pacific."""
    row = {"name": "vm", "creationTimestamp": "2025-02-03T20:05:06.789-08:00"}

    created = msgspec.convert(row, compute.Instance).details(PROJECT).created_at

    assert created is not None
    assert created.isoformat() == "2025-02-04T04:05:06.789000+00:00"


@pytest.mark.parametrize(
    ("project", "account"), [("acme", APP), ("example.com:acme", "example.com.acme@appspot.gserviceaccount.com")]
)
def test_the_default_account_of_app_engine(project: str, account: str) -> None:
    """Projects of a domain have it in the address."""
    assert default_app_engine(ProjectRef(id=project, number="1")) == account


def test_rare_types_are_asked_for_in_one_expression() -> None:
    """One that Cloud Asset does not have would make it refuse all; each fits the expression, and nothing else does."""
    *sure, rest = asked_types()
    rare = {kind for kind, sort in SORTS.items() if sort.section == OTHERS}

    assert set(sure) == set(SORTS) - rare
    assert set(rest.strip("()").split("|")) == {kind.replace(".", r"\.") for kind in rare}


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("payload", [one for sort in SORTS.values() for one in (sort.payload, *sort.versions.values())])
@examples(20)
@given(data=st.data())
def test_whatever_a_server_says_is_understood_or_refused(payload: Any, data: st.DataObject) -> None:
    """With ValidationError, which costs the row."""
    names = [field.encode_name for field in msgspec.structs.fields(payload)]
    row = data.draw(st.dictionaries(st.sampled_from(names), _json))
    try:
        decoded = msgspec.json.decode(json.dumps(row), type=payload)
    except msgspec.ValidationError:
        return

    details = decoded.details(PROJECT)
    assert details is None or isinstance(details.name, str)


@pytest.mark.parametrize(
    ("fields", "issuers"),
    [
        ({"selfLink": f"{GKE}/locations/europe-west1/clusters/c"}, [f"{GKE}/locations/europe-west1/clusters/c"]),
        ({"selfLink": f"{GKE}/zones/europe-west1-b/clusters/c"}, [f"{GKE}/locations/europe-west1-b/clusters/c"]),
        ({"workloadIdentityConfig": {"workloadPool": "p.svc.id.goog"}}, ["p.svc.id.goog"]),
        ({}, None),
    ],
)
def test_a_cluster_says_whose_tokens_its_pods_get(fields: dict[str, Any], issuers: list[str] | None) -> None:
    """Its own, whatever its address calls the place, and those of the pool that its project's clusters share."""
    details = msgspec.convert({"name": "c", **fields}, kubernetes.Cluster).details(PROJECT)

    assert details.attributes.get("signs_tokens_as") == issuers
