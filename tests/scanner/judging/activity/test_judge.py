"""What is said of one identity's activity: findings, use, and what reports show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.activity.judge import Circumstances, Known, judge_activity
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.matching.places import SourceRef
from scanner.model import (
    ActivityPolicy,
    AgentVerdict,
    Assessment,
    Entry,
    NatureVerdict,
    OwnershipVerdict,
    Policy,
    RegistryVerdict,
    ScanInfo,
    UsageVerdict,
    Workload,
)
from scanner.model.activity import ActivityPast, Deviation, NamedChange
from scanner.registry.roster import Roster
from scanner.rules.base import RuleContext
from scanner.rules.evaluation import JudgedSnapshot, evaluate
from tests.activity import Did, day_ago, make_past
from tests.factories import (
    ACCOUNT,
    NOW,
    days_ago,
    make_assessment,
    make_credential,
    make_entry,
    make_identity,
    make_person,
)

BOT = make_identity("bot")
USUAL: Did = {"read=s3:GetObject": 20, "write=s3:PutObject": 5, "region=eu-west-1": 25, "network=10.0.0.0/24": 25,
              "client=boto3": 25}  # fmt: skip
ENTRY = make_entry("bot", systems=("s3",))


def _registered(identity: Any = BOT, /, **more: Any) -> Assessment:
    facts = {
        "registry": RegistryVerdict(state="registered", entry="NHI-1"),
        "ownership": OwnershipVerdict(state="owned"),
    }
    return make_assessment(identity, **{**facts, **more})


def _judge(
    past: ActivityPast, one: Assessment | None = None, *others: Assessment, entry: Entry | None = ENTRY, **more: Any
) -> Assessment:
    given = {
        "policy": Policy(),
        "activity": ActivityPolicy(),
        "roster": None,
        "entry_of": lambda each: entry if each.registry.state == "registered" else None,
        "now": NOW,
        **more,
    }
    known = Known(
        past=past, **{name: given.pop(name) for name in ("scans", "versions", "retired_since") if name in given}
    )
    return judge_activity([one or _registered(), *others], known, Circumstances(**given)).assessments[0]


def _usual(days: range = range(1, 61), **changed: Did) -> Mapping[int, Did]:
    """The same every day, but for the days that are given as ``day_5``."""
    return {day: {**USUAL, **changed.get(f"day_{day}", {})} for day in days}


def _found(one: Assessment) -> list[tuple[str, date, tuple[str, ...]]]:
    return [(each.rule, each.day, each.reasons) for each in one.deviations]


def _the(one: Assessment, rule: str) -> Deviation:
    (found,) = [each for each in one.deviations if each.rule == rule]
    return found


def test_an_assumer_of_another_account_is_the_identity_that_was_discovered_there() -> None:
    """By its unique id, in the finding, too; anyone who is not discovered stays as the log has it."""
    there = make_identity("deploy", scope="444455556666", unique_id="AIDADEPLOY")
    new: Did = {"assumed_by=444455556666:AIDADEPLOY": 1, "assumed_by=999955556666:AIDADEPLOY": 1}
    one = _judge(make_past({BOT.key: _usual(day_2=new)}), None, make_assessment(there))
    names = ["999955556666:AIDADEPLOY", there.key]

    assert one.activity is not None
    assert one.activity.assumed_by == tuple(names)
    assert _the(one, "behaviour_changed").facts["new"] == {"new_assumer": names}


@pytest.mark.parametrize(
    ("new", "cited"),
    [
        ({"network=203.0.113.0/24": 3, "write=s3:PutObject": 5}, ["network=203.0.113.0/24"]),
        ({"network=203.0.113.0/24": 25}, ["network=203.0.113.0/24", "read=s3:GetObject"]),
        ({"assumed_by=eve": 90}, ["assumed_by=eve"]),
        ({"read=s3:GetObject": 2000}, ["read=s3:GetObject"]),
    ],
)
def test_a_finding_cites_events_of_what_is_new(new: Did, cited: list[str]) -> None:
    """Of what all events of the day have in common, whichever ids there are."""
    one = _judge(make_past({BOT.key: _usual(day_2=new)}), entry=make_entry("bot"))
    found = _the(one, "behaviour_changed").event_ids

    assert set(found) & {f"event-2-{feature}" for feature in cited} == {f"event-2-{feature}" for feature in cited}
    assert all(id_ in {f"event-2-{feature}" for feature in (*USUAL, *new)} for id_ in found)


def test_the_usual_is_no_finding() -> None:
    assert _found(_judge(make_past({BOT.key: _usual()}))) == []


@pytest.mark.parametrize(
    ("new", "reasons"),
    [
        ({"write=s3:DeleteBucket": 1}, ["new_action"]),
        ({"secret=secretsmanager:GetSecretValue": 1}, ["new_service"]),
        ({"become=sts:AssumeRole": 1}, ["new_service"]),
        ({"read=dynamodb:Scan": 1}, []),
        ({"write=s3:DeleteBucket": -1}, []),
        ({"region=us-east-1": 1}, ["new_region"]),
        ({"network=203.0.113.0/24": 1}, ["new_network"]),
        ({"client=curl": 1}, ["new_client"]),
        ({"assumed_by=arn:aws:iam::1:user/eve": 1}, ["new_assumer"]),
        ({"tool=bedrock:model-x": 1}, []),
        ({"mark=off_host": 1}, ["off_host"]),
        ({"read=s3:GetObject": 2000}, ["volume"]),
        ({"read=s3:GetObject": 60}, []),
        ({"read=s3:GetObject": 72}, []),
        ({f"write=iam:Try{number}": -1 for number in range(10)}, ["denied_burst"]),
        ({f"write=iam:Try{number}": -1 for number in range(9)}, []),
    ],
)  # fmt: skip
def test_what_is_new_is_a_reason(new: Did, reasons: list[str]) -> None:
    entry = make_entry("bot")
    one = _judge(make_past({BOT.key: _usual(day_2=new)}), entry=entry)

    assert _found(one) == ([("behaviour_changed", day_ago(2), tuple(reasons))] if reasons else [])


def test_a_rise_in_volume_is_one_finding() -> None:
    """On each weekday it is compared with the same ones before, which it is above for the first time."""
    loud: dict[int, Did] = {days: {**USUAL, "read=s3:GetObject": 2000} for days in range(1, 8)}
    past = {**_usual(range(8, 61)), **loud}
    (found,) = [one for one in _judge(make_past({BOT.key: past})).deviations if "volume" in one.reasons]

    assert (found.lasts, found.day, len(found.days)) == ("volume", day_ago(1), 7)
    assert (found.facts["days"], found.facts["events"] > 7 * 2000) == (7, True)
    assert found.facts["most_events"] < 200
    assert found.event_ids


def test_an_agents_new_tool_is_a_reason() -> None:
    agent = _registered(agent=AgentVerdict(is_agent=True))
    one = _judge(make_past({BOT.key: _usual(day_2={"tool=bedrock:model-x": 1})}), agent, entry=make_entry("bot"))

    assert _found(one) == [("behaviour_changed", day_ago(2), ("new_tool",))]


def test_evidence_has_counts_times_and_events() -> None:
    one = _judge(make_past({BOT.key: _usual(day_2={"write=s3:DeleteBucket": 3})}), entry=make_entry("bot"))
    found = _the(one, "behaviour_changed")

    assert found.facts["new"] == {"new_action": ["s3:DeleteBucket"]}
    assert found.facts["actions"] == {"s3:DeleteBucket": 3}
    assert found.facts["first_at"] == datetime.combine(day_ago(2), datetime.min.time(), UTC) + timedelta(hours=3)
    assert found.event_ids == ("event-2-write=s3:DeleteBucket",)


@pytest.mark.parametrize(
    ("days", "covered"),
    [
        pytest.param(range(1, 10), range(1, 91), id="known for too few days"),
        pytest.param(range(1, 61), [*range(1, 2), *range(3, 91)], id="the day was not read in full"),
        pytest.param(range(1, 61), range(1, 10), id="too few days were read in full"),
    ],
)
def test_without_a_baseline_nothing_is_new(days: range, covered: Any) -> None:
    past = make_past({BOT.key: _usual(days, day_2={"write=s3:DeleteBucket": 1})}, covered=covered)

    assert _found(_judge(past, entry=make_entry("bot"))) == []


def test_too_few_events_are_no_baseline() -> None:
    rare: Mapping[int, Did] = {day: {"write=s3:PutObject": 1} for day in range(3, 61)}
    past = make_past({BOT.key: {**rare, 2: {"write=s3:DeleteBucket": 1}}})

    assert _found(_judge(past, entry=make_entry("bot"))) == []


def test_days_of_the_first_reading_wait_for_the_next_scan() -> None:
    did = {BOT.key: _usual(day_2={"write=s3:DeleteBucket": 1})}
    past = make_past(did, log={"first_read_at": NOW + timedelta(minutes=1)})

    assert _found(_judge(past, entry=make_entry("bot"))) == []


def test_what_was_done_once_is_never_new_again() -> None:
    new: Did = {"write=s3:DeleteBucket": 1}
    past = make_past({BOT.key: _usual(day_2=new, day_40=new)})
    recent = make_past({BOT.key: _usual(day_2=new, day_25=new)})

    assert _found(_judge(past, entry=make_entry("bot"))) == []
    assert [day for _, day, _ in _found(_judge(recent, entry=make_entry("bot")))] == [day_ago(25)]


def test_a_network_of_a_roamer_is_not_new() -> None:
    roaming = {day: {**USUAL, f"network=198.51.{day}.0/24": 5} for day in range(1, 61)}

    assert _found(_judge(make_past({BOT.key: roaming}), entry=make_entry("bot"))) == []


def test_hours_that_are_its_own() -> None:
    did = make_past({BOT.key: _usual()}, hours=lambda _, day: (3, 14) if day == 2 else (2, 3))
    everywhere = make_past({BOT.key: _usual()}, hours=lambda _, day: (2, 14) if day == 2 else tuple(range(0, 24, 2)))

    assert _found(_judge(did, entry=make_entry("bot"))) == [("behaviour_changed", day_ago(2), ("hours",))]
    assert _found(_judge(everywhere, entry=make_entry("bot"))) == []


def test_what_a_peer_did_before_is_not_new() -> None:
    worker = make_identity("worker-2")
    new: Did = {"write=s3:DeleteBucket": 1}
    alone = make_past({BOT.key: _usual(day_2=new), worker.key: _usual(day_2=new)})
    after = make_past({BOT.key: _usual(day_2=new), worker.key: _usual(day_5=new)})

    assert len(_found(_judge(alone, None, _registered(worker), entry=make_entry("bot")))) == 1
    assert _found(_judge(after, None, _registered(worker), entry=make_entry("bot"))) == []


# --- What needs no baseline ---


@pytest.mark.parametrize(
    ("systems", "permissions", "outside"),
    [
        (("s3",), (), ["dynamodb:PutItem"]),
        (("Amazon S3", "DynamoDB"), (), []),
        (("s3.amazonaws.com",), ("dynamodb:Put*",), []),
        (("s3",), ("PutItem",), []),
        ((), ("s3:*",), ["dynamodb:PutItem"]),
        ((), ("s3:GetObject",), ["dynamodb:PutItem", "s3:PutObject"]),
        (("the billing system",), (), []),
        ((), ("ReadOnlyAccess",), []),
        ((), ("s3.objects.get",), ["dynamodb:PutItem"]),
        ((), ("getobject",), ["dynamodb:PutItem", "s3:PutObject"]),
        ((), ("*",), []),
        ((), (), []),
    ],
)
def test_use_outside_the_declaration(systems: Any, permissions: Any, outside: list[str]) -> None:
    entry = make_entry("bot", systems=systems, permissions=permissions)
    did = _usual(range(1, 3), day_1={"write=dynamodb:PutItem": 1})
    found = [one for one in _judge(make_past({BOT.key: did}), entry=entry).deviations if one.day == day_ago(1)]

    assert sorted(action for one in found for action in one.facts["actions"]) == outside
    assert len(found) == len({action.partition(":")[0] for action in outside})
    assert {one.rule for one in found} <= {"used_outside_declaration"}


@pytest.mark.parametrize("permission", ["dynamodb:PutItem", "dynamodb:BatchPut*", "batchputitem"])
def test_a_declaration_may_name_actions_or_the_events_that_say_them(permission: str) -> None:
    """A log's reader says where the two differ."""
    entry = make_entry("bot", systems=("s3",), permissions=(permission,))
    names = {"also_called": {"dynamodb:PutItem": ("dynamodb:BatchPutItem",)}}
    did = {BOT.key: _usual(range(1, 3), day_1={"write=dynamodb:PutItem": 1})}

    assert _found(_judge(make_past(did, log=names), entry=entry)) == []
    assert (permission == "dynamodb:PutItem") is (_found(_judge(make_past(did), entry=entry)) == [])


def test_refused_calls_and_asking_who_one_is_are_no_use() -> None:
    did = {1: {**USUAL, "write=dynamodb:PutItem": -4, "read=sts:GetCallerIdentity": 9}}

    assert _found(_judge(make_past({BOT.key: did}))) == []


def test_use_after_the_owner_left() -> None:
    left = make_person(status="left", left_on=day_ago(5))
    one = _registered(ownership=OwnershipVerdict(state="orphaned", reason="departed", owner="ada@example.com"))
    past = make_past({BOT.key: _usual(range(4, 8))})

    assert _found(_judge(past, one, roster=Roster([left], NOW.date()))) == [("used_after_owner_left", day_ago(4), ())]
    unknown = make_person(status="left")
    assert _found(_judge(past, one, roster=Roster([unknown], NOW.date()))) == []


def test_use_though_retired() -> None:
    entry = make_entry("bot", status="retired")
    past = make_past({BOT.key: _usual(range(4, 8))})

    since = {"NHI-1": datetime.combine(day_ago(6), datetime.min.time(), UTC) + timedelta(hours=12)}
    [found] = _judge(past, entry=entry, retired_since=since).deviations
    assert (found.day, found.facts["days"], found.facts["first_at"].date()) == (day_ago(4), 2, day_ago(5))
    assert _found(_judge(past, entry=entry)) == []


def test_use_after_expiry() -> None:
    past = make_past({BOT.key: _usual(range(4, 8))})

    assert _found(_judge(past, entry=make_entry("bot", expires=day_ago(5)))) == [("used_after_expiry", day_ago(4), ())]


def test_use_of_an_undeclared_credential() -> None:
    did = {2: {**USUAL, "credential=AKIADECLARED": 5}, 1: {**USUAL, "credential=AKIAOTHER": 5}}
    past = make_past({BOT.key: did})

    for entry in (make_entry("bot", credentials=("AKIADECLARED",)), make_entry("bot", "AKIADECLARED")):
        found = _the(_judge(past, entry=entry), "undeclared_credential_used")
        assert (found.day, found.facts["credentials"]) == (day_ago(1), ["AKIAOTHER"])
    assert _found(_judge(past, entry=make_entry("bot", credentials=("access key",)))) == []


@pytest.mark.parametrize(
    ("days", "covered", "created", "woke"),
    [
        pytest.param([120, 1], range(1, 201), 400, True, id="used long ago"),
        pytest.param([60, 1], range(1, 201), 400, False, id="used not so long ago"),
        pytest.param([1], range(1, 201), 400, True, id="never seen"),
        pytest.param([1], range(1, 201), 50, False, id="younger"),
        pytest.param([120, 1], range(1, 80), 400, False, id="too little was read"),
        pytest.param([200, 120, 1], [*range(1, 80), *range(90, 201)], 400, True, id="a gap between"),
    ],
)
def test_waking_takes_ninety_covered_days(days: list[int], covered: Any, created: int, woke: bool) -> None:
    identity = make_identity("bot", created_at=days_ago(created))
    past = make_past({BOT.key: dict.fromkeys(days, USUAL)}, covered=covered)
    found = _found(_judge(past, _registered(identity), entry=make_entry("bot")))

    assert ("dormant_woke", day_ago(1), ()) in found if woke else found == []


def test_a_person_at_a_machines_identity() -> None:
    past = make_past({BOT.key: {1: {**USUAL, "mark=interactive": 2}}})

    assert _found(_judge(past)) == [("interactive_use", day_ago(1), ())]
    assert _found(_judge(past, _registered(nature=NatureVerdict(verdict="mixed")))) == []


# --- Explained ---


def _changed(**more: Any) -> tuple[bool | None, str | None]:
    past = make_past({BOT.key: _usual(day_2={"write=s3:DeleteBucket": 1})}, changes=more.pop("changes", ()))
    found = _the(_judge(past, entry=more.pop("entry", make_entry("bot")), **more), "behaviour_changed")
    return found.explained, found.explained_by


def _change(target: str, *, by: str = "arn:aws:iam::1:role/deploy", days: float = 3) -> NamedChange:
    return NamedChange(
        scope=ACCOUNT, at=days_ago(days), target=target, action="lambda:UpdateFunctionCode", by=by, event_id="e-1"
    )


def test_a_change_that_the_log_names_explains() -> None:
    function = Workload(key="arn:f", provider="aws", source="prod", scope=ACCOUNT, kind="lambda", name="f",
                        runs_as=(BOT.key,))  # fmt: skip

    assert _changed(changes=[_change(BOT.key)])[0] is True
    assert _changed(changes=[_change("arn:f")], workloads=[function])[0] is True
    assert _changed(changes=[_change("f")], workloads=[function])[0] is True
    assert _changed(changes=[_change("bot")])[0] is True
    assert _changed(changes=[replace(_change("bot"), scope="999999999999")])[0] is None
    assert _changed(changes=[_change(BOT.key, days=9)])[0] is None
    assert _changed(changes=[_change("arn:other")])[0] is None
    assert _changed(changes=[_change(BOT.key, by=BOT.key)])[0] is None


def test_a_change_between_scans_explains() -> None:
    before = _registered(ownership=OwnershipVerdict(state="owned", owner="bob@example.com"))

    def versions(one: Assessment) -> Any:
        return lambda keys: {key: [(days_ago(8), days_ago(4), one)] for key in keys}

    scans = (days_ago(8), days_ago(4))
    assert _changed(versions=versions(before), scans=scans) == (
        True, "owner changed between the scans of 2026-11-21 08:00 and 2026-11-25 08:00",
    )  # fmt: skip
    assert _changed(versions=versions(_registered()), scans=scans) == (False, None)
    assert _changed(versions=versions(_registered()), scans=(days_ago(3),)) == (None, None)


def test_a_reviewed_baseline_explains() -> None:
    baseline = {"baseline": "nightly: s3:DeleteBucket, reads s3"}

    reviewed = make_entry("bot", last_reviewed=day_ago(30), **baseline)
    assert _changed(entry=reviewed) == (True, f"baseline of entry NHI-1, reviewed on {day_ago(30)}")
    assert _changed(entry=make_entry("bot", **baseline))[0] is not True


# --- Use, and what reports show ---


def _usage(past: ActivityPast, **more: Any) -> tuple[str, str]:
    unknown = UsageVerdict(state="unknown", window_days=90, evidence="the provider keeps no record of use")
    verdict = _judge(past, _registered(usage=unknown, **more)).usage
    return verdict.state, verdict.evidence


def test_use_rests_on_logs_where_they_cover_the_window() -> None:
    sees_all = {"sees_all_use_of": ("*",)}

    assert _usage(make_past({BOT.key: {5: USUAL}})) == ("active", "last used 2026-11-20, by log trail")
    assert _usage(make_past({}, log=sees_all))[0] == "dormant"
    assert _usage(make_past({}, log={"sees_all_use_of": ("user",)}))[0] == "dormant"
    assert _usage(make_past({}, log={"sees_all_use_of": ("role",)}))[0] == "unknown"
    assert _usage(make_past({}, log=sees_all, covered=range(1, 402)))[0] == "never_used"
    assert _usage(make_past({BOT.key: {100: USUAL}}, log=sees_all))[0] == "dormant"
    assert _usage(make_past({}, log=sees_all, covered=range(1, 80)))[0] == "unknown"
    assert _usage(make_past({}))[0] == "unknown"


def test_a_use_in_a_log_is_no_use_that_never_was() -> None:
    """The provider's record says so, and the log has a use from before the window: it was used, and is no more."""
    never = UsageVerdict(state="never_used", window_days=90, evidence="created 2024-01-10, never used")
    used = _judge(make_past({BOT.key: {120: USUAL, 110: USUAL}}), _registered(usage=never)).usage
    unused = _judge(make_past({}), _registered(usage=never)).usage

    assert used.last_used_at is not None
    assert (used.state, used.last_used_at.date(), used.evidence) == (
        "dormant", day_ago(110), "last used 2026-08-07, by log trail",
    )  # fmt: skip
    assert unused == never


def test_the_last_use_is_the_later_of_the_provider_s_record_and_the_log() -> None:
    """Of the identity and of each key; a refused try is none. So no surface says that a key in a log was never used."""
    keys = [make_credential(BOT, f"AKIAEXAMPLE{number}", last_used_at=used) for number, used in
            enumerate((None, days_ago(30), days_ago(2), None, None))]  # fmt: skip
    bot = replace(BOT, credentials=tuple(keys), last_used_at=days_ago(30))
    did = {**USUAL, **{f"credential=akiaexample{number}": 1 for number in range(3)}, "credential=AKIAEXAMPLE3": -1}
    found = _judge(make_past({BOT.key: {5: did}}), _registered(bot))

    used = [one.last_used_at and one.last_used_at.date() for one in found.identity.credentials]
    assert used == [day_ago(5), day_ago(5), day_ago(2), None, None]
    assert found.identity.last_used_at == found.usage.last_used_at
    never = [one.evidence["id"] for one in evaluate(JudgedSnapshot(assessments=(found,)), RuleContext(now=NOW))
             if one.rule == "credential_never_used"]  # fmt: skip
    assert never == ["AKIAEXAMPLE3", "AKIAEXAMPLE4"]


def test_the_summary_of_activity() -> None:
    past = make_past({BOT.key: _usual(range(1, 4), day_1={"write=iam:CreateUser": -2})})
    activity = _judge(past).activity

    assert activity is not None
    assert (activity.covered_from, activity.covered_to, activity.covered_days) == (day_ago(90), day_ago(1), 90)
    assert (activity.events, activity.denied) == (77, 2)
    assert [(one.service, one.actions, one.events) for one in activity.services] == [
        ("iam", (), 2), ("s3", ("GetObject", "PutObject"), 75),
    ]  # fmt: skip
    assert (activity.networks, activity.clients, activity.regions) == (("10.0.0.0/24",), ("boto3",), ("eu-west-1",))
    assert activity.used_services == ("s3",)
    assert activity.hours[3] == 3


@pytest.mark.parametrize(
    ("identity", "log", "is_joined"),
    [
        pytest.param({}, {}, True, id="by key"),
        pytest.param({"unique_id": "AROANEW"}, {}, False, id="recreated"),
        pytest.param({"unique_id": "AROAOLD"}, {}, True, id="same unique id"),
        pytest.param({"key": "other", "aliases": (BOT.key,)}, {}, True, id="by alias"),
        pytest.param({"provider": "gcp"}, {}, False, id="another provider"),
        pytest.param({}, {"source": "prod"}, True, id="of the log's source"),
        pytest.param({}, {"source": "staging"}, False, id="of another source"),
    ],
)
def test_callers_are_joined_with_identities(identity: Any, log: Any, is_joined: bool) -> None:
    past = make_past({f"{BOT.key}|AROAOLD": {1: USUAL}}, log=log)
    one = _judge(past, _registered(make_identity("bot", **identity)))

    assert (one.activity is not None and one.activity.events == 25) == is_joined


def test_outside_the_logs_scopes_nothing_is_known() -> None:
    assert _judge(make_past({}), _registered(make_identity("bot", scope="999999999999"))).activity is None


def test_a_scan_reports_what_the_logs_say() -> None:
    past = make_past({BOT.key: _usual(range(1, 3), day_1={"write=dynamodb:PutItem": 1})})
    inventory = join([ScopeReading(source="prod", scope=ACCOUNT, identities=(BOT,))], {"prod": 0})
    declared = Declared(entries=(ENTRY,), sources=(SourceRef(name="prod", provider="aws"),))
    info = ScanInfo(id="1", started_at=NOW, finished_at=NOW, version="0")

    result = judge(inventory, declared, Remembered(), info, Known(past=past))
    (found,) = [one for one in result.findings if one.rule == "used_outside_declaration"]

    assert (found.identity, found.severity, found.evidence["explained"]) == (BOT.key, "high", None)
    assert found.fingerprint in result.identities[0].findings
    assert result.identities[0].activity is not None


def test_services_that_no_log_records_are_named() -> None:
    granting = make_identity("bot", attributes={"granted_services": ["iam", "s3", "sqs"]})
    past = make_past({BOT.key: {1: USUAL}}, log={"unlogged": ("s3:GetObject*", "sqs:*", "kinesis:PutRecords")})
    activity = _judge(past, _registered(granting)).activity

    assert activity is not None
    assert (activity.granted_services, activity.unlogged_services) == (("iam", "s3", "sqs"), ("s3", "sqs"))


def test_who_was_refused_did_not_become_it() -> None:
    did: Mapping[int, Did] = {3: {"assumed_by=eve": -2, "assumed_by=ada": 1}, 2: USUAL}
    activity = _judge(make_past({BOT.key: did})).activity

    assert activity is not None
    assert activity.assumed_by == ("ada",)
    assert activity.first_event_at is not None
    assert activity.first_event_at.date() == day_ago(2)


# --- Times ---


def _timed(first: str, last: str, **times: tuple[str, str]) -> ActivityPast:
    """One day of the bot. ``times``: of its writes to a service, where they are not those of the day."""
    day = day_ago(1)

    def at(text: str) -> int:
        return int(datetime.combine(day, time.fromisoformat(text), UTC).timestamp())

    past = make_past({BOT.key: {1: {"read=s3:GetObject": 5} | {f"write={one}:Put": 1 for one in times}}})
    (whole,) = past.read([1])
    ((ordinal, counts),) = whole.days
    spans = {whole.features.index(f"write={one}:Put"): (at(begin), at(end)) for one, (begin, end) in times.items()}
    offsets = tuple(
        value for number, (begin, end) in spans.items() for value in (number, begin - at(first), at(last) - end)
    )
    timed = replace(counts, first=at(first), last=at(last), times=offsets)
    return replace(past, read=lambda _: [replace(whole, days=((ordinal, timed),))])


def test_a_finding_has_the_times_of_what_it_is_about() -> None:
    past = _timed("05:00", "23:00", ses=("09:00", "09:30"), sqs=("10:00", "11:00"))
    found = {one.lasts: one.facts for one in _judge(past).deviations}

    assert {service: f"{facts['first_at']:%H:%M} {facts['last_at']:%H:%M}" for service, facts in found.items()} == {
        "ses": "09:00 09:30",
        "sqs": "10:00 11:00",
    }


def test_a_service_has_the_times_of_its_actions() -> None:
    activity = _judge(_timed("05:00", "23:00", ses=("09:00", "09:30"))).activity
    assert activity is not None

    assert {one.service: f"{one.first_at:%H:%M} {one.last_at:%H:%M}" for one in activity.services} == {
        "s3": "05:00 23:00",
        "ses": "09:00 09:30",
    }


# --- Changes of many ---

_BEFORE, _AFTER = "network=10.0.0.0/24", "network=203.0.113.0/24"


def _many(did: Mapping[int, Did], count: int = 20, **more: Any) -> tuple[list[Deviation], int]:
    """Their findings about a new network, and how many changes they share, if all do the same."""
    bots = [make_identity("".join(chr(97 + int(digit)) for digit in f"{number:03}") + "job") for number in range(count)]
    past = make_past({bot.key: did for bot in bots}, **more)
    circumstances = Circumstances(
        policy=Policy(), activity=ActivityPolicy(minimum_days=5), roster=None, entry_of=lambda _: None, now=NOW
    )
    done = judge_activity([_registered(bot) for bot in bots], Known(past=past), circumstances)
    found = [each for one in done.assessments for each in one.deviations if "new_network" in each.reasons]
    return found, len(done.shared)


def _from(network: str) -> Did:
    return {"read=s3:GetObject": 20, "region=eu-west-1": 20, network: 20, "client=boto3": 20}


def test_a_gateway_that_is_replaced_is_one_change() -> None:
    did = {day: _from(_AFTER if day <= 5 else _BEFORE) for day in range(1, 60)}

    assert _many(did) == ([], 1)
    assert len(_many(did, 2)[0]) == 2


@pytest.mark.parametrize("ago", [1, 3])
def test_keys_that_somebody_else_uses_as_well_are_none(ago: int) -> None:
    """However many they are, and however late in the night their workload comes back."""
    did = {day: _from(_BEFORE) for day in range(1, 60)}
    did[ago] = {**did[ago], _AFTER: 5}

    found, shared = _many(did)

    assert (len(found), shared) == (20, 0)


def test_a_thief_between_two_weekly_runs_is_not_taken_for_a_change() -> None:
    did = {day: _from(_BEFORE) for day in range(5, 89, 7)}
    did[4] = _from(_AFTER)

    found, shared = _many(did)

    assert (len(found), shared) == (20, 0)


def test_who_did_something_else_keeps_the_finding() -> None:
    did = {day: _from(_AFTER if day <= 5 else _BEFORE) for day in range(1, 60)}
    did[5] = {**did[5], "write=iam:CreateUser": 1}

    found, shared = _many(did)

    assert (len(found), shared) == (20, 0)
