"""Who could take over: the order in which they are asked, and who never is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scanner.lifecycle.offboarding.handover import handover
from scanner.model import EntryAssessment, OwnerCandidate, OwnershipVerdict, Person, RegistryVerdict
from tests.factories import make_assessment, make_entry, make_identity, make_person, make_result

TODAY = date(2026, 11, 25)
ADA = make_person("ada@example.com", status="leaving", manager="manager@example.com", team="own")
PEOPLE = (
    ADA,
    *(make_person(f"{name}@example.com") for name in ("backup", "tech", "other", "asked", "lead", "top")),
    make_person("lea@example.com", status="leaving"),
    make_person("lee@example.com", left_on=date(2026, 12, 31)),
    make_person("gone@example.com", status="left", manager="top@example.com"),
    make_person("manager@example.com"),
    make_person("member@example.com"),
    make_person("team:payments", members=("ada@example.com", "lea@example.com", "member@example.com")),
    make_person("team:led", members=("ada@example.com",), manager="lead@example.com"),
    make_person("team:leaving", members=("lea@example.com", "lee@example.com")),
    make_person("team:own", members=("ada@example.com", "asked@example.com")),
)
ASKED = OwnershipVerdict(
    state="owned", candidates=(OwnerCandidate(person="asked@example.com", score=0.9, evidence="tag owner"),)
)


def successor(facts: dict[str, Any], ada: Person = ADA, **identity: Any) -> tuple[str | None, str | None]:
    entry = make_entry("svc-billing", **{"owner": ("ada@example.com",), **facts})
    judged = make_assessment(
        make_identity(**identity), registry=RegistryVerdict(state="registered", entry="NHI-1"), ownership=ASKED
    )
    declared = EntryAssessment(entry=entry, state="found", identities=(judged.identity.key,))
    (item,) = handover(make_result(judged, entries=(declared,)), [ada, *PEOPLE[1:]], ada, TODAY).items
    return item.successor, item.successor_evidence


@pytest.mark.parametrize(
    ("facts", "person", "evidence"),
    [
        pytest.param(
            {"owner": ("ada@example.com", "other@example.com"), "backup_owner": ("backup@example.com",),
             "technical_owner": ("tech@example.com",), "team": "payments"},
            "backup@example.com", "backup_owner in registry.csv:2", id="backup-owner",
        ),
        pytest.param(
            {"owner": ("ada@example.com", "other@example.com"), "technical_owner": ("tech@example.com",)},
            "tech@example.com", "technical_owner in registry.csv:2", id="technical-owner",
        ),
        pytest.param(
            {"owner": ("ada@example.com", "other@example.com"), "team": "payments"},
            "other@example.com", "owner in registry.csv:2", id="another-owner",
        ),
        pytest.param({"team": "payments"}, "member@example.com", "active member of team:payments", id="member"),
        pytest.param({"team": "led"}, "lead@example.com", "manager of team:led", id="team-lead"),
        pytest.param({}, "asked@example.com", "active member of team:own", id="their-own-team"),
    ],
)  # fmt: skip
def test_the_nearest_is_asked_first(facts: dict[str, Any], person: str, evidence: str) -> None:
    """Backup, technical and other owners, then the owning team, then its lead."""
    assert successor(facts) == (person, evidence)


@pytest.mark.parametrize(
    ("manager", "person", "evidence"),
    [
        pytest.param("manager@example.com", "manager@example.com", "manager of ada@example.com", id="manager"),
        pytest.param("gone@example.com", "top@example.com", "manager of gone@example.com", id="up-the-line"),
        pytest.param("ada@example.com", "asked@example.com", "tag owner", id="in-a-circle"),
        pytest.param(None, "asked@example.com", "tag owner", id="candidates-last"),
    ],
)
def test_without_a_team_the_line_and_then_the_candidates(manager: str | None, person: str, evidence: str) -> None:
    """Up the line to the first who is still here; then who the scan suggests."""
    assert successor({}, make_person("ada@example.com", manager=manager)) == (person, evidence)


@pytest.mark.parametrize(
    ("backup", "person"),
    [
        pytest.param(("ada@example.com", "tech@example.com"), "tech@example.com", id="never-themselves"),
        pytest.param(("gone@example.com", "tech@example.com"), "tech@example.com", id="nobody-who-left"),
        pytest.param(("unlisted_person@example.com", "tech@example.com"), "tech@example.com", id="nobody-unknown"),
        pytest.param(("lea@example.com", "tech@example.com"), "tech@example.com", id="nobody-leaving-if-others-stay"),
        pytest.param(("lee@example.com", "tech@example.com"), "tech@example.com", id="nobody-with-a-last-day"),
        pytest.param(("team:leaving", "tech@example.com"), "tech@example.com", id="no-group-of-leavers"),
        pytest.param(("team:led", "tech@example.com"), "tech@example.com", id="no-group-that-is-empty-then"),
        pytest.param(("team:payments",), "team:payments", id="a-group-with-somebody-who-stays"),
    ],
)
def test_who_cannot_stay_is_passed_over(backup: tuple[str, ...], person: str) -> None:
    """Anyone who is named, someone who stays is found."""
    assert successor({"backup_owner": backup})[0] == person


def test_someone_leaving_is_better_than_no_one() -> None:
    """And it is said."""
    entry = make_entry("x", owner=("ada@example.com",), backup_owner=("lea@example.com",))
    declared = EntryAssessment(entry=entry, state="not_found")
    people = (make_person("ada@example.com"), make_person("lea@example.com", status="leaving"))
    (item,) = handover(make_result(entries=(declared,)), people, people[0], TODAY).items
    assert item.successor == "lea@example.com"
    assert item.successor_evidence == "backup_owner in registry.csv:2; leaving, too"


def test_an_owner_is_not_their_own_backup() -> None:
    """For a backup owner, someone else than who answers already is sought."""
    facts = {
        "owner": ("other@example.com",),
        "backup_owner": ("ada@example.com",),
        "technical_owner": ("other@example.com",),
    }
    assert successor(facts)[0] == "asked@example.com"


def test_what_only_the_maker_knows_goes_to_who_answers() -> None:
    """The owner before the backup."""
    facts = {"owner": ("other@example.com",), "backup_owner": ("backup@example.com",)}
    assert successor(facts, created_by="ada@example.com")[0] == "other@example.com"
