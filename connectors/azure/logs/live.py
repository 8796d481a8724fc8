"""Entra's sign-ins and Azure's activity log, requested live.

Source: Microsoft Graph beta, signIns and the functions getSummarized…SignIns of auditLogRoot (v1.0 has no filter for
workloads); the reference of Activity Logs - List; "Microsoft Entra data retention".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import ClassVar

from msgspec import Raw

from connectors.azure.client.api import Params
from connectors.azure.client.errors import NoLicence
from connectors.azure.client.requests import ACTIVITY, SIGN_IN_COUNTS, SIGN_INS
from connectors.azure.connector import AzureConnector
from connectors.core.contract import Connector, Meter, Scope
from connectors.logs.live import Ask, LiveSource, Span, TooMuch, refusal_of
from scanner.errors import SourceError, UsageError

_PAGE = 1000
MOST_PAGES = 100
"""Maximum pages per day. Graph allows five requests in ten seconds."""
_WORKLOADS = "signInEventTypes/any(t: t eq 'servicePrincipal' or t eq 'managedIdentity')"
_VERSION = "2015-04-01"
_SECOND = timedelta(seconds=1)


class _AzureLog(LiveSource):
    def __init__(self, connector: AzureConnector) -> None:
        self._meter = Meter()
        self._connector = connector
        self._api = connector.log_api(self._meter)

    @property
    def calls(self) -> int:
        """See ``LiveSource``."""
        return self._meter.calls


class SignIns(_AzureLog):
    """Sign-ins of workloads in a source's tenant.

    ``most_pages``: pages of single sign-ins per day; beyond that, hourly counts are read.
    """

    settles: ClassVar[timedelta] = timedelta(hours=6)
    kept_by: ClassVar[str] = "Entra"

    def __init__(self, connector: AzureConnector, *, most_pages: int = MOST_PAGES) -> None:
        super().__init__(connector)
        self._most_pages = most_pages

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """See ``LiveSource``: the tenant."""
        yield self._connector.log_tenant

    @property
    def ways(self) -> Sequence[Ask]:
        """See ``LiveSource``."""
        return (self._sign_ins, self._counts)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """See ``LiveSource``: all tenants with a licence are alike."""
        del scope, age
        return 30

    def _sign_ins(self, _: str, span: Span) -> Iterator[Sequence[Raw]]:
        params: Params = {"$filter": f"{_WORKLOADS} and {_within('createdDateTime', span)}", "$top": _PAGE}
        for number, page in enumerate(self._pages(SIGN_INS, params)):
            if number >= self._most_pages:
                raise TooMuch
            yield page

    def _counts(self, _: str, span: Span) -> Iterator[Sequence[Raw]]:
        for path in SIGN_IN_COUNTS:
            yield from self._pages(path, {"$filter": _within("firstSignInDateTime", span)})

    def _pages(self, path: str, params: Params) -> Iterator[Sequence[Raw]]:
        try:
            yield from self._api.graph_pages(path, params=params, beta=True)
        except NoLicence as error:
            raise NoLicence(f"{error}: sign-in logs take Entra ID P1 or P2") from error


class ActivityLog(_AzureLog):
    """The activity logs of a source's subscriptions."""

    settles: ClassVar[timedelta] = timedelta(hours=2)
    kept_by: ClassVar[str] = "Azure"

    def scopes(self) -> Iterator[str | tuple[str, SourceError]]:
        """See ``LiveSource``: the subscriptions. An incomplete list is a gap."""
        found = list(self._connector.log_subscriptions(self._api, self._meter))
        subscriptions = [one.id for one in found if isinstance(one, Scope)]
        gaps = [one for one in found if not isinstance(one, Scope) and one.is_gap]
        if gaps and not subscriptions:
            raise refusal_of(gaps[0])
        yield from ((gap.scope, refusal_of(gap)) for gap in gaps)
        yield from subscriptions

    @property
    def ways(self) -> Sequence[Ask]:
        """See ``LiveSource``."""
        return (self._events,)

    def days_kept(self, scope: str, age: timedelta) -> int:
        """See ``LiveSource``."""
        del scope, age
        return 90

    def _events(self, subscription: str, span: Span) -> Iterator[Sequence[Raw]]:
        wanted = f"eventTimestamp ge '{_first(span)}' and eventTimestamp le '{_last(span)}'"
        path = ACTIVITY.replace("{subscription}", subscription)
        yield from self._api.arm_pages(path, api_version=_VERSION, params={"$filter": wanted})


def _within(name: str, span: Span) -> str:
    return f"{name} ge {_first(span)} and {name} le {_last(span)}"


def _first(span: Span) -> str:
    return f"{span.since:%Y-%m-%dT%H:%M:%SZ}"


def _last(span: Span) -> str:
    """The last time before ``end``: both services support ``le``, not ``lt``, and seven digits of seconds."""
    return f"{span.until - _SECOND:%Y-%m-%dT%H:%M:%S}.9999999Z"


def connector_of(source: Connector | None) -> AzureConnector:
    """The connector. Raises UsageError for one that is not of Azure."""
    if not isinstance(source, AzureConnector):
        raise UsageError("a log without a path is read through a source of type azure: set path, or source")
    return source
