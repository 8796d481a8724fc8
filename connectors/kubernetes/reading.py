"""Reads the sections of a cluster into facts, each section ending in its coverage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from connectors.base import Meter, Scope, SectionReading
from connectors.kubernetes import payloads as p
from connectors.kubernetes import sections as s
from connectors.kubernetes.rights.rules import Rule, rules_of
from connectors.kubernetes.rights.targets import Account
from connectors.kubernetes.sections import READINGS, Listing
from connectors.kubernetes.workloads import Ran, is_mirror, ran_by
from scanner.errors import NotOffered, SourceError
from scanner.model import Coverage

T = TypeVar("T")

BOOTSTRAPPING = "kubernetes.io/bootstrapping"
"""The label of roles and bindings that each cluster has."""


class Cluster(Protocol):
    """A cluster that can be listed. Methods raise SourceErrors only."""

    def rows(self, listing: Listing, section: SectionReading, selector: str = "") -> Iterator[Any]:
        """The objects of a resource in all namespaces, as its shape. A malformed one is a gap of its own."""
        ...

    def get(self, path: str, shape: type[T]) -> T:
        """One answer. Raises NotOffered where there is none."""
        ...

    def post(self, path: str, body: Any, shape: type[T]) -> T:
        """The answer to a question with a body, which changes nothing."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class Facts:
    """What was read of a cluster."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.version: int | None = None
        self.issuer: str | None = None
        self.key_ids: tuple[str, ...] = ()
        self.namespaces: dict[str, p.Metadata] = {}
        self.accounts: dict[Account, p.ServiceAccount] = {}
        self.roles: dict[tuple[str, str, str], tuple[Rule, ...] | None] = {}
        self.bindings: list[p.Binding] = []
        self.ran: list[Ran] = []
        self.pods: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """Running pods with the names of their accounts, by namespace."""
        self.nodes: defaultdict[str, set[Account]] = defaultdict(set)
        """The accounts of the running pods of each node."""
        self.tokens: list[p.Metadata] = []
        self.applications: dict[str, p.Application] = {}
        self.projects: list[p.AppProject] = []
        self.maps_cloud_identities = False
        self.gaps: set[str] = set()


class Reader:
    """Reads one cluster, section by section."""

    def __init__(self, cluster: Cluster, scope: Scope, meter: Meter, facts: Facts) -> None:
        self._cluster = cluster
        self._scope = scope
        self._meter = meter
        self._facts = facts

    def read(self, wanted: frozenset[str]) -> Iterator[Coverage]:
        """Read all sections; ``wanted``: the optional ones that are switched on."""
        for reading in READINGS:
            if reading.optional and reading.name not in wanted:
                yield self._scope.coverage(reading.name, "off")
                continue
            with self._scope.section(reading.name, meter=self._meter) as section:
                if reading.paths:
                    self._paths(reading.paths)
                else:
                    self._lists(reading, section)
            if section.coverage.is_gap:
                self._facts.gaps.add(reading.name)
            yield section.coverage

    def _lists(self, reading: s.Reading, section: SectionReading) -> None:
        """Each list by itself: one that is denied leaves the others."""
        missing = 0
        for listing in reading.listings:
            try:
                for row in self._cluster.rows(listing, section, _selector(listing)):
                    section.found(self._keep(listing, row))
            except NotOffered:
                missing += 1
            except SourceError as error:
                section.lost(error, partial=len(reading.listings) > 1 and reading.name != "rbac")
        if missing == len(reading.listings):
            raise NotOffered("the cluster does not have it")

    def _keep(self, listing: Listing, row: Any) -> int:
        """Keep what is asked about later; returns the number of identities that it is."""
        facts, metadata = self._facts, row.metadata
        match row:
            case p.ServiceAccount():
                facts.accounts[metadata.namespace, metadata.name] = row
                return 1
            case p.Role():
                self._keep_role("Role" if listing.plural == "roles" else "ClusterRole", row)
            case p.Binding():
                facts.bindings.append(row)
            case p.Application():
                facts.applications[metadata.name] = row
            case p.AppProject():
                facts.projects.append(row)
                return len(row.roles)
            case p.Pod() | p.Workload() | p.CronJob():
                self._keep_workload(listing, row)
            case _ if listing is s.NAMESPACES:
                facts.namespaces[metadata.name] = metadata
            case _:
                facts.tokens.append(metadata)
        return 0

    def _keep_workload(self, listing: Listing, row: p.Pod | p.Workload | p.CronJob) -> None:
        if (ran := ran_by(listing.plural, row)) is not None:
            self._facts.ran.append(ran)
        if isinstance(row, p.Pod) and row.status.phase in ("Running", "Pending") and not is_mirror(row.metadata):
            namespace = row.metadata.namespace
            self._facts.pods[namespace][row.metadata.name] = row.spec.runs_as
            self._facts.nodes[row.spec.node].add((namespace, row.spec.runs_as))

    def _keep_role(self, kind: str, role: p.Role) -> None:
        metadata = role.metadata
        key = (kind, metadata.namespace, metadata.name)
        self._facts.roles[key] = rules_of({"rules": role.rules}, f"{kind}/{metadata.name}", filled_in=True)

    def _paths(self, paths: tuple[str, ...]) -> None:
        facts = self._facts
        if paths == s.ISSUER_PATHS:
            facts.issuer = self._cluster.get(paths[0], p.Discovery).issuer
            facts.key_ids = tuple(key.kid for key in self._cluster.get(paths[1], p.Keys).keys if key.kid)
        else:
            self._cluster.get(paths[0], p.Object)
            facts.maps_cloud_identities = True

    def version(self) -> None:
        """Read the version of Kubernetes, which decides what some rights mean; it may stay unknown."""
        try:
            self._facts.version = self._cluster.get("/version", p.Version).number
        except SourceError:
            self._facts.version = None


def _selector(listing: Listing) -> str:
    return f"type={s.TOKEN_TYPE}" if listing is s.TOKENS else ""
