"""Google's APIs: pages and single answers, failures as SourceErrors, every attempt counted.

Only requests in the table are sent. They use ``connectors.core.http``, except for service accounts: google-cloud-iam
uses only gRPC, with the same rows and failures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Raw, Struct

from connectors.core.budget import current
from connectors.core.contract import Malformed, Meter
from connectors.core.paging import cursor
from connectors.core.rates import Tried
from connectors.gcp.client import requests as r
from connectors.gcp.client.errors import Reported, answer_as, read_refusal, source_error
from connectors.gcp.client.payloads import LogEntries
from connectors.gcp.client.requests import Request
from connectors.gcp.client.session import GcpSession, translated
from scanner.errors import SourceError, Unreachable

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client

T = TypeVar("T")
Query = Mapping[str, str | tuple[str, ...]]


class GcpPage(Struct, frozen=True, kw_only=True):
    """One page of a listing. ``unreachable``: places that the API itself could not read."""

    rows: list[Raw]
    unreachable: tuple[str, ...] = ()


class _Away(Struct, rename={"missing_zones": "missingZones"}):
    """The member of an answer with places that the API itself could not read."""

    unreachable: list[str] | None = None
    unreachables: list[str] | None = None
    missing_zones: list[str] | None = None


class GcpApi:
    """The client for one unit of work. Its methods only raise SourceErrors. Threads may share it.

    ``own_project``: id and number of the project that is read, to which "API not enabled" may refer instead of the
    quota project.
    """

    def __init__(self, session: GcpSession, meter: Meter, *, own_project: Iterable[str] = ()) -> None:
        self._session = session
        self._meter = meter
        self._own_project = frozenset(own_project)

    def counting(self, meter: Meter, *, own_project: Iterable[str] = ()) -> GcpApi:
        """The same client for another project, with a separate count."""
        return GcpApi(self._session, meter, own_project=own_project)

    @property
    def session(self) -> GcpSession:
        """The session, shared with other units of its source."""
        return self._session

    def pages(self, request: Request, query: Query | None = None, **places: str) -> Iterator[GcpPage]:
        """A listing, page by page; ``query``: parameters besides the fixed ones."""
        assert request.items is not None
        sized: Query = {} if request.size is None else {request.sized_by: str(request.size)}
        client, path = self._way(request, places)
        for page in client.pages(
            path,
            at=f"/{request.items}",
            paging=cursor("/nextPageToken", "pageToken"),
            params=_parameters(request, {**(query or {}), **sized}),
            route=request.path,
            may_lack=True,
        ):
            yield page_of(list(page.rows), page.content)

    def get(self, request: Request, payload: type[T], query: Query | None = None, **places: str) -> T:
        """One answer, as ``payload``."""
        return self._asked(request, payload, query or {}, None, places)

    def post(self, request: Request, payload: type[T], body: Any, **places: str) -> T:
        """The answer to a query with a body."""
        return self._asked(request, payload, {}, body, places)

    def log_entries(self, body: Mapping[str, Any]) -> Iterator[list[Raw]]:
        """Entries of logs, page by page; ``body``: the query. A page may be empty although more follow."""
        asked, seen = dict(body), set[str]()
        while True:
            page = self.post(r.LOG_ENTRIES, LogEntries, asked)
            yield page.entries
            token = page.next_page_token
            if not token:
                return
            if token in seen:
                raise Malformed(f"the pages of {r.LOG_ENTRIES.path} repeat")
            seen.add(token)
            asked["pageToken"] = token

    def service_accounts(self, project: str) -> Iterator[GcpPage]:
        """A project's service accounts, by Google's own client in the form of REST; by REST if IAM is redirected."""
        if self._session.settings.accounts_by_rest:
            yield from self.pages(r.SERVICE_ACCOUNTS, project=project)
            return
        from google.protobuf.json_format import MessageToJson

        token = ""
        seen: set[str] = set()
        while token not in seen:
            seen.add(token)
            once = partial(self._by_grpc, project, token)
            page = self._session.by_grpc.answer(r.SERVICE_ACCOUNTS.path, once, self._session.pace("iam"))
            yield GcpPage(rows=[Raw(MessageToJson(type(row).pb(row), indent=None).encode()) for row in page.accounts])
            token = page.next_page_token
            if not token:
                return
        raise Malformed("the pages of service accounts repeat")

    def _asked(self, request: Request, payload: type[T], query: Query, body: Any, places: Mapping[str, str]) -> T:
        client, path = self._way(request, places)
        params = _parameters(request, query)
        answer = client.received(path, params=params, body=body, method=request.method, route=request.path)
        return cast("T", answer_as(answer.content, payload))

    def _way(self, request: Request, places: Mapping[str, str]) -> tuple[Client, str]:
        """The client of the request's host, and the path there."""
        try:
            path = request.route(places)
        except ValueError as error:
            raise Malformed(str(error)) from None
        client = self._session.client(request, places.get("location"))
        refusal = partial(self._refusal, request)
        return client.with_options(
            meter=self._meter, rate=self._session.pace(request.paced or request.api), refusal=refusal
        ), path

    def _refusal(self, request: Request, response: Response) -> SourceError:
        refused = read_refusal(response.status_code, response.content)
        return source_error(refused, request, own_project=self._own_project)

    def _by_grpc(self, project: str, token: str) -> Tried[Any]:
        """One page, or an error. The client's own retries do not handle 429, and are off."""
        from google.api_core.exceptions import GoogleAPICallError

        asked = {"name": f"projects/{project}", "page_size": r.SERVICE_ACCOUNTS.size, "page_token": token}
        current().check()
        seconds = min(self._session.settings.timeout, current().left())
        self._meter.add()
        try:
            with translated():
                pager = self._session.iam().list_service_accounts(asked, retry=None, timeout=seconds)
                page = next(iter(pager.pages))
        except GoogleAPICallError as error:
            if not isinstance(error.code, int):  # no answer
                silent = Unreachable(f"IAM does not answer by gRPC: {type(error).__name__}")
                return Tried(silent, is_transient=True, has_no_answer=True)
            reported = Reported(  # the HTTP status of the same error by REST
                status=int(error.code),
                message=str(error.message),
                reasons=() if error.reason is None else (str(error.reason),),
                metadata={str(name): str(text) for name, text in (error.metadata or {}).items()},
            )
            refused = source_error(reported, r.SERVICE_ACCOUNTS, own_project=self._own_project)
            return Tried(refused, is_transient=reported.is_transient, is_throttled=reported.is_throttled)
        current().take(sum(type(row).pb(row).ByteSize() for row in page.accounts))
        return Tried(page)


def page_of(rows: list[Raw], content: bytes) -> GcpPage:
    """A page with these rows. ``content``: the whole answer."""
    away: _Away = answer_as(content, _Away)
    named = (away.unreachable, away.unreachables, away.missing_zones)
    return GcpPage(rows=rows, unreachable=tuple(place for places in named for place in places or ()))


def _parameters(request: Request, query: Query) -> dict[str, str | tuple[str, ...]]:
    """Fixed parameters first."""
    assert set(query) <= {*request.takes, request.sized_by}, f"{request.path} takes no such parameter"
    return {**dict(request.query), **query}
