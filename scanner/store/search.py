"""Search by key, name, alias or id, without an index of names that every scan would have to write."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, or_, select

from scanner.model import Assessment, Identity
from scanner.store import schema
from scanner.store.bodies import decode
from scanner.store.intervals import BATCH, read_open
from scanner.store.kinds import IDENTITIES
from scanner.text import without_surrogates

_NEAR = 3
_LIKE = 60
"""How similar a name must be to be suggested, from 0 to 100."""
_ASCII = re.compile(r"[\x20-\x7e]*")


def find_by_name(connection: Connection, text: str) -> tuple[Assessment, ...]:
    """The latest scan's identities with this key, name, alias or id, ordered by key.

    A key is looked up. Otherwise the database searches all bodies for a piece of the text, which takes about a second
    for a million identities, and only the bodies it finds are decoded.
    """
    identity, text = schema.identity.c, without_surrogates(text)
    by_key = tuple(read_open(connection, IDENTITIES, identity.key == text))
    if by_key:
        return by_key
    mentions = or_(identity.unique_id == text, identity.body.icontains(_piece(text), autoescape=True))
    mentioning = read_open(connection, IDENTITIES, mentions)
    found = (assessment for assessment in mentioning if _answers_to(assessment.identity, text))
    return tuple(sorted(found, key=IDENTITIES.key))


def similar_names(connection: Connection, text: str) -> tuple[str, ...]:
    """A few similar names among the latest scan's identities: names that contain the text first, then by similarity.

    Only the names of each body are decoded: about two seconds for a million identities.
    """
    from rapidfuzz import fuzz, process  # only a mistyped name needs it

    identity = schema.identity.c
    bodies = connection.execute(
        select(identity.body).where(identity.until_scan.is_(None)), execution_options={"yield_per": BATCH}
    )
    records = (decode(_named, body, "identity").identity for (body,) in bodies)
    names = dict.fromkeys(name for record in records for name in (record.name, record.display_name) if name)
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
    """The names of an assessment's identity."""

    identity: _Names


_named = msgspec.json.Decoder(_Named)


def _piece(text: str) -> str:
    """The longest piece of the text that JSON does not escape. Databases ignore case in ASCII alone."""
    written = msgspec.json.encode(text)[1:-1].decode()
    return max((found[0] for found in _ASCII.finditer(written)), key=len)


def _answers_to(identity: Identity, name: str) -> bool:
    ids = (identity.key, identity.unique_id, *identity.aliases, *(credential.id for credential in identity.credentials))
    names = (identity.name, identity.display_name)
    return name in ids or name.casefold() in (known.casefold() for known in names if known)
