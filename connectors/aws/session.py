"""The way to AWS: one SDK session a source, clients made under a lock, every request counted and paced.

boto3 is imported when the first client is made. A client belongs to one scope and may be shared by its threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

from connectors.address import check_url
from connectors.aws.errors import THROTTLED, translated
from connectors.aws.settings import AwsSettings
from connectors.base import Meter, own_words
from connectors.rates import RateLimit
from scanner.errors import SourceError, Unreachable

IN_FLIGHT = 8
"""Requests sent at once to one service of one account."""

# Requests a second and burst that AWS bears for long; it publishes few of its limits, so these are cautious.
_PACES: dict[str, tuple[float, float]] = {"iam": (8, 20), "ec2": (10, 50)}
_PACE = (10.0, 20.0)

_DEFAULT_REGION = "us-east-1"
# What AWS puts into a page besides its rows, whose list it may leave out: IAM, and the others.
_OF_PAGES = ("IsTruncated", "NextToken")
_HURRIED_ATTEMPTS = 3


class AwsSession:
    """Clients for one source. Credentials come from the SDK's own chain or the named profile; none are kept here.

    Clients of one service in one region share a rate limit, however many scopes are read at once.
    """

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._session: Any = None
        self._limits: dict[tuple[str, str], RateLimit] = {}

    @property
    def home_region(self) -> str:
        """Where services without regions are called: the session's own region, else one that was asked for."""
        with self._lock, translated("session"):
            own: str | None = self._opened().region_name
        return own or next(iter(self._settings.named_regions or ()), _DEFAULT_REGION)

    def client(self, service: str, region: str, meter: Meter) -> Any:
        """A client whose requests, retries included, are counted by ``meter``. Raises SourceError."""
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._settings.max_attempts},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=IN_FLIGHT,
            user_agent_extra="muster",
        )
        with self._lock, translated(f"{service} client"):
            client = self._opened().client(
                service, region_name=region, endpoint_url=self._settings.endpoint_url, config=config
            )
            limit = self._limits.setdefault((service, region), self._new_limit(service))
        self._check_endpoint(service, client.meta.endpoint_url)
        _watch(client, meter, limit)
        _hurry(client, self._settings.max_attempts)
        return client

    def _check_endpoint(self, service: str, url: str) -> None:
        """The SDK takes addresses from the environment and the profile too, and has no doubts about them."""
        try:
            check_url(url, insecure_http=self._settings.insecure_http)
        except ValueError as error:
            hint = "see AWS_ENDPOINT_URL and its like in the environment, and endpoint_url in the profile"
            raise SourceError(f"{service} would be called at {own_words(url)}: {error}", hint=hint) from error

    def _opened(self) -> Any:
        if self._session is None:
            import boto3
            import botocore.session

            core = botocore.session.Session(profile=self._settings.profile)
            core.register_component("data_loader", _data_loader())
            self._session = boto3.Session(botocore_session=core)
        return self._session

    def _new_limit(self, service: str) -> RateLimit:
        if self._settings.max_rate is not None:
            return RateLimit(self._settings.max_rate, limited=True)
        rate, burst = _PACES.get(service, _PACE)
        return RateLimit(rate, burst=burst)


@cache
def _data_loader() -> Any:
    """The service models, read from disk once for all sources."""
    from botocore.loaders import create_loader

    return create_loader()


def _watch(client: Any, meter: Meter, limit: RateLimit) -> None:
    """Hooks on every attempt: wait for one's turn and count it; slow down when AWS says so."""

    def before(**_: Any) -> None:
        limit.acquire()
        meter.add()

    def after(parsed_response: dict[str, Any] | None, **_: Any) -> None:
        if parsed_response and parsed_response.get("Error", {}).get("Code") in THROTTLED:
            limit.slow_down()

    client.meta.events.register("before-send.*.*", before)
    client.meta.events.register("response-received.*.*", after)


def _hurry(client: Any, max_attempts: int) -> None:
    """Once a call was given up for load, try each of the next ones three times at most, until one is answered."""
    gave_up = False

    def judge(response: tuple[Any, dict[str, Any]] | None, attempts: int, **_: Any) -> bool | None:
        """False: no further attempt; None: the SDK decides."""
        nonlocal gave_up
        if response is None:
            return None
        throttled = response[1].get("Error", {}).get("Code") in THROTTLED
        gave_up = throttled and (gave_up or attempts >= max_attempts)
        return False if gave_up and attempts >= _HURRIED_ATTEMPTS else None

    client.meta.events.register_first("needs-retry.*.*", judge)


def permission_of(client: Any, method: str) -> str:
    """The IAM permission that a client's method takes, e.g. ``iam:ListUsers``."""
    return f"{client.meta.service_model.signing_name}:{client.meta.method_to_api_mapping[method]}"


def call(client: Any, method: str, *, expecting: str | None = None, **parameters: Any) -> dict[str, Any]:
    """One call's answer. Raises SourceError, also where the answer lacks the member that is expected in it."""
    permission = permission_of(client, method)
    with translated(permission):
        answer: dict[str, Any] = getattr(client, method)(**parameters)
    return _checked(answer, (expecting,) if expecting else (), permission)


def pages(
    client: Any, method: str, *, page_size: int, expecting: tuple[str, ...], **parameters: Any
) -> Iterator[dict[str, Any]]:
    """Every page of a listing. Raises SourceError at the page that fails; those before it have been given.

    ``expecting``: the members for rows; at least one has to be in each page, or word of whether there are more.
    """
    permission = permission_of(client, method)
    answers = iter(client.get_paginator(method).paginate(PaginationConfig={"PageSize": page_size}, **parameters))
    while True:
        with translated(permission):
            page = next(answers, None)
        if page is None:
            return
        yield _checked(page, (*expecting, *_OF_PAGES), permission)


def _checked(answer: dict[str, Any], expecting: tuple[str, ...], permission: str) -> dict[str, Any]:
    """The SDK takes a log-in page for an answer without members; a listing that is not there must not look empty."""
    if expecting and not any(member in answer for member in expecting):
        raise Unreachable(f"{permission}: the answer is not one of AWS's: it has no {expecting[0]}")
    return answer
