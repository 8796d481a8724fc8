"""Decides what to do with one ticket, from its wanted content, its written content, and its state in the system.

Pure.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from scanner.notify.tickets.content import Content, Draft, changed, done, still_there
from scanner.notify.tickets.tracker import Remote, TrackerChange


class Standing(Struct, frozen=True, kw_only=True):
    """A ticket in the store. ``scanned_at``: the scan of ``wanted``; ``written``: None if unknown."""

    wanted: Content
    scanned_at: datetime
    written: Content | None = None
    closed_at: datetime | None = None
    reopened: bool = False


def change_of(ticket: Standing, draft: Draft, remote: Remote | None) -> TrackerChange:
    """The change for an existing ticket. ``remote``: None if the system no longer lists it.

    People's decisions are kept: a ticket that they closed is opened again once if a later scan still has its findings,
    and whenever there are new ones.
    """
    wanted, written = ticket.wanted, ticket.written
    was_open = written is None or written.is_open
    is_open = was_open if remote is None else remote.is_open
    if not wanted.is_open:
        return (
            TrackerChange(comment=done(written or wanted, ticket.scanned_at), state="closed")
            if is_open
            else TrackerChange()
        )
    body = None if written is not None and (replace(written, disputed=wanted.disputed) == wanted) else draft
    if is_open:
        return TrackerChange(draft=body, comment=None if written is None else changed(written, wanted))
    news = written is None or not was_open or not frozenset(wanted.findings) <= frozenset(written.findings)
    if news or (wanted.disputed and not ticket.reopened):
        return TrackerChange(draft=body, comment=still_there(wanted, ticket.closed_at, ticket.scanned_at), state="open")
    return TrackerChange(draft=body)


def after(ticket: Standing, change: TrackerChange) -> Standing:
    """The ticket after the change."""
    closed = not ticket.wanted.is_open
    by_people = ticket.closed_at is not None and ticket.wanted.disputed
    return replace(
        ticket,
        written=ticket.wanted,
        closed_at=None if closed or (change.state == "open" and not by_people) else ticket.closed_at,
        reopened=not closed and (ticket.reopened or (change.state == "open" and by_people)),
    )


def closed_at(ticket: Standing, remote: Remote, now: datetime) -> datetime | None:
    """When people closed a ticket that should be open, if known; None if they did not."""
    if not remote.is_open:
        return remote.closed_at or ticket.closed_at or now
    return ticket.closed_at if ticket.reopened else None
