"""Signing in to GitHub, as an App or with a token; and what is left of GitHub's limits and of the source's own."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.core.budget import pause
from connectors.core.contract import Meter
from connectors.core.paging import link_header
from connectors.core.rates import PATIENCE
from connectors.core.reading import decoded
from connectors.github.client import requests as r
from connectors.github.client.payloads import Installation, InstallationToken, moment
from connectors.github.settings import GithubSettings
from scanner.errors import Denied, SourceError, Throttled
from scanner.redaction.redact import mask

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from requests import Response

    from connectors.core.http import Client

RENEW_BEFORE = 300.0
"""Seconds before its end at which an installation's token is renewed."""
_JWT_LIVES, _JWT_BEGINS = 540, 60
_LONGEST_SECOND = 11
"""Digits of a time in seconds since 1970; a longer one is none."""
"""GitHub takes ten minutes at most, and its clock may be behind."""
_CREATED = 201
_UNSUSPEND = "unsuspend it under GitHub Apps in the settings of the organization"


def bearer(token: str) -> str:
    """The header that signs in."""
    return f"Bearer {token}"


class GithubSignIn:
    """See ``connectors.core.http.SignIn``.

    ``token``: what to sign in with now; ``renew``: whether there is another one.
    """

    def __init__(self, token: Callable[[], str], renew: Callable[[], bool], limits: Limits) -> None:
        self._token, self._renew, self._limits = token, renew, limits

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """See ``connectors.core.http.SignIn``. Raises Throttled where no request is left."""
        del method
        self._limits.check(url)
        return {"Authorization": bearer(self._token())}

    def renewed(self, refused: Response) -> bool:
        """See ``connectors.core.http.SignIn``."""
        del refused
        return self._renew()


class Limits:
    """The remaining requests: of GitHub's rate limits, by resource, and of the source's ``max_calls``."""

    def __init__(self, meter: Meter, most: int) -> None:
        self._meter, self._most = meter, most
        self._used_up: dict[str, float] = {}

    def note(self, response: Response) -> None:
        """Record the rate limit in an answer."""
        headers = response.headers
        left, reset = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
        resource = headers.get("x-ratelimit-resource") or _resource(response.url)
        if left == "0" and reset.isdigit() and len(reset) <= _LONGEST_SECOND:
            self._used_up[resource] = float(reset)

    def check(self, url: str) -> None:
        """Wait for a limit that is reset soon. Raises Throttled for any other."""
        if self._meter.calls >= self._most:
            raise Throttled(f"{self._most} requests were sent: max_calls of the source", hint="raise max_calls")
        until = self._used_up.get(_resource(url), 0.0)
        seconds = until - time.time()
        if seconds <= 0:
            return
        if seconds > PATIENCE:
            at = f"{datetime.fromtimestamp(until, UTC):%H:%M} UTC"
            raise Throttled(f"GitHub's limit is used up until {at}", hint=f"scan again after {at}")
        pause(seconds)


def _resource(url: str) -> str:
    """The resource of GitHub's rate limit for a request: audit logs and GraphQL have their own."""
    last = url.partition("?")[0].rpartition("/")[2]
    return {"graphql": "graphql", "audit-log": "audit_log"}.get(last, "core")


class AppToken:
    """The token of an App's installation: an hour each, renewed before it ends. Threads share it.

    ``client``: asks with what the App itself signs in with. ``selection``: the repositories that the App is installed
    for, ``all`` or ``selected``; empty before the first token. Raises SourceError where the App is not installed.
    """

    def __init__(self, settings: GithubSettings, client: Callable[[Callable[[], str]], Client]) -> None:
        self._settings = settings
        self._client = client
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0
        self.permissions: Mapping[str, str] = {}
        self.selection = ""

    def __call__(self) -> str:
        with self._lock:
            if time.time() > self._ends - RENEW_BEFORE:
                self._fetch()
            return self._token

    @property
    def held(self) -> str:
        """The token of now, without asking for one; empty before the first."""
        return self._token

    def renew(self) -> bool:
        """After a 401: whether the next call gets another token."""
        with self._lock:
            was_used, self._ends = bool(self._token), 0.0
            return was_used

    def _fetch(self) -> None:
        key = _private_key(self._settings)
        with self._client(lambda: _app_jwt(self._settings, key)) as client:
            installed = self._installation(client)
            answer = client.request(r.OWN_TOKEN.path, method="POST", installation_id=str(installed.id))
            if answer.status_code != _CREATED:
                raise client.refusal(answer)
        made: InstallationToken = decoded(answer.content, InstallationToken)
        mask(made.token)
        ends = moment(made.expires_at)
        if not (made.token.isascii() and made.token.isprintable()) or ends is None:
            raise SourceError("GitHub gave an installation token that cannot be used")
        self._token, self._ends, self.permissions = made.token, ends.timestamp(), installed.permissions
        self.selection = installed.repository_selection

    def _installation(self, client: Client) -> Installation:

        wanted = self._settings.organization.lower()
        pages = client.pages(r.OWN_INSTALLATIONS.path, paging=link_header, params={"per_page": r.PER_PAGE})
        for page in pages:
            for raw in page.rows:
                found: Installation = decoded(raw, Installation)
                if found.account is not None and found.account.login.lower() == wanted:
                    if found.suspended_at is not None:
                        raise Denied(f"the App is suspended on {self._settings.organization}", hint=_UNSUSPEND)
                    return found
        raise Denied(
            f"the App is not installed on {self._settings.organization}", hint="install it from the App's page"
        )


def _private_key(settings: GithubSettings) -> RSAPrivateKey:
    """The App's key, which takes 40 ms to check. Raises SourceError for a key that is none."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    assert settings.private_key is not None
    text = settings.private_key.resolve()
    try:
        key = serialization.load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Denied(f"{settings.private_key} holds no RSA key in PEM form", hint="download one from the App's page")
    return key


def _app_jwt(settings: GithubSettings, key: RSAPrivateKey) -> str:
    """The JSON Web Token of the App itself."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    now = time.time()
    claims = {"iat": int(now) - _JWT_BEGINS, "exp": int(now) + _JWT_LIVES, "iss": str(settings.app_id)}
    signed = _encoded({"alg": "RS256", "typ": "JWT"}) + b"." + _encoded(claims)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _encoded(part: Mapping[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=")
