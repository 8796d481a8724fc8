"""Graph, the resource manager and key vaults over azure-core's pipeline.

Only requests of the table in requests.py are sent, and only to the host of the service. What goes wrong is raised as a
SourceError, never as one of the SDK's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Raw

from connectors.azure.client.batch import read_batch, read_rows
from connectors.azure.client.clouds import Service
from connectors.azure.client.errors import OK, ExpiredPage, of_answer, translated
from connectors.azure.client.payloads import Page
from connectors.azure.client.pipeline import BACKOFF, address, no_page_twice, policies, request_of
from connectors.azure.client.session import AzureSession, transport
from connectors.azure.keys import NIL_GUID
from connectors.azure.settings import AzureSettings
from connectors.base import Malformed, Meter
from scanner.errors import SourceError, Unreachable

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.pipeline.transport import RequestsTransport
    from azure.mgmt.authorization.v2022_04_01 import AuthorizationManagementClient
    from azure.mgmt.authorization.v2022_05_01_preview import AuthorizationManagementClient as DefinitionClient

T = TypeVar("T")
Params = Mapping[str, str | int]
Headers = Mapping[str, str]

VAULT_VERSION = "7.6"
VAULT_PAGE = 25
"""Vaults give no more on a page."""


class AzureApi:
    """A way to the services; one of it serves many threads. Every request sent is counted on the meter.

    ``session``: what it shares with the source's other clients. ``backoff``: seconds before the third try of a
    request, doubled for each after it.
    """

    def __init__(
        self, settings: AzureSettings, meter: Meter, *, session: AzureSession | None = None, backoff: float = BACKOFF
    ) -> None:
        self.backoff = backoff
        self.attempts = settings.max_attempts
        self._session = session or AzureSession(settings)
        self._settings = settings
        self._endpoints = settings.endpoints
        self._meter = meter
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._transports: list[RequestsTransport] = []

    def close(self) -> None:
        """Give the connections back; ``contextlib.closing`` does it."""
        with self._lock:
            opened, self._transports = self._transports, []
        for one in opened:
            one.close()

    def sign_in(self, service: Service = "graph") -> None:
        """Get a token, so that wrong credentials are told of once. Raises NotSignedIn, Unreachable."""
        if self._settings.token_of(service) is None:
            self._meter.add()
        with translated("signing in", ""):
            self._session.credential(service).get_token(self._endpoints.audience(service))

    def graph_pages(
        self, path: str, *, params: Params | None = None, beta: bool = False, headers: Headers | None = None
    ) -> Iterator[list[Raw]]:
        """The pages of a list of Graph. One whose link to the next page has expired is begun again, once.

        No row is given twice then, unless it changed in between.
        """
        return self._pages("graph", self._graph_url(path, params, beta=beta), headers)

    def graph_get(self, path: str, into: type[T], *, params: Params | None = None, beta: bool = False) -> T:
        """One object of Graph, decoded."""
        return self._decoded("graph", "GET", self._graph_url(path, params, beta=beta), into)

    def graph_post(self, path: str, body: Any, into: type[T], *, beta: bool = False) -> T:
        """A question to Graph that needs a body."""
        return self._decoded("graph", "POST", self._graph_url(path, None, beta=beta), into, body=body)

    def graph_batch(
        self, paths: Sequence[str], *, headers: Headers | None = None
    ) -> Iterator[tuple[str, list[Raw] | SourceError]]:
        """Many lists of Graph, twenty to a request: each path (with its query) and its rows, or what went wrong.

        Inner refusals for load are asked again, and further pages are followed. The order is that of the paths.
        """
        return read_batch(self, paths, headers or {})

    def graph_next(self, link: str, headers: Headers) -> Iterator[list[Raw]]:
        """The pages from a link on that an answer gave."""
        return self._pages("graph", link, headers)

    def arm_pages(
        self, path: str, *, api_version: str, params: Params | None = None, method: str = "GET"
    ) -> Iterator[list[Raw]]:
        """The pages of a list of the resource manager; ``method``: POST for the few that are asked for so."""
        return self._pages("arm", self._arm_url(path, api_version, params), None, method=method)

    def arm_post(
        self, path: str, body: Any, into: type[T], *, api_version: str, heard: Callable[[Headers], None] | None = None
    ) -> T:
        """A question to the resource manager that needs a body. ``heard``: is given the headers of the answer."""
        return self._decoded("arm", "POST", self._arm_url(path, api_version, None), into, body=body, heard=heard)

    def resource_graph(self, query: str, *, subscriptions: Sequence[str] = ()) -> Iterator[Raw]:
        """The rows of a query over these subscriptions, or over all that can be seen. Order it by a unique column."""
        return read_rows(self, query, subscriptions)

    def vault_pages(self, vault_uri: str, path: str) -> Iterator[list[Raw]]:
        """The pages of ``/secrets``, ``/keys`` or ``/certificates`` of a vault; never a value."""
        query = urlencode({"api-version": VAULT_VERSION, "maxresults": VAULT_PAGE})
        return self._pages("vault", f"{self.vault_address(vault_uri)}{path}?{query}", None)

    def vault_address(self, vault_uri: str) -> str:
        """Where a vault answers: its own address, or below the one that stands in for all."""
        emulator, own = urlsplit(self._endpoints.vault), address(vault_uri)
        if not emulator.path or own.netloc.lower() == emulator.netloc.lower():
            return vault_uri.rstrip("/")
        name = (own.hostname or "").partition(".")[0]
        return f"{self._endpoints.vault}/{quote(name, safe='')}"

    def role_client(self, subscription: str) -> AuthorizationManagementClient:
        """The SDK's client for one list of role assignments, by the same pipeline; to be read through ``each_of``."""
        from azure.mgmt.authorization.v2022_04_01 import AuthorizationManagementClient

        return AuthorizationManagementClient(self._session.credential("arm"), subscription, **self._for_sdk())

    def definition_client(self) -> DefinitionClient:
        """As ``role_client``, for role definitions, of the first version that tells their conditions."""
        from azure.mgmt.authorization.v2022_05_01_preview import AuthorizationManagementClient

        return AuthorizationManagementClient(self._session.credential("arm"), NIL_GUID, **self._for_sdk())

    def _for_sdk(self) -> dict[str, Any]:
        from azure.core.pipeline.policies import ContentDecodePolicy

        policies = [ContentDecodePolicy(), no_page_twice(), *self._policies("arm")]
        return {"base_url": self._endpoints.arm, "policies": policies, "transport": self._transport()}

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
        heard: Callable[[Headers], None] | None = None,
    ) -> T:
        from azure.core.rest import HttpRequest

        one = request_of(self._endpoints, service, method, url)
        asked = f"{method} {one.path}"
        content = None if body is None else msgspec.json.encode(body)
        reported = {} if body is None else {"Content-Type": "application/json"}
        request = HttpRequest(method, url, content=content, headers={**reported, **(headers or {})})
        with translated(asked, one.permission):
            response = self._client(service).send_request(request)
        if response.status_code != OK:
            raise of_answer(response, asked, one.permission, next_page=next_page)
        if heard is not None:
            heard(response.headers)
        try:
            return msgspec.json.decode(response.content, type=into)
        except msgspec.ValidationError as error:
            raise Malformed(f"{asked}: a response has an unexpected structure: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable(f"{asked}: unexpected response: not JSON") from None

    def _graph_url(self, path: str, params: Params | None, *, beta: bool) -> str:
        return f"{self._endpoints.graph}/{'beta' if beta else 'v1.0'}{path}{_query(params)}"

    def _arm_url(self, path: str, api_version: str, params: Params | None) -> str:
        return f"{self._endpoints.arm}{path}{_query({'api-version': api_version, **(params or {})})}"

    def _transport(self) -> RequestsTransport:
        own: RequestsTransport | None = getattr(self._of_thread, "transport", None)
        if own is None:
            seconds, ca_file = self._settings.timeout, self._settings.ca_file
            self._of_thread.transport = own = transport(
                connection_timeout=seconds,
                read_timeout=seconds,
                connection_verify=str(ca_file) if ca_file else True,
                use_env_settings=not self._endpoints.is_plain,  # no proxy is to see a token in clear text
            )
            with self._lock:
                self._transports.append(own)
        return own

    def _policies(self, service: Service) -> list[Any]:
        return policies(
            self._endpoints, service, self._session, self._meter, attempts=self.attempts, backoff=self.backoff
        )

    def _client(self, service: Service) -> PipelineClient[Any, Any]:
        from azure.core import PipelineClient

        clients: dict[Service, PipelineClient[Any, Any]] = self._of_thread.__dict__.setdefault("clients", {})
        if service not in clients:
            clients[service] = PipelineClient(
                getattr(self._endpoints, service), policies=self._policies(service), transport=self._transport()
            )
        return clients[service]


def _query(params: Params | None) -> str:
    """Spaces as %20 and ``$`` as it is: that is how Graph writes its own links."""
    return f"?{urlencode(params, quote_via=quote, safe='$,()/')}" if params else ""
