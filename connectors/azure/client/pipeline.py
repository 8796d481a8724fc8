"""azure-core's pipeline with our own limits: what may be sent, how often, how long is waited, and a count of it all.

Redirects are not followed: they would carry the token to whatever host they name.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from connectors.azure.client.clouds import Cloud, Service
from connectors.azure.client.requests import VAULT_LISTS, Allowed, Forbidden, allowed
from connectors.azure.client.session import AzureSession
from connectors.base import Malformed, Meter

BACKOFF = 0.8
"""Seconds before the third try, doubled for each after it; the second one goes out at once."""
BACKOFF_MAX = 30
PATIENCE = 120.0
"""Seconds at most that a ``Retry-After`` is obeyed; whoever asks for more is not asked again."""
SERVER_RETRIES = 3
"""A server that fails, and says nothing of when to come back, is asked so often again: mostly it is not the load."""
_TOO_MANY = 429
_PLAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)
VERSIONS = {"v1.0": False, "beta": True}
RETRIED_METHODS = frozenset({"GET", "POST"})
"""The POSTs of the table only ask something."""


def request_of(endpoints: Cloud, service: Service, method: str, url: str) -> Allowed:
    """The table's entry for a URL of one service. Raises Forbidden for another host and for any other request."""
    if service == "vault":
        path = _path_in_vault(endpoints, url)
    else:
        base, parts = urlsplit(getattr(endpoints, service)), address(url)
        if (parts.scheme, parts.netloc.lower()) != (base.scheme, base.netloc.lower()) or not _below(parts, base):
            raise Forbidden(f"{parts.netloc or 'an address without a host'} is not the endpoint of {service}")
        path = parts.path.removeprefix(base.path)
    if service != "graph":
        return allowed(service, method, "/" + path.lstrip("/"))
    version, _, rest = path.lstrip("/").partition("/")
    if version not in VERSIONS:
        raise Forbidden(f"{path} is not a version of Graph that Muster uses")
    return allowed(service, method, f"/{rest}", beta=VERSIONS[version])


def address(url: str) -> SplitResult:
    """The parts of a URL that an answer gave. Raises Forbidden for what is none."""
    try:
        return urlsplit(url)
    except ValueError:
        raise Forbidden("a link in a response is not a valid address") from None


def _below(parts: SplitResult, base: SplitResult) -> bool:
    return parts.path.startswith(f"{base.path}/")


def _path_in_vault(endpoints: Cloud, url: str) -> str:
    parts, base = address(url), urlsplit(endpoints.vault)
    if base.path:  # one address stands in for all: vaults are told apart by the path
        is_vault = parts.netloc.lower() == base.netloc.lower()
        path = _after_name(parts.path, base.path)
    else:
        name, _, suffix = (parts.hostname or "").partition(".")
        is_vault = suffix == endpoints.vault_suffix and parts.netloc.lower() == parts.hostname and bool(name)
        path = parts.path
    if not is_vault or parts.scheme != base.scheme:
        raise Forbidden(f"{parts.netloc or 'an address without a host'} is not a key vault of this cloud")
    return path


def _after_name(path: str, vaults: str) -> str:
    """What is asked of a vault: after its name below ``vaults``, else from the first word for what vaults hold on."""
    segments = path.removeprefix(f"{vaults}/").lstrip("/").split("/")
    lists = (number for number, segment in enumerate(segments) if segment.lower() in VAULT_LISTS)
    start = 1 if path.startswith(f"{vaults}/") else next(lists, len(segments))
    if not all(_PLAIN.fullmatch(segment) for segment in segments[:start]):
        raise Forbidden("the address of a vault is not valid")
    return "/" + "/".join(segments[start:])


def no_page_twice() -> Any:
    """A policy for a client of one list: the SDK follows links for ever where they lead round in a circle."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class NoPageTwice(SansIOHTTPPolicy[Any, Any]):
        def __init__(self) -> None:
            self._asked: set[str] = set()

        def on_request(self, request: Any) -> None:
            url = request.http_request.url
            if url in self._asked:
                raise Malformed(f"{urlsplit(url).path}: a page links back to a page already read")
            self._asked.add(url)

    return NoPageTwice()


def policies(
    endpoints: Cloud, service: Service, session: AzureSession, meter: Meter, *, attempts: int, backoff: float
) -> list[Any]:
    """The policies of one service's pipeline, in their order."""
    from azure.core.pipeline.policies import (
        BearerTokenCredentialPolicy,
        HeadersPolicy,
        RequestIdPolicy,
        RetryPolicy,
        SansIOHTTPPolicy,
        UserAgentPolicy,
    )

    class OnlyAllowed(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            sent = request.http_request
            request_of(endpoints, service, sent.method, sent.url)
            # Whether plain http is right for this address, the settings have said.
            request.context.options["enforce_https"] = urlsplit(getattr(endpoints, service)).scheme == "https"
            request.context.options.setdefault("retry_on_methods", RETRIED_METHODS)

    class Patient(RetryPolicy[Any, Any]):
        def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
            asked = self.get_retry_after(response)
            if not asked and response.http_response.status_code != _TOO_MANY:
                return super().is_retry(settings, response) and len(settings["history"]) < SERVER_RETRIES
            return super().is_retry(settings, response) and (asked is None or asked <= PATIENCE)

        def get_retry_after(self, response: Any) -> float | None:
            """A header that is no number is as good as none."""
            try:
                return super().get_retry_after(response)
            except (ValueError, TypeError, OverflowError):
                return None

    class Counted(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            session.pace.before(service, request.http_request.url)
            meter.add()

        def on_response(self, request: Any, response: Any) -> None:  # noqa: ARG002  # the policy's own signature
            session.pace.after(service, response.http_response.status_code, response.http_response.headers)

    retries = attempts - 1
    headers = {"Accept": "application/json"} | ({"x-ms-throttle-priority": "low"} if service == "graph" else {})
    return [
        OnlyAllowed(),
        RequestIdPolicy(),
        HeadersPolicy(headers),
        UserAgentPolicy("muster"),
        Patient(
            retry_total=retries,
            retry_connect=min(retries, 3),
            retry_read=min(retries, 3),
            retry_status=retries,
            retry_backoff_factor=backoff,
            retry_backoff_max=BACKOFF_MAX,
        ),
        BearerTokenCredentialPolicy(session.credential(service), endpoints.audience(service)),
        Counted(),
    ]
