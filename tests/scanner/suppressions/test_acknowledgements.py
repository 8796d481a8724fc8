"""Acknowledged findings: what covers them, until when, and what alarms again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.model import Acknowledged, Acknowledgement, Finding, Origin
from scanner.suppressions.acknowledgements import Acknowledgements, has_later, with_later
from tests.factories import NOW, make_assessment, make_finding, make_identity, make_result

TODAY = NOW.date()
GIVEN = Acknowledged(reason="known", by="ada@example.com", until=TODAY)
IDENTITY = make_identity("Deploy")
FINDING = make_finding(identity=IDENTITY.key, rule="dormant")


def acknowledgement(row: int = 1, **facts: Any) -> Acknowledgement:
    """One of today's last day."""
    days = facts.pop("days", 0)
    given = replace(GIVEN, until=TODAY + timedelta(days), by=facts.pop("by", GIVEN.by))
    return Acknowledgement(origin=Origin(file="ack.toml", row=row), given=given, **facts)


def marked(finding: Finding, *acknowledgements: Acknowledgement, **identity: Any) -> tuple[Finding, list[str]]:
    """The marked finding and the notices."""
    subject = replace(IDENTITY, **identity)
    known = Acknowledgements(acknowledgements, TODAY)
    (stands,) = known.marked([finding], {IDENTITY.key: subject})
    return stands, known.notices


@pytest.mark.parametrize(
    ("names", "covered"),
    [
        pytest.param({"finding": FINDING.fingerprint}, True, id="its fingerprint"),
        pytest.param({"finding": "00" * 16}, False, id="another fingerprint"),
        pytest.param({"rule": "dormant", "match": "arn:aws:iam::*:user/Deploy"}, True, id="a glob over the key"),
        pytest.param({"rule": "dormant", "match": IDENTITY.key}, True, id="the key"),
        pytest.param({"rule": "dormant", "match": "Deploy"}, True, id="the bare name"),
        pytest.param({"rule": "dormant", "match": "Dep"}, False, id="a part of the name"),
        pytest.param({"rule": "dormant", "match": "arn:aws:iam::*:user/deploy"}, False, id="another case"),
        pytest.param({"rule": "admin", "match": IDENTITY.key}, False, id="another rule"),
    ],
)
def test_what_an_acknowledgement_covers(names: dict[str, str], covered: bool) -> None:
    """One finding, or those of a rule whose subjects fit a pattern; one that covers nothing gives a notice."""
    stands, notices = marked(replace(FINDING, new=True), acknowledgement(7, **names))

    assert stands.acknowledged == (GIVEN if covered else None)
    assert stands.new is not covered
    assert bool(notices) is not covered
    assert all("ack.toml:7" in notice and "covers no finding" in notice for notice in notices)


@pytest.mark.parametrize("subject", ["identity", "credential", "entry"])
def test_credentials_and_entries_have_keys_too(subject: str) -> None:
    """The pattern is compared with the keys of the finding's subjects."""
    finding = make_finding(**{"identity": None, "rule": "dormant", subject: "place:x"})

    (stands,) = Acknowledgements([acknowledgement(rule="dormant", match="place:*")], TODAY).marked([finding], {})

    assert stands.acknowledged == GIVEN


def test_ids_are_compared_as_their_provider_does() -> None:
    """Where ids differ in case alone."""
    pattern = acknowledgement(rule="dormant", match="ARN:aws:iam::*:user/deploy")

    assert marked(FINDING, pattern, provider="azure")[0].acknowledged == GIVEN
    assert marked(FINDING, pattern)[0].acknowledged is None


def test_the_day_after_it_alarms_again() -> None:
    """It is new, although the last scan had it, and the notice names who acknowledged it."""
    before = replace(FINDING, acknowledged=GIVEN)

    stands, notices = marked(before, acknowledgement(3, finding=FINDING.fingerprint, days=-1))

    assert (stands.acknowledged, stands.new) == (None, True)
    assert notices == [
        "ack.toml:3: the acknowledgement by ada@example.com ended on 2026-11-24: its findings raise alarms again"
    ]


def test_a_renewal_beside_the_old_line_holds() -> None:
    """The latest end counts, in any order, and an expired one gives no notice."""
    lines = [acknowledgement(finding=FINDING.fingerprint, days=days, by=f"{days}") for days in (-1, 30, 2)]

    stands, notices = marked(FINDING, *lines)

    assert stands.acknowledged is not None
    assert stands.acknowledged.by == "30"
    assert notices == []


def test_what_is_acknowledged_is_not_held_back() -> None:
    """It is known already."""
    stands, _ = marked(replace(FINDING, held_back=True), acknowledgement(finding=FINDING.fingerprint))

    assert not stands.held_back


def test_nothing_acknowledged_changes_nothing() -> None:
    """An empty list leaves every finding as it is."""
    assert marked(FINDING) == (FINDING, [])


def test_what_was_asked_for_suppresses_nothing() -> None:
    """It is noted at the finding until its last day, beside an acknowledgement that holds; no notice is about it."""
    asked = replace(acknowledgement(by="bo@example.com", finding=FINDING.fingerprint), asked_at=NOW)
    before = replace(FINDING, new=True)
    stands, notices = marked(before, asked)
    assert stands == replace(before, asked=asked.asked)
    assert (stands.raises_alarm, notices) == (True, [])
    assert asked.asked is not None
    assert asked.asked.by == "bo@example.com"

    held, _ = marked(before, asked, acknowledgement(finding=FINDING.fingerprint))
    assert (held.acknowledged, held.asked) == (GIVEN, asked.asked)
    ended = replace(acknowledgement(days=-1, finding=FINDING.fingerprint), asked_at=NOW)
    assert marked(stands, ended) == (before, [])

    result = make_result(make_assessment(IDENTITY), findings=(before,))
    later = with_later(result, (asked,), TODAY)
    assert (later.findings, later.summary.acknowledged) == ((stands,), 0)
    assert has_later(result, (asked,), TODAY)
