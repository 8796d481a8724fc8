"""Addresses of servers in settings: what is refused before anything is sent to them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def check_url(url: str, *, insecure_http: bool, query: bool = False) -> None:
    """Raises ValueError for what is no http address, holds credentials, or would send them in clear text.

    Plain http goes to this machine; beyond it only with ``insecure_http``. ``query``: whether it may have one.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or (parts.query and not query) or parts.fragment:
        raise ValueError("give an address such as https://host:8200, without query or fragment")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not hold a user name or password")
    if parts.port == 0:  # reading it raises ValueError for what is no port at all
        raise ValueError("an address cannot have port 0")
    if parts.scheme == "http" and not insecure_http and not is_loopback(parts.hostname):
        raise ValueError("plain http to another machine is not encrypted: use https, or set insecure_http = true")


def is_loopback(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
