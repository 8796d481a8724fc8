"""Deliver messages by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress

from scanner.notify.http import Undelivered
from scanner.notify.messages import email
from scanner.notify.notices import Notice
from scanner.notify.settings import EmailChannel

_FOR_GOOD = 500
"""SMTP replies from this code on are permanent."""


def post(channel: EmailChannel, notice: Notice, to: Sequence[str]) -> tuple[str, ...]:
    """Deliver the mail; returns refused addresses if others were accepted.

    Raises Undelivered, SourceError for a missing password.
    """
    message = email(notice, sender=channel.sender, to=to)
    password = None if channel.password is None else channel.password.resolve()
    try:
        server = _connected(channel)
    except ssl.SSLError as error:
        raise Undelivered(f"the server's certificate is not to be trusted ({error.reason})", again=False) from None
    except (OSError, smtplib.SMTPException) as error:
        raise _fault_text(error) from None
    try:
        if channel.username is not None and password is not None:
            try:
                server.login(channel.username, password)
            except UnicodeError:
                raise Undelivered(
                    "the user name or password holds characters that SMTP does not take", again=False
                ) from None
        return tuple(server.send_message(message, channel.sender, list(to)))
    except (OSError, smtplib.SMTPException) as error:
        raise _fault_text(error) from None
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _connected(channel: EmailChannel) -> smtplib.SMTP:
    port, timeout = channel.server_port, channel.timeout
    if channel.tls == "implicit":
        return smtplib.SMTP_SSL(channel.host, port, timeout=timeout, context=_trust(channel))
    server = smtplib.SMTP(channel.host, port, timeout=timeout)
    if channel.tls == "starttls":
        try:
            server.starttls(context=_trust(channel))
        except BaseException:  # also an interruption: the connection must not leak
            server.close()
            raise
    return server


def _trust(channel: EmailChannel) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=channel.ca_file)
    except OSError:
        raise Undelivered(f"no certificates can be read from {channel.ca_file}", again=False) from None


def _fault_text(error: Exception) -> Undelivered:
    """The kind of error and its code, without the server's text, which may quote the message."""
    match error:
        case smtplib.SMTPNotSupportedError():
            return Undelivered("it offers no STARTTLS or no login", again=False)
        case smtplib.SMTPAuthenticationError():
            return Undelivered("it refuses the user name or password", again=False)
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({code for code, _ in error.recipients.values()})
            return Undelivered(f"it refuses every address ({', '.join(map(str, codes))})", again=codes[0] < _FOR_GOOD)
        case smtplib.SMTPResponseException():
            return Undelivered(f"it answers {error.smtp_code}", again=error.smtp_code < _FOR_GOOD)
        case TimeoutError():
            return Undelivered("no answer in time", again=True)
        case _:
            return Undelivered("the connection failed", again=True)
