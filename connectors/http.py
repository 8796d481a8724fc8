"""HTTP answers that are taken in by pieces, each of which the current budget pays for.

Every SDK here speaks HTTP through urllib3, most of them through requests. What a connection reads from its socket is
looked at as it comes, status line and headers included: a server that sends a byte now and then never runs into a
time-out of the socket. What requests unpacks is looked at once more, unpacked.

:class:`Client` is all that a connector for a JSON API needs: it asks one host, and no answer can send it to another.

urllib3 and requests come with the extras, so this module is imported when a client is made.
"""

from __future__ import annotations

import http.client
import io
import random
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from http.cookiejar import DefaultCookiePolicy
from typing import Annotated, Any, Self, TypeAlias, TypeVar
from urllib.parse import quote, urljoin

import msgspec
from msgspec import Meta, Raw, Struct
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader, InvalidSchema, InvalidURL, MissingSchema, RequestException, Timeout
from urllib3 import Retry
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

from connectors.address import check_url, is_loopback
from connectors.base import Gone, Malformed, Meter, SectionReading, own_words
from connectors.budget import MEBIBYTE, Answer, current, pause
from connectors.rates import RateLimit
from connectors.reading import decoded
from scanner.errors import Denied, SourceError, Throttled, Unreachable

T = TypeVar("T")
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A time in a payload. One without a zone is malformed: it could not be compared with any other."""

PIECE = 64 * 1024
"""Bytes that are read, or unpacked, at once."""
ATTEMPTS = 4
"""How often a request is sent at most."""
BACKOFF = 0.5
"""Seconds before the second try, give or take half; doubled each time. A ``Retry-After`` goes before it."""
PATIENCE = 120.0
"""Seconds that a ``Retry-After`` is obeyed; who asks for more ends the section, and is not asked again too early."""
TIMEOUTS = 2
"""So many tries without an answer in time, and the request is not sent again: each costs the whole time-out."""
SILENCES = 3
"""After so many requests in a row without an answer the host counts as gone, and is not asked again."""
KEPT = 16 * MEBIBYTE
"""Bytes of answers that a client keeps with their ETags."""
OK, NOT_MODIFIED, UNAUTHORIZED, FORBIDDEN, TOO_MANY = 200, 304, 401, 403, 429
MAY_PASS = (429, 500, 502, 503, 504)
"""Statuses that another try may not meet again."""
_REASONS = {"ConnectTimeout": "connecting timed out", "ReadTimeout": "no response in time", "SSLError": "TLS failed"}
"""In place of an exception's name; its text would hold the whole address."""
_ABSENT = (404, 410)
_RESETS = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_PORTS = {"http": 80, "https": 443}
_PLACE = re.compile(r"\{(\w+)\}")
_THIS_CENTURY = 10**9


class _Pieces(io.RawIOBase):
    """A socket's bytes, as long as the answer may take."""

    def __init__(self, sock: Any, answer: Answer) -> None:
        self._sock = sock
        self._raw: io.RawIOBase = sock.makefile("rb", buffering=0)
        self._answer = answer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._answer.seconds()
        usual = self._sock.gettimeout()
        if usual is not None and usual <= seconds:
            size = self._raw.readinto(buffer)
        else:
            self._sock.settimeout(seconds)
            try:
                size = self._raw.readinto(buffer)
            except TimeoutError:
                time.sleep(0.001)  # clocks are not as fine as the time-out
                self._answer.seconds()
                raise
            finally:
                self._sock.settimeout(usual)
        self._answer.take(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """As much of a socket as an answer needs."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Pieces(self._sock, current().answer()), PIECE)


class _PaidFor(http.client.HTTPResponse):
    """An answer that begins to cost once its request is out."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Socket(sock), *args, **kwargs)  # type: ignore[arg-type]  # it takes nothing but a file of it


@cache
def _bounded(pool: type[Any]) -> type[Any]:
    """The kind of pool, with connections that are no longer tried, and answers no longer read, than may be."""
    usual = pool.ConnectionCls

    class Connection(usual):  # type: ignore[misc, valid-type]  # which class, is known at run time
        response_class = _PaidFor
        timeout: Any

        def connect(self) -> None:
            budget = current()
            budget.check()
            if isinstance(self.timeout, int | float):
                self.timeout = min(self.timeout, max(0.001, budget.left()))
            super().connect()

        def request(self, *args: Any, **kwargs: Any) -> Any:
            current().check()
            return super().request(*args, **kwargs)

    return type(f"Bounded{pool.__name__}", (pool,), {"ConnectionCls": Connection})


def bound(manager: Any) -> None:
    """Make whatever a pool manager of urllib3 connects to pay for its answers."""
    kinds = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bounded(kind) for scheme, kind in kinds.items()}


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests that takes in a whole answer, within the budget, before it hands it on."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        known = set(self.proxy_manager)
        manager = super().proxy_manager_for(*args, **kwargs)
        if self.proxy_manager.keys() - known:
            bound(manager)
        return manager

    def send(self, request: PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any) -> Response:
        del stream
        budget = current()
        budget.check()
        response = super().send(request, True, *args, **kwargs)
        answer, content = budget.answer(), bytearray()
        try:
            for piece in response.iter_content(PIECE):
                answer.take(len(piece))
                content += piece
        except SourceError:
            content.clear()  # else whoever keeps the error would keep this, by its traceback
            response.close()
            raise
        budget.take(len(content))
        response._content = bytes(content)  # noqa: SLF001  # as its own `content` would, without a limit
        return response


def bound_session(session: Session, adapter: BoundedAdapter | None = None) -> Session:
    """The session, with all that it sends going through such an adapter."""
    one = adapter or BoundedAdapter()
    session.mount("https://", one)
    session.mount("http://", one)
    return session


class Page(Struct, frozen=True, kw_only=True):
    """One page of a listing, for whoever says where the next one is.

    ``number``: from 0. ``link``: the address in its header ``Link`` with ``rel="next"``. ``rows``: how many it has.
    """

    url: str
    params: Mapping[str, str]
    content: bytes
    number: int
    link: str | None
    rows: int


Next: TypeAlias = tuple[str, Mapping[str, str]] | None
"""The address of the next page and what is asked of it; None after the last one."""
Paging: TypeAlias = Callable[[Page], Next]


def link_header(page: Page) -> Next:
    """``Link: <…>; rel="next"``, as GitHub, GitLab and Okta have it."""
    return None if page.link is None else (_joined(page.url, page.link), {})


def next_link(at: str) -> Paging:
    """The next page's address stands in the answer: ``next_link("/@odata.nextLink")``. ``at``: a JSON pointer."""

    def following(page: Page) -> Next:
        address = pointed(page.content, at, str | None)
        return (_joined(page.url, address), {}) if address else None

    return following


def cursor(at: str, param: str) -> Paging:
    """A token in the answer is sent with the next request: ``cursor("/metadata/continue", "continue")``."""

    def following(page: Page) -> Next:
        token: str | int | None = pointed(page.content, at, str | int | None)
        return None if token in (None, "") else (page.url, {**page.params, param: str(token)})

    return following


def page_number(param: str = "page", *, first: int = 1) -> Paging:
    """Pages are numbered. The first empty page ends it: a server may give fewer rows than it was asked for."""

    def following(page: Page) -> Next:
        return (page.url, {**page.params, param: str(first + page.number + 1)}) if page.rows else None

    return following


def pointed(content: bytes | Raw, at: str, shape: Any) -> Any:
    """What stands at a JSON pointer, as ``shape``; None where nothing does. Raises Malformed or Unreachable."""
    part: bytes | Raw = content
    for step in at.split("/")[1:]:
        fields = decoded(part, dict[str, Raw] | None) or {}
        if step not in fields:
            return None
        part = fields[step]
    return decoded(part, shape)


class _Kept(Struct, frozen=True):
    """An answer as it was: its ETag, body, and link to the next page."""

    etag: str | None
    content: bytes
    link: str | None


class Client:
    """One source's way to one JSON API over HTTP. Threads share it; its methods raise SourceErrors only.

    ``url``: the API's address. Whatever an answer says, no request leaves its scheme, host and port, and redirects are
    not followed, so the credentials in ``headers`` reach nobody else. ``meter``: counts what is sent, retries included.
    ``rate``: what it is held to once the API has refused for load. ``timeout``: seconds without a byte.
    ``may_pass``: the statuses after which a request is sent again. ``environment``: whether an API beyond this machine
    is asked through the proxies, and with the certificates, that the environment names.
    Shapes are msgspec Structs: what they do not name is dropped while it is parsed.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        meter: Meter | None = None,
        rate: RateLimit | None = None,
        attempts: int = ATTEMPTS,
        backoff: float = BACKOFF,
        timeout: float = 30.0,
        ca_file: str | None = None,
        insecure_http: bool = False,
        workers: int = 8,
        may_pass: Collection[int] = MAY_PASS,
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
        self._origin = _origin(url)
        self._attempts = attempts
        self._backoff = backoff
        self._timeout = timeout
        self._may_pass = may_pass
        self._session = self._made_session(headers, ca_file, workers, environment=environment)
        self._random = random.SystemRandom()
        self._lock = threading.Lock()
        self._silences = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._kept_bytes = 0

    def ask(
        self,
        path: str,
        *,
        method: str = "",
        params: Mapping[str, str] = {},
        body: Any = None,
        headers: Mapping[str, str | bytes] = {},
        **places: str,
    ) -> Response:
        """What the API says in the end, whatever its status: for one whose verbs or refusals are its own.

        ``method``: GET, or POST with a ``body``, unless another is named. Raises Unreachable where there is no answer,
        Throttled where the API asks for too long a pause.
        """
        return self._asked(self.url + _path(path, places), params, body, method=method, headers=headers)

    def get(self, path: str, shape: type[T], *, params: Mapping[str, str] = {}, body: Any = None, **places: str) -> T:
        """One answer, as ``shape``: ``get("/orgs/{org}", Org, org=name)``. With a ``body`` it is a POST that only asks.

        ``places``: what stands in the path, quoted, so that no name leads to another path.
        """
        answer = self._answer(self.url + _path(path, places), params, body)
        found: T = decoded(answer.content, shape)
        return found

    def rows(
        self,
        path: str,
        row: type[T],
        section: SectionReading,
        *,
        at: str = "",
        paging: Paging | None = None,
        params: Mapping[str, str] = {},
        **places: str,
    ) -> Iterator[T]:
        """The rows of a listing, page by page. ``at``: JSON pointer to the list: ``/items``; else the answer is one.

        A row of another shape is a gap of that row alone, which the section tells. Pages that lead in a circle end
        the section.
        """
        following: Next = (self.url + _path(path, places), params)
        seen: set[object] = set()
        number = 0
        while following is not None:
            url, asked = following
            answer = self._answer(url, asked)
            raws = pointed(answer.content, at, list[Raw] | None)
            if raws is None:
                raise Malformed(f"a response has no list at {at or 'its root'}")
            for place, raw in enumerate(raws):
                try:
                    one: T = decoded(raw, row)
                except SourceError as error:
                    section.malformed(f"{place + 1} of page {number + 1}", str(error))
                else:
                    yield one
            page = Page(
                url=url, params=asked, content=answer.content, number=number, link=answer.link, rows=len(raws)
            )  # fmt: skip
            following = paging(page) if paging is not None else None
            # A server that does not know its own parameter gives the same page for ever, whatever it is asked.
            turn = {(url, *sorted(asked.items())), *([sha256(answer.content).digest()] if raws else [])}
            if not seen.isdisjoint(turn):
                raise Malformed(f"the pages of {own_words(path)} repeat")
            seen |= turn
            number += 1

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _made_session(
        self, headers: Mapping[str, str], ca_file: str | None, workers: int, *, environment: bool
    ) -> Session:
        check, meter = self._check, self.meter

        class Pinned(BoundedAdapter):
            """The last place before the wire: what goes elsewhere does not go."""

            def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
                check(request.url or "")
                meter.add()
                return super().send(request, *args, **kwargs)

        session = Session()
        session.headers.update({"Accept": "application/json", **headers})
        session.auth = lambda prepared: prepared  # else ~/.netrc would replace the credentials
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # This machine is asked by no proxy.
        session.trust_env = environment and not is_loopback(self._origin[1].strip("[]"))
        session.verify = True if ca_file is None else ca_file
        return bound_session(session, Pinned(pool_maxsize=workers))

    def _check(self, url: str) -> None:
        """Raises SourceError for what is not at the API's own address."""
        try:
            origin = _origin(url)
            has_user = parse_url(url).auth is not None
        except (LocationParseError, ValueError):
            raise Malformed("a response contains an invalid address") from None
        if origin != self._origin or has_user:
            raise SourceError(
                f"a response links to another address, {own_words(_shown(origin))}: not requested",
                hint=f"only {_shown(self._origin)} is asked; if it is the API's own, give it as the source's url",
            )

    def _answer(self, url: str, params: Mapping[str, str], body: Any = None) -> _Kept:
        """The answer with status 200, or the one of before that still holds. Raises SourceError for any other."""
        name = "" if body is not None else repr((url, *sorted(params.items())))
        known = self._known(name)
        headers = {} if known is None or known.etag is None else {"If-None-Match": known.etag}
        response = self._asked(url, params, body, headers=headers)
        if response.status_code == NOT_MODIFIED and known is not None:
            return known
        if response.status_code == OK:
            return self._keep(name, response)
        raise refusal(response)

    def _asked(
        self,
        url: str,
        params: Mapping[str, str],
        body: Any,
        *,
        method: str = "",
        headers: Mapping[str, str | bytes] = {},
    ) -> Response:
        """The last answer, after as many tries as are allowed. Raises SourceError where there is none."""
        self._check(url)
        timeouts = 0
        for attempt in range(1, self._attempts + 1):
            if self._silences >= SILENCES:
                raise Unreachable(f"{_shown(self._origin)} was not called: it stopped responding")
            is_last = attempt == self._attempts
            response, why = self._sent(method or ("GET" if body is None else "POST"), url, params, body, headers)
            if response is None:
                timeouts += isinstance(why, Timeout)
                if is_last or timeouts == TIMEOUTS:
                    with self._lock:
                        self._silences += 1
                    name = type(why).__name__
                    raise Unreachable(f"{_shown(self._origin)} does not respond: {_REASONS.get(name, name)}")
                self._wait(attempt, None)
                continue
            self._silences = 0
            throttled = is_throttled(response)
            if throttled:
                self.rate.slow_down()
            elif response.status_code not in self._may_pass:
                return response
            asked = _seconds_asked(response)
            if asked is not None and asked > PATIENCE:
                raise Throttled(f"the API asks to wait for {asked:.0f} seconds", hint="scan again later")
            if is_last:
                return response
            self._wait(attempt, asked)
        raise SourceError("no request was sent: attempts must be positive")

    def _sent(
        self, method: str, url: str, params: Mapping[str, str], body: Any, headers: Mapping[str, str | bytes]
    ) -> tuple[Response | None, Exception | None]:
        """One try: the answer, or why there is none."""
        self.rate.acquire()
        try:
            response = self._session.request(
                method,
                url,
                params=params,
                json=body,
                headers=headers,
                allow_redirects=False,  # they would carry the credentials to whatever host they name
                timeout=self._timeout,
            )
        except (InvalidURL, MissingSchema, InvalidSchema, InvalidHeader, UnicodeError) as error:
            raise Malformed(f"the request is invalid ({type(error).__name__})") from None
        except (RequestException, HTTPError) as error:
            return None, error
        return response, None

    def _wait(self, attempt: int, asked: float | None) -> None:
        pause(self._backoff * 2.0 ** (attempt - 1) * self._random.uniform(0.5, 1.5) if asked is None else asked)

    def _known(self, name: str) -> _Kept | None:
        with self._lock:
            return self._kept.get(name)

    def _keep(self, name: str, response: Response) -> _Kept:
        link = response.links.get("next", {}).get("url")
        answer = _Kept(response.headers.get("ETag"), response.content, link)
        if name and answer.etag and answer.etag.isascii() and answer.etag.isprintable():
            with self._lock:
                before = self._kept.pop(name, None)
                self._kept_bytes -= len(before.content) if before else 0
                self._kept[name] = answer
                self._kept_bytes += len(answer.content)
                while self._kept_bytes > KEPT:
                    self._kept_bytes -= len(self._kept.popitem(last=False)[1].content)
        return answer


def _joined(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError:
        raise Malformed("a response contains an invalid address") from None


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, as the library that connects reads them."""
    parts = parse_url(url)
    scheme = (parts.scheme or "").lower()
    return scheme, (parts.host or "").lower(), parts.port or _PORTS.get(scheme, 0)


def _shown(origin: tuple[str, str, int]) -> str:
    scheme, host, port = origin
    return f"{scheme}://{host}" if port == _PORTS.get(scheme) else f"{scheme}://{host}:{port}"


def _path(template: str, places: Mapping[str, str]) -> str:
    def quoted(match: re.Match[str]) -> str:
        value = places[match[1]]
        if value in ("", ".", ".."):
            raise Malformed(f"{value!r} is not allowed in a URL")
        return quote(value, safe="", errors="surrogatepass")

    return _PLACE.sub(quoted, template)


def is_throttled(response: Response) -> bool:
    """By its status; some refuse for load with a 403, and say so in a header."""
    headers = response.headers
    return response.status_code == TOO_MANY or (
        response.status_code == FORBIDDEN
        and ("retry-after" in headers or headers.get("x-ratelimit-remaining", "").strip() == "0")
    )


def _seconds_asked(response: Response) -> float | None:
    """How long the API asks to wait: seconds or a date, or when the limit is reset; None where it does not say."""
    try:
        if "retry-after" in response.headers:
            return max(0.0, Retry().parse_retry_after(response.headers["retry-after"]))
    except (HTTPError, ValueError, OverflowError):
        return None
    reset = next((response.headers[name] for name in _RESETS if name in response.headers), "")
    if response.headers.get("x-ratelimit-remaining", "0").strip() != "0" or not re.fullmatch(r"\d{1,12}", reset):
        return None
    return max(0.0, int(reset) - time.time()) if int(reset) > _THIS_CENTURY else float(reset)


class _Said(Struct):
    """The words of a refusal, wherever APIs put them."""

    message: Any = None
    error: Any = None
    error_description: Any = None


def refusal(response: Response) -> SourceError:
    """What a status other than 200 means to a scan, where the API has no words of its own for it."""
    status = response.status_code
    if "location" in response.headers and response.is_redirect:
        where = own_words(_host_of(response))
        return Unreachable(f"the API redirects to {where}: not followed", hint="give the address it redirects to")
    try:
        said = msgspec.json.decode(response.content, type=_Said)
        words = next((one for one in (said.message, said.error_description, said.error) if isinstance(one, str)), "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = ""
    text = f"HTTP {status}: {own_words(' '.join(words.split()))}" if words else f"HTTP {status}"
    if is_throttled(response):
        return Throttled(f"throttled, and the retries are used up: {text}")
    if status == UNAUTHORIZED:
        return Denied(f"the credentials are not valid: {text}", hint="give the source valid ones")
    if status == FORBIDDEN:
        return Denied(text)
    if status in _ABSENT:
        return Gone(text)
    return (Unreachable if status in MAY_PASS else SourceError)(text)


def _host_of(redirect: Response) -> str:
    """Where it leads, for a message."""
    try:
        return _shown(_origin(urljoin(redirect.url, redirect.headers["location"])))
    except (LocationParseError, ValueError):
        return "an invalid address"
