"""Settings of a Kubernetes source in config.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from connectors.core.address import check_url
from scanner.redaction.redact import SecretRef

Cloud: TypeAlias = Literal["aws", "gcp", "azure"]
_PATTERNS: Final[Mapping[Cloud, re.Pattern[str]]] = {
    "aws": re.compile(r"arn:[\w-]+:eks:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):cluster/(?P<name>[\w-]{1,100})"),
    "gcp": re.compile(
        r"(?://container\.googleapis\.com/)?"
        r"(?P<path>projects/[a-z0-9:.-]+/(?:locations|zones|regions)/[a-z0-9-]+/clusters/[a-z0-9-]+)"
    ),
    "azure": re.compile(
        r"(?P<path>/subscriptions/[0-9a-f-]{36}/resourcegroups/[\w().-]{1,90}/providers/"
        r"microsoft\.containerservice/managedclusters/[\w-]{1,63})",
        re.IGNORECASE,
    ),
}


class CloudCluster(NamedTuple):
    """A cluster by its name in a cloud: an ARN, a resource name of Google, or a resource id of Azure."""

    cloud: Cloud
    name: str
    parts: Mapping[str, str]


def cluster_named(name: str) -> CloudCluster:
    """The cluster of that name. Raises ValueError."""
    for cloud, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(name):
            return CloudCluster(cloud, name, found.groupdict())
    raise ValueError(
        f"{name!r} names no cluster: give an ARN (arn:aws:eks:…:cluster/NAME), a resource name (projects/…/locations/…/"
        "clusters/NAME) or a resource id (/subscriptions/…/managedClusters/NAME)"
    )


class KubernetesSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contexts of a kubeconfig, clusters of a cloud, an API server, the cluster that Muster runs in, or files.

    ``kubeconfig``: a file; by default what KUBECONFIG names, else ~/.kube/config. Only a file named here may run a
    program to sign in. ``context``: one context, ``contexts``: several; by default the current one. ``cluster``,
    ``clusters``: of EKS, GKE or AKS, by ARN, resource name or resource id, with the sign-in of the cloud's own session.
    ``profile``: of the AWS command line; ``endpoint_url``: the cloud's API at another address. ``url``: an API server,
    with ``token``, verified by ``ca_file``. ``insecure_http``: allow plain HTTP to other machines. ``from_files``: a
    folder with the output of ``kubectl get PLURAL -A -o json``. ``secrets``: also list names and dates of token
    secrets, which takes a right to list secrets. ``aws_auth``: also read the AWS identities that a config map maps.
    ``argocd``: the namespace of Argo CD, to also read local accounts from its config map. ``backoff``: seconds before
    the second attempt of a request, doubled each time. ``timeout``: seconds for one attempt.
    """

    kubeconfig: str | None = None
    context: str | None = None
    contexts: tuple[str, ...] = ()
    cluster: str | None = None
    clusters: tuple[str, ...] = ()
    profile: str | None = None
    endpoint_url: str | None = None
    in_cluster: bool = False
    url: str | None = None
    token: SecretRef = SecretRef(env="KUBERNETES_TOKEN")
    ca_file: str | None = None
    insecure_http: bool = False
    from_files: str | None = None
    secrets: bool = False
    aws_auth: bool = False
    argocd: str | None = None
    backoff: float = 0.5
    timeout: float = 30

    def __post_init__(self) -> None:
        if self.context is not None and self.contexts:
            raise ValueError("give either context or contexts")
        if self.cluster is not None and self.clusters:
            raise ValueError("give either cluster or clusters")
        ways = (self.kubeconfig is not None or self.context is not None or bool(self.contexts), self.in_cluster)
        if sum((*ways, bool(self.of_clouds), self.url is not None, self.from_files is not None)) > 1:
            raise ValueError("give one of: a kubeconfig with its contexts, clusters, url, in_cluster, from_files")
        if not self.of_clouds and (self.profile, self.endpoint_url) != (None, None):
            raise ValueError("profile and endpoint_url belong to cluster or clusters")
        for address in filter(None, (self.url, self.endpoint_url)):
            check_url(address, insecure_http=self.insecure_http)
        if self.timeout <= 0 or self.backoff < 0:
            raise ValueError("timeout must be positive, and backoff not negative")

    @property
    def files(self) -> tuple[Path, ...]:
        """The kubeconfig's files."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        parts = (named,) if self.kubeconfig else tuple(filter(None, named.split(os.pathsep)))
        return tuple(Path(part).expanduser() for part in parts)

    @property
    def of_clouds(self) -> Mapping[str, CloudCluster]:
        """The clusters that are given by their name in a cloud. Raises ValueError."""
        named = self.clusters or ((self.cluster,) if self.cluster is not None else ())
        return {name: cluster_named(name) for name in named}

    @property
    def wanted(self) -> tuple[str | None, ...]:
        """The clusters or contexts to read; None is the current context."""
        return tuple(self.of_clouds) or self.contexts or (self.context,)
