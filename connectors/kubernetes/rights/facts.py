"""Attributes from an account's rights and workloads, which rules read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kubernetes.rights.evaluation import KubernetesRights
from connectors.kubernetes.rights.methods import need
from connectors.kubernetes.rights.rules import KubernetesRule
from connectors.kubernetes.workloads import REACHES_NODE, RunningWorkload
from scanner.matching.declared import environment_of
from scanner.model import Identity
from scanner.model.attributes import (
    BOUND_BY_NAME,
    GRANTS_ACROSS,
    HOST_ACCESS,
    NARROWER_RIGHTS,
    UNUSED_TOKENS,
)

_PROXY: Final = need("get", "nodes:proxy")
_PROXY_WRITES: Final = need("create", "nodes:proxy")
_ADMISSION: Final = "admissionregistration.k8s.io"
_WIDE: Final = (
    ("read secrets of all namespaces", "get on named secrets, in the namespaces that it serves",
     (need("get list watch", "secrets"),)),
    ("run pods in all namespaces", "the same in the namespaces that it serves",
     (need("create", "pods"), *(need("create", f"apps/{one}") for one in ("deployments", "daemonsets", "statefulsets")),
      *(need("create", f"batch/{one}") for one in ("jobs", "cronjobs")))),
    ("request tokens of all accounts", "create on named accounts", (need("create", "serviceaccounts:token"),)),
    ("change all webhooks", "update and patch on named ones",
     tuple(need("update patch", f"{_ADMISSION}/{kind}webhookconfigurations") for kind in ("mutating", "validating"))),
)  # fmt: skip
"""Rights on all objects of the cluster: a description, a narrower replacement, and the needs that each grant them."""
_FINER: Final = ("nodes/metrics", "nodes/stats", "nodes/log")
_FINEST: Final = (*_FINER, "nodes/healthz", "nodes/pods")
_FINEST_SINCE: Final = 33
"""The minor version that first checks ``nodes/healthz`` and ``nodes/pods`` by default (KEP 2862)."""


def of_workloads(
    ran: Sequence[RunningWorkload], rights: KubernetesRights | None, automount: bool | None
) -> Iterator[tuple[str, Any]]:
    """Yield attributes from an account's workloads. ``rights``: None if unknown. ``automount``: of the account."""
    ways = {one.title: [way for way in one.near_node if way in REACHES_NODE] for one in ran}
    near = [f"{title} ({', '.join(some)})" for title, some in sorted(ways.items()) if some]
    if near:
        yield HOST_ACCESS, near
    if rights is not None and all(one.usual or one.missing for one in rights.bound):
        mounting = sorted({one.title for one in ran if one.mounts_token(automount)})
        if mounting:
            yield UNUSED_TOKENS, mounting


def of_rights(
    rights: KubernetesRights, namespace: str, environments: Mapping[str, frozenset[str]], minor: int | None
) -> Iterator[tuple[str, Any]]:
    """Yield attributes from an account's rights. ``environments``: by namespace, as far as they are known."""
    own = environments.get(namespace, frozenset())
    across = [
        f"{one.role} in namespace {one.namespace}, of {' or '.join(sorted(there))}, by {one.binding}"
        for one in rights.bound
        if not one.missing and (there := environments.get(one.namespace)) and own and own.isdisjoint(there)
    ]
    if across:
        yield GRANTS_ACROSS, sorted(across)
    narrower = list(_narrower(rights, minor))
    if narrower:
        yield NARROWER_RIGHTS, narrower


def of_binding(rights: KubernetesRights, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the roles of bindings that name a default account. ``name``: its user name."""
    named = sorted({one.role for one in rights.bound if name in one.users and not one.missing})
    if named:
        yield BOUND_BY_NAME, named


def _narrower(rights: KubernetesRights, minor: int | None) -> Iterator[dict[str, str]]:
    for one in rights.bound:
        if one.usual or not one.rules or any(rule.allows_everything for rule in one.rules):
            continue
        everywhere = [rule for rule in one.rules if not rule.names] if not one.namespace else []
        if any(_PROXY.met_by(rule) and not _PROXY_WRITES.met_by(rule) for rule in everywhere):
            finer = _FINEST if minor is not None and minor >= _FINEST_SINCE else _FINER
            yield {"right": "get nodes/proxy", "by": one.role, "instead": f"get on {', '.join(finer)}"}
        for right, instead, needs in _WIDE:
            if any(needed.met_by(rule) for needed in needs for rule in everywhere):
                yield {"right": right, "by": one.role, "instead": instead}
        if any(_is_wild(rule) for rule in one.rules):
            yield {"right": "rules with *", "by": one.role, "instead": "the verbs and resources that it uses"}


def _is_wild(rule: KubernetesRule) -> bool:
    """Whether a rule has wildcards on built-in resources, and names no objects."""
    own = any("." not in group or group.endswith(".k8s.io") for group in rule.groups)
    return own and not rule.names and "*" in rule.verbs | rule.resources


def environment(namespace: str, labels: Mapping[str, str]) -> frozenset[str]:
    """The environments of a namespace, by its labels, else by its name; empty if unknown."""
    as_identity = Identity(
        key=namespace, provider="", source="", scope="", kind="namespace", name=namespace, tags=labels
    )
    return environment_of(as_identity)[0]
