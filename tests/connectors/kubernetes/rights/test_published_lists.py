"""Published lists of dangerous rights, policy by policy: the least role of each, what it gives, and where a list errs.

Roles are written here for the facts that each policy looks for; nothing of the lists is copied. Sources:
rbac-police (PaloAltoNetworks/rbac-police, lib/), Krane (appvia/krane, config/rules.yaml), Prowler (its checks
``rbac_*``), KubeHound (DataDog/KubeHound, docs/reference/attacks), and section 5.1 of the CIS Kubernetes Benchmark.

What depends on more than rules is in other tests: rbac-police's ``eks_modify_aws_auth`` and missing roles in
test_escalation.py and test_findings.py, with CIS 5.1.5 and 5.1.6 and KubeHound's ways out of containers; its
``providerIAM`` in test_reading.py. Left out: Krane's rules that count roles and subjects, and those about pod security
policies, which Kubernetes 1.25 removed; CIS 5.1.7, for no binding shows members of ``system:masters``.
"""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kubernetes.rights.levels import ORDER, privilege_of
from connectors.kubernetes.rights.rules import KubernetesRule

# "VERB [GROUP:]RESOURCE[@NAME]", each a rule of its own. What they give in the cluster, and in one namespace.
Role = tuple[str, ...]
ADMISSION, CERTIFICATES, RBAC = "admissionregistration.k8s.io", "certificates.k8s.io", "rbac.authorization.k8s.io"
CSR: Role = (
    f"create {CERTIFICATES}:certificatesigningrequests",
    f"update {CERTIFICATES}:certificatesigningrequests/approval",
    f"approve {CERTIFICATES}:signers@kubernetes.io/kube-apiserver-client",
)
UP = ("high", "high")
"""It leads to others: the accounts that are linked decide, and Pod Security."""
CLUSTER = ("high", "normal")
SELF = ("escalation", "normal")
HIGH = ("high", "high")
TEMPLATES = (
    *(f"apps:{one}" for one in ("deployments", "daemonsets", "statefulsets", "replicasets")),
    "batch:cronjobs",
    "replicationcontrollers",
)
JOB = "batch:jobs"

LEAST: tuple[tuple[str, Role, tuple[str, str]], ...] = (
    # rbac-police
    ("rbac-police approve_csrs", CSR, ("admin", "normal")),
    ("rbac-police assign_sa", ("create pods",), UP),
    *((f"rbac-police assign_sa {one}", (f"{verb} {one}",), UP) for one in TEMPLATES for verb in ("create", "patch")),
    ("rbac-police assign_sa, jobs", (f"create {JOB}",), UP),
    ("rbac-police assign_sa, jobs that exist: only where they run can be changed", (f"patch {JOB}",), HIGH),
    ("rbac-police cluster_admin", ("* *:*",), ("admin", "escalation")),
    (
        "rbac-police control_webhooks, mutating",
        (f"patch {ADMISSION}:mutatingwebhookconfigurations",),
        ("escalation", "normal"),
    ),
    (
        "rbac-police control_webhooks, validating",
        (f"create {ADMISSION}:validatingwebhookconfigurations",),
        ("high", "normal"),
    ),
    (
        "rbac-police escalate_roles",
        (f"escalate {RBAC}:clusterroles", f"update {RBAC}:clusterroles"),
        ("escalation", "normal"),
    ),
    (
        "rbac-police escalate_roles, of a namespace",
        (f"escalate {RBAC}:roles", f"patch {RBAC}:roles"),
        HIGH,
    ),
    ("rbac-police impersonate, users", ("impersonate users",), CLUSTER),
    ("rbac-police impersonate, groups", ("impersonate users", "impersonate groups"), ("admin", "normal")),
    ("rbac-police impersonate, accounts", ("impersonate serviceaccounts",), UP),
    ("rbac-police issue_token_secrets", ("create secrets", "get secrets"), UP),
    ("rbac-police issue_token_secrets, applied", ("create secrets", "patch secrets"), UP),
    ("rbac-police list_secrets", ("list secrets",), HIGH),
    ("rbac-police retrieve_secrets", ("get secrets",), HIGH),
    ("rbac-police retrieve_token_secrets", ("watch secrets",), HIGH),
    ("rbac-police modify_pods", ("update pods",), UP),
    ("rbac-police modify_service_status_cve_2020_8554", ("patch services/status",), HIGH),
    ("rbac-police nodes_proxy", ("create nodes/proxy",), CLUSTER),
    ("rbac-police obtain_token_weak_ns", ("create serviceaccounts/token",), UP),
    ("rbac-police pods_ephemeral_ctrs", ("patch pods/ephemeralcontainers",), UP),
    ("rbac-police pods_exec", ("create pods/exec",), UP),
    ("rbac-police rce_weak_ns", ("patch pods",), UP),
    ("rbac-police steal_pods", ("patch nodes/status", "delete pods"), ("high", "normal")),
    ("rbac-police steal_pods, evicted", ("update nodes/status", "create pods/eviction"), ("high", "normal")),
    ("rbac-police steal_pods, by status", ("update nodes/status", "patch pods/status"), ("high", "normal")),
    ("rbac-police steal_pods, without nodes", ("patch nodes/status", "delete nodes"), ("high", "normal")),
    ("rbac-police steal_pods, by taints", ("patch nodes",), ("high", "normal")),
    ("rbac-police token_request", ("create serviceaccounts/token",), UP),
    # Krane
    ("Krane subjects-with-open-*-access", ("* *:*",), ("admin", "escalation")),
    ("Krane risky-get-secrets", ("get secrets",), HIGH),
    ("Krane risky-list-secrets", ("list secrets",), HIGH),
    ("Krane risky-impersonate-privileged-groups",
     ("impersonate users@anne", "impersonate groups@system:masters"), ("admin", "normal")),
    ("Krane risky-any-verb-secrets", ("* secrets",), UP),
    ("Krane risky-any-verb-pods", ("* pods",), UP),
    *((f"Krane risky-any-verb {one}", (f"* {one}",), UP) for one in (*TEMPLATES, JOB)),
    ("Krane risky-any-verb-roles", (f"* {RBAC}:roles",), HIGH),
    ("Krane risky-any-verb-clusterroles", (f"* {RBAC}:clusterroles",), ("escalation", "high")),
    ("Krane risky-any-verb-users", ("* users",), HIGH),
    ("Krane risky-any-resource-create", ("create *:*",), ("escalation", "high")),
    ("Krane risky-any-resource-list", ("list *:*",), HIGH),
    ("Krane risky-any-resource-get", ("get *:*",), HIGH),
    ("Krane risky-any-resource-delete", ("delete *:*",), HIGH),
    ("Krane risky-any-resource-deletecollection", ("deletecollection *:*",), HIGH),
    ("Krane risky-any-resource-impersonate", ("impersonate *:*",), ("admin", "high")),
    *((f"Krane risky-{verb} {one}", (f"{verb} {one}",), UP) for one in TEMPLATES for verb in ("create", "update")),
    ("Krane risky-create jobs", (f"create {JOB}",), UP),
    ("Krane risky-update jobs: the template stays", (f"update {JOB}",), HIGH),
    (
        "Krane risky-create-rolebinding-role",
        (f"create {RBAC}:rolebindings", f"bind {RBAC}:roles"),
        HIGH,
    ),
    (
        "Krane risky-create-rolebinding-clusterrole",
        (f"create {RBAC}:rolebindings", f"bind {RBAC}:clusterroles"),
        ("escalation", "escalation"),
    ),
    (
        "Krane risky-create-clusterrolebinding",
        (f"create {RBAC}:clusterrolebindings", f"bind {RBAC}:clusterroles"),
        ("escalation", "normal"),
    ),
    ("Krane risky-exec-pods", ("create pods/exec",), UP),
    ("Krane risky-attach-pods", ("create pods/attach",), UP),
    # Prowler, and with it CIS 5.1.1 to 5.1.13
    ("Prowler rbac_cluster_admin_usage (CIS 5.1.1)", ("* *:*",), ("admin", "escalation")),
    ("Prowler rbac_minimize_secret_access (CIS 5.1.2)", ("list secrets",), HIGH),
    ("Prowler rbac_minimize_wildcard_use_roles (CIS 5.1.3)", ("* example.com:widgets",), HIGH),
    ("Prowler rbac_minimize_pod_creation_access (CIS 5.1.4)", ("create pods",), UP),
    ("CIS 5.1.8, bind", (f"bind {RBAC}:clusterroles", f"update {RBAC}:clusterrolebindings"), CLUSTER),
    ("Prowler rbac_minimize_pv_creation_access (CIS 5.1.9)", ("create persistentvolumes",), CLUSTER),
    ("Prowler rbac_minimize_node_proxy_subresource_access (CIS 5.1.10)", ("get nodes/proxy",), CLUSTER),
    ("Prowler rbac_minimize_csr_approval_access (CIS 5.1.11)", CSR, ("admin", "normal")),
    (
        "Prowler rbac_minimize_webhook_config_access (CIS 5.1.12)",
        (f"delete {ADMISSION}:validatingwebhookconfigurations",),
        ("high", "normal"),
    ),
    ("Prowler rbac_minimize_service_account_token_creation (CIS 5.1.13)", ("create serviceaccounts/token",), UP),
    # KubeHound
    ("KubeHound IDENTITY_IMPERSONATE", ("impersonate users", "impersonate groups"), ("admin", "normal")),
    ("KubeHound POD_CREATE", ("create pods",), UP),
    ("KubeHound POD_EXEC", ("create pods/exec",), UP),
    ("KubeHound POD_PATCH", ("patch pods",), UP),
    ("KubeHound ROLE_BIND", (f"create {RBAC}:rolebindings", f"bind {RBAC}:roles"), HIGH),
    ("KubeHound TOKEN_BRUTEFORCE", ("get secrets",), HIGH),
    ("KubeHound TOKEN_LIST", ("list secrets",), HIGH),
    # Ways that none of them has
    ("a certificate as a node",
     (*CSR[:2], f"approve {CERTIFICATES}:signers@kubernetes.io/kube-apiserver-client-kubelet"), CLUSTER),
    ("admission policies", (f"create {ADMISSION}:mutatingadmissionpolicies",
                            f"create {ADMISSION}:mutatingadmissionpolicybindings"), SELF),
    ("secrets, read from the answer to a patch", ("patch secrets",), HIGH),
    ("Argo CD", ("patch argoproj.io:applications",), HIGH),
    ("Argo Workflows", ("create argoproj.io:workflows",), UP),
    ("Flux", ("create kustomize.toolkit.fluxcd.io:kustomizations",), HIGH),
    ("Tekton", ("create tekton.dev:taskruns",), UP),
    *((f"what runs pods: {one}", (f"{verb} {one}",), UP) for verb in ("create", "patch") for one in (
        "argoproj.io:rollouts", "monitoring.coreos.com:prometheuses", "monitoring.coreos.com:alertmanagers",
        "serving.knative.dev:services", "keda.sh:scaledjobs", "apps.openshift.io:deploymentconfigs")),
    ("External Secrets", ("create external-secrets.io:externalsecrets",), HIGH),
    ("cert-manager", ("create cert-manager.io:certificates",), HIGH),
)  # fmt: skip

BEYOND: tuple[tuple[str, Role, str], ...] = (
    ("rbac-police bind_roles: `bind` is a verb on roles", (f"bind {RBAC}:clusterrolebindings",), "normal"),
    ("rbac-police escalate_roles: `escalate` writes no role", (f"escalate {RBAC}:clusterroles",), "normal"),
    ("rbac-police impersonate: a group takes a user beside it", ("impersonate groups",), "normal"),
    ("rbac-police approve_csrs: another signer's certificates are no users",
     (*CSR[:2], f"approve {CERTIFICATES}:signers@example.com/mine"), "normal"),
    ("rbac-police approve_csrs: `sign` takes the key of the authority",
     (*CSR[:2], f"sign {CERTIFICATES}:signers@kubernetes.io/kube-apiserver-client"), "normal"),
    ("rbac-police issue_token_secrets: what was created cannot be read", ("create secrets",), "normal"),
    ("rbac-police issue_token_secrets: an update shows what was sent", ("update secrets",), "normal"),
    ("rbac-police modify_node_status: labels alone move nothing", ("patch nodes/status",), "normal"),
    ("rbac-police modify_pod_status: intercepts traffic, becomes nothing", ("patch pods/status",), "normal"),
    ("Krane risky-impersonate-privileged-groups: of unknown rights", ("impersonate users@anne",), "high"),
    ("Krane subjects-with-rbac-management: one binds what one has",
     (f"create {RBAC}:roles", f"create {RBAC}:rolebindings"), "normal"),
    ("Krane risky-add-rolebinding: it is checked, too", (f"patch {RBAC}:rolebindings", f"get {RBAC}:rolebindings"),
     "normal"),
    ("Krane risky-any-verb-groups: wildcards, no user", ("* groups",), "high"),
    ("Krane risky-any-verb-rolebindings: wildcards, no `bind`", (f"* {RBAC}:rolebindings",), "high"),
    ("Krane risky-any-verb-clusterrolebindings: the same", (f"* {RBAC}:clusterrolebindings",), "high"),
    ("Krane risky-create-rolebinding-role: no Role in a ClusterRoleBinding",
     (f"create {RBAC}:clusterrolebindings", f"bind {RBAC}:roles"), "normal"),
    ("Prowler rbac_minimize_node_proxy_subresource_access: a proxy has no list", ("list nodes/proxy",), "normal"),
    ("Prowler rbac_minimize_csr_approval_access: takes the signer, too", CSR[1:2], "normal"),
    ("KubeHound ROLE_BIND: `*` among names is one", (f"create {RBAC}:rolebindings", f"bind {RBAC}:roles@*"), "normal"),
    ("Prowler rbac_minimize_wildcard_use_roles: one subresource", ("update *:*/scale", "get nodes/*"), "normal"),
    ("KubeHound ROLE_BIND: takes `bind`", (f"create {RBAC}:rolebindings",), "normal"),
    ("words alone: impersonate as a resource", ("create impersonate",), "normal"),
    ("words alone: a verb that begins alike", ("impersonates users", "impersonate-on:user-info:get secrets"), "normal"),
    ("words alone: users of another group", ("impersonate user.openshift.io:users",), "normal"),
    ("user ids and extra fields alone",
     ("impersonate authentication.k8s.io:uids", "impersonate authentication.k8s.io:userextras/scopes"), "normal"),
    ("finer rights on kubelets", tuple(f"get nodes/{one}" for one in ("metrics", "stats", "log", "healthz", "pods")),
     "normal"),
    ("a subresource does not follow", ("get pods", "create pods/portforward"), "normal"),
    ("one secret", ("get secrets@database",), "normal"),
    ("`create` names no object", ("create pods@web", "create apps:deployments@web"), "normal"),
    ("`deletecollection` neither", (f"deletecollection {ADMISSION}:validatingwebhookconfigurations@one",), "normal"),
    ("named, but by server-side apply", ("create,patch pods@web",), "high"),
)  # fmt: skip
"""Where a list says more than there is, and what looks like a way: the level in the cluster."""


def rule(text: str) -> KubernetesRule:
    """A rule from its text."""
    verbs, what = text.split(" ")
    what, _, name = what.partition("@")
    group, colon, resource = what.rpartition(":")
    named = frozenset({name} if name else ())
    return KubernetesRule(
        frozenset(verbs.split(",")), frozenset({group if colon else ""}), frozenset({resource}), named
    )


def levels(role: Role) -> tuple[str, str]:
    """In the cluster, and in a namespace."""
    rules = [rule(text) for text in role]
    everywhere, within = (privilege_of(rules, everywhere=scope).level for scope in (True, False))
    return everywhere, within


def test_least_roles() -> None:
    """Each gives its level; no part of it does, nor do other verbs, groups and resources."""
    wrong: list[Any] = []
    listed = {role for _, role, _ in LEAST}
    for name, role, expected in LEAST:
        if levels(role) != expected:
            wrong.append((name, levels(role), expected))
        rank = ORDER.index(expected[0])
        for number, text in enumerate(role):
            rest = role[:number] + role[number + 1 :]
            if rest in listed:
                continue  # it gives a level of its own
            verbs, what = text.split(" ")
            others = [rest] if "*" in text else [rest, (*rest, f"look {what}"), (*rest, f"{verbs} example.org:{what}")]
            wrong += [(name, other) for other in others if ORDER.index(levels(other)[0]) <= rank]

    assert wrong == []


def test_what_lists_say_beyond() -> None:
    """Rights that a list names, but that give less alone."""
    found = {name: levels(role)[0] for name, role, _ in BEYOND}

    assert found == {name: level for name, _, level in BEYOND}


@pytest.mark.parametrize(
    ("mode", "target", "action", "expected"),
    [
        ("user-info", "users", "list pods", "normal"),
        ("user-info", "users", "get secrets", "high"),
        ("user-info", "users", "create pods", "high"),
        ("serviceaccount", "serviceaccounts", "create pods", "high"),
        ("serviceaccount", "users", "create pods", "normal"),
        ("arbitrary-node", "nodes", "get secrets", "high"),
        ("arbitrary-node", "nodes", "create pods", "normal"),
        ("associated-node", "nodes", "create serviceaccounts/token", "high"),
        ("associated-node", "nodes@one", "create serviceaccounts/token", "normal"),
    ],
)
def test_constrained_impersonation_takes_two_rights(mode: str, target: str, action: str, expected: str) -> None:
    """It gives what may be done in the name of others, if they may do it; one right alone gives nothing."""
    who = f"impersonate:{mode} authentication.k8s.io:{target}"
    on = f"impersonate-on:{mode}:{action}"

    assert levels((who, on))[0] == expected
    assert [levels((one,))[0] for one in (who, on)] == ["normal", "normal"]
    assert levels((f"impersonate:{mode} {target}", on))[0] == "normal"
    assert levels((who, f"impersonate-on:other:{action}"))[0] == "normal"
