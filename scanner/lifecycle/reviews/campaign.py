"""The state of a campaign from its records: reviewers, decisions, and outcomes for later scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from scanner.model.reviews import (
    Because,
    Campaign,
    Decision,
    Reassignment,
    ReviewItem,
    ReviewOutcome,
)


class ItemState(Struct, frozen=True, kw_only=True, gc=False):
    """An item with its current reviewer and decision; None while it is undecided.

    ``returned_by``: the reviewer who answered ``not_mine`` last, if no one has decided since.
    """

    item: ReviewItem
    reviewer: str
    because: Because
    decision: Decision | None = None
    returned_by: str | None = None


class Progress(Struct, frozen=True, kw_only=True, gc=False):
    """How far a reviewer is: numbers of items."""

    reviewer: str
    items: int
    decided: int

    @property
    def left(self) -> int:
        """Items without a decision."""
        return self.items - self.decided


def states(campaign: Campaign) -> tuple[ItemState, ...]:
    """The state of each item, in the campaign's order."""
    decisions: dict[str, Decision | None] = {}
    reviewers: dict[str, tuple[str, Because]] = {item.id: (item.reviewer, item.because) for item in campaign.items}
    returned: dict[str, str | None] = {}
    for record in campaign.records:
        if isinstance(record, Decision):
            is_returned = record.decision == "not_mine"
            decisions[record.item] = None if is_returned else record
            returned[record.item] = reviewers[record.item][0] if is_returned else None
        elif isinstance(record, Reassignment):
            reviewers[record.item] = record.reviewer, record.because
    found = []
    for item in campaign.items:
        reviewer, because = reviewers[item.id]
        found.append(
            ItemState(
                item=item,
                reviewer=reviewer,
                because=because,
                decision=decisions.get(item.id),
                returned_by=returned.get(item.id),
            )
        )
    return tuple(found)


def progress(found: Iterable[ItemState]) -> tuple[Progress, ...]:
    """By reviewer, those with most items left first."""
    items: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    for state in found:
        items[state.reviewer] += 1
        decided[state.reviewer] += state.decision is not None
    every = [Progress(reviewer=name, items=number, decided=decided[name]) for name, number in items.items()]
    return tuple(sorted(every, key=lambda one: (-one.left, one.reviewer)))


def cannot_be_verified(state: ItemState) -> bool:
    """Whether permissions are to be reduced, and none of the identity's permissions were known."""
    decided = state.decision
    return decided is not None and decided.decision == "reduce" and state.item.facts.privilege == "unknown"


def is_overdue(campaign: Campaign, today: date) -> bool:
    """Whether an open campaign is past its due day."""
    return campaign.closed_at is None and campaign.review.due < today


def outcomes(campaigns: Sequence[Campaign], today: date) -> Mapping[str, ReviewOutcome]:
    """The decision of the latest review by key of the identity, for scans to verify.

    Of closed campaigns all items, of open ones those that are undecided past the due day. Later campaigns replace
    earlier ones; an undecided item of an open campaign leaves an earlier decision in force.
    """
    found: dict[str, ReviewOutcome] = {}
    for campaign in sorted(campaigns, key=_in_order):
        for outcome in _outcomes(campaign, today):
            earlier = found.get(outcome.key)
            if campaign.closed_at is None and earlier is not None and earlier.outcome != "keep":
                continue
            found[outcome.key] = outcome
    return found


def _in_order(campaign: Campaign) -> tuple[bool, str]:
    closed = campaign.closed_at
    return closed is None, (closed or campaign.review.opened_at).isoformat()


def _outcomes(campaign: Campaign, today: date) -> Iterator[ReviewOutcome]:
    closed = campaign.closed_at
    if closed is None and not is_overdue(campaign, today):
        return
    for state in states(campaign):
        if closed is None and state.decision is not None:
            continue
        yield outcome_of(campaign, state)


def outcome_of(campaign: Campaign, state: ItemState) -> ReviewOutcome:
    """The result of one item of a closed or overdue campaign."""
    decision, facts = state.decision, state.item.facts
    given = decision is not None and decision.decision != "not_mine"
    closed = campaign.closed_at
    return ReviewOutcome(
        review=campaign.review.name,
        key=state.item.key,
        outcome=decision.decision if decision is not None and decision.decision != "not_mine" else "undecided",
        since=campaign.review.due if closed is None else closed.date(),
        by=decision.by if decision is not None and given else state.reviewer,
        reason=decision.reason if decision is not None else None,
        new_owner=decision.new_owner if decision is not None else None,
        self_review=decision is not None and decision.self_review,
        privilege=facts.privilege,
        grants=facts.grants,
        services=facts.services,
    )
