"""Which service accounts a method leads to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.methods import Found

Account: TypeAlias = tuple[str, str]
"""Namespace and name."""


class Lead(NamedTuple):
    """A way to other accounts. ``namespace``: empty for all."""

    found: Found
    namespace: str

    @property
    def evidence(self) -> str:
        """Why, for a link."""
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

    def meant(self, lead: Lead) -> Iterator[Account]:
        """Yield the accounts that a lead leads to, each once, sorted."""
        match lead.found.method.targets:
            case "nodes":
                found = {one for node, some in self.nodes.items() if _counts(lead, node) for one in some}
            case "controller":
                found = {one for label in lead.found.method.labels for one in self.controllers.get(label, ())}
            case "pods":
                found = self._holders(lead, self.pods)
            case "tokens":
                found = self._holders(lead, self.tokens)
            case "named":
                found = {
                    (space, name) for space in self._spaces(lead) for name in self.every[space] if _counts(lead, name)
                }
            case "accounts":
                found = {(space, name) for space in self._spaces(lead) for name in self.every[space]}
            case _:
                found = set()
        yield from sorted(found)

    def _spaces(self, lead: Lead) -> Collection[str]:
        return self.every if not lead.namespace else {lead.namespace} & self.every.keys()

    def _holders(self, lead: Lead, held: Mapping[str, Mapping[str, str]]) -> set[Account]:
        spaces = held if not lead.namespace else {lead.namespace} & held.keys()
        return {(space, account) for space in spaces for name, account in held[space].items() if _counts(lead, name)}


def _counts(lead: Lead, name: str) -> bool:
    return not lead.found.names or name in lead.found.names
