"""Google Cloud's audit logs: entries in their published shape, and where sinks put them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.logs.audit import GcpAuditLog, action_of, sort_of
from scanner.model.activity import LogDay
from tests.connectors.logs.audit_files import DAY, features, log_of, profiles, read_all, read_one, written
from tests.examples import examples
from tests.hostile_json import JSON, mutated

LEDGER = "ledger@acme-prod.iam.gserviceaccount.com"
KEY = "0123456789abcdef0123456789abcdef01234567"
_numbers = itertools.count(1)


def entry(
    method: str = "storage.objects.get", *, service: str = "storage.googleapis.com", log: str = "data_access",
    who: dict[str, Any] | None = None, time: str = "2026-11-20T10:00:00.123456789Z", project: str = "acme-prod",
    **payload: Any,
) -> dict[str, Any]:  # fmt: skip
    """One ``LogEntry``."""
    return {
        "insertId": f"1abc{next(_numbers)}",
        "logName": f"projects/{project}/logs/cloudaudit.googleapis.com%2F{log}",
        "timestamp": time,
        "receiveTimestamp": time,
        "severity": "INFO",
        "resource": {"type": "gcs_bucket", "labels": {"project_id": project, "location": "europe-west1"}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": service,
            "methodName": method,
            "resourceName": "projects/_/buckets/crown-jewels/objects/secret-plan.txt",
            "authenticationInfo": {
                "principalEmail": LEDGER,
                "serviceAccountKeyName": f"//iam.googleapis.com/projects/acme-prod/serviceAccounts/{LEDGER}/keys/{KEY}",
            }
            if who is None
            else who,
            "requestMetadata": {
                "callerIp": "203.0.113.7",
                "callerSuppliedUserAgent": "google-cloud-sdk gcloud/500.0.0 command/gcloud.storage.cp",
            },
            "status": {},
            **payload,
        },
    }


def test_an_account_is_its_email_and_its_key_a_credential(tmp_path: Path) -> None:
    """Nothing of the resource is kept."""
    profile = profiles(GcpAuditLog, tmp_path, entry())[LEDGER]

    assert profile.counts == {
        "read=storage:objects.get": (1, 0, 0),
        "network=203.0.113.0/24": (1, 0, 0),
        "client=gcloud": (1, 0, 0),
        "region=europe-west1": (1, 0, 0),
        f"credential={KEY}": (1, 0, 0),
    }
    assert profile.scope == "acme-prod"
    assert "crown" not in repr(profile)


def test_anyone_who_acts_through_an_account_has_assumed_it(tmp_path: Path) -> None:
    """By delegation in its own calls, and where a token was made for it."""
    alice = {"firstPartyPrincipal": {"principalEmail": "alice@acme.example"}}
    agent = {"firstPartyPrincipal": {"principalEmail": "service-1@compute-system.iam.gserviceaccount.com"}}
    made = entry(
        "GenerateAccessToken",
        service="iamcredentials.googleapis.com",
        who={"principalEmail": "ci@acme-prod.iam.gserviceaccount.com"},
        resourceName=f"projects/-/serviceAccounts/{LEDGER}",
    )
    made["resource"]["labels"]["email_id"] = LEDGER
    used = entry(who={"principalEmail": LEDGER, "serviceAccountDelegationInfo": [agent, alice]})
    found = profiles(GcpAuditLog, tmp_path, used, made)

    assert sorted(features(found[LEDGER], "assumed_by")) == [
        "assumed_by=alice@acme.example",
        "assumed_by=ci@acme-prod.iam.gserviceaccount.com",
    ]
    assert found[LEDGER].events == 1
    assert "become=iamcredentials:GenerateAccessToken" in found["ci@acme-prod.iam.gserviceaccount.com"].counts


_POOL = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ada"


@pytest.mark.parametrize(
    ("chain", "value"),
    [
        ([{"firstPartyPrincipal": {"principalEmail": "alice@acme.example"}}], "alice@acme.example"),
        ([{"principalSubject": "user:alice@acme.example"}, {"principalSubject": f"serviceAccount:{LEDGER}"}],
         "alice@acme.example"),
        ([{"firstPartyPrincipal": {"principalEmail": "service-1@compute-system.iam.gserviceaccount.com"}},
          {"principalSubject": _POOL}], "staff#ada"),
    ],
    ids=["person", "first of two", "workforce, after Google"],
)  # fmt: skip
def test_a_delegation_that_a_person_began_is_for_the_person(chain: Any, value: str, tmp_path: Path) -> None:
    found = profiles(
        GcpAuditLog, tmp_path, entry(who={"principalEmail": LEDGER, "serviceAccountDelegationInfo": chain})
    )

    assert features(found[LEDGER], "on_behalf_of") == [f"on_behalf_of=person:{value}"]


@pytest.mark.parametrize(
    "first",
    [
        {"firstPartyPrincipal": {"principalEmail": "ci@acme-prod.iam.gserviceaccount.com"}},
        {"principalSubject": _POOL.replace("workforce", "workloadIdentity")},
        {"firstPartyPrincipal": {"principalEmail": "no address"}},
        {},
    ],
    ids=["account", "workload", "no address", "nothing"],
)
def test_a_delegation_that_a_machine_began_names_nobody(first: Any, tmp_path: Path) -> None:
    """A person further on did not begin it."""
    chain = [first, {"firstPartyPrincipal": {"principalEmail": "alice@acme.example"}}]
    found = profiles(
        GcpAuditLog, tmp_path, entry(who={"principalEmail": LEDGER, "serviceAccountDelegationInfo": chain})
    )

    assert not features(found[LEDGER], "on_behalf_of")


def test_federated_principals_pods_and_google_itself(tmp_path: Path) -> None:
    """A subject is a caller; service agents and system events are Google."""
    subject = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/repo:a/b"
    reading = read_one(
        GcpAuditLog,
        tmp_path,
        entry(who={"principalSubject": subject}),
        entry("io.k8s.core.v1.secrets.get", service="k8s.io", who={"principalEmail": "system:serviceaccount:app:web"}),
        entry("io.k8s.core.v1.nodes.list", service="k8s.io", who={"principalEmail": "system:node:n1"}),
        entry(who={"principalEmail": "service-1@gcp-sa-pubsub.iam.gserviceaccount.com"}),
        entry(log="system_event"),
        entry(who={}),
    )

    assert {one.caller for one in reading.callers} == {subject, "system:serviceaccount:app:web", "anonymous"}
    assert (reading.events, reading.by_provider) == (6, 3)


@pytest.mark.parametrize(
    ("code", "log", "counts"),
    [(7, "activity", (0, 1, 0)), (16, "activity", (0, 1, 0)), (5, "activity", (0, 0, 1)), (0, "policy", (0, 1, 0))],
)
def test_refused_calls(code: int, log: str, counts: tuple[int, int, int], tmp_path: Path) -> None:
    """By the status; the log of refusals by policy has nothing else."""
    status = {"code": code, "message": "Permission denied on secret-plan"} if code else {}
    profile = profiles(GcpAuditLog, tmp_path, entry(log=log, status=status))[LEDGER]

    assert profile.counts["network=203.0.113.0/24"] == counts
    assert profile.denied == counts[1]


@pytest.mark.parametrize(
    ("service", "method", "kind", "permission", "reported"),
    [
        ("storage", "storage.objects.create", "data_access", "", "write=storage:objects.create"),
        ("storage", "storage.objects.create", "data_access", "DATA_WRITE", "write=storage:objects.create"),
        ("bigquery", "google.cloud.bigquery.v2.JobService.InsertJob", "data_access", "", "write=bigquery:InsertJob"),
        ("bigquery", "jobservice.query", "data_access", "DATA_READ", "read=bigquery:jobservice.query"),
        ("compute", "v1.compute.instances.insert", "activity", "", "write=compute:instances.insert"),
        ("compute", "beta.compute.instances.list", "data_access", "", "read=compute:instances.list"),
        (
            "secretmanager",
            "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion",
            "data_access",
            "DATA_READ",
            "secret=secretmanager:AccessSecretVersion",
        ),
        ("iam", "google.iam.admin.v1.CreateServiceAccountKey", "activity", "", "write=iam:CreateServiceAccountKey"),
        ("cloudresourcemanager", "SetIamPolicy", "activity", "", "write=cloudresourcemanager:SetIamPolicy"),
        ("cloudkms", "Decrypt", "data_access", "DATA_READ", "secret=cloudkms:Decrypt"),
        (
            "sts",
            "google.identity.sts.v1.SecurityTokenService.ExchangeToken",
            "data_access",
            "",
            "read=sts:ExchangeToken",
        ),
        ("k8s.io", "io.k8s.apps.v1.deployments.patch", "activity", "", "write=k8s:deployments.patch"),
    ],
)
def test_what_a_method_is_called_and_does(service: str, method: str, kind: str, permission: str, reported: str) -> None:
    """The bare service and the bare method; what the log says of reading counts before the method's first word."""
    action = action_of(service if "." in service else f"{service}.googleapis.com", method)

    assert f"{sort_of(action, kind, permission)}={action}" == reported


def test_what_changes_an_identity(tmp_path: Path) -> None:
    """Keys made, bindings changed, a service deployed."""
    key = entry(
        "google.iam.admin.v1.CreateServiceAccountKey",
        service="iam.googleapis.com",
        log="activity",
        resourceName="projects/-/serviceAccounts/118000000000000000001",
    )
    key["resource"]["labels"]["email_id"] = LEDGER
    member = f"serviceAccount:{LEDGER}"
    deltas = [{"action": "ADD", "role": "roles/owner", "member": one} for one in (member, "user:a@b.example")]
    bound = entry(
        "SetIamPolicy",
        service="cloudresourcemanager.googleapis.com",
        log="activity",
        who={"principalEmail": "alice@acme.example"},
        serviceData={"policyDelta": {"bindingDeltas": deltas}},
    )
    service = "projects/acme-prod/locations/europe-west1/services/web"
    run = "google.cloud.run.v2.Services.UpdateService"
    deployed = entry(run, service="run.googleapis.com", log="activity", resourceName=service)
    reading = read_one(GcpAuditLog, tmp_path, key, bound, deployed)

    assert {(one.target, one.action) for one in reading.changes} == {
        (LEDGER, "iam:CreateServiceAccountKey"),
        (LEDGER, "cloudresourcemanager:SetIamPolicy"),
        (f"//run.googleapis.com/{service}", "run:UpdateService"),
    }


def test_a_model_is_a_tool(tmp_path: Path) -> None:
    """By its last name."""
    model = "projects/acme-prod/locations/europe-west1/publishers/google/models/gemini-3.0-pro"
    method = "google.cloud.aiplatform.v1.PredictionService.GenerateContent"
    asked = entry(method, service="aiplatform.googleapis.com", resourceName=model)

    assert features(profiles(GcpAuditLog, tmp_path, asked)[LEDGER], "tool") == ["tool=gemini-3.0-pro"]


def test_long_operations_count_once_and_other_logs_do_not(tmp_path: Path) -> None:
    """The entry at the end of one has no caller's address any more."""
    first, last = entry("v1.compute.instances.insert"), entry("v1.compute.instances.insert")
    first["operation"], last["operation"] = {"id": "o", "first": True}, {"id": "o", "last": True}
    other = {**entry(), "logName": "projects/acme-prod/logs/stdout"}
    text = {"logName": "projects/acme-prod/logs/run", "timestamp": "2026-11-20T10:00:00Z", "textPayload": "hello"}

    assert read_one(GcpAuditLog, tmp_path, first, first, last, other, text).events == 1


def test_folders_of_a_sink(tmp_path: Path) -> None:
    """A day is a unit; the projects that acted then are covered; a day without files between is a gap."""
    for day, project in (("2026/11/18", "acme-prod"), ("2026/11/18", "acme-dev"), ("2026/11/20", "acme-prod")):
        time = f"{day.replace('/', '-')}T10:00:00Z"
        for log in ("activity", "data_access"):
            name = f"sink/cloudaudit.googleapis.com/{log}/{day}/10:00:00_10:59:59_S{project}.json"
            written(tmp_path, entry(log=log, time=time, project=project), name=name)
    readings, gaps = read_all(log_of(GcpAuditLog, tmp_path))

    assert [(one.unit.name, one.events) for one in readings] == [("*/2026-11-18", 4), ("*/2026-11-20", 2)]
    assert [(day.scope, day.day.day, day.status) for one in readings for day in one.coverage] == [
        ("acme-dev", 18, "complete"),
        ("acme-prod", 18, "complete"),
        ("acme-prod", 20, "complete"),
    ]
    assert [(one.scope, one.day.day) for one in gaps] == [("*", 19)]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"entries": rows}])
def test_what_the_command_line_prints(wrap: Any, tmp_path: Path) -> None:
    """`gcloud logging read --format=json`, and answers of the API."""
    (tmp_path / "read.json").write_text(json.dumps(wrap([entry(), entry()]), indent=2))
    (reading,), _ = read_all(log_of(GcpAuditLog, tmp_path))

    assert reading.events == 2
    assert reading.coverage == (LogDay(scope="acme-prod", day=DAY),)


@examples(60, smoke=60)
@given(st.data())
def test_no_line_ends_a_reading(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It is counted, or its file is a gap."""
    record = data.draw(st.one_of(mutated(entry()), JSON))
    root = tmp_path_factory.mktemp("hostile")
    written(root, entry(), json.dumps(record))
    (reading,), _ = read_all(log_of(GcpAuditLog, root))

    assert reading.events >= 1 or {one.status for one in reading.coverage} == {"failed"}
