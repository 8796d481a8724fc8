"""The SDK's clients: one for each service and region of a source, shared by all accounts that are read.

Making a client takes up to 100 ms and megabytes, so accounts share it and differ only in credentials, pace and meter.
:func:`calling_as` sets these for the calls of a thread. Hooks on the client use them on every attempt: to sign, to keep
the rate, to count, and to slow down. botocore is imported when the first client is made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Protocol

from connectors.aws.client.errors import THROTTLED, given_up, refuse_emulator_page, translated
from connectors.aws.settings import AwsSettings
from connectors.core.address import check_url
from connectors.core.budget import current
from connectors.core.contract import Meter, own_words
from connectors.core.rates import RateLimit
from scanner.errors import SourceError

READ_TIMEOUT = 30.0
"""Seconds to wait for an answer, or for more of it."""

_DEFAULT_REGION = "us-east-1"
_HURRIED_ATTEMPTS = 3
# Connections kept to one service in one region, by all accounts together.
_POOLED = 64


class Pace:
    """The request rate of one account for one service in one region. Safe to share between threads."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.gave_up = False
        """Whether the last call was given up because AWS throttled it."""


class CallContext(Protocol):
    """The account for which a call is made. ``credentials``: the SDK's; None: those of the source.

    ``patient``: whether to retry an address that does not exist or refuses connections.
    """

    @property
    def credentials(self) -> Any: ...

    @property
    def pace(self) -> Pace: ...

    @property
    def meter(self) -> Meter: ...

    @property
    def patient(self) -> bool: ...


class GivesClients(Protocol):
    """The factory of a session's clients: the SDK, or a replacement of AWS (then ``ask_aws`` is False)."""

    @property
    def ask_aws(self) -> bool: ...

    @property
    def home_region(self) -> str: ...

    def get(self, service: str, region: str) -> Any: ...


_call_context: ContextVar[CallContext] = ContextVar("speaker")


@contextmanager
def calling_as(call_context: CallContext) -> Iterator[None]:
    """Within the context, calls of this thread are made as that account."""
    token = _call_context.set(call_context)
    try:
        yield
    finally:
        _call_context.reset(token)


class Clients:
    """Clients by service and region, made under a lock. Credentials come from the SDK's own chain or the profile."""

    ask_aws = True

    def __init__(self, settings: AwsSettings, *, read_timeout: float = READ_TIMEOUT) -> None:
        self._settings = settings
        self._read_timeout = read_timeout
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def home_region(self) -> str:
        """The region for services without regions: the session's own, else one of the settings."""
        with self._lock, translated("session"):
            own: str | None = self._opened().get_config_variable("region")
        return own or next(iter(self._settings.named_regions or ()), _DEFAULT_REGION)

    def get(self, service: str, region: str) -> Any:
        """The client of a service in a region. Call it inside :func:`calling_as`. Raises SourceError."""
        with self._lock:
            if (service, region) not in self._clients:
                with translated(f"{service} client"):
                    client = self._make(service, region)
                self._check_endpoint(service, client.meta.endpoint_url)
                _hook(client, self._settings.max_attempts)
                self._clients[service, region] = client
            return self._clients[service, region]

    def _make(self, service: str, region: str) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._settings.max_attempts},
            connect_timeout=5,
            read_timeout=self._read_timeout,
            max_pool_connections=_POOLED,
            # A single address for all services takes no prefix of a service.
            inject_host_prefix=self._settings.endpoint_url is None,
            s3={"addressing_style": "auto" if self._settings.endpoint_url is None else "path"},
            user_agent_extra="muster",
        )
        client = self._opened().create_client(
            service, region_name=region, endpoint_url=self._settings.endpoint_url, config=config
        )
        _bound(client)
        return client

    def _check_endpoint(self, service: str, url: str) -> None:
        """Check the endpoint: the SDK also reads it from the environment and the profile, without a check."""
        try:
            check_url(url, insecure_http=self._settings.insecure_http)
        except ValueError as error:
            hint = "see AWS_ENDPOINT_URL and its like in the environment, and endpoint_url in the profile"
            raise SourceError(f"{service} would be called at {own_words(url)}: {error}", hint=hint) from error

    def _opened(self) -> Any:
        if self._session is None:
            import botocore.session

            session = botocore.session.Session(profile=self._settings.profile)
            session.register_component("data_loader", _data_loader())
            self._session = session
        return self._session


@cache
def _data_loader() -> Any:
    """The service models, read from disk once for all sources."""
    from botocore.loaders import create_loader

    return create_loader()


def _bound(client: Any) -> None:
    """Charge what the client receives to the current budget.

    The SDK has no public name for a client's connection pools, and no setting for their class: neither in
    ``botocore.config.Config`` nor in ``Session.create_client``.
    """
    from connectors.core.transport import bound

    http = client._endpoint.http_session  # noqa: SLF001  # no public name, see above
    bound(http._manager)  # noqa: SLF001  # no public name, see above
    http._pool_classes_by_scheme = http._manager.pool_classes_by_scheme  # noqa: SLF001  # proxies' managers take these


def _hook(client: Any, max_attempts: int) -> None:
    from botocore.exceptions import EndpointConnectionError

    def judge(
        response: tuple[Any, dict[str, Any]] | None, attempts: int, caught_exception: Exception | None, **_: Any
    ) -> bool | None:
        """Decide about a retry: False for none, None to let the SDK decide.

        After a call was given up because of throttling, each following call is tried three times at most, until one
        succeeds.
        """
        if response is None and given_up(caught_exception) is not None:
            return False
        if current().left() < 2.0 ** (attempts - 1):  # as long as the SDK may wait before it tries again
            return False
        if response is None:
            is_nowhere = isinstance(caught_exception, EndpointConnectionError)
            return False if is_nowhere and not _call_context.get().patient else None
        pace = _call_context.get().pace
        pace.gave_up = _is_throttled(response[1]) and (pace.gave_up or attempts >= max_attempts)
        return False if pace.gave_up and attempts >= _HURRIED_ATTEMPTS else None

    events = client.meta.events
    events.register("before-sign.*.*", _lend_credentials)
    events.register("before-send.*.*", _wait_and_count)
    events.register("response-received.*.*", _slow_down)
    events.register("before-parse.*.*", refuse_emulator_page)
    events.register("before-parse.*.*", _pay)
    events.register_first("needs-retry.*.*", judge)


def _lend_credentials(request: Any, **_: Any) -> None:
    credentials = _call_context.get().credentials
    if credentials is not None:
        request.context.setdefault("signing", {})["request_credentials"] = credentials


def _wait_and_count(**_: Any) -> None:
    call_context = _call_context.get()
    call_context.pace.limit.acquire()
    call_context.meter.add()


def _pay(response_dict: dict[str, Any], **_: Any) -> None:
    if isinstance(response_dict["body"], bytes):
        current().take(len(response_dict["body"]))


def _slow_down(parsed_response: dict[str, Any] | None, **_: Any) -> None:
    if parsed_response and _is_throttled(parsed_response):
        _call_context.get().pace.limit.slow_down()


def _is_throttled(answer: dict[str, Any]) -> bool:
    return answer.get("Error", {}).get("Code") in THROTTLED
