"""Service accounts by google-cloud-iam, whose only protocol is gRPC: the same rows and failures as by REST."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct

from connectors.base import Malformed, Meter
from connectors.budget import current
from connectors.gcp.client import requests as r
from connectors.gcp.client.errors import NotGoogle, Refusal, decoded, read_refusal, source_error
from connectors.gcp.client.requests import Request
from connectors.gcp.client.session import PATIENCE, GcpSession, translated
from scanner.errors import SourceError, Unreachable

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError
    from requests import Response

BY_GRPC = "IAM by gRPC"
"""What is noted of whether it answers."""


def account_pages(session: GcpSession, meter: Meter, project: str, own_project: frozenset[str]) -> Iterator[list[Raw]]:
    """Pages of 100, the most there is. Raises SourceErrors only."""
    from google.protobuf.json_format import MessageToJson

    token = ""
    seen: set[str] = set()
    while True:
        page = _page(session, meter, project, token, own_project)
        yield [Raw(MessageToJson(type(row).pb(row), indent=None).encode()) for row in page.accounts]
        token = page.next_page_token
        if not token:
            return
        if token in seen:
            raise Malformed("the pages of service accounts never end")
        seen.add(token)


def _page(session: GcpSession, meter: Meter, project: str, token: str, own_project: frozenset[str]) -> Any:
    """One page after as many tries as are allowed; the client's own retries know no 429, and are off."""
    from google.api_core.exceptions import GoogleAPICallError

    asked = {"name": f"projects/{project}", "page_size": r.SERVICE_ACCOUNTS.size, "page_token": token}
    pace = session.pace("iam")
    tries = session.tries(BY_GRPC)
    for attempt in range(tries):
        pace.acquire()
        current().check()
        seconds = min(session.settings.timeout, current().left())
        meter.add()
        try:
            with translated():
                pager = session.iam().list_service_accounts(asked, retry=None, timeout=seconds)
                page = next(iter(pager.pages))
        except GoogleAPICallError as error:
            refusal = _refusal(error)
            may_pass = refusal is None or refusal.may_pass
            is_for_load = refusal is not None and refusal.is_for_load
            if is_for_load:
                pace.slow_down()
            if attempt == tries - 1 or not may_pass:
                session.tried(BY_GRPC, in_vain=may_pass and not is_for_load)
                raise _error(error, refusal, own_project) from None
            session.wait(attempt)
        else:
            session.tried(BY_GRPC, in_vain=False)
            current().take(sum(type(row).pb(row).ByteSize() for row in page.accounts))
            return page
    raise AssertionError("the last try returns or raises")


def _refusal(error: GoogleAPICallError) -> Refusal | None:
    """A gRPC failure has the HTTP status that the same refusal has by REST; None where there was no answer."""
    if not isinstance(error.code, int):
        return None
    return Refusal(
        status=int(error.code),
        message=str(error.message),
        reasons=() if error.reason is None else (str(error.reason),),
        metadata={str(name): str(text) for name, text in (error.metadata or {}).items()},
    )


def _error(error: GoogleAPICallError, refusal: Refusal | None, own_project: frozenset[str]) -> SourceError:
    if refusal is None:
        return Unreachable(f"IAM does not answer by gRPC: {type(error).__name__}")
    return source_error(refusal, r.SERVICE_ACCOUNTS, own_project=own_project)


# --- API access: pages and single responses, failures as SourceError, every attempt counted ---
#
# Only requests of the table are sent. google-auth's session retries nothing but an expired token, and Google's own
# clients never a 429, so trying again is ours.

T = TypeVar("T")
Query = Mapping[str, str | tuple[str, ...]]

OK = 200
AWAY = ("unreachable", "unreachables", "missingZones")
"""Where an answer names what the API itself could not look at."""
LONGEST = 2 * PATIENCE
"""After so many seconds a request is tried for the last time, however many tries are left."""
MAX_PAGES = 100_000
"""A listing ends before this, or somebody wants it never to end."""


class Page(Struct, frozen=True, kw_only=True):
    """One page of a listing. ``unreachable``: places that the API itself could not look at."""

    rows: list[Raw]
    unreachable: tuple[str, ...] = ()


class GcpApi:
    """A client for one unit of work. Its methods raise SourceErrors only; one of it serves many threads.

    ``own_project``: id and number of the project that is read, so that "API not enabled" is told from the quota
    project's.
    """

    def __init__(self, session: GcpSession, meter: Meter, *, own_project: Iterable[str] = ()) -> None:
        self._session = session
        self._meter = meter
        self._own_project = frozenset(own_project)

    def counting(self, meter: Meter, *, own_project: Iterable[str] = ()) -> GcpApi:
        """The same way to Google for another project, counted apart."""
        return GcpApi(self._session, meter, own_project=own_project)

    @property
    def session(self) -> GcpSession:
        """What it shares with the other units of its source."""
        return self._session

    def pages(self, request: Request, query: Query | None = None, **places: str) -> Iterator[Page]:
        """A listing, page by page; ``query``: parameters that the request takes besides its fixed ones."""
        assert request.items is not None
        parameters: dict[str, str | tuple[str, ...]] = dict(query or {})
        if request.size is not None:
            parameters[request.sized_by] = str(request.size)
        token: str | None = None
        seen: set[str] = set()
        while True:
            turn = parameters if token is None else {**parameters, "pageToken": token}
            fields = self._asked(request, dict[str, Raw], turn, None, places)
            yield _api_page(request, fields)
            token = _decoded(fields["nextPageToken"], str | None) if "nextPageToken" in fields else None
            if not token:
                return
            if token in seen or len(seen) >= MAX_PAGES:
                raise Malformed(f"{request.method} {request.path}: its pages never end")
            seen.add(token)

    def get(self, request: Request, payload: type[T], query: Query | None = None, **places: str) -> T:
        """One answer, as ``payload``."""
        return self._asked(request, payload, query or {}, None, places)

    def post(self, request: Request, payload: type[T], body: Any, **places: str) -> T:
        """The answer to a question that needs a body."""
        return self._asked(request, payload, {}, body, places)

    def service_accounts(self, project: str) -> Iterator[Page]:
        """A project's service accounts by Google's own client, as REST has them; by REST where IAM is redirected."""
        if self._session.settings.accounts_by_rest:
            yield from self.pages(r.SERVICE_ACCOUNTS, project=project)
            return
        for rows in account_pages(self._session, self._meter, project, self._own_project):
            yield Page(rows=rows)

    def _asked(self, request: Request, payload: type[T], query: Query, body: Any, places: Mapping[str, str]) -> T:
        try:
            route = request.route(places)
        except ValueError as error:
            raise Malformed(str(error)) from None
        url = self._session.base(request, places.get("location")) + route
        taken = {*request.takes, request.sized_by, "pageToken"}
        assert set(query) <= taken, f"{request.path} takes no such parameter"
        answer = self._answer(request, url, _parameters(request, query), body)
        return cast("T", _decoded(answer.content, payload))

    def _answer(self, request: Request, url: str, params: list[tuple[str, str]], body: Any) -> Response:
        """The answer after as many tries as are allowed. Raises SourceError for any other than 200."""
        pace = self._session.pace(request.api)
        host = urlsplit(url).netloc
        names = (host, f"{host} {request.path}")
        tries, begun = self._session.tries(*names), monotonic()
        for attempt in range(tries):
            pace.acquire()
            is_last = attempt == tries - 1 or monotonic() - begun > LONGEST
            response = self._sent(request, url, params, body, names, is_last=is_last)
            if response is None:
                self._session.wait(attempt)
                continue
            if response.status_code == OK:
                self._session.tried(*names, in_vain=False)
                return response
            refusal = _api_refusal(response)
            if refusal.is_for_load:
                pace.slow_down()
            if is_last or not refusal.may_pass:
                self._session.tried(*names, in_vain=refusal.may_pass and not refusal.is_for_load)
                raise source_error(refusal, request, own_project=self._own_project)
            self._session.wait(attempt, _retry_after(response))
        raise AssertionError("the last try returns or raises")

    def _sent(
        self,
        request: Request,
        url: str,
        params: list[tuple[str, str]],
        body: Any,
        names: tuple[str, str],
        *,
        is_last: bool,
    ) -> Response | None:
        """The response to one try; None where there was none and another try is left."""
        from requests.exceptions import RequestException

        host, _ = names
        if self._session.is_silent(host):
            raise Unreachable(f"{host} was not called: it stopped responding")
        self._meter.add()
        try:
            response = self._session.send(request, url, params, body)
        except RequestException as error:
            if is_last:
                self._session.heard(host, answered=False)
                self._session.tried(*names, in_vain=True)
                raise Unreachable(f"{host} does not respond: {type(error).__name__}") from None
            return None
        self._session.heard(host, answered=True)
        return response


def _parameters(request: Request, query: Query) -> list[tuple[str, str]]:
    """Fixed parameters first; one with many values repeats."""
    pairs = list(request.query)
    for name, value in query.items():
        pairs += [(name, value)] if isinstance(value, str) else [(name, one) for one in value]
    return pairs


def _api_refusal(response: Response) -> Refusal:
    if response.is_redirect:
        raise Unreachable("the server redirects elsewhere", hint="give the address it redirects to")
    return read_refusal(response.status_code, response.content)


def _retry_after(response: Response) -> float | None:
    """Seconds; the form with a date is not used by Google."""
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isascii() and asked.isdigit() else None


def _api_page(request: Request, fields: Mapping[str, Raw]) -> Page:
    """Rows lie in a list; Compute's aggregated ones lie in a map by zone."""
    raw = fields.get(request.items or "", Raw(b"[]"))
    rows = _decoded(raw, list[Raw] | dict[str, Raw] | None)
    away = [place for name in AWAY if name in fields for place in _decoded(fields[name], list[str] | None) or ()]
    return Page(rows=list(rows.values()) if isinstance(rows, dict) else rows or [], unreachable=tuple(away))


def _decoded(content: bytes | Raw, payload: Any) -> Any:
    try:
        return decoded(content, payload)
    except msgspec.ValidationError as error:
        raise Malformed(f"a response has an unexpected structure: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotGoogle("unexpected response: not JSON") from None
