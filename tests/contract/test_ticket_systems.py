"""What only one ticket system has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scanner.app.ticketing import checks
from scanner.notify.tickets.content import Content, marker_of
from scanner.store.store import open_store
from tests.servers.trackers.base import TOKEN, Ticket, serving
from tests.servers.trackers.github import REPOSITORY, GitHub
from tests.servers.trackers.jira import Jira
from tests.servers.trackers.servicenow import ServiceNow
from tests.tickets import NAME, TARGETS, Desk


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk with GitHub."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    with serving(GitHub()) as tracker, open_store("sqlite://") as store:
        yield Desk(tracker, TARGETS[GitHub](url=tracker.url), store)


def test_findings_go_into_no_public_repository(github: Desk) -> None:
    """Unless the config says so."""
    github.tracker.private = False
    github.say("f1")

    assert github.work() == (0, 0, 0, 1)
    why = "is public, and everyone could read the findings: take a private one, or set allow_public = true"
    assert github.fault == f"{REPOSITORY} {why}"
    (refusal,) = [check.detail for check in checks(github.target) if not check.ok]
    assert refusal == f"{REPOSITORY} at {github.tracker.url.removeprefix('http://')} {why}"
    github.target = TARGETS[GitHub](url=github.tracker.url, allow_public=True)
    assert github.work() == (1, 0, 0, 0)


def test_more_than_a_page_of_issues_are_listed(github: Desk) -> None:
    """A hundred a request."""
    for number in range(150):
        mark = marker_of(NAME, "owner", str(number))
        ticket = Ticket(id=str(number + 1), title="x", body=f"x\n\n<!-- muster ticket {mark} -->", marks=["muster"])
        github.tracker.tickets[ticket.id] = ticket
    github.want(marker_of(NAME, "owner", "149"), Content(of="for 149", severity="high", findings=("f1",)))

    assert github.work() == (0, 1, 0, 0)
    assert [call.method for call in github.tracker.calls] == ["GET", "GET", "PATCH"]


def test_a_workflow_without_a_way_to_done_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ticket stays open, without a comment each night."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    with serving(Jira()) as tracker, open_store("sqlite://") as store:
        desk = Desk(tracker, TARGETS[Jira](url=tracker.url, closed={"resolution": {"name": "Done"}}), store)
        desk.say("f1")
        desk.work()
        tracker.transitions = ["21"]
        desk.say(scan=1)
        assert desk.work() == (0, 0, 0, 1)
        assert desk.fault == "the workflow has no transition to a status of category done"
        assert desk.ticket.comments == []

        tracker.transitions = ["31"]
        assert desk.work() == (0, 0, 1, 0)
        assert desk.ticket.fields["resolution"] == {"name": "Done"}


def test_rights_that_are_missing_in_jira_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a scan needs them; so is a type of issue that the project does not have."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    with serving(Jira()) as tracker:
        tracker.lacking = {"TRANSITION_ISSUES"}
        details = [check.detail for check in checks(TARGETS[Jira](url=tracker.url)) if not check.ok]
        assert details == ["in project SEC the permission is missing: TRANSITION_ISSUES"]
        tracker.lacking = set()
        details = [check.detail for check in checks(TARGETS[Jira](url=tracker.url, issue_type="Bug")) if not check.ok]
        assert details == ["project SEC has no issue type Bug, but: Task"]


def test_fields_are_set_by_severity(monkeypatch: pytest.MonkeyPatch) -> None:
    """In ServiceNow as in Jira; GitHub has labels."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    with serving(ServiceNow()) as tracker, open_store("sqlite://") as store:
        target = TARGETS[ServiceNow](url=tracker.url, fields={"impact": "3"}, by_severity={"high": {"urgency": "1"}})
        desk = Desk(tracker, target, store)
        desk.say("f1")
        desk.work()
        assert (desk.ticket.fields["impact"], desk.ticket.fields["urgency"]) == ("3", "1")
        assert desk.ticket.fields["correlation_display"] == "Muster"
