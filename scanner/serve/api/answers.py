"""The records that the API answers with, beside those of the reports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from reports.review_grants import GrantRow
from scanner.diff.records import Era
from scanner.model import Forgotten, Summary
from scanner.model.retirement import RetirementFollowed
from scanner.model.reviews import Because, Decision, DecisionName, ReviewEvent, ReviewFacts
from scanner.model.served import OwnerDenied, OwnerProposed
from scanner.store.comparison import Tally


class Me(Struct, frozen=True, kw_only=True):
    """Who is signed in. ``person``: the e-mail on the roster; null for a token without a person, which only reads.

    ``csrf``: the value of ``X-CSRF-Token`` that a browser, or a program behind a proxy, sends with every write;
    otherwise empty.
    """

    person: str | None
    name: str
    sees_all: bool
    is_reviewer: bool
    csrf: str


class About(Struct, frozen=True, kw_only=True):
    """The page of an identity, besides its record. ``history``: its periods without a change, oldest first.

    ``proposals``: proposed owners, adopted or not, also those taken back. ``denials``: who said that it is not theirs.
    ``same_entry``: the keys of the other identities that its entry stands for. ``retirements``: of it and of its
    credentials, under way in the latest scan.
    """

    history: tuple[Era, ...]
    proposals: tuple[OwnerProposed, ...]
    denials: tuple[OwnerDenied, ...]
    same_entry: tuple[str, ...]
    retirements: tuple[RetirementFollowed, ...]


class Retirements(Struct, frozen=True, kw_only=True):
    """The retirements under way, by identity, as ``scan``, the latest, saw them."""

    retirements: tuple[RetirementFollowed, ...]
    scan: str


class ScanListed(Struct, frozen=True, kw_only=True):
    """A scan. ``counts``, ``changes``: null for people who do not see everything; ``changes`` also for the first scan.

    ``indexed``: its lists answer at once; lists of other scans are prepared on request.
    """

    id: str
    started_at: datetime
    finished_at: datetime
    version: str
    counts: Summary | None
    changes: Tally | None
    forgot: Forgotten | None
    indexed: bool


class ReviewListed(Struct, frozen=True, kw_only=True):
    """An access review. ``items``, ``decided``: of all reviewers, for people who see everything; else as ``mine``.

    ``mine``, ``left``: of the signed-in person.
    """

    name: str
    opened_at: datetime
    closed_at: datetime | None
    due: date
    is_overdue: bool
    scan: str
    event: ReviewEvent | None
    items: int
    decided: int
    mine: int
    left: int


class ItemListed(Struct, frozen=True, kw_only=True):
    """An item of a review as its reviewer sees it. ``decision``: the current one; null if there is none.

    ``granted``: each grant in words, with what of it was used; ``facts.granted`` has the same as data.
    """

    id: str
    key: str
    reviewer: str
    because: Because
    facts: ReviewFacts
    facts_hash: str
    decision: Decision | None
    mine: bool
    granted: list[GrantRow]


class OwnerCount(Struct, frozen=True, kw_only=True):
    """An owner or team, and the number of identities. ``name``: null for identities without one."""

    name: str | None
    identities: int


class Owners(Struct, frozen=True, kw_only=True):
    """Owners and teams, those with most identities first."""

    owners: tuple[OwnerCount, ...]
    teams: tuple[OwnerCount, ...]


class PersonFound(Struct, frozen=True, kw_only=True):
    """An active person or group on the roster, to name as an owner: no more than that."""

    email: str
    name: str | None


# --- Bodies of requests ---

Reason = Annotated[str, Meta(min_length=1, max_length=2_000, description="Why. It is shown, and kept for good.")]


class Acknowledge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Suppress a finding; of high or critical severity, its owner asks for that.

    ``until``: the last day; 90 days from now by default, at most a year ahead.
    """

    reason: Reason
    until: date | None = None


class Approve(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Approve the acknowledgement that an owner asked for. ``asked_at``: ``asked.at`` as read, if it must be that."""

    asked_at: Annotated[str, Meta(max_length=40)] | None = None


class ProposeOwner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose an owner to the keeper of the registry. ``owner``: a person or group on the roster.

    ``for_all``: of all identities that its entry stands for; else this one gets an entry of its own.
    """

    owner: Annotated[str, Meta(min_length=1, max_length=500)]
    reason: Reason | None = None
    for_all: bool = False


class NotMine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say that an identity is not one's own."""

    reason: Reason | None = None


class Decide(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decide an item of a review. ``new_owner``: with ``reassign`` only.

    ``facts_hash``: of the facts that the person saw; if it is given, it must be the item's.
    """

    decision: DecisionName
    reason: Annotated[str, Meta(max_length=2_000)] | None = None
    new_owner: Annotated[str, Meta(max_length=500)] | None = None
    facts_hash: Annotated[str, Meta(max_length=200)] | None = None


class SaveQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Save a query under a name. ``address``: path and query of a page of this server."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    address: Annotated[str, Meta(min_length=1, max_length=4_000, pattern=r"^/(?![/\\])[^\x00-\x20\x7f\\]*$")]
