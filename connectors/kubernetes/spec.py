"""The table of sections, and the spec: the lists and paths of each section, and the rights that they take."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from msgspec import Struct

from connectors.core.contract import Section, Spec
from connectors.kubernetes import custom as c
from connectors.kubernetes import custom_agents as a
from connectors.kubernetes import payloads as p
from connectors.kubernetes.rights.methods import METHODS
from connectors.kubernetes.rights.rules import RBAC
from connectors.kubernetes.settings import KubernetesSettings
from scanner.model import Fact, Rung
from scanner.model.providers import read_providers

KINDS: Final = ("service_account", "user", "group", "argocd_role", "argocd_account", "agent")
RUNGS: Final[tuple[Rung, ...]] = ("key", "unique_id", "alias", "name", "glob")
ISSUER_PATHS: Final = ("/.well-known/openid-configuration", "/openid/v1/jwks")
CHANGED: Final = frozenset(method.changes for method in METHODS if method.changes)
"""Resources an object of which has to exist for some methods, as ``group/resource``."""
AWS_AUTH: Final = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
GROUPS_PATH: Final = "/apis"
ARGOCD_CONFIG: Final = "argocd-cm"
CORE, CERTIFICATES = "", "certificates.k8s.io"


class KubernetesListing(Struct, frozen=True, kw_only=True):
    """A resource that is listed in all namespaces. ``group``: empty for the core group.

    ``custom``: only clusters that have its group offer it, in their preferred version. ``metadata``: only the metadata
    is requested. ``selector``: a field selector.
    """

    group: str = ""
    version: str = "v1"
    plural: str
    shape: type[p.Object] = p.Object
    custom: bool = False
    metadata: bool = False
    selector: str = ""

    @property
    def path(self) -> str:
        """The path of the list."""
        return (
            f"/apis/{self.group}/{self.version}/{self.plural}" if self.group else f"/api/{self.version}/{self.plural}"
        )

    @property
    def resource(self) -> str:
        """Group and resource, as methods name them."""
        return f"{self.group}/{self.plural}" if self.group else self.plural

    @property
    def is_changed(self) -> bool:
        """Whether methods change such objects, so that their names are kept."""
        return self.resource in CHANGED

    @property
    def right(self) -> str:
        """The right that it takes, in words."""
        return f"list {self.plural}{f'.{self.group}' if self.group else ''}"


NAMESPACES: Final = KubernetesListing(plural="namespaces", metadata=True)
ACCOUNTS: Final = KubernetesListing(plural="serviceaccounts", shape=p.ServiceAccount)
ROLES: Final = (
    KubernetesListing(group=RBAC, plural="clusterroles", shape=p.Role),
    KubernetesListing(group=RBAC, plural="roles", shape=p.Role),
)
BINDINGS: Final = (
    KubernetesListing(group=RBAC, plural="clusterrolebindings", shape=p.Binding),
    KubernetesListing(group=RBAC, plural="rolebindings", shape=p.Binding),
)
PODS: Final = KubernetesListing(plural="pods", shape=p.Pod)
WORKLOADS: Final = (
    *(
        KubernetesListing(group="apps", plural=plural, shape=p.Workload)
        for plural in ("deployments", "statefulsets", "daemonsets", "replicasets")
    ),
    KubernetesListing(plural="replicationcontrollers", shape=p.Workload),
    KubernetesListing(group="batch", plural="jobs", shape=p.Workload),
    KubernetesListing(group="batch", plural="cronjobs", shape=p.CronJob),
)
TOKENS: Final = KubernetesListing(plural="secrets", metadata=True, selector="type=kubernetes.io/service-account-token")
JOINING: Final = KubernetesListing(plural="secrets", metadata=True, selector="type=bootstrap.kubernetes.io/token")
"""Bootstrap tokens, with which nodes join the cluster."""
REQUESTS: Final = KubernetesListing(
    group=CERTIFICATES, plural="certificatesigningrequests", shape=p.SigningRequest, custom=True
)


def _custom(group: str, version: str, **shapes: type[p.Object]) -> tuple[KubernetesListing, ...]:
    return tuple(
        KubernetesListing(group=group, version=version, plural=plural, shape=shape, custom=True)
        for plural, shape in shapes.items()
    )


CONSTRAINTS: Final = _custom("security.openshift.io", "v1", securitycontextconstraints=c.Constraints)
ARGOCD: Final = _custom("argoproj.io", "v1alpha1", applications=c.Application, appprojects=c.AppProject)
FLUX: Final = (
    *_custom("kustomize.toolkit.fluxcd.io", "v1", kustomizations=c.Deploying),
    *_custom("helm.toolkit.fluxcd.io", "v2", helmreleases=c.Deploying),
    *_custom("source.toolkit.fluxcd.io", "v1", gitrepositories=c.Source, helmrepositories=c.Source,
             ocirepositories=c.Source),
)  # fmt: skip
STORES: Final = _custom("external-secrets.io", "v1", secretstores=c.SecretStore, clustersecretstores=c.SecretStore)
VAULT: Final = _custom("secrets.hashicorp.com", "v1beta1", vaultauths=c.VaultAuth, vaultconnections=c.VaultConnection)
KAGENT: Final = (
    *_custom("kagent.dev", "v1alpha2", agents=a.KagentAgent, sandboxagents=a.KagentAgent, modelconfigs=a.ModelConfig,
             remotemcpservers=a.RemoteServer),
    *_custom("kagent.dev", "v1alpha1", mcpservers=a.RunServer),
)  # fmt: skip
KAGENTI: Final = tuple(
    listing
    for group in ("agent.rossoctl.dev", "agent.kagenti.dev")
    for listing in _custom(
        group,
        "v1alpha1",
        agentruntimes=a.KagentiAgent,
        agentcards=a.KagentiAgent,
        authorizationpolicies=a.KubernetesPolicy,
    )
)
TOOLHIVE: Final = _custom(
    "toolhive.stacklok.dev", "v1beta1", mcpservers=a.RunServer, mcpremoteproxies=a.RemoteServer,
    mcptoolconfigs=a.ToolConfig,
)  # fmt: skip
GATEWAY: Final = _custom("agentgateway.dev", "v1alpha1", agentgatewaybackends=a.Backend)
SPIRE: Final = _custom("spire.spiffe.io", "v1alpha1", clusterspiffeids=a.SpiffeId)


def config_path(namespace: str, name: str) -> str:
    """The path of a config map."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/configmaps/{name}"


class KubernetesSection(Struct, frozen=True, kw_only=True):
    """A section: its lists, paths, or config map, whose namespace is a setting."""

    name: str
    title: str
    without: str
    listings: tuple[KubernetesListing, ...] = ()
    paths: tuple[str, ...] = ()
    config: str = ""
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    feeds: tuple[Fact, ...] = ()
    optional: bool = False

    @property
    def section(self) -> Section:
        """The section as in the connector's contract."""
        rights = (*(listing.right for listing in self.listings), *(f"get {path}" for path in self.paths))
        config = (f"get configmaps/{self.config}",) if self.config else ()
        return Section(
            name=self.name,
            title=self.title,
            permissions=tuple(dict.fromkeys((*rights, *config))),
            without=self.without,
            kinds=self.kinds,
            rungs=self.rungs,
            feeds=self.feeds,
            optional=self.optional,
        )


READINGS: Final = (
    KubernetesSection(
        name="core.namespaces",
        title="Namespaces",
        listings=(NAMESPACES,),
        kinds=KINDS,
        rungs=RUNGS,
        without="which cluster it is stays unknown, so nothing is read; owners by namespace are missing",
    ),
    KubernetesSection(
        name="core.serviceaccounts",
        title="Service accounts",
        listings=(ACCOUNTS,),
        kinds=("service_account",),
        rungs=RUNGS,
        without="no service account is found",
    ),
    KubernetesSection(
        name="rbac",
        title="Roles and bindings",
        listings=(*ROLES, *BINDINGS),
        kinds=("group",),
        without="privilege is unknown, and so are attack paths",
    ),
    KubernetesSection(
        name="openshift",
        title="OpenShift: security context constraints, and their users and groups",
        listings=CONSTRAINTS,
        without="privilege is unknown: constraints let accounts run privileged pods without any role",
    ),
    KubernetesSection(
        name="spire",
        title="SPIRE: the SPIFFE ids of pods",
        listings=SPIRE,
        without="the SPIFFE ids of accounts and agents are unknown",
    ),
    KubernetesSection(
        name="workloads",
        title="Pods, and what makes them",
        listings=(PODS, *WORKLOADS),
        without="what runs as an account is unknown",
    ),
    KubernetesSection(
        name="core.secrets",
        title="Token secrets, by name and date",
        listings=(TOKENS, JOINING),
        kinds=("group",),
        without="tokens that never expire are only known where their account names them, tokens of joining nodes not",
        optional=True,
    ),
    KubernetesSection(
        name="certificates",
        title="Client certificates, as far as requests for them are kept",
        listings=(REQUESTS,),
        without="certificates that were signed lately are unknown",
    ),
    KubernetesSection(
        name="issuer",
        title="The issuer of the cluster's tokens",
        paths=ISSUER_PATHS,
        without="trusts of clouds in the cluster's accounts are not joined",
    ),
    KubernetesSection(
        name="aws_auth",
        title="AWS identities that the cluster maps",
        paths=(AWS_AUTH,),
        without="AWS identities with rights in the cluster by aws-auth are unknown",
        optional=True,
    ),
    KubernetesSection(
        name="argocd",
        title="Argo CD: applications, and tokens of projects",
        listings=ARGOCD,
        kinds=("argocd_role",),
        rungs=RUNGS,
        without="what Argo CD deploys from which repository, and its tokens, are unknown",
    ),
    KubernetesSection(
        name="argocd.accounts",
        title="Argo CD: local accounts",
        kinds=("argocd_account",),
        rungs=RUNGS,
        config=ARGOCD_CONFIG,
        without="local accounts of Argo CD are unknown",
        optional=True,
    ),
    KubernetesSection(
        name="flux",
        title="Flux: what deploys, from where, as which account",
        listings=FLUX,
        without="what Flux deploys from which repository is unknown",
    ),
    KubernetesSection(
        name="external_secrets",
        title="External Secrets: stores, and the accounts that open them",
        listings=STORES,
        without="which accounts open stores of secrets elsewhere is unknown",
    ),
    KubernetesSection(
        name="vault_operator",
        title="Vault Secrets Operator: which accounts sign in to Vault",
        listings=VAULT,
        without="which accounts sign in to Vault through the operator is unknown",
    ),
    KubernetesSection(
        name="kagent",
        title="kagent: agents, their models and MCP servers",
        listings=KAGENT,
        kinds=("agent",),
        rungs=RUNGS,
        without="agents of kagent are not found, or what their tools are is unknown",
    ),
    KubernetesSection(
        name="kagenti",
        title="kagenti: agents, their cards and policies",
        listings=KAGENTI,
        kinds=("agent",),
        rungs=RUNGS,
        without="agents of kagenti are not found",
    ),
    KubernetesSection(
        name="toolhive",
        title="ToolHive: MCP servers",
        listings=TOOLHIVE,
        without="which MCP servers ToolHive runs, and what is behind its proxies, is unknown",
    ),
    KubernetesSection(
        name="agentgateway",
        title="agentgateway: MCP servers and models behind gateways",
        listings=GATEWAY,
        without="which MCP servers and models are behind gateways is unknown",
    ),
)

SPEC: Final = Spec(
    name="kubernetes",
    title="Kubernetes",
    settings=KubernetesSettings,
    kinds=KINDS,
    sections=tuple(reading.section for reading in READINGS),
    extra="kubernetes",
    entrances=("core.namespaces",),
    records={
        "workload": (
            "workloads",
            "argocd",
            "flux",
            "external_secrets",
            "vault_operator",
            "kagent",
            "toolhive",
            "agentgateway",
        ),
        "assignment": ("core.serviceaccounts", "rbac", "aws_auth"),
    },
    providers=read_providers("connectors.kubernetes", "kubernetes"),
)
