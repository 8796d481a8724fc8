"""How far conditions narrow a trust, as ``Trust.restriction`` has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

Restriction: TypeAlias = Literal["none", "loose", "exact"]
_ORDER: tuple[Restriction, ...] = ("none", "loose", "exact")


def narrowest(restrictions: Iterable[Restriction]) -> Restriction:
    """What restrictions that must all hold amount to."""
    return max(restrictions, key=_ORDER.index, default="none")


def widest(restrictions: Iterable[Restriction]) -> Restriction:
    """What alternatives amount to."""
    return min(restrictions, key=_ORDER.index, default="none")
