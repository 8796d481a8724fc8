"""Entries for identities whose account is unknown until deployment: then names are compared, not ids. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from scanner.matching.keys import issuer_of
from scanner.model import Entry

_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://[^/]+/(?P<rest>.+)", re.DOTALL | re.IGNORECASE | re.ASCII)


def by_name(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries as they match in any account: without their scope, and with the name in each id as well."""
    return tuple(replace(one, scope=None, identities=_named(one)) for one in entries)


def _named(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for given in entry.identities for text in _texts(given)))


def _texts(text: str) -> Iterator[str]:
    """Yield an id, and the name in it."""
    yield text
    if any(map(str.isalnum, name := name_in(text))) and name != text:
        yield name


def name_in(text: str) -> str:
    """Return the name in an id, as ``deploy`` of a role's ARN or of a service account's address; else the text."""
    if address := _ADDRESS.fullmatch(text):
        return address["rest"]
    if issuer_of(text) is None:
        return text
    return text.rpartition("/")[2] if "/" in text else text.partition("@")[0]
