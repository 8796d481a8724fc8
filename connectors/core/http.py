"""A client for JSON APIs.

:class:`Client` is all that a connector for a JSON API needs: it sends requests to one host, and no answer can redirect
it to another. A connector for an API with several hosts creates a client for each. urllib3 and requests come with the
extras, so import this module when a client is created.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import copy
from hashlib import sha256
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote

from msgspec import Raw
from requests import PreparedRequest, Response, Session
from requests.exceptions import InvalidHeader, InvalidSchema, InvalidURL, MissingSchema, RequestException, Timeout
from urllib3 import Retry
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

from connectors.core.address import check_url, is_loopback, origin_of, shown_origin
from connectors.core.budget import MEBIBYTE, current
from connectors.core.contract import Malformed, Meter, SectionReading, own_words
from connectors.core.etags import MemoryCache, Received, ResponseCache
from connectors.core.paging import NO_PARAMS, Next, Page, Paging, Params, pointed
from connectors.core.rates import RateLimit, Retries, Tried
from connectors.core.reading import Decode, decoded
from connectors.core.refusals import NOT_MODIFIED, OK, TRANSIENT, UNAUTHORIZED, is_throttled, refusal
from connectors.core.transport import BoundedAdapter, bound_session
from scanner.errors import SourceError, Unreachable

T = TypeVar("T")

ATTEMPTS = 4
"""Maximum attempts for one request."""
BACKOFF = 0.5
"""Seconds before the second attempt, plus or minus half; doubled each time. ``Retry-After`` takes precedence."""
TIMEOUTS = 2
"""Maximum attempts that time out, because each takes the whole timeout."""
CACHE_BYTES = 16 * MEBIBYTE
"""Size of the cache of answers with ETags."""
_REASONS = {
    "ConnectTimeout": "connecting timed out",
    "ReadTimeout": "no response in time",
    "SSLError": "TLS failed",
    "ProxyError": "the proxy cannot be reached",
    "gaierror": "its name cannot be resolved",
    "ConnectionRefusedError": "connection refused",
    "ConnectionResetError": "the connection was closed",
    "RemoteDisconnected": "the connection was closed",
}
"""Messages for exceptions, whose own text would contain the whole URL."""
_REACH = "check the address, and that this machine can reach it"
_WAITS = {"retry-after": 1.0, "retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001}
"""Headers with the time to wait, and their unit in seconds."""
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)
_RESETS = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_PLACE = re.compile(r"\{(\w+)\}")
_THIS_CENTURY = 10**9


class SignIn(Protocol):
    """Credentials that are obtained on first use. Threads share them."""

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """The headers of a request. Raises SourceError if there are no credentials."""
        ...

    def renewed(self, refused: Response) -> bool:
        """Whether there are new credentials after a 401, so that the request is repeated."""
        ...


class Client:
    """The client of one source for one JSON API over HTTP. Threads share it; its methods raise SourceErrors only.

    ``url``: the API's address. No request leaves its scheme, host and port, whatever an answer contains, and redirects
    are not followed, so the credentials in ``headers`` and of ``sign_in`` are sent nowhere else. ``meter``: counts
    requests, including retries. ``rate``: the limit that applies after the API has throttled. ``attempts``,
    ``failures``, ``backoff``: see :class:`connectors.core.rates.Retries`. ``timeout``: seconds without a byte.
    ``transient_statuses``: statuses after which a request is repeated; ``is_throttled``: returns whether an answer
    throttles, so that the request is repeated; ``on_response``: called with every answer. ``decode``: parses JSON, by
    default ``decoded``. ``cache_bytes``: size of the cache of answers with ETags; ``cache``: another cache, which
    outlives this client. ``workers``: pooled connections. ``client_certificate``: files of a certificate and its key,
    to sign in with TLS. ``environment``: whether requests beyond this machine use the proxies and certificates of the
    environment. Shapes are msgspec Structs: fields that they do not name are dropped while parsing.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        sign_in: SignIn | None = None,
        meter: Meter | None = None,
        rate: RateLimit | None = None,
        attempts: int = ATTEMPTS,
        failures: int | None = None,
        backoff: float = BACKOFF,
        timeout: float = 30.0,
        decode: Decode = decoded,
        cache_bytes: int = CACHE_BYTES,
        cache: ResponseCache | None = None,
        ca_file: str | None = None,
        client_certificate: tuple[str, str] | None = None,
        insecure_http: bool = False,
        workers: int = 64,
        transient_statuses: Collection[int] = TRANSIENT,
        is_throttled: Callable[[Response], bool] = is_throttled,
        on_response: Callable[[Response], None] | None = None,
        environment: bool = True,
    ) -> None:
        try:
            check_url(url, insecure_http=insecure_http)
        except ValueError as error:
            raise SourceError(f"the address of the API: {error}") from None
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable() and value == value.strip()):
                raise SourceError(f"the header {name} holds invalid characters", hint="check the secret")
        self.url = url.rstrip("/")
        self.meter = Meter() if meter is None else meter
        self.rate = RateLimit(5, burst=5) if rate is None else rate
        self.refusal: Callable[[Response], SourceError] = refusal
        self._origin = origin_of(parse_url(url))
        self._sign_in = sign_in
        self._timeout = timeout
        self._transient_statuses = transient_statuses
        self._is_throttled = is_throttled
        self._on_response = on_response
        self._decode = decode
        self._retries = Retries(shown_origin(self._origin), attempts=attempts, backoff=backoff, failures=failures)
        self._cache: ResponseCache = MemoryCache(cache_bytes) if cache is None else cache
        self.session = self._made_session(headers, ca_file, workers, environment=environment)
        self.session.cert = client_certificate

    def with_options(
        self,
        *,
        meter: Meter | None = None,
        rate: RateLimit | None = None,
        refusal: Callable[[Response], SourceError] | None = None,
    ) -> Self:
        """A client for the same API with its own meter or rate; ``refusal``: the error for a status other than 200.

        Connections, records of failures, and cached answers are shared.
        """
        other = copy(self)
        other.meter = meter or self.meter
        other.rate = rate or self.rate
        other.refusal = refusal or self.refusal
        return other

    def request(
        self,
        path: str,
        *,
        method: str = "",
        params: Params = NO_PARAMS,
        body: Any = None,
        headers: Mapping[str, str | bytes] = {},
        route: str = "",
        **places: str,
    ) -> Response:
        """Send a request and return the final answer, whatever its status, for APIs with their own verbs or errors.

        ``path``: below the API's address, or a URL of the API from an answer. ``method``: by default GET, or POST with
        a ``body``. ``route``: the path with placeholders, if ``path`` contains names. Raises Unreachable without an
        answer, Throttled if the API requires too long a pause.
        """
        url = self._address(_path(path, places) if places else path)
        self._check(url)
        method = method or ("GET" if body is None else "POST")
        timeouts = 0

        def once() -> Tried[Response]:
            nonlocal timeouts
            response = self._sent(method, url, params, body, headers)
            if isinstance(response, Response) and self._is_renewed(response):
                response = self._sent(method, url, params, body, headers)
            if isinstance(response, Exception):
                timeouts += isinstance(response, Timeout)
                silent = Unreachable(f"{shown_origin(self._origin)} does not respond: {_reason(response)}", hint=_REACH)
                return Tried(silent, is_transient=timeouts < TIMEOUTS, has_no_answer=True)
            if self._on_response is not None:
                self._on_response(response)
            is_throttled = self._is_throttled(response)
            if is_throttled or response.status_code in self._transient_statuses:
                return Tried(response, is_transient=True, is_throttled=is_throttled, seconds=_seconds_asked(response))
            return Tried(response)

        return self._retries.answer(route or path, once, self.rate)

    def get(self, path: str, shape: type[T], *, params: Params = NO_PARAMS, body: Any = None, **places: str) -> T:
        """One answer, as ``shape``: ``get("/orgs/{org}", Org, org=name)``.

        With a ``body`` it is a POST that only reads. ``places``: names for the placeholders in the path, quoted, so
        that no name leads to another path.
        """
        answer = self.received(_path(path, places), params=params, body=body, route=path)
        found: T = self._decode(answer.content, shape)
        return found

    def rows(
        self,
        path: str,
        row: type[T],
        section: SectionReading,
        *,
        at: str = "",
        paging: Paging | None = None,
        params: Params = NO_PARAMS,
        **places: str,
    ) -> Iterator[T]:
        """The rows of a listing, page by page.

        ``at``: JSON pointer to the list, such as ``/items``; otherwise the answer is the list. A row of another shape
        is a gap of that row only, reported by the section. Pages that lead in a circle end the section.
        """
        pages = self.pages(_path(path, places), at=at, paging=paging, params=params, route=path)
        yield from self.rows_of(pages, row, section)

    def rows_of(self, pages: Iterable[Page], row: type[T], section: SectionReading) -> Iterator[T]:
        """The rows of pages, see ``rows``."""
        for page in pages:
            for place, raw in enumerate(page.rows):
                try:
                    one: T = self._decode(raw, row)
                except SourceError as error:
                    section.malformed(f"{place + 1} of page {page.number + 1}", str(error))
                else:
                    yield one

    def pages(
        self,
        path: str,
        *,
        at: str = "",
        paging: Paging | None = None,
        params: Params = NO_PARAMS,
        route: str = "",
        may_lack: bool = False,
    ) -> Iterator[Page]:
        """A listing, page by page, with undecoded rows, from a list or from an object by name.

        ``path`` and ``route``: see ``request``. ``may_lack``: an answer without the list is an empty page. Raises
        Malformed for pages that lead in a circle.
        """
        following: Next = (path, params)
        seen: set[object] = set()
        for number in count():
            if following is None:
                return
            url, asked = self._address(following[0]), following[1]
            answer = self.received(url, params=asked, route=route)
            raws: list[Raw] | dict[str, Raw] | None = pointed(
                answer.content, at, list[Raw] | dict[str, Raw] | None, self._decode
            )
            if raws is None and not may_lack:
                raise Malformed(f"a response has no list at {at or 'its root'}")
            rows = list(raws.values()) if isinstance(raws, dict) else raws or []
            page = Page(url=url, params=asked, content=answer.content, number=number, link=answer.link, rows=rows)
            yield page
            following = paging(page) if paging is not None else None
            # A server that ignores the parameter returns the same page for ever.
            turn = {_key(url, asked), *([sha256(answer.content).digest()] if rows else [])}
            if not seen.isdisjoint(turn):
                raise Malformed(f"the pages of {own_words(route or path)} repeat")
            seen |= turn

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _made_session(
        self, headers: Mapping[str, str], ca_file: str | None, workers: int, *, environment: bool
    ) -> Session:
        check = self._check

        class Pinned(BoundedAdapter):
            """The last check before sending: a request to another address is refused."""

            def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
                check(request.url or "")
                return super().send(request, *args, **kwargs)

        session = Session()
        session.headers.update({"Accept": "application/json", **headers})
        session.auth = lambda prepared: prepared  # else ~/.netrc would replace the credentials
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Requests to this machine use no proxy.
        session.trust_env = environment and not is_loopback(self._origin[1].strip("[]"))
        session.verify = True if ca_file is None else ca_file
        return bound_session(session, Pinned(pool_maxsize=workers))

    def _address(self, path: str) -> str:
        return self.url + path if path.startswith("/") or not path else path

    def _check(self, url: str) -> None:
        """Raise SourceError for a URL outside the API's address."""
        try:
            parts = parse_url(url)
            origin, has_user = origin_of(parts), parts.auth is not None
        except (LocationParseError, ValueError):
            raise Malformed("a response contains an invalid address") from None
        if origin != self._origin or has_user:
            own = shown_origin(self._origin)
            raise SourceError(
                f"a response links to another address, {own_words(shown_origin(origin))}: not requested",
                hint=f"only {own} is called; if it is the API's own, give it as the source's url",
            )

    def received(self, path: str, *, params: Params, body: Any = None, method: str = "", route: str) -> Received:
        """The answer with status 200, or the cached one after 304. Raises SourceError for any other status."""
        key = _key(path, params) if method in ("", "GET") and body is None else ""
        known = self._cache.get(key, route)
        headers = {} if known is None else {"If-None-Match": known.etag}
        response = self.request(path, params=params, body=body, method=method, headers=headers, route=route)
        if response.status_code == NOT_MODIFIED and known is not None:
            return known
        if response.status_code != OK:
            raise refusal(response) if response.is_redirect else self.refusal(response)
        link = response.links.get("next", {}).get("url")
        answer = Received(response.headers.get("ETag", ""), response.content, link)
        self._cache.put(key, answer, route)
        return answer

    def _sent(
        self, method: str, url: str, params: Params, body: Any, headers: Mapping[str, str | bytes]
    ) -> Response | Exception:
        """Send one request; returns its answer, or the error."""
        signed = {} if self._sign_in is None else self._sign_in.headers(method, url)
        current().check()
        self.meter.add()
        try:
            return self.session.request(
                method,
                url,
                params=params,
                json=body,
                headers={**headers, **signed},
                allow_redirects=False,  # redirects would send the credentials to any host
                timeout=self._timeout,
            )
        except (InvalidURL, MissingSchema, InvalidSchema, InvalidHeader, UnicodeError) as error:
            raise Malformed(f"the request is invalid ({type(error).__name__})") from None
        except (RequestException, HTTPError) as error:
            return error

    def _is_renewed(self, response: Response) -> bool:
        return response.status_code == UNAUTHORIZED and self._sign_in is not None and self._sign_in.renewed(response)


def _key(url: str, params: Params) -> str:
    """The cache key of a request."""
    return repr((url, *sorted(params.items())))


def _reason(error: Exception) -> str:
    """The reason for a missing response, from the first known exception in the chain of causes."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    names = [type(one).__name__ for one in chain]
    return next((_REASONS[name] for name in names if name in _REASONS), names[0])


def _path(template: str, places: Mapping[str, str]) -> str:
    def quoted(match: re.Match[str]) -> str:
        value = places[match[1]]
        if value in ("", ".", ".."):
            raise Malformed(f"{value!r} is not allowed in a URL")
        return quote(value, safe="", errors="surrogatepass")

    return _PLACE.sub(quoted, template)


def _seconds_asked(response: Response) -> float | None:
    """Seconds to wait, from a header with seconds, a date, or the time of reset; None if there is none."""
    headers = response.headers
    for name, unit in _WAITS.items():
        if _NUMBER.fullmatch(headers.get(name, "")):
            return float(headers[name]) * unit
    try:
        if "retry-after" in headers:
            return max(0.0, Retry().parse_retry_after(headers["retry-after"]))
    except (HTTPError, ValueError, OverflowError):
        return None
    reset = next((response.headers[name] for name in _RESETS if name in response.headers), "")
    if response.headers.get("x-ratelimit-remaining", "0").strip() != "0" or not re.fullmatch(r"\d{1,12}", reset):
        return None
    return max(0.0, int(reset) - time.time()) if int(reset) > _THIS_CENTURY else float(reset)
