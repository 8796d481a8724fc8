"""JSON over HTTP to one ticket system: one host, no redirects, retries where nothing can happen twice."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from scanner.errors import MissingExtra
from scanner.notify.http import ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE, Undelivered, seconds, why_unanswered
from scanner.notify.notices import shortened
from scanner.redaction.redact import mask, redact
from scanner.text import cut

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH"]
T = TypeVar("T")

MOST_BYTES = 16 * 1024 * 1024
"""Maximum bytes of one answer. A page of 100 issues with full descriptions is 7 MB."""
_TOO_MANY, _UNAVAILABLE, _SERVER_ERROR = 429, 503, 500
_DONE, _REDIRECT = range(200, 300), range(300, 400)
_GONE = (404, 410)


class Unclear(Undelivered):
    """A request without an answer that may have been carried out."""


class Gone(Undelivered):
    """The object of the request does not exist, or the token may not see it."""


class Refused(Undelivered):
    """The server rejects the content of the request."""


class _Reply(Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Sends requests to one address. ``explain``: returns the reasons in the decoded body of an error."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout: float,
        *,
        explain: Callable[[Any], Iterable[object]],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "muster", **headers}
        self._timeout = timeout
        self._explain = explain
        self._sleep = sleep

    @property
    def host(self) -> str:
        """The host with its port."""
        return urlsplit(self._url).netloc

    def send(
        self,
        method: Method,
        path: str,
        into: type[T],
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        once: bool = False,
    ) -> T:
        """Send a request and decode the answer. Raises Undelivered, Unclear only with ``once``, MissingExtra.

        A throttled request is sent up to ``ATTEMPTS`` times. ``once``: a request without an answer is not repeated,
        because it may have been carried out.
        """
        url = f"{self._url}{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else msgspec.json.encode(body)
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                reply = self._judged(self._once(method, url, data, once=once), once=once)
                return self._decoded(reply, into, once=once)
            except Undelivered as fault:
                wait = max(pause, fault.wait or 0)
                if isinstance(fault, Unclear) or not fault.again or attempt == ATTEMPTS or wait > LONGEST_PAUSE:
                    raise
                self._sleep(wait)
                pause *= 2
        raise AssertionError  # the last attempt returns or raises

    def _once(self, method: Method, url: str, data: bytes | None, *, once: bool) -> _Reply:
        try:
            import requests
        except ImportError as error:
            raise MissingExtra("a ticket system", "notify") from error
        headers = self._headers if data is None else {**self._headers, "Content-Type": "application/json"}
        try:
            # Without an explicit auth, requests would use a .netrc file.
            with requests.request(
                method,
                url,
                data=data,
                headers=dict(headers),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                auth=lambda request: request,
            ) as answer:
                body = answer.raw.read(MOST_BYTES + 1, decode_content=True)
                lowered = {name.lower(): value for name, value in answer.headers.items()}
                return _Reply(status=answer.status_code, headers=lowered, body=body)
        except requests.ConnectTimeout as error:
            raise Undelivered(why_unanswered(error), again=True) from None
        except (requests.RequestException, OSError, ValueError) as error:
            # The error's text would quote the address.
            kind = Unclear if once else Undelivered
            raise kind(why_unanswered(error), again=True) from None

    def _judged(self, reply: _Reply, *, once: bool) -> _Reply:
        status = reply.status
        if status in _DONE:
            return reply
        if status in _REDIRECT:
            why = f"it answers {status}, a redirect, which is not followed: give the new address"
            raise Undelivered(why, again=False)
        said = self._said(reply)
        why = f"it answers {status}" + (f": {said}" if said else "")
        wait = seconds(reply.headers.get("retry-after"))
        # GitHub returns 403 where others return 429.
        throttled = status == _TOO_MANY or wait is not None or reply.headers.get("x-ratelimit-remaining") == "0"
        if throttled:
            raise Undelivered(why, again=True, wait=wait)
        if status >= _SERVER_ERROR:
            kind = Unclear if once and status != _UNAVAILABLE else Undelivered
            raise kind(why, again=True)
        if status in _GONE:
            raise Gone(why, again=False)
        if status in (400, 422):
            raise Refused(why, again=False)
        raise Undelivered(why, again=False)

    def _decoded(self, reply: _Reply, into: type[T], *, once: bool) -> T:
        kind = Unclear if once else Undelivered
        if len(reply.body) > MOST_BYTES:
            raise kind(f"its answer is larger than {MOST_BYTES // 2**20} MiB", again=False)
        try:
            return msgspec.json.decode(reply.body or b"null", type=into)
        except msgspec.DecodeError as error:  # or a body of another form
            raise kind(f"its answer is not what the API describes: {shortened(str(error))}", again=False) from None

    def _said(self, reply: _Reply) -> str:
        try:
            said = [str(part) for part in self._explain(msgspec.json.decode(reply.body)) if part]
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError):  # not of the documented form
            return ""
        return cut(redact("; ".join(said)), 200)


def basic(user: str, secret: str) -> str:
    """The ``Authorization`` header of a user, which is masked in all output from now on."""
    encoded = b64encode(f"{user}:{secret}".encode()).decode()
    mask(encoded)
    return f"Basic {encoded}"
