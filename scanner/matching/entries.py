"""The state of each entry: found, not found, retired but alive, or unknown because of a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct

from scanner.matching.declared import is_expired
from scanner.matching.ladder import Matching
from scanner.matching.places import Places, SourceRef, locate
from scanner.model import Coverage, Entry, EntryAssessment, EntryState, Identity


class _Facts(Struct, frozen=True, kw_only=True):
    """The facts that decide an entry's state. ``ended``: retired, or expired whatever its status."""

    entry: Entry
    ended: bool
    matched: tuple[str, ...]
    enabled: tuple[str, ...]
    unread: str | None
    outranked: str | None


def judge_entries(
    entries: Sequence[Entry],
    matching: Matching,
    identities: Mapping[str, Identity],
    coverage: Sequence[Coverage],
    *,
    sources: Sequence[SourceRef],
    today: date,
) -> tuple[EntryAssessment, ...]:
    """Return the state of every entry with its evidence, sorted by id.

    ``identities``: by key, all that ``matching`` saw. ``sources``: every configured source, scanned or not.
    """
    places = Places(coverage, sources)
    return tuple(
        _judge(_facts(entry, matching, identities, places, today)) for entry in sorted(entries, key=lambda e: e.id)
    )


def _facts(entry: Entry, matching: Matching, identities: Mapping[str, Identity], places: Places, today: date) -> _Facts:
    matched = matching.identities_of.get(entry.id, ())
    ended = entry.status == "retired" or is_expired(entry, today)
    missed = locate(entry) if ended or not matched else ()  # the other places of a found entry need not be read
    unread = (reason for location in missed if (reason := places.why_unread(location)) is not None)
    return _Facts(
        entry=entry,
        ended=ended,
        matched=matched,
        enabled=tuple(key for key in matched if identities[key].enabled is not False),
        unread=next(unread, None),
        outranked=matching.outranked.get(entry.id),
    )


def _judge(facts: _Facts) -> EntryAssessment:
    state, evidence = _state(facts)
    return EntryAssessment(entry=facts.entry, state=state, identities=facts.matched, evidence=evidence)


def _state(facts: _Facts) -> tuple[EntryState, str]:  # noqa: PLR0911  # an ordered list of conditions
    """Return the first state that applies, in this order, and the evidence."""
    entry = facts.entry
    if facts.ended and facts.enabled:
        return "retired_but_alive", f"{_ending(entry)}, yet {facts.enabled[0]} is enabled"
    if entry.status in ("suspended", "proposed"):
        return entry.status, f"declared {entry.status}"
    if facts.matched and not facts.ended:
        return "found", f"matches {facts.matched[0]}" + (" and others" if len(facts.matched) > 1 else "")
    if facts.outranked is not None and not facts.ended:
        return "found", f"names {facts.outranked}, which another entry matches on the same or a stronger rung"
    if facts.unread is not None:
        return "not_evaluated", facts.unread
    if entry.unknown_end is not None:
        return "not_evaluated", f"no identity matches, and {entry.unknown_end} of {entry.origin} cannot be read"
    if facts.ended:
        return "retired", f"{_ending(entry)}, and no enabled identity matches"
    return "not_found", "no identity matches, and every scope where it could be was completely read"


def _ending(entry: Entry) -> str:
    return "retired" if entry.status == "retired" else f"expired {entry.expires}"
