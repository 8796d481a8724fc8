"""The demo's cluster, from kubernetes.toml, at an API server on loopback that enforces RBAC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from connectors.kubernetes.least_privilege import NAME, manifests
from scanner.demo.estate import days_ago
from scanner.demo.fakes.kubernetes.authorizer import service_account
from scanner.demo.fakes.kubernetes.cluster import Cluster, Manifest
from scanner.demo.fakes.kubernetes.server import KubernetesServer

Table: TypeAlias = Mapping[str, Any]

_RBAC = "rbac.authorization.k8s.io"
_BUILT_IN = {"kubernetes.io/bootstrapping": "rbac-defaults"}


@contextmanager
def cluster_server(estate: Table, account: str, token: str) -> Iterator[str]:
    """Serve the cluster for the duration of a ``with`` block; yields its URL. ``account``: of AWS, for its roles.

    ``token``: of the reader, which may do what ``muster connectors kubernetes --policy`` prints.
    """
    with KubernetesServer(planted(estate, account), {token: service_account("default", NAME)}) as server:
        yield server.url


def planted(estate: Table, account: str) -> Cluster:
    """The stand-in with the whole cluster."""
    import yaml

    made = days_ago(estate["created"])
    listed = [*_manifests(estate, account), *yaml.safe_load_all(manifests())]
    for manifest in listed:
        manifest["metadata"].setdefault("creationTimestamp", f"{made:%Y-%m-%dT%H:%M:%SZ}")
    cluster = Cluster(listed)
    cluster.issuer = estate["issuer"]
    return cluster


def _manifests(estate: Table, aws_account: str) -> Iterator[Manifest]:
    for row in estate["namespaces"]:
        yield _object("v1", "Namespace", row["name"], labels=row.get("labels", {}))
    for name in ("default", "kube-system", *(row["name"] for row in estate["namespaces"])):
        yield _object("v1", "ServiceAccount", "default", name)
    for row in estate["accounts"]:
        yield _account(row, aws_account)
    for row in estate["roles"]:
        rules = [
            {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
            for verbs, group, resources in row["rules"]
        ]
        kind = "Role" if "within" in row else "ClusterRole"
        yield {**_object(f"{_RBAC}/v1", kind, row["name"], row.get("within"), labels=_labels(row)), "rules": rules}
    yield from map(_binding, estate["bindings"])
    yield from map(_deployment, estate["deployments"])
    for row in estate["applications"]:
        source = {"repoURL": row["repository"], "path": row["path"]}
        made = _object("argoproj.io/v1alpha1", "Application", row["name"], "argocd")
        yield {**made, "spec": {"project": "default", "source": source}}
    for row in estate["projects"]:
        tokens = [{"id": one["id"], "iat": int(days_ago(one["created"]).timestamp())} for one in row["tokens"]]
        made = _object("argoproj.io/v1alpha1", "AppProject", row["name"], "argocd")
        yield {**made, "spec": {"roles": [{"name": row["role"], "jwtTokens": tokens}]}}


def _account(row: Table, aws_account: str) -> Manifest:
    namespace, _, name = row["account"].partition("/")
    annotations = dict(row.get("annotations", {}))
    if "role" in row:
        annotations["eks.amazonaws.com/role-arn"] = f"arn:aws:iam::{aws_account}:role/{row['role']}"
    about: dict[str, Any] = {"labels": row.get("labels", {}), "annotations": annotations}
    if "created" in row:
        about["creationTimestamp"] = f"{days_ago(row['created']):%Y-%m-%dT%H:%M:%SZ}"
    held = {"secrets": [{"name": one} for one in row["secrets"]]} if "secrets" in row else {}
    return {**_object("v1", "ServiceAccount", name, namespace, **about), **held}


def _binding(row: Table) -> Manifest:
    namespace, _, name = row["to"].partition("/")
    kind, _, role = row["role"].partition("/")
    bound = "RoleBinding" if "within" in row else "ClusterRoleBinding"
    return {
        **_object(f"{_RBAC}/v1", bound, row["name"], row.get("within"), labels=_labels(row)),
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
    }


def _deployment(row: Table) -> Manifest:
    namespace, _, name = row["name"].partition("/")
    container: dict[str, Any] = {"name": "main", "image": f"registry.tidewater.example/{name}:1"}
    if "secret" in row:
        container["envFrom"] = [{"secretRef": {"name": row["secret"]}}]
    if row.get("privileged"):
        container["securityContext"] = {"privileged": True}
    labels = {"app.kubernetes.io/name": name}
    spec = {"serviceAccountName": row["account"], "containers": [container]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    made = _object("apps/v1", row.get("kind", "Deployment"), name, namespace, labels=labels)
    return {**made, "spec": {"selector": {"matchLabels": labels}, "template": template}}


def _object(version: str, kind: str, name: str, namespace: str | None = None, **about: Any) -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **about}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _labels(row: Table) -> dict[str, str]:
    return _BUILT_IN if row.get("built_in") else {}
