"""The changes of a closed review to the registry: entries whose items were all kept are reviewed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC

from scanner.lifecycle.reviews.campaign import ItemState
from scanner.model import POWERFUL, Entry, Policy
from scanner.model.declared import later
from scanner.registry.editing.adoption import Change
from scanner.registry.editing.values import Value


def reviewed_entries(found: Iterable[ItemState], entries: Sequence[Entry], policy: Policy) -> tuple[Change, ...]:
    """Changes of entries whose items were all kept: the day, the reviewers, and the day of the next review.

    ``entries``: as the registry has them now. An item without an entry changes nothing, and neither does a decision
    that is already in the entry.
    """
    by_id = {entry.id: entry for entry in entries}
    items: dict[str, list[ItemState]] = {}
    for state in found:
        if (entry := state.item.facts.entry) is not None and entry in by_id:
            items.setdefault(entry, []).append(state)
    changes = (_change(by_id[entry], states, policy) for entry, states in sorted(items.items()))
    return tuple(change for change in changes if change is not None)


def _change(entry: Entry, items: Sequence[ItemState], policy: Policy) -> Change | None:
    kept = [one.decision for one in items if one.decision is not None and one.decision.decision == "keep"]
    if len(kept) < len(items):
        return None
    last = max(kept, key=lambda decision: decision.at)
    day = last.at.astimezone(UTC).date()
    is_powerful = any(one.item.facts.privilege in POWERFUL for one in items)
    cells: Mapping[str, Value] = {
        "last_reviewed": day,
        "reviewed_by": "; ".join(dict.fromkeys(decision.by for decision in kept)),
        "next_review": later(day, policy.review_privileged if is_powerful else policy.review),
    }
    was_reviewed_since = entry.last_reviewed is not None and entry.last_reviewed > day
    if was_reviewed_since or all(getattr(entry, column) == value for column, value in cells.items()):
        return None
    return Change(entry=entry, cells=cells, places=tuple(f"review item {one.item.id}" for one in items))
