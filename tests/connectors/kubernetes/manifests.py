"""Manifests of a cluster, in few words."""

from __future__ import annotations

from typing import Any

RBAC = "rbac.authorization.k8s.io"
Manifest = dict[str, Any]


def account(within: str, name: str, *, secrets: tuple[str, ...] = (), **metadata: Any) -> Manifest:
    """A service account."""
    named = {"namespace": within, "name": name, **metadata}
    held = {"secrets": [{"name": one} for one in secrets]} if secrets else {}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named, **held}


def namespace(name: str, **labels: str) -> Manifest:
    """A namespace; underscores of labels stand for what names cannot have."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def rule(verbs: str, group: str, resources: str, *names: str) -> Manifest:
    """A rule of a role."""
    found: Manifest = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return found | ({"resourceNames": list(names)} if names else {})


def role(name: str, *rules: Manifest, within: str = "", **metadata: Any) -> Manifest:
    """A ClusterRole, or a Role of a namespace."""
    kind = "Role" if within else "ClusterRole"
    named = {"name": name, **({"namespace": within} if within else {}), **metadata}
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": named, "rules": list(rules)}


def binding(name: str, to: str, *subjects: tuple[str, str] | Manifest, within: str = "") -> Manifest:
    """A binding to ``Kind/name``; accounts are pairs of namespace and name."""
    kind, _, role_name = to.partition("/")
    named = {"name": name, **({"namespace": within} if within else {})}
    listed = [
        {"kind": "ServiceAccount", "namespace": one[0], "name": one[1]} if isinstance(one, tuple) else one
        for one in subjects
    ]
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if within else "ClusterRoleBinding",
        "metadata": named,
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role_name},
        "subjects": listed,
    }


def group(name: str) -> Manifest:
    """A group as the subject of a binding."""
    return {"apiGroup": RBAC, "kind": "Group", "name": name}


def user(name: str) -> Manifest:
    """A user as the subject of a binding."""
    return {"apiGroup": RBAC, "kind": "User", "name": name}


def pod_spec(account_name: str | None = None, **spec: Any) -> Manifest:
    """What a pod runs."""
    named = {} if account_name is None else {"serviceAccountName": account_name}
    return {"containers": [{"name": "main", "image": "registry.example/app:1.2"}], **named, **spec}


def pod(within: str, name: str, account_name: str | None = None, **spec: Any) -> Manifest:
    """A running pod that no other workload made."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": within, "name": name},
        "spec": pod_spec(account_name, **spec),
        "status": {"phase": "Running"},
    }


def deployment(within: str, name: str, account_name: str | None = None, **spec: Any) -> Manifest:
    """A deployment."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": within, "name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(account_name, **spec)},
        },
    }


def token(within: str, name: str, of: str, **metadata: Any) -> Manifest:
    """A secret that holds a token without an end."""
    annotations = {"kubernetes.io/service-account.name": of, **metadata.pop("annotations", {})}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"namespace": within, "name": name, "annotations": annotations, **metadata},
        "data": {"token": "bm9ib2R5LW1heS1zZWUtdGhpcw=="},
    }
