"""One account's way to AWS: its credentials, the pace of each service, and every request counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.aws.client.clients import Clients, GivesClients, Pace, calling_as
from connectors.aws.client.errors import NotValidHere, translated
from connectors.aws.settings import AwsSettings
from connectors.base import Meter
from connectors.rates import RateLimit
from scanner.errors import Denied, NotOffered, SourceError, Unreachable

IN_FLIGHT = 8
"""Requests sent at once to one service of one account."""
_MANY_IN_FLIGHT = {"s3": 24}
"""Where as many as this are usual: files of logs are small and many."""

# Requests a second and burst that AWS sustains; it publishes few of its limits, so these are cautious.
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

# What AWS puts into a page besides its rows, whose list it may leave out: IAM, and the others.
_OF_PAGES = ("IsTruncated", "NextToken")
_DISABLED = "not-opted-in"
# Where permissions begin with another name than the one that requests are signed for.
_PREFIXES = {"tagging": "tag"}


class AwsSession:
    """One account, and how it is called. Threads may share it.

    Requests to one service in one region share a rate limit, those to one service are at most IN_FLIGHT at once,
    however many scopes are read at once.
    """

    def __init__(self, settings: AwsSettings, *, clients: GivesClients | None = None, credentials: Any = None) -> None:
        self._settings = settings
        self._clients: GivesClients = clients or Clients(settings)
        self._credentials = credentials
        self._lock = threading.Lock()
        self._paces: dict[tuple[str, str], Pace] = {}
        self._turns: dict[str, threading.BoundedSemaphore] = {}

    def entering(self, credentials_now: Callable[[], dict[str, str]]) -> AwsSession:
        """Another account, with a pace of its own and the same clients.

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
        """Where services without regions are called: the session's own region, else one of the settings."""
        return self._clients.home_region

    def client(self, service: str, region: str, meter: Meter, *, patient: bool = True) -> Client:
        """A client whose requests, retries included, are counted by ``meter``. Raises SourceError.

        ``patient``: False where the region may not have the service, so that its address may not exist.
        """
        sdk = self._clients.get(service, region)
        with self._lock:
            pace = self._paces.setdefault((service, region), Pace(self._new_limit(service)))
            turns = self._turns.setdefault(service, threading.BoundedSemaphore(_MANY_IN_FLIGHT.get(service, IN_FLIGHT)))
        return Client(sdk, self._credentials, pace, turns, meter, patient=patient)

    def is_disabled(self, region: str, meter: Meter) -> bool:
        """Whether AWS says that the account has not opted into a region; a refusal to say proves nothing."""
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


class Client:
    """One service in one region, called as one account: what :func:`call` and :func:`pages` take.

    ``sdk``: the SDK's own, to be called while :meth:`turn` lasts.
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
        """Wait until few enough requests are in flight, and call as this account."""
        with self._turns, calling_as(self):
            yield


@contextmanager
def valid_in(session: AwsSession, region: str, meter: Meter) -> Iterator[None]:
    """Read something of a region. Raises NotOffered where it refuses the credentials for not being enabled."""
    try:
        yield
    except NotValidHere as error:
        if session.is_disabled(region, meter):
            raise NotOffered(f"region {region} is not enabled") from error
        raise


def permission_of(client: Client, method: str) -> str:
    """The IAM permission that a client's method takes, e.g. ``iam:ListUsers``."""
    signing_name = client.meta.service_model.signing_name
    return f"{_PREFIXES.get(signing_name, signing_name)}:{client.meta.method_to_api_mapping[method]}"


def call(client: Client, method: str, *, expecting: str | None = None, **parameters: Any) -> dict[str, Any]:
    """One call's answer. Raises SourceError, also where the answer lacks the member that is expected in it."""
    permission = permission_of(client, method)
    with client.turn(), translated(permission):
        answer: dict[str, Any] = getattr(client.sdk, method)(**parameters)
    return _checked(answer, (expecting,) if expecting else (), permission)


def pages(
    client: Client, method: str, *, page_size: int | None, expecting: tuple[str, ...], **parameters: Any
) -> Iterator[dict[str, Any]]:
    """Every page of a listing. Raises SourceError at the page that fails; those before it have been given.

    ``page_size`` is None where the service takes none.
    ``expecting``: the members for rows; at least one has to be in each page, or word of whether there are more.
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
    """The SDK takes a log-in page for an answer without members; a listing that is not there must not look empty."""
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
