"""Access reviews: who was asked about which identity, seeing which facts, and what was decided.

Records are append-only in the store: an item is frozen when its review opens, a decision is never changed; a later
decision on the same item replaces the earlier one and leaves it in the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

DecisionName: TypeAlias = Literal["keep", "reduce", "revoke", "reassign", "not_mine"]
DECISIONS: tuple[DecisionName, ...] = get_args(DecisionName)

Outcome: TypeAlias = Literal["keep", "reduce", "revoke", "reassign", "undecided"]
"""What stands at the end. ``not_mine`` sends an item to another reviewer, so it is no outcome."""

Because: TypeAlias = Literal["owner", "backup_owner", "manager", "candidate", "named", "unassigned"]
"""Why a reviewer was chosen."""

UNASSIGNED = "unassigned"
"""The reviewer of items for which no active person was found. ``review take --by`` takes their workbook."""

Event: TypeAlias = Literal["owner_left", "reach_grew", "recreated", "behaviour_changed"]
EVENTS: tuple[Event, ...] = get_args(Event)
"""What opens a review of one identity by itself, where ``[review] on`` names it."""


class Review(Struct, frozen=True, kw_only=True, gc=False):
    """A campaign. ``scan``: the scan whose facts are under review. ``opened_by``: the person or program.

    ``scopes``, ``views``: what selected its items. ``event``: set where an event opened it. ``closed_at``: None while
    it is open.
    """

    name: str
    opened_at: datetime
    due: date
    scan: str
    opened_by: str | None = None
    scopes: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    event: Event | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None


class ReviewFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What the reviewer sees of an identity, in words, frozen when the review opens. None: unknown.

    ``what``: kind, provider, purpose. ``may``: its privilege and blast radius. ``used``: its use, with what was never
    used. ``since``: when and by whom it was created. ``who_else``: other owners and who can become it. ``findings``:
    rule ids. ``gaps``: what could not be read of it.
    """

    name: str
    provider: str
    scope: str
    kind: str
    what: str
    may: str | None = None
    used: str | None = None
    since: str | None = None
    who_else: str | None = None
    entry: str | None = None
    owner: str | None = None
    privilege: str = "unknown"
    granted: tuple[str, ...] = ()
    """Names of its grants: a ``reduce`` is done once at least one of these is gone and its level did not rise."""
    findings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


class ReviewItem(Struct, frozen=True, kw_only=True, gc=False):
    """One identity under review. ``id``: stable within the review and not guessable from another review's.

    ``reviewer``: id of a person or group on the roster, or UNASSIGNED. ``facts_hash``: SHA-256 of ``facts`` as
    canonical JSON; a decision repeats it, which proves what the reviewer saw.
    """

    id: str
    review: str
    key: str
    reviewer: str
    because: Because
    facts: ReviewFacts
    facts_hash: str


class Reassignment(Struct, frozen=True, kw_only=True, gc=False):
    """An item got another reviewer: after ``not_mine``, or because the reviewer has left."""

    review: str
    item: str
    reviewer: str
    because: Because
    at: datetime
    by: str | None = None


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """What a reviewer decided about an item.

    ``by``: who decided: the workbook's reviewer, or the person named on the command line. ``self_review``: ``by`` owns
    and built the identity, and it has no backup owner.
    """

    review: str
    item: str
    decision: DecisionName
    at: datetime
    by: str
    facts_hash: str
    reason: str | None = None
    new_owner: str | None = None
    self_review: bool = False


class OpenDecision(Struct, frozen=True, kw_only=True, gc=False):
    """A closed review's outcome that later scans hold against what is there, until it is done.

    ``evidence``: facts of the item that decide whether it is done: its grants and privilege at the review.
    """

    review: str
    item: str
    key: str
    outcome: Outcome
    due: date
    closed_at: datetime
    by: str | None = None
    reason: str | None = None
    new_owner: str | None = None
    evidence: Mapping[str, Any] = {}
