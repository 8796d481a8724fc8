"""Kubernetes Engine clusters and node pools: the accounts of nodes, which pods without an identity use too (pure).

Source: the Kubernetes Engine API's Cluster and NodePool. With ``GKE_METADATA``, pods cannot use the account of their
node; the policies of service accounts say which accounts they use instead.
"""

from __future__ import annotations

import re

from msgspec import Raw, Struct

from connectors.core.reading import Moment, in_utc
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.compute import account_or_default
from connectors.gcp.workloads.records import Details, known, path_in, short_scopes
from scanner.model.attributes import RUNS_IN, SIGNS_TOKENS_AS

HIDING = "GKE_METADATA"
_ZONES = re.compile(r"/(?:zones|regions)/")
"""A cluster's issuer has ``locations`` where its own link has ``zones`` or ``regions``."""


class _Metadata(Struct, frozen=True, kw_only=True):
    mode: str = ""


class _Nodes(Struct, frozen=True, kw_only=True, rename="camel"):
    service_account: str = ""
    oauth_scopes: list[str] = []
    workload_metadata_config: _Metadata = _Metadata()


class NodePool(Struct, kw_only=True, rename="camel"):
    """A node pool. Its ``self_link`` includes its cluster."""

    name: str
    self_link: str = ""
    config: _Nodes = _Nodes()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        within = path_in(self.self_link).partition("/nodePools/")[0]
        cluster = within.rpartition("/clusters/")[2]
        mode = self.config.workload_metadata_config.mode
        return Details(
            name=f"{cluster}/{self.name}" if cluster else self.name,
            accounts=(account_or_default(self.config.service_account, project),),
            attributes=known(
                scopes=short_scopes(self.config.oauth_scopes),
                pods_reach_account=mode != HIDING,
                **{RUNS_IN: f"//container.googleapis.com/{within}" if cluster else None},
            ),
        )


class _Flag(Struct, frozen=True, kw_only=True):
    enabled: bool = False


class _Workloads(Struct, frozen=True, kw_only=True, rename="camel"):
    workload_pool: str = ""


class _Autoscaling(Struct, frozen=True, kw_only=True, rename="camel"):
    autoprovisioning_node_pool_defaults: _Nodes | None = None


class Cluster(Struct, kw_only=True, rename="camel"):
    """A cluster. It runs as the account of the nodes that it provisions automatically, if it does."""

    name: str
    self_link: str = ""
    create_time: Moment | None = None
    resource_labels: dict[str, str] = {}
    workload_identity_config: _Workloads = _Workloads()
    autopilot: _Flag = _Flag()
    autoscaling: _Autoscaling = _Autoscaling()
    node_pools: list[Raw] = []

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        nodes = self.autoscaling.autoprovisioning_node_pool_defaults
        if nodes is None and self.autopilot.enabled:
            nodes = _Nodes()
        return Details(
            name=self.name,
            accounts=() if nodes is None else (account_or_default(nodes.service_account, project),),
            created_at=in_utc(self.create_time),
            labels=self.resource_labels,
            attributes=known(
                workload_pool=self.workload_identity_config.workload_pool,
                autopilot=self.autopilot.enabled or None,
                **{SIGNS_TOKENS_AS: self._issuers or None},
            ),
        )

    @property
    def _issuers(self) -> list[str]:
        """The cluster's own issuer, and the workload identity pool that the clusters of its project share."""
        pool = self.workload_identity_config.workload_pool
        return [one for one in (_ZONES.sub("/locations/", self.self_link), pool) if one]
