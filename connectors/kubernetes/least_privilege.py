"""The least rights as manifests, and whether the credentials have them; both are made from the table of sections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from connectors.base import Check
from connectors.kubernetes.reading import Cluster
from connectors.kubernetes.rights.rules import RBAC
from connectors.kubernetes.sections import AWS_AUTH, READINGS, Reading
from scanner.errors import SourceError

NAME = "muster-reader"
_HEAD = """\
# Read-only rights for Muster: it lists these resources in all namespaces, and nothing else. `list` on secrets is only
# there where the section core.secrets is switched on: that right lets its holder read values, though Muster asks for
# metadata alone.
"""
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def cluster_role(optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The ClusterRole: ``list`` on what is listed, ``get`` on paths. ``optional``: sections that are switched on."""
    plurals: defaultdict[str, set[str]] = defaultdict(set)
    paths = ["/version"]
    for reading in _read(optional):
        paths += (path for path in reading.paths if path != AWS_AUTH)
        for listing in reading.listings:
            plurals[listing.group].add(listing.plural)
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": sorted(some), "verbs": ["list"]} for group, some in plurals.items()
    ]
    if "aws_auth" in optional:
        rules.append({"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["aws-auth"], "verbs": ["get"]})
    rules.append({"nonResourceURLs": paths, "verbs": ["get"]})
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": NAME}, "rules": rules}


def _read(optional: frozenset[str]) -> tuple[Reading, ...]:
    return tuple(reading for reading in READINGS if not reading.optional or reading.name in optional)


def manifests(optional: frozenset[str] = frozenset()) -> str:
    """The ClusterRole, a service account, and the binding between them, as YAML."""
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


class _Status(Struct, frozen=True):
    allowed: bool = False


class _Review(Struct, frozen=True):
    status: _Status = _Status()


def checks(cluster: Cluster, optional: frozenset[str]) -> Iterator[Check]:
    """Ask the API server, for each section, whether it may be read."""
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
        try:
            missing = [right for right, spec in asked if not _may(cluster, spec)]
        except SourceError as error:
            yield Check(name=reading.name, ok=False, detail=str(error), fix=error.hint)
            continue
        fix = f"RBAC: {', '.join(missing)}" if missing else None
        yield Check(name=reading.name, ok=not missing, detail=reading.without if missing else "can be read", fix=fix)


def _may(cluster: Cluster, spec: dict[str, Any]) -> bool:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    return cluster.post(_REVIEWS, body, _Review).status.allowed
