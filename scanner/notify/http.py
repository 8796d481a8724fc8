"""Deliver messages by HTTP."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from connectors.core.address import check_url
from scanner.errors import MissingExtra, SourceError
from scanner.notify import messages
from scanner.notify.notices import Notice
from scanner.notify.settings import HttpChannel, SlackChannel, TeamsChannel, WebhookChannel
from scanner.redaction.redact import SecretRef, mask

ATTEMPTS = 3
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds. If a server asks for a longer pause, it is tried again in the next run."""


class Undelivered(Exception):
    """A failed delivery. ``again``: a retry may succeed; ``wait``: seconds before it."""

    def __init__(self, why: str, *, again: bool, wait: float | None = None) -> None:
        super().__init__(why)
        self.again = again
        self.wait = wait


# --- Signatures: a receiver with the secret can verify sender and time ---

HEADER = "Muster-Signature"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header's value, ``t=SECONDS,v1=HEX``: HMAC-SHA256 over the timestamp, a dot and the body."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


# --- One message to one web address, with a timeout, without redirects, and without reading the answer's body ---

_TOO_MANY = 429
_SERVER_ERROR = 500
_REDIRECT = range(300, 400)
_DONE = range(200, 300)
_TIMEOUTS = (408, 425)


def post(channel: HttpChannel, notice: Notice) -> None:
    """Deliver the message. Raises Undelivered, SourceError for a missing secret, MissingExtra."""
    body = msgspec.json.encode(_payload(channel, notice))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "muster",
        "Muster-Delivery": notice.id,
        **_signed(channel, body),
    }
    _send(address(channel), body, headers, channel.timeout)


def address(channel: HttpChannel) -> str:
    """The full address with its secrets. Raises SourceError if it is missing or invalid."""
    url = channel.url if isinstance(channel.url, str) else channel.url.resolve()
    try:
        check_url(url, insecure_http=channel.insecure_http, query=True)
    except ValueError as error:
        raise SourceError(f"{channel.url} holds no address that can be used: {error}") from None
    if isinstance(channel.url, SecretRef):
        parts = urlsplit(url)
        for part in (parts.path, parts.query):
            mask(part)  # the part after the host is secret, and a log may contain it alone
    return url


def _payload(channel: HttpChannel, notice: Notice) -> object:
    match channel:
        case SlackChannel():
            return messages.slack_payload(notice)
        case TeamsChannel():
            return messages.teams_payload(notice)
        case WebhookChannel():
            return notice


def _signed(channel: HttpChannel, body: bytes) -> Mapping[str, str]:
    if not isinstance(channel, WebhookChannel) or channel.secret is None:
        return {}
    return {HEADER: signature(channel.secret.resolve(), int(time.time()), body)}


def _send(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> None:
    try:
        import requests
    except ImportError as error:
        raise MissingExtra("a notification by web address", "notify") from error
    try:
        # Without an explicit auth, requests would use a .netrc file.
        with requests.post(
            url,
            data=body,
            headers=dict(headers),
            timeout=timeout,
            allow_redirects=False,
            stream=True,
            auth=lambda request: request,
        ) as answer:
            _judge(answer.status_code, answer.headers.get("Retry-After"))
    except (requests.RequestException, ValueError) as error:
        # The error's text would quote the address.
        raise Undelivered(why_unanswered(error), again=True) from None


def why_unanswered(error: Exception) -> str:
    """Why there is no answer, without the address."""
    return _WHY.get(type(error).__name__, "the connection failed")


_WHY = {
    "ConnectTimeout": "no connection in time",
    "ReadTimeout": "no answer in time",
    "SSLError": "the server's certificate is not to be trusted",
    "ProxyError": "the proxy refused",
}


def _judge(status: int, retry_after: str | None) -> None:
    if status in _DONE:
        return
    if status in _REDIRECT:
        raise Undelivered(f"it answers {status}, a redirect, which is not followed: give the new address", again=False)
    again = status == _TOO_MANY or status >= _SERVER_ERROR or status in _TIMEOUTS
    raise Undelivered(f"it answers {status}", again=again, wait=seconds(retry_after))


def seconds(retry_after: str | None) -> float | None:
    """The seconds of a ``Retry-After``, which is a number or a date; None if it is invalid."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
