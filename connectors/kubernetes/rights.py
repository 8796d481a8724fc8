"""What rules of (Cluster)Roles allow: a level, with the rules that give it. Pure.

Sources: the project's "RBAC good practices", and its documentation of the default roles. A verb, a group and a resource
each match by equality or ``*``. RBAC has no deny.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from scanner.model import Privilege, PrivilegeLevel

RBAC: Final = "rbac.authorization.k8s.io"
_WRITE = frozenset({"create", "update", "patch"})
_RUN = {
    "": ("pods", "replicationcontrollers"),
    "apps": ("deployments", "daemonsets", "statefulsets", "replicasets"),
    "batch": ("jobs", "cronjobs"),
}


class Rule(Struct, frozen=True):
    """A rule of a role. ``names``: the only objects it is about; empty: all."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str] = frozenset()

    @property
    def allows_everything(self) -> bool:
        """Whether it allows ``*`` on ``*``."""
        return not self.names and all("*" in part for part in (self.verbs, self.groups, self.resources))

    def allows(self, verbs: Collection[str], group: str, resource: str) -> bool:
        """Whether it allows one of the verbs on all objects of a resource."""
        return (
            not self.names
            and not self.verbs.isdisjoint({"*", *verbs})
            and not self.groups.isdisjoint({"*", group})
            and not self.resources.isdisjoint(_covering(resource))
        )


def _covering(resource: str) -> set[str]:
    """How a rule may name a resource: ``*``, itself, or for a subresource ``*/log``."""
    _, slash, sub = resource.partition("/")
    return {"*", resource, *((f"*/{sub}",) if slash else ())}


def rules_of(role: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """Return the rules of a role; None if they are of another shape, or put together by the cluster."""
    listed = role.get("rules", [])
    if role.get("aggregationRule") or not isinstance(listed, list | None):
        return None
    rules = []
    for one in listed or ():
        if not isinstance(one, dict):
            return None
        parts = [one.get(key, []) for key in ("verbs", "apiGroups", "resources", "resourceNames")]
        if not all(
            isinstance(part, list | None) and all(isinstance(text, str) for text in part or ()) for part in parts
        ):
            return None
        rules.append(Rule(*(frozenset(part or ()) for part in parts)))
    return tuple(rules)


def _are_texts(part: Any) -> bool:
    return isinstance(part, list) and all(isinstance(text, str) for text in part)


class Method(Struct, frozen=True):
    """A way up: any of the verbs on the resource. ``within``: the level in one namespace, ``everywhere``: in all."""

    verbs: frozenset[str]
    group: str
    resource: str
    why: str
    everywhere: PrivilegeLevel
    within: PrivilegeLevel


def _method(verbs: str, group: str, resource: str, why: str, levels: tuple[PrivilegeLevel, PrivilegeLevel]) -> Method:
    return Method(frozenset(verbs.split()), group, resource, why, *levels)


_UP: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("escalation", "escalation")
_UP_EVERYWHERE: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("escalation", "high")
_UP_IN_CLUSTER: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("escalation", "normal")
_HIGH: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("high", "high")
_METHODS: Final = (
    _method("impersonate", "", "users", "impersonate users", _UP_IN_CLUSTER),
    _method("impersonate", "", "groups", "impersonate groups", _UP_IN_CLUSTER),
    _method("impersonate", "", "serviceaccounts", "impersonate service accounts", _UP),
    _method("create", "", "serviceaccounts/token", "request tokens of service accounts", _UP_EVERYWHERE),
    _method("get list watch", "", "secrets", "read secrets", _HIGH),
    _method("create", "", "pods/exec", "run commands in pods", _UP_EVERYWHERE),
    _method("create", "", "pods/attach", "attach to pods", _UP_EVERYWHERE),
    _method("update patch", "", "pods/ephemeralcontainers", "add containers to pods", _UP_EVERYWHERE),
    _method("get create", "", "nodes/proxy", "reach the kubelets of nodes", _UP_IN_CLUSTER),
    _method("create", "", "persistentvolumes", "create volumes on nodes", _UP_IN_CLUSTER),
    _method(
        "create update patch",
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        "change all objects through webhooks",
        _UP_IN_CLUSTER,
    ),
    _method(
        "create update patch",
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        "see all objects through webhooks",
        ("high", "normal"),
    ),
    *(
        _method("create update patch", group, resource, f"run {resource} as any service account", _UP_EVERYWHERE)
        for group, resources in _RUN.items()
        for resource in resources
    ),
)
_ROLES, _BINDINGS = ("roles", "clusterroles"), ("rolebindings", "clusterrolebindings")
_ORDER: Final[tuple[PrivilegeLevel, ...]] = ("admin", "escalation", "high", "normal")

_KNOWN_ROLES: Final[Mapping[str, tuple[PrivilegeLevel, PrivilegeLevel, str]]] = {
    "cluster-admin": ("admin", "escalation", "cluster-admin allows * on *"),
    "admin": ("escalation", "escalation", "admin allows to impersonate service accounts and to bind roles"),
    "edit": ("escalation", "high", "edit allows to run pods, read secrets and impersonate service accounts"),
    "view": ("normal", "normal", "view allows to read all but secrets"),
}
"""Roles that each cluster has: what they give everywhere, in one namespace, and why."""


def known_role(name: str, *, everywhere: bool) -> Privilege | None:
    """Return what a role gives that each cluster has; None for any other."""
    if (found := _KNOWN_ROLES.get(name)) is None:
        return None
    level = found[0] if everywhere else found[1]
    return Privilege(level=level, evidence=(found[2],) if level != "normal" else ())


def privilege_of(rules: Sequence[Rule], *, everywhere: bool) -> Privilege:
    """Return the level of rules that are bound in all namespaces, or in one."""
    found = list(_found(rules, everywhere=everywhere))
    levels: list[PrivilegeLevel] = [one for one, _ in found]
    level = min(levels, key=_ORDER.index) if levels else _ORDER[-1]
    return Privilege(level=level, evidence=tuple(dict.fromkeys(why for one, why in found if one == level)))


def _found(rules: Sequence[Rule], *, everywhere: bool) -> Iterator[tuple[PrivilegeLevel, str]]:
    where = "in the cluster" if everywhere else "in its namespace"
    if any(
        {"*"} <= rule.verbs and {"*"} <= rule.groups and {"*"} <= rule.resources and not rule.names for rule in rules
    ):
        yield ("admin" if everywhere else "escalation"), f"* on * {where}"
        return
    for method in _METHODS:
        if any(rule.allows(method.verbs, method.group, method.resource) for rule in rules):
            level = method.everywhere if everywhere else method.within
            if level != "normal":
                yield level, f"may {method.why} {where}"
    for verb, needed in (("escalate", _ROLES), ("bind", _BINDINGS)):
        may = any(rule.allows((verb,), RBAC, role) for rule in rules for role in _ROLES)
        writes = any(rule.allows(_WRITE, RBAC, resource) for rule in rules for resource in needed)
        if may and writes:
            yield "escalation", f"may {verb} roles {where}"
    if any("*" in rule.verbs | rule.resources and not rule.names for rule in rules):
        yield "high", f"rules with * {where}"
