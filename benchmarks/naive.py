"""How others match identities with a registry: by a part of the name, and by likeness. Neither is used by Muster."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz, process

from scanner.model import Entry, Identity

LIKE_ENOUGH = 90.0
"""Of 100: what is usually taken for the same."""


def by_substring(identities: Sequence[Identity], entries: Sequence[Entry]) -> dict[str, str]:
    """By an identity's key, the first entry with a text that its key or name contains, whatever the case."""
    rows = [(text.strip().lower(), entry.id) for entry in entries for text in entry.identities]
    found: dict[str, str] = {}
    for identity in identities:
        texts = f"{identity.key}\n{identity.name}".lower()
        hit = next((entry for text, entry in rows if text in texts), None)
        if hit is not None:
            found[identity.key] = hit
    return found


def by_likeness(identities: Sequence[Identity], entries: Sequence[Entry]) -> dict[str, str]:
    """By an identity's key, the entry with the text most like its key or name, where the two are alike enough."""
    rows = [(text.strip().lower(), entry.id) for entry in entries for text in entry.identities]
    texts = [text for text, _ in rows]
    found: dict[str, str] = {}
    for identity in identities:
        hits = [
            hit
            for text in (identity.key.lower(), identity.name.lower())
            if (hit := process.extractOne(text, texts, scorer=fuzz.WRatio, score_cutoff=LIKE_ENOUGH)) is not None
        ]
        if hits:
            _, _, number = max(hits, key=lambda hit: hit[1])
            found[identity.key] = rows[number][1]
    return found
