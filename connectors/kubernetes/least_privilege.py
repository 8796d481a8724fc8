"""The least-privilege manifests, and the check of these rights; both are generated from the table of sections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from connectors.core.contract import Check
from connectors.kubernetes.reader import KubernetesCluster
from connectors.kubernetes.rights.rules import RBAC
from connectors.kubernetes.spec import ARGOCD_CONFIG, AWS_AUTH, GROUPS_PATH, READINGS, KubernetesSection
from scanner.errors import SourceError

NAME = "muster-reader"
_HEAD = """\
# Read-only rights for Muster: it lists these resources in all namespaces, and nothing else. `list` on secrets is only
# there where the section core.secrets is switched on: that right lets its holder read values, though Muster asks for
# metadata alone.
"""
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def cluster_role(optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The ClusterRole: ``list`` on resources, ``get`` on paths. ``optional``: the optional sections that are on."""
    plurals: defaultdict[str, set[str]] = defaultdict(set)
    paths = ["/version", GROUPS_PATH]
    for reading in _read(optional):
        paths += (path for path in reading.paths if path != AWS_AUTH)
        for listing in reading.listings:
            plurals[listing.group].add(listing.plural)
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": sorted(some), "verbs": ["list"]} for group, some in plurals.items()
    ]
    configs = [name for _, name in _configs(optional)]
    if configs:
        rules.append({"apiGroups": [""], "resources": ["configmaps"], "resourceNames": configs, "verbs": ["get"]})
    rules.append({"nonResourceURLs": paths, "verbs": ["get"]})
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": NAME}, "rules": rules}


def _configs(optional: frozenset[str]) -> list[tuple[str, str]]:
    """The config maps that are read by name, each with its section."""
    named = {"aws_auth": "aws-auth", "argocd.accounts": ARGOCD_CONFIG}
    return [(section, name) for section, name in named.items() if section in optional]


def _read(optional: frozenset[str]) -> tuple[KubernetesSection, ...]:
    return tuple(reading for reading in READINGS if not reading.optional or reading.name in optional)


def manifests(optional: frozenset[str] = frozenset()) -> str:
    """The ClusterRole, a service account, and the binding of both, as YAML."""
    import yaml

    account = {"kind": "ServiceAccount", "name": NAME, "namespace": "default"}
    objects = (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": "default"}},
        cluster_role(optional),
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": NAME},
            "subjects": [account],
        },
    )
    return _HEAD + yaml.safe_dump_all(objects, sort_keys=False)


class _LeastPrivilegeStatus(Struct, frozen=True):
    allowed: bool = False


class _Review(Struct, frozen=True):
    status: _LeastPrivilegeStatus = _LeastPrivilegeStatus()


def checks(cluster: KubernetesCluster, optional: frozenset[str], argocd: str = "") -> Iterator[Check]:
    """Check with the API server whether each section may be read. ``argocd``: the namespace of Argo CD."""
    namespaces = {"aws_auth": "kube-system", "argocd.accounts": argocd}
    configs = dict(_configs(optional))
    for reading in _read(optional):
        asked: list[tuple[str, dict[str, Any]]] = [
            (one.right, {"resourceAttributes": {"verb": "list", "group": one.group, "resource": one.plural}})
            for one in reading.listings
        ]
        asked += [
            (f"get {path}", {"nonResourceAttributes": {"verb": "get", "path": path}})
            for path in reading.paths
            if path != AWS_AUTH
        ]
        if (config := configs.get(reading.name)) is not None:
            about = {"verb": "get", "resource": "configmaps", "name": config, "namespace": namespaces[reading.name]}
            asked.append((f"get configmaps/{config}", {"resourceAttributes": about}))
        try:
            missing = [right for right, spec in asked if not _may(cluster, spec)]
        except SourceError as error:
            yield Check(name=reading.name, ok=False, detail=str(error), fix=error.hint)
            continue
        fix = f"RBAC: {', '.join(missing)}" if missing else None
        yield Check(name=reading.name, ok=not missing, detail=reading.without if missing else "can be read", fix=fix)


def _may(cluster: KubernetesCluster, spec: dict[str, Any]) -> bool:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    return cluster.post(_REVIEWS, body, _Review).status.allowed
