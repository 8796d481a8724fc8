"""Send waiting messages. After a few attempts, a message waits for the next run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from scanner.errors import MusterError, SourceError
from scanner.notify import http, smtp
from scanner.notify.http import ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE, Undelivered, address
from scanner.notify.notices import Outgoing
from scanner.notify.settings import Channel, EmailChannel, HttpChannel, WebhookChannel
from scanner.redaction.redact import SecretRef
from scanner.text import printable

log = logging.getLogger(__name__)

GIVEN_UP_AFTER = timedelta(days=7)

_outgoing = msgspec.json.Decoder(Outgoing)


class Waiting(Protocol):
    """A message in the store."""

    @property
    def channel(self) -> str:
        """The name of the channel."""

    @property
    def created_at(self) -> datetime:
        """When the message was created."""

    @property
    def body(self) -> str:
        """An :class:`Outgoing` as JSON."""


class Outcome(Struct, frozen=True, kw_only=True):
    """The result of sending. ``fault``: why it failed. ``left``: whether the next run retries."""

    fault: str | None = None
    left: bool = False
    attempts: int = 0


class Sender:
    """Sends messages in order, and skips a channel after a temporary failure."""

    def __init__(self, channels: Sequence[Channel], *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._down: dict[str, str] = {}
        self._sleep = sleep

    def send(self, message: Waiting) -> Outcome:
        """Deliver one message. Errors of servers, secrets and addresses are in the outcome."""
        if datetime.now(UTC) - message.created_at > GIVEN_UP_AFTER:
            return Outcome(fault=f"given up after {GIVEN_UP_AFTER.days} days")
        channel = self._channels.get(message.channel)
        if channel is None:
            return Outcome(fault=f"the config has no channel {message.channel}", left=True)
        if channel.name in self._down:
            return Outcome(fault=self._down[channel.name], left=True)
        try:
            outgoing = _outgoing.decode(message.body)
        except msgspec.DecodeError:
            return Outcome(fault="it was written by another version of Muster")
        return self._attempt(channel, outgoing)

    def _attempt(self, channel: Channel, outgoing: Outgoing) -> Outcome:
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _deliver(channel, outgoing)
            except Undelivered as why:
                wait = max(pause, why.wait or 0)
                if why.again and attempt < ATTEMPTS and wait <= LONGEST_PAUSE:
                    self._sleep(wait)
                    pause *= 2
                    continue
                if why.again:
                    self._down[channel.name] = str(why)
                return Outcome(fault=str(why), left=True, attempts=attempt)
            except MusterError as error:
                self._down[channel.name] = str(error)
                return Outcome(fault=str(error), left=True, attempts=attempt)
            return Outcome(attempts=attempt)
        raise AssertionError  # the last attempt returns


def _deliver(channel: Channel, outgoing: Outgoing) -> None:
    if not isinstance(channel, EmailChannel):
        http.post(channel, outgoing.notice)
        return
    for recipient in smtp.post(channel, outgoing.notice, outgoing.to):
        log.warning(
            "%s: the server refuses mail to %s", channel.name, printable(recipient), extra={"channel": channel.name}
        )


# --- Checks of ``muster doctor``: the target of a channel, and its secret. Sends nothing ---


def receiver(channel: Channel) -> str:
    """The host of the channel. Raises SourceError for an invalid address."""
    if isinstance(channel, EmailChannel):
        return f"e-mail through {channel.host}:{channel.server_port}"
    return f"{channel.type} at {urlsplit(address(channel)).netloc}"


def target_text(channel: Channel) -> str:
    """A line about the channel. Raises SourceError for a missing secret or an invalid address."""
    return _email(channel) if isinstance(channel, EmailChannel) else _http(channel)


def _http(channel: HttpChannel) -> str:
    said = receiver(channel)
    if isinstance(channel.url, SecretRef):
        said += f"; the address is in {channel.url}"
    if isinstance(channel, WebhookChannel) and channel.secret is not None:
        channel.secret.resolve()
        said += f"; {channel.secret} signs the messages and is not sent"
    return said


def _email(channel: EmailChannel) -> str:
    said = f"{receiver(channel)} ({channel.tls})"
    if channel.ca_file is not None and not channel.ca_file.is_file():
        raise SourceError(f"there is no file {channel.ca_file}", hint="ca_file holds the certificates to trust")
    if channel.password is not None:
        channel.password.resolve()
        said += f"; {channel.password} goes to {channel.host}"
    return said
