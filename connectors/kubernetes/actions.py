"""Names of actions, ``resource:verb`` as RBAC has them, which rights and audit logs must call alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from connectors.logs.names import plain
from scanner.model.activity import FeatureSort

_READS = frozenset({"get", "list", "watch"})
_SORTS: Mapping[tuple[str, str], FeatureSort] = {
    # Resource and verb, `*` for any; what is not here is a read or a write by its verb.
    ("secrets", "get"): "secret",
    ("secrets", "list"): "secret",
    ("secrets", "watch"): "secret",
    ("serviceaccounts/token", "create"): "become",
    ("pods/exec", "*"): "become",
    ("pods/attach", "*"): "become",
    ("pods/ephemeralcontainers", "*"): "become",
    ("nodes/proxy", "*"): "become",
    ("tokenreviews", "create"): "read",
    ("subjectaccessreviews", "create"): "read",
    ("localsubjectaccessreviews", "create"): "read",
    ("pods/log", "get"): "read",
}
_OWN = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
"""Questions about oneself; like paths that are no resource, they are of `api`, which no registry has to declare."""
OF_ITSELF = "api"
_BUILT_IN = re.compile(r"(?:apps|batch|autoscaling|policy|extensions|(?:.+\.)?k8s\.io)?")


def is_built_in(group: str) -> bool:
    """Whether Kubernetes itself has the group: its resources are called by their name alone."""
    return _BUILT_IN.fullmatch(group) is not None


@lru_cache(maxsize=20_000)
def action_of(resource: str, subresource: str, group: str, verb: str) -> tuple[str, FeatureSort]:
    """``resource:verb`` as RBAC has it, such as ``pods/exec:create``; the group where it is none of Kubernetes'."""
    if not resource or resource in _OWN:
        return f"{OF_ITSELF}:get", "read"
    name = f"{resource}/{subresource}" if subresource else resource
    sort = _SORTS.get((name, verb)) or _SORTS.get((name, "*")) or ("read" if verb in _READS else "write")
    full = name if is_built_in(group) else f"{name}.{group}"
    return f"{plain(full.lower().replace(':', '.'), 90)}:{plain(verb, 30) or 'unknown'}", sort
