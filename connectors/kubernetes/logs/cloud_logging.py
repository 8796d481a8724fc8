"""GKE's audit logs in Cloud Logging.

Source: the references of entries.list, LogBucket and projects.testIamPermissions, "Quotas and limits" of Cloud Logging,
and "GKE audit logging information". Requests that only read are Data Access logs, which are off by default. Without the
right to read private logs, Google silently returns only the other logs, so permissions are tested first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw, Struct, field

from connectors.core.contract import Malformed, Meter
from connectors.core.rates import RateLimit
from connectors.core.reading import glimpsed
from connectors.kubernetes.client.signin import GoogleSession, TokenSignIn
from connectors.kubernetes.settings import CloudCluster, KubernetesSettings
from connectors.logs.live import Span
from scanner.errors import Denied, SourceError

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client

READ, PRIVATE, BUCKET = "logging.logEntries.list", "logging.privateLogEntries.list", "logging.buckets.get"
_LOGGING: Final = "https://logging.googleapis.com"
_MANAGER: Final = "https://cloudresourcemanager.googleapis.com"
_LOGS: Final = ("activity", "data_access")
_PAGE: Final = 1000
_USUALLY_KEPT: Final = 30
_RATE: Final = 0.4
_AT_ONCE: Final = 30
"""Of the quota of 60 entries.list a minute: a burst of half, then 24 a minute, as for all logs of Google Cloud."""
_FORBIDDEN: Final = 403


class _CloudLoggingGranted(Struct, frozen=True):
    permissions: tuple[str, ...] = ()


class _Bucket(Struct, frozen=True):
    days: int = field(name="retentionDays", default=0)


class _Entries(Struct, frozen=True):
    entries: list[Raw] = []
    next: str = field(name="nextPageToken", default="")


class _CloudLoggingEntry(Struct, frozen=True):
    log: str = field(name="logName", default="")


_NOTHING: Final = _CloudLoggingEntry()


class CloudLogging:
    """The log buckets ``_Default`` of the clusters' projects."""

    def __init__(self, settings: KubernetesSettings, meter: Meter) -> None:
        self._settings = settings
        self._meter = meter
        self._sign_in = TokenSignIn(GoogleSession().token)
        self._clients: dict[str, Client] = {}
        self._with_reads: set[tuple[str, Span]] = set()

    def days_kept(self, cluster: CloudCluster) -> int:
        """See ``Keeper``. The default if the bucket cannot be read. Raises Denied."""
        project = _project(cluster)
        client, body = self._client(_MANAGER), {"permissions": [READ, PRIVATE]}
        granted = client.get(
            "/v3/projects/{project}:testIamPermissions", _CloudLoggingGranted, body=body, project=project
        )
        for one in (READ, PRIVATE):
            if one not in granted.permissions:
                raise Denied(f"audit logs of projects/{project}: {one} is not granted", permission=one)
        path = "/v2/projects/{project}/locations/global/buckets/_Default"
        try:
            return self._client(_LOGGING, BUCKET).get(path, _Bucket, project=project).days or _USUALLY_KEPT
        except Denied:
            return _USUALLY_KEPT

    def events(self, cluster: CloudCluster, span: Span) -> Iterator[Sequence[Raw]]:
        """See ``Keeper``: log entries, as they are."""
        client, asked, seen = self._client(_LOGGING, READ), question(cluster, span), set[str]()
        reads = (cluster.name, span)
        while True:
            page = client.get("/v2/entries:list", _Entries, body=asked)
            if reads not in self._with_reads and any(map(_is_of_data_access, page.entries)):
                self._with_reads.add(reads)
            yield page.entries
            if not page.next:
                return
            if page.next in seen:
                raise Malformed("a page links to one that was already read")
            seen.add(page.next)
            asked = {**asked, "pageToken": page.next}

    def missing(self, cluster: CloudCluster, span: Span) -> str | None:
        """See ``Keeper``. The control plane reads all the time: without any reads, Data Access logs are off."""
        if (cluster.name, span) in self._with_reads:
            return None
        return "no request that reads is logged: Data Access logs of the Kubernetes Engine API are off"

    def _client(self, url: str, permission: str | None = None) -> Client:
        from connectors.core.http import Client

        settings = self._settings
        if url not in self._clients:
            self._clients[url] = Client(
                settings.endpoint_url or url,
                sign_in=self._sign_in,
                meter=self._meter,
                rate=RateLimit(_RATE, burst=_AT_ONCE, limited=url == _LOGGING),
                timeout=settings.timeout,
                insecure_http=settings.insecure_http,
                environment=settings.endpoint_url is None,
            )
        return self._clients[url].with_options(refusal=partial(_refused, permission))


def _is_of_data_access(entry: Raw) -> bool:
    return glimpsed(entry, _CloudLoggingEntry, _NOTHING).log.endswith(_LOGS[1])


def question(cluster: CloudCluster, span: Span) -> dict[str, Any]:
    """The body of a request for the events of one cluster. Raises SourceError."""
    project, parts = _project(cluster), cluster.parts["path"].split("/")
    logs = " OR ".join(f'"projects/{project}/logs/cloudaudit.googleapis.com%2F{kind}"' for kind in _LOGS)
    since, until = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in span)
    return {
        "resourceNames": [f"projects/{project}"],
        "filter": f'logName=({logs}) AND timestamp>="{since}" AND timestamp<"{until}"'
        f' AND resource.type="k8s_cluster" AND resource.labels.cluster_name="{parts[5]}"'
        f' AND resource.labels.location="{parts[3]}" AND protoPayload.serviceName="k8s.io"',
        "orderBy": "timestamp asc",
        "pageSize": _PAGE,
    }


def _project(cluster: CloudCluster) -> str:
    """The project's id. Raises SourceError for a number: names of logs have ids, so the log would seem empty."""
    project = cluster.parts["path"].split("/")[1]
    if project.isdecimal():
        raise SourceError("its log is named by the id of its project", hint="name the cluster with the project's id")
    return project


def _refused(permission: str | None, response: Response) -> SourceError:
    from connectors.core.refusals import refusal

    if response.status_code == _FORBIDDEN and permission is not None:
        return Denied(f"{permission} is denied", permission=permission)
    return refusal(response)
