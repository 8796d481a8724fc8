"""The OCSF report: events valid by the published schema, and everything known in its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reports.base import VIEWS, View
from reports.ocsf.report import OcsfReport
from scanner.model import NatureVerdict, NatureVerdictName, ScanResult
from tests.factories import NOW, make_assessment, make_credential, make_finding, make_identity, make_result
from tests.reports.published import complaints, lines, ocsf
from tests.reports.samples import (
    EVENT_IDS,
    HOSTILE,
    estate,
    estate_with_activity,
    estate_with_gaps,
    hostile_result,
    without_registry,
)

CLASSES = {2004: "detection_finding", 2008: "iam_analysis_finding", 5003: "user_inventory", 6007: "scan_activity"}
RESULTS: dict[str, Callable[[], ScanResult]] = {
    "estate": estate,
    "gaps": estate_with_gaps,
    "no registry": without_registry,
    "activity": estate_with_activity,
    "empty": make_result,
}


def events(result: ScanResult, class_uid: int, view: View = "all") -> list[dict[str, Any]]:
    return [event for event in lines(OcsfReport(), result, view) if event["class_uid"] == class_uid]


def wrong_with(event: dict[str, Any]) -> list[str]:
    return complaints(ocsf(CLASSES[event["class_uid"]], cloud="cloud" in event["metadata"].get("profiles", ())), event)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_every_event_is_valid(result: Callable[[], ScanResult], view: View) -> None:
    """By the published schema of its class, with the profiles that it says it has."""
    written = lines(OcsfReport(), result(), view)
    assert written
    assert [wrong for event in written for wrong in wrong_with(event)] == []


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_every_event_is_valid_whatever_things_are_called(name: str) -> None:
    """Hostile text is data like any other."""
    written = lines(OcsfReport(), hostile_result(name))
    assert [event["class_uid"] for event in written] == [6007, 2008, 2004, 5003]
    assert [wrong for event in written for wrong in wrong_with(event)] == []


def test_a_finding_says_what_who_and_what_next() -> None:
    """In the attributes that the class has for it; the rest is unmapped."""
    event = events(estate(), 2008)[0]
    assert (event["type_uid"], event["severity"], event["status"]) == (200801, "Critical", "New")
    assert event["time"] == 1_795_593_600_000
    assert event["finding_info"]["uid"] == "aa" * 16
    assert event["finding_info"]["analytic"]["uid"] == "unregistered"
    assert event["finding_info"]["tags"] == [{"name": "owasp-nhi-2025", "value": "NHI1"}]
    assert event["user"]["uid"] == "arn:aws:iam::123456789012:user/legacy-admin"
    assert event["user"]["programmatic_credentials"][0]["uid"] == "AKIALEGACY"
    assert event["cloud"] == {
        "provider": "AWS",
        "account": {"uid": "123456789012", "type_id": 10, "type": "AWS Account"},
    }
    assert event["remediation"]["desc"].startswith("Ask grace@example.com (confidence 0.80) whether anything still")
    assert event["permission_analysis_results"][0]["policy"]["name"] == "admin"
    assert event["unmapped"]["evidence"]["provisional"] is False


def test_a_finding_that_was_known_before_is_an_update() -> None:
    """A SIEM keeps one of each."""
    old = [event for event in events(estate(), 2008) if event["status"] != "New"]
    assert {(event["activity_id"], event["status_id"], event["status"]) for event in old} == {(2, 99, "Open")}


@pytest.mark.parametrize(
    ("facts", "thing"),
    [
        ({"entry": "NHI-8"}, {"uid": "NHI-8", "type": "registry entry"}),
        ({"credential": "kv/billing"}, {"uid": "kv/billing", "type": "stored secret"}),
        ({}, {"uid": "f1" * 16, "name": "unregistered", "type": "exemption"}),
    ],
)
def test_a_finding_about_no_identity_says_what_it_is_about(facts: dict[str, str], thing: dict[str, str]) -> None:
    """The class wants one thing that was analysed."""
    found = make_finding(fingerprint="f1" * 16, rule="unregistered", **{"identity": None, **facts})
    (event,) = events(make_result(findings=(found,)), 2008)
    assert event["applications"] == [thing]
    assert wrong_with(event) == []


def test_an_identity_comes_with_its_verdicts() -> None:
    """And with what others may have seen of it."""
    (event,) = (one for one in events(estate(), 5003) if one["user"]["name"] == "legacy-admin")
    assert event["unmapped"]["ownership"]["candidates"][0]["person"] == "grace@example.com"
    assert event["unmapped"]["usage"]["state"] == "dormant"
    assert {"name": "user.name", "type_id": 4, "type": "User Name", "value": "legacy-admin"} in event["observables"]
    assert "AKIALEGACY" in [one["value"] for one in event["observables"]]


def test_a_finding_about_a_day_is_a_detection() -> None:
    """Who did what how often, when, which events of the log say so, and whether a change explains it."""
    unexplained, unknown, known = events(estate_with_activity(), 2004)
    info, eight = unexplained["finding_info"], 1_795_507_200_000

    assert (unexplained["type_uid"], unexplained["severity"], unexplained["status"]) == (200401, "Medium", "New")
    assert (info["first_seen_time"], info["last_seen_time"]) == (eight, eight + 90 * 60_000)
    assert [one["uid"] for one in info["related_events"]] == list(EVENT_IDS)
    assert [
        (one["api"]["service"]["name"], one["api"]["operation"], one["data"]) for one in unexplained["evidences"]
    ] == [
        ("iam", "CreateAccessKey", {"count": 2}),
        ("iam", "ListUsers", {"count": 1}),
    ]
    assert {one["actor"]["user"]["name"] for one in unexplained["evidences"]} == {"nightly"}
    assert unexplained["resources"][0]["uid"] == "arn:aws:iam::123456789012:role/nightly"
    assert unexplained["unmapped"]["evidence"]["reasons"] == ["denied_burst", "new_action", "new_network"]
    assert [one["unmapped"]["explained"] for one in (unexplained, unknown, known)] == [
        "unexplained",
        "unknown",
        "explained",
    ]
    assert [one["is_alert"] for one in (unexplained, unknown, known)] == [True, True, False]
    assert known["unmapped"]["evidence"]["explained_by"].startswith("permissions changed")


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"actions": {}, "first_at": "soon"},
        {"first_at": "2026-11-24T08:00:00Z", "last_at": None, "actions": {"x": 1}},
    ],
)
def test_a_detection_is_valid_whatever_its_evidence_has(evidence: dict[str, Any]) -> None:
    """A store gives times back as text, and the identity may be in no view."""
    found = make_finding(rule="interactive_use", identity="gone", evidence=evidence)
    (event,) = events(make_result(findings=(found,)), 2004)

    assert wrong_with(event) == []
    assert event["evidences"][0]["actor"]["user"] == {"uid": "gone"}
    assert event["finding_info"].get("first_seen_time") == (1_795_507_200_000 if "last_at" in evidence else None)


def test_unused_permissions_are_counted() -> None:
    """In the attribute that the class has for it."""
    found = make_finding(rule="permissions_unused", identity="k", evidence={"used": 7, "granted": 43})
    (event,) = events(make_result(make_assessment(make_identity(key="k")), findings=(found,)), 2008)

    assert event["permission_analysis_results"][0]["unused_services_count"] == 36
    assert wrong_with(event) == []


@pytest.mark.parametrize(("nature", "type_id"), [("human", 1), ("non_human", 4), ("mixed", 99), ("unknown", 0)])
def test_people_and_machines_are_distinguished(nature: NatureVerdictName, type_id: int) -> None:
    """In the schema's own terms."""
    (event,) = events(make_result(make_assessment(nature=NatureVerdict(verdict=nature))), 5003)
    assert event["user"]["type_id"] == type_id
    assert wrong_with(event) == []


def test_what_lives_in_no_cloud_has_not_its_profile() -> None:
    """Nor an account of a kind that the schema does not know."""
    (event,) = (one for one in events(estate(), 5003) if one["user"]["name"] == "approle/billing")
    assert "cloud" not in event
    assert "profiles" not in event["metadata"]
    assert event["user"]["account"] == {"uid": "root", "type_id": 99, "type": "vault"}


def test_the_scan_says_how_much_it_saw() -> None:
    """With a gap it was no success, and the gap is named."""
    (whole,), (partly,) = events(estate(), 6007), events(estate_with_gaps(), 6007)
    assert (whole["status"], whole["num_skipped_items"]) == ("Success", 0)
    assert (partly["status"], partly["num_skipped_items"]) == ("Incomplete", 2)
    assert "the numbers below are minimums" in partly["status_detail"]
    assert partly["unmapped"]["gaps"][0]["permission"] == "iam:GenerateCredentialReport"
    assert (partly["total"], partly["num_detections"]) == (5, 6)


def test_a_uid_is_the_same_for_the_same_thing_in_one_scan_only() -> None:
    """So that an event that was sent twice is known, and the next scan's is another."""
    later = replace(estate().scan, id="next", finished_at=NOW + timedelta(days=1))
    first, again = (lines(OcsfReport(), estate()) for _ in range(2))
    second = lines(OcsfReport(), estate(scan=later))
    uids = [[event["metadata"]["uid"] for event in written] for written in (first, again, second)]
    assert uids[0] == uids[1]
    assert len(set(uids[0])) == len(uids[0])
    assert not set(uids[0]) & set(uids[2])


def test_of_hundreds_of_grants_the_first_are_named() -> None:
    """An event has to fit."""
    grants = tuple(replace(estate().identities[0].identity.grants[0], name=f"p{number}") for number in range(500))
    result = make_result(make_assessment(make_identity(key="k", grants=grants)), findings=(make_finding(identity="k"),))
    (event,) = events(result, 2008)
    assert len(event["permission_analysis_results"]) == 101


def of_many_credentials(number: int) -> ScanResult:
    """An identity with so many credentials, and a finding on the last of them, then one on itself."""
    held = tuple(make_credential("k", f"AKIA{at}") for at in range(number))
    about = ({"fingerprint": "c1" * 16, "credential": held[-1].key}, {"fingerprint": "c2" * 16})
    found = tuple(make_finding(identity="k", **facts) for facts in about)
    return make_result(make_assessment(make_identity(key="k", credentials=held)), findings=found)


def test_a_finding_on_a_credential_names_that_one() -> None:
    """Findings on each of thousands would otherwise repeat all of them: gigabytes."""
    event, _ = events(of_many_credentials(500), 2008)
    assert [one["uid"] for one in event["user"]["programmatic_credentials"]] == ["AKIA499"]
    assert event["identity_activity_metrics"]["programmatic_credentials"] == event["user"]["programmatic_credentials"]
    assert [one["value"] for one in event["observables"] if one["type_id"] == 19] == ["AKIA499"]
    assert event["unmapped"]["credentials_left_out"] == 499


def test_of_hundreds_of_credentials_the_first_are_named() -> None:
    """And how many are left out is said; the inventory has them all."""
    result = of_many_credentials(500)
    _, event = events(result, 2008)
    (known,) = events(result, 5003)
    assert len(event["user"]["programmatic_credentials"]) == 100
    assert event["unmapped"]["credentials_left_out"] == 400
    assert len(known["user"]["programmatic_credentials"]) == 500
    assert wrong_with(event) == []
