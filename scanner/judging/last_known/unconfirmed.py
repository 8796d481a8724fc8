"""Identities that lists had only in readings with a gap: what was partly read may name what does not exist. Pure.

A scope without a row is no longer listed, so what is in it stays as last seen. That would keep a scope whose name was
cut for good. Once the list is read whole and lacks them, such identities leave; nor do they count as lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from scanner.judging.last_known.vanished import Count
from scanner.model import Assessment, Coverage


def outside_listings(
    last: Iterable[Assessment], coverage: Sequence[Coverage], lists: Collection[str]
) -> dict[str, str]:
    """Return the sources of last known identities, by key, in scopes that a list read without a gap does not have."""
    gaps = {one.source for one in coverage if one.is_gap}
    whole = {one.source for one in coverage if one.source in lists and one.source not in gaps}
    listed = {(one.source, one.scope) for one in coverage}
    known = (one.identity for one in last)
    return {one.key: one.source for one in known if one.source in whole and (one.source, one.scope) not in listed}


def without_unconfirmed(counts: Count, unconfirmed: Mapping[str, tuple[str, str, str]]) -> Count:
    """Return the counts without these identities, by key with their place; of a source that has others."""
    fewer = Counter(counts)
    fewer.subtract(Counter(unconfirmed.values()))
    confirmed = {source for (source, _, _), number in fewer.items() if number > 0}
    return {place: fewer[place] if place[0] in confirmed else number for place, number in counts.items()}
