"""RBAC: a user has the rules of all roles that are bound to the name or the groups. There is no deny.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/ and the authorizer's documentation. It shares no
code with the connector's evaluation of RBAC, which is tested against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from scanner.demo.fakes.kubernetes.cluster import Cluster, Manifest

_ACCOUNT = "system:serviceaccount:"


class User(Struct, frozen=True):
    """The user of a request."""

    name: str
    groups: tuple[str, ...] = ("system:authenticated",)


def service_account(namespace: str, name: str) -> User:
    """A service account as a user."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return User(f"{_ACCOUNT}{namespace}:{name}", groups)


class Ask(Struct, frozen=True, kw_only=True):
    """The attributes of a request. ``path``: of a non-resource request; then the other fields are empty."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""


def allowed(cluster: Cluster, user: User, ask: Ask) -> bool:
    """Whether any rule allows the request."""
    if "system:masters" in user.groups:
        return True
    return any(_rule_allows(rule, ask) for rule in rules_of(cluster, user, ask.namespace))


def rules_of(cluster: Cluster, user: User, namespace: str) -> Iterator[Mapping[str, Any]]:
    """The user's rules in a namespace, or without one in the whole cluster."""
    for binding in cluster.of("clusterrolebindings"):
        if _is_subject(user, binding, ""):
            yield from _role(cluster, binding, "")
    if not namespace:
        return
    for binding in cluster.of("rolebindings"):
        if binding["metadata"]["namespace"] == namespace and _is_subject(user, binding, namespace):
            yield from _role(cluster, binding, namespace)


def _is_subject(user: User, binding: Manifest, namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        kind, name = subject["kind"], subject["name"]
        if kind == "User" and name == user.name:
            return True
        if kind == "Group" and name in user.groups:
            return True
        if kind == "ServiceAccount":
            of = subject.get("namespace") or namespace
            if of and user.name == f"{_ACCOUNT}{of}:{name}":
                return True
    return False


def _role(cluster: Cluster, binding: Manifest, namespace: str) -> Iterable[Mapping[str, Any]]:
    ref = binding["roleRef"]
    plural = "clusterroles" if ref["kind"] == "ClusterRole" else "roles"
    for role in cluster.of(plural):
        metadata = role["metadata"]
        if metadata["name"] == ref["name"] and (plural == "clusterroles" or metadata["namespace"] == namespace):
            return role.get("rules") or ()
    return ()


def _rule_allows(rule: Mapping[str, Any], ask: Ask) -> bool:
    verbs = rule["verbs"]
    if "*" not in verbs and ask.verb not in verbs:
        return False
    if ask.path:
        return any(
            ask.path == pattern or (pattern.endswith("*") and ask.path.startswith(pattern[:-1]))
            for pattern in rule.get("nonResourceURLs") or ()
        )
    groups, resources, names = (rule.get(key) or () for key in ("apiGroups", "resources", "resourceNames"))
    if "*" not in groups and ask.group not in groups:
        return False
    whole = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    covering = {"*", whole, *((f"*/{ask.subresource}",) if ask.subresource else ())}
    if covering.isdisjoint(resources):
        return False
    return not names or ask.name in names
