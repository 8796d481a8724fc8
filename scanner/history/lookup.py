"""Finding an identity by whatever people call it, without an index of names that every scan would have to write."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct
from rapidfuzz import fuzz, process
from sqlalchemy import Connection, select

from scanner.history import schema
from scanner.history.bodies import decode
from scanner.history.intervals import BATCH, read_open
from scanner.history.record_kinds import IDENTITIES
from scanner.model import Assessment, Identity
from scanner.text import without_surrogates

_NEAR = 3
_LIKE = 60
"""Of 100: how like the text a name must be to be thought of."""
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


def named_like(connection: Connection, text: str) -> tuple[str, ...]:
    """A few names of the latest scan's identities that are like the text: what it is a part of, then the likest.

    Of each body only the names are decoded: about two seconds for a million identities.
    """
    identity = schema.identity.c
    bodies = connection.execute(
        select(identity.body).where(identity.until_scan.is_(None)), execution_options={"yield_per": BATCH}
    )
    records = (decode(_named, body, "identity").identity for (body,) in bodies)
    names = dict.fromkeys(name for one in records for name in (one.name, one.display_name) if name)
    folded = without_surrogates(text).casefold().strip()
    holding = sorted((name for name in names if folded and folded in name.casefold()), key=len)
    like = process.extract(
        folded, names.keys(), scorer=fuzz.ratio, processor=str.casefold, limit=_NEAR, score_cutoff=_LIKE
    )
    return tuple(dict.fromkeys([*holding[:_NEAR], *(name for name, _, _ in like)]))[:_NEAR]


class _Names(Struct, frozen=True):
    name: str
    display_name: str | None = None


class _Named(Struct, frozen=True):
    """Of an assessment, what its identity is called."""

    identity: _Names


_named = msgspec.json.Decoder(_Named)


def _piece(text: str) -> str:
    """The longest piece of the text that stands in a body as it is, but for case: databases know only that of ASCII."""
    written = msgspec.json.encode(text)[1:-1].decode()
    return max((found[0] for found in _ASCII.finditer(written)), key=len)


def _answers_to(identity: Identity, name: str) -> bool:
    ids = (identity.key, identity.unique_id, *identity.aliases, *(one.id for one in identity.credentials))
    names = (identity.name, identity.display_name)
    return name in ids or name.casefold() in (known.casefold() for known in names if known)
