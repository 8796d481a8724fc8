"""Audit logs of clusters, read live from their cloud: EKS in CloudWatch Logs, GKE in Cloud Logging."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar, Protocol

from msgspec import Raw

from connectors.core.contract import Connector, Meter, Scope
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.logs.cloud_logging import CloudLogging
from connectors.kubernetes.logs.cloudwatch import CloudWatch
from connectors.kubernetes.settings import Cloud, CloudCluster, KubernetesSettings
from connectors.logs.live import Ask, LiveSource, Span, refusal_of
from scanner.errors import SourceError, UsageError


class Keeper(Protocol):
    """A cloud that keeps the audit logs of its clusters. Methods raise SourceErrors."""

    def days_kept(self, cluster: CloudCluster) -> int:
        """Days of retention."""
        ...

    def missing(self, cluster: CloudCluster, span: Span) -> str | None:
        """The gap in the log for a span that was read, as text; None if there is none."""
        ...

    def events(self, cluster: CloudCluster, span: Span) -> Iterator[Sequence[Raw]]:
        """The events of requests in the span, page by page."""
        ...


class ClusterLogs(LiveSource):
    """The audit logs of a source's clusters, each by its uid."""

    settles: ClassVar[timedelta] = timedelta(hours=2)
    kept_by: ClassVar[str] = "the log of its cloud"

    def __init__(self, connector: KubernetesConnector, settings: KubernetesSettings) -> None:
        self._connector = connector
        self._settings = settings
        self._meter = Meter()
        self._lock = threading.Lock()
        self._clusters: dict[str, CloudCluster] = {}
        self._kept: dict[str, int] = {}
        self._keepers: dict[Cloud, Keeper] = {
            "aws": CloudWatch(settings, self._meter),
            "gcp": CloudLogging(settings, self._meter),
        }

    @property
    def calls(self) -> int:
        """See ``LiveSource``."""
        return self._meter.calls

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """See ``LiveSource``: clusters of EKS and GKE. The cluster itself reports its uid."""
        for record in self._connector.scopes():
            if not isinstance(record, Scope):
                yield record.scope, refusal_of(record)
                continue
            cluster = self._settings.of_clouds[str(record.context)]
            self._clusters[record.id] = cluster
            if cluster.cloud in self._keepers:
                yield record.id
            else:
                hint = "give the path of files that diagnostic settings wrote"
                yield record.id, SourceError("its audit log is read from files", hint=hint)

    @property
    def ways(self) -> Sequence[Ask]:
        """See ``LiveSource``."""
        return (self._events,)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """See ``LiveSource``."""
        del age
        cluster = self._clusters[scope]
        with self._lock:
            if scope not in self._kept:
                self._kept[scope] = self._keepers[cluster.cloud].days_kept(cluster)
            return self._kept[scope]

    def missing(self, scope: str, span: Span) -> str | None:
        """See ``LiveSource``."""
        cluster = self._clusters[scope]
        return self._keepers[cluster.cloud].missing(cluster, span)

    def _events(self, scope: str, span: Span) -> Iterator[Sequence[Raw]]:
        cluster = self._clusters[scope]
        return self._keepers[cluster.cloud].events(cluster, span)


def asked(source: Connector | None) -> ClusterLogs:
    """The logs of a source. Raises UsageError if the source names no cluster of a cloud."""
    if not isinstance(source, KubernetesConnector) or not source.settings.of_clouds:
        raise UsageError(
            "a log without a path is read through a source of type kubernetes with the cluster's name in its cloud",
            hint="set path, or cluster of the source",
        )
    return ClusterLogs(source, source.settings)
