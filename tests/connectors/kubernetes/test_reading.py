"""How a cluster is read: every section, in pages, with no more rights than are printed, whatever goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from connectors.kubernetes.least_privilege import cluster_role, manifests
from connectors.kubernetes.reader import authorizers_beside
from connectors.testing import Asked, Reply, read
from scanner.demo.fakes.kubernetes.cluster import CUSTOM, Cluster
from scanner.demo.fakes.kubernetes.server import refusal
from scanner.model import Identity
from tests.connectors.kubernetes.conftest import TOKEN, Running, Scan
from tests.connectors.kubernetes.manifests import account, binding, deployment, namespace, pod, role, rule, token

KUBECTL = str(Path(sys.executable).with_name("kubectl"))
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SECRET = "hunter2-hunter2-hunter2"
OF_AGENTS = ("spire", "kagent", "kagenti", "toolhive", "agentgateway")
ESTATE = (
    namespace("shop", team="payments", env="prod"),
    account(
        "shop",
        "web",
        annotations={
            "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/shop",
            "owner": "ada@example.com",
            LAST_APPLIED: f'{{"password": "{SECRET}"}}',
            "argocd.argoproj.io/tracking-id": "shop:v1/ServiceAccount:shop/web",
        },
    ),
    account("shop", "old", secrets=("old-token-x7k2p", "old-dockercfg-aaaaa")),
    account("shop", "default"),
    deployment(
        "shop",
        "shop-web",
        "web",
        hostNetwork=True,
        containers=[
            {
                "name": "c",
                "image": "r.example:5000/shop/web:1@sha256:ab",
                "env": [
                    {"name": "PASSWORD", "value": SECRET},
                    {"name": "K", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}},
                ],
            }
        ],
    ),
    pod("shop", "job-1"),
    token("shop", "web-token", "web", labels={"kubernetes.io/legacy-token-last-used": "2026-10-01"}),
    {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"namespace": "argocd", "name": "shop"},
        "spec": {"source": {"repoURL": f"https://bot:{SECRET}@git.example/shop.git", "path": "deploy"}},
    },
    {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"namespace": "argocd", "name": "shop"},
        "spec": {
            "roles": [
                {"name": "ci", "jwtTokens": [{"iat": 1767225600}, {"id": "t2", "iat": 1767225600, "exp": 1798761600}]},
                {"name": "unused"},
                {"name": "odd", "jwtTokens": [{"id": "far", "iat": 99999999999999999, "exp": -99999999999999999}]},
            ]
        },
    },
    role("viewer", rule("get list", "", "pods")),
    binding("viewers", "ClusterRole/viewer", ("shop", "web"), within="shop"),
)


def _read(clusters: Running, server: Any) -> list[Any]:
    return read(clusters.connector(server))


def test_what_is_read(scan: Scan) -> None:
    """Owners, credentials, consumers, deployers and clouds; no value of a secret."""
    found = scan(*ESTATE, settings={"secrets": True}, reader=manifests(frozenset({"core.secrets"})))

    web, old, default = (found.accounts[f"shop/{name}"] for name in ("web", "old", "default"))
    assert re.fullmatch(r"kubernetes://[0-9a-f-]{36}/shop/serviceaccount/web", web.key)
    assert web.aliases[:2] == ("system:serviceaccount:shop:web", "shop/web")
    assert (web.tags["owner"], web.tags["team"], web.tags["env"]) == ("ada@example.com", "payments", "prod")
    assert web.attributes["deployed_by"] == "argocd: shop:v1/ServiceAccount:shop/web"
    assert web.attributes["repository"] == "https://git.example/shop.git//deploy"
    assert [link.target for link in web.links] == ["arn:aws:iam::123456789012:role/shop"]
    assert [(one.name, one.via, one.resource) for one in web.grants] == [
        ("ClusterRole/viewer", "RoleBinding/viewers", "namespace shop")
    ]
    (credential,) = web.credentials
    assert (credential.id, credential.never_expires, f"{credential.last_used_at:%F}") == (
        "web-token", True, "2026-10-01",
    )  # fmt: skip
    assert [one.id for one in old.credentials] == ["old-token-x7k2p"]
    assert default.managed_by is None  # a pod runs as it
    ran = found.workloads["deployment/shop-web"]
    assert (ran.runs_as, ran.attributes["secrets"], ran.attributes["reaches_node_by"], ran.attributes["images"]) == (
        (web.key,), ["db"], ["hostNetwork"], ["r.example:5000/shop/web"],
    )  # fmt: skip
    assert found.workloads["pod/job-1"].runs_as == (default.key,)
    projects = {one.name: one for one in found.records if isinstance(one, Identity) and one.kind == "argocd_role"}
    assert [
        (one.id, f"{one.created_at:%F}", one.never_expires, one.expires_at and f"{one.expires_at:%F}")
        for one in projects["ci"].credentials
    ] == [("1767225600", "2026-01-01", True, None), ("t2", "2026-01-01", False, "2027-01-01")]
    assert [one.created_at for one in projects["odd"].credentials] == [None]
    assert "unused" not in projects
    assert SECRET not in repr(found.records)
    absent = dict.fromkeys(("openshift", "flux", "external_secrets", "vault_operator", *OF_AGENTS), "not_offered")
    assert found.coverage == dict.fromkeys(found.coverage, "complete") | absent | {
        "aws_auth": "off", "argocd.accounts": "off",
    }  # fmt: skip


def test_an_untouched_cluster_is_all_the_vendor_s(scan: Scan) -> None:
    """Unbound default accounts, and those of system namespaces, whatever they may do."""
    found = scan(
        account("default", "default"),
        account("kube-system", "replicaset-controller"),
        role("system:controller:replicaset-controller", rule("create delete", "", "pods")),
        binding(
            "system:controller:replicaset-controller",
            "ClusterRole/system:controller:replicaset-controller",
            ("kube-system", "replicaset-controller"),
        ),
    )

    assert all(one.managed_by for one in found.accounts.values())
    assert found.accounts["kube-system/replicaset-controller"].privilege.level == "escalation"


def test_a_namespace_named_like_another_vendor_s_is_not_exempt(scan: Scan) -> None:
    """The cluster is one of EKS; one of GKE shows it by its version."""
    objects = namespace("gke-x"), account("gke-x", "hidden")
    on_eks, on_gke = (scan(*objects, build=build).accounts["gke-x/hidden"] for build in ("-eks-1", "-gke.1"))

    assert on_eks.managed_by is None
    assert on_gke.managed_by == "it is an account of the system namespace gke-x"


def test_lists_are_read_in_pages(clusters: Running) -> None:
    """As many calls as pages, and no object twice."""
    server = clusters.server(*(account("shop", f"a{number}") for number in range(7)), most_on_a_page=3)
    records = [one for one in _read(clusters, server) if isinstance(one, Identity)]

    assert len(records) == len({one.key for one in records}) == 8
    assert sum(asked.path.endswith("/serviceaccounts") for asked in server.asked) == 3
    assert {asked.method for asked in server.asked} == {"GET"}
    # Namespaces also say which cluster it is; nothing else is asked twice.
    assert len(server.asked) == len({asked.path for asked in server.asked}) + 2 + 1
    assert not any("/namespaces/" in asked.path for asked in server.asked)


# --- Least privilege, both ways ---


def _rights() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each right of the printed role, with a role that lacks it."""
    whole = cluster_role()
    for number, one in enumerate(whole["rules"]):
        for what in (key for key in ("resources", "nonResourceURLs") if key in one):
            for item in one[what]:
                less = [dict(rule_) for rule_ in whole["rules"]]
                less[number] = {**one, what: [other for other in one[what] if other != item]}
                yield item, {**whole, "rules": [rule_ for rule_ in less if rule_.get(what, [1])]}


def test_each_printed_right_is_needed(clusters: Running) -> None:
    """Without it a section is a gap, or nothing can be read. Every cluster gives the version and its groups to all."""
    account_, _, bound = yaml.safe_load_all(manifests())
    wrong = {}
    for right, less in _rights():
        server = clusters.server(
            reader=yaml.safe_dump_all([account_, less, bound]), custom={one.kind for one in CUSTOM}
        )
        found = {one.section: one.status for one in _read(clusters, server) if hasattr(one, "section")}
        gaps = [name for name, status in found.items() if status in ("denied", "partial", "failed", "skipped")]
        if len(gaps) != (right not in ("/version", "/apis")):
            wrong[right] = found
        clusters.stack.pop_all().close()

    assert wrong == {}


def test_doctor_names_what_is_missing(clusters: Running) -> None:
    """Each section by itself."""
    objects = list(yaml.safe_load_all(manifests()))
    rules = objects[1]["rules"]
    objects[1]["rules"] = [one for one in rules if "roles" not in one.get("resources", ())]
    server = clusters.server(reader=yaml.safe_dump_all(objects))

    checks = {one.name: one for one in clusters.connector(server).check()}

    assert [name for name, one in checks.items() if not one.ok] == ["rbac"]
    assert "list clusterroles.rbac.authorization.k8s.io" in (checks["rbac"].fix or "")


# --- What goes wrong ---


def test_a_gap_names_the_list_that_is_refused(clusters: Running) -> None:
    """A section may have many."""
    server = clusters.server(*ESTATE, fault=_broken("/apis/batch/v1/jobs", refusal(403, "no")))
    (gap,) = (one for one in _read(clusters, server) if getattr(one, "section", "") == "workloads")

    assert (gap.status, gap.detail) == ("partial", "RBAC does not allow list jobs.batch")


def _broken(path: str, reply: Reply, times: int = 10**6) -> Any:
    left = [times]

    def fault(asked: Asked) -> Reply | None:
        if asked.path.endswith(path) and left[0]:
            left[0] -= 1
            return reply
        return None

    return fault


@pytest.mark.parametrize(
    ("path", "reply", "times", "section", "status"),
    [
        ("/serviceaccounts", refusal(410, "expired"), 1, "core.serviceaccounts", "complete"),
        ("/serviceaccounts", refusal(410, "expired"), 9, "core.serviceaccounts", "failed"),
        ("/roles", refusal(403, "no"), 9, "rbac", "denied"),
        ("/pods", refusal(500, "no"), 99, "workloads", "partial"),
        ("/pods", Reply(status=429, headers={"Retry-After": "0"}, body={}), 1, "workloads", "complete"),
        ("/pods", Reply(body=b"<html>"), 9, "workloads", "partial"),
        ("/pods", Reply(body={"items": [{"metadata": {}}, None, {"metadata": {"name": "x"}, "spec": 3}]}), 9,
         "workloads", "partial"),
        ("/jobs", Reply(body={"kind": "JobList", "metadata": {}, "items": None}), 9, "workloads", "complete"),
        ("/jobs", Reply(body={"kind": "Status", "status": "Success"}), 9, "workloads", "partial"),
        ("/jobs", Reply(body={"items": []}), 9, "workloads", "partial"),
        ("/openid-configuration", refusal(404, "no"), 9, "issuer", "not_offered"),
    ],
)  # fmt: skip
def test_faults(clusters: Running, path: str, reply: Reply, times: int, section: str, status: str) -> None:
    """Each is a gap of its own section at most."""
    server = clusters.server(*ESTATE, fault=_broken(path, reply, times))
    found = {one.section: one.status for one in _read(clusters, server) if hasattr(one, "section")}

    assert found[section] == status
    assert all(other in ("complete", "off", "not_offered") for name, other in found.items() if name != section)


@pytest.mark.parametrize("plural", ["clusterroles", "roles", "clusterrolebindings", "rolebindings"])
def test_rights_are_unknown_where_any_of_rbac_is(clusters: Running, plural: str) -> None:
    """An account could have any right that was not read."""
    server = clusters.server(*ESTATE, fault=_broken(f"/{plural}", refusal(403, "no")))
    accounts = [one for one in _read(clusters, server) if isinstance(one, Identity) and one.kind == "service_account"]

    assert {one.privilege.level for one in accounts} == {"unknown"}
    assert {one.unread for one in accounts} == {("permissions",)}


def test_a_cluster_that_hides_which_one_it_is(clusters: Running) -> None:
    """Its keys would change with the next scan, so it is a gap as a whole."""
    server = clusters.server(fault=_broken("/namespaces", refusal(403, "no")))

    (record,) = _read(clusters, server)

    assert (record.section, record.status, record.scope) == ("core.namespaces", "denied", "*")


# --- The stand-in ---


def test_kubectl_reads_the_stand_in(clusters: Running, tmp_path: Any) -> None:
    """In pages, and only what RBAC allows."""
    server = clusters.server(*(account("shop", f"a{number}") for number in range(5)))
    kubectl = (KUBECTL, "--server", server.url, "--token", TOKEN)
    environment = {"HOME": str(tmp_path), "KUBECONFIG": "/dev/null", "PATH": "/usr/bin"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # a program of the test environment
            [*kubectl, "--certificate-authority", str(clusters.tls.ca_file), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    listed = run("get", "serviceaccounts", "-A", "--chunk-size=2", "-o", "name")
    refused = run("get", "configmaps", "-A")

    names = ("muster-reader", *(f"a{number}" for number in range(5)))
    assert listed.stdout.split() == [f"serviceaccount/{name}" for name in names]
    assert "cannot list resource" in refused.stderr


@pytest.mark.parametrize("version", ["1.30.0", "1.37.0"])
def test_the_stand_in_serves_objects_of_the_published_schemas(version: str) -> None:
    """Strictly: no unknown field, nothing of another type."""
    estate = [one for one in ESTATE if not str(one["apiVersion"]).startswith("argoproj.io")]
    for objects in Cluster([*estate, *yaml.safe_load_all(manifests())]).objects.values():
        for one in objects:
            kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize(
    ("issuer", "source"),
    [
        ("https://container.googleapis.com/v1/projects/p/locations/europe-west1/clusters/c", "gcp"),
        ("https://westeurope.oic.prod-aks.azure.com/tenant/cluster/", "azure"),
        ("https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE", "aws"),
        ("https://kubernetes.default.svc", None),
        (None, None),
    ],
)
def test_who_else_gives_rights_is_said(issuer: str | None, source: str | None) -> None:
    """A managed cluster asks its cloud, too, what RBAC does not show."""
    remarks = list(authorizers_beside(issuer))

    assert [remark.partition("of type ")[2].partition(" ")[0] for remark in remarks] == ([source] if source else [])
