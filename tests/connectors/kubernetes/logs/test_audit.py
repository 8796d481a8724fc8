"""Kubernetes' audit log: events in their published shape, and the ways in which they are wrapped."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kubernetes.actions import action_of
from connectors.kubernetes.logs.audit import KubernetesAuditLog
from scanner.model.activity import LogDay
from tests.connectors.logs.audit_files import DAY, features, log_of, profiles, read_all, read_one, written
from tests.examples import examples
from tests.hostile_json import JSON, mutated

LEDGER = "system:serviceaccount:apps:ledger"
_numbers = itertools.count(1)


def event(
    verb: str = "get", resource: str = "pods", *, user: str = LEDGER, code: int = 200, group: str = "",
    subresource: str = "", name: str = "crown-jewels", namespace: str = "apps", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """One event."""
    reference = {"resource": resource, "subresource": subresource, "apiGroup": group, "apiVersion": "v1"}
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"00000000-0000-4000-8000-{next(_numbers):012}",
        "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/{namespace}/{resource}/{name}",
        "verb": verb,
        "user": {
            "username": user,
            "uid": "u-1" if "serviceaccount" in user else "",
            "groups": ["system:authenticated"],
        },
        "sourceIPs": ["203.0.113.7", "10.0.0.1"],
        "userAgent": "kubectl/v1.34.0 (linux/amd64) kubernetes/abc",
        "objectRef": {**reference, "namespace": namespace, "name": name},
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": "2026-11-20T10:00:00.123456Z",
        "stageTimestamp": "2026-11-20T10:00:00.223456Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
        **more,
    }


def test_a_file_of_google_is_none_of_a_cluster(tmp_path: Path) -> None:
    """Nothing says of it whether reads were logged; another type reads it."""
    entry = {"logName": "projects/p/logs/x", "protoPayload": {"serviceName": "k8s.io"}, "insertId": "1"}
    written(tmp_path, entry)
    (found,), _ = read_all(log_of(KubernetesAuditLog, tmp_path))

    assert [one.status for one in found.coverage] == ["failed"]
    assert "gcp_audit" in str(found.coverage[0].detail)


def test_a_service_account_and_what_it_did(tmp_path: Path) -> None:
    """No object's name is kept."""
    profile = profiles(KubernetesAuditLog, tmp_path, event("get", "secrets"), event("list", "secrets", code=403))[
        LEDGER
    ]

    assert (profile.unique_id, profile.denied) == ("u-1", 1)
    assert profile.counts == {
        "secret=secrets:get": (1, 0, 0),
        "secret=secrets:list": (0, 1, 0),
        "network=203.0.113.0/24": (1, 1, 0),
        "client=kubectl": (1, 1, 0),
    }
    assert "crown" not in repr(profile)


@pytest.mark.parametrize(
    ("verb", "resource", "subresource", "group", "reported"),
    [
        ("watch", "pods", "", "", ("pods:watch", "read")),
        ("patch", "deployments", "", "apps", ("deployments:patch", "write")),
        ("create", "rolebindings", "", "rbac.authorization.k8s.io", ("rolebindings:create", "write")),
        ("patch", "applications", "", "argoproj.io", ("applications.argoproj.io:patch", "write")),
        ("create", "pods", "exec", "", ("pods/exec:create", "become")),
        ("get", "pods", "exec", "", ("pods/exec:get", "become")),
        ("create", "serviceaccounts", "token", "", ("serviceaccounts/token:create", "become")),
        ("create", "selfsubjectaccessreviews", "", "authorization.k8s.io", ("api:get", "read")),
        ("get", "", "", "", ("api:get", "read")),
    ],
)
def test_what_an_event_does(verb: str, resource: str, subresource: str, group: str, reported: tuple[str, str]) -> None:
    """In the words of RBAC."""
    assert action_of(resource, subresource, group, verb) == reported


def test_impersonation_and_tokens_for_others(tmp_path: Path) -> None:
    """Who became an account is reported about the account, too."""
    token = event("create", "serviceaccounts", subresource="token", name="ledger", user="alice")
    used = event("delete", "pods", user="bob", impersonatedUser={"username": LEDGER})
    found = profiles(KubernetesAuditLog, tmp_path, token, used, event())

    assert sorted(features(found[LEDGER], "assumed_by")) == ["assumed_by=alice", "assumed_by=bob"]
    assert found[LEDGER].events == 1
    assert "become=serviceaccounts/token:create" in found["alice"].counts
    assert {"become=users:impersonate", "write=pods:delete"} <= found["bob"].counts.keys()


def test_who_impersonates_a_person_acts_for_the_person(tmp_path: Path) -> None:
    """Not so for an account, which may be anybody's."""
    for_ada = event("delete", "pods", user=LEDGER, impersonatedUser={"username": "ada@acme.example"})
    as_other = event("delete", "pods", user=LEDGER, impersonatedUser={"username": "system:serviceaccount:app:web"})
    found = profiles(KubernetesAuditLog, tmp_path, for_ada, as_other)

    assert features(found[LEDGER], "on_behalf_of") == ["on_behalf_of=person:ada@acme.example"]


def test_the_cluster_itself_is_apart(tmp_path: Path) -> None:
    """Components, nodes, controllers, and the cloud; an add-on in kube-system is not."""
    addon = "system:serviceaccount:kube-system:aws-node"
    controller = event(user="system:serviceaccount:kube-system:job-controller")
    controller["userAgent"] = "kube-controller-manager/v1.34.0 (linux/amd64) kubernetes/abc/system:serviceaccount"
    users = ("system:apiserver", "system:node:n1", "system:kube-scheduler", "eks:node-manager", "aksService")
    reading = read_one(
        KubernetesAuditLog,
        tmp_path,
        controller,
        *(event(user=one) for one in users),
        event(user=addon),
        event(user="system:anonymous", code=401),
    )

    assert {one.caller for one in reading.callers} == {addon, "system:anonymous"}
    assert (reading.events, reading.by_provider) == (8, 6)


def test_stages_count_once(tmp_path: Path) -> None:
    """A watch that goes on has one that it started, and perhaps one that it ended."""
    watch = event("watch", stage="ResponseStarted")
    received = {**event(), "stage": "RequestReceived"}

    assert read_one(KubernetesAuditLog, tmp_path, received, watch, {**watch, "stage": "ResponseComplete"}).events == 1


def test_outcomes(tmp_path: Path) -> None:
    """Refused by code or decision; failed otherwise."""
    forbidden = event(annotations={"authorization.k8s.io/decision": "forbid"})
    profile = profiles(KubernetesAuditLog, tmp_path, event(), forbidden, event(code=404), event(stage="Panic"))[LEDGER]

    assert profile.counts["read=pods:get"] == (1, 1, 2)


def test_credentials_that_last(tmp_path: Path) -> None:
    """Tokens in Secrets and certificates; not the tokens of pods."""
    user = {"username": LEDGER, "uid": "u-1"}
    ids = "authentication.kubernetes.io/credential-id"
    legacy = event(annotations={"authentication.k8s.io/legacy-token": "apps/ledger-token-x1"})
    certificate = event(user="carol")
    certificate["user"]["extra"] = {ids: ["X509SHA256=" + "ab" * 32]}
    pod = event()
    pod["user"] = {**user, "extra": {ids: ["JTI=1"], "authentication.kubernetes.io/pod-name": ["p"]}}
    found = profiles(KubernetesAuditLog, tmp_path, legacy, certificate, pod)

    assert features(found[LEDGER], "credential") == ["credential=apps/ledger-token-x1"]
    assert features(found["carol"], "credential") == ["credential=X509SHA256=" + "ab" * 32]


def test_what_changes_an_account(tmp_path: Path) -> None:
    """It was bound, changed, or workloads that run as it was."""
    subjects = [
        {"kind": "ServiceAccount", "name": "ledger", "namespace": "apps"},
        {"kind": "User", "name": "alice"},
    ]
    template = {"spec": {"template": {"spec": {"serviceAccountName": "web"}}}}
    cron = {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"serviceAccountName": "night"}}}}}}
    reading = read_one(
        KubernetesAuditLog,
        tmp_path,
        event("create", "clusterrolebindings", user="alice", requestObject={"subjects": subjects}),
        event("patch", "serviceaccounts", name="worker", user="alice"),
        event("update", "deployments", group="apps", user="alice", requestObject=template),
        event("create", "cronjobs", group="batch", user="alice", requestObject=cron),
        event("patch", "deployments", group="apps", user="alice", requestObject=[{"op": "replace"}]),
        event("create", "serviceaccounts", name="refused", user="alice", code=403),
    )

    assert {one.target for one in reading.changes} == {
        LEDGER, *(f"system:serviceaccount:apps:{name}" for name in ("worker", "web", "night"))
    }  # fmt: skip


def wrapped_lists(events: list[Any]) -> str:
    return json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events}, indent=1)


def lines_of_lists(events: list[Any]) -> str:
    return "\n".join(json.dumps({"kind": "EventList", "items": [one]}) for one in events)


def wrapped_by_azure(events: list[Any]) -> str:
    rows = [
        {"category": "kube-audit", "properties": {"log": json.dumps(one), "pod": "kube-apiserver"}} for one in events
    ]
    return "\n".join(map(json.dumps, rows))


def wrapped_by_cloudwatch(events: list[Any]) -> str:
    return json.dumps({"events": [{"message": json.dumps(one), "timestamp": 1} for one in events]})


@pytest.mark.parametrize("wrap", [wrapped_lists, lines_of_lists, wrapped_by_azure, wrapped_by_cloudwatch])
def test_wrapped_events(wrap: Any, tmp_path: Path) -> None:
    """All of them are read as plain ones are."""
    (tmp_path / "audit.json").write_text(wrap([event(), event()]))
    (reading,), _ = read_all(log_of(KubernetesAuditLog, tmp_path))

    assert reading.events == 2
    assert reading.coverage == (LogDay(scope="*", day=DAY),)


def test_folders_of_azure(tmp_path: Path) -> None:
    """A day is a unit; what AKS writes besides is left out."""
    where = "resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD/"
    file = f"{where}y=2026/m=11/d=20/h=10/m=00/PT1H.json"
    written(tmp_path, wrapped_by_azure([event()]), name=f"insights-logs-kube-audit/{file}")
    written(tmp_path, {"x": 1}, name=f"insights-logs-guard/{file}")
    (reading,), gaps = read_all(log_of(KubernetesAuditLog, tmp_path))

    assert (reading.unit.name, reading.events, gaps) == ("*/2026-11-20", 1, [])
    assert reading.coverage == (LogDay(scope="*", day=DAY),)


@pytest.mark.parametrize(
    "text", ['{"auditID": 1}', '{"auditID": "1", "verb": ', "[" * 100_000, "{" * 10, '{"a": "\\ud800"}']
)
def test_wrapped_text_that_is_no_event_is_a_gap(text: str, tmp_path: Path) -> None:
    """It may be cut short by anyone who wrapped it."""
    written(tmp_path, event(), {"properties": {"log": text}})
    (reading,), _ = read_all(log_of(KubernetesAuditLog, tmp_path))

    assert (reading.events, reading.left_out[0].records) == (1, 1)
    assert {one.status for one in reading.coverage} == {"partial"}


def test_other_logs_of_a_control_plane_are_left_out(tmp_path: Path) -> None:
    """CloudWatch has them in the same group: they are no JSON."""
    other = {"message": "I1120 10:00:00.000000       1 controller.go:1] ok", "timestamp": 1}

    assert read_one(KubernetesAuditLog, tmp_path, event(), other).events == 1


@examples(60, smoke=60)
@given(st.data())
def test_no_line_ends_a_reading(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It is counted, or its file is a gap."""
    plain = mutated(event("create", "rolebindings", requestObject={"subjects": [{}]}))
    record = data.draw(st.one_of(plain, plain.map(lambda held: {"properties": {"log": json.dumps(held)}}), JSON))
    root = tmp_path_factory.mktemp("hostile")
    written(root, event(), json.dumps(record))
    (reading,), _ = read_all(log_of(KubernetesAuditLog, root))

    assert reading.events >= 1 or {one.status for one in reading.coverage} == {"failed"}
