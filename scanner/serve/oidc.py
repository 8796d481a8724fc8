"""Sign-in with OpenID Connect: the authorization code flow with PKCE, state and nonce, by Authlib."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from connectors.core.address import check_url, is_loopback
from scanner.config.serving import OidcSettings
from scanner.serve.keys import Keys
from scanner.serve.sessions import Once, same

CALLBACK = "/sign-in/callback"
_DISCOVERY = "/.well-known/openid-configuration"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a public key. Unsigned tokens and those with a shared key are refused."""
_TIMEOUT = 10
_FLOW_SECONDS = 600
_KNOWN_SECONDS = 3600
"""Seconds for which the issuer's addresses and keys are kept."""
_LEEWAY = 60
_LONGEST_ADDRESS = 1000
"""Characters; issuers refuse longer requests."""
_FLOW = "sign-in"


class SignInFailed(Exception):
    """A sign-in with the issuer failed; the text is for the log."""


class _Flow(Struct, frozen=True, kw_only=True):
    """A sign-in that was started, as the ``state`` that the issuer sends back, so that any process can end it.

    ``browser``: the hash of the cookie of the browser that started it. ``to``: the address to open afterwards. Nonce
    and verifier follow from these by the key.
    """

    id: str
    browser: str
    to: str
    at: datetime


class _Issuer(Struct, frozen=True):
    """The metadata of the issuer."""

    metadata: Mapping[str, Any]
    keys: KeySet
    read_at: float


class OpenId:
    """Sign-ins by one issuer. Its methods send requests, so they run in threads."""

    def __init__(self, settings: OidcSettings, public_url: str, keys: Keys) -> None:
        self._settings = settings
        self._redirect = f"{public_url.rstrip('/')}{CALLBACK}"
        self._secret = settings.client_secret.resolve() if settings.client_secret else None
        self._keys, self._ended = keys, Once(_FLOW_SECONDS + _LEEWAY)
        self._known: _Issuer | None = None
        self._lock = Lock()

    def start(self, browser: str, to: str) -> str:
        """Start a sign-in; returns the address of the issuer to send the browser to. Raises SignInFailed."""
        issuer = self._issuer()
        to = to if len(to) <= _LONGEST_ADDRESS else "/"
        flow = _Flow(id=secrets.token_urlsafe(32), browser=_hashed(browser), to=to, at=datetime.now(UTC))
        with self._client(issuer) as client:
            address, _ = client.create_authorization_url(
                self._endpoint(issuer.metadata, "authorization_endpoint"),
                state=self._keys.sign(_FLOW, flow),
                code_verifier=self._keys.mac("verifier", flow.id),
                nonce=self._keys.mac("nonce", flow.id),
            )
        return str(address)

    def finish(self, browser: str | None, query: Mapping[str, str]) -> tuple[str, str]:
        """End a sign-in with the query of the redirect; returns the person's claim, and the address to open.

        Raises SignInFailed.
        """
        flow = self._keys.read(_FLOW, query.get("state", ""), _Flow)
        is_first = flow is not None and self._ended.use(flow.id)
        if flow is None or not is_first or not _is_recent(flow) or not same(flow.browser, _hashed(browser or "")):
            raise SignInFailed("it was not started in this browser, or too long ago")
        if query.get("iss", self._settings.issuer) != self._settings.issuer:
            raise SignInFailed("the answer is another issuer's")
        if "error" in query or not query.get("code"):
            raise SignInFailed(f"the issuer answered {query.get('error', 'without a code')}")
        try:
            return self._person(flow, query["code"]), flow.to
        except (OAuthError, OAuth2Error, JoseError, requests.RequestException, ValueError) as error:
            raise SignInFailed(f"{type(error).__name__}: {error}") from error

    def _person(self, flow: _Flow, code: str) -> str:
        issuer = self._issuer()
        with self._client(issuer) as client:
            token = client.fetch_token(
                self._endpoint(issuer.metadata, "token_endpoint"),
                grant_type="authorization_code",
                code=code,
                code_verifier=self._keys.mac("verifier", flow.id),
                redirect_uri=self._redirect,
                allow_redirects=False,
            )
            claims = self._verified(issuer, token, self._keys.mac("nonce", flow.id))
            if self._settings.claim not in claims and issuer.metadata.get("userinfo_endpoint"):
                address = self._endpoint(issuer.metadata, "userinfo_endpoint")
                more = _json(client.get(address, allow_redirects=False))
                if more.get("sub") == claims["sub"]:
                    claims = {**more, **claims}
        named = claims.get(self._settings.claim)
        if not isinstance(named, str) or not named.strip():
            raise SignInFailed(f"the issuer sent no claim {self._settings.claim}")
        if self._settings.claim == "email" and claims.get("email_verified", True) is not True:
            raise SignInFailed("the issuer has not verified the e-mail address")
        return named.strip()

    def _verified(self, issuer: _Issuer, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of the ID token. Raises JoseError, ValueError."""
        written = str(token.get("id_token", ""))
        try:
            decoded = jwt.decode(written, issuer.keys, _ALGORITHMS)
        except ValueError:  # a key that is not known yet
            decoded = jwt.decode(written, self._issuer(anew=True).keys, _ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
            },
            params={
                "nonce": nonce,
                "client_id": self._settings.client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=_LEEWAY)
        return dict(claims)

    def _client(self, issuer: _Issuer | None) -> OAuth2Session:
        settings = self._settings
        methods = [] if issuer is None else issuer.metadata.get("token_endpoint_auth_methods_supported") or []
        posts = "client_secret_post" in methods and "client_secret_basic" not in methods
        client = OAuth2Session(
            settings.client_id,
            self._secret,
            token_endpoint_auth_method="client_secret_post" if self._secret and posts else None,
            scope=" ".join(settings.scopes),
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT,
        )
        client.verify = True if settings.ca_file is None else str(settings.ca_file)
        client.trust_env = not is_loopback(urlsplit(settings.issuer).hostname or "")
        return client

    def _issuer(self, *, anew: bool = False) -> _Issuer:
        """The issuer's addresses and keys. Raises SignInFailed."""
        with self._lock:
            known, age = self._known, _KNOWN_SECONDS if not anew else _LEEWAY
            if known is not None and time.monotonic() - known.read_at < age:
                return known
            try:
                with self._client(None) as client:
                    address = f"{self._settings.issuer.rstrip('/')}{_DISCOVERY}"
                    metadata = _json(client.get(address, withhold_token=True, allow_redirects=False))
                    if metadata.get("issuer") != self._settings.issuer:
                        raise SignInFailed(f"it calls itself {metadata.get('issuer')}, not {self._settings.issuer}")
                    address = self._endpoint(metadata, "jwks_uri")
                    keys = _json(client.get(address, withhold_token=True, allow_redirects=False))
                    self._known = _Issuer(metadata, KeySet.import_key_set(keys), time.monotonic())  # type: ignore[arg-type]  # validated there
            except (requests.RequestException, JoseError, ValueError) as error:
                raise SignInFailed(f"the issuer cannot be read: {type(error).__name__}: {error}") from error
            return self._known

    def _endpoint(self, metadata: Mapping[str, Any], name: str) -> str:
        """An address of the issuer. Raises SignInFailed if secrets may not be sent there."""
        address = str(metadata.get(name))
        try:
            check_url(address, insecure_http=self._settings.insecure_http, query=True)
        except ValueError as error:
            raise SignInFailed(f"{name}: {error}") from error
        return address


def _is_recent(flow: _Flow) -> bool:
    return flow.at.tzinfo is not None and -_LEEWAY <= (datetime.now(UTC) - flow.at).total_seconds() <= _FLOW_SECONDS


def _hashed(browser: str) -> str:
    return sha256(browser.encode()).hexdigest()


def _json(answer: requests.Response) -> dict[str, Any]:
    """The object in an answer. Raises ValueError."""
    if answer.status_code != requests.codes.ok:
        raise ValueError(f"status {answer.status_code}")
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("the answer is not an object")  # noqa: TRY004  # an error of the issuer, not of the code
    return found
