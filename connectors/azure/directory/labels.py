"""Entra's tags, which are single words (pure)."""

from __future__ import annotations

from connectors.azure.directory.faces import Faces

_SEPARATORS = ":="


def tags_of(faces: Faces) -> tuple[dict[str, str], list[str]]:
    """Those that read as ``key:value`` or ``key=value``, and the others. The first face that has a key decides."""
    pairs: dict[str, str] = {}
    others: dict[str, None] = {}
    for tag in (tag for face in faces for tag in face.tags):
        key, value = _split(tag)
        if key and value:
            pairs.setdefault(key, value)
        else:
            others[tag] = None
    return pairs, list(others)


def _split(tag: str) -> tuple[str, str]:
    """Neither part may be missing; an address is no pair."""
    at = min((place for sign in _SEPARATORS if (place := tag.find(sign)) >= 0), default=-1)
    key, value = tag[:at].strip(), tag[at + 1 :].strip()
    return ("", "") if at < 0 or value.startswith("//") else (key, value)
