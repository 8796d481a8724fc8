"""Rules of roles: each method raises the level, in the cluster and in a namespace, and no part of one does."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from connectors.kubernetes.rights.levels import known_role, privilege_of
from connectors.kubernetes.rights.methods import METHODS, KubernetesMethod, Need, methods_of
from connectors.kubernetes.rights.rules import KubernetesRule, rules_of

RBAC = "rbac.authorization.k8s.io"


def rule(verbs: str, group: str, resources: str, *names: str) -> dict[str, Any]:
    return {
        "verbs": verbs.split(),
        "apiGroups": [group],
        "resources": resources.split(),
        **({"resourceNames": list(names)} if names else {}),
    }


def level(*rules: dict[str, Any], everywhere: bool) -> str:
    parsed = rules_of({"rules": list(rules)})
    assert parsed is not None
    return privilege_of(parsed, everywhere=everywhere).level


@pytest.mark.parametrize(
    ("rules", "everywhere", "within"),
    [
        ([rule("*", "*", "*")], "admin", "escalation"),
        ([rule("impersonate", "", "users groups")], "admin", "normal"),
        ([rule("impersonate", "", "users")], "high", "normal"),
        ([rule("impersonate", "", "groups")], "normal", "normal"),
        ([rule("impersonate", "", "serviceaccounts groups")], "admin", "high"),
        ([rule("impersonate", "", "serviceaccounts", "one")], "high", "high"),
        (
            [
                rule("impersonate:user-info", "authentication.k8s.io", "users"),
                rule("impersonate-on:user-info:list", "", "secrets"),
            ],
            "high",
            "normal",
        ),
        ([rule("impersonate:user-info", "authentication.k8s.io", "users")], "normal", "normal"),
        ([rule("impersonate-on:user-info:list", "", "pods")], "normal", "normal"),
        (
            [
                rule("create", "certificates.k8s.io", "certificatesigningrequests"),
                rule("update", "certificates.k8s.io", "certificatesigningrequests/approval"),
                rule("approve", "certificates.k8s.io", "signers", "kubernetes.io/kube-apiserver-client"),
            ],
            "admin",
            "normal",
        ),
        (
            [
                rule("create", "certificates.k8s.io", "certificatesigningrequests"),
                rule("update", "certificates.k8s.io", "certificatesigningrequests/approval"),
                rule("approve", "certificates.k8s.io", "signers", "example.com/mine"),
            ],
            "normal",
            "normal",
        ),
        ([rule("patch", "argoproj.io", "applications")], "high", "high"),
        ([rule("get list", "", "nodes/proxy")], "high", "normal"),
        ([rule("get", "", "nodes/metrics nodes/stats")], "normal", "normal"),
        ([rule("get create", "", "secrets")], "high", "high"),
        ([rule("patch", "", "pods")], "high", "high"),
        ([rule("update", "", "namespaces")], "high", "high"),
        ([rule("impersonate", "", "serviceaccounts")], "high", "high"),
        ([rule("create", "", "serviceaccounts/token")], "high", "high"),
        ([rule("escalate update", RBAC, "clusterroles")], "escalation", "normal"),
        ([rule("bind", RBAC, "clusterroles"), rule("create", RBAC, "rolebindings")], "escalation", "escalation"),
        ([rule("create", "", "pods")], "high", "high"),
        ([rule("patch", "apps", "deployments")], "high", "high"),
        ([rule("create", "batch", "cronjobs")], "high", "high"),
        ([rule("create", "", "pods/exec")], "high", "high"),
        ([rule("create", "", "*/exec")], "high", "high"),
        ([rule("get", "", "nodes/proxy")], "high", "normal"),
        ([rule("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations")], "escalation", "normal"),
        ([rule("list", "", "secrets")], "high", "high"),
        ([rule("*", "example.com", "widgets")], "high", "high"),
        ([rule("get list watch", "apps", "*")], "normal", "normal"),
        ([rule("get list watch", "example.com", "*")], "normal", "normal"),
        ([rule("get list watch", "", "*")], "high", "high"),
        ([rule("get list watch", "*", "*")], "high", "high"),
        ([rule("get", "subresources.kubevirt.io", "*")], "high", "high"),
        ([rule("get delete", "apps", "*")], "high", "high"),
        ([rule("create", "", "persistentvolumes"), rule("create", "", "pods")], "escalation", "high"),
        ([rule("create", "", "pods"), rule("patch", "", "namespaces")], "escalation", "escalation"),
        ([rule("escalate create", RBAC, "clusterroles")], "high", "normal"),
        ([rule("bind", RBAC, "roles"), rule("create", RBAC, "rolebindings")], "high", "high"),
        ([rule("bind", RBAC, "clusterroles")], "normal", "normal"),
        ([rule("escalate", RBAC, "clusterroles")], "normal", "normal"),
        ([rule("create", RBAC, "rolebindings")], "normal", "normal"),
        ([rule("get list watch", "", "pods configmaps")], "normal", "normal"),
        ([rule("get", "", "secrets", "only-this")], "normal", "normal"),
        ([rule("create", "apps", "pods")], "normal", "normal"),
        ([], "normal", "normal"),
    ],
)
def test_levels(rules: list[dict[str, Any]], everywhere: str, within: str) -> None:
    """Bound in all namespaces, and in one."""
    assert (level(*rules, everywhere=True), level(*rules, everywhere=False)) == (everywhere, within)


@pytest.mark.parametrize(
    "role",
    [
        {"aggregationRule": {"clusterRoleSelectors": []}, "rules": []},
        {"rules": "all"},
        {"rules": ["all"]},
        {"rules": [{"verbs": "*"}]},
        {"rules": [{"verbs": [1]}]},
    ],
)
def test_rules_of_another_shape_are_unknown(role: dict[str, Any]) -> None:
    """What the cluster puts together, or what is no rule, may allow anything."""
    assert rules_of(role) is None


def test_roles_of_every_cluster() -> None:
    """They need no definition in the files; a role of another name does."""
    found = {name: known_role(name, everywhere=True) for name in ("cluster-admin", "admin", "edit", "view")}

    assert [one and one.level for one in found.values()] == ["admin", "high", "high", "normal"]
    assert known_role("cluster-admins", everywhere=True) is None


def _least(need: Need) -> KubernetesRule:
    return KubernetesRule(
        verbs=frozenset({min(need.verbs)}),
        groups=frozenset({need.group}),
        resources=frozenset({need.resource}),
        names=frozenset(sorted(need.names)[:1]),
    )


@pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{method.id} {method.needs[0].resource}")
def test_each_method_takes_all_that_it_needs(method: KubernetesMethod) -> None:
    """The least rules give it, in any order and through wildcards; no part of them, nor other groups and verbs."""
    rules = [_least(need) for need in method.needs]

    def is_found(given: list[KubernetesRule], local: tuple[KubernetesRule, ...] | None = None) -> bool:
        return any(found.method is method for found in methods_of(tuple(given), local))

    assert is_found(rules)
    assert is_found(rules[::-1])
    assert is_found([], tuple(rules)) is not any(need.in_cluster for need in method.needs)
    anything = frozenset({"*"})
    assert is_found([KubernetesRule(verbs=anything, groups=anything, resources=anything)])
    for number, rule_ in enumerate(rules):
        others, need = rules[:number] + rules[number + 1 :], method.needs[number]
        assert not is_found(others)
        assert not is_found([*others, replace(rule_, verbs=frozenset({"watch-this"}))])
        assert not is_found([*others, replace(rule_, groups=frozenset({"example.com"}))])
        assert not is_found([*others, replace(rule_, resources=frozenset({"widgets"}))])
        if method.named is None and not need.by_any_name:
            assert not is_found([*others, replace(rule_, names=frozenset({"another"}))])
        assert is_found(others, (rule_,)) is not need.in_cluster
