"""What RBAC lets an account do and become, in whole clusters: levels, and links to other accounts."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kubernetes.least_privilege import manifests
from connectors.kubernetes.rights.bindings import Bound
from connectors.kubernetes.rights.evaluation import Authority
from connectors.kubernetes.rights.rules import rules_of
from connectors.kubernetes.rights.targets import KubernetesAccounts, Surroundings
from connectors.testing import Asked, Reply
from scanner.demo.fakes.kubernetes.server import refusal
from scanner.model import POTENTIAL, Assignment
from tests.connectors.kubernetes.conftest import Scan
from tests.connectors.kubernetes.manifests import (
    RBAC,
    account,
    binding,
    deployment,
    group,
    namespace,
    pod,
    role,
    rule,
    token,
    user,
)

WITH_AWS_AUTH = manifests(frozenset({"aws_auth"}))
BASELINE = {"pod-security.kubernetes.io/enforce": "baseline"}
ESTATE = (
    namespace("shop", **BASELINE),
    namespace("ops", **BASELINE),
    *(account("shop", name) for name in ("ci", "web", "idle")),
    account("ops", "robot"),
    pod("shop", "web-1", "web", nodeName="node-a"),
    pod("ops", "robot-1", "robot"),
    token("shop", "web-token", "web"),
)
"""Accounts of two namespaces; web and robot run, web has a token without an end."""
PODS = rule("create", "", "pods")
WEB = deployment("shop", "web", "web")
PRIVILEGED = {"name": "main", "image": "a", "securityContext": {"privileged": True}}
SHOP = ["shop/idle", "shop/web"]
ALL = ["ops/robot", *SHOP]


def held(*rules: Any, within: str = "", names: str = "r") -> tuple[Any, ...]:
    """A role that shop/ci has, in the cluster or in a namespace."""
    return role(names, *rules), binding("b", f"ClusterRole/{names}", ("shop", "ci"), within=within)


CSR = "certificates.k8s.io"
CASES: dict[str, tuple[tuple[Any, ...], str, list[str]]] = {
    "pods in its namespace": (held(PODS, within="shop"), "high", SHOP),
    "pods in another namespace": (held(PODS, within="ops"), "high", ["ops/robot"]),
    "pods in the cluster": (held(PODS), "escalation", ALL),
    "deployments": (held(rule("create", "apps", "deployments"), within="shop"), "high", SHOP),
    "deployments that exist": ((WEB, *held(rule("patch", "apps", "deployments"), within="shop")), "high", SHOP),
    "deployments, none of which exists": (held(rule("patch", "apps", "deployments"), within="shop"), "high", []),
    "deployments of the cluster": ((WEB, *held(rule("patch", "apps", "deployments"))), "high", SHOP),
    "images of pods": (held(rule("patch", "", "pods"), within="shop"), "high", ["shop/web"]),
    "exec": (held(rule("create", "", "pods/exec"), within="shop"), "high", ["shop/web"]),
    "exec by any subresource": (held(rule("create", "", "*/exec"), within="shop"), "high", ["shop/web"]),
    "exec does not follow from pods": (held(rule("get", "", "pods"), within="shop"), "normal", []),
    "kubelets": (held(rule("get", "", "nodes/proxy")), "high", ["ops/robot", "shop/web"]),
    "kubelets are no matter of a namespace": (held(rule("get", "", "nodes/proxy"), within="shop"), "normal", []),
    "tokens of one account": (
        held(rule("create", "", "serviceaccounts/token", "idle"), within="shop"),
        "high",
        ["shop/idle"],
    ),
    "tokens of all accounts": (held(rule("create", "", "serviceaccounts/token")), "high", ALL),
    "secrets": (held(rule("list", "", "secrets"), within="shop"), "high", ["shop/web"]),
    "one secret": (held(rule("get", "", "secrets", "database"), within="shop"), "normal", []),
    "one token": (held(rule("get", "", "secrets", "web-token"), within="shop"), "normal", ["shop/web"]),
    "one pod": (held(rule("create", "", "pods/exec", "web-1"), within="shop"), "high", ["shop/web"]),
    "one pod that is not there": (held(rule("create", "", "pods/exec", "web-9"), within="shop"), "normal", []),
    "one deployment": ((WEB, *held(rule("patch", "apps", "deployments", "web"), within="shop")), "high", SHOP),
    "one that is not there": (held(rule("patch", "apps", "deployments", "web"), within="shop"), "normal", []),
    "one that is not there, where nothing is enforced": (
        (namespace("wild"), account("wild", "a"), *held(rule("patch", "apps", "deployments", "web"), within="wild")),
        "normal",
        [],
    ),
    "one that it may make": (held(rule("create patch", "apps", "deployments", "web"), within="shop"), "high", SHOP),
    "all of a group that holds no secret": (held(rule("get list watch", "apps", "*")), "normal", []),
    "a privileged pod by the kubelet": (
        (pod("ops", "agent", "robot", containers=[PRIVILEGED]), *held(rule("get", "", "nodes/proxy"))),
        "escalation",
        ["ops/robot", "shop/web"],
    ),
    "volumes on nodes": (held(rule("create", "", "persistentvolumes")), "high", []),
    "volumes on nodes, and pods": (
        (*held(rule("create", "", "persistentvolumes")), *held(PODS, within="shop", names="p")[:1],
         binding("p", "ClusterRole/p", ("shop", "ci"), within="shop")),
        "escalation",
        SHOP,
    ),
    "to bind a role that runs pods": (
        (*held(rule("bind", RBAC, "clusterroles", "runner"), rule("create", RBAC, "rolebindings"), within="shop"),
         role("runner", PODS)),
        "high",
        SHOP,
    ),
    "to bind any role of a namespace, where none is": (
        held(rule("bind", RBAC, "roles"), rule("create", RBAC, "rolebindings"), within="shop"), "normal", [],
    ),
    "to bind any role of a namespace, where one runs pods": (
        (*held(rule("bind", RBAC, "roles"), rule("create", RBAC, "rolebindings"), within="shop"),
         role("local", PODS, within="shop")),
        "high",
        SHOP,
    ),
    "to join a binding of an admin": (
        (*held(rule("bind", RBAC, "clusterroles", "boss"), rule("patch", RBAC, "clusterrolebindings", "bosses")),
         role("boss", rule("*", "*", "*")), binding("bosses", "ClusterRole/boss", user("anne"))),
        "escalation",
        [],
    ),
    "to join a binding that is not there": (
        (*held(rule("bind", RBAC, "clusterroles", "boss"), rule("patch", RBAC, "clusterrolebindings", "bosses")),
         role("boss", rule("*", "*", "*"))),
        "normal",
        [],
    ),
    "kubelets of one node": (held(rule("get", "", "nodes/proxy", "node-a")), "high", ["shop/web"]),
    "secrets, and to change them": (held(rule("get patch", "", "secrets"), within="shop"), "high", SHOP),
    "secrets, and to make them": (held(rule("get create", "", "secrets"), within="shop"), "high", SHOP),
    "impersonation of an account": (
        held(rule("impersonate", "", "serviceaccounts", "idle"), within="shop"),
        "high",
        ["shop/idle"],
    ),
    "impersonation of anyone": (held(rule("impersonate", "", "users groups")), "admin", []),
    "two roles together": (
        (
            *held(rule("create", CSR, "certificatesigningrequests")),
            role("approver", rule("update", CSR, "certificatesigningrequests/approval"), rule("approve", CSR, "signers",
                                                                                              "kubernetes.io/*")),
            binding("c", "ClusterRole/approver", ("shop", "ci")),
        ),
        "admin",
        [],
    ),
    "a role in the cluster and one in a namespace together": (
        (
            *held(rule("get", "", "secrets")),
            role("writer", rule("create", "", "secrets"), within="ops"),
            binding("c", "Role/writer", ("shop", "ci"), within="ops"),
        ),
        "high",
        ["ops/robot", "shop/web"],
    ),
    "to bind any role": (
        held(rule("bind", RBAC, "clusterroles"), rule("create", RBAC, "clusterrolebindings")),
        "escalation",
        [],
    ),
    "to bind a weak role": (
        (
            *held(rule("bind", RBAC, "clusterroles", "viewer"), rule("create", RBAC, "rolebindings")),
            role("viewer", rule("list", "", "pods")),
        ),
        "normal",
        [],
    ),
    "to bind a strong role": (
        (
            *held(rule("bind", RBAC, "clusterroles", "boss"), rule("create", RBAC, "clusterrolebindings")),
            role("boss", rule("*", "*", "*")),
        ),
        "escalation",
        [],
    ),
    "to write bindings alone": (held(rule("create", RBAC, "rolebindings clusterrolebindings")), "normal", []),
    "to label its namespace and run pods": (
        held(PODS, rule("patch", "", "namespaces"), within="shop"),
        "escalation",
        SHOP,
    ),
    "pods where nothing is enforced": (
        (namespace("wild"), account("wild", "a"), *held(PODS, within="wild")),
        "escalation",
        ["wild/a"],
    ),
    "everything in a namespace": (held(rule("*", "*", "*"), within="shop"), "escalation", SHOP),
    "everything": (held(rule("*", "*", "*"), names="view-lite"), "admin", []),
    "a name says nothing": (held(rule("list", "", "pods"), names="cluster-admin"), "normal", []),
    "a role that is missing": ((binding("b", "ClusterRole/gone", ("shop", "ci")),), "normal", []),
    "by its name as a user": (
        (role("r", PODS), binding("b", "ClusterRole/r", user("system:serviceaccount:shop:ci"), within="shop")),
        "high",
        SHOP,
    ),
    "by the group of its namespace": (
        (role("r", PODS), binding("b", "ClusterRole/r", group("system:serviceaccounts:shop"), within="ops")),
        "high",
        ["ops/robot"],
    ),
    "by the group of all callers": (
        (role("r", rule("list", "", "secrets")), binding("b", "ClusterRole/r", group("system:authenticated"))),
        "high",
        ["shop/web"],
    ),
    "a subject without a namespace is of the binding's": (
        (
            role("r", PODS),
            binding("b", "ClusterRole/r", {"kind": "ServiceAccount", "name": "ci"}, within="shop"),
        ),
        "high",
        SHOP,
    ),
    "applications of Argo CD": (held(rule("create", "argoproj.io", "applications"), within="ops"), "high", []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_rights(scan_listed: Scan, case: str) -> None:
    """The union of all bindings, exactly as RBAC matches."""
    objects, level, others = CASES[case]

    found = scan_listed(*ESTATE, *objects)

    assert (found.accounts["shop/ci"].privilege.level, found.become("shop/ci")) == (level, others)


def test_methods_that_lead_to_others_are_potential(scan_listed: Scan) -> None:
    """Evidence says what they could do, and by which role."""
    found = scan_listed(*ESTATE, *held(PODS, within="shop")).accounts["shop/ci"].privilege

    assert found.evidence == (f"{POTENTIAL}may run pods as any service account in namespace shop (ClusterRole/r)",)


def test_all_accounts_of_a_large_place_are_one_way(scan_listed: Scan) -> None:
    """Links would be as many as holders times accounts."""
    many = [account("shop", f"job-{number}") for number in range(150)]

    found = scan_listed(*ESTATE, *many, *held(PODS, within="shop")).accounts["shop/ci"]

    assert [one for one in found.links if one.relation == "can_assume"] == []
    (way,) = found.reach
    assert (way.kind, way.on, way.conditional) == ("become", ("kubernetes://cluster/shop/serviceaccount/*",), False)


def test_a_role_that_others_have_is_a_method_on_them(scan_listed: Scan) -> None:
    """Whoever controls both sides is an admin: that is decided later."""
    objects = (
        *held(rule("escalate patch", RBAC, "clusterroles", "viewer")),
        role("viewer", rule("list", "", "pods")),
        binding("v", "ClusterRole/viewer", ("ops", "robot")),
    )

    found = scan_listed(*ESTATE, *objects).accounts["shop/ci"]

    assert found.privilege.level == "high"
    (way,) = found.reach
    assert (way.kind, way.on) == ("make_admin", ("kubernetes://cluster/ops/serviceaccount/robot",))


def test_targets_that_could_not_be_read(scan: Scan) -> None:
    """The level is high, and the evidence says so."""

    def denied(asked: Asked) -> Reply | None:
        return refusal(403, "no") if asked.path.endswith("/deployments") else None

    objects = (*ESTATE, *held(rule("patch", "apps", "deployments", "web"), within="shop"))
    found = scan(*objects, fault=denied).accounts["shop/ci"].privilege

    assert found.level == "high"
    assert [one.endswith("could not be read") for one in found.evidence] == [True]


def test_pod_security_that_could_not_be_read() -> None:
    """It may be enforced or not."""
    there = KubernetesAccounts(every={"shop": ["ci"]})
    authority = Authority({}, Surroundings(enforced={"ops": "baseline"}, there=there))
    bound = Bound(binding="b", role="Role/r", namespace="shop", rules=rules_of({"rules": [PODS]}))
    authority.bind(bound, [("User", "system:serviceaccount:shop:ci")])

    found = authority.of_account(("shop", "ci")).privilege

    assert found.level == "high"
    assert found.evidence[-1].endswith("the Pod Security level of namespace shop could not be read")


def test_older_clusters_run_commands_by_get(scan_listed: Scan) -> None:
    """Since 1.35 the WebSocket of ``exec`` and ``attach`` takes ``create``, too."""
    for way in ("pods/exec", "pods/attach"):
        objects = (*ESTATE, *held(rule("get", "", way), within="shop"))

        assert scan_listed(*objects, minor=34).become("shop/ci") == ["shop/web"]
        assert scan_listed(*objects, minor=35).become("shop/ci") == []


def test_consequences(scan_listed: Scan) -> None:
    """What may be read and deleted, and whether in all namespaces; a level of its own does not follow from it."""
    objects = (
        *held(rule("delete", "", "persistentvolumeclaims pods"), names="cleaner"),
        role("keys", rule("get", "", "secrets"), within="shop"),
        binding("k", "Role/keys", ("shop", "web"), within="shop"),
        role("one", rule("delete", "", "namespaces", "ops"), within="ops"),
        binding("o", "Role/one", ("ops", "robot"), within="ops"),
        role("weak", rule("delete", "apps", "deployments")),
        binding("w", "ClusterRole/weak", ("shop", "idle")),
    )

    accounts = scan_listed(*ESTATE, *objects).accounts

    found = {name: [(one.kind, one.narrow) for one in it.consequences or ()] for name, it in accounts.items()}
    assert {name: some for name, some in found.items() if some} == {
        "shop/ci": [("delete", False)],
        "shop/web": [("read_secrets", True)],
        "ops/robot": [("delete", True)],
    }
    assert (accounts["shop/ci"].privilege.level, accounts["shop/ci"].privilege.evidence) == ("normal", ())


def test_groups_of_everybody_are_reported(scan_listed: Scan) -> None:
    """Where they have powerful rights; what every cluster gives them is none."""
    found = scan_listed(
        *ESTATE,
        role("boss", rule("*", "*", "*")),
        binding("b", "ClusterRole/boss", group("system:unauthenticated")),
        role("system:discovery", {"verbs": ["get"], "nonResourceURLs": ["/api", "/version"]}),
        binding("system:discovery", "ClusterRole/system:discovery", group("system:authenticated")),
    )

    assert {name: one.privilege.level for name, one in found.accounts.items() if one.kind == "group"} == {
        "system:unauthenticated": "admin"
    }


def test_bindings_of_accounts_that_do_not_exist(scan: Scan) -> None:
    """Anyone who creates the account gets the rights; not of the bindings that each cluster has."""
    boss = role("boss", rule("*", "*", "*"))
    usual = binding("system:controller:x", "ClusterRole/boss", ("kube-system", "x-controller"))
    usual["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    objects = (*ESTATE, boss, usual, binding("old", "ClusterRole/boss", ("shop", "deleted"), ("shop", "web")))

    (left,) = (one for one in scan(*objects).records if isinstance(one, Assignment))
    assert (left.gone, left.holder_name, left.grant.name, left.privilege.level) == (
        True, "shop/deleted", "ClusterRole/boss", "admin",
    )  # fmt: skip

    def denied(asked: Asked) -> Reply | None:
        return refusal(403, "no") if asked.path.endswith("/serviceaccounts") else None

    assert not any(isinstance(one, Assignment) for one in scan(*objects, fault=denied).records)


def test_aws_auth_makes_admins(scan: Scan) -> None:
    """Where the config map exists, the right to change it makes an admin."""
    objects = (*ESTATE, *held(rule("patch", "", "configmaps", "aws-auth"), within="kube-system"))
    mapped = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "kube-system", "name": "aws-auth"}}

    without = scan(*objects, settings={"aws_auth": True}, reader=WITH_AWS_AUTH)
    with_it = scan(*objects, mapped, settings={"aws_auth": True}, reader=WITH_AWS_AUTH)

    assert without.accounts["shop/ci"].privilege.level == "normal"
    assert with_it.accounts["shop/ci"].privilege.level == "admin"
