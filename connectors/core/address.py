"""Validation of server addresses in settings, before any request."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


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
