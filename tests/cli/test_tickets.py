"""Tickets from the command line: scans, people and the ticket system in turn, over HTTP."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BOTS, REGISTRY, Muster
from tests.processes import PATIENCE, start_muster
from tests.servers.trackers.base import TOKEN, Fault, Reply, serving
from tests.servers.trackers.github import REPOSITORY, GitHub
from tests.servers.trackers.jira import PROJECT, USER, Jira

TICKETS = """
[[tickets]]
name = "security"
type = "github"
url = "{url}"
repository = "{repository}"
token = {{ env = "TICKET_TOKEN" }}
timeout = 5
"""


@pytest.fixture
def github(estate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A repository that the estate's config opens tickets in."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    with serving(GitHub()) as tracker, (estate / "config.toml").open("a") as config:
        config.write(TICKETS.format(url=tracker.url, repository=REPOSITORY))
        config.flush()
        yield tracker


def found(muster: Muster, rule: str) -> list[dict[str, Any]]:
    """The latest scan's findings of a rule."""
    result = json.loads(muster("report", "-o", "json:-").out)
    return [finding for finding in result["findings"] if finding["rule"] == rule]


def test_an_owner_has_one_ticket_that_lives_as_long_as_its_findings(
    estate: Path, muster: Muster, github: GitHub
) -> None:
    """Also on a store's first scan: tickets are about what is open, not what is new."""
    with (estate / "config.toml").open("a") as config:
        config.write('min_severity = "medium"\n')
    (estate / "bots.csv").write_text(BOTS.replace("2026-11-20", "2025-01-01"))
    first = muster("scan")
    assert "tickets: 2 opened" in first.err
    assert sorted(one.title for one in github.tickets.values()) == [
        "Muster: 2 findings for ada@example.com",
        "Muster: 3 findings without an owner",
    ]
    ada = next(one for one in github.tickets.values() if "ada" in one.title)
    assert "invoice-bot (saas acme bot)" in ada.body
    assert "Evidence: " in ada.body

    calls = len(github.calls)
    muster("scan")
    assert [(call.method, call.path) for call in github.calls[calls:]] == [("GET", f"/repos/{REPOSITORY}/issues")]

    (estate / "bots.csv").write_text(BOTS)
    (estate / "registry.csv").write_text(REGISTRY.replace("N-3,gone-bot,ada@example.com,active\n", ""))
    assert "tickets: 1 closed" in muster("scan").err
    assert not ada.is_open
    assert len(github.tickets) == 2


def test_a_gap_closes_no_ticket(estate: Path, muster: Muster, github: GitHub) -> None:
    """What could not be read is not done; the ticket says so, once."""
    (estate / "more.csv").write_text("name\nextra\n")
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[source]]\nname = "more"\ntype = "file"\npath = "more.csv"\n')
    muster("scan", "bots")
    (ticket,) = github.tickets.values()
    (estate / "bots.csv").rename(estate / "away.csv")

    muster("scan")
    assert ticket.is_open
    assert "What could not be read is not done." in ticket.body
    assert not any("no longer here" in comment for comment in ticket.comments)


def test_a_ticket_closed_too_early_is_a_finding_and_opened_again(estate: Path, muster: Muster, github: GitHub) -> None:
    """At the next scan; until the work is done. Then both are gone."""
    muster("scan")
    (ticket,) = github.tickets.values()
    github.close(ticket, datetime.now(UTC) - timedelta(seconds=2))
    time.sleep(1.1)  # scans start at whole seconds, and the finding must be older than the closing
    github.close(ticket, datetime.now(UTC) - timedelta(seconds=1))
    muster("scan")

    first = found(muster, "ticket_closed_not_done")
    assert {finding["identity"] for finding in first} == {"saas:acme:old-sync"}
    assert first[0]["severity"] == "medium"
    assert first[0]["evidence"] == {**first[0]["evidence"], "ticket": f"#{ticket.id}", "system": "security"}
    assert ticket.is_open
    assert "Ticket closed" not in ticket.body
    muster("scan")
    assert len(ticket.comments) == 1
    assert len(found(muster, "ticket_closed_not_done")) == 1

    (estate / "bots.csv").write_text(BOTS.splitlines()[0] + "\n" + BOTS.splitlines()[1] + "\n")
    (estate / "registry.csv").write_text(REGISTRY.splitlines()[0] + "\n" + REGISTRY.splitlines()[1] + "\n")
    muster("scan", "--accept-drop")
    assert not ticket.is_open
    assert found(muster, "ticket_closed_not_done") == []


def test_what_could_not_be_opened_waits(muster: Muster, github: GitHub) -> None:
    """As a notification does: listed, retried, and exit 3 only where that was asked for."""
    github.faults.append(Fault("GET", Reply(403, {"message": "Resource not accessible"})))
    failed = muster("scan", "--strict")
    waiting = muster("notify", "--dry-run")
    github.faults.append(Fault("GET", Reply(401, {"message": "Bad credentials"})))
    again = muster("notify")
    done = muster("notify")

    assert failed.code == 3
    assert "tickets of security cannot be listed: it answers 403: Resource not accessible" in failed.err
    assert "security to open: without an owner" in waiting.out
    assert (again.code, done.code, len(github.tickets)) == (3, 0, 1)


def test_a_killed_scan_opens_no_second_ticket(estate: Path, muster: Muster, github: GitHub) -> None:
    """It dies after the system opened the ticket and before the store knows."""
    github.faults.append(Fault("POST", after=True, hangs=30))
    run = start_muster(estate, "scan")
    deadline = time.monotonic() + PATIENCE
    while not github.tickets and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert len(github.tickets) == 1

    assert muster("notify").code == 0
    with closing(sqlite3.connect(estate / "muster.db")) as store, store:
        store.execute("UPDATE ticket SET claimed_until = '2026-01-01T00:00:00+00:00'")
    assert muster("notify").code == 0
    muster("scan")
    (ticket,) = github.tickets.values()
    assert ticket.comments == []


def test_checks_name_what_is_missing(muster: Muster, github: GitHub) -> None:
    """Of ``notify --test`` and ``doctor``; neither leaves a ticket, or shows the token."""
    works = muster("notify", "--test", "security")
    assert works.code == 0
    assert "security: issues can be opened; 0 are there" in works.out
    assert "ok      tickets security" in muster("doctor").out

    github.forbidden = {"POST"}
    denied = muster("notify", "--test")
    assert denied.code == 3
    assert "security: PROBLEM: it answers 403: Resource not accessible by personal access token" in denied.out
    assert "PROBLEM tickets security: it answers 403" in muster("doctor").out
    assert github.tickets == {}
    assert TOKEN not in denied.out + denied.err
    assert muster("notify", "--test", "securty").code == 2


def test_a_ticket_for_an_identity_in_jira(estate: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those of a team, assigned by the roster's alias."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    (estate / "bots.csv").write_text(BOTS.replace("2026-11-20", "2025-01-01"))
    (estate / "registry.csv").write_text(REGISTRY.replace("N-3,gone-bot,ada@example.com,active\n", ""))
    (estate / "people.csv").write_text("email,name,team,aliases\nada@example.com,Ada,Billing,jira:ada-account\n")
    with serving(Jira()) as tracker:
        with (estate / "config.toml").open("a") as config:
            config.write(
                f'\n[[tickets]]\ntype = "jira"\nurl = "{tracker.url}"\nproject = "{PROJECT}"\nuser = "{USER}"\n'
                'token = { env = "TICKET_TOKEN" }\nper = "identity"\nteams = ["billing"]\nmin_severity = "low"\n'
                'fields = { priority = { name = "High" } }\nreport_url = "https://reports.example/latest.html"\n'
            )
        assert "1 opened" in muster("scan").err
        (ticket,) = tracker.tickets.values()

    assert ticket.title == "Muster: 1 finding on invoice-bot (saas acme bot)"
    assert ticket.assignee == "ada-account"
    assert ticket.fields["priority"] == {"name": "High"}
    assert "Open the report" in tracker.text_of(ticket.body)
    assert ticket.marks[0] == "muster"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type = "trello"', "tickets[0].type: type says where tickets are opened"),
        ('type = "github"\nrepository = "x"', "is not written as owner/name"),
        ('type = "github"\nrepository = "a/b"\ntoken = "t"', "a secret is given by reference only"),
        ('type = "jira"\nurl = "http://x.example"\nproject = "S"', "plain http to another machine"),
        (
            'type = "jira"\nurl = "https://x"\nproject = "S"\nfields = { summary = "x" }',
            "summary is filled in by Muster",
        ),
        ('type = "servicenow"\nurl = "https://x"\ntable = "../x"', "is not the name of a table"),
        ('type = "github"\nrepository = "a/b"\nlabels = ["two words"]', "the label 'two words'"),
        ('type = "github"\nrepository = "a/b"\nrules = ["orphanned"]', "there is no rule orphanned"),
        ('type = "github"\nrepository = "a/b"\nper = "team"', "per"),
    ],
)
def test_a_wrong_setting_is_named(estate: Path, muster: Muster, text: str, message: str) -> None:
    """With its line and key, before anything is sent."""
    token = "" if "token" in text else '\ntoken = { env = "T" }'
    with (estate / "config.toml").open("a") as config:
        config.write(f"\n[[tickets]]\n{text}{token}\n")

    done = muster("doctor")

    assert done.code == 2
    assert message in done.err
    assert "config.toml:" in done.err
