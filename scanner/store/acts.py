"""Which records of the served page and of access reviews are decisions, and what the log says of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Table

from scanner.model.decisions import Act, Actor
from scanner.model.retirement import RetirementRecord, RetirementStarted
from scanner.model.reviews import Closing, Decision, Reassignment, Reminder, Review, ReviewRecord
from scanner.model.served import (
    AcknowledgementAsked,
    AcknowledgementWithdrawn,
    FindingAcknowledged,
    ItemDecided,
    Looked,
    OwnerDenied,
    OwnerProposed,
    OwnerWithdrawn,
    PageRecord,
    QueryDeleted,
    QuerySaved,
    SignedOut,
    Visited,
)
from scanner.store import schema
from scanner.store.chain import hash_of
from scanner.store.integrity import Values

NO_DECISIONS: tuple[type[Struct], ...] = (QuerySaved, QueryDeleted, Visited, Looked, SignedOut, Reminder)
"""Records that decide nothing."""
PAGE_DECISIONS: tuple[type[Struct], ...] = (
    FindingAcknowledged, AcknowledgementAsked, AcknowledgementWithdrawn, OwnerProposed, OwnerDenied, OwnerWithdrawn,
    ItemDecided,
)  # fmt: skip
"""Records of the served page that are decisions."""

STATED = Actor(known_by="stated")
_NOTHING = "as before"
"""The value after something was taken back."""


def page_act(record: PageRecord, actor: Actor, about: Mapping[str, str], before: str | None) -> Act | None:
    """What the log says of a record of the served page; None if it decides nothing.

    ``about``: what the record is about besides what it names itself.
    """
    match record:
        case FindingAcknowledged():
            what: Any = "acknowledged" if record.asked_by is None else "approved"
            asked = "" if record.asked_by is None else f", asked for by {record.asked_by}"
            act = _act(what, actor, record, {"finding": record.finding}, f"until {record.until}{asked}")
        case AcknowledgementAsked():
            act = _act("asked", actor, record, {"finding": record.finding}, f"until {record.until}")
        case AcknowledgementWithdrawn():
            act = _act("withdrew_acknowledgement", actor, record, {"finding": record.finding}, _NOTHING)
        case OwnerProposed():
            meant = f", for all {len(record.identities)} of its entry" if record.identities else ""
            act = _act("proposed_owner", actor, record, {"identity": record.identity}, record.owner + meant)
        case OwnerDenied():
            act = _act("denied_owner", actor, record, {"identity": record.identity}, f"not {record.by}")
        case OwnerWithdrawn():
            act = _act("withdrew_owner", actor, record, {"identity": record.identity}, _NOTHING)
        case ItemDecided():
            found = review_act(record.review, record.record, replace(actor, person=record.by))
            if found is None:
                return None
            act = found
        case _:
            return None
    return replace(act, about={**act.about, **about}, before=before)


def review_act(review: str, record: Review | ReviewRecord, actor: Actor) -> Act | None:
    """What the log says of a record of a review; None if it decides nothing."""
    about = {"review": review}
    match record:
        case Review():
            return Act(
                what="review_opened", actor=actor, at=record.opened_at, about=about, after=f"due {record.due}",
                reason=record.event,
            )  # fmt: skip
        case Decision():
            after = record.decision if record.new_owner is None else f"{record.decision} to {record.new_owner}"
            return _act("review_decided", actor, record, about | {"item": record.item}, after)
        case Reassignment():
            return Act(
                what="review_reassigned", actor=actor, at=record.at, about=about | {"item": record.item},
                after=record.reviewer, reason=record.because,
            )  # fmt: skip
        case Closing():
            return Act(what="review_closed", actor=actor, at=record.at, about=about)
        case _:
            return None


def retirement_act(record: RetirementRecord, actor: Actor) -> Act:
    """What the log says of a retirement that was started or stopped."""
    about = {"identity": record.identity}
    if record.credential is not None:
        about["credential"] = record.credential
    if isinstance(record, RetirementStarted):
        after = f"{record.verdict}, waits {record.wait_days} days"
        return Act(what="retirement_started", actor=actor, at=record.at, about=about, after=after)
    return Act(what="retirement_stopped", actor=actor, at=record.at, about=about, after=_NOTHING)


def _act(what: Any, actor: Actor, record: Any, about: Mapping[str, str], after: str) -> Act:
    reason = getattr(record, "reason", None)
    return Act(what=what, actor=replace(actor, person=record.by), at=record.at, about=about, after=after, reason=reason)


_KEYS: Mapping[Table, int] = {
    schema.page_record: 1,
    schema.review: 1,
    schema.review_record: 2,
    schema.retirement_record: 1,
}
"""Tables with rows that decide, and how many columns are their key."""


def named_row(table: Table, row: Values) -> str:
    """Table and key of a row."""
    return " ".join((table.name, *map(str, row[: _KEYS[table]])))


def of_row(act: Act, table: Table, row: Values) -> Act:
    """The act with the row that has it in full, and the SHA-256 of that row's body."""
    body = row[table.c.keys().index("body")]
    return replace(act, row=named_row(table, row), row_sha256=hash_of(body))
