"""What a status other than 200 means. Imports no transport: connectors read answers before they need one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import msgspec
from msgspec import Struct

from connectors.core.address import origin_of, shown_origin
from connectors.core.contract import Gone, own_words
from scanner.errors import Denied, SourceError, Throttled, Unreachable

if TYPE_CHECKING:
    from requests import Response

OK, NOT_MODIFIED, UNAUTHORIZED, FORBIDDEN, TOO_MANY = 200, 304, 401, 403, 429

TRANSIENT = (429, 500, 502, 503, 504, 529)
"""Statuses that may be transient. 529: overloaded, used by Anthropic and Cloudflare."""
_ABSENT = (404, 410)


def is_throttled(response: Response) -> bool:
    """Whether an answer throttles: by its status, or by a header of a 403."""
    headers = response.headers
    return response.status_code == TOO_MANY or (
        response.status_code == FORBIDDEN
        and ("retry-after" in headers or headers.get("x-ratelimit-remaining", "").strip() == "0")
    )


class _Said(Struct):
    """The message of an error, in the members that APIs use."""

    message: Any = None
    error: Any = None
    error_description: Any = None


def refusal(response: Response) -> SourceError:
    """The error for a status other than 200, unless the connector has its own."""
    status = response.status_code
    if "location" in response.headers and response.is_redirect:
        where = own_words(_host_of(response))
        return Unreachable(f"the API redirects to {where}: not followed", hint="give the address it redirects to")
    try:
        said = msgspec.json.decode(response.content, type=_Said)
        nested = said.error.get("message") if isinstance(said.error, dict) else None
        given = (said.message, said.error_description, said.error, nested)
        words = next((one for one in given if isinstance(one, str)), "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = ""
    text = f"HTTP {status}: {own_words(' '.join(words.split()))}" if words else f"HTTP {status}"
    if is_throttled(response):
        return Throttled(f"throttled, and the retries are used up: {text}")
    if status == UNAUTHORIZED:
        return Denied(f"the credentials are not valid: {text}", hint="give the source valid ones")
    if status == FORBIDDEN:
        return Denied(text)
    if status in _ABSENT:
        return Gone(text)
    return (Unreachable if status in TRANSIENT else SourceError)(text)


def _host_of(redirect: Response) -> str:
    """The host of a URL, for a message, as the library that connects reads it."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        return shown_origin(origin_of(parse_url(urljoin(redirect.url, redirect.headers["location"]))))
    except (LocationParseError, ValueError):
        return "an invalid address"
