"""Failures that only this connector tells apart; to everybody else they are SourceErrors."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec

from connectors.base import Gone, Malformed, Meter, own_words
from connectors.budget import current
from connectors.vault.endpoints import OWN_TOKEN, SEAL_STATUS, Endpoint
from connectors.vault.payloads import Answer, Keys, SealStatus
from connectors.vault.settings import VaultSettings
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable

if TYPE_CHECKING:
    from requests import Response, Session


class InvalidToken(SourceError):
    """The server does not know the token: no permission would help."""


# --- HTTP client: hvac's adapter within Muster's limits ---
#
# Only endpoints of the table are asked, and answers are decoded into the fields of payloads.py. Address and token are
# always handed over and the session trusts nothing else, so nothing of a developer's environment slips in. Redirects
# are not followed: requests would carry the token to whatever host they name.

T = TypeVar("T")

RETRIES = 3
BACKOFF = 0.2
"""Seconds before the second retry; doubled each time. A ``Retry-After`` goes before it."""
PATIENCE = 30.0
"""Seconds at most that a ``Retry-After`` is obeyed."""
RETRIED_STATUSES = (412, 429, 500, 502, 504)
SILENCES = 3
"""After so many requests in a row without an answer the server counts as gone, and is not asked again."""

OK, NO_CONTENT, FORBIDDEN, NOT_FOUND = 200, 204, 403, 404

_MEANINGS: dict[int, tuple[type[SourceError], str]] = {
    404: (Gone, "nothing there"),
    405: (NotOffered, "not available on this server"),
    429: (Throttled, "throttled, and the retries are used up"),
    501: (Unreachable, "the server is not initialised"),
    503: (Unreachable, "the server is sealed or down"),
}
_GONE = ("invalid accessor", "failed to find accessor", "does not exist")
_UNKNOWN_TOKEN = ("invalid token", "bad token")
_ABSENT = ("unsupported path", "unsupported operation", "no handler for route", "Invalid path for a versioned")


class VaultApi:
    """A client for one namespace. Its methods raise SourceErrors only; one of it serves many threads."""

    def __init__(self, settings: VaultSettings, namespace: str, meter: Meter) -> None:
        from hvac.adapters import RawAdapter

        self._place = settings.place
        self._adapter = RawAdapter(
            base_uri=settings.url,
            token=settings.resolve_token(),
            namespace=namespace or None,
            timeout=settings.timeout,
            verify=settings.ca_file or True,
            allow_redirects=False,
            session=_session(settings, meter),
        )
        self._silences = 0
        self._lock = threading.Lock()

    def read(self, endpoint: Endpoint, payload: type[T], **places: str) -> T:
        """What is at a path, as ``payload``."""
        return self._decoded(self._send(endpoint, places), payload)

    def lookup(self, endpoint: Endpoint, payload: type[T], body: dict[str, Any], **places: str) -> T:
        """A question that needs a body. Raises Gone where what it asks for is no longer there."""
        return self._decoded(self._send(endpoint, places, body), payload)

    def list(self, endpoint: Endpoint, **places: str) -> Keys:
        """The keys under a path, none when there are none."""
        response = self._send(endpoint, places, empty_is=Keys(keys=[]))
        return response if isinstance(response, Keys) else self._decoded(response, Keys)

    def seal_status(self) -> SealStatus:
        """Whether the server is up and open."""
        return _json(self._send(SEAL_STATUS, {}), SealStatus)

    def close(self) -> None:
        """Give the connections back; ``contextlib.closing`` does it."""
        self._adapter.close()

    def _send(
        self, endpoint: Endpoint, places: dict[str, str], body: dict[str, Any] | None = None, empty_is: Any = None
    ) -> Any:
        from requests.exceptions import RequestException

        if self._silences >= SILENCES:
            raise Unreachable(f"{self._place} was not called: it stopped responding")
        try:
            response = self._adapter.request(
                endpoint.method, f"/v1/{endpoint.route(**places)}", json=body, raise_exception=False
            )
        except RequestException as error:
            with self._lock:
                self._silences += 1
            raise Unreachable(f"{self._place} does not respond: {_reason(error)}") from None
        self._silences = 0
        if response.status_code == NOT_FOUND and empty_is is not None and _is_empty(response):
            return empty_is
        if response.status_code != OK:
            raise _error(response, endpoint, places)
        return response

    def _decoded(self, response: Response, payload: type[T]) -> T:
        return _json(response, Answer[payload]).data  # type: ignore[valid-type]  # a type made at run time


def _session(settings: VaultSettings, meter: Meter) -> Session:
    from requests import Session
    from urllib3 import Retry

    from connectors.http import BoundedAdapter, bound_session

    class CountingRetry(Retry):
        """Each failed attempt that may be repeated is one more request."""

        def increment(self, *args: Any, **kwargs: Any) -> Self:
            following = super().increment(*args, **kwargs)
            meter.add()
            return following

        def get_retry_after(self, response: Any) -> float | None:
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, PATIENCE, max(0.0, current().left()))

        def get_backoff_time(self) -> float:
            return min(super().get_backoff_time(), max(0.0, current().left()))

    class CountingAdapter(BoundedAdapter):
        def send(self, *args: Any, **kwargs: Any) -> Response:
            meter.add()
            return super().send(*args, **kwargs)

    adapter = CountingAdapter(
        pool_maxsize=settings.workers,
        max_retries=CountingRetry(
            RETRIES,
            read=1,
            redirect=0,
            backoff_factor=BACKOFF,
            status_forcelist=RETRIED_STATUSES,
            allowed_methods={"GET", "LIST", "POST"},  # the POSTs only look something up
            raise_on_status=False,
            raise_on_redirect=False,
        ),
    )
    session = Session()
    session.trust_env = False  # else ~/.netrc, proxies and certificates of whoever runs this would slip in
    session.verify = settings.ca_file or True
    return bound_session(session, adapter)


def _json(response: Response, payload: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=payload)
    except msgspec.ValidationError as error:
        raise Malformed(f"a response has an unexpected structure: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("unexpected response: not JSON") from None


class _Errors(msgspec.Struct):
    """The body of a refusal: ``errors`` by the server, ``data.error`` by some of its parts."""

    errors: list[Any] | None = None
    data: Any = None
    warnings: list[Any] | None = None


def _errors(response: Response) -> _Errors | None:
    try:
        return msgspec.json.decode(response.content, type=_Errors)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_empty(response: Response) -> bool:
    """An empty LIST is a 404 with an empty list of errors, unlike a path that is not there."""
    errors = _errors(response)
    return errors is not None and errors.errors == []


def _error(response: Response, endpoint: Endpoint, places: dict[str, str]) -> SourceError:
    """What a status other than 200 means to a scan."""
    status = response.status_code
    if response.is_redirect:
        host = own_words(urlsplit(response.headers["location"]).netloc) or "another path"
        return Unreachable(f"the server redirects to {host}", hint="give the address it redirects to as url")
    body = _Errors() if status == NO_CONTENT else _errors(response)
    if body is None:
        return Unreachable(f"HTTP {status} with an unexpected response")
    said = _said(body)
    mount = places.get("mount", "").strip("/")
    asked = f"{endpoint.method} {endpoint.pattern(mount)}"
    if status == NO_CONTENT or (status in (400, FORBIDDEN, NOT_FOUND) and any(text in said for text in _GONE)):
        return Gone(f"{asked}: no longer there")
    if status in (401, FORBIDDEN):
        return _refusal(endpoint, mount, said)
    if status == NOT_FOUND and any(text in said for text in _ABSENT):
        return NotOffered(f"{asked}: not available on this server")
    error, meaning = _MEANINGS.get(status, (SourceError, f"HTTP {status}"))
    return error(f"{asked}: {meaning}: {said}" if said else f"{asked}: {meaning}")


def _refusal(endpoint: Endpoint, mount: str, said: str) -> SourceError:
    """Of the token, or of the path: only that one begins with "1 error occurred"."""
    is_of_token = said == "permission denied" or any(text in said for text in _UNKNOWN_TOKEN)
    if is_of_token and endpoint == OWN_TOKEN:
        return InvalidToken("the token is not valid (wrong, expired or revoked)", hint="give the source a new one")
    return Denied(f"{endpoint.method} {endpoint.pattern(mount)}: denied", permission=endpoint.line(mount))


def _said(body: _Errors) -> str:
    """The server's own words on one line."""
    parts = (*(body.errors or ()), *(body.warnings or ()), body.data or "")
    return own_words(" ".join(" ".join(map(str, parts)).split()))


def _reason(error: Exception) -> str:
    """The kind of failure; the text would hold the whole URL and memory addresses."""
    names = {"ConnectTimeout": "connecting timed out", "ReadTimeout": "no response in time", "SSLError": "TLS failed"}
    return names.get(type(error).__name__, f"no connection ({type(error).__name__})")
