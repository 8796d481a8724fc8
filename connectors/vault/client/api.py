"""The client for Vault's API: methods, namespaces, the envelope of answers, and the meaning of errors.

It sends only requests of the table, through hvac, and decodes answers into the fields of payloads.py. Environment
variables are ignored: address, token and certificates come from the settings.
"""

from __future__ import annotations

import math
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from connectors.core.contract import Gone, Meter, own_words
from connectors.core.rates import RateLimit
from connectors.core.reading import decoded
from connectors.core.refusals import refusal
from connectors.vault.client.payloads import Answer, Keys, Login, SealStatus
from connectors.vault.client.requests import OWN_TOKEN, SEAL_STATUS, SIGN_IN, Endpoint
from connectors.vault.settings import CertAuth, VaultSettings
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable
from scanner.redaction.redact import mask

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client

T = TypeVar("T")

RATE = 100.0
"""Requests per second after the server has throttled; its operators set the quota, usually higher."""
RENEW_AFTER = 0.8
"""The part of a token's time after which the source signs in again."""
TRANSIENT = (412, 429, 500, 502, 504)
"""Statuses that may be transient: 412 if a replica lags behind. 503 is a sealed server."""
OK, NO_CONTENT, BAD_REQUEST, FORBIDDEN, NOT_FOUND = 200, 204, 400, 403, 404

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


class InvalidToken(SourceError):
    """The token is wrong, expired or revoked, or the sign-in is refused; no permission would help."""


class SourceToken:
    """The token of a source, which all its clients share: the one of its settings, or one from signing in.

    It is obtained at the first request, and again once ``RENEW_AFTER`` of its time has passed.
    """

    def __init__(self, settings: VaultSettings) -> None:
        self.settings = settings
        self._lock = Lock()
        self._token = ""
        self._ends = -math.inf

    def __reduce__(self) -> tuple[type[SourceToken], tuple[VaultSettings]]:
        """Another machine signs in itself."""
        return SourceToken, (self.settings,)

    def token(self, http: Client) -> str:
        """The token. Raises SourceError if it is missing, or the sign-in fails."""
        with self._lock:
            if time.monotonic() >= self._ends:
                self._token, seconds = self._obtained(http)
                self._ends = time.monotonic() + seconds * RENEW_AFTER
            return self._token

    def _obtained(self, http: Client) -> tuple[str, float]:
        from connectors.vault.client.transport import sign_in

        auth = self.settings.auth
        if auth is None:
            return self.settings.resolve_token(), math.inf
        answer = _checked(sign_in(http, self.settings), SIGN_IN, {"mount": auth.at})
        login: Login = decoded(answer.content, Login)
        mask(login.auth.client_token)
        return login.auth.client_token, login.auth.lease_duration or math.inf


class VaultApi:
    """A client for one namespace. Its methods only raise SourceErrors. Threads may share it."""

    def __init__(self, held: SourceToken, namespace: str, meter: Meter) -> None:
        from connectors.core.http import Client
        from connectors.vault.client.transport import vault_client

        settings, auth = held.settings, held.settings.auth
        self._http = Client(
            settings.url,
            headers={"X-Vault-Request": "true"},
            meter=meter,
            rate=RateLimit(RATE, burst=settings.workers),
            backoff=settings.backoff,
            timeout=settings.timeout,
            ca_file=settings.ca_file,
            client_certificate=(auth.certificate, auth.key) if isinstance(auth, CertAuth) else None,
            insecure_http=settings.insecure_http,
            workers=settings.workers,
            transient_statuses=TRANSIENT,
            environment=False,
        )
        self._held = held
        self._vault = vault_client(self._http, namespace=namespace)
        if auth is None:  # a missing token is told before anything is sent
            self.sign_in()

    def sign_in(self) -> None:
        """Obtain the token, if it is not there yet. Raises SourceError; InvalidToken if it is refused."""
        self._vault.token = self._held.token(self._http)

    def read(self, endpoint: Endpoint, payload: type[T], **places: str) -> T:
        """The answer at a path, as ``payload``."""
        return _data(self._answered(endpoint, places), payload)

    def lookup(self, endpoint: Endpoint, payload: type[T], body: dict[str, Any], **places: str) -> T:
        """A look-up with a body. Raises Gone if the object no longer exists."""
        return _data(self._answered(endpoint, places, body), payload)

    def list(self, endpoint: Endpoint, **places: str) -> Keys:
        """The keys under a path; empty if there are none."""
        response = self._sent(endpoint, places)
        if response.status_code == NOT_FOUND and _is_empty(response):
            return Keys(keys=[])
        return _data(_checked(response, endpoint, places), Keys)

    def seal_status(self) -> SealStatus:
        """Whether the server is sealed."""
        status: SealStatus = decoded(self._answered(SEAL_STATUS, {}).content, SealStatus)
        return status

    def close(self) -> None:
        """Close the connections; for use with ``contextlib.closing``."""
        self._http.close()

    def _answered(self, endpoint: Endpoint, places: dict[str, str], body: dict[str, Any] | None = None) -> Response:
        return _checked(self._sent(endpoint, places, body), endpoint, places)

    def _sent(self, endpoint: Endpoint, places: dict[str, str], body: dict[str, Any] | None = None) -> Response:
        if endpoint != SEAL_STATUS:
            self.sign_in()
        path = f"/v1/{endpoint.route(**places)}".rstrip("/")
        answer: Response = self._vault.adapter.request(endpoint.method, path, json=body)
        return answer


def _data(response: Response, payload: type[T]) -> T:
    answer: Answer[T] = decoded(response.content, Answer[payload])  # type: ignore[valid-type]  # a type made at run time
    return answer.data


def _checked(response: Response, endpoint: Endpoint, places: dict[str, str]) -> Response:
    if response.status_code != OK:
        raise _error(response, endpoint, places)
    return response


class _Errors(msgspec.Struct):
    """The body of an error: the server writes ``errors``, some secrets engines ``data.error``."""

    errors: list[Any] | None = None
    data: Any = None
    warnings: list[Any] | None = None


def _errors(response: Response) -> _Errors | None:
    try:
        return msgspec.json.decode(response.content, type=_Errors)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_empty(response: Response) -> bool:
    """Whether a 404 is an empty LIST: it has an empty list of errors, unlike that of a missing path."""
    errors = _errors(response)
    return errors is not None and errors.errors == []


def _error(response: Response, endpoint: Endpoint, places: dict[str, str]) -> SourceError:
    """The error for a status other than 200."""
    status = response.status_code
    if response.is_redirect:
        return refusal(response)
    body = _Errors() if status == NO_CONTENT else _errors(response)
    if body is None:
        return Unreachable(f"HTTP {status} with an unexpected response")
    # The server's message on one line.
    parts = (*(body.errors or ()), *(body.warnings or ()), body.data or "")
    said = own_words(" ".join(" ".join(map(str, parts)).split()))
    mount = places.get("mount", "").strip("/")
    asked = f"{endpoint.method} {endpoint.pattern(mount)}"
    if status == NO_CONTENT or (status in (BAD_REQUEST, FORBIDDEN, NOT_FOUND) and any(text in said for text in _GONE)):
        return Gone(f"{asked}: no longer there")
    if status in (401, FORBIDDEN) or (status == BAD_REQUEST and endpoint == SIGN_IN):
        return _refusal(endpoint, mount, said)
    if status == NOT_FOUND and any(text in said for text in _ABSENT):
        return NotOffered(f"{asked}: not available on this server")
    error, meaning = _MEANINGS.get(status, (SourceError, f"HTTP {status}"))
    return error(f"{asked}: {meaning}: {said}" if said else f"{asked}: {meaning}")


def _refusal(endpoint: Endpoint, mount: str, said: str) -> SourceError:
    """The error for a refused sign-in, token or path. Only a refused path's message begins with "1 error occurred"."""
    if endpoint == SIGN_IN:
        return InvalidToken(f"the sign-in at auth/{mount} was refused: {said}", hint="check the source's auth")
    is_of_token = said == "permission denied" or any(text in said for text in _UNKNOWN_TOKEN)
    if is_of_token and endpoint == OWN_TOKEN:
        return InvalidToken("the token is not valid (wrong, expired or revoked)", hint="give the source a new one")
    return Denied(f"{endpoint.method} {endpoint.pattern(mount)}: denied", permission=endpoint.line(mount))
