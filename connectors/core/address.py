"""Addresses of servers: their validation in settings, before any request, and their origin."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib3.util import Url

_PORTS = {"http": 80, "https": 443}


def check_url(url: str, *, insecure_http: bool, query: bool = False) -> None:
    """Raise ValueError for a URL that is not http or https, holds credentials, or would send them in clear text.

    Plain http is allowed on this machine, and elsewhere with ``insecure_http``. ``query``: whether a query is allowed.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or (parts.query and not query) or parts.fragment:
        raise ValueError("give an address such as https://host:8200, without query or fragment")
    if parts.username is not None:  # empty before a password alone
        raise ValueError("an address must not hold a user name or password")
    if parts.port == 0:  # raises ValueError if the port is invalid
        raise ValueError("an address cannot have port 0")
    if parts.scheme == "http" and not insecure_http and not is_loopback(parts.hostname):
        raise ValueError("plain http to another machine is not encrypted: use https, or set insecure_http = true")


def is_loopback(host: str) -> bool:
    """Whether requests to this host stay on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin_of(parts: Url) -> tuple[str, str, int]:
    """Scheme, host and port, as the library that connects reads them."""
    scheme = (parts.scheme or "").lower()
    return scheme, (parts.host or "").lower(), parts.port or _PORTS.get(scheme, 0)


def shown_origin(origin: tuple[str, str, int]) -> str:
    """An origin in messages."""
    scheme, host, port = origin
    return f"{scheme}://{host}" if port == _PORTS.get(scheme) else f"{scheme}://{host}:{port}"
