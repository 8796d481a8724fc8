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
    MatchCandidate,
    OwnerCandidate,
    OwnershipVerdict,
    RegistryVerdict,
    Signal,
)
from scanner.rules.wording import ABOUT_A_DAY, explained, facts_of, iso, plain
from tests.contract.test_reports import load
from tests.factories import NOW, days_ago, make_assessment, make_credential, make_finding
from tests.reports.samples import DORMANT, EVENT_IDS, changed, estate_with_activity

GRACE = OwnerCandidate(person="grace@example.com", score=0.9, evidence="created it 2026-01-03")
NEAR = MatchCandidate(entry="NHI-9", score=0.8, evidence="one letter away")


def orphan(reason: Any, **facts: Any) -> OwnershipVerdict:
    return OwnershipVerdict(state="orphaned", reason=reason, **facts)


@pytest.mark.parametrize(
    ("verdicts", "step"),
    [
        pytest.param(
            {"registry": RegistryVerdict(state="unregistered", provisional=True)},
            "Close the gap first: the data needed to match it to a registry entry could not be read.",
            id="provisional",
        ),
        pytest.param(
            {"usage": DORMANT, "ownership": orphan("unregistered", candidates=(GRACE,))},
            "Ask grace@example.com, then switch it off and delete it if there are "
            "no objections: it is orphaned and unused.",
            id="abandoned, with someone to ask",
        ),
        pytest.param(
            {"usage": DORMANT},
            "Switch it off and delete it if there are no objections: it is orphaned and unused.",
            id="abandoned",
        ),
        pytest.param(
            {"registry": RegistryVerdict(state="unregistered", candidates=(NEAR,))},
            "Check whether entry NHI-9 matches it (one letter away).",
            id="unregistered, with an entry like it",
        ),
        pytest.param(
            {"registry": RegistryVerdict(state="unregistered", candidates=(replace(NEAR, score=0.74),))},
            "Find out who uses it, then register it with an owner or disable it.",
            id="unregistered, with an entry that has a little in common",
        ),
        pytest.param(
            {"ownership": orphan("unregistered", candidates=(GRACE,))},
            "Ask grace@example.com who owns it, then register it or disable it.",
            id="unregistered, with someone to ask",
        ),
        pytest.param(
            {},
            "Find out who uses it, then register it with an owner or disable it.",
            id="unregistered",
        ),
        pytest.param(
            {
                "registry": RegistryVerdict(state="registered", entry="NHI-1"),
                "ownership": orphan("departed", owner="bob@example.com", candidates=(GRACE,)),
            },
            "Name a new owner: bob@example.com has left. Ask grace@example.com.",
            id="departed",
        ),
        pytest.param(
            {
                "registry": RegistryVerdict(state="registered", entry="NHI-1"),
                "ownership": orphan("never_assigned"),
            },
            "Name an owner: its entry NHI-1 has none.",
            id="never assigned",
        ),
        pytest.param(
            {
                "registry": RegistryVerdict(
                    state="ambiguous", candidates=(NEAR, MatchCandidate(entry="NHI-2", score=1, evidence="name"))
                ),
                "ownership": orphan("ambiguous"),
            },
            "Decide which entry matches it: NHI-9 or NHI-2.",
            id="ambiguous",
        ),
    ],
)
def test_an_orphan_needs_someone_first(verdicts: dict[str, Any], step: str) -> None:
    """Whatever else was found, an orphan's next step is about who answers for it."""
    judged = make_assessment(**verdicts)
    assert next_step(Judged(judged.identity, judged, [make_finding(severity="critical")])) == step


def test_an_owned_identity_needs_its_most_severe_finding_fixed() -> None:
    """The remediation is that of the first, for they come highest severity first."""
    owned = make_assessment(ownership=OwnershipVerdict(state="owned", owner="ada@example.com"))
    high, low = make_finding(severity="high", remediation="Now."), make_finding(severity="low", remediation="Later.")
    assert next_step(Judged(owned.identity, owned, [high, low])) == "Now."


def test_where_all_is_well_there_is_nothing_to_do() -> None:
    """No finding and an owner: an empty sentence."""
    owned = make_assessment(ownership=OwnershipVerdict(state="owned"))
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


DAY = {"day": date(2026, 11, 24), "entry": "NHI-7", "actions": {"kms:Decrypt": 2}, "explained": None}


def test_a_leaked_credential_is_the_first_step() -> None:
    """Who owns the identity can be asked once the key is rotated; a leak alone is said once."""
    leak = make_finding(rule="exposed_credential", severity="high", remediation="Rotate it.")
    orphaned = make_assessment(ownership=orphan("never_assigned"))
    worse, owned = make_finding(severity="critical", remediation="Remove it."), _owned()
    assert next_step(Judged(orphaned.identity, orphaned, [worse, leak])).startswith("Rotate it. Name an owner")
    assert next_step(Judged(owned.identity, owned, [worse, leak])) == "Rotate it. Remove it."
    assert next_step(Judged(owned.identity, owned, [leak])) == "Rotate it."


@pytest.mark.parametrize(
    ("rule", "facts", "step"),
    [
        ("used_outside_declaration", {}, "Ask ada@example.com what kms:Decrypt (2 times) on 2026-11-24 was for."),
        ("used_though_retired", {}, "entry NHI-7 is retired."),
        ("used_after_expiry", {"expires": date(2026, 10, 1)}, "and entry NHI-7 expired on 2026-10-01."),
        ("undeclared_credential_used", {"credentials": ["AKIA1"]}, "Find out who created AKIA1, which was used on"),
        ("dormant_woke", {}, "whether its use on 2026-11-24 was expected."),
        ("interactive_use", {}, "which person used it on 2026-11-24"),
        ("used_after_owner_left", {}, "Find out who used it on 2026-11-24: its owner has left."),
        ("behaviour_changed", {"reasons": ["volume"]}, "2026-11-24: volume. Whether a change explains it is unknown."),
        ("behaviour_changed", {"explained": False}, "No known change explains it."),
        ("behaviour_changed", {"explained": True, "explained_by": "owner changed"}, "Owner changed explains it."),
    ],
)
def test_the_next_step_about_a_day(rule: str, facts: dict[str, Any], step: str) -> None:
    """Who to ask about what, on which day."""
    finding = make_finding(rule=rule, evidence={**DAY, **facts})

    shown = next_step(Judged(make_assessment().identity, _owned(), [finding]))

    assert step in shown
    assert "(unknown)" not in shown


def test_every_rule_about_a_day_has_a_next_step() -> None:
    """None falls back to the remediation, which names no day."""
    for rule in ABOUT_A_DAY:
        finding = make_finding(rule=rule, evidence=DAY)
        assert "2026-11-24" in next_step(Judged(make_assessment().identity, _owned(), [finding]))


def test_an_orphan_in_use_says_so() -> None:
    """The new owner must know that it cannot just be switched off."""
    verdicts = make_assessment(ownership=orphan("departed", owner="bob@example.com"))
    used = make_finding(rule="used_after_owner_left", evidence=DAY)

    assert next_step(Judged(verdicts.identity, verdicts, [used])) == (
        "Name a new owner: bob@example.com has left. It is still used: on 2026-11-24, by audit logs."
    )


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
