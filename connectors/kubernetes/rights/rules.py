"""Rules of roles, and how they match. RBAC has no deny.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/. A verb, a group and a resource each match by
equality or ``*``; ``pods`` does not cover ``pods/exec``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final, TypeAlias

from msgspec import Struct

RBAC: Final = "rbac.authorization.k8s.io"
IMPERSONATE: Final = "impersonate"
"""The verb, and the prefix of the verbs of constrained impersonation."""
_APPLIED: Final = frozenset({"patch", "*"})
"""Verbs that allow server-side apply, which names the object that it creates."""
IN_CLUSTER: Final = frozenset(
    {"users", "groups", "nodes", "nodes/proxy", "nodes/status", "persistentvolumes", "clusterroles",
     "clusterrolebindings", "certificatesigningrequests", "certificatesigningrequests/approval", "signers",
     "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies",
     "mutatingadmissionpolicybindings"}
)  # fmt: skip
"""Cluster-scoped resources, on which a RoleBinding grants nothing. A namespace, as an object, is an exception."""


class KubernetesRule(Struct, frozen=True):
    """A rule of a role. ``names``: the objects that it is limited to; empty: all. ``role``: its role, for evidence.

    ``borrowed``: it applies by impersonation, which cannot be chained: a request impersonates one subject.
    ``namespaced``: it applies as by a RoleBinding in each namespace, so not to cluster-scoped resources.
    """

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str] = frozenset()
    role: str = ""
    borrowed: bool = False
    namespaced: bool = False

    @property
    def allows_everything(self) -> bool:
        """Whether it allows ``*`` on ``*``."""
        whole = all("*" in part for part in (self.verbs, self.groups, self.resources))
        return whole and not self.names and not self.namespaced

    @property
    def creates(self) -> bool:
        """Whether it allows to create: any object, or by server-side apply those that it names."""
        return not self.verbs.isdisjoint({"create", "*"}) and (not self.names or self._names_its_object("create"))

    def covers(self, verbs: Collection[str], group: str, resource: str) -> bool:
        """Whether it allows one of the verbs on any object of a resource."""
        if self.names and "/" not in resource:
            verbs = [verb for verb in verbs if self._names_its_object(verb)]
        if self.namespaced and resource in IN_CLUSTER:
            verbs = [verb for verb in verbs if verb == "bind"]  # a RoleBinding may refer to a ClusterRole
        if self.borrowed:
            verbs = [verb for verb in verbs if not verb.startswith(IMPERSONATE)]
        return bool(
            verbs
            and not self.verbs.isdisjoint({"*", *verbs})
            and not self.groups.isdisjoint({"*", group})
            and not self.resources.isdisjoint(_covering(resource))
        )

    def _names_its_object(self, verb: str) -> bool:
        """Whether requests with the verb name an object: a rule that is limited to objects matches no others."""
        return verb != "deletecollection" and (verb != "create" or not self.verbs.isdisjoint(_APPLIED))

    def includes(self, verb: str, group: str, resource: str, name: str | None) -> bool:
        """Whether it is no less than a single right of another rule. ``name``: None for any object."""
        return (
            not self.verbs.isdisjoint({"*", verb})
            and not self.groups.isdisjoint({"*", group})
            and not self.resources.isdisjoint(_covering(resource))
            and (not self.names or name in self.names)
        )

    def within(self, other: KubernetesRule, role: str) -> KubernetesRule | None:
        """The intersection of both rules as a borrowed rule of ``role``; None if it is empty."""
        both = ((self.resources, other.resources), (other.resources, self.resources))
        found = KubernetesRule(
            verbs=_common(self.verbs, other.verbs),
            groups=_common(self.groups, other.groups),
            resources=frozenset(one for these, those in both for one in these if not those.isdisjoint(_covering(one))),
            names=self.names & other.names if self.names and other.names else self.names | other.names,
            role=role,
            borrowed=True,
            namespaced=self.namespaced or other.namespaced,
        )
        nameless = self.names and other.names and not found.names
        return found if found.verbs and found.groups and found.resources and not nameless else None


Scoped: TypeAlias = Mapping[str, Sequence[KubernetesRule]]
"""Rules by namespace; the empty name has the rules for the whole cluster."""


Names: TypeAlias = frozenset[str] | None
"""Names of objects in rules; None: all."""


def named(rules: Iterable[KubernetesRule], verbs: Collection[str], group: str, resource: str) -> Names:
    """Return the names of the objects of a resource on which rules allow one of the verbs."""
    found: set[str] = set()
    for rule in rules:
        if rule.covers(verbs, group, resource):
            if not rule.names:
                return None
            found |= rule.names
    return frozenset(found)


def include(rules: Sequence[KubernetesRule], others: Iterable[KubernetesRule]) -> bool:
    """Whether rules together allow all that others do, as for a binding without the verb ``bind``."""
    return all(
        any(rule.includes(*right) for rule in rules)
        for other in others
        for right in product(other.verbs, other.groups, other.resources, other.names or (None,))
    )


def scoped(parts: Iterable[tuple[str, Iterable[KubernetesRule]]]) -> dict[str, list[KubernetesRule]]:
    """Return rules by namespace, from pairs of a namespace and rules."""
    found: defaultdict[str, list[KubernetesRule]] = defaultdict(list)
    for namespace, rules in parts:
        found[namespace] += rules
    return dict(found)


def _common(these: frozenset[str], those: frozenset[str]) -> frozenset[str]:
    return those if "*" in these else these if "*" in those else these & those


def _covering(resource: str) -> set[str]:
    """The names in rules that match a resource: ``*``, itself, or for a subresource ``*/log``."""
    _, slash, sub = resource.partition("/")
    return {"*", resource, *((f"*/{sub}",) if slash else ())}


_PARTS: Final = ("verbs", "apiGroups", "resources", "resourceNames")


def rules_of(role: Mapping[str, Any], named: str = "", *, filled_in: bool = False) -> tuple[KubernetesRule, ...] | None:
    """Return the rules of a role; None if they are malformed, or aggregated by the cluster.

    ``filled_in``: the cluster has already aggregated them. Rules about non-resource URLs grant nothing here.
    """
    listed = role.get("rules", [])
    if (role.get("aggregationRule") and not filled_in) or not isinstance(listed, list | None):
        return None
    rules = []
    for one in listed or ():
        if not isinstance(one, dict):
            return None
        parts = [one.get(key, []) for key in _PARTS]
        if not all(part is None or _are_texts(part) for part in parts):
            return None
        verbs, groups, resources, names = (frozenset(part or ()) for part in parts)
        rules.append(KubernetesRule(verbs, groups, resources, names, named))
    return tuple(rules)


def _are_texts(part: Any) -> bool:
    return isinstance(part, list) and all(isinstance(text, str) for text in part)
