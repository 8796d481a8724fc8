"""A ticket system's stand-in with a store and a clock, and what a scan wants of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scanner.app.ticketing import bring_up_to_date, look
from scanner.notify.tickets.content import Content, Line, marker_of
from scanner.notify.tickets.settings import GitHubTarget, JiraTarget, ServiceNowTarget, Target
from scanner.redaction.redact import SecretRef
from scanner.store.outbox import Alarms
from scanner.store.store import Store
from scanner.store.tickets import WantedTicket
from tests.factories import NOW
from tests.servers.trackers.base import Ticket, Tracker
from tests.servers.trackers.github import REPOSITORY, GitHub
from tests.servers.trackers.jira import PROJECT, USER, Jira
from tests.servers.trackers.servicenow import ServiceNow

NAME = "security"
ADA = marker_of(NAME, "owner", "ada@example.com")
SECRET = SecretRef(env="TICKET_TOKEN")

TARGETS: dict[type[Tracker], Callable[..., Target]] = {
    GitHub: lambda **more: GitHubTarget(name=NAME, token=SECRET, repository=REPOSITORY, **more),
    Jira: lambda **more: JiraTarget(name=NAME, token=SECRET, user=USER, project=PROJECT, **more),
    ServiceNow: lambda **more: ServiceNowTarget(name=NAME, token=SECRET, **more),
}


class Desk(msgspec.Struct):
    """A stand-in with a target that points at it, a store, and a clock."""

    tracker: Any
    target: Target
    store: Store
    now: datetime = NOW

    def say(self, *findings: str, scan: int = 0, **facts: Any) -> None:
        """A scan wants Ada's ticket to have these findings."""
        lines = tuple(line(finding) for finding in findings)
        content = Content(of="for ada@example.com", severity="high", findings=findings, lines=lines, **facts)
        self.want(ADA, content, scan)

    def want(self, marker: str, content: Content, scan: int = 0) -> None:
        """A scan wants a ticket."""
        body = msgspec.json.encode(content).decode()
        at = self.now + timedelta(days=scan)
        ticket = WantedTicket(marker=marker, target=self.target.name, wanted=body, wanted_at=at)
        self.store.outbox.post(Alarms(tickets=(ticket,)))

    def work(self) -> tuple[int, int, int, int]:
        """Opened, changed, closed and failed."""
        tally = bring_up_to_date(self.store.tickets, [self.target], sleep=lambda _: None, clock=lambda: self.now)
        return tally.opened, tally.changed, tally.closed, tally.failed

    def look(self) -> None:
        """Find out what people did."""
        look(self.store, [self.target], sleep=lambda _: None, clock=lambda: self.now)

    @property
    def ticket(self) -> Ticket:
        """The only one there."""
        (ticket,) = self.tracker.tickets.values()
        assert isinstance(ticket, Ticket)
        return ticket

    @property
    def fault(self) -> str | None:
        """Of the only one in the store."""
        (ticket,) = self.store.tickets.all()
        return ticket.fault

    def read(self, body: Any) -> str:
        """A text as people read it."""
        said: str = self.tracker.text_of(body)
        return said


def line(finding: str, **facts: Any) -> Line:
    """A finding in a ticket."""
    texts = {"title": f"Title of {finding}", "subject": f"subject of {finding}", "remediation": "Do it."}
    return Line(**{"fingerprint": finding, "severity": "high", "evidence": "reason=departed", **texts, **facts})
