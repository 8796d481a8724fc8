"""What could be read last time and cannot be now, and what can be read again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from scanner.model import EVERY_SCOPE, BlindSpot, Coverage

WHOLE = "*"
"""The section of a gap that covers all of a scope (``*:part``: all of a part)."""


class Sight(Struct, frozen=True, kw_only=True):
    """What changed in what can be seen. ``blind``: all places of ``sources`` that are not read now."""

    lost: tuple[Coverage, ...] = ()
    regained: tuple[BlindSpot, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    sources: frozenset[str] = frozenset()


def compare(known: Sequence[BlindSpot], coverage: Sequence[Coverage], now: datetime) -> Sight:
    """This scan's coverage against the places known to be unread; sources that were not scanned stay as they are.

    A place is lost where it was not known to be unread, or was read in part and now is not at all. It is regained
    where it was tried and is no gap; one that is no longer listed is neither.
    """
    sources = frozenset(one.source for one in coverage)
    before = {(one.source, one.scope, one.section): one for one in known if one.source in sources}
    gaps = {(one.source, one.scope, one.section): one for one in coverage if one.is_gap}
    lost = [
        gap
        for place, gap in gaps.items()
        if place not in before or (before[place].status == "partial" and gap.status != "partial")
    ]
    unseen = [one for place, one in before.items() if place not in gaps]
    hidden = [one for one in unseen if _is_hidden(one, gaps)]
    tried = {(one.source, one.scope) for one in coverage} | {(one.source, EVERY_SCOPE) for one in coverage}
    regained = [one for one in unseen if one not in hidden and (one.source, one.scope) in tried]
    blind = [
        BlindSpot(
            source=gap.source,
            scope=gap.scope,
            section=gap.section,
            status=gap.status,
            since=before[place].since if place in before else now,
        )
        for place, gap in gaps.items()
    ]
    return Sight(lost=tuple(lost), regained=tuple(regained), blind=(*blind, *hidden), sources=sources)


def _is_hidden(one: BlindSpot, gaps: dict[tuple[str, str, str], Coverage]) -> bool:
    """Whether a wider gap leaves it open if it could be read by now."""
    return (one.source, EVERY_SCOPE, WHOLE) in gaps or (one.source, one.scope, WHOLE) in gaps
