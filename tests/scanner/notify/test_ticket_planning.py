"""Which tickets a scan wants: whose, about what, and what closes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from scanner.model import Acknowledged, Finding, Origin, OwnershipVerdict, Person
from scanner.notify.tickets.content import Content, marker_of
from scanner.notify.tickets.planning import Context, TicketsKnown, Wanted, plan
from scanner.notify.tickets.settings import GitHubTarget
from scanner.redaction.redact import SecretRef
from scanner.registry.roster import Roster
from tests.factories import NOW, make_assessment, make_finding, make_identity, make_result

ROSTER = Roster(
    [
        Person(email="ada@example.com", origin=Origin(file="p", row=2), team="Data", aliases=("GitHub:Ada-L",)),
        Person(email="bob@example.com", origin=Origin(file="p", row=3), status="left"),
    ],
    NOW.date(),
)


def target(**facts: Any) -> GitHubTarget:
    """A repository."""
    defaults: dict[str, Any] = {"name": "sec", "token": SecretRef(env="T"), "repository": "a/b"}
    return GitHubTarget(**{**defaults, **facts})


def owned(name: str, owner: str) -> Any:
    """An identity with an owner."""
    return make_assessment(make_identity(name), ownership=OwnershipVerdict(state="owned", owner=owner))


def on(one: Any, fingerprint: str, **facts: Any) -> Finding:
    """A finding on it."""
    defaults: dict[str, Any] = {"identity": one.identity.key, "severity": "high", "rule": "dormant"}
    return replace(make_finding(), fingerprint=fingerprint, **{**defaults, **facts})


ADAS, BOBS = owned("adas", "ada@example.com"), owned("bobs", "bob@example.com")


def wanted(
    *findings: Finding, known: tuple[TicketsKnown, ...] = (), roster: Roster | None = ROSTER, **facts: Any
) -> list[Wanted]:
    """The tickets of a scan with these findings."""
    result = replace(make_result(ADAS, BOBS), findings=findings)
    return plan([target(**facts)], result, known, Context(roster, lambda _: "evidence"))


def test_only_active_people_on_the_roster_get_tickets() -> None:
    """Whose findings no one answers for share one. Without a roster it is anyone who the registry names."""
    findings = (on(ADAS, "a"), on(BOBS, "b"), on(BOBS, "c"))
    tickets = {one.content.of: one.content for one in wanted(*findings)}

    assert {of: content.findings for of, content in tickets.items()} == {
        "for ada@example.com": ("a",),
        "without an owner": ("b", "c"),
    }
    assert tickets["for ada@example.com"].assignee == "Ada-L"
    assert {one.content.of for one in wanted(*findings, roster=None)} == {"for ada@example.com", "for bob@example.com"}


def test_what_is_no_ticket() -> None:
    """Accepted, held back, less severe, of another rule or team, or about a ticket."""
    accepted = Acknowledged(reason="r", by="b", until=NOW.date())
    findings = (
        on(ADAS, "a", acknowledged=accepted),
        on(ADAS, "b", held_back=True),
        on(ADAS, "c", severity="medium"),
        on(ADAS, "d", rule="orphaned"),
        on(ADAS, "e", rule="ticket_closed_not_done"),
        on(BOBS, "f"),
    )

    assert wanted(*findings, rules=("dormant", "ticket_closed_not_done"), teams=("DATA",)) == []


def test_a_ticket_for_each_identity_names_it() -> None:
    """Of several findings the highest severity counts."""
    (ticket,) = wanted(on(ADAS, "a"), on(ADAS, "b", severity="critical"), per="identity")

    assert ticket.marker == marker_of("sec", "identity", ADAS.identity.key)
    assert ticket.content.of.startswith("on adas (")
    assert ticket.content.severity == "critical"
    assert [one.severity for one in ticket.content.lines] == ["critical", "high"]


def test_a_known_ticket_without_findings_is_closed() -> None:
    """And contradicted only by what was read again after people closed it."""
    marker = marker_of("sec", "owner", "ada@example.com")
    before = Content(of="for ada@example.com", severity="high", findings=("a",))
    closed = TicketsKnown(marker=marker, target="sec", content=before, closed_at=NOW - timedelta(days=1))
    others = replace(closed, marker="other", target="another")
    (ticket,) = wanted(known=(closed, others))
    assert (ticket.marker, ticket.content.findings, ticket.content.is_open) == (marker, (), False)

    def disputed(known: TicketsKnown, **facts: Any) -> bool:
        return wanted(on(ADAS, **{"fingerprint": "a", **facts}), known=(known,))[0].content.disputed

    assert disputed(closed)
    assert not disputed(closed, rechecked=False)
    assert not disputed(closed, fingerprint="new")
    assert not disputed(closed, first_seen=NOW)
    assert not disputed(replace(closed, closed_at=NOW + timedelta(hours=1)))
    assert not disputed(replace(closed, closed_at=None))
