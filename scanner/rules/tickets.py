"""The rule about closed tickets of open findings."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.model import Assessment, ClosedTicket, Finding
from scanner.rules.base import Hit, RuleContext, TicketRule


def _closed_not_done(
    ticket: ClosedTicket, findings: Sequence[Finding], _assessment: Assessment, _context: RuleContext
) -> Hit:
    """Fires on identities that still have findings of a ticket after it was closed."""
    return Hit(
        evidence={
            "ticket": ticket.shown,
            "system": ticket.target,
            "closed_at": ticket.closed_at,
            "rules": sorted({finding.rule for finding in findings}),
        }
    )


TICKET_CLOSED_NOT_DONE = TicketRule(
    id="ticket_closed_not_done",
    severity="medium",
    title="Ticket closed, finding still there",
    why="A closed ticket looks like a risk that is gone. A scan that started after the ticket was closed read the "
    "identity again and still has the finding, so the work was not done, or not here.",
    remediation="Do what the ticket asks for, or accept the finding until a day with `muster acknowledge`. Muster "
    "closes the ticket once the finding is gone.",
    evidence=("ticket", "system", "closed_at", "rules"),
    check=_closed_not_done,
)

ABOUT_TICKETS = frozenset({TICKET_CLOSED_NOT_DONE.id})
"""Rules whose findings get no ticket: it could never be closed."""
