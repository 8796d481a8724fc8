"""What holds of every ticket system: one ticket a subject, found again, changed, closed and opened again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from scanner.app.ticketing import bring_up_to_date, checks
from scanner.notify.notices import shortened
from scanner.notify.tickets.content import Content, marker_of
from scanner.store.store import open_store
from scanner.store.tickets import CLAIM
from tests.factories import NOW, make_result
from tests.reports.samples import HOSTILE
from tests.servers.trackers.base import TOKEN, Fault, Reply, serving
from tests.tickets import ADA, NAME, TARGETS, Desk, line


@pytest.fixture(params=TARGETS, ids=lambda kind: kind.kind)
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk for each system."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    with serving(request.param()) as tracker, open_store("sqlite://") as store:
        store.save(make_result())
        yield Desk(tracker, TARGETS[request.param](url=tracker.url), store)


def test_a_ticket_is_opened_once(desk: Desk) -> None:
    """It says what was found, with evidence and next step; a second run sends nothing at all."""
    desk.say("f1", "f2", assignee="ada-account")

    assert desk.work() == (1, 0, 0, 0)
    calls = len(desk.tracker.calls)
    assert desk.work() == (0, 0, 0, 0)

    said = desk.read(desk.ticket.body)
    assert desk.ticket.title == "Muster: 2 findings for ada@example.com"
    assert desk.ticket.assignee == "ada-account"
    assert desk.ticket.is_open
    assert desk.ticket.comments == []
    for part in ("HIGH Title of f1", "subject of f2", "Evidence: reason=departed", "Next step: Do it"):
        assert part in said.replace("\\", "")
    assert len(desk.tracker.calls) == calls
    assert calls <= 3


def test_a_change_is_commented_once(desk: Desk) -> None:
    """What came and went is named; new words alone only change the description."""
    desk.say("f1", "f2")
    desk.work()
    desk.say("f2", "f3", scan=1)
    assert desk.work() == (0, 1, 0, 0)
    desk.want(ADA, Content(of="for ada@example.com", severity="low", findings=("f2", "f3"), lines=(line("f2"),)), 2)
    assert desk.work() == (0, 1, 0, 0)

    (comment,) = map(desk.read, desk.ticket.comments)
    assert "1 finding is new; 1 finding is no longer here." in comment
    assert "New: HIGH Title of f3" in comment
    assert "No longer here: HIGH Title of f1" in comment
    assert "Title of f3" not in desk.read(desk.ticket.body)
    assert "And 1 more in the report." in desk.read(desk.ticket.body)


def test_what_got_worse_is_commented(desk: Desk) -> None:
    """Once, like what is new."""
    desk.want(ADA, Content(of="x", severity="low", findings=("f1",), lines=(replace(line("f1"), severity="low"),)), 0)
    desk.work()
    desk.want(ADA, Content(of="x", severity="high", findings=("f1",), lines=(line("f1"),)), 1)
    desk.work()

    (comment,) = map(desk.read, desk.ticket.comments)
    assert "1 finding is worse." in comment
    assert "Worse: HIGH Title of f1" in comment


def test_a_ticket_is_closed_when_its_findings_are_gone(desk: Desk) -> None:
    """With a comment that says by which scan; and opened again, not anew, when they come back."""
    desk.say("f1")
    desk.work()
    desk.say(scan=1)
    assert desk.work() == (0, 0, 1, 0)
    assert not desk.ticket.is_open
    assert "The scan of 2026-11-26 08:00 UTC has none of the findings any more" in desk.read(desk.ticket.comments[-1])
    assert desk.work() == (0, 0, 0, 0)

    desk.say("f1", scan=2)
    assert desk.work() == (0, 1, 0, 0)
    assert desk.ticket.is_open
    assert "has 1 finding." in desk.read(desk.ticket.comments[-1])


def test_what_could_not_be_read_closes_nothing(desk: Desk) -> None:
    """The description says so."""
    desk.say("f1")
    desk.work()
    unread = (line("f1", rechecked=False),)
    desk.want(ADA, Content(of="for ada@example.com", severity="high", findings=("f1",), lines=unread), 1)
    desk.work()

    assert desk.ticket.is_open
    assert "What could not be read is not done." in desk.read(desk.ticket.body)
    assert desk.ticket.comments == []


def test_a_ticket_that_the_store_does_not_know_is_found_again(desk: Desk) -> None:
    """By its marker, on any page of the list: after a store was lost, nothing is opened twice."""
    others = [marker_of(NAME, "owner", f"owner-{number}") for number in range(4)]
    for number, marker in enumerate((*others, ADA)):
        desk.want(marker, Content(of=f"for {number}", severity="high", findings=("f1",), lines=(line("f1"),)))
    assert desk.work() == (5, 0, 0, 0)

    with open_store("sqlite://") as fresh:
        again = Desk(desk.tracker, desk.target, fresh)
        again.say("f1", "f2", scan=1)
        assert again.work() == (0, 1, 0, 0)
        assert len(desk.tracker.tickets) == 5
        titles = [one.title for one in desk.tracker.tickets.values()]
        assert sorted(titles)[-2:] == ["Muster: 1 finding for 3", "Muster: 2 findings for ada@example.com"]


def test_a_run_that_died_before_it_remembered_opens_no_second_ticket(desk: Desk) -> None:
    """The answer was lost after the ticket was opened. No one touches it until the list must have it."""
    desk.say("f1")
    desk.tracker.faults.append(Fault("POST", after=True) if desk.tracker.kind != "jira" else _lost_in_jira(desk))
    assert desk.work() == (0, 0, 0, 1)
    assert desk.fault == "it answers 500"
    assert len(desk.tracker.tickets) == 1

    assert desk.work() == (0, 0, 0, 0)
    desk.now += CLAIM + timedelta(seconds=1)
    assert desk.work() == (0, 1, 0, 0)
    assert len(desk.tracker.tickets) == 1
    assert desk.ticket.comments == []


def _lost_in_jira(desk: Desk) -> Fault:
    """Jira is searched by POST, too: only the second is the ticket's."""
    desk.tracker.faults.append(Fault("POST", Reply(200, {"issues": []})))
    return Fault("POST", after=True)


def test_a_comment_that_did_not_arrive_is_made_once(desk: Desk) -> None:
    """Its request is not sent again at once, for it may have arrived; what comes before it may happen twice."""
    desk.say("f1")
    desk.work()
    desk.say("f1", "f2", scan=1)
    desk.tracker.faults.append(Fault({"jira": "PUT", "github": "POST", "servicenow": "PATCH"}[desk.tracker.kind]))

    assert desk.work() == (0, 0, 0, 1)
    assert desk.ticket.comments == []
    assert desk.work() == (0, 0, 0, 0)
    desk.now += CLAIM + timedelta(seconds=1)
    assert desk.work() == (0, 1, 0, 0)
    assert len(desk.ticket.comments) == 1


def test_two_runs_at_once_open_one_ticket(desk: Desk) -> None:
    """Anyone who comes second finds it claimed."""
    desk.say("f1")
    assert desk.store.tickets.claim(ADA, desk.now) is not None

    assert desk.work() == (0, 0, 0, 0)
    assert desk.tracker.tickets == {}


def test_people_who_close_a_ticket_are_contradicted_once(desk: Desk) -> None:
    """Only by a scan that started later; then it is theirs to close."""
    desk.say("f1")
    desk.work()
    desk.tracker.close(desk.ticket, NOW + timedelta(hours=1))
    desk.look()
    (known,) = desk.store.tickets.all()
    assert known.closed_at == NOW + timedelta(hours=1)
    desk.say("f1", scan=1, disputed=True)
    assert desk.work() == (0, 1, 0, 0)
    assert desk.ticket.is_open
    (comment,) = map(desk.read, desk.ticket.comments)
    assert "closed on 2026-11-25 09:00 UTC, but the scan of 2026-11-26 08:00 UTC has 1 finding." in comment

    desk.tracker.close(desk.ticket, NOW + timedelta(days=1, hours=1))
    desk.look()
    reworded = (line("f1", evidence="reason=unknown"),)
    desk.want(ADA, Content(of="for her", severity="high", findings=("f1",), lines=reworded, disputed=True), scan=2)
    assert desk.work() == (0, 1, 0, 0)
    assert not desk.ticket.is_open
    assert len(desk.ticket.comments) == 1

    desk.say(scan=3)
    desk.work()
    (known,) = desk.store.tickets.all()
    assert (known.closed_at, known.reopened, known.is_written) == (None, False, True)


def test_a_closed_ticket_is_opened_for_new_findings(desk: Desk) -> None:
    """They are not what was closed. What people opened again themselves needs nothing."""
    desk.say("f1")
    desk.work()
    desk.tracker.close(desk.ticket, NOW)
    desk.look()
    desk.say("f1", "f2", scan=1)
    desk.work()
    assert desk.ticket.is_open
    desk.look()
    (known,) = desk.store.tickets.all()
    assert known.closed_at is None


def test_an_unknown_assignee_costs_no_ticket(desk: Desk) -> None:
    """It is opened without one."""
    desk.say("f1", assignee="nobody")

    assert desk.work() == (1, 0, 0, 0)
    assert desk.ticket.assignee is None


def test_a_deleted_ticket_is_opened_anew_by_the_next_run(desk: Desk) -> None:
    """If its findings are still there."""
    desk.say("f1")
    desk.work()
    desk.tracker.tickets.clear()
    desk.say("f1", "f2", scan=1)
    assert desk.work() == (0, 0, 0, 1)
    assert desk.work() == (1, 0, 0, 0)


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_is_reported_and_tries_again(desk: Desk, status: int) -> None:
    """One request, not one for each ticket; later it works."""
    for number in range(3):
        marker = marker_of(NAME, "owner", str(number))
        desk.want(marker, Content(of=str(number), severity="high", findings=("f1",), lines=(line("f1"),)))
    listing = "POST" if desk.tracker.kind == "jira" else "GET"
    desk.tracker.faults.append(Fault(listing, Reply(status, {"message": "no", "errorMessages": ["no"]})))

    assert desk.work() == (0, 0, 0, 3)
    assert len(desk.tracker.calls) == 1
    assert desk.work() == (3, 0, 0, 0)


def test_throttling_is_waited_out_or_left_to_the_next_run(desk: Desk) -> None:
    """Up to half a minute, three times; nothing is opened twice."""
    listing = "POST" if desk.tracker.kind == "jira" else "GET"
    desk.tracker.faults += [Fault(listing, Reply(429, headers={"Retry-After": "2"}))] * 2
    desk.say("f1")
    waits: list[float] = []

    tally = bring_up_to_date(desk.store.tickets, [desk.target], sleep=waits.append, clock=lambda: NOW)
    assert (tally.opened, waits) == (1, [2, 2])

    desk.tracker.faults.append(Fault(listing, Reply(403, headers={"Retry-After": "3600"})))
    desk.say("f1", "f2", scan=1)
    assert desk.work() == (0, 0, 0, 1)
    assert desk.work() == (0, 1, 0, 0)


@pytest.mark.parametrize(
    "reply", [Reply(200, "text"), Reply(200, [{"no": "issue"}]), Reply(302), Reply(200, {"result": 1})]
)
def test_rubbish_is_an_error_that_waits(desk: Desk, reply: Reply) -> None:
    """No traceback, and the next run works."""
    desk.say("f1")
    desk.tracker.faults.append(Fault("POST" if desk.tracker.kind == "jira" else "GET", reply))

    assert desk.work() == (0, 0, 0, 1)
    assert desk.work() == (1, 0, 0, 0)


def test_no_run_opens_more_than_it_may(desk: Desk) -> None:
    """The most severe first; the rest waits and is no failure."""
    target = msgspec.structs.replace(desk.target, max_new=1)
    for severity in ("low", "critical", "high"):
        desk.want(marker_of(NAME, "owner", severity), Content(of=severity, severity=severity, findings=("f1",)))

    tally = bring_up_to_date(desk.store.tickets, [target], clock=lambda: NOW)

    assert (tally.opened, tally.left, tally.failed) == (1, 2, 0)
    assert desk.ticket.title == "Muster: 1 finding critical"


def test_names_of_attackers_are_text(desk: Desk) -> None:
    """The stand-ins refuse what is no document or too long; nothing in a text is a tag or acts on a terminal."""
    texts = [shortened(text * 3) for text in ("[code]<b>x</b>[/CODE]", "@acme/everyone #1 GH-1", *HOSTILE.values())]
    lines = [line(f"f{place:03}", title=text, subject=text, remediation=text) for place, text in enumerate(texts)]
    lines += [line(f"f{place}", title="x" * 300, evidence="&" * 300) for place in range(len(lines), 150)]
    findings = tuple(one.fingerprint for one in lines)
    desk.want(ADA, Content(of=texts[0], severity="high", findings=findings, lines=tuple(lines)))
    assert desk.work() == (1, 0, 0, 0)
    body = desk.read(desk.ticket.body)
    desk.want(ADA, Content(of=texts[1], severity="high", findings=findings[50:], lines=tuple(lines[50:])), 1)
    assert desk.work() == (0, 1, 0, 0)

    (comment,) = map(desk.read, desk.ticket.comments)
    assert "in the report." in body
    assert "\x1b" not in body + comment
    outside_code = re.sub(r"`[^`]*`", "", body + comment)
    assert desk.tracker.kind != "github" or "@acme" not in outside_code
    assert desk.tracker.kind != "servicenow" or not re.search(r"\[/?code\]", comment, re.IGNORECASE)


def test_a_check_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what works, or what is wrong with the token."""
    secret, *others = checks(desk.target)
    assert secret.detail == f"environment variable TICKET_TOKEN goes to {desk.tracker.url.removeprefix('http://')}"
    assert {check.ok for check in others} == {True}
    assert desk.tracker.tickets == {}

    monkeypatch.setenv("TICKET_TOKEN", "another-token")
    *_, check = checks(desk.target)
    assert not check.ok
    assert check.detail.startswith("it answers 401")
    monkeypatch.delenv("TICKET_TOKEN")
    (check,) = checks(desk.target)
    assert "TICKET_TOKEN is not set" in check.detail
