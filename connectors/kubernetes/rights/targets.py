"""The service accounts that a method leads to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.methods import Found, Targets

Account: TypeAlias = tuple[str, str]
"""Namespace and name."""
Aim: TypeAlias = tuple[Targets, str, frozenset[str], frozenset[str]]
"""The key of a lead's accounts: the kind, the namespace, names of objects, labels of a controller."""


class Lead(NamedTuple):
    """A method that leads to other accounts. ``namespace``: empty for all."""

    found: Found
    namespace: str

    @property
    def aim(self) -> Aim:
        """The key of its accounts."""
        method = self.found.method
        return method.targets, self.namespace, self.found.names, method.labels

    @property
    def takes_all(self) -> bool:
        """Whether it leads to all accounts of its namespace."""
        targets = self.found.method.targets
        return targets == "accounts" or (targets == "named" and not self.found.names)

    @property
    def evidence(self) -> str:
        """The evidence of a link."""
        roles = ", ".join(dict.fromkeys(rule.role for rule in self.found.rules))
        where = f"namespace {self.namespace}" if self.namespace else "the cluster"
        return f"may {self.found.method.why} in {where} ({roles})"


class Accounts(Struct, frozen=True, kw_only=True):
    """The service accounts of a cluster. ``every``: names by namespace.

    ``pods``: by namespace, the account of each running pod. ``tokens``: by namespace, the account of each secret with a
    token that never expires. ``nodes``: the accounts of the pods on each node. ``controllers``: the accounts of
    workloads with a label (``key=value``).
    """

    every: Mapping[str, Collection[str]]
    pods: Mapping[str, Mapping[str, str]] = {}
    tokens: Mapping[str, Mapping[str, str]] = {}
    nodes: Mapping[str, Collection[Account]] = {}
    controllers: Mapping[str, Collection[Account]] = {}

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


def _counts(lead: Lead, name: str) -> bool:
    return not lead.found.names or name in lead.found.names
