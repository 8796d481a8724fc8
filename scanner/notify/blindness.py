"""Compare a scan's coverage with the sections that were not read before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from scanner.model import EVERY_SCOPE, REACH, UNREAD, WHOLE_SCOPE, BlindSpot, Coverage
from scanner.model.activity import LOG_SECTION


class CoverageChanges(Struct, frozen=True, kw_only=True):
    """Changes in coverage. ``blind``: all unread sections of ``sources``."""

    lost: tuple[Coverage, ...] = ()
    regained: tuple[BlindSpot, ...] = ()
    blind: tuple[BlindSpot, ...] = ()
    sources: frozenset[str] = frozenset()


def compare(known: Sequence[BlindSpot], coverage: Sequence[Coverage], now: datetime) -> CoverageChanges:
    """Compare this scan's coverage with the sections known to be unread. Sources that were not scanned do not change.

    A section is lost if it was not known to be unread, or was partial and is now not read at all. It is regained if it
    was tried and is no gap. A section that a wider gap hides stays unread. One that is no longer listed, such as that
    of a deleted mount, is neither.
    """
    sources = frozenset(record.source for record in coverage)
    before = {(one.source, one.scope, one.section): one for one in known if one.source in sources}
    gaps = {(record.source, record.scope, record.section): record for record in coverage if record.is_gap}
    lost = [
        gap
        for place, gap in gaps.items()
        if place not in before or (before[place].status == "partial" and gap.status != "partial")
    ]
    unseen = [one for place, one in before.items() if place not in gaps]
    is_hidden, was_tried = _hiding(coverage), _trying(coverage)
    hidden = [one for one in unseen if is_hidden(one)]
    regained = [one for one in unseen if not is_hidden(one) and was_tried(one)]
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
    return CoverageChanges(lost=tuple(lost), regained=tuple(regained), blind=(*blind, *hidden), sources=sources)


def _hiding(coverage: Sequence[Coverage]) -> Callable[[BlindSpot], bool]:
    """Whether a wider gap hides a section: of its source, scope, part (region) or of the section in all parts.

    Nothing in a scope was read if each of its sections is unread: that of an account's role is its only one.
    """
    gaps = {(record.source, record.scope, record.section) for record in coverage if record.is_gap}
    read = {(record.source, scope) for record in coverage if record.status not in UNREAD for scope in _scopes(record)}
    unread = {(record.source, scope) for record in coverage for scope in _scopes(record)} - read

    def is_hidden(spot: BlindSpot) -> bool:
        name, _, part = spot.section.partition(":")
        wider = [(EVERY_SCOPE, WHOLE_SCOPE), (spot.scope, WHOLE_SCOPE)]
        if part:
            wider += [(spot.scope, f"{WHOLE_SCOPE}:{part}"), (spot.scope, name)]
        is_unread = any((spot.source, scope) in unread for scope in (EVERY_SCOPE, spot.scope))
        return is_unread or any((spot.source, *place) in gaps for place in wider)

    return is_hidden


def _trying(coverage: Sequence[Coverage]) -> Callable[[BlindSpot], bool]:
    """Whether a section was tried: it is listed, or its scope is if it has no part. Some are only listed while a gap.

    A gap that is only listed as one was tried if another section of that part was, and a log's day if its log was.
    """
    scopes = {(record.source, scope) for record in coverage for scope in _scopes(record)}
    sections = {(record.source, record.scope, record.section) for record in coverage}
    parts = {(source, scope, section.partition(":")[2]) for source, scope, section in sections}

    def was_tried(spot: BlindSpot) -> bool:
        name, _, part = spot.section.partition(":")
        if spot.scope == EVERY_SCOPE or not part:
            return (spot.source, spot.scope) in scopes
        if name in (WHOLE_SCOPE, REACH):
            return (spot.source, spot.scope, part) in parts
        return (spot.source, spot.scope, name if name == LOG_SECTION else spot.section) in sections

    return was_tried


def _scopes(record: Coverage) -> tuple[str, str]:
    return record.scope, EVERY_SCOPE
