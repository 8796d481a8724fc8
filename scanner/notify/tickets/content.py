"""The content of a ticket: the findings of one owner or identity, and their texts. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from scanner.model import SEVERITY_RANK, Severity
from scanner.notify.links import finding_page, start_page
from scanner.text import counted

FORMAT = "muster.ticket/1"


def marker_of(name: str, per: str, subject: str) -> str:
    """The marker by which the ticket of a subject is found, 32 hex digits.

    ``name``: of the ticket system in the config.
    """
    text = f"{FORMAT}\0{name}\0{per}\0{subject}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding in a ticket. ``subject``: name and place. ``rechecked``: False if it could not be read this time."""

    fingerprint: str
    severity: Severity
    title: str
    subject: str
    evidence: str | None = None
    remediation: str
    rechecked: bool = True


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole content of a ticket.

    ``findings``: the fingerprints of all its open findings, sorted; ``lines``: those listed.

    ``of``: the findings' owner or identity, for the title. ``severity``: the highest. ``assignee``: the owner's account
    in that system. ``disputed``: people closed the ticket before the scan started that still has its findings.
    """

    of: str
    severity: Severity
    findings: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    assignee: str | None = None
    disputed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a finding is left."""
        return bool(self.findings)


class Point(Struct, frozen=True, kw_only=True):
    """One item of a text, which may come from an attacker. ``subject``: shown as code. ``link``: its page."""

    heading: str
    subject: str
    details: tuple[str, ...] = ()
    link: str | None = None


class Text(Struct, frozen=True, kw_only=True):
    """A description or a comment, which each system formats itself. ``more``: items that are left out.

    ``link``: the report. ``page``: the start of the served page.
    """

    opening: str
    points: tuple[Point, ...] = ()
    more: int = 0
    closing: tuple[str, ...] = ()
    link: str | None = None
    page: str | None = None

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Words and addresses of the links at the end."""
        every = (("Open the page", self.page), ("Open the report", self.link))
        return tuple((words, address) for words, address in every if address is not None)

    @property
    def last(self) -> tuple[str, ...]:
        """The lines below the items."""
        left_out = (f"And {counted(self.more, 'more', 'more')} in the report.",) if self.more else ()
        return (*left_out, *self.closing)


class Draft(Struct, frozen=True, kw_only=True):
    """The wanted state of a ticket, written when it is created and when it changes."""

    marker: str
    title: str
    body: Text
    severity: Severity
    assignee: str | None = None


def draft_of(content: Content, marker: str, report_url: str | None, public_url: str | None = None) -> Draft:
    """The ticket with this content. ``public_url``: the served page's."""
    number = len(content.findings)
    body = Text(
        opening="Found by Muster, which updates this description, comments when findings come or go, and closes the "
        "ticket once a scan that could read everything has none of them any more.",
        points=tuple(_point(line, public_url) for line in content.lines),
        more=number - len(content.lines),
        closing=_closing(content.lines),
        link=report_url,
        page=start_page(public_url),
    )
    title = f"Muster: {counted(number, 'finding', 'findings')} {content.of}"
    return Draft(marker=marker, title=title, body=body, severity=content.severity, assignee=content.assignee)


def _closing(lines: Sequence[Line]) -> tuple[str, ...]:
    unread = sum(not line.rechecked for line in lines)
    if not unread:
        return ()
    which = "It" if unread == len(lines) == 1 else f"{unread:,} of them"
    return (f"{which} could not be checked again by the last scan. What could not be read is not done.",)


def _point(line: Line, public_url: str | None) -> Point:
    details = (
        f"Evidence: {line.evidence}" if line.evidence else None,
        f"Next step: {line.remediation}",
        None if line.rechecked else "Not checked again: its place could not be read in full.",
    )
    return Point(
        heading=f"{line.severity.upper()} {line.title}",
        subject=line.subject,
        details=tuple(filter(None, details)),
        link=finding_page(public_url, line.fingerprint),
    )


# --- Comments ---


def changed(before: Content, now: Content) -> Text | None:
    """The comment on findings that were added, have worsened or are gone; None if there are none."""
    new, gone, worse = _apart(now, before), _apart(before, now), _worse(before, now)
    if not new and not gone and not worse:
        return None
    said = [f"{counted(len(new), 'finding is', 'findings are')} new"] if new else []
    said += [f"{counted(len(worse), 'finding is', 'findings are')} worse"] if worse else []
    said += [f"{counted(len(gone), 'finding is', 'findings are')} no longer here"] if gone else []
    points = (*_named("New", now, new), *_named("Worse", now, worse), *_named("No longer here", before, gone))
    return Text(opening=f"{'; '.join(said)}.", points=points, more=len(new) + len(worse) + len(gone) - len(points))


def done(before: Content, scanned_at: datetime) -> Text:
    """The comment when a ticket is closed."""
    gone = frozenset(before.findings)
    points = tuple(_named("Done", before, gone))
    return Text(
        opening=f"The scan of {_minute(scanned_at)} has none of the findings any more: they are resolved, accepted "
        "until a day, or belong to another ticket now.",
        points=points,
        more=len(gone) - len(points),
    )


def still_there(now: Content, closed_at: datetime | None, scanned_at: datetime) -> Text:
    """The comment when a ticket is reopened."""
    points = tuple(_named("Still there", now, frozenset(now.findings)))
    closed = f"This ticket was closed on {_minute(closed_at)}, but" if closed_at else "This ticket was closed, but"
    return Text(
        opening=f"{closed} the scan of {_minute(scanned_at)} has {counted(len(now.findings), 'finding', 'findings')}.",
        points=points,
        more=len(now.findings) - len(points),
    )


def _apart(one: Content, other: Content) -> frozenset[str]:
    return frozenset(one.findings) - frozenset(other.findings)


def _worse(before: Content, now: Content) -> frozenset[str]:
    """Findings that both list, whose severity rose."""
    rank = {line.fingerprint: SEVERITY_RANK[line.severity] for line in before.lines}
    return frozenset(
        line.fingerprint
        for line in now.lines
        if SEVERITY_RANK[line.severity] < rank.get(line.fingerprint, SEVERITY_RANK[line.severity])
    )


def _named(mark: str, content: Content, chosen: frozenset[str]) -> list[Point]:
    return [
        Point(heading=f"{mark}: {line.severity.upper()} {line.title}", subject=line.subject)
        for line in content.lines
        if line.fingerprint in chosen
    ]


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
