"""Ownership: every sentence of its definition, and whom to ask."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scanner.model import Entry, MatchCandidate, Origin, OwnershipVerdict, RegistryVerdict
from scanner.ownership import is_machine, judge_ownership
from scanner.roster import Roster
from tests.factories import make_entry, make_identity, make_person

TODAY = date(2026, 11, 25)
ROSTER = Roster(
    [
        make_person("ada@example.com", id="E7"),
        make_person("lea@example.com", status="leaving", left_on=date(2026, 12, 31)),
        make_person("bob@example.com", status="left", left_on=date(2026, 8, 1), manager="eve@example.com", team="core"),
        make_person("eve@example.com", status="left", manager="E7"),
        make_person("loop@example.com", status="left", manager="loop@example.com"),
        make_person("cyd@example.com", team="core"),
        make_person("team:core"),
        make_person("team:empty", members=("bob@example.com",), manager="cyd@example.com"),
    ],
    TODAY,
)
REGISTERED = RegistryVerdict(state="registered", entry="NHI-1", rung="key", evidence="key x = registry.csv:2")


def judge(
    *entries: Entry,
    registry: RegistryVerdict = REGISTERED,
    roster: Roster | None = ROSTER,
    tags: dict[str, str] | None = None,
) -> OwnershipVerdict:
    return judge_ownership(
        make_identity(tags=tags or {}),
        registry,
        {entry.id: entry for entry in entries},
        roster,
        machines=lambda text: text == "deploy-role",
    )


def ambiguous(*entries: Entry) -> RegistryVerdict:
    candidates = tuple(MatchCandidate(entry=entry.id, score=1.0, evidence="key") for entry in entries)
    return RegistryVerdict(state="ambiguous", rung="key", evidence="key: 2 live entries", candidates=candidates)


def entry(owner: tuple[str, ...] = (), **facts: Any) -> Entry:
    return make_entry("x", owner=owner, **facts)


@pytest.mark.parametrize(
    ("facts", "state", "reason", "owner"),
    [
        pytest.param({"owner": ("ADA@example.com",)}, "owned", None, "ada@example.com", id="active"),
        pytest.param({"owner": ("e7",)}, "owned", None, "ada@example.com", id="by-roster-id"),
        pytest.param({"owner": ("lea@example.com",)}, "owned", None, "lea@example.com", id="leaving-but-here"),
        pytest.param({"owner": ("team:core",)}, "owned", None, "team:core", id="group-with-somebody"),
        pytest.param(
            {"owner": ("E7",), "backup_owner": ("lea@example.com",)},
            "owned",
            None,
            "ada@example.com",
            id="and-a-backup",
        ),
        pytest.param({"owner": ("bob@example.com", "E7")}, "owned", None, "ada@example.com", id="one-suffices"),
        pytest.param({}, "orphaned", "never_assigned", None, id="nobody-named"),
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
    """Whatever became of the owner, an active backup answers, and the verdict says that it is only that."""
    verdict = judge(entry(owner, backup_owner=("bob@example.com", "E7")))
    assert (verdict.state, verdict.owner, verdict.backup_only) == ("owned", "ada@example.com", True)


def test_a_backup_who_is_gone_keeps_nothing() -> None:
    """The owner's own reason stands."""
    assert judge(entry(("gus@x.y",), backup_owner=("bob@example.com",))).reason == "unresolvable"


def test_evidence_names_everybody_who_failed() -> None:
    """Each named owner is told with what became of them, by dates."""
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
    """Exempt ones need no owner, unchecked ones are not judged, and nobody answers for the undeclared."""
    verdict = judge(registry=registry, roster=roster)
    assert (verdict.state, verdict.reason) == (state, reason)


@pytest.mark.parametrize(
    ("facts", "state", "reason", "owner"),
    [
        pytest.param({"owner": ("ada@example.com",)}, "unchecked", None, "ada@example.com", id="named"),
        pytest.param({"owner": ("terraform",)}, "unchecked", None, "terraform", id="whoever-it-is"),
        pytest.param({"backup_owner": ("E7",)}, "unchecked", None, "E7", id="only-a-backup"),
        pytest.param({}, "orphaned", "never_assigned", None, id="nobody-named"),
    ],
)
def test_without_a_roster(facts: dict[str, Any], state: str, reason: str | None, owner: str | None) -> None:
    """A named owner cannot be checked; that nobody is named can be seen."""
    verdict = judge(entry(**facts), roster=None)
    assert (verdict.state, verdict.reason, verdict.owner, verdict.candidates) == (state, reason, owner, ())


@pytest.mark.parametrize(
    ("first", "second", "roster", "state", "reason"),
    [
        pytest.param(("E7",), ("ada@example.com",), ROSTER, "owned", None, id="same-person"),
        pytest.param(("E7", "lea@example.com"), ("ada@example.com",), ROSTER, "owned", None, id="one-in-common"),
        pytest.param(("E7",), ("lea@example.com",), ROSTER, "orphaned", "ambiguous", id="two-people"),
        pytest.param(("bob@example.com",), ("bob@example.com",), ROSTER, "orphaned", "ambiguous", id="same-but-gone"),
        pytest.param(("E7",), (), ROSTER, "orphaned", "ambiguous", id="one-names-nobody"),
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


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("terraform", True),
        ("CI", True),
        (" Jenkins ", True),
        ("root", True),
        ("admin@example.com", True),
        ("svc-deploy", True),
        ("renovate[bot]", True),
        ("arn:aws:iam::1:role/x", True),
        ("etl@p.iam.gserviceaccount.com", True),
        ("ada@example.com", False),
        ("administrative-services", False),
        ("circe", False),
        ("", False),
    ],
)
def test_the_deny_list(text: str, *, machine: bool) -> None:
    """Machines and shared accounts are told by whole words and by how their names begin and end."""
    assert is_machine(text) is machine


UNREGISTERED = RegistryVerdict(state="unregistered")


@pytest.mark.parametrize(
    ("tags", "people"),
    [
        pytest.param({"owner": "ada@example.com"}, [("ada@example.com", 0.9)], id="owner"),
        pytest.param(
            {"example.com/Owner-Email": "ADA@example.com"}, [("ada@example.com", 0.9)], id="as-people-write-it"
        ),
        pytest.param({"app:created_by": "E7"}, [("ada@example.com", 0.5)], id="creator"),
        pytest.param(
            {"created_by": "E7", "owner": "lea@example.com"},
            [("lea@example.com", 0.9), ("ada@example.com", 0.5)],
            id="best-first",
        ),
        pytest.param({"created_by": "E7", "owner": "E7"}, [("ada@example.com", 0.9)], id="best-signal-of-each"),
        pytest.param({"owner": "E7", "requester": "E7"}, [("ada@example.com", 0.9)], id="whatever-comes-last"),
        pytest.param({"team": "core"}, [("team:core", 0.6), ("cyd@example.com", 0.24)], id="group-and-its-members"),
        pytest.param(
            {"owner": "bob@example.com"},
            [("ada@example.com", 0.59), ("team:core", 0.45)],
            id="manager-up-the-line-and-team",
        ),
        pytest.param({"owner": "team:empty"}, [("cyd@example.com", 0.59)], id="manager-of-an-empty-group"),
        pytest.param({"owner": "loop@example.com"}, [], id="managers-in-a-circle"),
        pytest.param({"owner": "gus@example.com"}, [], id="not-on-the-roster"),
        pytest.param({"created_by": "terraform"}, [], id="a-machine"),
        pytest.param({"colour": "ada@example.com"}, [], id="a-tag-that-names-nobody"),
        pytest.param({"owner": ""}, [], id="empty"),
    ],
)
def test_candidates_from_tags(tags: dict[str, str], people: list[tuple[str, float]]) -> None:
    """Tags that name somebody active on the roster, or lead from somebody who is gone to who is near."""
    verdict = judge(registry=UNREGISTERED, tags=tags)
    assert [(one.person, one.score) for one in verdict.candidates] == people


@pytest.mark.parametrize(
    ("facts", "candidates"),
    [
        pytest.param(
            {"technical_owner": ("E7",)},
            [("ada@example.com", 0.75, "technical_owner E7 in registry.csv:2")],
            id="technical-owner",
        ),
        pytest.param({"built_by": "E7"}, [("ada@example.com", 0.5, "built_by E7 in registry.csv:2")], id="builder"),
        pytest.param(
            {"owner": ("gus@x.y",), "backup_owner": ("E7",)},
            [("ada@example.com", 0.8, "backup_owner E7 in registry.csv:2")],
            id="backup-only-needs-an-owner-too",
        ),
        pytest.param(
            {"owner": ("eve@example.com",)},
            [("ada@example.com", 0.55, "owner eve@example.com in registry.csv:2, whose manager this is")],
            id="manager-of-the-departed",
        ),
    ],
)
def test_candidates_from_the_entry(facts: dict[str, Any], candidates: list[tuple[str, float, str]]) -> None:
    """What the entry says of people beside its owner, with the place where it says so."""
    assert [(one.person, one.score, one.evidence) for one in judge(entry(**facts)).candidates] == candidates


def test_candidates_from_an_entry_that_might_stand_for_it() -> None:
    """A retired or likely entry's owner is a candidate as far as the entry itself is."""
    retired = entry(("E7",), id="OLD", status="retired", origin=Origin(file="registry.csv", row=9))
    likely = MatchCandidate(entry="OLD", score=0.5, evidence="name x = registry.csv:9 (retired)")
    verdict = judge(retired, registry=RegistryVerdict(state="unregistered", candidates=(likely,)))
    assert [(one.person, one.score) for one in verdict.candidates] == [("ada@example.com", 0.42)]


def test_the_owned_need_no_candidates() -> None:
    """Where somebody answers, nobody else is suggested."""
    assert judge(entry(("E7",), technical_owner=("cyd@example.com",))).candidates == ()
