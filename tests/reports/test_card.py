"""The card of one identity: everything known of it, on any screen, whatever it is called."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from reports.card import identity_card
from scanner.diff.records import Difference, Era
from scanner.model import Drift, Grant, Link, OwnerCandidate, OwnershipVerdict, RegistryVerdict, Trust, Workload
from scanner.model.activity import Activity, ServiceUse
from scanner.text import printable
from tests.factories import days_ago, make_assessment, make_credential, make_finding, make_identity, make_result
from tests.reports.samples import HOSTILE


def _card(name: str = "svc", **verdicts: object) -> str:
    identity = make_identity(
        name,
        credentials=(make_credential(name, "AKIACARD"),),
        grants=(Grant(name="ops", via="group:ops", resource="*", admin=True),),
        links=(Link(relation="can_assume", target="arn:aws:iam::1:role/admin", evidence="trust policy"),),
        tags={"team": name},
        created_by="deploy-bot",
    )
    finding = make_finding(identity=identity.key, evidence={"created_at": "2025-01-01T00:00:00Z"})
    judged = make_assessment(identity, findings=(finding.fingerprint,), **verdicts)
    moved = Difference(aspect="owner", before="bob@example.com", after=name)
    history = [
        Era(since=days_ago(30), until=days_ago(9), states=("unregistered", "orphaned", "never_used", "normal")),
        Era(since=days_ago(9), until=days_ago(5), differences=(moved,)),
        Era(since=days_ago(3), until=None, was_gone=True),
    ]
    result = make_result(judged, findings=(finding,), first_seen={identity.key: days_ago(30)})
    return identity_card(judged, result, history)


def test_everything_is_reported_once() -> None:
    """Verdicts with evidence, what it holds, what to do, and since when."""
    card = _card(
        ownership=OwnershipVerdict(
            state="orphaned",
            reason="departed",
            owner="bob@example.com",
            evidence="left on 2026-01-01",
            candidates=(OwnerCandidate(person="ada@example.com", score=0.8, evidence="tag owner"),),
        ),
        registry=RegistryVerdict(
            state="registered",
            entry="NHI-1",
            rung="name",
            evidence="name svc = registry.csv:2",
            agreeing=("cmdb:7",),
            contradictions=("tf:9",),
        ),
        drift=(Drift(aspect="credential_id", declared="AKIAOLD", found="AKIACARD2"),),
    )

    for expected in (
        "entry NHI-1 by name",
        "orphaned: departed",
        "ask ada@example.com: tag owner",
        "access_key AKIACARD (",
        "declared the same by cmdb:7",
        "declared differently by tf:9",
        "credential id: declared AKIAOLD, found AKIACARD2",
        "created 2025-10-21 by deploy-bot",
        "first seen 2026-10-26",
        "ops via group:ops on * [admin]",
        "can_assume arn:aws:iam::1:role/admin",
        "[high] Identity is unregistered",
        "2026-10-26 to 2026-11-16: unregistered, orphaned, never used, normal",
        "2026-11-16 to 2026-11-20: owner: bob@example.com -> svc",
        "2026-11-22 to now: came back as it was",
    ):
        assert " ".join(card.split()).count(expected) == 1, expected


def test_owners_who_are_about_to_leave_are_named() -> None:
    """Owned today, and the reader sees until when."""
    card = _card(
        ownership=OwnershipVerdict(
            state="owned", owner="ada@example.com", leaving=("ada@example.com",), last_day=date(2026, 12, 31)
        )
    )

    assert "about to leave (2026-12-31): ada@example.com" in " ".join(card.split())


def test_what_runs_as_it_is_reported() -> None:
    """Workloads by what they are; an agent, which is an identity of its own, by its key."""
    function = Workload(
        key="f", provider="aws", source="prod", scope="1", kind="lambda_function", name="etl", runs_as=("r",)
    )
    judged = make_assessment(consumers=("f", "arn:agent"))
    card = " ".join(identity_card(judged, make_result(judged, workloads=(function,))).split())

    assert "consumers lambda function etl (f) arn:agent" in card


def test_a_trust_in_several_subjects_is_reported_once() -> None:
    """Its evidence names them all."""
    trusts = tuple(
        Trust(principal="issuer", kind="federated", evidence="if sub is a, b", subject=subject) for subject in "ab"
    )
    judged = make_assessment(make_identity(trusts=trusts))

    assert identity_card(judged, make_result(judged)).count("federated issuer") == 1


def test_a_finding_without_facts_is_its_title_alone() -> None:
    """No colon that leads to nothing."""
    judged = make_assessment(make_identity("svc"))
    finding = make_finding(identity=judged.identity.key, title="Nobody has declared it", evidence={})
    judged = msgspec.structs.replace(judged, findings=(finding.fingerprint,))

    card = identity_card(judged, make_result(judged, findings=(finding,)), [])

    assert "Nobody has declared it\n" in card


def test_what_was_not_rechecked_is_marked() -> None:
    """Old verdicts are not passed off as new."""
    assert "not re-checked" not in _card()
    judged = msgspec.structs.replace(make_assessment("svc"), rechecked=False)
    assert "not re-checked" in identity_card(judged, make_result(judged))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_neither_act_nor_overflow(name: str) -> None:
    """One line stays one line; nothing reaches the terminal's controls."""
    card = _card(name)

    assert "\x1b" not in card
    assert all(printable(line) == line for line in card.split("\n"))
    assert max(map(cell_len, card.split("\n"))) <= 80


ACTIVITY = Activity(
    covered_from=date(2026, 9, 1),
    covered_to=date(2026, 11, 24),
    covered_days=84,
    first_event_at=days_ago(80),
    last_event_at=days_ago(1),
    events=1234,
    denied=5,
    services=(
        ServiceUse(service="iam", actions=(), events=5, first_at=days_ago(2), last_at=days_ago(1)),
        ServiceUse(service="s3", actions=("GetObject",), events=1229, first_at=days_ago(80), last_at=days_ago(1)),
    ),
    networks=tuple(f"10.0.{number}.0/24" for number in range(8)),
    clients=("boto3",),
    assumed_by=("arn:aws:iam::1:role/deploy",),
    hours=(0, 0, 80, 40, *(0 for _ in range(20))),
    granted_services=("iam", "s3", "sqs"),
    used_services=("s3",),
)


def test_activity_is_drawn() -> None:
    text = " ".join(identity_card(make_assessment(activity=ACTIVITY), make_result()).split())

    for part in (
        "1,234 events, 5 of them denied; 84 covered days from 2026-09-01 to 2026-11-24",
        "used 1 of 3 granted services in 84 days",
        "iam: nothing succeeded (5 events",
        "s3: GetObject (1,229 events",
        "\u2588\u2584",
        "10.0.5.0/24, and 2 more",
        "became by arn:aws:iam::1:role/deploy",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"covered_days": 0, "covered_from": None, "covered_to": None}, "no day is covered by its logs"),
        ({"services": (), "events": 0, "first_event_at": None, "hours": ()}, "0 events"),
    ],
)
def test_silence_differs_from_not_having_looked(facts: dict[str, Any], part: str) -> None:
    assert part in identity_card(make_assessment(activity=replace(ACTIVITY, **facts)), make_result())
    assert "activity" not in identity_card(make_assessment(), make_result())
