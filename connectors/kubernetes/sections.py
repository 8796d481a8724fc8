"""What is listed, section by section: paths, shapes, and the rights that the printed ClusterRole gives."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from connectors.base import Section, Spec
from connectors.kubernetes import payloads as p
from connectors.kubernetes.rights.rules import RBAC
from connectors.kubernetes.settings import KubernetesSettings
from scanner.model import Fact, Rung
from scanner.model.providers import read_providers

KINDS: Final = ("service_account", "group", "argocd_role")
RUNGS: Final[tuple[Rung, ...]] = ("key", "unique_id", "alias", "name", "glob")
ISSUER_PATHS: Final = ("/.well-known/openid-configuration", "/openid/v1/jwks")
AWS_AUTH: Final = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
TOKEN_TYPE: Final = "kubernetes.io/service-account-token"  # noqa: S105  # a type of secrets


class Listing(Struct, frozen=True, kw_only=True):
    """A resource that is listed in all namespaces. ``group``: empty for the core group.

    ``custom``: only clusters that have its group offer it. ``metadata``: only the metadata are asked for.
    """

    group: str = ""
    version: str = "v1"
    plural: str
    shape: type[p.Object] = p.Object
    custom: bool = False
    metadata: bool = False

    @property
    def path(self) -> str:
        """Where it is listed."""
        return (
            f"/apis/{self.group}/{self.version}/{self.plural}" if self.group else f"/api/{self.version}/{self.plural}"
        )

    @property
    def right(self) -> str:
        """The right that it takes, for people."""
        return f"list {self.plural}{f'.{self.group}' if self.group else ''}"


NAMESPACES: Final = Listing(plural="namespaces", metadata=True)
ACCOUNTS: Final = Listing(plural="serviceaccounts", shape=p.ServiceAccount)
ROLES: Final = (
    Listing(group=RBAC, plural="clusterroles", shape=p.Role),
    Listing(group=RBAC, plural="roles", shape=p.Role),
)
BINDINGS: Final = (
    Listing(group=RBAC, plural="clusterrolebindings", shape=p.Binding),
    Listing(group=RBAC, plural="rolebindings", shape=p.Binding),
)
PODS: Final = Listing(plural="pods", shape=p.Pod)
WORKLOADS: Final = (
    *(
        Listing(group="apps", plural=plural, shape=p.Workload)
        for plural in ("deployments", "statefulsets", "daemonsets", "replicasets")
    ),
    Listing(plural="replicationcontrollers", shape=p.Workload),
    Listing(group="batch", plural="jobs", shape=p.Workload),
    Listing(group="batch", plural="cronjobs", shape=p.CronJob),
)
TOKENS: Final = Listing(plural="secrets", metadata=True)
APPLICATIONS: Final = Listing(
    group="argoproj.io", version="v1alpha1", plural="applications", shape=p.Application, custom=True
)
PROJECTS: Final = Listing(
    group="argoproj.io", version="v1alpha1", plural="appprojects", shape=p.AppProject, custom=True
)


class Reading(Struct, frozen=True, kw_only=True):
    """A section: what it lists, or the paths it reads."""

    name: str
    title: str
    without: str
    listings: tuple[Listing, ...] = ()
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    feeds: tuple[Fact, ...] = ()
    optional: bool = False

    @property
    def section(self) -> Section:
        """As the contract knows it."""
        rights = (*(listing.right for listing in self.listings), *(f"get {path}" for path in self.paths))
        return Section(
            name=self.name,
            title=self.title,
            permissions=rights,
            without=self.without,
            kinds=self.kinds,
            rungs=self.rungs,
            feeds=self.feeds,
            optional=self.optional,
        )


READINGS: Final = (
    Reading(
        name="core.namespaces",
        title="Namespaces",
        listings=(NAMESPACES,),
        kinds=KINDS,
        rungs=RUNGS,
        without="which cluster it is stays unknown, so nothing is read; owners by namespace are missing",
    ),
    Reading(
        name="core.serviceaccounts",
        title="Service accounts",
        listings=(ACCOUNTS,),
        kinds=("service_account",),
        rungs=RUNGS,
        without="no service account is found",
    ),
    Reading(
        name="rbac",
        title="Roles and bindings",
        listings=(*ROLES, *BINDINGS),
        kinds=("group",),
        without="privilege is unknown, and so are attack paths",
    ),
    Reading(
        name="workloads",
        title="Pods, and what makes them",
        listings=(PODS, *WORKLOADS),
        without="what runs as an account is unknown",
    ),
    Reading(
        name="core.secrets",
        title="Token secrets, by name and date",
        listings=(TOKENS,),
        without="tokens that never expire are only known where their account names them",
        optional=True,
    ),
    Reading(
        name="issuer",
        title="The issuer of the cluster's tokens",
        paths=ISSUER_PATHS,
        without="trusts of clouds in the cluster's accounts are not joined",
    ),
    Reading(
        name="aws_auth",
        title="AWS identities that the cluster maps",
        paths=(AWS_AUTH,),
        without="AWS identities with rights in the cluster by aws-auth are unknown",
        optional=True,
    ),
    Reading(
        name="argocd",
        title="Argo CD: applications, and tokens of projects",
        listings=(APPLICATIONS, PROJECTS),
        kinds=("argocd_role",),
        rungs=RUNGS,
        without="what Argo CD deploys from which repository, and its tokens, are unknown",
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
    providers=read_providers("connectors.kubernetes", "kubernetes"),
)
