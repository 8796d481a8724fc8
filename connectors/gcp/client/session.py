"""Whose credentials are used: a token, a file, or Application Default Credentials; then, maybe, whom they become."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from connectors.base import own_words
from connectors.budget import current
from connectors.gcp.client.errors import UNAUTHORIZED, NoCredentials
from connectors.gcp.client.requests import Request
from connectors.gcp.settings import GcpSettings
from connectors.rates import RateLimit
from scanner.errors import SourceError

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud.iam_admin_v1 import IAMClient
    from requests import Response

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""The only scope that IAM, Cloud Asset and Secret Manager accept: what keeps the scanner to reading is its role."""


def credentials_of(settings: GcpSettings) -> Credentials:
    """The credentials that the settings name, not yet used. Raises NoCredentials where there are none."""
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
    """Inside, what google-auth raises becomes a SourceError; its words are kept short and clean."""
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
    """By the file's type: google-auth's one loader for all types would also load those that run a command."""
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


# --- Sessions: credentials on first use, one connection for each thread, rate limits for each API ---

# Requests a minute that the APIs allow by default, with a fifth to spare. Source: each API's page "Quotas and limits".
_A_MINUTE: dict[str, int] = {
    "apikeys": 240,
    "cloudasset": 100,
    "cloudresourcemanager": 600,
    "iam": 6000,
    "policyanalyzer": 600,
    "recommender": 600,
    "secretmanager": 600,
}
_USUAL = 1200
_SPARED = 0.8
SILENCES = 3
"""After so many requests in a row without an answer a host counts as gone."""
PATIENCE = 60.0
"""Seconds at most between two tries of a request, and that a ``Retry-After`` is obeyed."""


class GcpSession:
    """One source's way to Google. Threads and scopes share it, so that together they keep to each API's pace.

    ``grpc_channel``: a channel to IAM to be used instead of one's own.
    """

    def __init__(self, settings: GcpSettings, *, grpc_channel: Any = None) -> None:
        self.settings = settings
        self._channel = grpc_channel
        self._lock = threading.Lock()
        self._local = threading.local()
        self._credentials: Credentials | None = None
        self._iam: IAMClient | None = None
        self._paces: dict[str, RateLimit] = {}
        self._silences: Counter[str] = Counter()
        self._in_vain: set[str] = set()
        self._random = random.SystemRandom()

    def pace(self, api: str) -> RateLimit:
        """The rate that requests to an API are held to once it has refused for load."""
        with self._lock:
            if api not in self._paces:
                self._paces[api] = RateLimit(_SPARED * _A_MINUTE.get(api, _USUAL) / 60, burst=5)
            return self._paces[api]

    def send(self, request: Request, url: str, params: list[tuple[str, str]], body: Any) -> Response:
        """One request, sent once. Raises what requests raises, and SourceErrors for want of credentials."""
        with translated():
            response: Response = self._http().request(
                request.method,
                url,
                params=params,
                json=body,
                allow_redirects=False,  # they would carry the token to whatever host they name
                timeout=self.settings.timeout,
            )
        return response

    def pause(self, attempt: int, asked: float | None = None) -> float:
        """Seconds before the next try: what the server asked for, else twice as long each time, give or take half."""
        doubled = self.settings.backoff * 2.0**attempt * self._random.uniform(0.5, 1.5)
        return min(PATIENCE, doubled if asked is None else asked)

    def wait(self, attempt: int, asked: float | None = None) -> None:
        """Sleep for that long."""
        current().pause(self.pause(attempt, asked))

    def heard(self, host: str, *, answered: bool) -> None:
        """Note whether a host answered, all tries taken together."""
        with self._lock:
            self._silences[host] = 0 if answered else self._silences[host] + 1

    def is_silent(self, host: str) -> bool:
        """Whether a host has stopped answering, so that it is not asked again."""
        return self._silences[host] >= SILENCES

    def tries(self, *names: str) -> int:
        """How often a request is tried at most: once where all tries were in vain before, until one is answered.

        ``names``: its host, and what it asks for there.
        """
        return self.settings.max_attempts if self._in_vain.isdisjoint(names) else 1

    def tried(self, *names: str, in_vain: bool) -> None:
        """Note whether all tries of a request were in vain."""
        with self._lock:
            if in_vain:
                self._in_vain.update(names)
            else:
                self._in_vain.difference_update(names)

    def iam(self) -> IAMClient:
        """Google's own client for IAM, by gRPC; one for all threads."""
        with self._lock:
            if self._iam is None:
                self._iam = self._made_iam()
            return self._iam

    def close(self) -> None:
        """Give this thread's connections and the gRPC channel back."""
        session: AuthorizedSession | None = getattr(self._local, "session", None)
        if session is not None:
            session.close()
            del self._local.session
        with self._lock:
            if self._iam is not None:
                self._iam.transport.close()
                self._iam = None

    def base(self, request: Request, location: str | None) -> str:
        """Scheme and host of a request, without a slash at the end."""
        settings = self.settings
        override = settings.endpoints.get(request.api) or settings.endpoint_url
        if override is not None:
            return override.rstrip("/")
        if request.regional is not None and location is not None:
            return request.regional.format(location=location)
        return f"https://{request.api}.googleapis.com"

    def _http(self) -> AuthorizedSession:
        session: AuthorizedSession | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._made_http()
        return session

    def _made_http(self) -> AuthorizedSession:
        from google.auth.transport.requests import AuthorizedSession
        from google.auth.transport.requests import Request as SignIn
        from requests import Session

        from connectors.http import bound_session

        # A bare token cannot be renewed: that it was refused is then the answer.
        renewed = () if self.settings.access_token is not None else (UNAUTHORIZED,)
        signing_in = SignIn(bound_session(Session()))
        session = AuthorizedSession(self._own(), refresh_status_codes=renewed, auth_request=signing_in)
        bound_session(session)
        session.auth = lambda prepared: prepared  # else ~/.netrc would replace the token
        if self.settings.endpoint_url is not None:
            session.trust_env = False  # what is sent to an address of one's own goes by no proxy
        if self.settings.ca_file is not None:
            session.verify = str(self.settings.ca_file.expanduser())
        return session

    def _own(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                self._credentials = credentials_of(self.settings)
            return self._credentials

    def _made_iam(self) -> IAMClient:
        from google.cloud.iam_admin_v1 import IAMClient

        if self._channel is None and self.settings.grpc_is_local:
            import grpc

            self._channel = grpc.insecure_channel(self.settings.grpc_endpoint)
        if self._channel is not None:
            return IAMClient(transport=IAMClient.get_transport_class("grpc")(channel=self._channel))
        if self._credentials is None:
            self._credentials = credentials_of(self.settings)
        endpoint = self.settings.grpc_endpoint
        return IAMClient(
            credentials=self._credentials, client_options=None if endpoint is None else {"api_endpoint": endpoint}
        )
