"""Who is given a role for calling models and agents, which hints at an agent (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.holding import Holdings
from connectors.gcp.rights.vocabulary import vocabulary
from scanner.model import Signal

CALLS = "invoke models"
_BASIC = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
"""They allow calls of models among ten thousand other things, and hint at nothing."""


def model_signals(bindings: Iterable[Binding], holdings: Holdings) -> dict[str, Signal]:
    """By id of a member: a weak signal, of the first such role that it has."""
    calls = frozenset(vocabulary().high[CALLS])
    found: dict[str, Signal] = {}
    for binding in bindings:
        member = binding.member
        if not binding.counts or member.is_deleted or member.id in found or binding.role in _BASIC:
            continue
        if named := sorted(calls & holdings.held(binding).possible):
            evidence = f"{binding.role} on {binding.resource.short} allows {named[0]}"
            found[member.id] = Signal(says="agent", sort="permission", strength="weak", evidence=evidence)
    return found
