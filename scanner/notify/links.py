"""Addresses of the served page, for messages and tickets. Pure.

Keys come from providers, so every character that an address, HTML, Markdown or a chat could understand is escaped.
"""

from __future__ import annotations

from urllib.parse import quote

LONGEST_ADDRESS = 1500
"""Characters; chats and mail programs cut or refuse longer ones. The list with the identity is a click further."""


def start_page(public_url: str | None) -> str | None:
    """What needs whoever opens it."""
    return None if public_url is None else f"{public_url.rstrip('/')}/"


def finding_page(public_url: str | None, fingerprint: str) -> str | None:
    """A finding, with what can be done about it."""
    return _page(public_url, "findings/", fingerprint)


def identity_page(public_url: str | None, key: str) -> str | None:
    """An identity; None also if its key is too long for an address."""
    return _page(public_url, "identities/", key)


def review_page(public_url: str | None, name: str) -> str | None:
    """The items of an access review."""
    return _page(public_url, "reviews?review=", name)


def _page(public_url: str | None, path: str, key: str) -> str | None:
    if public_url is None:
        return None
    address = f"{public_url.rstrip('/')}/{path}{quote(key, safe='', errors='replace')}"
    return address if len(address) <= LONGEST_ADDRESS else None
