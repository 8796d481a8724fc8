"""Access reviews: their items by reviewer, and decisions."""

from __future__ import annotations

from reports.json import encoded
from reports.review_grants import grant_rows
from scanner.app.reviews import decide_in_page
from scanner.errors import UsageError
from scanner.lifecycle.reviews.campaign import ItemState, is_overdue, states
from scanner.lifecycle.reviews.reviewers import People
from scanner.lifecycle.reviews.taking import ReviewAnswer
from scanner.matching.keys import fold
from scanner.model.reviews import Campaign
from scanner.registry.tables.cells import CellError
from scanner.serve.answers import Refusal
from scanner.serve.api.answers import Decide, ItemListed, ReviewListed
from scanner.serve.api.details import NO_SUCH
from scanner.serve.api.operations import OperationCall, Reply
from scanner.serve.api.writing import writer


def reviews(call: OperationCall) -> Reply:
    """The reviews in which the viewer has items, or all."""
    today = call.serving.clock().date()
    listed = []
    for campaign in call.serving.store.reviews.campaigns():
        every = states(campaign)
        mine = [state for state in every if is_mine(call, state)]
        if not (mine or call.visible.is_everything):
            continue
        counted = every if call.visible.is_everything else mine
        review = campaign.review
        listed.append(
            ReviewListed(
                name=review.name,
                opened_at=review.opened_at,
                closed_at=campaign.closed_at,
                due=review.due,
                is_overdue=is_overdue(campaign, today),
                scan=review.scan,
                event=review.event,
                items=len(counted),
                decided=sum(state.decision is not None for state in counted),
                mine=len(mine),
                left=sum(state.decision is None for state in mine),
            )
        )
    return Reply(body=encoded({"items": listed}))


def items(call: OperationCall) -> Reply:
    """The items of a review that the viewer may see."""
    return Reply(body=encoded({"items": [listed_item(call, state) for state in _shown(call, _campaign(call))]}))


def listed_item(call: OperationCall, state: ItemState) -> ItemListed:
    """An item as its reviewer sees it."""
    return ItemListed(
        id=state.item.id,
        key=state.item.key,
        reviewer=state.reviewer,
        because=state.because,
        facts=state.item.facts,
        facts_hash=state.item.facts_hash,
        decision=state.decision,
        mine=is_mine(call, state),
        granted=grant_rows(state.item.facts),
    )


def is_mine(call: OperationCall, state: ItemState) -> bool:
    """Whether the viewer, or one of the viewer's groups, reviews the item."""
    return call.viewer.person is not None and fold(state.reviewer) in call.viewer.owns


def _shown(call: OperationCall, campaign: Campaign) -> list[ItemState]:
    found = [state for state in states(campaign) if call.visible.is_everything or is_mine(call, state)]
    if not found and not call.visible.is_everything:
        raise Refusal(404, NO_SUCH.format("review"))
    return found


def _campaign(call: OperationCall) -> Campaign:
    try:
        return call.serving.store.reviews.campaign(call.path["name"])
    except UsageError:
        raise Refusal(404, NO_SUCH.format("review")) from None


def decide(call: OperationCall) -> Reply:
    """Decide an item, under the same rules as in a workbook."""
    body: Decide = call.body
    by, campaign, store = writer(call), _campaign(call), call.serving.store
    state = next((one for one in _shown(call, campaign) if one.item.id == call.path["id"]), None)
    if state is None:
        raise Refusal(404, NO_SUCH.format("item"))
    if not is_mine(call, state):
        raise Refusal(403, f"{state.reviewer} reviews this item")
    if campaign.closed_at is not None:
        raise Refusal(409, "the review is closed")
    if body.facts_hash not in (None, state.item.facts_hash):
        raise Refusal(409, "the facts are not those of this item", field="facts_hash", hint="read the item again")
    lists = call.serving.lists
    known = store.find(body.new_owner).identities if body.new_owner else ()
    people = People(lists.roster if lists.has_people else None, lists.config.ownership, known)
    answer = ReviewAnswer(decision=body.decision, reason=body.reason, new_owner=body.new_owner)
    reviewers = frozenset({state.reviewer})
    try:
        decision = decide_in_page(
            store,
            campaign.review.name,
            state.item.id,
            answer,
            people,
            reviewers=reviewers,
            by=by,
            known_by=call.viewer.known_by,
        )
    except CellError as error:
        raise Refusal(400, f"{error.heading} {error}", field=error.heading, hint=error.fix) from None
    return Reply(body=encoded(decision))
