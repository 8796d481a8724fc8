"""What reports say of one identity in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from reports.judged import Judged
from reports.phrases import (
    agent_text,
    credential_text,
    facts_text,
    iso,
    next_step,
    plain,
)
from scanner.model import (
    AgentVerdict,
    MatchCandidate,
    OwnerCandidate,
    OwnershipVerdict,
    RegistryVerdict,
    Signal,
)
from tests.factories import NOW, days_ago, make_assessment, make_credential, make_finding
from tests.reports.samples import DORMANT

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
            "Ask grace@example.com (created it 2026-01-03), then switch it off and delete it if there are "
            "no objections: it is orphaned and unused.",
            id="abandoned, with somebody to ask",
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
            "Ask grace@example.com (created it 2026-01-03) who owns it, then register it or disable it.",
            id="unregistered, with somebody to ask",
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
            "Name a new owner: bob@example.com has left. Ask grace@example.com (created it 2026-01-03).",
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
    """The remediation is that of the first, for they come gravest first."""
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
