"""What is found in a cluster: nothing in an untouched one, and each finding where one thing was done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.kubernetes.principals import ClusterRights, principals
from connectors.kubernetes.reader import KubernetesFacts
from connectors.kubernetes.rights.bindings import Bound
from connectors.kubernetes.rights.evaluation import Authority
from connectors.kubernetes.rights.links import Links
from connectors.kubernetes.rights.rules import rules_of
from connectors.kubernetes.rights.targets import KubernetesAccounts, Surroundings
from connectors.testing import Asked, Reply
from scanner.demo.fakes.kubernetes.server import refusal
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import Assignment, Coverage, Finding, Identity, ScanInfo, Workload
from tests.connectors.kubernetes.conftest import Scan
from tests.connectors.kubernetes.manifests import (
    account,
    binding,
    deployment,
    group,
    namespace,
    pod,
    role,
    rule,
    user,
)
from tests.connectors.kubernetes.untouched import NAMESPACES, untouched

NO_LINKS = Links({}, KubernetesAccounts(every={}), [])
NOW = datetime(2026, 11, 25, tzinfo=UTC)
SAFE = {"pod-security.kubernetes.io/enforce": "restricted"}
IGNORED = {"unregistered", "orphaned"}
"""What is said of any account that no registry has."""


def found(scan: Scan, *objects: Any, **facts: Any) -> list[Finding]:
    """What a scan of the untouched cluster with these objects finds, with an empty registry."""
    records = scan(*untouched(), *objects, **facts).records
    sorts: dict[str, Any] = {
        "identities": Identity,
        "workloads": Workload,
        "assignments": Assignment,
        "coverage": Coverage,
    }
    read: dict[str, Any] = {
        name: tuple(one for one in records if isinstance(one, sort)) for name, sort in sorts.items()
    }
    reading = ScopeReading(source="k8s", scope="cluster", **read)
    info = ScanInfo(id="1", started_at=NOW, finished_at=NOW, version="0")
    return list(judge(join([reading], {"k8s": 0}), Declared(entries=(), people=()), Remembered(), info).findings)


def test_an_untouched_cluster_has_no_finding(scan_listed: Scan) -> None:
    """Not even with an empty registry: Kubernetes itself made and manages all that is there."""
    accounts = scan_listed(*untouched()).accounts

    assert found(scan_listed) == []
    assert {name.partition("/")[0] for name in accounts} == set(NAMESPACES)
    assert all(one.managed_by for one in accounts.values())
    powerful = {name for name, one in accounts.items() if one.privilege.level in ("admin", "escalation")}
    assert "kube-system/clusterrole-aggregation-controller" in powerful
    assert not {"kube-system/coredns", "kube-system/kube-proxy", "default/default"} & powerful


def test_ways_into_accounts_of_the_cluster_count(scan_listed: Scan) -> None:
    """They are exempt themselves; an account that becomes one is not."""
    objects = (
        namespace("shop", **SAFE),
        account("shop", "ci"),
        role("token", rule("create", "", "serviceaccounts/token", "clusterrole-aggregation-controller")),
        binding("token", "ClusterRole/token", ("shop", "ci"), within="kube-system"),
    )

    assert {one.rule for one in found(scan_listed, *objects)} - IGNORED == {"escalation"}


READER = role("reader", rule("list", "", "events"))
SHOP = (namespace("shop", **SAFE), account("shop", "web"))
HOLDS = (READER, binding("reads", "ClusterRole/reader", ("shop", "web"), within="shop"))
PRIVILEGED = {"containers": [{"name": "main", "image": "a", "securityContext": {"privileged": True}}]}
PTRACE = {
    "containers": [{"name": "main", "image": "a", "securityContext": {"capabilities": {"add": ["CAP_SYS_PTRACE"]}}}]
}
HOST_PATH = {"volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}]}
KEYS = (
    role("keys", rule("get", "", "secrets")),
    binding("keys", "ClusterRole/keys", ("shop", "web"), within="shop"),
)
BOSS = (role("boss", rule("*", "*", "*")), binding("boss", "ClusterRole/boss", ("shop", "web")))
CASES: dict[str, tuple[tuple[Any, ...], dict[str, str]]] = {
    "an account with few rights": ((*SHOP, *HOLDS, deployment("shop", "web", "web")), {}),
    "a default account that is bound": (
        (*SHOP, account("shop", "default"), READER,
         binding("oops", "ClusterRole/reader", ("shop", "default"), within="shop")),
        {"shared_default_account": "medium"},
    ),
    "a default account as everyone": (
        (namespace("shop"), account("shop", "default"), READER,
         binding("all", "ClusterRole/reader", group("system:authenticated"))),
        {},
    ),
    "a default account that pods run as": (
        (namespace("shop", **SAFE), account("shop", "default"), pod("shop", "a", automountServiceAccountToken=False)),
        {"shared_default_account": "medium"},
    ),
    "a token without rights": ((*SHOP, deployment("shop", "web", "web")), {"unused_token_mounted": "low"}),
    "no token, by the pod": ((*SHOP, deployment("shop", "web", "web", automountServiceAccountToken=False)), {}),
    "no token, by the account": (
        (namespace("shop", **SAFE), account("shop", "web") | {"automountServiceAccountToken": False},
         deployment("shop", "web", "web")),
        {},
    ),
    "a token against the account": (
        (namespace("shop", **SAFE), account("shop", "web") | {"automountServiceAccountToken": False},
         deployment("shop", "web", "web", automountServiceAccountToken=True)),
        {"unused_token_mounted": "low"},
    ),
    "an account that nothing runs as": (SHOP, {}),
    "rights in production": (
        (namespace("dev-tools", **SAFE), account("dev-tools", "ci"),
         namespace("shop", environment="production", **SAFE), READER,
         binding("ci", "ClusterRole/reader", ("dev-tools", "ci"), within="shop")),
        {"cross_environment_grant": "medium"},
    ),
    "rights in a namespace of no known environment": (
        (namespace("dev-tools", **SAFE), account("dev-tools", "ci"), namespace("shop", **SAFE), READER,
         binding("ci", "ClusterRole/reader", ("dev-tools", "ci"), within="shop")),
        {},
    ),
    "a role that is missing": (
        (*SHOP, binding("gone", "ClusterRole/gone", ("shop", "web"))), {"missing_role": "low"},
    ),
    "a role that is missing, for people": (
        (binding("gone", "ClusterRole/gone", user("anne"), group("staff"), within="default"),), {"missing_role": "low"},
    ),
    "an account that is missing": (
        (namespace("shop", **SAFE), READER, binding("old", "ClusterRole/reader", ("shop", "gone"))),
        {"orphaned_grant": "medium"},
    ),
    "an admin in a privileged container": (
        (*SHOP, *BOSS, deployment("shop", "web", "web", **PRIVILEGED)),
        {"admin": "critical", "powerful_near_host": "high"},
    ),
    "one who reads secrets, with a folder of the node": (
        (*SHOP, *KEYS, deployment("shop", "web", "web", **HOST_PATH)),
        {"powerful_near_host": "medium"},
    ),
    "one who reads secrets, with a capability": (
        (*SHOP, *KEYS, deployment("shop", "web", "web", **PTRACE)),
        {"powerful_near_host": "medium"},
    ),
    "one with few rights in a privileged container": (
        (*SHOP, *HOLDS, deployment("shop", "web", "web", **PRIVILEGED)), {},
    ),
    "the proxy of nodes, to read metrics": (
        (*SHOP, role("metrics", rule("get", "", "nodes/proxy nodes/metrics")),
         binding("metrics", "ClusterRole/metrics", ("shop", "web"))),
        {"escalation": "high", "narrower_right": "medium"},
    ),
    "metrics alone": (
        (*SHOP, role("metrics", rule("get", "", "nodes/metrics nodes/stats")),
         binding("metrics", "ClusterRole/metrics", ("shop", "web"))),
        {},
    ),
    "the proxy of nodes, to write": (
        (*SHOP, role("proxy", rule("get create", "", "nodes/proxy")),
         binding("proxy", "ClusterRole/proxy", ("shop", "web"))),
        {"escalation": "high"},
    ),
    "secrets of all namespaces": (
        (*SHOP, role("keys", rule("list", "", "secrets")), binding("keys", "ClusterRole/keys", ("shop", "web"))),
        {"narrower_right": "low"},
    ),
    "pods of all namespaces": (
        (*SHOP, role("run", rule("create", "apps", "deployments")), binding("run", "ClusterRole/run", ("shop", "web"))),
        {"escalation": "high", "narrower_right": "medium"},
    ),
    "tokens and webhooks by name": (
        (*SHOP, role("named", rule("create", "", "serviceaccounts/token", "bot"),
                     rule("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "own")),
         binding("named", "ClusterRole/named", ("shop", "web"))),
        {},
    ),
    "secrets for anyone on the network": (
        (namespace("shop", **SAFE), role("keys", rule("get", "", "secrets")),
         binding("keys", "ClusterRole/keys", group("system:unauthenticated"), within="shop")),
        {"open_trust": "critical"},
    ),
    "secrets for anyone who gives no name": (
        (role("keys", rule("get", "", "secrets")), binding("keys", "ClusterRole/keys", user("system:anonymous"))),
        {"open_trust": "critical"},
    ),
    "few rights for anyone": (
        (READER, binding("all", "ClusterRole/reader", group("system:unauthenticated"), user("system:anonymous"))), {},
    ),
    "everything for all who sign in": (
        (role("boss", rule("*", "*", "*")), binding("boss", "ClusterRole/boss", group("system:authenticated"))),
        {"admin": "critical", "shared_default_account": "high"},
    ),
    "wildcards on what Kubernetes has": (
        (*SHOP, role("apps", rule("*", "apps", "controllerrevisions"), within="shop"),
         binding("apps", "Role/apps", ("shop", "web"), within="shop")),
        {"narrower_right": "low"},
    ),
    "wildcards on resources of its own": (
        (*SHOP, role("own", rule("*", "shop.example", "*"), within="shop"),
         binding("own", "Role/own", ("shop", "web"), within="shop")),
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_findings(scan_listed: Scan, case: str) -> None:
    """Exactly these, besides what is said of any account without an entry."""
    objects, expected = CASES[case]

    assert {one.rule: one.severity for one in found(scan_listed, *objects) if one.rule not in IGNORED} == expected


def test_the_advice_depends_on_the_version(scan_listed: Scan) -> None:
    """Some finer rights on kubelets are asked for since 1.33."""
    objects = (
        *SHOP,
        role("metrics", rule("get", "", "nodes/proxy")),
        binding("metrics", "ClusterRole/metrics", ("shop", "web")),
    )

    def advice(minor: int) -> str:
        (one,) = (one for one in found(scan_listed, *objects, minor=minor) if one.rule == "narrower_right")
        return str(one.evidence["rights"])

    assert "nodes/stats" in advice(32)
    assert "nodes/pods" not in advice(32)
    assert "nodes/pods" in advice(33)
    assert "cis-kubernetes-2.0.1:5.1.10" in next(
        one.controls for one in found(scan_listed, *objects) if one.rule == "narrower_right"
    )


def test_without_roles_nothing_is_said_of_rights(scan: Scan) -> None:
    """No rights, missing roles and tokens without use are not what a refused list means; what runs is known."""

    def denied(asked: Asked) -> Reply | None:
        return refusal(403, "no") if asked.path.endswith("/clusterroles") else None

    objects = (
        *SHOP,
        deployment("shop", "web", "web", **PRIVILEGED),
        role("metrics", rule("get", "", "nodes/proxy")),
        binding("metrics", "ClusterRole/metrics", ("shop", "web")),
        binding("gone", "ClusterRole/gone", ("shop", "web")),
    )
    rights = {"narrower_rights", "tokens_without_rights", "grants_across_environments", "bound_by_name"}

    read = scan(*objects, fault=denied)

    web = read.accounts["shop/web"]
    assert (web.privilege.level, web.unread) == ("unknown", ("permissions",))
    assert rights.isdisjoint(web.attributes)
    assert web.attributes["workloads_near_host"] == ["deployment shop/web (privileged)"]
    assert not any(isinstance(one, Assignment) for one in read.records)
    (issuer,) = (one for one in read.records if isinstance(one, Coverage) and one.section == "issuer")
    assert (issuer.status, "access entries" in (issuer.detail or "")) == ("complete", True)


CONTAINER, HOST = "container", "pod"
ESCAPES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "CE_MODULE_LOAD": (CONTAINER, {"capabilities": {"add": ["SYS_MODULE"]}}, ("SYS_MODULE",)),
    "CE_NSENTER": (HOST, {"hostPID": True}, ("hostPID",)),
    "CE_PRIV_MOUNT": (CONTAINER, {"privileged": True}, ("privileged",)),
    "CE_SYS_PTRACE": (CONTAINER, {"capabilities": {"add": ["CAP_SYS_PTRACE"]}}, ("SYS_PTRACE",)),
    **{
        name: (HOST, {"volumes": [{"name": "host", "hostPath": {"path": path}}]}, ("hostPath",))
        for name, path in (
            ("CE_UMH_CORE_PATTERN", "/proc/sys/kernel"),
            ("CE_VAR_LOG_SYMLINK", "/var/log"),
            ("EXPLOIT_CONTAINERD_SOCK", "/run/containerd"),
            ("EXPLOIT_HOST_READ", "/etc"),
            ("EXPLOIT_HOST_TRAVERSE", "/var/lib/kubelet"),
            ("EXPLOIT_HOST_WRITE", "/"),
        )
    },
    "none: the network alone": (HOST, {"hostNetwork": True}, ()),
    "none: a capability that each container may have": (CONTAINER, {"capabilities": {"add": ["NET_BIND_SERVICE"]}}, ()),
    "none: not privileged": (CONTAINER, {"privileged": False, "capabilities": {"drop": ["ALL"]}}, ()),
}  # fmt: skip
"""KubeHound's ways out of a container (docs/reference/attacks), each with the least pod, and what is reported of it."""


def test_ways_out_of_containers(scan_listed: Scan) -> None:
    """Whatever kind of container it is."""
    pods: list[Any] = []
    for number, (place, spec, _) in enumerate(ESCAPES.values()):
        inner = {"name": "main", "image": "a", "securityContext": spec}
        whole = spec if place == HOST else {"containers": [{"name": "idle", "image": "a"}], "initContainers": [inner]}
        pods += [account("shop", f"a{number}"), pod("shop", f"p{number}", f"a{number}", **whole)]

    accounts = scan_listed(namespace("shop"), *pods).accounts

    reported = [accounts[f"shop/a{number}"].attributes.get("workloads_near_host") for number in range(len(ESCAPES))]
    assert reported == [
        [f"pod shop/p{number} ({', '.join(ways)})"] if ways else None
        for number, (_, _, ways) in enumerate(ESCAPES.values())
    ]


def test_on_gke_all_who_sign_in_are_anybody() -> None:
    """Everyone with a Google account is authenticated there; elsewhere those are people and machines of one's own."""
    keys = rules_of({"rules": [rule("list", "", "secrets")]})
    authority = Authority({}, Surroundings())
    authority.bind(Bound(binding="b", role="r", namespace="", rules=keys), [("Group", "system:authenticated")])

    def open_to_all(issuer: str) -> list[str]:
        facts = KubernetesFacts("cluster")
        facts.issuer = issuer
        place = ClusterRights(facts=facts, source="k8s", authority=authority, rights_are_known=True, links=NO_LINKS)
        return [trust.kind for one in principals(place) for trust in one.trusts]

    assert open_to_all("https://container.googleapis.com/v1/projects/p/locations/l/clusters/c") == ["anyone"]
    assert open_to_all("https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE") == []
