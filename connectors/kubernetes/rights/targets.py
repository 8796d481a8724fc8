"""The objects of a cluster that methods act on, and the service accounts that these lead to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.methods import UNKNOWN_KIND, AllowedMethod, Kind, Targets

Account: TypeAlias = tuple[str, str]
"""Namespace and name."""
Aim: TypeAlias = tuple[Targets, str, frozenset[str], frozenset[str], bool]
"""The key of a lead's accounts: the kind, the namespace, names of objects, labels of a controller, and whether it is
by impersonation."""
_ENFORCED: Final = frozenset({"baseline", "restricted"})


class Lead(NamedTuple):
    """A method that leads to other accounts. ``namespace``: empty for all."""

    found: AllowedMethod
    namespace: str

    @property
    def aim(self) -> Aim:
        """The key of its accounts."""
        method = self.found.method
        # Whether the objects exist that a workload needs was decided before: it runs as any account.
        names = self.found.names if method.targets != "accounts" else frozenset()
        return method.targets, self.namespace, names, method.labels, self.impersonates

    @property
    def takes_all(self) -> bool:
        """Whether it leads to all accounts of its namespace."""
        targets = self.found.method.targets
        return targets == "accounts" or (targets == "named" and not self.found.names)

    @property
    def impersonates(self) -> bool:
        """Whether it gives the rights of the account alone: no tokens, and not its right to impersonate others."""
        return self.found.method.id == "impersonate_accounts"

    @property
    def evidence(self) -> str:
        """The evidence of a link."""
        where = f"namespace {self.namespace}" if self.namespace else "the cluster"
        return f"may {self.found.method.why} in {where} ({self.found.roles})"


class Usable(NamedTuple):
    """What of a method can be used. ``leads``: by places. ``unread``: whether its objects could not be read."""

    leads: tuple[Lead, ...]
    unread: bool = False


class KubernetesAccounts(Struct, frozen=True, kw_only=True):
    """The service accounts of a cluster, and the objects that lead to them. ``every``: names by namespace.

    ``pods``: by namespace, the account of each running pod. ``tokens``: by namespace, the account of each secret with a
    token that never expires. ``nodes``: the accounts of the pods on each node. ``controllers``: the accounts of
    workloads with a label (``key=value``). ``objects``: by ``group/resource`` and namespace, the names of others.
    ``unread``: resources of ``objects``, and of the fields above by their names, that could not be read in full.
    """

    every: Mapping[str, Collection[str]]
    pods: Mapping[str, Mapping[str, str]] = {}
    tokens: Mapping[str, Mapping[str, str]] = {}
    nodes: Mapping[str, Collection[Account]] = {}
    controllers: Mapping[str, Collection[Account]] = {}
    objects: Mapping[str, Mapping[str, Collection[str]]] = {}
    unread: frozenset[str] = frozenset()

    def meant(self, lead: Lead) -> Collection[Account]:
        """Return the accounts that a lead leads to."""
        method = lead.found.method
        match method.targets:
            case "nodes":
                return {one for node, some in self.nodes.items() if _counts(lead, node) for one in some}
            case "controller":
                return {one for label in method.labels for one in self.controllers.get(label, ())}
            case "pods" | "tokens":
                held = self.pods if method.targets == "pods" else self.tokens
                spaces: Collection[str] = held if not lead.namespace else {lead.namespace} & held.keys()
                return {(one, account) for one in spaces for name, account in held[one].items() if _counts(lead, name)}
            case "named" | "accounts":
                spaces = self.every if not lead.namespace else {lead.namespace} & self.every.keys()
                by_name = method.targets == "named"
                return {(one, name) for one in spaces for name in self.every[one] if not by_name or _counts(lead, name)}
        return ()

    def usable(self, found: AllowedMethod, namespace: str) -> Usable:
        """Return the places where the objects exist that a method needs. Without any, it leads nowhere."""
        method, lead = found.method, Lead(found, namespace)
        if not found.creates:
            held = self.objects.get(method.changes)
            if held is None:
                return Usable((), unread=True)
            spaces = held if not namespace else {namespace} & held.keys()
            meant = sorted(one for one in spaces if any(_counts(lead, name) for name in held[one]))
            return Usable(tuple(Lead(found, one) for one in meant), method.changes in self.unread and not meant)
        missing = method.targets in self.unread or ("every" in self.unread and method.targets in ("named", "accounts"))
        if found.names and method.targets in ("pods", "nodes", "named") and not self.meant(lead):
            return Usable((), unread=missing)
        return Usable((lead,), unread=missing)


class Surroundings(Struct, frozen=True, kw_only=True):
    """Facts of the cluster that rights depend on.

    ``enforced``: by namespace, the enforced level of Pod Security; empty: none is. ``privileged``: by namespace, a
    workload with a privileged container; ``privileged_pods``: by namespace, the names of such pods;
    ``privileged_nodes``: the nodes that they run on. ``maps_cloud_identities``: the config map ``aws-auth`` decides who
    is an admin. ``there``: the objects; None if they are unknown. ``whole``: all namespaces could be read.
    """

    enforced: Mapping[str, str] = {}
    privileged: Mapping[str, str] = {}
    privileged_pods: Mapping[str, Collection[str]] = {}
    privileged_nodes: Collection[str] = ()
    kind: Kind = UNKNOWN_KIND
    maps_cloud_identities: bool = False
    there: KubernetesAccounts | None = None
    whole: bool = True

    def is_open(self, namespace: str) -> bool | None:
        """Whether a pod in the namespace may take over its node; None if its level was not read."""
        level = self.enforced.get(namespace)
        return None if level is None else level not in _ENFORCED

    def usable(self, found: AllowedMethod, namespace: str) -> Usable:
        """Return where a method can be used: wherever its rules apply, unless objects are known."""
        if self.there is None:
            return Usable((Lead(found, namespace),))
        return self.there.usable(found, namespace)


NOTHING_KNOWN: Final = Surroundings(whole=False)


def _counts(lead: Lead, name: str) -> bool:
    return not lead.found.names or name in lead.found.names
