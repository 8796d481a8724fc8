"""What reports say of one identity in words."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from reports.base import Screen
from reports.judged import Judged
from reports.phrases import agent_text, credential_text, evidence_line, facts_text, next_step
from scanner.model import (
    AgentVerdict,
    Assessment,
    OwnershipVerdict,
    Signal,
)
from scanner.rules.next_step import next_step as step_for
from scanner.rules.wording import explained, facts_of, iso, plain
from tests.contract.test_reports import load
from tests.factories import NOW, days_ago, make_assessment, make_credential, make_finding
from tests.reports.samples import EVENT_IDS, changed, estate_with_activity


def test_the_next_step_is_that_of_the_findings() -> None:
    """The sentence is made in ``scanner.rules.next_step``; without a finding there is none."""
    owned = _owned()
    found = make_finding(rule="token_never_expires", evidence={"kind": "token", "id": "7"})

    assert next_step(Judged(owned.identity, owned, [found])) == step_for(owned, [found])
    assert next_step(Judged(owned.identity, owned)) == ""


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (AgentVerdict(is_agent=True), "yes"),
        (AgentVerdict(signals=(Signal(says="agent", sort="name", evidence="", strength="suggested"),)), "suggested"),
        (AgentVerdict(signals=(Signal(says="machine", sort="name", evidence=""),)), "no"),
    ],
    ids=["yes", "suggested", "no"],
)
def test_an_agent_is_one_or_not_or_suggested(verdict: AgentVerdict, text: str) -> None:
    """A weak signal alone only suggests."""
    assert agent_text(verdict) == text


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"created_at": None}, "access_key AKIA1"),
        (
            {"enabled": False, "expires_at": NOW, "last_used_at": days_ago(1)},
            "access_key AKIA1 (disabled, created 2025-10-21, expires 2026-11-25, used 2026-11-24)",
        ),
        ({"never_expires": True, "created_at": None}, "access_key AKIA1 (never expires)"),
    ],
    ids=["nothing known", "everything", "never expires"],
)
def test_a_credential_is_reported_by_what_is_known(facts: dict[str, Any], text: str) -> None:
    """Unknown dates are left out, not guessed."""
    assert credential_text(make_credential("svc", "AKIA1", **facts)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (3, "3"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00Z"),
        (("a", None, 1), "a, , 1"),
        ({"a": [1, 2]}, "a=1, 2"),
    ],
    ids=str,
)
def test_facts_read_as_a_person_writes_them(value: Any, text: str) -> None:
    """No brackets, quotes, None or True."""
    assert plain(value) == text


def test_unknown_evidence_is_left_out() -> None:
    """A fact of None is none."""
    assert facts_text({"a": 1, "b": None}) == "a: 1"
    assert facts_text({}) is None


def test_times_are_utc_to_the_second() -> None:
    """Years before 1000 keep their four digits."""
    assert iso(datetime(987, 1, 2, 3, 4, 5, 678, tzinfo=UTC)) == "0987-01-02T03:04:05Z"


# --- What an identity did on a day ---


def test_evidence_about_a_day_is_words() -> None:
    """Reasons with what was new, how often and when; that it is unknown whether a change explains it is said, too."""
    assert facts_of(changed("k", "b1" * 16, explained=None)) == {
        "day": "2026-11-24",
        "reasons": "denied burst, new action (iam:CreateAccessKey), new network (203.0.113.0/24)",
        "actions": "iam:CreateAccessKey (2 times), iam:ListUsers, and 9 more",
        "events": "12, 08:00 to 09:30 UTC",
        "event_ids": ", ".join(EVENT_IDS),
        "explained": "unknown",
    }


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (False, "explained: no"),
        (None, "explained: unknown"),
        (True, "explained: yes; explained_by: permissions changed between the scans of"),
    ],
)
def test_a_line_of_evidence_says_whether_it_is_explained(state: bool | None, text: str) -> None:
    """Ids of events are for those who open it."""
    line = evidence_line(changed("k", "b1" * 16, state)) or ""

    assert text in line
    assert EVENT_IDS[0] not in line


def test_evidence_is_the_same_after_a_store() -> None:
    """Which gives days and times back as text."""
    for state in (True, False, None):
        found = changed("k", "b1" * 16, state, hours=[3, 4])
        stored = replace(found, evidence=msgspec.json.decode(msgspec.json.encode(found.evidence)))

        assert facts_of(stored) == facts_of(found)
        assert explained(stored) == explained(found)


@pytest.mark.parametrize("evidence", [{}, {"new": ["x"], "actions": "none", "reasons": None, "first_at": 3}])
def test_evidence_of_another_shape_breaks_nothing(evidence: dict[str, Any]) -> None:
    """As a damaged or later store may have it."""
    finding = make_finding(rule="behaviour_changed", evidence=evidence)

    assert facts_of(finding)["explained"] == "unknown"
    assert next_step(Judged(make_assessment().identity, _owned(), [finding]))


def test_other_findings_are_not_about_a_day() -> None:
    """Even if their evidence has the word."""
    finding = make_finding(evidence={"explained": False})

    assert explained(finding) is None
    assert facts_of(finding) == {"explained": False}


def _owned() -> Assessment:
    return make_assessment(ownership=OwnershipVerdict(state="owned", owner="ada@example.com"))


@pytest.mark.parametrize("format_name", ["table", "markdown", "sarif"])
def test_no_report_shows_code_in_place_of_words(format_name: str) -> None:
    """Neither braces of a mapping nor None; whether it is explained is in each."""
    text = b"".join(line for line in document_lines(format_name) if b"iam:CreateAccessKey" in line).decode()

    assert "explained: unknown" in text
    assert "explained: no" in text
    assert not re.search(r"None|\{'|\['|datetime", text)


def document_lines(format_name: str) -> list[bytes]:
    """The findings, each on one line: at 80 columns the terminal would wrap them."""
    out = io.BytesIO()
    load(format_name).write(estate_with_activity(), "findings", out, Screen(width=400))
    return out.getvalue().splitlines()
