"""The privilege level of rules. Pure: what depends on bindings and namespaces is in evaluation.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from connectors.kubernetes.rights.impersonation import Anyone, acts_as_node, freely, limited
from connectors.kubernetes.rights.methods import UNKNOWN_KIND, Kind, is_met, methods_of, need
from connectors.kubernetes.rights.rules import RBAC, Rule, Scoped
from scanner.model import Privilege, PrivilegeLevel

ORDER: Final[tuple[PrivilegeLevel, ...]] = ("admin", "escalation", "high", "normal")
BIND_ROLES: Final = tuple(need("bind", f"{RBAC}/{plural}") for plural in ("roles", "clusterroles"))
WRITE_BINDINGS: Final = tuple(
    need("create update patch", f"{RBAC}/{plural}") for plural in ("rolebindings", "clusterrolebindings")
)
"""Binding a role takes the verb ``bind`` on it and a write to a binding; without the verb, only one's own rights."""
_BINDABLE: Final = (
    (BIND_ROLES[0], WRITE_BINDINGS[0]),
    (BIND_ROLES[1], WRITE_BINDINGS[0]),
    (BIND_ROLES[1], WRITE_BINDINGS[1]),
)
"""A ClusterRoleBinding cannot refer to a Role."""

_KNOWN_ROLES: Final[dict[str, tuple[PrivilegeLevel, PrivilegeLevel, str]]] = {
    "cluster-admin": ("admin", "escalation", "cluster-admin allows * on *"),
    "admin": ("escalation", "high", "admin allows to run pods, read secrets and impersonate service accounts"),
    "edit": ("escalation", "high", "edit allows to run pods, read secrets and impersonate service accounts"),
    "view": ("normal", "normal", "view allows to read all but secrets"),
}
"""Built-in roles: their level in the cluster, their level in a namespace, and the reason."""


def known_role(name: str, *, everywhere: bool) -> Privilege | None:
    """Return the privilege of a built-in role; None for any other."""
    if (found := _KNOWN_ROLES.get(name)) is None:
        return None
    level = found[0] if everywhere else found[1]
    return Privilege(level=level, evidence=(found[2],) if level != "normal" else ())


def privilege_of(rules: Sequence[Rule], *, everywhere: bool, kind: Kind = UNKNOWN_KIND) -> Privilege:
    """Return the privilege of rules that are bound in all namespaces, or in one, in a cluster of that kind."""
    own: Scoped = {"" if everywhere else "its namespace": tuple(rules)}
    return highest(_alone(own, kind))


def highest(found: Iterable[tuple[PrivilegeLevel, str]]) -> Privilege:
    """Return the highest level with its reasons; the lowest needs none."""
    reasons = [one for one in found if one[0] != ORDER[-1]]
    level = min((one for one, _ in reasons), key=ORDER.index, default=ORDER[-1])
    return Privilege(level=level, evidence=tuple(dict.fromkeys(why for one, why in reasons if one == level)))


def _alone(own: Scoped, kind: Kind) -> Iterator[tuple[PrivilegeLevel, str]]:
    for namespace in own:
        yield from levels_of(own, namespace, kind)
        rules = [*own.get("", ()), *own[namespace]]
        if any(is_met(needs, rules) for needs in _BINDABLE if not (needs[1].in_cluster and namespace)):
            yield "escalation", f"may bind roles {where(namespace)}"
    for acting in freely(own, Anyone()):
        yield "high", f"may impersonate the {acting.who}"
    more = limited(own, Anyone())
    for namespace in more:
        yield from levels_of(more, namespace, kind)


def where(namespace: str) -> str:
    """The place in words."""
    return f"in {namespace if ' ' in namespace else f'namespace {namespace}'}" if namespace else "in the cluster"


def levels_of(own: Scoped, namespace: str, kind: Kind) -> Iterator[tuple[PrivilegeLevel, str]]:
    """Yield each level that rules alone reach in the cluster, or in a namespace beyond that, with the reason.

    ``own``: rules by namespace.
    """
    wide = tuple(own.get("", ()))
    local = tuple(own.get(namespace, ())) if namespace else None
    here = wide if local is None else local
    if any(rule.allows_everything for rule in here):
        yield ("escalation" if namespace else "admin"), f"* on * {where(namespace)}"
        return
    for found in methods_of(wide, local, kind):
        named = f" ({', '.join(sorted(found.names)[:3])})" if found.names else ""
        yield found.level, f"may {found.method.why}{named} {where(namespace)}"
    if not namespace and acts_as_node(own):
        yield "high", "may act as a node, which reads the secrets of its pods"
    if any("*" in rule.verbs | rule.resources and not rule.names for rule in here):
        yield "high", f"rules with * {where(namespace)}"
