"""Service accounts by google-cloud-iam, whose only protocol is gRPC: the same rows and failures as by REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from connectors.base import Meter
from connectors.budget import current
from connectors.errors import Malformed
from connectors.gcp import requests as r
from connectors.gcp.credentials import translated
from connectors.gcp.errors import Refusal, source_error
from connectors.gcp.session import GcpSession
from scanner.errors import SourceError, Unreachable

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

BY_GRPC = "IAM by gRPC"
"""What is noted of whether it answers."""


def account_pages(session: GcpSession, meter: Meter, project: str, own_project: frozenset[str]) -> Iterator[list[Raw]]:
    """Pages of 100, the most there is. Raises SourceErrors only."""
    from google.protobuf.json_format import MessageToJson

    token = ""
    seen: set[str] = set()
    while True:
        page = _page(session, meter, project, token, own_project)
        yield [Raw(MessageToJson(type(row).pb(row), indent=None).encode()) for row in page.accounts]
        token = page.next_page_token
        if not token:
            return
        if token in seen:
            raise Malformed("the pages of service accounts never end")
        seen.add(token)


def _page(session: GcpSession, meter: Meter, project: str, token: str, own_project: frozenset[str]) -> Any:
    """One page after as many tries as are allowed; the client's own retries know no 429, and are off."""
    from google.api_core.exceptions import GoogleAPICallError

    asked = {"name": f"projects/{project}", "page_size": r.SERVICE_ACCOUNTS.size, "page_token": token}
    pace = session.pace("iam")
    tries = session.tries(BY_GRPC)
    for attempt in range(tries):
        pace.acquire()
        current().check()
        seconds = min(session.settings.timeout, current().left())
        meter.add()
        try:
            with translated():
                pager = session.iam().list_service_accounts(asked, retry=None, timeout=seconds)
                page = next(iter(pager.pages))
        except GoogleAPICallError as error:
            refusal = _refusal(error)
            may_pass = refusal is None or refusal.may_pass
            is_for_load = refusal is not None and refusal.is_for_load
            if is_for_load:
                pace.slow_down()
            if attempt == tries - 1 or not may_pass:
                session.tried(BY_GRPC, in_vain=may_pass and not is_for_load)
                raise _error(error, refusal, own_project) from None
            session.wait(attempt)
        else:
            session.tried(BY_GRPC, in_vain=False)
            current().take(sum(type(row).pb(row).ByteSize() for row in page.accounts))
            return page
    raise AssertionError("the last try returns or raises")


def _refusal(error: GoogleAPICallError) -> Refusal | None:
    """A gRPC failure has the HTTP status that the same refusal has by REST; None where there was no answer."""
    if not isinstance(error.code, int):
        return None
    return Refusal(
        status=int(error.code),
        message=str(error.message),
        reasons=() if error.reason is None else (str(error.reason),),
        metadata={str(name): str(text) for name, text in (error.metadata or {}).items()},
    )


def _error(error: GoogleAPICallError, refusal: Refusal | None, own_project: frozenset[str]) -> SourceError:
    if refusal is None:
        return Unreachable(f"IAM does not answer by gRPC: {type(error).__name__}")
    return source_error(refusal, r.SERVICE_ACCOUNTS, own_project=own_project)
