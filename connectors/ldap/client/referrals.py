"""Servers that a directory refers to, and how they are signed in to. Pure."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from connectors.ldap.settings import LdapSettings
from scanner.errors import SourceError
from scanner.text import printable

_LONGEST = 200


def referral(settings: LdapSettings, url: str) -> tuple[LdapSettings, str]:
    """Settings for the server of a reference, and the DN to search there, empty for the same. Raises SourceError.

    It is encrypted as the first server is, whatever the reference says; what it refers to is not followed.
    """
    refused = f"the reference to {printable(url[:_LONGEST])} cannot be followed"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SourceError(refused) from None
    if parts.scheme not in ("ldap", "ldaps") or not host:
        raise SourceError(refused)
    is_tls = settings.is_tls or parts.scheme == "ldaps"
    own_port = f":{port}" if port and is_tls == (parts.scheme == "ldaps") else ""
    address = f"{'ldaps' if is_tls else 'ldap'}://{f'[{host}]' if ':' in host else host}{own_port}"
    start_tls = settings.start_tls and not is_tls
    try:
        return replace(settings, url=address, start_tls=start_tls, follow_referrals=False), unquote(parts.path[1:])
    except ValueError as error:  # such as a password in clear text
        raise SourceError(f"{refused}: {error}") from None
