"""Access reviews over a store: open, take, remind, close, and open by event at the end of a scan."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from scanner.app.acting import by_command
from scanner.app.alarms import as_messages
from scanner.app.changes import changes_between
from scanner.errors import MusterError, UsageError
from scanner.judging.pipeline import Declared
from scanner.lifecycle.reviews.campaign import ItemState, is_overdue, progress, states
from scanner.lifecycle.reviews.events import events_of, review_of, under_review
from scanner.lifecycle.reviews.opening import items
from scanner.lifecycle.reviews.reviewers import People
from scanner.lifecycle.reviews.taking import ReviewAnswer, Taken, decide, read_books, recorded, take
from scanner.model import Assessment, Change, Ownership, ScanResult
from scanner.model.decisions import Actor, KnownBy
from scanner.model.reviews import UNASSIGNED, Campaign, Closing, Decision, Reassignment, Reminder, Review
from scanner.model.served import ItemDecided
from scanner.notify.notices import ReviewLine
from scanner.notify.planning import review_messages
from scanner.notify.settings import Channel
from scanner.registry.lists import ListSource
from scanner.registry.roster import Roster
from scanner.registry.roster.people import load_people
from scanner.store.outbox import Alarms
from scanner.store.store import Store
from scanner.text import printable

log = logging.getLogger(__name__)


def load_roster(lists: Sequence[ListSource], today: date) -> Roster | None:
    """The roster as of that day; None if there is none. Raises RegistryError."""
    return load_people(lists, strict=False).roster(today) if lists else None


def people_of(roster: Roster | None, ownership: Ownership, result: ScanResult) -> People:
    """The people who can review the identities of a scan."""
    return People(roster, ownership, result.identities)


def open_review(
    store: Store,
    review: Review,
    result: ScanResult,
    chosen: Iterable[Assessment],
    people: People,
    wanted: Sequence[str] = (),
    actor: Actor | None = None,
) -> Campaign:
    """Open a campaign with fixed identities and reviewers. ``actor``: who opens it, by default who runs the command.

    Raises UsageError for a used name, a reviewer who left, or no identity.
    """
    under = items(result, chosen, people, wanted)
    if not under:
        raise UsageError("there is no identity to review", hint="exempt identities are not reviewed; widen the scope")
    store.reviews.open(review, under, actor or by_command())
    return Campaign(review=review, items=under)


def without_leavers(store: Store, campaign: Campaign, people: People, result: ScanResult, now: datetime) -> Campaign:
    """The campaign, with undecided items of reviewers who left reassigned."""
    left = {
        state.item.key: state.item.id
        for state in items_left(campaign)
        if state.reviewer != UNASSIGNED and people.reviewer(state.reviewer) is None
    }
    again = items(result, (one for one in result.identities if one.identity.key in left), people)
    moved = [Reassignment(item=left[one.key], reviewer=one.reviewer, because=one.because, at=now) for one in again]
    if moved:
        store.reviews.append(campaign.review.name, moved, by_command())
    return replace(campaign, records=(*campaign.records, *moved))


def take_books(
    store: Store, campaign: Campaign, people: People, files: Sequence[Path], *, by: str | None, now: datetime
) -> Taken:
    """Import filled-in workbooks. If a file belongs to another campaign, none is imported, and UsageError is raised."""
    if campaign.closed_at is not None:
        raise UsageError(f"the review {printable(campaign.review.name)} is closed", hint="open another one")
    taken = take(tuple(read_books(files, campaign)), campaign, people, now, by)
    if taken.records:
        store.reviews.append(campaign.review.name, taken.records, by_command(by, "option" if by else "workbook"))
    return taken


def decide_in_page(
    store: Store,
    name: str,
    item: str,
    answer: ReviewAnswer,
    people: People,
    *,
    reviewers: frozenset[str],
    by: str,
    known_by: KnownBy,
) -> Decision:
    """Add a decision from the served page. ``reviewers``: the person who decides (``by``), and the person's groups.

    ``known_by``: how the person is known.

    Raises UsageError for an unknown review or item, for an item of another reviewer, and for a closed review;
    CellError, with the field as its heading, for an invalid decision.
    """
    campaign = store.reviews.campaign(name)
    state = next((one for one in states(campaign) if one.item.id == item and one.reviewer in reviewers), None)
    if state is None:
        raise UsageError(
            "this item is none of yours in this review", hint="reload the page: it may have been reassigned"
        )
    if campaign.closed_at is not None:
        raise UsageError(f"the review {printable(name)} is closed", hint="open another one")
    decision = decide(state, answer, people, by=by, now=now_in_seconds())
    store.served.append(
        *(ItemDecided(review=name, record=record, by=by) for record in recorded(decision)),
        known_by=known_by,
        about={"identity": state.item.key},
        before=None if state.decision is None else state.decision.decision,
    )
    return decision


class ReviewAsked(Struct, frozen=True, kw_only=True):
    """A request or reminder. ``to``: the reviewer, or past the due day the reviewer's manager."""

    to: str
    reviewer: str
    left: int
    overdue: bool


def to_ask(campaign: Campaign, people: People, today: date) -> tuple[ReviewAsked, ...]:
    """The reminders for items without a decision."""
    late = is_overdue(campaign, today)
    found = []
    for one in progress(states(campaign)):
        if one.left:
            above = people.manager(one.reviewer) if late and one.reviewer != UNASSIGNED else None
            found.append(ReviewAsked(to=above or one.reviewer, reviewer=one.reviewer, left=one.left, overdue=late))
    return tuple(found)


def post(
    store: Store,
    channels: Sequence[Channel],
    campaign: Campaign,
    asked: Sequence[ReviewAsked],
    roster: Roster | None,
    now: datetime,
) -> None:
    """Add the messages of a review to the outbox; the caller sends them."""
    lines = [
        (
            one.to,
            ReviewLine(
                review=printable(campaign.review.name),
                reviewer=printable(one.reviewer),
                left=one.left,
                due=campaign.review.due,
                overdue=one.overdue,
            ),
        )
        for one in asked
    ]
    messages = as_messages(review_messages(channels, lines, roster, now))
    if messages:
        store.outbox.post(Alarms(messages=messages))


def record_reminders(store: Store, campaign: Campaign, asked: Sequence[ReviewAsked], now: datetime) -> None:
    """Record that reminders were sent."""
    reminders = [Reminder(reviewer=one.reviewer, to=one.to, left=one.left, at=now) for one in asked]
    if reminders:
        store.reviews.append(campaign.review.name, reminders)


def close_review(store: Store, campaign: Campaign, now: datetime) -> Campaign:
    """Close an open campaign. Items without a decision stay undecided."""
    closing = Closing(at=now)
    store.reviews.append(campaign.review.name, [closing], by_command())
    return replace(campaign, records=(*campaign.records, closing))


# --- Reviews that events open ---


def open_by_events(store: Store, channels: Sequence[Channel], declared: Declared, result: ScanResult) -> None:
    """Open a review for each identity with an event of ``[review] on``, and post a message to its reviewer.

    Also for earlier scans that ended before they did so. A failure is logged, and the next scan tries again: this one
    is stored already.
    """
    if not declared.review.on:
        return
    try:
        kept = {scan.id for scan in store.retrying(store.scans)}
        marked = store.retrying(store.reviews.scans_to_review)
    except MusterError as error:
        log.warning("no review was opened: %s; the next scan tries again", error)
        return
    for scan in marked:
        try:
            if scan in kept:
                past = result if scan == result.scan.id else store.load(scan)
                store.retrying(partial(_open_by_events, store, channels, declared, past))
            store.reviews.reviewed(scan)
        except MusterError as error:  # an older scan may be damaged
            log.warning("not all reviews of scan %s were opened: %s; the next scan tries again", scan, error)


def _open_by_events(store: Store, channels: Sequence[Channel], declared: Declared, result: ScanResult) -> None:
    found = list(events_of(result, _changes_of(store, declared, result), declared.review.on))
    if not found:
        return
    campaigns, _ = store.reviews.sound_campaigns()
    known, asked = {one.review.name for one in campaigns}, under_review(campaigns)
    now = result.scan.finished_at
    roster = None if declared.people is None else Roster(declared.people, now.date())
    people = people_of(roster, declared.ownership, result)
    due = (now + timedelta(days=declared.review.days)).date()
    for one, event in found:
        review = review_of(one.identity.key, event, result.scan.id, now, due)
        if review.name not in known and one.identity.key not in asked:
            campaign = open_review(store, review, result, [one], people, actor=Actor(known_by="config"))
            post(store, channels, campaign, to_ask(campaign, people, now.date()), roster, now)
            log.info("review %s opened for %s", review.name, one.identity.key)


def _changes_of(store: Store, declared: Declared, result: ScanResult) -> Sequence[Change]:
    """The changes since the scan before, where an event depends on them."""
    ids = [scan.id for scan in store.scans()]
    at = ids.index(result.scan.id)
    if at == 0 or "reach_grew" not in declared.review.on:
        return ()
    return changes_between(store, ids[at - 1], ids[at]).changes


def items_left(campaign: Campaign) -> tuple[ItemState, ...]:
    """The items without a decision."""
    return tuple(state for state in states(campaign) if state.decision is None)


def now_in_seconds() -> datetime:
    """The time, in whole seconds as records keep it."""
    return datetime.now(UTC).replace(microsecond=0)
