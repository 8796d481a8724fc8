"""Reads the sections of a cluster into facts, and yields the coverage of each section."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from msgspec import structs

from connectors.core.contract import Meter, Scope, SectionReading
from connectors.kubernetes import custom as c
from connectors.kubernetes import custom_agents as a
from connectors.kubernetes import payloads as p
from connectors.kubernetes import spec as s
from connectors.kubernetes.certificates import ClientCertificate, certificate_in, unbound
from connectors.kubernetes.rights.rules import KubernetesRule, rules_of
from connectors.kubernetes.rights.targets import Account
from connectors.kubernetes.spec import READINGS, KubernetesListing
from connectors.kubernetes.spiffe import spiffe_id
from connectors.kubernetes.workloads import RunningWorkload, is_mirror, near_node, ran_by
from scanner.errors import NotOffered, SourceError
from scanner.model import Coverage

T = TypeVar("T")

BOOTSTRAPPING = "kubernetes.io/bootstrapping"
"""The label of built-in roles and bindings."""
_AUTHORIZERS = (
    ("container.googleapis.com", "IAM of Google Cloud", "gcp"),
    ("oic.prod-aks.azure.com", "Azure RBAC", "azure"),
    ("oidc.eks.", "EKS by its access entries", "aws"),
)
"""By part of the issuer: what grants rights in such a cluster besides RBAC, and the type of source that reads it."""


class KubernetesCluster(Protocol):
    """A cluster, live or in files. Its methods only raise SourceErrors. ``server``: the address of its API."""

    server: str | None

    def rows(self, listing: KubernetesListing, section: SectionReading, selector: str = "") -> Iterator[Any]:
        """The objects of a resource in all namespaces, decoded. A malformed object is a gap in the section."""
        ...

    def get(self, path: str, shape: type[T]) -> T:
        """A single response. Raises NotOffered if there is none."""
        ...

    def post(self, path: str, body: Any, shape: type[T]) -> T:
        """The response to a read-only query with a body."""
        ...

    def close(self) -> None:
        """Close connections and delete temporary files."""
        ...


class KubernetesFacts:
    """Everything that was read of a cluster."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.read_at = datetime.now(UTC)
        self.version: int | None = None
        self.build = ""
        """The full version, which some vendors mark as theirs."""
        self.server: str | None = None
        """The address of the API server; None for files."""
        self.issuer: str | None = None
        self.key_ids: tuple[str, ...] = ()
        self.namespaces: dict[str, p.Metadata] = {}
        self.accounts: dict[Account, p.ServiceAccount] = {}
        self.roles: dict[tuple[str, str, str], tuple[KubernetesRule, ...] | None] = {}
        self.bindings: list[p.Binding] = []
        self.constraints: list[c.Constraints] = []
        self.ran: list[RunningWorkload] = []
        self.pods: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """Running pods with the names of their accounts, by namespace."""
        self.nodes: defaultdict[str, set[Account]] = defaultdict(set)
        """The accounts of the running pods of each node."""
        self.privileged_pods: defaultdict[str, set[str]] = defaultdict(set)
        """Running pods with a privileged container, by namespace; ``privileged_nodes``: the nodes that they run on."""
        self.privileged_nodes: set[str] = set()
        self.objects: dict[str, defaultdict[str, set[str]]] = {}
        """Names of what runs pods and of custom resources, by ``group/resource`` and namespace, as far as listed."""
        self.tokens: list[p.Metadata] = []
        self.joining: list[p.Metadata] = []
        """Secrets of bootstrap tokens, with which nodes join the cluster."""
        self.certificates: list[ClientCertificate] = []
        self.applications: dict[str, c.Application] = {}
        self.projects: list[c.AppProject] = []
        self.argocd: dict[str, str] | None = None
        """The entries for local accounts in Argo CD's config map; None if it was not read."""
        self.argocd_namespace = ""
        self.deploying: dict[tuple[str, str, str], c.Deploying] = {}
        """Deployments of Flux, and their sources, by plural, namespace and name."""
        self.sources: dict[tuple[str, str, str], c.Source] = {}
        self.stores: list[tuple[str, c.SecretStore]] = []
        self.vault_auths: list[c.VaultAuth] = []
        self.vault_connections: dict[tuple[str, str], str] = {}
        self.of_agents: defaultdict[str, list[a.AgentObject]] = defaultdict(list)
        """Objects of platforms for agents, by ``group/resource``."""
        self.spiffe_rules: list[a.SpiffeId] = []
        self.spiffe_ids: defaultdict[Account, set[str]] = defaultdict(set)
        """The SPIFFE ids of the running pods of each account."""
        self.maps_cloud_identities = False
        self.mapped: tuple[p.Mapped, ...] = ()
        """Principals of AWS in ``aws-auth``."""
        self.gaps: set[str] = set()


def authorizers_beside(issuer: str | None) -> Iterator[str]:
    """Yield notes on authorizers other than RBAC in a cluster with that issuer."""
    for part, who, source in _AUTHORIZERS:
        if part in (issuer or ""):
            yield f"{who} may give rights in this cluster besides RBAC; a source of type {source} reads them"


class KubernetesReader:
    """Reads one cluster, section by section."""

    def __init__(self, cluster: KubernetesCluster, scope: Scope, meter: Meter, facts: KubernetesFacts) -> None:
        self._cluster = cluster
        self._scope = scope
        self._meter = meter
        self._facts = facts
        self._offered: dict[str, str] | None = None

    def read(self, wanted: frozenset[str], argocd: str = "") -> Iterator[Coverage]:
        """Read all sections. ``wanted``: the optional sections that are on. ``argocd``: the namespace of Argo CD."""
        for reading in READINGS:
            if reading.optional and reading.name not in wanted:
                yield self._scope.coverage(reading.name, "off")
                continue
            with self._scope.section(reading.name, meter=self._meter) as section:
                if reading.paths:
                    self._paths(reading.paths)
                    if reading.paths == s.ISSUER_PATHS:
                        for remark in authorizers_beside(self._facts.issuer):
                            section.note(remark)
                elif reading.config:
                    section.found(self._config(argocd, reading.config))
                else:
                    self._lists(reading, section)
            if section.coverage.is_gap:
                self._facts.gaps.add(reading.name)
            yield section.coverage

    def _lists(self, reading: s.KubernetesSection, section: SectionReading) -> None:
        """Read each list separately: a denied list does not affect the others."""
        missing = 0
        errors: list[SourceError] = []
        for listing in reading.listings:
            try:
                self._list(listing, section)
            except NotOffered:
                missing += 1
                if self._offered and listing.is_changed:
                    self._facts.objects.setdefault(listing.resource, defaultdict(set))
            except SourceError as error:
                errors.append(error)
        for one in errors:  # where the only lists that there are were refused, nothing was read
            section.lost(one, partial=len(errors) + missing < len(reading.listings) and reading.name != "rbac")
        if missing == len(reading.listings):
            raise NotOffered("the cluster does not have it")
        if s.REQUESTS in reading.listings:
            for remark in unbound(self._facts.certificates, self._facts.bindings):
                section.note(remark)

    def _list(self, listing: KubernetesListing, section: SectionReading) -> None:
        for row in self._rows(listing, section):
            section.found(self._keep(listing, row))
            self._keep_name(listing, row.metadata)
        if listing.is_changed:
            self._facts.objects.setdefault(listing.resource, defaultdict(set))

    def _rows(self, listing: KubernetesListing, section: SectionReading) -> Iterator[Any]:
        """The rows in the preferred version of the group; of a resource that this does not have, in the usual one."""
        preferred = self._in_version(listing)
        try:
            yield from self._cluster.rows(preferred, section, listing.selector)
        except NotOffered:
            if preferred.version == listing.version:
                raise
            yield from self._cluster.rows(listing, section, listing.selector)

    def _in_version(self, listing: KubernetesListing) -> KubernetesListing:
        """The listing in the cluster's preferred version. Raises NotOffered if the cluster does not have the group."""
        if not listing.custom:
            return listing
        if self._offered is None:
            self._offered = self._groups()
        if not self._offered:
            return listing
        if (version := self._offered.get(listing.group)) is None:
            raise NotOffered("the cluster does not have it")
        return structs.replace(listing, version=version)

    def _groups(self) -> dict[str, str]:
        """The preferred version of each group; empty if the cluster does not report it."""
        try:
            groups = self._cluster.get(s.GROUPS_PATH, p.Groups).groups
        except SourceError:
            return {}
        return {group.name: group.preferred.version for group in groups if group.preferred.version}

    def _keep(self, listing: KubernetesListing, row: Any) -> int:
        """Add an object to the facts. Returns the number of identities in it."""
        facts, metadata = self._facts, row.metadata
        match row:
            case p.ServiceAccount():
                facts.accounts[metadata.namespace, metadata.name] = row
                return 1
            case p.Role():
                self._keep_role("Role" if listing.plural == "roles" else "ClusterRole", row)
            case p.Binding():
                facts.bindings.append(row)
            case p.Pod() | p.Workload() | p.CronJob():
                self._keep_workload(listing, row)
            case p.SigningRequest():
                if (certificate := certificate_in(row)) is not None:
                    facts.certificates.append(certificate)
            case _ if listing is s.NAMESPACES:
                facts.namespaces[metadata.name] = metadata
            case _ if listing is s.TOKENS:
                facts.tokens.append(metadata)
            case _ if listing is s.JOINING:
                facts.joining.append(metadata)
            case _:
                return self._keep_custom(listing, row)
        return 0

    def _keep_name(self, listing: KubernetesListing, metadata: p.Metadata) -> None:
        """Keep that an object exists, which a right to change it needs."""
        if listing.is_changed:
            self._facts.objects.setdefault(listing.resource, defaultdict(set))[metadata.namespace].add(metadata.name)

    def _keep_custom(self, listing: KubernetesListing, row: Any) -> int:
        facts, metadata = self._facts, row.metadata
        if isinstance(row, a.AgentObject):
            return self._keep_of_agents(listing, row)
        key = (listing.plural, metadata.namespace, metadata.name)
        match row:
            case c.Constraints():
                facts.constraints.append(row)
            case c.Application():
                facts.applications[metadata.name] = row
            case c.AppProject():
                facts.projects.append(row)
                return len(row.roles)
            case c.Deploying():
                facts.deploying[key] = row
            case c.Source():
                facts.sources[key] = row
            case c.SecretStore():
                facts.stores.append((listing.plural, row))
            case c.VaultAuth():
                facts.vault_auths.append(row)
            case c.VaultConnection():
                facts.vault_connections[key[1:]] = row.spec.address
        return 0

    def _keep_of_agents(self, listing: KubernetesListing, row: a.AgentObject) -> int:
        if isinstance(row, a.SpiffeId):
            self._facts.spiffe_rules.append(row)
        else:
            self._facts.of_agents[listing.resource].append(row)
        return int(isinstance(row, (a.KagentAgent, a.KagentiAgent)))

    def _config(self, namespace: str, name: str) -> int:
        """Keep only the entries for local accounts of Argo CD's config map. Returns the number of accounts."""
        path = s.config_path(namespace, name)
        data = self._cluster.get(path, p.ConfigMap).data or {}
        self._facts.argocd_namespace = namespace
        self._facts.argocd = {key: value for key, value in data.items() if c.is_of_account(key)}
        return len(c.local_accounts(self._facts.argocd))

    def _keep_workload(self, listing: KubernetesListing, row: p.Pod | p.Workload | p.CronJob) -> None:
        if (ran := ran_by(listing.plural, row)) is not None:
            self._facts.ran.append(ran)
        if isinstance(row, p.Pod) and row.status.phase in ("Running", "Pending") and not is_mirror(row.metadata):
            namespace = row.metadata.namespace
            self._facts.pods[namespace][row.metadata.name] = row.spec.runs_as
            self._facts.nodes[row.spec.node].add((namespace, row.spec.runs_as))
            self._keep_spiffe_ids(row)
            if "privileged" in near_node(row.spec):
                self._facts.privileged_pods[namespace].add(row.metadata.name)
                self._facts.privileged_nodes.add(row.spec.node)

    def _keep_spiffe_ids(self, pod: p.Pod) -> None:
        """Keep the ids of a pod. SPIRE's rules were read before. A namespace that was not read has unknown labels."""
        namespace = self._facts.namespaces.get(pod.metadata.namespace)
        account = pod.metadata.namespace, pod.spec.runs_as
        for rule in self._facts.spiffe_rules if namespace is not None else ():
            found = spiffe_id(rule, account, pod.metadata.labels or {}, namespace.labels or {} if namespace else {})
            if found is not None:
                self._facts.spiffe_ids[account].add(found)

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
            data = self._cluster.get(paths[0], p.ConfigMap).data or {}
            facts.maps_cloud_identities = True
            facts.mapped = p.mapped_in(data)

    def version(self) -> None:
        """Read the version of Kubernetes, which decides what some rights allow; None if it cannot be read."""
        try:
            version = self._cluster.get("/version", p.Version)
            self._facts.version, self._facts.build = version.number, version.build
        except SourceError:
            self._facts.version = None
