"""The board's numbers: what each share is out of, and what cannot be determined."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.board.numbers import board
from reports.board.records import Measure
from scanner.model import (
    AgentVerdict,
    Assessment,
    Credential,
    EntryAssessment,
    OwnershipVerdict,
    RegistryVerdict,
    ScanPoint,
    ScanResult,
    Summary,
)
from tests.factories import (
    NOW,
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_entry,
    make_finding,
    make_identity,
    make_result,
)

REGISTERED = RegistryVerdict(state="registered", entry="NHI-1")
OWNED = OwnershipVerdict(state="owned", owner="ada@example.com", team="Data")
EXEMPT = {"registry": RegistryVerdict(state="exempt"), "ownership": OwnershipVerdict(state="not_applicable")}
UNCHECKED = {"registry": RegistryVerdict(state="unchecked"), "ownership": OwnershipVerdict(state="unchecked")}
NO_ROSTER = {"ownership": OwnershipVerdict(state="unchecked")}
AGENT = AgentVerdict(is_agent=True)


def measured(result: ScanResult, name: str) -> tuple[int, int, int]:
    """Count, known and unknown of a measure."""
    (found,) = (one for one in board(result).measures if one.name == name)
    return found.count, found.known, found.unknown


def holding(*credentials: Credential, **facts: Any) -> Assessment:
    """An identity with these credentials."""
    return make_assessment(make_identity("svc", credentials=credentials, **facts))


@pytest.mark.parametrize(
    ("verdicts", "owned", "registered"),
    [
        pytest.param({"registry": REGISTERED, "ownership": OWNED}, (1, 1, 0), (1, 1, 0), id="owned"),
        pytest.param({}, (0, 1, 0), (0, 1, 0), id="no registry entry matches"),
        pytest.param({"registry": RegistryVerdict(state="ambiguous")}, (0, 1, 0), (0, 1, 0), id="ambiguous"),
        pytest.param(
            {"registry": RegistryVerdict(state="unregistered", provisional=True)},
            (0, 0, 1),
            (0, 0, 1),
            id="a gap may hide its entry",
        ),
        pytest.param(UNCHECKED, (0, 0, 1), (0, 0, 1), id="no registry"),
        pytest.param(
            {"registry": REGISTERED, "ownership": OwnershipVerdict(state="unchecked")},
            (0, 0, 1),
            (1, 1, 0),
            id="no roster",
        ),
        pytest.param(EXEMPT, (0, 0, 0), (0, 0, 0), id="exempt"),
    ],
)
def test_who_is_owned_and_registered(
    verdicts: dict[str, Any], owned: tuple[int, int, int], registered: tuple[int, int, int]
) -> None:
    """What a gap or a missing list hides is neither good nor bad, and anyone who is exempt is not asked about."""
    result = make_result(make_assessment(**verdicts))

    assert measured(result, "owned") == owned
    assert measured(result, "registered") == registered


def test_agents_are_a_share_of_their_own() -> None:
    """Of two agents one has an owner; what is no agent does not count."""
    owned = make_assessment("a", agent=AGENT, registry=REGISTERED, ownership=OWNED)
    result = make_result(owned, make_assessment("b", agent=AGENT), make_assessment("c", ownership=OWNED))

    assert measured(result, "agents_owned") == (1, 2, 0)
    assert board(result).agents == 2


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"created_at": days_ago(89)}, (1, 1, 0), id="young"),
        pytest.param({"created_at": days_ago(91)}, (0, 1, 0), id="old"),
        pytest.param({"created_at": None}, (0, 0, 1), id="unknown"),
        pytest.param({"enabled": False}, (0, 0, 0), id="disabled"),
        pytest.param({"expires_at": days_ago(1)}, (0, 0, 0), id="expired"),
        pytest.param({"kind": "certificate"}, (0, 0, 0), id="nothing to rotate"),
    ],
)
def test_what_is_rotated_in_time(facts: dict[str, Any], expected: tuple[int, int, int]) -> None:
    """Live shared secrets against the policy's 90 days."""
    assert measured(make_result(holding(make_credential("svc", "AKIA", **facts))), "rotated") == expected


def test_an_entry_may_allow_more_or_less() -> None:
    """Where the entry sets an age, that is the limit."""
    key = make_credential("svc", "AKIA", created_at=days_ago(300))
    entry = EntryAssessment(entry=make_entry("svc", max_credential_age=365), state="found")
    held = make_assessment(make_identity("svc", credentials=(key,)), registry=REGISTERED)

    assert measured(make_result(held, entries=(entry,)), "rotated") == (1, 1, 0)
    assert measured(make_result(held), "rotated") == (0, 1, 0)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"never_expires": True}, (1, 1, 0), id="for ever"),
        pytest.param({"created_at": days_ago(10), "expires_at": days_ago(-10)}, (0, 1, 0), id="twenty days"),
        pytest.param({"created_at": days_ago(10), "expires_at": days_ago(-300)}, (1, 1, 0), id="three hundred"),
        pytest.param({}, (0, 0, 1), id="no end known"),
        pytest.param({"kind": "federation", "never_expires": True}, (0, 0, 0), id="federation"),
    ],
)
def test_what_lives_long(facts: dict[str, Any], expected: tuple[int, int, int]) -> None:
    """From making to end, against the policy's 180 days; an end that no one reported is not taken for none."""
    assert measured(make_result(holding(make_credential("svc", "AKIA", **facts))), "long_lived") == expected


def test_what_the_provider_answers_for_is_left_out() -> None:
    """Its keys are the provider's to rotate; those of a disabled identity open nothing."""
    key = make_credential("svc", "AKIA")

    assert measured(make_result(holding(key, managed_by="aws")), "rotated") == (0, 0, 0)
    assert measured(make_result(holding(key, enabled=False)), "rotated") == (0, 0, 0)


def test_what_was_not_asked_for_is_no_gap() -> None:
    """Sections that were read, of those and the gaps."""
    statuses = ("complete", "denied", "partial", "off", "not_offered")
    coverage = tuple(make_coverage(section=status, status=status) for status in statuses)

    assert measured(make_result(coverage=coverage), "read") == (1, 3, 0)


@pytest.mark.parametrize(
    ("first_seen", "age"),
    [
        (days_ago(1), "under 30 days"),
        (days_ago(30), "30 to 90 days"),
        (days_ago(364), "90 days to a year"),
        (days_ago(366), "over a year"),
        (None, "unknown"),
    ],
)
def test_how_long_an_orphan_is_known(first_seen: datetime | None, age: str) -> None:
    """By the earlier of the findings that say so; other findings say nothing of it."""
    orphan = make_assessment("svc")
    facts: dict[str, Any] = {"severity": "high", "identity": orphan.identity.key, "title": "", "remediation": ""}
    findings = (
        make_finding(fingerprint="1", rule="unregistered", first_seen=first_seen, **facts),
        make_finding(fingerprint="2", rule="orphaned", first_seen=first_seen and NOW, **facts),
        make_finding(fingerprint="3", rule="admin", first_seen=days_ago(500), **facts),
    )
    ages = board(make_result(orphan, findings=findings)).orphan_ages

    assert {one: count for one, count in ages.items() if count} == {age: 1}


def test_the_time_to_resolve_is_a_median_of_late() -> None:
    """Over the scans of the last 90 days; without any resolved it is unknown."""
    old = ScanPoint(id="a", started_at=days_ago(100), counts=Summary(), resolved={500: 9})
    late = ScanPoint(id="b", started_at=days_ago(10), counts=Summary(), resolved={1: 2, 40: 1})
    last = ScanPoint(id="c", started_at=NOW, counts=Summary(), resolved={30: 2})

    resolution = board(make_result(trend=(old, late, last))).resolution
    assert (resolution.resolved, resolution.median_days) == (5, 30)
    assert board(make_result(trend=(old,))).resolution.median_days is None
    assert board(make_result()).resolution.median_days is None


def test_teams_come_with_the_most_to_do_first() -> None:
    """One team whatever its case; what belongs to none is a row as well."""
    late = make_credential("b", "AKIA")
    judged = (
        make_assessment("a", ownership=OWNED),
        make_assessment(
            make_identity("b", credentials=(late,)),
            ownership=OwnershipVerdict(state="orphaned", reason="departed", team="DATA"),
        ),
        make_assessment("c"),
        make_assessment("d", **EXEMPT),
    )
    findings = (make_finding(identity=judged[2].identity.key, severity="critical"),)
    rows = [
        (team.name, team.identities, team.owned, team.orphaned, team.overdue, team.grave)
        for team in board(make_result(*judged, findings=findings)).teams
    ]

    assert rows == [(None, 1, 0, 1, 0, 1), ("Data", 2, 1, 1, 1, 0)]


def test_a_teams_share_is_of_what_could_be_reported() -> None:
    """Without a registry no one is known to be unowned; under a gap, not who merely has no entry that we saw."""
    unchecked = make_assessment("a", ownership=OwnershipVerdict(state="unchecked"))
    doubted = make_assessment(
        "b",
        registry=RegistryVerdict(state="unregistered", provisional=True),
        ownership=OwnershipVerdict(state="orphaned", reason="unregistered", team="Data"),
    )
    of_nobody, data = board(make_result(unchecked, doubted, make_assessment("c", ownership=OWNED))).teams[::-1]

    assert (of_nobody.identities, of_nobody.unknown, of_nobody.share) == (1, 1, None)
    assert (data.identities, data.unknown, data.share) == (2, 1, 1.0)


def test_the_trend_has_shares_where_there_is_anything_to_share() -> None:
    """A scan without a registry has none."""
    counts = Summary(
        owned=1, orphaned=3, registered=2, unregistered=1, ambiguous=1, findings={"critical": 1, "high": 2}
    )
    points = (
        ScanPoint(id="a", started_at=days_ago(1), counts=Summary()),
        ScanPoint(id="b", started_at=NOW, counts=counts),
    )
    first, last = board(make_result(trend=points[::-1])).trend

    assert (first.owned, first.registered, first.orphaned, first.grave) == (None, None, 0, 0)
    assert (last.owned, last.registered, last.orphaned, last.grave) == (0.25, 0.5, 3, 3)


@given(count=st.integers(0, 9), more=st.integers(0, 9), unknown=st.integers(0, 9))
def test_a_share_lies_between_none_and_all(count: int, more: int, unknown: int) -> None:
    """And is none at all where nothing is known, however much is unknown."""
    share = Measure(name="owned", count=count, known=count + more, unknown=unknown).share

    assert (share is None) == (count + more == 0)
    assert share is None or 0 <= share <= 1
