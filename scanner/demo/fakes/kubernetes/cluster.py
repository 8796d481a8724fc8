"""The objects of a cluster, by resource, and the resources that its API has."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

from msgspec import Struct

Manifest: TypeAlias = dict[str, Any]
CREATED = "2026-03-01T08:00:00Z"


class Resource(Struct, frozen=True):
    """A resource of the API, such as ``pods`` of ``v1``. ``group``: empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """Group and version as in manifests."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base(self) -> str:
        """The path of the group's version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


_RBAC = "rbac.authorization.k8s.io"
BUILT_IN = (
    Resource("", "v1", "namespaces", "Namespace", namespaced=False),
    Resource("", "v1", "nodes", "Node", namespaced=False),
    Resource("", "v1", "pods", "Pod"),
    Resource("", "v1", "serviceaccounts", "ServiceAccount"),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "configmaps", "ConfigMap"),
    Resource("", "v1", "replicationcontrollers", "ReplicationController"),
    Resource("apps", "v1", "deployments", "Deployment"),
    Resource("apps", "v1", "statefulsets", "StatefulSet"),
    Resource("apps", "v1", "daemonsets", "DaemonSet"),
    Resource("apps", "v1", "replicasets", "ReplicaSet"),
    Resource("batch", "v1", "jobs", "Job"),
    Resource("batch", "v1", "cronjobs", "CronJob"),
    Resource(_RBAC, "v1", "roles", "Role"),
    Resource(_RBAC, "v1", "rolebindings", "RoleBinding"),
    Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False),
    Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Resource("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", namespaced=False),
)
CUSTOM = (
    Resource("argoproj.io", "v1alpha1", "applications", "Application"),
    Resource("argoproj.io", "v1alpha1", "appprojects", "AppProject"),
    Resource("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization"),
    Resource("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease"),
    Resource("source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository"),
    Resource("source.toolkit.fluxcd.io", "v1", "helmrepositories", "HelmRepository"),
    Resource("source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository"),
    Resource("secrets.hashicorp.com", "v1beta1", "vaultconnections", "VaultConnection"),
    Resource("external-secrets.io", "v1", "secretstores", "SecretStore"),
    Resource("external-secrets.io", "v1", "clustersecretstores", "ClusterSecretStore", namespaced=False),
    Resource("secrets.hashicorp.com", "v1beta1", "vaultauths", "VaultAuth"),
    Resource("project.openshift.io", "v1", "projects", "Project", namespaced=False),
    Resource("security.openshift.io", "v1", "securitycontextconstraints", "SecurityContextConstraints", False),
    Resource("kagent.dev", "v1alpha2", "agents", "Agent"),
    Resource("kagent.dev", "v1alpha2", "sandboxagents", "SandboxAgent"),
    Resource("kagent.dev", "v1alpha2", "modelconfigs", "ModelConfig"),
    Resource("kagent.dev", "v1alpha2", "remotemcpservers", "RemoteMCPServer"),
    Resource("kagent.dev", "v1alpha1", "mcpservers", "MCPServer"),
    Resource("agent.rossoctl.dev", "v1alpha1", "agentruntimes", "AgentRuntime"),
    Resource("agent.rossoctl.dev", "v1alpha1", "agentcards", "AgentCard"),
    Resource("agent.rossoctl.dev", "v1alpha1", "authorizationpolicies", "AuthorizationPolicy"),
    Resource("agent.kagenti.dev", "v1alpha1", "agentruntimes", "AgentRuntime"),
    Resource("agent.kagenti.dev", "v1alpha1", "agentcards", "AgentCard"),
    Resource("agent.kagenti.dev", "v1alpha1", "authorizationpolicies", "AuthorizationPolicy"),
    Resource("toolhive.stacklok.dev", "v1beta1", "mcpservers", "MCPServer"),
    Resource("toolhive.stacklok.dev", "v1beta1", "mcpremoteproxies", "MCPRemoteProxy"),
    Resource("toolhive.stacklok.dev", "v1beta1", "mcptoolconfigs", "MCPToolConfig"),
    Resource("agentgateway.dev", "v1alpha1", "agentgatewaybackends", "AgentgatewayBackend"),
    Resource("spire.spiffe.io", "v1alpha1", "clusterspiffeids", "ClusterSPIFFEID", namespaced=False),
    Resource("agent.k8s.elastic.co", "v1alpha1", "agents", "Agent"),
)
"""Custom resources, which a cluster offers if it has an object of the kind or is created with it."""


class Cluster:
    """A cluster from manifests. ``custom``: kinds of custom resources that it offers even without objects.

    ``build``: what a vendor adds to the version.
    """

    def __init__(
        self, manifests: Iterable[Manifest], *, minor: int = 36, build: str = "", custom: Iterable[str] = ()
    ) -> None:
        self.minor = minor
        self.version = f"v1.{minor}.0{build}"
        self.issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
        self.key_ids: tuple[str, ...] = ("key-1",)
        given = [item for manifest in manifests for item in _unfolded(manifest)]
        named = {item["metadata"]["name"] for item in given if item["kind"] == "Namespace"}
        listed = [*(one for one in _namespaces() if one["metadata"]["name"] not in named), *given]
        known = {(one.api_version, one.kind): one for one in BUILT_IN}
        made, named_too = {(item["apiVersion"], item["kind"]) for item in listed}, set(custom)
        offered = [one for one in CUSTOM if (one.api_version, one.kind) in made or one.kind in named_too]
        known |= {(one.api_version, one.kind): one for one in offered}
        self.resources = (*BUILT_IN, *offered)
        self.objects: dict[Resource, list[Manifest]] = {one: [] for one in self.resources}
        for item in listed:
            resource = known[item["apiVersion"], item["kind"]]
            self.objects[resource].append(_stored(item, resource))
        for stored in self.objects.values():
            stored.sort(key=lambda one: (one["metadata"].get("namespace", ""), one["metadata"]["name"]))

    def of(self, plural: str) -> list[Manifest]:
        """The objects of a resource."""
        return next(objects for resource, objects in self.objects.items() if resource.plural == plural)


def _namespaces() -> Iterator[Manifest]:
    for name in ("default", "kube-system"):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _unfolded(manifest: Manifest) -> Iterator[Manifest]:
    if manifest["kind"].endswith("List") and "items" in manifest:
        for item in manifest["items"]:
            yield {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"].removesuffix("List"), **item}
    else:
        yield manifest


def _stored(manifest: Manifest, resource: Resource) -> Manifest:
    """The object as the server stores it: with a uid, derived from its name, and a creation time."""
    item = deepcopy(manifest)
    metadata = item["metadata"]
    if resource.namespaced:
        metadata.setdefault("namespace", "default")
    named = f"{resource.plural}/{metadata.get('namespace', '')}/{metadata['name']}"
    metadata.setdefault("uid", str(uuid.uuid5(uuid.NAMESPACE_URL, named)))
    metadata.setdefault("creationTimestamp", CREATED)
    metadata.setdefault("resourceVersion", "1")
    return item


def metadata_only(item: Mapping[str, Any]) -> Manifest:
    """The object as ``PartialObjectMetadata``."""
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": item["metadata"]}
