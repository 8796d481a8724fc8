"""Access reviews: reviewers, identities with the facts shown, and decisions. Records of a campaign are only added.

An item is frozen when its campaign opens. A later decision on the same item counts instead of an earlier one, and both
stay in the record.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, TypeAlias, get_args

from msgspec import UNSET, Struct, UnsetType

from scanner.model.terms import PrivilegeLevel

DecisionName: TypeAlias = Literal["keep", "reduce", "revoke", "reassign", "not_mine"]
DECISIONS: tuple[DecisionName, ...] = get_args(DecisionName)

OutcomeName: TypeAlias = Literal["keep", "reduce", "revoke", "reassign", "undecided"]
"""The result for an item. ``not_mine`` sends it to another reviewer, so it is no result."""

Because: TypeAlias = Literal["owner", "backup_owner", "manager", "candidate", "named", "unassigned"]
"""Why a reviewer was chosen."""

UNASSIGNED = "unassigned"
"""The reviewer of items without an active person. ``muster review take --by`` imports their workbook."""

ReviewEvent: TypeAlias = Literal["owner_left", "reach_grew", "recreated", "behaviour_changed"]
REVIEW_EVENTS: tuple[ReviewEvent, ...] = get_args(ReviewEvent)
"""Events that open a review of one identity, if ``[review] on`` names them."""


class ReviewPolicy(Struct, frozen=True, kw_only=True, gc=False):
    """``on``: events that open a review of one identity. ``days``: until such a review is due."""

    on: tuple[ReviewEvent, ...] = ()
    days: int = 14


class Review(Struct, frozen=True, kw_only=True, gc=False):
    """A campaign. ``scan``: the scan whose facts are under review. ``scopes``, ``view``: what selected its items.

    ``event``: set if an event opened it.
    """

    name: str
    opened_at: datetime
    due: date
    scan: str
    scopes: tuple[str, ...] = ()
    view: str | None = None
    event: ReviewEvent | None = None


class GrantUse(Struct, frozen=True, kw_only=True, gc=False):
    """A grant as a reviewer sees it, and what is known of its use when the review opens.

    ``name``, ``via``, ``resource``, ``admin``: as on Grant. ``allows``: patterns of the actions that it allows; None:
    unknown. ``used``: which actions or services of it were used; empty: none was; None: unknown. An action that several
    grants allow counts for each. ``last_used``: the last day of that use. ``since``: the first day that was looked at;
    ``days``: how many days were read in full from then on, None if the provider says so itself. ``unknown``: why its
    use is not known, or not all of it.
    """

    name: str
    via: str
    resource: str | None = None
    admin: bool = False
    allows: tuple[str, ...] | None = None
    used: tuple[str, ...] | None = None
    last_used: date | None = None
    since: date | None = None
    days: int | None = None
    unknown: str | None = None


class ReviewFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What a reviewer sees of an identity, frozen when the review opens. None is unknown.

    ``what``: its kind and purpose. ``may``: its privilege. ``worst``: its blast radius. ``used``: its use, with what
    was never used. ``since``: when it was created, and by whom. ``who_else``: other owners, and who can become it.
    ``findings``: rule ids. ``unread``: what could not be read of it. ``grants``: names of its grants; ``services``: the
    number of services that its permissions allow. ``reduce`` is verified against both. ``granted``: each grant with
    its use; unset in reviews that were opened before it was recorded, so that their hashes hold.
    """

    name: str
    provider: str
    scope: str
    kind: str
    what: str
    may: str | None = None
    worst: str | None = None
    used: str | None = None
    since: str | None = None
    who_else: str | None = None
    entry: str | None = None
    owner: str | None = None
    privilege: PrivilegeLevel = "unknown"
    grants: tuple[str, ...] = ()
    services: int | None = None
    findings: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    granted: tuple[GrantUse, ...] | UnsetType = UNSET


class ReviewItem(Struct, frozen=True, kw_only=True, gc=False):
    """One identity under review.

    ``id``: random, so that only the recipient of the workbook knows it. ``reviewer``: the e-mail of a person or group
    on the roster, the declared owner if there is no roster, or UNASSIGNED. ``facts_hash``: SHA-256 of ``facts``
    as JSON with sorted keys; a decision repeats it, which proves what the reviewer saw. ``sole_beneficiary``: the
    e-mail of the person who owns and built the identity, if it has no backup owner.
    """

    id: str
    key: str
    reviewer: str
    because: Because
    facts: ReviewFacts
    facts_hash: str
    sole_beneficiary: str | None = None


class Decision(Struct, frozen=True, kw_only=True, gc=False, tag="decided"):
    """A decision about an item. ``by``: who decided. ``self_review``: the only beneficiary decided."""

    item: str
    decision: DecisionName
    at: datetime
    by: str
    facts_hash: str
    reason: str | None = None
    new_owner: str | None = None
    self_review: bool = False


class Reassignment(Struct, frozen=True, kw_only=True, gc=False, tag="reassigned"):
    """An item got another reviewer: after ``not_mine``, or because its reviewer has left."""

    item: str
    reviewer: str
    because: Because
    at: datetime


class Reminder(Struct, frozen=True, kw_only=True, gc=False, tag="reminded"):
    """A reviewer, or past the due day a manager (``to``), was reminded of items of ``reviewer``."""

    reviewer: str
    to: str
    left: int
    at: datetime


class Closing(Struct, frozen=True, kw_only=True, gc=False, tag="closed"):
    """The campaign was closed."""

    at: datetime


ReviewRecord: TypeAlias = Decision | Reassignment | Reminder | Closing


class Campaign(Struct, frozen=True, kw_only=True):
    """A review with its items and everything that happened since, in order."""

    review: Review
    items: tuple[ReviewItem, ...] = ()
    records: tuple[ReviewRecord, ...] = ()

    @property
    def closed_at(self) -> datetime | None:
        """When it was closed; None while it is open."""
        return next((record.at for record in self.records if isinstance(record, Closing)), None)


class ReviewOutcome(Struct, frozen=True, kw_only=True, gc=False):
    """The result of an item, which later scans verify.

    ``since``: when the campaign was closed, or for ``undecided`` items of an open one, its due day.
    """

    review: str
    key: str
    outcome: OutcomeName
    since: date
    by: str | None = None
    reason: str | None = None
    new_owner: str | None = None
    self_review: bool = False
    privilege: PrivilegeLevel = "unknown"
    grants: tuple[str, ...] = ()
    services: int | None = None
