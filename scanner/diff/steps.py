"""Whom to ask about a change and what to do next, in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.diff.records import Difference
from scanner.model import Aspect, Assessment

_JOINED: Mapping[str, str] = {
    "unregistered": "Declare it with an owner, or switch it off.",
    "ambiguous": "Decide which entry stands for it.",
}
_GREW = "Confirm that it needs this, or take it back."
_MOVED: Mapping[Aspect, str] = {
    "unique_id": "It was deleted and made anew: confirm that its entry still stands for it.",
    "trust": "Confirm who may become it.",
    "nature": "Check what it is now: people and machines should not share an account.",
}
"""By aspect, where what came is what asks for something."""
_BECAME: Mapping[tuple[Aspect, str], str] = {
    ("agent", "yes"): "Declare what this agent may do, and who answers for it.",
    ("registry", "unregistered"): "Declare it again, or switch it off.",
    ("registry", "ambiguous"): "Decide which entry stands for it.",
    ("ownership", "orphaned"): "Name a new owner.",
    ("enabled", "yes"): "Confirm that it is meant to be in use.",
    ("usage", "dormant"): "Ask whether it is still needed.",
    ("usage", "never used"): "Ask whether it is still needed.",
}
"""By aspect and the first words of what it became."""
AFTER_RENAMING = "It is the same identity: write its new key into entry {entry}."
RETURNED = "Find out who brought it back, and why."
NOT_RECHECKED = "Close the gap: the coverage view says what is missing."


def after_joining(one: Assessment) -> str | None:
    """What a newcomer needs; none where it is declared or needs no declaration."""
    return _JOINED.get(one.registry.state)


def after_leaving(one: Assessment) -> str | None:
    """What somebody who left leaves to do."""
    return f"Retire its entry {one.registry.entry}, if it is gone for good." if one.registry.entry else None


def after_moving(one: Difference) -> str | None:
    """What a difference asks for, if anything."""
    if one.reach_grew:
        return _GREW
    if one.after is None:
        return None
    if one.aspect == "credentials":
        return None if one.before else "Confirm that the new credential is expected."
    became = next((step for (aspect, word), step in _BECAME.items() if _is(one, aspect, word)), None)
    return became or _MOVED.get(one.aspect)


def _is(one: Difference, aspect: Aspect, word: str) -> bool:
    return one.aspect == aspect and (one.after or "").startswith(word)
