"""Stored secrets that hold a copy of a key, by what their tags and names say; never by their values. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from scanner.model import ScanResult, StoredSecret

_WORD = re.compile(r"[a-z0-9]+")
_MOST_WORDS = 6
"""Words of a name that are tried together."""
_LEAST = 6
"""Characters of a name that is looked for within others: shorter ones are in many."""
_TELLING = re.compile(r"identity|user|account|principal|role|owner-of|key[-_]?id|client[-_]?id", re.IGNORECASE)
"""Names of tags and attributes whose value may be an identity's bare name."""


def copies_by_identity(result: ScanResult, by_id: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """By the key of an identity: the keys of the secrets that may hold its key, each with the evidence.

    ``by_id``: keys of identities by unique id, alias and credential's id.
    """
    if not result.secrets:
        return {}
    keys = {one.identity.key for one in result.identities}
    by_name = _by_name(result)
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for secret in result.secrets:
        for name, text in _texts(secret):
            key = text if text in keys else by_id.get(text)
            if key is None and _TELLING.search(name):
                key = by_name.get(tuple(_WORD.findall(text.lower())))
            if key is not None:
                found[key].setdefault(secret.key, f"{secret.name} names it in {name}")
        for key in dict.fromkeys(_named_in(secret.name, by_name)):
            found[key].setdefault(secret.key, f"the name of {secret.name} has its name in it")
    return found


def _texts(secret: StoredSecret) -> Iterator[tuple[str, str]]:
    yield from ((f"the tag {name}", text) for name, text in secret.tags.items())
    yield from ((name, text) for name, text in secret.attributes.items() if isinstance(text, str))


def _by_name(result: ScanResult) -> dict[tuple[str, ...], str]:
    """By the words of its name, the key; names of two identities are left out."""
    found: dict[tuple[str, ...], str] = {}
    twice: set[tuple[str, ...]] = set()
    for one in result.identities:
        words = tuple(_WORD.findall(one.identity.name.lower()))
        if not 1 <= len(words) <= _MOST_WORDS or sum(map(len, words)) < _LEAST:
            continue
        if found.setdefault(words, one.identity.key) != one.identity.key:
            twice.add(words)
    return {words: key for words, key in found.items() if words not in twice}


def _named_in(name: str, by_name: Mapping[tuple[str, ...], str]) -> Iterator[str]:
    words = _WORD.findall(name[:500].lower())
    for start in range(len(words)):
        for end in range(start + 1, min(start + _MOST_WORDS, len(words)) + 1):
            if (key := by_name.get(tuple(words[start:end]))) is not None:
                yield key
