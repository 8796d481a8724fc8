"""Reads from the store what people began about identities."""

from __future__ import annotations

from scanner.lifecycle.reviews.campaign import states
from scanner.store.store import Store
from scanner.suppressions.handling import Handling


def handling_of(store: Store) -> Handling:
    """Open reviews and standing proposals, as of now. A damaged review is left out. Raises StoreError."""
    campaigns, _ = store.reviews.sound_campaigns()
    in_review = frozenset(
        state.item.key
        for campaign in campaigns
        if campaign.closed_at is None
        for state in states(campaign)
        if state.decision is None
    )
    last = {one.identity: one.owner for one in store.served.proposals() if one.withdrawn_at is None}
    if not last or not store.has_scans():
        return Handling(in_review=in_review)
    with store.records() as records:
        owned = {one.identity.key: one.ownership for one in records.identities(list(last))}
    taken = {key for key, owner in last.items() if key not in owned or owned[key].owner == owner}
    return Handling(in_review=in_review, proposed=frozenset(last) - taken)
