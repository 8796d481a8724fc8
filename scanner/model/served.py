"""Records of what people write in the served page, with person and time. They are only added."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypeAlias

from msgspec import Struct

from scanner.model.declared import Acknowledged, Acknowledgement, Origin
from scanner.model.reviews import Decision, Reassignment

SERVED_PAGE = Origin(file="served page")


class FindingAcknowledged(Struct, frozen=True, kw_only=True, gc=False, tag="acknowledged"):
    """A finding was suppressed. ``until``: the last day it holds. ``by``: the e-mail of the person.

    ``asked_by``: the person who had asked for it, if ``by`` approved that.
    """

    finding: str
    reason: str
    until: date
    by: str
    at: datetime
    asked_by: str | None = None

    @property
    def acknowledgement(self) -> Acknowledgement:
        """The acknowledgement in the form that scans read."""
        approved_by = None if self.asked_by is None else self.by
        given = Acknowledged(reason=self.reason, by=self.asked_by or self.by, until=self.until, approved_by=approved_by)
        return Acknowledgement(origin=SERVED_PAGE, finding=self.finding, given=given)


class AcknowledgementAsked(Struct, frozen=True, kw_only=True, gc=False, tag="asked"):
    """An owner asked to suppress a finding of high severity, which waits for a reviewer."""

    finding: str
    reason: str
    until: date
    by: str
    at: datetime

    @property
    def acknowledgement(self) -> Acknowledgement:
        """What was asked for, in the form that scans read."""
        given = Acknowledged(reason=self.reason, by=self.by, until=self.until)
        return Acknowledgement(origin=SERVED_PAGE, finding=self.finding, given=given, asked_at=self.at)


class AcknowledgementWithdrawn(Struct, frozen=True, kw_only=True, gc=False, tag="acknowledgement_withdrawn"):
    """An acknowledgement, or what was asked for, was taken back. ``of``: the time of the record that is taken back."""

    finding: str
    of: datetime
    by: str
    at: datetime


class OwnerProposed(Struct, frozen=True, kw_only=True, gc=False, tag="proposed"):
    """An owner was proposed for an identity. ``muster registry adopt --proposals`` writes it into the registry.

    ``identities``: all that the entry stood for, if the owner is meant for all of them; else it is for this one alone.
    ``withdrawn_at``: when the proposal was taken back.
    """

    identity: str
    owner: str
    by: str
    at: datetime
    reason: str | None = None
    identities: tuple[str, ...] = ()
    withdrawn_at: datetime | None = None


class OwnerDenied(Struct, frozen=True, kw_only=True, gc=False, tag="not_mine"):
    """A person said that an identity is not theirs. ``withdrawn_at``: when that was taken back."""

    identity: str
    by: str
    at: datetime
    reason: str | None = None
    withdrawn_at: datetime | None = None


class OwnerWithdrawn(Struct, frozen=True, kw_only=True, gc=False, tag="owner_withdrawn"):
    """What a person said about the owner was taken back. ``of``: the time of the record that is taken back."""

    identity: str
    of: datetime
    by: str
    at: datetime


class ItemDecided(Struct, frozen=True, kw_only=True, gc=False, tag="decided"):
    """An item of an access review was decided, or given to another reviewer. ``record``: the record of the review."""

    review: str
    record: Decision | Reassignment
    by: str

    @property
    def at(self) -> datetime:
        """When it was decided."""
        return self.record.at


class QuerySaved(Struct, frozen=True, kw_only=True, gc=False, tag="saved"):
    """A query was saved under a name. ``address``: path and query of the page. ``id``: random."""

    id: str
    name: str
    address: str
    by: str
    at: datetime


class QueryDeleted(Struct, frozen=True, kw_only=True, gc=False, tag="deleted"):
    """A saved query was deleted."""

    id: str
    by: str
    at: datetime


class Visited(Struct, frozen=True, kw_only=True, gc=False, tag="visited"):
    """A person opened the page. ``scan``: the latest scan at that time."""

    scan: str
    by: str
    at: datetime


class Looked(Struct, frozen=True, kw_only=True, gc=False, tag="looked"):
    """A person read a page, if ``[serve] log_reads`` is on. ``what``: path and query without secrets."""

    what: str
    by: str
    at: datetime


class SignedOut(Struct, frozen=True, kw_only=True, gc=False, tag="signed_out"):
    """A session ended before its time. ``session``: the hash of its id."""

    session: str
    by: str
    at: datetime


PageRecord: TypeAlias = (
    FindingAcknowledged
    | AcknowledgementAsked
    | AcknowledgementWithdrawn
    | OwnerProposed
    | OwnerDenied
    | OwnerWithdrawn
    | ItemDecided
    | QuerySaved
    | QueryDeleted
    | Visited
    | Looked
    | SignedOut
)
