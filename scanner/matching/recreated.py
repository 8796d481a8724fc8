"""Recognises entries of a deleted and recreated identity: the name lives again, under another unique id."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from scanner.matching.globs import is_pattern
from scanner.matching.keys import fold, is_opaque, is_qualified, issuer_of, known, place_in, provider_key
from scanner.matching.spelling import guid
from scanner.model import Entry, Identity


def is_recreated(identity: Identity, entry: Entry, alive: Container[str] = ()) -> bool:
    """Return whether the entry has the unique id of another identity that had this name.

    ``alive``: unique ids as ``same_unique_id`` returns them that identities have today; an entry with one of these may
    be for several identities. Without a unique id nothing is known of the identity, so it does not count as recreated.
    Secrets' ids, such as an access key's, do not count: they are replaced all the time.
    """
    if identity.unique_id is None or not (ids := frozenset(_unique_ids(entry, identity))):
        return False
    own = frozenset(map(same_unique_id, _ids(identity)))
    return own.isdisjoint(ids) and not any(one in alive for one in ids) and _has_name_of(identity, entry)


def has_unique_id(entry: Entry) -> bool:
    """Return whether a text of the entry has the form of a unique id."""
    return any(_has_form(text.strip()) for text in entry.identities)


def same_unique_id(text: str) -> str:
    """Return a unique id without the differences of its spellings: case, and a GUID's braces and hyphens."""
    return guid(text) or fold(text.strip())


def _ids(identity: Identity) -> Iterator[str]:
    yield identity.unique_id or ""
    yield identity.key
    yield from identity.aliases
    yield from (credential.id for credential in identity.credentials)


def _unique_ids(entry: Entry, identity: Identity) -> Iterator[str]:
    """Yield the entry's texts with the form of unique ids that the identity's provider may have issued."""
    provider = provider_key(identity.provider)
    if entry.provider is not None and provider_key(entry.provider) != provider:
        return
    own_is_opaque = is_opaque(guid(identity.unique_id or "") or identity.unique_id or "")
    for text in map(str.strip, entry.identities):
        if _has_form(text) and (own_is_opaque if _is_opaque(text) else issuer_of(text) == provider):
            yield same_unique_id(text)


def _has_form(text: str) -> bool:
    if _is_opaque(text):
        return True
    issuer = None if is_qualified(text) else issuer_of(text)
    return issuer is not None and not _is_credential(text, issuer)


def _is_opaque(text: str) -> bool:
    return guid(text) is not None or is_opaque(text)


def _is_credential(text: str, issuer: str) -> bool:
    shown = place_in(text)
    if shown is not None and shown[1].groupdict().get("credential"):
        return True
    return any(re.fullmatch(form.like, text) for form in known().providers[issuer].credential_ids)


def _has_name_of(identity: Identity, entry: Entry) -> bool:
    called = (identity.name, identity.display_name or "", last_segment(identity.key))
    names = set(map(letters_of, called)) - {""}
    texts = (entry.name or "", *(text for text in entry.identities if not is_pattern(text)))
    return any(letters_of(text) in names or letters_of(last_segment(text)) in names for text in texts)


def last_segment(key: str) -> str:
    """Return the end of an id, which is a name: ``arn:…:role/deploy`` ends in deploy."""
    return key.rstrip("/:").replace(":", "/").rpartition("/")[2]


def letters_of(text: str) -> str:
    """Return the letters and digits of a name: ``Deploy Bot`` is ``deploy-bot`` to who declares it."""
    return "".join(filter(str.isalnum, fold(text)))
