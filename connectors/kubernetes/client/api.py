"""The client for a cluster's API, which only sends the requests in the table of sections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from requests import Response

from connectors.core.contract import Gone, Malformed, Meter, SectionReading
from connectors.core.http import Client
from connectors.core.paging import Next, Page, cursor
from connectors.core.rates import RateLimit
from connectors.core.reading import decoded
from connectors.core.refusals import refusal
from connectors.kubernetes.client.kubeconfig import Address, Pem, SignInAs, signed_in
from connectors.kubernetes.lists import Sort
from connectors.kubernetes.settings import KubernetesSettings
from connectors.kubernetes.spec import KubernetesListing
from scanner.errors import Denied, NotOffered, SourceError

PAGE = 500
"""Objects per page, as in ``kubectl``."""
RATE = 20.0
"""Requests per second after the API server has throttled."""
_PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_OK, _CREATED, _EXPIRED, _NOT_FOUND, _FORBIDDEN, _UNAUTHORIZED = 200, 201, 410, 404, 403, 401
_CONTINUE = cursor("/metadata/continue", "continue")
T = TypeVar("T")


class KubernetesApi:
    """A client for one cluster. Its methods raise SourceErrors only."""

    def __init__(self, address: Address, meter: Meter, settings: KubernetesSettings) -> None:
        self.server: str | None = address.server
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="muster-kubernetes-")))
            user = SignInAs() if address.sign_in else signed_in(address)
            pair = None
            if user.certificate and user.key and not user.token:
                pair = _file(folder, "client.crt", user.certificate), _file(folder, "client.key", user.key)
            authority = _file(folder, "ca.crt", address.authority) if address.authority else None
            rate = RateLimit(RATE, burst=8)

            def client(accept: str) -> Client:
                signed = {"Authorization": f"Bearer {user.token}"} if user.token else {}
                made = Client(
                    address.server,
                    headers={"Accept": accept, **signed},
                    sign_in=address.sign_in,
                    meter=meter,
                    rate=rate,
                    backoff=settings.backoff,
                    timeout=settings.timeout,
                    insecure_http=settings.insecure_http,
                    ca_file=authority,
                    client_certificate=pair,
                    environment=False,
                )
                stack.callback(made.close)
                return made.with_options(refusal=_refused)

            self._whole, self._partial = client("application/json"), client(_PARTIAL)
            self._stack = stack.pop_all()

    def rows(self, listing: KubernetesListing, section: SectionReading, selector: str = "") -> Iterator[Any]:
        """See ``Cluster``. A list that expires while it is read is read again once; no object is repeated."""
        seen: set[str] = set()
        for attempt in range(2):
            try:
                for row in self._rows(listing, section, selector):
                    if (identity := row.metadata.uid or f"{row.metadata.namespace}/{row.metadata.name}") not in seen:
                        seen.add(identity)
                        yield row
            except NotOffered:
                if listing.custom:
                    raise
                raise SourceError(f"the server has no {listing.plural}: is it the API of a cluster?") from None
            except Gone:
                if attempt:
                    raise SourceError("the list expired twice while it was read") from None
            else:
                return

    def _rows(self, listing: KubernetesListing, section: SectionReading, selector: str) -> Iterator[Any]:
        params = {"limit": str(PAGE), **({"fieldSelector": selector} if selector else {})}
        client = (self._partial if listing.metadata else self._whole).with_options(
            refusal=partial(_refused, right=listing.right)
        )
        pages = client.pages(listing.path, at="/items", paging=_following, params=params, may_lack=True)
        yield from client.rows_of(pages, listing.shape, section)

    def get(self, path: str, shape: type[T]) -> T:
        """See ``Cluster``."""
        return self._whole.get(path, shape)

    def post(self, path: str, body: Any, shape: type[T]) -> T:
        """See ``Cluster``. A review is answered with 201."""
        response = self._whole.request(path, body=body)
        if response.status_code not in (_OK, _CREATED):
            raise _refused(response)
        answer: T = decoded(response.content, shape)
        return answer

    def close(self) -> None:
        """Close the connections, and delete the files with certificates."""
        self._stack.close()


def _following(page: Page) -> Next:
    """The next page. The items of an empty list may be null: then only its kind says that it is a list."""
    if not page.rows and not decoded(page.content, Sort).kind.endswith("List"):
        raise Malformed("a response is not a list")
    return _CONTINUE(page)


def _file(folder: Path, name: str, pem: Pem) -> str:
    """The path of a certificate or key. Data in the kubeconfig itself is written to a file only its owner can read."""
    if pem.path is not None:
        return pem.path
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(pem.text or b"")
    return str(path)


def _refused(response: Response, right: str = "it") -> SourceError:
    """The error for a status: 404 is a group that the cluster does not have, 410 an expired list.

    ``right``: the right that the request takes.
    """
    if response.status_code == _NOT_FOUND:
        return NotOffered("the cluster does not have it")
    if response.status_code == _EXPIRED:
        return Gone("the list expired")
    if response.status_code == _FORBIDDEN:
        return Denied(f"RBAC does not allow {right}")
    if response.status_code == _UNAUTHORIZED:
        return Denied("the API server does not accept the credentials", hint="sign in again")
    return refusal(response)
