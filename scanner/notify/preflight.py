"""What ``muster doctor`` says of a channel: where its messages go, and which secret goes with them. Sends nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

from scanner.errors import SourceError
from scanner.notify.http import address
from scanner.notify.settings import Channel, EmailChannel, HttpChannel, WebhookChannel
from scanner.redact import SecretRef


def receiver(channel: Channel) -> str:
    """The host that takes its messages. Raises SourceError for an address that is none."""
    if isinstance(channel, EmailChannel):
        return f"e-mail through {channel.host}:{channel.server_port}"
    return f"{channel.type} at {urlsplit(address(channel)).netloc}"


def told(channel: Channel) -> str:
    """One line about the channel. Raises SourceError for a secret that is not there, or an address that is none."""
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
