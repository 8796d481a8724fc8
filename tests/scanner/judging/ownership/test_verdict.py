"""Ownership: every sentence of its definition."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec import structs

from scanner.model import Entry, MatchCandidate, Origin, RegistryVerdict
from scanner.registry.roster import Roster
from tests.factories import make_entry, make_person
from tests.scanner.judging.ownership.people import LAST_DAY, ROSTER, TODAY, entry, judge


def ambiguous(*entries: Entry) -> RegistryVerdict:
    candidates = tuple(MatchCandidate(entry=entry.id, score=1.0, evidence="key") for entry in entries)
    return RegistryVerdict(state="ambiguous", rung="key", evidence="key: 2 live entries", candidates=candidates)


@pytest.mark.parametrize(
    ("facts", "state", "reason", "owner"),
    [
        pytest.param({"owner": ("ADA@example.com",)}, "owned", None, "ada@example.com", id="active"),
        pytest.param({"owner": ("e7",)}, "owned", None, "ada@example.com", id="by-roster-id"),
        pytest.param({"owner": ("lea@example.com",)}, "owned", None, "lea@example.com", id="leaving-but-here"),
        pytest.param({"owner": ("team:core",)}, "owned", None, "team:core", id="group-with-active-member"),
        pytest.param(
            {"owner": ("E7",), "backup_owner": ("lea@example.com",)},
            "owned",
            None,
            "ada@example.com",
            id="and-a-backup",
        ),
        pytest.param({"owner": ("bob@example.com", "E7")}, "owned", None, "ada@example.com", id="one-suffices"),
        pytest.param({}, "orphaned", "never_assigned", None, id="no-owner-named"),
        pytest.param(
            {"technical_owner": ("E7",)}, "orphaned", "never_assigned", None, id="technical-is-not-accountable"
        ),
        pytest.param({"team": "core"}, "orphaned", "never_assigned", None, id="team-is-not-accountable"),
        pytest.param({"owner": ("bob@example.com",)}, "orphaned", "departed", "bob@example.com", id="departed"),
        pytest.param(
            {"owner": ("gus@example.com",)}, "orphaned", "unresolvable", "gus@example.com", id="not-on-roster"
        ),
        pytest.param({"owner": ("team:empty",)}, "orphaned", "group_empty", "team:empty", id="group-without-anybody"),
        pytest.param({"owner": ("Terraform",)}, "orphaned", "owner_is_machine", "Terraform", id="on-the-deny-list"),
        pytest.param(
            {"owner": ("deploy-role",)}, "orphaned", "owner_is_machine", "deploy-role", id="discovered-machine"
        ),
        pytest.param(
            {"owner": ("gus@x.y", "bob@example.com")}, "orphaned", "unresolvable", "gus@x.y", id="first-reason"
        ),
    ],
)
def test_owned_or_orphaned_with_its_reason(
    facts: dict[str, Any], state: str, reason: str | None, owner: str | None
) -> None:
    """An accountable owner is an active person, or a group with one; anything else is orphaned, and says why."""
    verdict = judge(entry(**facts))
    assert (verdict.state, verdict.reason, verdict.owner, verdict.backup_only) == (state, reason, owner, False)


@pytest.mark.parametrize("owner", [(), ("bob@example.com",), ("gus@x.y",), ("team:empty",), ("root",)], ids=str)
def test_an_active_backup_keeps_it_owned(owner: tuple[str, ...]) -> None:
    """Whatever the owner's status, an active backup owner counts, and the verdict says that it is only a backup."""
    verdict = judge(entry(owner, backup_owner=("bob@example.com", "E7")))
    assert (verdict.state, verdict.owner, verdict.backup_only) == ("owned", "ada@example.com", True)


def test_a_backup_who_is_gone_keeps_nothing() -> None:
    """The owner's own reason is reported."""
    assert judge(entry(("gus@x.y",), backup_owner=("bob@example.com",))).reason == "unresolvable"


def test_evidence_names_everybody_who_failed() -> None:
    """Each named owner is reported with their status, by dates."""
    assert judge(entry(("bob@example.com", "gus@x.y", "ci"))).evidence == (
        "owner bob@example.com left on 2026-08-01; owner gus@x.y is not on the roster; owner ci is a machine"
    )


@pytest.mark.parametrize(
    ("registry", "state", "reason"),
    [
        pytest.param(RegistryVerdict(state="exempt", evidence="managed by AWS"), "not_applicable", None, id="exempt"),
        pytest.param(RegistryVerdict(state="unchecked"), "unchecked", None, id="no-registry"),
        pytest.param(RegistryVerdict(state="unregistered"), "orphaned", "unregistered", id="unregistered"),
    ],
)
@pytest.mark.parametrize("roster", [ROSTER, None], ids=["roster", "no-roster"])
def test_without_an_entry_the_registry_decides(
    registry: RegistryVerdict, state: str, reason: str | None, roster: Roster | None
) -> None:
    """Exempt identities need no owner, unchecked ones are not judged, and undeclared ones have none."""
    verdict = judge(registry=registry, roster=roster)
    assert (verdict.state, verdict.reason) == (state, reason)


@pytest.mark.parametrize(
    ("facts", "state", "reason", "owner"),
    [
        pytest.param({"owner": ("ada@example.com",)}, "unchecked", None, "ada@example.com", id="named"),
        pytest.param({"owner": ("terraform",)}, "unchecked", None, "terraform", id="whoever-it-is"),
        pytest.param({"backup_owner": ("E7",)}, "unchecked", None, "E7", id="only-a-backup"),
        pytest.param({}, "orphaned", "never_assigned", None, id="no-owner-named"),
    ],
)
def test_without_a_roster(facts: dict[str, Any], state: str, reason: str | None, owner: str | None) -> None:
    """A named owner cannot be checked; a missing one can."""
    verdict = judge(entry(**facts), roster=None)
    assert (verdict.state, verdict.reason, verdict.owner, verdict.candidates) == (state, reason, owner, ())
    assert (verdict.evidence == "there is no roster to resolve owners") is (state == "unchecked")


@pytest.mark.parametrize(
    ("first", "second", "roster", "state", "reason"),
    [
        pytest.param(("E7",), ("ada@example.com",), ROSTER, "owned", None, id="same-person"),
        pytest.param(("E7", "lea@example.com"), ("ada@example.com",), ROSTER, "owned", None, id="one-in-common"),
        pytest.param(("E7",), ("lea@example.com",), ROSTER, "orphaned", "ambiguous", id="two-people"),
        pytest.param(("bob@example.com",), ("bob@example.com",), ROSTER, "orphaned", "ambiguous", id="same-but-gone"),
        pytest.param(("E7",), (), ROSTER, "orphaned", "ambiguous", id="one-without-an-owner"),
        pytest.param((), (), ROSTER, "orphaned", "ambiguous", id="none-names-anybody"),
        pytest.param(("E7",), ("e7",), None, "unchecked", None, id="no-roster-same-name"),
        pytest.param(("E7",), ("ada@example.com",), None, "orphaned", "ambiguous", id="no-roster-two-names"),
        pytest.param((), (), None, "orphaned", "ambiguous", id="no-roster-no-names"),
    ],
)
def test_an_ambiguous_one_is_owned_only_by_a_common_owner(
    first: tuple[str, ...], second: tuple[str, ...], roster: Roster | None, state: str, reason: str | None
) -> None:
    """All candidate entries must lead to the same active owner."""
    entries = (entry(first, id="A"), entry(second, id="B"))
    verdict = judge(*entries, registry=ambiguous(*entries), roster=roster)
    assert (verdict.state, verdict.reason) == (state, reason)


AGREEING = RegistryVerdict(state="registered", entry="A", rung="key", agreeing=("B", "C"))


@pytest.mark.parametrize(
    ("owners", "roster", "state", "owner"),
    [
        pytest.param(
            ((), ("E7",), ("cyd@example.com",)), ROSTER, "owned", "ada@example.com", id="the-first-who-agrees"
        ),
        pytest.param((("cyd@example.com",), ("E7",), ()), ROSTER, "owned", "cyd@example.com", id="its-own-goes-first"),
        pytest.param((("bob@example.com",), (), ("E7",)), ROSTER, "owned", "ada@example.com", id="for-the-departed"),
        pytest.param((("bob@example.com",), (), ("gus@x.y",)), ROSTER, "orphaned", "bob@example.com", id="nobody-left"),
        pytest.param(((), (), ("E7",)), None, "unchecked", "E7", id="no-roster"),
        pytest.param(((), (), ()), None, "orphaned", None, id="no-roster-no-owner"),
    ],
)
def test_an_owner_in_another_registry_counts(
    owners: tuple[tuple[str, ...], ...], roster: Roster | None, state: str, owner: str | None
) -> None:
    """Entries that agree declare it together."""
    entries = [entry(named, id=name) for name, named in zip("ABC", owners, strict=True)]
    verdict = judge(*entries, registry=AGREEING, roster=roster)
    assert (verdict.state, verdict.owner) == (state, owner)


def test_an_owner_by_a_pattern_says_so() -> None:
    """The exact entry of another registry names none: its owner is the pattern's, and both places can be looked up."""
    exact = entry(id="A")
    pattern = make_entry("app-*", id="B", owner=("E7",), origin=Origin(file="groups.csv", row=7))
    verdict = judge(exact, pattern, registry=structs.replace(AGREEING, agreeing=("B",)))

    assert (verdict.state, verdict.owner) == ("owned", "ada@example.com")
    assert (verdict.evidence or "").endswith("; by the pattern app-* in groups.csv:7")


def test_what_agreeing_entries_lack_is_reported_once() -> None:
    """The same leaver in two entries is one reason, and all entries without an owner are named."""
    leaver = [entry(("bob@example.com",), id=name) for name in "ABC"]
    assert judge(*leaver, registry=AGREEING).evidence == "owner bob@example.com left on 2026-08-01"
    ownerless = [entry(id=name, origin=Origin(file=f"{name}.csv", row=2)) for name in "CBA"]
    assert judge(*ownerless, registry=AGREEING).evidence == "A.csv:2, B.csv:2, C.csv:2 name no owner"


@pytest.mark.parametrize(
    ("facts", "leaving", "last_day"),
    [
        pytest.param({"owner": ("lea@example.com",)}, ("lea@example.com",), LAST_DAY, id="leaving"),
        pytest.param({"owner": ("kim@example.com",)}, ("kim@example.com",), date(2026, 12, 15), id="by-date-alone"),
        pytest.param({"owner": ("max@example.com",)}, ("max@example.com",), None, id="day-unknown"),
        pytest.param(
            {"owner": ("max@example.com", "lea@example.com")},
            ("lea@example.com", "max@example.com"),
            None,
            id="one-day-unknown",
        ),
        pytest.param(
            {"owner": ("team:farewell",)}, ("kim@example.com", "lea@example.com"), LAST_DAY, id="everybody-in-the-team"
        ),
        pytest.param({"owner": ("team:changing",)}, (), None, id="one-in-the-team-stays"),
        pytest.param({"owner": ("lea@example.com", "E7")}, (), None, id="another-owner-stays"),
        pytest.param({"owner": ("lea@example.com", "bob@example.com")}, ("lea@example.com",), LAST_DAY, id="one-gone"),
        pytest.param(
            {"owner": ("lea@example.com",), "backup_owner": ("E7",)},
            ("lea@example.com",),
            LAST_DAY,
            id="a-backup-stays",
        ),
        pytest.param({"backup_owner": ("lea@example.com",)}, ("lea@example.com",), LAST_DAY, id="the-backup-leaves"),
        pytest.param({"owner": ("E7",)}, (), None, id="none-leaves"),
    ],
)
def test_owners_who_are_about_to_leave(facts: dict[str, Any], leaving: tuple[str, ...], last_day: date | None) -> None:
    """The active owners, if none of them stays, and the last day of the last one, if all are known."""
    verdict = judge(entry(**facts))
    assert (verdict.state, verdict.leaving, verdict.last_day) == ("owned", leaving, last_day)


def test_a_common_owner_of_an_ambiguous_one_may_be_leaving_too() -> None:
    """It is owned, and not for long."""
    entries = (entry(("lea@example.com",), id="A"), entry(("lea@example.com", "E7"), id="B"))
    verdict = judge(*entries, registry=ambiguous(*entries))
    assert (verdict.owner, verdict.leaving, verdict.last_day) == ("lea@example.com", ("lea@example.com",), LAST_DAY)


def test_of_several_common_owners_the_first_by_name_is_reported() -> None:
    """The order in which entries name them never matters."""
    both = ("cyd@example.com", "ada@example.com")
    entries = (entry(both, id="A"), entry(both[::-1], id="B"))
    assert judge(*entries, registry=ambiguous(*entries)).owner == "ada@example.com"


def test_a_common_owner_who_is_but_a_backup_somewhere_is_a_backup() -> None:
    """One of the entries has no other owner."""
    entries = (entry(("E7",), id="A"), entry((), id="B", backup_owner=("E7",)))
    verdict = judge(*entries, registry=ambiguous(*entries))
    assert (verdict.state, verdict.owner, verdict.backup_only) == ("owned", "ada@example.com", True)


@pytest.mark.parametrize(
    ("facts", "team"),
    [
        pytest.param({"owner": ("cyd@example.com",)}, "core", id="the-owners"),
        pytest.param({"owner": ("cyd@example.com",), "team": "billing"}, "billing", id="the-entrys-first"),
        pytest.param({"owner": ("bob@example.com",)}, "core", id="of-one-who-left"),
        pytest.param({"owner": ("team:core",)}, "core", id="a-group-is-its-own"),
        pytest.param({"owner": ("E7",)}, None, id="of-a-person-without-one"),
        pytest.param({"team": "billing"}, "billing", id="without-an-owner"),
    ],
)
def test_the_team_it_belongs_to(facts: dict[str, Any], team: str | None) -> None:
    """As the entry says, else as the roster says of the owner, who may have left."""
    assert judge(entry(**facts)).team == team


def test_an_undeclared_identity_has_no_team() -> None:
    """Nothing says so."""
    assert judge(registry=RegistryVerdict(state="unregistered")).team is None


@pytest.mark.parametrize(
    ("owners", "state", "reason"),
    [
        (("dim@x",), "unchecked", None),
        (("gone@x", "dim@x"), "unchecked", None),
        (("team:dim",), "unchecked", None),
        (("team:loop",), "unchecked", None),
        (("dim@x", "ada@x"), "owned", None),
        (("past@x",), "orphaned", "departed"),
        (("gone@x",), "orphaned", "departed"),
    ],
)
def test_an_owner_of_unknown_status_is_no_answer(owners: tuple[str, ...], state: str, reason: str | None) -> None:
    """Neither owned nor orphaned, unless somebody else decides; also through groups, which may contain each other."""
    people = (
        make_person("ada@x"),
        make_person("dim@x", status="unknown"),
        make_person("past@x", status="unknown", left_on=TODAY - timedelta(days=9)),
        make_person("gone@x", status="left"),
        make_person("team:dim", members=("dim@x", "gone@x")),
        make_person("team:loop", members=("team:loop", "team:dim")),
    )

    found = judge(entry(owners), roster=Roster(people, TODAY))

    assert (found.state, found.reason) == (state, reason)
