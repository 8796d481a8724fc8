"""EKS's audit logs in CloudWatch Logs.

Source: the API reference of CloudWatch Logs (FilterLogEvents, DescribeLogGroups) and "Send control plane logs to
CloudWatch Logs" of EKS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from connectors.core.contract import Malformed, Meter
from connectors.core.rates import RateLimit
from connectors.core.reading import decoded, glimpsed
from connectors.kubernetes.client.signin import AwsSession
from connectors.kubernetes.settings import CloudCluster, KubernetesSettings
from connectors.logs.live import Span
from scanner.errors import Denied, SourceError
from scanner.text import printable

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client

T = TypeVar("T")
READ, GROUPS = "logs:FilterLogEvents", "logs:DescribeLogGroups"
_STREAMS: Final = "kube-apiserver-audit"
_PAGE: Final = 10_000
_LATEST: Final = timedelta(minutes=15)
"""The longest delay between a request and its event; of longer requests, an earlier stage is logged in time."""
_FOR_EVER: Final = 36_500
_RATE: Final = 4.0
"""Requests a second. The quota of an account is 5 in the smallest regions."""
_OK, _BAD = 200, 400
_LOAD: Final = frozenset({"ThrottlingException", "LimitExceededException", "ServiceUnavailableException"})
_REFUSED: Final = frozenset({"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"})


class _Group(Struct, frozen=True):
    name: str = field(name="logGroupName", default="")
    days: int | None = field(name="retentionInDays", default=None)


class _Groups(Struct, frozen=True):
    groups: tuple[_Group, ...] = field(name="logGroups", default=())


class _Events(Struct, frozen=True):
    events: list[Raw] = []
    next: str | None = field(name="nextToken", default=None)


class _Logged(Struct, frozen=True):
    message: str = ""


_NO_MESSAGE = _Logged()


class _Requested(Struct, frozen=True):
    at: datetime | None = field(name="requestReceivedTimestamp", default=None)


class _Fault(Struct, frozen=True):
    type: str = field(name="__type", default="")


class CloudWatch:
    """The log groups of clusters, with one client for each region."""

    def __init__(self, settings: KubernetesSettings, meter: Meter) -> None:
        self._settings = settings
        self._meter = meter
        self._regions: dict[str, _Region] = {}

    def days_kept(self, cluster: CloudCluster) -> int:
        """See ``Keeper``. A cluster whose audit log was never enabled has no log group."""
        name = _group_of(cluster)
        found = self._region(cluster).ask("DescribeLogGroups", GROUPS, _Groups, logGroupNamePrefix=name)
        group = next((one for one in found.groups if one.name == name), None)
        if group is None:
            hint = "switch on the log type audit of the cluster"
            raise SourceError(f"there is no log group {printable(name)}", hint=hint)
        return group.days or _FOR_EVER

    def events(self, cluster: CloudCluster, span: Span) -> Iterator[Sequence[Raw]]:
        """The events of requests received in the span. CloudWatch selects them by the time of logging."""
        asked: dict[str, Any] = {
            "logGroupName": _group_of(cluster),
            "logStreamNamePrefix": _STREAMS,
            "startTime": round(span.since.timestamp() * 1000),
            "endTime": round((span.until + _LATEST).timestamp() * 1000),
            "limit": _PAGE,
        }
        seen: set[str] = set()
        while True:
            page = self._region(cluster).ask("FilterLogEvents", READ, _Events, **asked)
            yield [raw for raw in page.events if _is_within(raw, span)]
            if not page.next:
                return
            if page.next in seen:
                raise Malformed("a page links to one that was already read")
            seen.add(page.next)
            asked["nextToken"] = page.next

    def missing(self, cluster: CloudCluster, span: Span) -> None:
        """See ``Keeper``: EKS logs every request, by a policy of its own."""
        del cluster, span

    def _region(self, cluster: CloudCluster) -> _Region:
        name = cluster.parts["region"]
        if name not in self._regions:
            self._regions[name] = _Region(AwsSession(self._settings.profile, name), self._settings, self._meter)
        return self._regions[name]


class _Region:
    """CloudWatch Logs of one region. The signature of a request includes its body."""

    def __init__(self, session: AwsSession, settings: KubernetesSettings, meter: Meter) -> None:
        from connectors.core.http import Client

        self._session = session
        self._url = (settings.endpoint_url or session.host("logs")).rstrip("/")
        self._client: Client = Client(
            self._url,
            headers={},
            meter=meter,
            rate=RateLimit(_RATE, burst=4),
            timeout=settings.timeout,
            insecure_http=settings.insecure_http,
            environment=settings.endpoint_url is None,
            is_throttled=_is_throttled,
        )

    def ask(self, operation: str, permission: str, shape: type[T], **asked: Any) -> T:
        """The answer to an operation. Raises SourceError."""
        from connectors.core.refusals import refusal

        target = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{operation}"}
        signed = self._session.signed("logs", f"{self._url}/", json.dumps(asked).encode(), target)
        response = self._client.request("/", body=asked, headers=signed)
        if response.status_code == _OK:
            found: T = decoded(response.content, shape)
            return found
        fault = _fault(response)
        if fault in _REFUSED:
            raise Denied(f"{permission} is denied ({fault})", permission=permission)
        if response.status_code == _BAD and fault:
            raise SourceError(f"CloudWatch Logs refused {operation}: {fault}")
        raise refusal(response)


def _is_within(raw: Raw, span: Span) -> bool:
    """Whether a request was received in the span. Events without a valid time are left for the reader to refuse."""
    message = glimpsed(raw, _Logged, _NO_MESSAGE).message
    if not message.startswith("{"):
        return True
    try:
        at = msgspec.json.decode(message, type=_Requested).at
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return True
    return at is None or at.tzinfo is None or span.since <= at < span.until


def _group_of(cluster: CloudCluster) -> str:
    return f"/aws/eks/{cluster.parts['name']}/cluster"


def _fault(response: Response) -> str:
    """The error code of a response; empty without one."""
    try:
        name = decoded(response.content, _Fault).type.rpartition("#")[2]
    except SourceError:
        return ""
    return name if name.isalnum() and name.isascii() else ""


def _is_throttled(response: Response) -> bool:
    from connectors.core.refusals import is_throttled

    return is_throttled(response) or (response.status_code == _BAD and _fault(response) in _LOAD)
