"""Events that open a review of one identity: owner left, reach grew, recreated, or new behaviour."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from hashlib import sha256

from scanner.lifecycle.reviews.campaign import states
from scanner.model import Assessment, Change, Finding, ScanResult
from scanner.model.reviews import REVIEW_EVENTS, Campaign, Review, ReviewEvent

_RULES: Mapping[str, ReviewEvent] = {
    "orphaned": "owner_left",
    "recreated": "recreated",
    "behaviour_changed": "behaviour_changed",
}
"""Rules whose new findings are such an event; ``orphaned`` if the owner has left."""
_LEFT = frozenset({"departed", "group_empty"})


def events_of(
    result: ScanResult, changes: Iterable[Change], wanted: Collection[ReviewEvent]
) -> Iterator[tuple[Assessment, ReviewEvent]]:
    """Yield each identity with the first wanted event that it has, in the order of REVIEW_EVENTS.

    ``changes``: since the scan before.
    """
    found: dict[str, set[ReviewEvent]] = {}
    for finding in result.findings:
        event = _RULES.get(finding.rule)
        if finding.identity is not None and event is not None and finding.new and _is_meant(finding):
            found.setdefault(finding.identity, set()).add(event)
    for change in changes:
        if change.subject == "identity" and change.change == "moved" and change.reach_grew:
            found.setdefault(change.key, set()).add("reach_grew")
    for one in result.identities:
        events = found.get(one.identity.key, set()).intersection(wanted)
        event = next((event for event in REVIEW_EVENTS if event in events), None)
        if event is not None and one.registry.state != "exempt" and one.rechecked:
            yield one, event


def _is_meant(finding: Finding) -> bool:
    return finding.rule != "orphaned" or finding.evidence.get("reason") in _LEFT


def review_of(key: str, event: ReviewEvent, scan: str, now: datetime, due: date) -> Review:
    """The review that an event opens. Its name is the same for the same identity, event and day."""
    name = f"{event}-{now:%Y-%m-%d}-{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return Review(name=name, opened_at=now, due=due, scan=scan, event=event)


def under_review(campaigns: Iterable[Campaign]) -> frozenset[str]:
    """Keys of identities that are in an open campaign."""
    return frozenset(
        state.item.key
        for campaign in campaigns
        if campaign.closed_at is None
        for state in states(campaign)
        if state.decision is None
    )
