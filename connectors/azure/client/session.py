"""Sign-in to Microsoft, by azure-identity or with given tokens, and the rate of requests.

Source: https://learn.microsoft.com/graph/throttling-limits and Azure Resource Manager's throttling page.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.azure.client.clouds import Service
from connectors.azure.client.errors import translated
from connectors.azure.settings import AzureSettings
from connectors.core.budget import pause
from connectors.core.rates import RateLimit
from scanner.errors import SourceError
from scanner.redaction.redact import SecretRef, mask

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential
    from requests import Response

_RATES: dict[Service, float] = {"graph": 50, "arm": 20, "vault": 200}
"""Requests per second after a service has throttled; below its quota for one application."""
_REPORTS, _REPORTS_RATE, _REPORTS_BURST = ("/reports/", "/auditlogs/"), 0.5, 5
"""Graph allows five requests for reports and logs in ten seconds, and does not always send ``Retry-After``."""
_NEARNESS, _NEAR = "x-ms-throttle-limit-percentage", 0.8
_QUOTA_LEFT, _QUOTA_RESETS = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"
"""Headers of Resource Graph: how many queries are left, and the time (hh:mm:ss) to the next quota."""
_RESOURCE_GRAPH, _QUOTA_WAIT = "/providers/microsoft.resourcegraph/", 60.0
_CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?", re.ASCII)


class Pace:
    """The rate limits of all clients of a source. ``clock`` and ``sleep`` are in seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = pause) -> None:
        limit = partial(RateLimit, clock=clock, sleep=sleep)
        self._limits = {name: limit(rate) for name, rate in _RATES.items()}
        self._queries = limit(_RATES["arm"])
        self._reports = limit(_REPORTS_RATE, burst=_REPORTS_BURST, limited=True)

    def rate(self, service: Service, url: str) -> RateLimit:
        """The rate limit for a request."""
        path = url.partition("?")[0].lower()
        if service == "graph" and any(one in path for one in _REPORTS):
            return self._reports
        is_query = service == "arm" and _RESOURCE_GRAPH in url.lower()
        return self._queries if is_query else self._limits[service]

    def note(self, service: Service, url: str, headers: Mapping[str, str]) -> None:
        """Slow down if an answer reports that the limit is near."""
        rate = self.rate(service, url)
        try:
            is_near = float(headers.get(_NEARNESS, 0)) >= _NEAR
        except ValueError:
            is_near = False
        if is_near:
            rate.slow_down()
        if headers.get(_QUOTA_LEFT) == "0":
            self._queries.hold(min(_seconds(headers.get(_QUOTA_RESETS)), _QUOTA_WAIT))


def _seconds(reported: str | None) -> float:
    """Seconds of ``hh:mm:ss``; 0 for any other text."""
    parts = _CLOCK.fullmatch(reported or "")
    return sum(int(part) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True)) if parts else 0.0


# --- Access tokens obtained elsewhere, such as with the Azure CLI ---

_RENEWED = 300
"""Seconds before its expiry at which a token is renewed."""
KEPT = 600
"""Seconds after which it is read again: it may have been renewed."""
_TOKEN = re.compile(r"[!-~]+")


class _Printed(msgspec.Struct, rename="camel"):
    """The output of ``az account get-access-token``. The service reports an expired token."""

    access_token: str


class GivenToken:
    """A credential of azure-core: returns the same token for every scope."""

    def __init__(self, ref: SecretRef) -> None:
        self._ref = ref

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """The token. Raises SourceError if there is none."""
        from azure.core.credentials import AccessToken

        return AccessToken(self._read(), int(time.time()) + KEPT)

    def _read(self) -> str:
        text = self._ref.resolve()
        if text.startswith("{"):
            try:
                text = msgspec.json.decode(text, type=_Printed).access_token
            except msgspec.DecodeError:
                text = ""
        if not _TOKEN.fullmatch(text):
            raise SourceError(
                f"{self._ref} holds no access token", hint="give what `az account get-access-token` prints"
            )
        mask(text)
        return text


# --- Credentials from azure-identity ---


def transport(**settings: Any) -> Any:
    """azure-core's transport for signing in, which charges answers and pauses to the current budget."""
    from azure.core.pipeline.transport import RequestsTransport
    from requests import Session

    from connectors.core.transport import bound_session

    made = RequestsTransport(session=bound_session(Session()), **settings)
    made.sleep = pause
    return made


def credential(settings: AzureSettings) -> TokenCredential:
    """The credential of the settings, created without a call.

    Raises SourceError if a secret or file that they refer to is missing.
    """
    import azure.identity as sdk

    shared: dict[str, Any] = {
        "authority": settings.endpoints.authority,
        "connection_verify": str(settings.ca_file) if settings.ca_file else True,
    }
    if settings.managed_identity:
        named = settings.managed_identity if isinstance(settings.managed_identity, str) else None
        return sdk.ManagedIdentityCredential(client_id=named, transport=transport())
    if settings.client_secret is None and settings.certificate_file is None:
        return sdk.DefaultAzureCredential(**shared)
    shared |= {
        "transport": transport(connection_verify=shared["connection_verify"]),
        "tenant_id": settings.tenant or "",
        "client_id": settings.client_id or "",
        "disable_instance_discovery": settings.own_authority,
    }
    if settings.client_secret is not None:
        return sdk.ClientSecretCredential(client_secret=settings.client_secret.resolve(), **shared)
    try:
        return sdk.CertificateCredential(certificate_path=str(settings.certificate_file), **shared)
    except (OSError, ValueError) as error:
        hint = "give a PEM file with an RSA certificate and its private key"
        raise SourceError(f"certificate_file cannot be used ({type(error).__name__})", hint=hint) from error


class TokenSignIn:
    """Authenticates requests to one service with a token that is renewed before it expires.

    Safe to share between threads.
    """

    def __init__(self, made: Callable[[], TokenCredential], audience: str) -> None:
        self._made = made
        self._audience = audience
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def headers(self, method: str = "", url: str = "") -> Mapping[str, str]:
        """The header with the token.

        Raises NotSignedIn, or SourceError if a secret that the settings refer to is missing.
        """
        del method, url
        with self._lock:
            if self._token is None or self._token.expires_on - time.time() < _RENEWED:
                self._token = self._new()
            return {"Authorization": f"Bearer {self._token.token}"}

    def renewed(self, refused: Response) -> bool:
        """Whether there is a newer token than the refused one, such as in a renewed file."""
        with self._lock:
            self._token = self._new()
            return refused.request.headers.get("Authorization") != f"Bearer {self._token.token}"

    def _new(self) -> AccessToken:
        with translated("signing in"):
            return self._made().get_token(self._audience)


class AzureSession:
    """Rate limits and tokens that all clients of a source share, so that not every unit of work signs in."""

    def __init__(self, settings: AzureSettings) -> None:
        self.pace = Pace()
        self._settings = settings
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        audience = settings.endpoints.audience
        self.sign_ins: dict[Service, TokenSignIn] = {
            service: TokenSignIn(partial(self.credential, service), audience(service)) for service in _RATES
        }

    def credential(self, service: Service) -> TokenCredential:
        """The credential that the settings describe. Raises SourceError if a secret that they refer to is missing."""
        given = self._settings.token_of(service)
        if given is not None:
            return GivenToken(given)
        with self._lock:
            self._credential = self._credential or credential(self._settings)
            return self._credential
