"""A session in one account, own or of its organization: credentials, rates, calls and pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.aws.client.clients import Clients, GivesClients, Pace, calling_as
from connectors.aws.client.errors import NotValidHere, translated
from connectors.aws.settings import AwsSettings
from connectors.core.contract import Meter
from connectors.core.rates import RateLimit
from scanner.errors import Denied, NotOffered, SourceError, Unreachable

IN_FLIGHT = 8
"""Requests sent at once to one service of one account."""
_MANY_IN_FLIGHT = {"s3": 24}
"""The limit for S3: log files are small and numerous."""

# Requests per second and burst. AWS publishes few of its limits, so these are conservative.
_PACES: dict[str, tuple[float, float]] = {
    "account": (3, 3),
    "cloudtrail": (2, 2),
    "ec2": (10, 50),
    "iam": (8, 20),
    "lambda": (12, 15),
    "organizations": (4, 8),
    "resourcegroupstaggingapi": (5, 10),
    "rolesanywhere": (1, 1),
    "s3": (500, 500),
    "sso-admin": (5, 10),
}
_PACE = (10.0, 20.0)

# Members of a page besides its rows, which may be absent: of IAM, and of other services.
_OF_PAGES = ("IsTruncated", "NextToken")
_DISABLED = "not-opted-in"
# Services whose permissions have another prefix than their signing name.
_PREFIXES = {"tagging": "tag"}


class AwsSession:
    """A session in one account. Threads may share it. Requests to one service in one region share a rate limit.

    At most IN_FLIGHT requests to one service are sent at once, regardless of the number of scopes.
    """

    def __init__(self, settings: AwsSettings, *, clients: GivesClients | None = None, credentials: Any = None) -> None:
        self._settings = settings
        self._clients: GivesClients = clients or Clients(settings)
        self._credentials = credentials
        self._lock = threading.Lock()
        self._paces: dict[tuple[str, str], Pace] = {}
        self._turns: dict[str, threading.BoundedSemaphore] = {}

    def entering(self, credentials_now: Callable[[], dict[str, str]]) -> AwsSession:
        """The session of another account, with its own rate and the same clients.

        ``credentials_now`` gives ``access_key``, ``secret_key``, ``token`` and ``expiry_time`` (ISO). It is called
        here, and again when they are about to expire; its errors are raised.
        """
        from botocore.credentials import RefreshableCredentials

        credentials = RefreshableCredentials.create_from_metadata(
            credentials_now(), refresh_using=credentials_now, method="assume-role"
        )
        return AwsSession(self._settings, clients=self._clients, credentials=credentials)

    def new_meter(self) -> Meter:
        """A meter for the requests to this account."""
        return Meter(asks=self._clients.ask_aws)

    @property
    def home_region(self) -> str:
        """The region for services without regions: the session's own, else one of the settings."""
        return self._clients.home_region

    def client(self, service: str, region: str, meter: Meter, *, patient: bool = True) -> AwsClient:
        """A client whose requests, retries included, are counted by ``meter``. Raises SourceError.

        ``patient``: False where the region may not have the service, so that its address may not exist.
        """
        sdk = self._clients.get(service, region)
        with self._lock:
            pace = self._paces.setdefault((service, region), Pace(self._new_limit(service)))
            turns = self._turns.setdefault(service, threading.BoundedSemaphore(_MANY_IN_FLIGHT.get(service, IN_FLIGHT)))
        return AwsClient(sdk, self._credentials, pace, turns, meter, patient=patient)

    def is_disabled(self, region: str, meter: Meter) -> bool:
        """Whether the account has not opted into a region. False also if AWS refuses to answer."""
        try:
            ec2 = self.client("ec2", self.home_region, meter)
            answer = call(ec2, "describe_regions", expecting="Regions", RegionNames=[region], AllRegions=True)
        except SourceError:
            return False
        return any(each.get("OptInStatus") == _DISABLED for each in answer["Regions"])

    def _new_limit(self, service: str) -> RateLimit:
        if self._settings.max_rate is not None:
            return RateLimit(self._settings.max_rate, limited=True)
        rate, burst = _PACES.get(service, _PACE)
        return RateLimit(rate, burst=burst)


class AwsClient:
    """One service in one region, called as one account, for :func:`call` and :func:`pages`.

    ``sdk``: the SDK's client, to be called within :meth:`turn`.
    """

    def __init__(
        self,
        sdk: Any,
        credentials: Any,
        pace: Pace,
        turns: threading.BoundedSemaphore,
        meter: Meter,
        *,
        patient: bool = True,
    ) -> None:
        self.sdk = sdk
        self.credentials = credentials
        self.pace = pace
        self.meter = meter
        self.patient = patient
        self._turns = turns

    @property
    def meta(self) -> Any:
        """The SDK's metadata about the service: its operations, its endpoint."""
        return self.sdk.meta

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Within the context, calls are made as this account. Waits while too many requests are in flight."""
        with self._turns, calling_as(self):
            yield


@contextmanager
def valid_in(session: AwsSession, region: str, meter: Meter) -> Iterator[None]:
    """Read part of a region. Raises NotOffered if the region refuses the credentials because it is not enabled."""
    try:
        yield
    except NotValidHere as error:
        if session.is_disabled(region, meter):
            raise NotOffered(f"region {region} is not enabled") from error
        raise


def permission_of(client: AwsClient, method: str) -> str:
    """The IAM permission for a client's method, e.g. ``iam:ListUsers``."""
    signing_name = client.meta.service_model.signing_name
    return f"{_PREFIXES.get(signing_name, signing_name)}:{client.meta.method_to_api_mapping[method]}"


def call(client: AwsClient, method: str, *, expecting: str | None = None, **parameters: Any) -> dict[str, Any]:
    """The answer to one call. Raises SourceError, also if the answer lacks the expected member."""
    permission = permission_of(client, method)
    with client.turn(), translated(permission):
        answer: dict[str, Any] = getattr(client.sdk, method)(**parameters)
    return _checked(answer, (expecting,) if expecting else (), permission)


def pages(
    client: AwsClient, method: str, *, page_size: int | None, expecting: tuple[str, ...], **parameters: Any
) -> Iterator[dict[str, Any]]:
    """Every page of a listing. Raises SourceError at the page that fails, after yielding those before.

    ``page_size``: None if the service has no such parameter. ``expecting``: the members for rows; each page must have
    one of them, or the member that tells whether there are more.
    """
    permission = permission_of(client, method)
    answers = iter(client.sdk.get_paginator(method).paginate(PaginationConfig={"PageSize": page_size}, **parameters))
    while True:
        with client.turn(), translated(permission):
            page = next(answers, None)
        if page is None:
            return
        yield _checked(page, (*expecting, *_OF_PAGES), permission)


def _checked(answer: dict[str, Any], expecting: tuple[str, ...], permission: str) -> dict[str, Any]:
    """The SDK parses a login page as an answer without members. A missing listing must not look empty."""
    if expecting and not any(member in answer for member in expecting):
        raise Unreachable(f"{permission}: unexpected response: it has no {expecting[0]}")
    return answer


# --- Sessions in the accounts of an organization ---

_REFUSED = (
    "add the caller to the trust policy of that role (with the same external_id), and allow the caller to assume it"
)


def enter(own: AwsSession, role: str, settings: AwsSettings, meter: Meter) -> AwsSession:
    """The session of the account that the role (an ARN) is in. Raises SourceError, Denied where it is refused.

    Its credentials last an hour and are renewed; ``meter`` counts that, too.
    """
    return own.entering(lambda: _credentials(own, role, settings, meter))


def _credentials(own: AwsSession, role: str, settings: AwsSettings, meter: Meter) -> dict[str, str]:
    external = {} if settings.external_id is None else {"ExternalId": settings.external_id}
    sts = own.client("sts", own.home_region, meter)
    try:
        answer = call(
            sts,
            "assume_role",
            expecting="Credentials",
            RoleArn=role,
            RoleSessionName=settings.session_name,
            **external,
        )
    except Denied as error:
        raise Denied(f"{error} on {role}", permission=error.permission, hint=_REFUSED) from error
    with translated("sts:AssumeRole"):
        given: dict[str, Any] = answer["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }
