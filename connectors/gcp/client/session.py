"""Sign-in to Google, and the clients and rate limits that all scopes of a source share.

Credentials are a token, a file, or Application Default Credentials; they may impersonate a service account.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from connectors.core.contract import own_words
from connectors.core.rates import RateLimit, Retries
from connectors.gcp.client.errors import NoCredentials, answer_as, is_throttled
from connectors.gcp.client.requests import Request
from connectors.gcp.settings import GcpSettings
from scanner.errors import SourceError

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import Request as SignInTransport
    from google.cloud.iam_admin_v1 import IAMClient
    from requests import Response

    from connectors.core.http import Client

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""The only scope that IAM, Cloud Asset and Secret Manager accept: the scanner's role restricts it to reading."""


def credentials_of(settings: GcpSettings) -> Credentials:
    """The credentials that the settings name, not yet used. Raises NoCredentials if there are none."""
    with translated():
        own = _own(settings)
        if settings.impersonate is not None:
            from google.auth.impersonated_credentials import Credentials as Impersonated

            own = cast(
                "Credentials",
                Impersonated(own, target_principal=settings.impersonate, target_scopes=list(SCOPES)),
            )
        if settings.quota_project is not None:
            own = cast("Any", own).with_quota_project(settings.quota_project)
        return own


@contextmanager
def translated() -> Iterator[None]:
    """Within the context, errors of google-auth become SourceErrors with a short, clean message."""
    from google.auth.exceptions import GoogleAuthError, TransportError

    try:
        yield
    except TransportError as error:
        raise NoCredentials(
            f"the token could not be obtained: {own_words(error)}",
            hint="check that this machine can reach the token issuer",
        ) from None
    except GoogleAuthError as error:
        raise NoCredentials(
            f"no credentials ({type(error).__name__}): {own_words(error)}",
            hint="run `gcloud auth application-default login`, or set credentials_file or access_token",
        ) from None


def _own(settings: GcpSettings) -> Credentials:
    if settings.access_token is not None:
        from google.oauth2.credentials import Credentials as Token

        try:
            return cast("Credentials", Token(settings.access_token.resolve()))
        except SourceError as error:
            raise NoCredentials(str(error), hint=error.hint) from None
    if settings.credentials_file is not None:
        return _of_file(settings.credentials_file.expanduser())
    import google.auth

    found, _ = google.auth.default(scopes=list(SCOPES))
    return found


def _of_file(path: Path) -> Credentials:
    """Load by the file's type: google-auth's generic loader would also accept types that run a command."""
    try:
        info = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise NoCredentials(f"{path} cannot be read: {type(error).__name__}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NoCredentials(f"{path} is not a JSON file of credentials") from None
    load = _loaders().get(_type(info))
    if load is None:
        raise NoCredentials(f"{path}: {own_words(info.get('type'))!r} is not a supported type of credentials")
    try:
        return load(info)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoCredentials(f"{path} holds no usable credentials ({type(error).__name__})") from None


def _type(info: Mapping[str, Any]) -> str:
    kind = str(info.get("type"))
    source = info.get("credential_source")
    if kind != "external_account" or not isinstance(source, dict):
        return kind
    if "executable" in source:
        return "executable"
    return "external_account aws" if "environment_id" in source else kind


def _loaders() -> dict[str, Callable[[dict[str, Any]], Credentials]]:
    from google.auth import aws, identity_pool
    from google.oauth2 import credentials, service_account

    kinds: dict[str, Any] = {
        "service_account": service_account.Credentials.from_service_account_info,
        "authorized_user": credentials.Credentials.from_authorized_user_info,
        "external_account": identity_pool.Credentials.from_info,
        "external_account aws": aws.Credentials.from_info,
    }
    scoped = {"service_account", "external_account", "external_account aws"}

    def loader(kind: str) -> Callable[[dict[str, Any]], Credentials]:
        keywords = {"scopes": list(SCOPES)} if kind in scoped else {}
        return lambda info: cast("Credentials", kinds[kind](info, **keywords))

    return {kind: loader(kind) for kind in kinds}


class GoogleSignIn:
    """Authenticates requests. Safe to share between threads: one renews the token for all."""

    def __init__(self, settings: GcpSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._transport: SignInTransport | None = None

    def credentials(self) -> Credentials:
        """The credentials of the settings. Raises NoCredentials if there are none."""
        with self._lock:
            return self._own()

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """The token, and the quota project. Raises NoCredentials."""
        signed: dict[str, str] = {}
        with self._lock, translated():
            self._own().before_request(self._way(), method, url, signed)
        return signed

    def renewed(self, refused: Response) -> bool:
        """Whether there is a new token. A plain access token cannot be renewed."""
        if self._settings.access_token is not None:
            return False
        signed: dict[str, str] = {}
        with self._lock, translated():
            self._own().apply(signed)
            if signed.get("authorization") == refused.request.headers.get("authorization"):
                self._own().refresh(self._way())
        return True

    def _own(self) -> Credentials:
        if self._credentials is None:
            self._credentials = credentials_of(self._settings)
        return self._credentials

    def _way(self) -> SignInTransport:
        from google.auth.transport.requests import Request as SignInTransport
        from requests import Session

        from connectors.core.transport import bound_session

        if self._transport is None:
            self._transport = SignInTransport(bound_session(Session()))
        return self._transport


# Requests a minute that the APIs allow by default, with a fifth to spare. Source: each API's page "Quotas and limits".
_A_MINUTE: dict[str, int] = {
    "apikeys": 240,
    "cloudasset": 100,
    "cloudresourcemanager": 600,
    "iam": 6000,
    "logging.entries": 30,
    "policyanalyzer": 600,
    "recommender": 600,
    "secretmanager": 600,
}
_USUAL = 1200
_SPARED = 0.8
# Of the 60 entries.list per minute of Cloud Logging, half may be sent at once, because throttling lasts up to a minute.
_AT_ONCE = {"logging.entries": 30}
_BURST = 5


class GcpSession:
    """One source's session with Google. Threads and scopes share it, and with it the rate of each API.

    ``grpc_channel``: a channel to IAM to use instead of a new one.
    """

    def __init__(self, settings: GcpSettings, *, grpc_channel: Any = None) -> None:
        self.settings = settings
        self.by_grpc = Retries("IAM by gRPC", attempts=settings.max_attempts, backoff=settings.backoff)
        self._sign_in = GoogleSignIn(settings)
        self._channel = grpc_channel
        self._lock = threading.Lock()
        self._iam: IAMClient | None = None
        self._paces: dict[str, RateLimit] = {}
        self._clients: dict[str, Client] = {}

    def pace(self, api: str) -> RateLimit:
        """The rate limit of an API, which applies after its first throttling, or from the start."""
        with self._lock:
            if api not in self._paces:
                rate, burst = _SPARED * _A_MINUTE.get(api, _USUAL) / 60, _AT_ONCE.get(api, _BURST)
                self._paces[api] = RateLimit(rate, burst=burst, limited=api in _AT_ONCE)
            return self._paces[api]

    def client(self, request: Request, location: str | None) -> Client:
        """The client of the host that answers a request; one for all threads."""
        url = self._base(request, location)
        with self._lock:
            if url not in self._clients:
                self._clients[url] = self._made_client(url)
            return self._clients[url]

    def iam(self) -> IAMClient:
        """Google's own client for IAM, by gRPC; one for all threads."""
        with self._lock:
            if self._iam is None:
                self._iam = self._made_iam()
            return self._iam

    def close(self) -> None:
        """Close the connections and the gRPC channel."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            if self._iam is not None:
                self._iam.transport.close()
                self._iam = None

    def _base(self, request: Request, location: str | None) -> str:
        settings = self.settings
        override = settings.endpoints.get(request.api) or settings.endpoint_url
        if override is not None:
            return override
        if request.regional is not None and location is not None:
            return request.regional.format(location=location)
        return f"https://{request.api}.googleapis.com"

    def _made_client(self, url: str) -> Client:
        from connectors.core.http import Client

        settings = self.settings
        return Client(
            url,
            sign_in=self._sign_in,
            attempts=settings.max_attempts,
            backoff=settings.backoff,
            timeout=settings.timeout,
            decode=answer_as,
            cache_bytes=0,
            ca_file=None if settings.ca_file is None else str(settings.ca_file.expanduser()),
            insecure_http=settings.insecure_http,
            is_throttled=is_throttled,
            environment=settings.endpoint_url is None,  # requests to a custom address use no proxy
        )

    def _made_iam(self) -> IAMClient:
        from google.cloud.iam_admin_v1 import IAMClient

        endpoint = self.settings.grpc_endpoint
        if self._channel is None and self.settings.grpc_is_local:
            import grpc

            self._channel = grpc.insecure_channel(endpoint)
        if self._channel is not None:
            return IAMClient(transport=IAMClient.get_transport_class("grpc")(channel=self._channel))
        return IAMClient(
            credentials=self._sign_in.credentials(),
            client_options=None if endpoint is None else {"api_endpoint": endpoint},
        )
