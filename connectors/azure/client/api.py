"""Graph, the resource manager and key vaults; also the SDK's clients for role assignments and definitions.

All requests use ``connectors.core.http``, with a client for each host. Only requests in the table of requests.py are
sent. Failures are raised as SourceError, never as errors of the SDK.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Raw

from connectors.azure.client.clouds import Service
from connectors.azure.client.errors import OK, TRANSIENT, ExpiredPage, is_throttled, of_answer
from connectors.azure.client.payloads import Page
from connectors.azure.client.requests import address, request_of
from connectors.azure.client.session import AzureSession
from connectors.azure.keys import NIL_GUID
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Malformed, Meter
from connectors.core.rates import Retries
from connectors.core.reading import decoded
from scanner.errors import Unreachable

if TYPE_CHECKING:
    from requests import Response

    from connectors.azure.client import sdk
    from connectors.core.http import Client

T = TypeVar("T")
Params = Mapping[str, str | int]
Headers = Mapping[str, str]

FAILURES = 4
"""Attempts of a request if a service fails without ``Retry-After``: mostly the cause is not load."""
HOSTS = 32
"""Clients that are kept at once; each vault has a host of its own."""
VAULT_VERSION = "7.6"
VAULT_PAGE = 25
"""The maximum page size of vaults."""


class AzureApi:
    """The client of all services. Threads may share it. The meter counts every request.

    ``session``: shared with the source's other clients.
    """

    def __init__(self, settings: AzureSettings, meter: Meter, *, session: AzureSession | None = None) -> None:
        self.retries = partial(Retries, attempts=settings.max_attempts, backoff=settings.backoff, failures=FAILURES)
        self._session = session or AzureSession(settings)
        self._settings = settings
        self._endpoints = settings.endpoints
        self._meter = meter
        self._lock = threading.Lock()
        self._clients: OrderedDict[str, Client] = OrderedDict()

    def close(self) -> None:
        """Close the connections; for use with ``contextlib.closing``."""
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def sign_in(self, service: Service = "graph") -> None:
        """Get a token, so that invalid credentials are reported once. Raises NotSignedIn, Unreachable."""
        if self._settings.token_of(service) is None:
            self._meter.add()
        self._session.sign_ins[service].headers()

    def graph_pages(
        self, path: str, *, params: Params | None = None, beta: bool = False, headers: Headers | None = None
    ) -> Iterator[list[Raw]]:
        """The pages of a list of Graph. If a link to the next page has expired, the list is read again, once.

        Rows are not repeated then, unless they changed in between.
        """
        return self._pages("graph", self._graph_url(path, params, beta=beta), headers)

    def graph_post(self, path: str, body: Any, into: type[T], *, beta: bool = False) -> T:
        """Send a query with a body to Graph."""
        return self._decoded("graph", "POST", self._graph_url(path, None, beta=beta), into, body=body)

    def graph_next(self, link: str, headers: Headers) -> Iterator[list[Raw]]:
        """The pages from a next link on."""
        return self._pages("graph", link, headers)

    def arm_pages(
        self, path: str, *, api_version: str, params: Params | None = None, method: str = "GET"
    ) -> Iterator[list[Raw]]:
        """The pages of a list of the resource manager; ``method``: POST for the few that need it."""
        return self._pages("arm", self._arm_url(path, api_version, params), None, method=method)

    def arm_post(
        self,
        path: str,
        body: Any,
        into: type[T],
        *,
        api_version: str,
        on_headers: Callable[[Headers], None] | None = None,
    ) -> T:
        """Send a query with a body to the resource manager. ``on_headers``: called with the headers of the answer."""
        return self._decoded(
            "arm", "POST", self._arm_url(path, api_version, None), into, body=body, on_headers=on_headers
        )

    def vault_pages(self, vault_uri: str, path: str) -> Iterator[list[Raw]]:
        """The pages of ``/secrets``, ``/keys`` or ``/certificates`` of a vault, never a value."""
        query = urlencode({"api-version": VAULT_VERSION, "maxresults": VAULT_PAGE})
        return self._pages("vault", f"{self.vault_address(vault_uri)}{path}?{query}", None)

    def vault_address(self, vault_uri: str) -> str:
        """The address of a vault: its own, or a path below the address of an emulator."""
        emulator, own = urlsplit(self._endpoints.vault), address(vault_uri)
        if not emulator.path or own.netloc.lower() == emulator.netloc.lower():
            return vault_uri.rstrip("/")
        name = (own.hostname or "").partition(".")[0]
        return f"{self._endpoints.vault}/{quote(name, safe='')}"

    def role_client(self, subscription: str) -> sdk.RoleClient:
        """The SDK's client for one list of role assignments, which sends through this client.

        Read it through ``each_of``.
        """
        from connectors.azure.client import sdk

        sending = sdk.sending_by(partial(self._sent, "arm"), self._endpoints.arm)
        return sdk.RoleClient(self._session.credential("arm"), subscription, **sending)

    def definition_client(self) -> sdk.DefinitionClient:
        """As ``role_client``, for role definitions, in the first version that has their conditions."""
        from connectors.azure.client import sdk

        sending = sdk.sending_by(partial(self._sent, "arm"), self._endpoints.arm)
        return sdk.DefinitionClient(self._session.credential("arm"), NIL_GUID, **sending)

    def _pages(
        self, service: Service, url: str, headers: Headers | None, *, method: str = "GET"
    ) -> Iterator[list[Raw]]:
        link: str | None = url
        followed: set[str] = set()
        given: set[int] = set()
        begun_again = False
        while link:
            try:
                page = self._decoded(service, method, link, Page, headers=headers, next_page=link is not url)
            except ExpiredPage:
                if begun_again:
                    raise
                link, followed, begun_again = url, set(), True
                continue
            hashes = [hash(bytes(row)) for row in page.value]
            yield [row for row, one in zip(page.value, hashes, strict=True) if not begun_again or one not in given]
            given.update(hashes)
            followed.add(link)
            link = page.next_link
            if link in followed:
                raise Malformed(f"{urlsplit(url).path}: a page links back to a page already read")

    def _decoded(
        self,
        service: Service,
        method: str,
        url: str,
        into: type[T],
        *,
        body: Any = None,
        headers: Headers | None = None,
        next_page: bool = False,
        on_headers: Callable[[Headers], None] | None = None,
    ) -> T:
        response = self._sent(service, method, url, body=body, headers=headers, next_page=next_page)
        if on_headers is not None:
            on_headers(response.headers)
        try:
            return cast("T", decoded(response.content, into))
        except (Malformed, Unreachable) as error:
            one = request_of(self._endpoints, service, method, url)
            raise type(error)(f"{method} {one.path}: {error}") from None

    def _graph_url(self, path: str, params: Params | None, *, beta: bool) -> str:
        return f"{self._endpoints.graph}/{'beta' if beta else 'v1.0'}{path}{_query(params)}"

    def _arm_url(self, path: str, api_version: str, params: Params | None) -> str:
        return f"{self._endpoints.arm}{path}{_query({'api-version': api_version, **(params or {})})}"

    def _sent(
        self,
        service: Service,
        method: str,
        url: str,
        *,
        body: Any = None,
        headers: Headers | None = None,
        next_page: bool = False,
    ) -> Response:
        """Send a request of the table. Raises Forbidden for any other request, SourceError for a failure."""
        one = request_of(self._endpoints, service, method, url)
        client = self._client(service, url).with_options(rate=self._session.pace.rate(service, url))
        content, asked = None if body is None else msgspec.to_builtins(body), f"{method} {one.path}"
        response = client.request(url, method=method, body=content, headers=headers or {}, route=asked)
        if response.status_code != OK:
            raise of_answer(response, asked, one.permission, next_page=next_page)
        return response

    def _client(self, service: Service, url: str) -> Client:
        """The client of a host. The most recently used are kept."""
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            client = self._clients.pop(f"{service} {host}", None) or self._made(service, host)
            self._clients[f"{service} {host}"] = client
            if len(self._clients) > HOSTS:
                self._clients.popitem(last=False)[1].close()
            return client

    def _made(self, service: Service, host: str) -> Client:
        from connectors.core.http import Client

        settings, pace = self._settings, self._session.pace
        return Client(
            host,
            headers={"User-Agent": "muster"} | ({"x-ms-throttle-priority": "low"} if service == "graph" else {}),
            sign_in=self._session.sign_ins[service],
            meter=self._meter,
            attempts=settings.max_attempts,
            failures=FAILURES,
            backoff=settings.backoff,
            timeout=settings.timeout,
            cache_bytes=0,
            ca_file=str(settings.ca_file) if settings.ca_file else None,
            insecure_http=settings.insecure_http,
            transient_statuses=TRANSIENT,
            is_throttled=is_throttled,
            on_response=lambda response: pace.note(service, response.url, response.headers),
            environment=not self._endpoints.is_plain,  # a proxy must not see a token in clear text
        )


def _query(params: Params | None) -> str:
    """Encode a query: spaces as %20 and ``$`` unchanged, as in Graph's own links."""
    return f"?{urlencode(params, quote_via=quote, safe='$,()/')}" if params else ""
