"""A2A: agent cards (``/.well-known/agent-card.json``) as entries.

A card tells where an agent answers and what it is called, and that is what it is joined by; who provides it is not
who answers for it here. Cards of version 0.x name one ``url``, those of 1.0 ``supportedInterfaces``.

https://a2a-protocol.org/latest/specification/ (AgentCard)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanner.registry.formats.declaration import Declaration, Document, at, filled, literal, mappings, text

_INTERFACES = ("supportedInterfaces", "additionalInterfaces")


def is_card(root: Mapping[str, Any]) -> bool:
    """Whether this is a card: skills, capabilities, and a place where it answers."""
    parts = isinstance(at(root, "skills"), list) and isinstance(at(root, "capabilities"), dict)
    return parts and text(root, "name") is not None and bool(_urls(root))


def _urls(data: Mapping[str, Any]) -> list[str]:
    interfaces = (text(one, "url") for key in _INTERFACES for one in mappings(data, key))
    return filled(text(data, "url"), *interfaces)


def entries(documents: Sequence[Document]) -> Iterator[Declaration]:
    """The agents of these cards."""
    for document in documents:
        data = document.data
        if is_card(data):
            yield Declaration(document=document, stand_in=f"a2a:{text(data, 'name')}", fields=_fields(data))


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    name = text(data, "name")
    return {
        "name": name,
        "kind": "agent",
        "purpose": text(data, "description"),
        "identities": [literal(one) for one in filled(*_urls(data), name)],
        "agent provider": text(data, "provider", "organization"),
        "agent version": text(data, "version"),
        "skills": filled(*(text(skill, "name") or text(skill, "id") for skill in mappings(data, "skills"))),
    }
