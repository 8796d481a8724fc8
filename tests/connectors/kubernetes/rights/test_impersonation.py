"""Impersonation, roles that are named, and controllers, in a cluster: levels, and links to what is named alone."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kubernetes.rights.links import Links, links_of
from connectors.kubernetes.rights.targets import KubernetesAccounts, Surroundings
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

BASELINE = {"pod-security.kubernetes.io/enforce": "baseline"}
AS = "authentication.k8s.io"
ESTATE: tuple[Any, ...] = (
    namespace("shop", **BASELINE),
    namespace("ops", **BASELINE),
    *(account("shop", name) for name in ("ci", "web")),
    *(account("ops", name) for name in ("robot", "controller")),
    pod("ops", "robot-1", "robot"),
    token("ops", "robot-token", "robot"),
    role("boss", rule("*", "*", "*")),
    role("runner", rule("create", "", "pods")),
    role("viewer", rule("list", "", "pods")),
    binding("anne", "ClusterRole/boss", user("anne")),
    binding("bert", "ClusterRole/runner", user("bert"), within="ops"),
    binding("cora", "ClusterRole/viewer", user("cora")),
    binding("staff", "ClusterRole/boss", group("staff")),
    binding("all-of-ops", "ClusterRole/boss", group("system:serviceaccounts:ops"), within="ops"),
    binding("web", "ClusterRole/boss", ("shop", "web")),
    role("mine", rule("list", "", "events")),
    role("theirs", rule("list", "", "events")),
    binding("mine", "ClusterRole/mine", ("shop", "ci")),
)


def held(*rules: Any, within: str = "") -> tuple[Any, ...]:
    """A role that shop/ci has, in the cluster or in a namespace."""
    name = f"held-{within}"
    return role(name, *rules), binding(name, f"ClusterRole/{name}", ("shop", "ci"), within=within)


def acting(mode: str, who: str, *names: str) -> Any:
    """The right to impersonate in a mode."""
    return rule(f"impersonate:{mode}", AS, who, *names)


def doing(mode: str, verb: str, resource: str) -> Any:
    """The right to do something in the name of others."""
    return rule(f"impersonate-on:{mode}:{verb}", "", resource)


ANYBODY = rule("impersonate", "", "users", "unbound")
OPS = ["ops/controller", "ops/robot"]
ALL = [*OPS, "shop/web"]
CASES: dict[str, tuple[tuple[Any, ...], str, list[str]]] = {
    "an admin": (held(rule("impersonate", "", "users", "anne")), "escalation", ALL),
    "one who runs pods": (held(rule("impersonate", "", "users", "bert")), "high", OPS),
    "anyone but accounts": (held(rule("impersonate", "", "users")), "escalation", ALL),
    "one who only reads": (held(rule("impersonate", "", "users", "cora")), "normal", []),
    "users in a namespace: none": (held(rule("impersonate", "", "users", "anne"), within="shop"), "normal", []),
    "an account by its user name": (
        held(rule("impersonate", "", "users", "system:serviceaccount:shop:web")), "normal", [],
    ),
    "a group without a user": (held(rule("impersonate", "", "groups", "staff")), "normal", []),
    "a group": (held(ANYBODY, rule("impersonate", "", "groups", "staff")), "escalation", ALL),
    "a group of accounts": (
        held(ANYBODY, rule("impersonate", "", "groups", "system:serviceaccounts:ops")), "escalation", OPS,
    ),
    "system:masters": (held(ANYBODY, rule("impersonate", "", "groups", "system:masters")), "admin", []),
    "accounts of a namespace, as system:masters": (
        (*held(rule("impersonate", "", "serviceaccounts"), within="shop"),
         *held(rule("impersonate", "", "groups", "system:masters"))),
        "admin", [],
    ),
    "a node": (
        held(rule("impersonate", "", "users", "system:node:a"), rule("impersonate", "", "groups", "system:nodes")),
        "high", [],
    ),
    "one who may impersonate an admin": (
        (*held(rule("impersonate", "", "users", "dora")), role("as-web", rule("* impersonate", "", "serviceaccounts")),
         binding("dora", "ClusterRole/as-web", user("dora"), within="shop")),
        "high", [],
    ),
    "one who may impersonate anyone": (
        (*held(rule("impersonate", "", "users", "dora")), role("as-all", rule("impersonate", "", "users groups")),
         binding("dora", "ClusterRole/as-all", user("dora"))),
        "normal", [],
    ),
    "user ids and extra fields": (held(rule("impersonate", AS, "uids userextras/scopes")), "normal", []),
    "an admin, for reading": (
        held(acting("user-info", "users", "anne"), doing("user-info", "list", "pods")), "normal", [],
    ),
    "an admin, for secrets": (
        held(acting("user-info", "users", "anne"), doing("user-info", "get", "secrets")), "high", ["ops/robot"],
    ),
    "an admin, for pods of a namespace": (
        (*held(acting("user-info", "users", "anne")), *held(doing("user-info", "create", "pods"), within="ops")),
        "high", OPS,
    ),
    "a reader, for what he may not": (
        held(acting("user-info", "users", "cora"), doing("user-info", "create", "pods")), "normal", [],
    ),
    "an admin, constrained in a namespace": (
        held(acting("user-info", "users", "anne"), doing("user-info", "get", "secrets"), within="ops"), "normal", [],
    ),
    "an account, for secrets of a namespace": (
        (*held(acting("serviceaccount", "serviceaccounts", "web"), within="shop"),
         *held(doing("serviceaccount", "get", "secrets"), within="ops")),
        "high", ["ops/robot"],
    ),
    "an account of another namespace": (
        (*held(acting("serviceaccount", "serviceaccounts", "web"), within="ops"),
         *held(doing("serviceaccount", "get", "secrets"), within="shop")),
        "normal", [],
    ),
    "to write any rights into its role": (held(rule("escalate patch", RBAC, "clusterroles", "mine")), "escalation", []),
    "to write any rights into another role": (held(rule("escalate patch", RBAC, "clusterroles", "theirs")), "high", []),
    "to escalate one role and write another": (
        held(rule("escalate", RBAC, "clusterroles", "mine"), rule("patch", RBAC, "clusterroles", "theirs")),
        "normal", [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_impersonation(scan_listed: Scan, case: str) -> None:
    """It gives what the named may do, and no more than may be done in their name."""
    objects, level, others = CASES[case]

    found = scan_listed(*ESTATE, *objects)

    assert (found.accounts["shop/ci"].privilege.level, found.become("shop/ci")) == (level, others)


CHAIN: tuple[Any, ...] = (
    namespace("shop", **BASELINE),
    namespace("ops", **BASELINE),
    *(account(*one) for one in (("shop", "ci"), ("ops", "robot"), ("shop", "web"))),
    account("ops", "cloud", annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/r"}),
    role("boss", rule("*", "*", "*")),
    binding("web", "ClusterRole/boss", ("shop", "web")),
    role("next", rule("impersonate", "", "serviceaccounts", "web")),
    binding("next", "ClusterRole/next", ("ops", "robot"), within="shop"),
)
"""ops/robot may impersonate the admin shop/web; ops/cloud has a role of AWS."""


@pytest.mark.parametrize(
    ("right", "name", "level", "others"),
    [
        ("impersonate serviceaccounts", "robot", "high", []),
        ("create serviceaccounts/token", "robot", "high", ["ops/robot"]),
        ("impersonate serviceaccounts", "cloud", "high", []),
        ("create serviceaccounts/token", "cloud", "high", ["ops/cloud"]),
    ],
)
def test_an_impersonated_account_neither_impersonates_nor_has_tokens(
    scan_listed: Scan, right: str, name: str, level: str, others: list[str]
) -> None:
    """The API server checks the original caller, and the name in a request opens no cloud. A token does both."""
    verb, resource = right.split()

    found = scan_listed(*CHAIN, *held(rule(verb, "", resource, name), within="ops"))

    assert (found.accounts["shop/ci"].privilege.level, found.become("shop/ci")) == (level, others)
    assert found.accounts["ops/robot"].privilege.level == "escalation"
    assert "shop/web" in found.become("ops/robot")


def test_commands_in_privileged_pods_reach_the_node(scan_listed: Scan) -> None:
    """Where a workload of the namespace has a privileged container, whatever its Pod Security level is now."""
    enters = held(rule("create", "", "pods/exec"), within="ops")
    agent = deployment("ops", "agent", "controller", containers=[
        {"name": "main", "image": "agent", "securityContext": {"privileged": True}}
    ])  # fmt: skip

    runs = "the right to run commands in pods"

    assert scan_listed(*ESTATE, *enters).accounts["shop/ci"].privilege.level == "high"
    found = scan_listed(*ESTATE, *enters, agent).accounts["shop/ci"].privilege
    assert (found.level, found.evidence) == (
        "escalation",
        (f"{runs} in namespace ops, where deployment/agent is privileged (ClusterRole/held-ops)",),
    )


def test_steering_leads_to_the_account_of_the_controller(scan_listed: Scan) -> None:
    """Known by the labels that its own manifests set."""
    steers = (
        *held(rule("patch", "kustomize.toolkit.fluxcd.io", "kustomizations"), within="shop"),
        {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
         "metadata": {"namespace": "shop", "name": "apps"}, "spec": {}},
    )  # fmt: skip
    flux = deployment("ops", "flux", "controller")
    flux["metadata"]["labels"] = {"app.kubernetes.io/component": "kustomize-controller"}

    assert scan_listed(*ESTATE, *steers).become("shop/ci") == []
    assert scan_listed(*ESTATE, *steers, flux).become("shop/ci") == ["ops/controller"]


def test_with_too_many_links_those_are_left_that_lead_on() -> None:
    """What is reached in the end stays the same."""
    from connectors.kubernetes.rights.bindings import Bound
    from connectors.kubernetes.rights.evaluation import Authority
    from connectors.kubernetes.rights.rules import rules_of

    authority = Authority({}, Surroundings(enforced={"shop": "restricted", "ops": "restricted"}))
    for number, (name, of, where) in enumerate(
        (("run", "shop:ci", "shop"), ("run", "shop:step", "ops"), ("all", "ops:boss", ""))
    ):
        rules = {"run": [rule("create", "", "pods")], "all": [rule("*", "*", "*")]}[name]
        bound = Bound(binding=str(number), role=name, namespace=where, rules=rules_of({"rules": rules}))
        authority.bind(bound, [("User", f"system:serviceaccount:{of}")])
    names = {"shop": ["ci", "step", "cloud", *(f"idle-{number}" for number in range(20))], "ops": ["boss", "idle"]}
    rights = {(space, name): authority.of_account((space, name)) for space, some in names.items() for name in some}

    def linked(most: int) -> dict[str, int]:
        links = links_of(Links(rights, KubernetesAccounts(every=names), [("shop", "cloud")]), most)
        return {f"{one[0]}/{one[1]}": len(its.links) for one, its in links.items()}

    assert linked(100) == {"shop/ci": 22, "shop/step": 2}
    assert linked(10) == {"shop/ci": 2, "shop/step": 2}
