"""Finding an identity by whatever people call it, without an index of names that every scan would have to write."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Connection

from scanner.history import schema
from scanner.history.intervals import read_open
from scanner.history.record_kinds import IDENTITIES
from scanner.model import Assessment, Identity
from scanner.text import without_surrogates

_ASCII = re.compile(r"[\x20-\x7e]*")


def called(connection: Connection, text: str) -> tuple[Assessment, ...]:
    """The latest scan's identities that go by this text, by key.

    One whose key it is, is looked up. Otherwise the database searches all bodies for a piece of the text, which takes
    about a second for a million identities, and only what it finds is decoded.
    """
    identity, text = schema.identity.c, without_surrogates(text)
    by_key = tuple(read_open(connection, IDENTITIES, identity.key == text))
    if by_key:
        return by_key
    mentioning = read_open(connection, IDENTITIES, identity.body.icontains(_piece(text), autoescape=True))
    found = (one for one in mentioning if _answers_to(one.identity, text))
    return tuple(sorted(found, key=IDENTITIES.key))


def _piece(text: str) -> str:
    """The longest piece of the text that stands in a body as it is, but for case: databases know only that of ASCII."""
    written = msgspec.json.encode(text)[1:-1].decode()
    return max((found[0] for found in _ASCII.finditer(written)), key=len)


def _answers_to(identity: Identity, name: str) -> bool:
    ids = (identity.key, identity.unique_id, *identity.aliases, *(one.id for one in identity.credentials))
    names = (identity.name, identity.display_name)
    return name in ids or name.casefold() in (known.casefold() for known in names if known)
