"""What someone leaves behind: each role, who else answers, what to do, and what cannot be determined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.lifecycle.offboarding.handover import handover
from scanner.lifecycle.offboarding.records import Handover, HandoverItem
from scanner.model import (
    Assessment,
    Entry,
    EntryAssessment,
    MatchCandidate,
    NatureVerdict,
    Origin,
    OwnershipVerdict,
    Person,
    Privilege,
    RegistryVerdict,
    ScanResult,
    UsageVerdict,
)
from tests.factories import (
    make_assessment,
    make_coverage,
    make_credential,
    make_entry,
    make_identity,
    make_person,
    make_result,
)

TODAY = date(2026, 11, 25)
ADA = make_person("ada@example.com", id="E7", name="Ada Lovelace", status="leaving", left_on=date(2026, 12, 31))
PEOPLE = (
    ADA,
    make_person("bob@example.com"),
    make_person("gone@example.com", status="left"),
    make_person("team:solo", members=("E7", "gone@example.com")),
    make_person("team:both", members=("E7", "bob@example.com")),
    make_person("team:outer", members=("team:solo",)),
)
HUMAN = NatureVerdict(verdict="human")


def entry(**facts: Any) -> Entry:
    """An entry that names no one unless reported to."""
    return make_entry("svc-billing", **{"owner": (), **facts})


def registered(*agreeing: str, contradictions: tuple[str, ...] = (), **verdicts: Any) -> Assessment:
    """The identity that NHI-1 represents."""
    verdict = RegistryVerdict(
        state="registered", entry="NHI-1", rung="name", agreeing=agreeing, contradictions=contradictions
    )
    return make_assessment(**{"registry": verdict, "ownership": OwnershipVerdict(state="owned"), **verdicts})


def scan(*judged: Assessment, entries: Sequence[Entry] = (), **facts: Any) -> ScanResult:
    """A scan in which every entry is found, as the one identity there is."""
    found = tuple(EntryAssessment(entry=one, state="found", identities=("its key",)) for one in entries)
    return make_result(*judged, **{"entries": found, **facts})


def left_behind(result: ScanResult, people: Sequence[Person] = PEOPLE, person: Person = ADA) -> Handover:
    return handover(result, people, person, TODAY)


def the_item(result: ScanResult, people: Sequence[Person] = PEOPLE, person: Person = ADA) -> HandoverItem:
    (item,) = left_behind(result, people, person).items
    return item


@pytest.mark.parametrize(
    ("facts", "roles", "evidence"),
    [
        pytest.param({"owner": ("ada@example.com",)}, ["owner"], "owner ada@example.com in registry.csv:2", id="owner"),
        pytest.param({"owner": ("E7",)}, ["owner"], "owner E7 in registry.csv:2", id="by-id"),
        pytest.param({"owner": ("Ada Lovelace",)}, ["owner"], "owner Ada Lovelace in registry.csv:2", id="by-name"),
        pytest.param({"owner": ("Ada <ADA@example.com>",)}, ["owner"], None, id="by-address"),
        pytest.param({"technical_owner": ("E7",)}, ["technical_owner"], None, id="technical-owner"),
        pytest.param({"owner": ("bob@example.com",), "backup_owner": ("E7",)}, ["backup_owner"], None, id="backup"),
        pytest.param({"built_by": "ada"}, ["built_by"], "built_by ada in registry.csv:2", id="builder-by-user-name"),
        pytest.param({"approved_by": "E7"}, ["approved"], "approved_by E7 in registry.csv:2", id="approver"),
        pytest.param(
            {"owner": ("team:solo",)},
            ["last_active_member"],
            "no other active member in owner team:solo in registry.csv:2",
            id="last-of-a-group",
        ),
        pytest.param({"team": "team:outer"}, ["last_active_member"], None, id="last-of-a-nested-group"),
        pytest.param(
            {"owner": ("gone@example.com", "E7")},
            ["only_one_left", "owner"],
            "the other owners in registry.csv:2 are not active: gone@example.com",
            id="only-one-left",
        ),
        pytest.param(
            {"owner": ("gone@example.com",), "backup_owner": ("E7",)},
            ["only_one_left", "backup_owner"],
            None,
            id="only-the-backup-left",
        ),
    ],
)
def test_every_role_in_an_entry(facts: dict[str, Any], roles: list[str], evidence: str | None) -> None:
    """Whatever the column and however they are named there, with the place that says so; the highest severity first."""
    item = the_item(scan(registered(), entries=[entry(**facts)]))
    assert list(item.roles) == roles
    assert evidence is None or item.evidence[0] == evidence
    assert item.entries == ("NHI-1",)


@pytest.mark.parametrize(
    ("identity", "nature", "roles"),
    [
        pytest.param({"created_by": "ada@example.com"}, "non_human", ["created"], id="creator"),
        pytest.param(
            {"created_by": "arn:aws:sts::1:assumed-role/Admin/ada@example.com"}, "non_human", ["created"], id="session"
        ),
        pytest.param({"created_by": "ada@example.com (console)"}, "non_human", ["created"], id="e-mail-before-more"),
        pytest.param({"created_by": "arn:aws:iam::1:user/ops/ada"}, "non_human", ["created"], id="user-name-in-an-arn"),
        pytest.param({"tags": {"whatever": "ada@example.com"}}, "non_human", ["tagged"], id="e-mail-in-any-tag"),
        pytest.param({"tags": {"OwnerId": "E7"}}, "non_human", ["tagged"], id="id-in-a-tag-about-people"),
        pytest.param({"tags": {"note": "ask Ada Lovelace first"}}, "non_human", ["mentioned"], id="name-in-a-text"),
        pytest.param({"description": "of ada@example.com."}, "non_human", ["mentioned"], id="e-mail-in-a-description"),
        pytest.param({"aliases": ("ada@example.com",)}, "human", ["own_account"], id="own-account-by-alias"),
        pytest.param({"name": "ADA"}, "mixed", ["own_account"], id="own-account-by-user-name"),
        pytest.param({"name": "ada"}, "unknown", ["own_account"], id="an-account-whose-keys-were-not-read"),
    ],
)
def test_every_role_beside_the_registry(identity: dict[str, Any], nature: Any, roles: list[str]) -> None:
    """Creators, tags and accounts give even where no one declared anything."""
    judged = make_assessment(make_identity(**identity), nature=NatureVerdict(verdict=nature))
    assert list(the_item(scan(judged)).roles) == roles


@pytest.mark.parametrize(
    ("identity", "facts"),
    [
        pytest.param({}, {"owner": ("bob@example.com",)}, id="somebody-else's"),
        pytest.param({}, {"owner": ("team:both",)}, id="a-group-that-has-others"),
        pytest.param({"tags": {"cost-center": "E7"}}, {}, id="an-id-in-a-tag-about-something-else"),
        pytest.param({"tags": {"owner": "adama"}}, {}, id="part-of-a-name"),
        pytest.param({"created_by": "arn:aws:iam::1:role/ada@example.com.evil"}, {}, id="a-look-alike"),
        pytest.param({"name": "ada"}, {}, id="a-machine-of-that-name"),
    ],
)
def test_what_is_not_theirs(identity: dict[str, Any], facts: dict[str, Any]) -> None:
    """Only whole names count, and only where they can mean a person."""
    assert left_behind(scan(registered(identity=make_identity(**identity)), entries=[entry(**facts)])).items == ()


@pytest.mark.parametrize("owner", ["Ada Lovelace", "ada", "ada@elsewhere.com"], ids=["name", "user-name", "elsewhere"])
def test_a_name_that_another_person_has_too_only_may_mean_them(owner: str) -> None:
    """It may be the other one's, so it makes no one an owner; it is listed for a person to settle."""
    other = make_person("ada@example.org", name="Ada Lovelace")
    (item,) = left_behind(scan(registered(), entries=[entry(owner=(owner,))]), [*PEOPLE, other]).items

    assert item.roles == ("mentioned",)
    assert "which may be ada@example.com: " in item.evidence[0]


@pytest.mark.parametrize("status", ["active", "leaving", "left"])
def test_the_last_of_a_group_is_reported_before_and_after_the_last_day(status: Any) -> None:
    """Anyone who asks too late gets the same list."""
    ada = replace(ADA, status=status)
    item = the_item(scan(registered(), entries=[entry(owner=("team:solo",))]), [ada, *PEOPLE[1:]], ada)
    assert item.roles == ("last_active_member",)


DEC_20, DEC_24 = date(2026, 12, 20), date(2026, 12, 24)


@pytest.mark.parametrize(
    ("ada", "bob", "listed"),
    [
        pytest.param({"left_on": DEC_24}, {"left_on": DEC_20}, ["ada"], id="the-last-to-go"),
        pytest.param({"left_on": DEC_24}, {"left_on": DEC_24}, ["ada", "bob"], id="on-one-day"),
        pytest.param({"status": "leaving"}, {"status": "leaving"}, ["ada", "bob"], id="nobody-knows-when"),
        pytest.param({"status": "leaving"}, {"left_on": DEC_20}, ["ada", "bob"], id="of-one-nobody-knows-when"),
        pytest.param({}, {"left_on": DEC_20}, ["ada"], id="one-stays"),
        pytest.param({"left_on": date(2026, 11, 1)}, {"status": "leaving"}, ["bob"], id="one-has-gone"),
        pytest.param({"left_on": date(2026, 11, 1)}, {"left_on": date(2026, 11, 20)}, ["ada", "bob"], id="both-have"),
        pytest.param({"left_on": date.max}, {"left_on": DEC_20}, ["ada"], id="the-last-day-there-is"),
    ],
)
def test_a_group_of_which_all_leave_is_handed_over(ada: dict[str, Any], bob: dict[str, Any], listed: list[str]) -> None:
    """By anyone who goes last; where the days are not known, by everyone who may be the last."""
    people = [
        make_person("ada@example.com", **ada),
        make_person("bob@example.com", **bob),
        make_person("team:pay", members=("ada@example.com", "bob@example.com")),
    ]
    result = scan(registered(), entries=[entry(owner=("team:pay",))])

    handed_over = {one.email.partition("@")[0]: left_behind(result, people, one).items for one in people[:2]}

    assert [name for name, items in handed_over.items() if items] == listed
    assert {item.roles for items in handed_over.values() for item in items} == {("last_active_member",)}


def test_anyone_who_leaves_first_does_not_answer_afterwards() -> None:
    """What two own who both leave is urgent for the one who leaves last, and not for the other."""
    ada, bob = make_person("ada@example.com", left_on=DEC_24), make_person("bob@example.com", left_on=DEC_20)
    result = scan(registered(), entries=[entry(owner=("ada@example.com", "bob@example.com"))])

    last, first = the_item(result, [ada, bob], ada), the_item(result, [ada, bob], bob)

    assert (last.urgent, last.roles, last.successor) == (True, ("only_one_left", "owner"), None)
    assert (first.urgent, first.caveat) == (False, "the other owners are leaving, too: ada@example.com")


@pytest.mark.parametrize(
    ("facts", "urgent", "answering"),
    [
        pytest.param({"owner": ("E7",)}, True, (), id="owner-alone"),
        pytest.param({"owner": ("E7", "gone@example.com")}, True, (), id="the-others-are-gone"),
        pytest.param({"owner": ("E7", "team:solo")}, True, (), id="a-group-of-nobody-else"),
        pytest.param({"owner": ("E7", "nobody@example.com")}, True, (), id="not-on-the-roster"),
        pytest.param(
            {"owner": ("E7",), "technical_owner": ("bob@example.com",)}, True, (), id="technical-is-no-answer"
        ),
        pytest.param({"owner": ("E7", "bob@example.com")}, False, ("bob@example.com",), id="another-owner"),
        pytest.param({"owner": ("E7",), "backup_owner": ("team:both",)}, False, ("team:both",), id="a-backup-group"),
        pytest.param({"built_by": "E7"}, True, (), id="a-builder-where-nobody-answers"),
        pytest.param({"built_by": "E7", "owner": ("bob@example.com",)}, False, ("bob@example.com",), id="only-builder"),
    ],
)
def test_urgent_is_what_no_other_person_answers_for(
    facts: dict[str, Any], urgent: bool, answering: tuple[str, ...]
) -> None:
    """Owners count, or backup owners in their place, if they are still here when the leaver is not."""
    item = the_item(scan(registered(), entries=[entry(**facts)]))
    assert (item.urgent, item.answering) == (urgent, answering)


def test_an_owner_that_another_registry_names_answers_if_the_two_agree() -> None:
    """Entries that agree are one declaration; one that contradicts is shown, and no one answers through it."""
    first, second = entry(owner=("E7",)), entry(id="NHI-2", owner=("bob@example.com",))
    mine = entry(id="NHI-3", owner=("E7",))
    agreed = the_item(scan(registered("NHI-2"), entries=[first, second]))
    contradicted = the_item(scan(registered(contradictions=("NHI-2",)), entries=[first, second]))
    in_the_other = the_item(scan(registered(contradictions=("NHI-3",)), entries=[entry(), mine]))
    assert (agreed.urgent, contradicted.urgent) == (False, True)
    assert in_the_other.entries == ("NHI-3",)


@pytest.mark.parametrize(
    ("second", "urgent"),
    [
        pytest.param(("bob@example.com",), False, id="the-same-one"),
        pytest.param(("team:both",), True, id="another"),
        pytest.param((), True, id="nobody"),
    ],
)
def test_an_ambiguous_one_is_answered_for_by_who_all_entries_name(second: tuple[str, ...], urgent: bool) -> None:
    """And the step is to settle which of them represents it."""
    entries = [entry(id="A", owner=("E7", "bob@example.com")), entry(id="B", owner=second)]
    rivals = tuple(MatchCandidate(entry=one.id, score=1.0, evidence="key") for one in entries)
    item = the_item(
        scan(make_assessment(registry=RegistryVerdict(state="ambiguous", candidates=rivals)), entries=entries)
    )
    assert item.urgent is urgent
    assert item.next_step.startswith("Decide which entry declares it (A or B)")


def test_an_entry_that_is_only_alike_says_nothing() -> None:
    """A suggestion for an unregistered identity is no declaration."""
    alike = RegistryVerdict(state="unregistered", candidates=(MatchCandidate(entry="NHI-1", score=0.9, evidence="x"),))
    assert left_behind(scan(make_assessment(registry=alike), entries=[entry(owner=("E7",))])).items == ()


@pytest.mark.parametrize(
    ("facts", "usage", "step"),
    [
        pytest.param({"owner": ("E7",)}, "active", "Name bob@example.com as owner in NHI-1.", id="owner"),
        pytest.param(
            {"owner": ("E7",), "backup_owner": ("bob@example.com",)},
            "dormant",
            "Name bob@example.com as owner in NHI-1.",
            id="a-backup-becomes-owner",
        ),
        pytest.param(
            {"owner": ("E7", "bob@example.com")},
            "active",
            "Remove ada@example.com from NHI-1: bob@example.com owns it, too.",
            id="one-of-two",
        ),
        pytest.param(
            {"owner": ("E7",)},
            "dormant",
            "Disable it if there are no objections: nothing uses it. "
            "Otherwise: Name bob@example.com as owner in NHI-1.",
            id="unused",
        ),
        pytest.param(
            {"owner": ("bob@example.com",), "built_by": "E7"},
            "active",
            "Have ada@example.com document it for bob@example.com.",
            id="builder",
        ),
        pytest.param(
            {"built_by": "E7"},
            "active",
            "Name bob@example.com as owner in NHI-1: it has no active owner.",
            id="builder-of-what-nobody-owns",
        ),
        pytest.param(
            {"backup_owner": ("E7",)},
            "active",
            "Name bob@example.com as owner in NHI-1: it has no active owner.",
            id="backup-of-what-nobody-owns",
        ),
        pytest.param(
            {"owner": ("team:both",), "backup_owner": ("E7",)},
            "active",
            "Name bob@example.com as backup owner in NHI-1.",
            id="backup",
        ),
    ],
)
def test_the_next_step(facts: dict[str, Any], usage: Any, step: str) -> None:
    """It depends on the role, on who else is there, and on whether it is worth keeping."""
    judged = registered(usage=UsageVerdict(state=usage, window_days=90, evidence="x"))
    ada = replace(ADA, manager="bob@example.com")
    assert the_item(scan(judged, entries=[entry(**facts)]), [ada, *PEOPLE[1:]], ada).next_step == step


@pytest.mark.parametrize(
    ("state", "left_on", "becomes"),
    [
        pytest.param("owned", date(2026, 12, 31), "it becomes orphaned on their last day", id="still-here"),
        pytest.param("owned", date(2026, 11, 24), "it stays orphaned", id="already-gone"),
        pytest.param("orphaned", date(2026, 12, 31), "it stays orphaned", id="already-orphaned"),
    ],
)
def test_without_a_successor_it_is_reported_what_becomes_of_it(state: Any, left_on: date, becomes: str) -> None:
    """No one is made up."""
    ada = replace(ADA, left_on=left_on)
    judged = registered(ownership=OwnershipVerdict(state=state))
    item = the_item(scan(judged, entries=[entry(owner=("E7",))]), [ada], ada)
    assert item.successor is None
    assert item.next_step == (f"Name a successor as owner in NHI-1. No successor was found: {becomes}.")


def test_the_undeclared_is_declared_first() -> None:
    """No one can be named as owner where there is no entry."""
    judged = make_assessment(make_identity(created_by="ada@example.com"))
    assert the_item(scan(judged)).next_step.startswith("Declare it first, with a successor as owner.")


def test_without_a_registry_no_one_can_report_who_answers() -> None:
    """No one was asked to declare anything."""
    judged = make_assessment(make_identity(created_by="E7"), registry=RegistryVerdict(state="unchecked"))
    assert the_item(scan(judged)).urgent is None


def test_the_exempt_need_no_one() -> None:
    """The provider answers for it."""
    judged = make_assessment(
        make_identity(created_by="E7"),
        registry=RegistryVerdict(state="exempt", evidence="managed by AWS"),
        ownership=OwnershipVerdict(state="not_applicable"),
    )
    item = the_item(scan(judged))
    assert (item.urgent, item.next_step) == (False, "No successor is needed: managed by AWS.")


@pytest.mark.parametrize(
    ("facts", "nature", "person", "urgent", "step"),
    [
        pytest.param(
            {}, "human", ADA, True, "Disable it on 2026-12-31 and revoke 1 credential.", id="before-the-last-day"
        ),
        pytest.param(
            {}, "human", replace(ADA, left_on=None), True, "Disable it on their last day and revoke 1 credential.",
            id="no-last-day-known",
        ),
        pytest.param(
            {}, "human", replace(ADA, status="left"), True, "Disable it now and revoke 1 credential.", id="gone"
        ),
        pytest.param(
            {},
            "mixed",
            ADA,
            True,
            "First move what uses its keys to a separate identity. Disable it on 2026-12-31 and revoke "
            "1 credential.",
            id="machines-use-it",
        ),
        pytest.param(
            {"enabled": False},
            "human",
            ADA,
            False,
            "It is disabled: delete it once nothing refers to it.",
            id="already-off",
        ),
    ],
)  # fmt: skip
def test_their_own_account_is_switched_off(
    facts: dict[str, Any], nature: Any, person: Person, urgent: bool, step: str
) -> None:
    """With what it holds, and no one succeeds in it."""
    identity = make_identity(
        "ada", credentials=(make_credential("ada"), make_credential("ada", "OLD", enabled=False)), **facts
    )
    item = the_item(scan(make_assessment(identity, nature=NatureVerdict(verdict=nature))), [person], person)
    assert (item.urgent, item.successor, item.next_step) == (urgent, None, step)
    assert [one.id for one in item.credentials] == ["AKIAEXAMPLE1", "OLD"]


@pytest.mark.parametrize(
    ("state", "step", "caveat"),
    [
        pytest.param("not_found", "Retire NHI-1 if its identity is gone.", None, id="not-found"),
        pytest.param("proposed", "Name a successor as owner in NHI-1.", None, id="proposed"),
        pytest.param(
            "not_evaluated",
            "Name a successor as owner in NHI-1.",
            "whether its identity exists is unknown: iam.users denied",
            id="under-a-gap",
        ),
    ],
)
def test_an_entry_that_represents_nothing_is_theirs_as_well(state: Any, step: str, caveat: str | None) -> None:
    """Someone has to answer for it, or retire it."""
    judged = EntryAssessment(entry=entry(owner=("E7",)), state=state, evidence="iam.users denied")
    item = the_item(make_result(entries=(judged,)))
    assert (item.identity, item.entries, item.name, item.urgent) == (None, ("NHI-1",), "svc-billing", True)
    assert (item.privilege, item.usage) == (None, None)
    assert item.next_step.startswith(step)
    assert item.caveat == caveat


def test_a_retired_entry_without_anything_left_is_no_one_s_business() -> None:
    """That is the good end."""
    judged = EntryAssessment(entry=entry(owner=("E7",), status="retired"), state="retired")
    assert left_behind(make_result(entries=(judged,))).items == ()


@pytest.mark.parametrize(
    ("judged", "owner", "caveat"),
    [
        pytest.param({"rechecked": False}, (), "not re-checked by the last scan: as last known", id="carried"),
        pytest.param(
            {"identity": make_identity(created_by="E7", unread=("credentials",))},
            (),
            "could not be read: credentials",
            id="unread",
        ),
        pytest.param(
            {"registry": RegistryVerdict(state="unregistered", provisional=True)},
            (),
            "because of a gap, it is unknown whether it is registered",
            id="provisional",
        ),
        pytest.param(
            {},
            ("lea@example.com",),
            "the other owners are leaving, too: lea@example.com",
            id="the-others-leave-as-well",
        ),
        pytest.param({}, ("bob@example.com",), None, id="nothing"),
    ],
)
def test_what_is_not_known_is_reported(judged: dict[str, Any], owner: tuple[str, ...], caveat: str | None) -> None:
    """Nothing under a gap looks certain."""
    lea = make_person("lea@example.com", status="leaving")
    facts = {"identity": make_identity(created_by="E7"), **judged}
    assert the_item(scan(registered(**facts), entries=[entry(owner=owner)]), [*PEOPLE, lea]).caveat == caveat


def test_the_most_severe_come_first() -> None:
    """By privilege, then by role, then by key; entries that represent nothing last."""
    levels: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("c", "normal", {"tags": {"owner": "E7"}}),
        ("d", "normal", {"created_by": "E7"}),
        ("b", "unknown", {"created_by": "E7"}),
        ("a2", "admin", {"created_by": "E7"}),
        ("a1", "admin", {"created_by": "E7"}),
    )
    judged = [
        make_assessment(make_identity(name, **facts), privilege=Privilege(level=level)) for name, level, facts in levels
    ]
    declared = EntryAssessment(entry=entry(owner=("E7",)), state="not_found")
    names = [item.name for item in left_behind(make_result(*judged, entries=(declared,))).items]
    assert names == ["a1", "a2", "b", "d", "c", "svc-billing"]


STRANGER = Person(email="gus@example.com", origin=Origin(file="registry.csv", row=2))


@pytest.mark.parametrize(
    ("people", "person", "facts", "notices"),
    [
        pytest.param(PEOPLE, ADA, {}, [], id="all-well"),
        pytest.param(
            (), ADA, {},
            ["No roster was given: people are matched by text alone, and there are no successors to suggest."],
            id="no-roster",
        ),
        pytest.param(
            PEOPLE, STRANGER, {},
            ["gus@example.com is not on the roster, and was matched by this text alone."],
            id="a-unlisted_person",
        ),
        pytest.param(
            PEOPLE, ADA, {"coverage": (make_coverage(status="denied"),)},
            ["Incomplete: 1 section could not be read in full, so items may be missing."],
            id="a-gap",
        ),
        pytest.param(
            PEOPLE, ADA, {"identities": (make_assessment(registry=RegistryVerdict(state="unchecked")),)},
            ["The scan had no registry: only creators, tags and accounts show what is theirs."],
            id="no-registry",
        ),
    ],
)  # fmt: skip
def test_notices(people: Sequence[Person], person: Person, facts: dict[str, Any], notices: list[str]) -> None:
    """What weakens the whole list is said before it."""
    assert list(left_behind(make_result(**facts), people, person).notices) == notices


@pytest.mark.parametrize(
    ("owner", "urgent"),
    [(("ada@example.com",), True), (("ada@example.com", "bob@example.com"), None)],
    ids=["alone", "with-somebody-who-cannot-be-checked"],
)
def test_without_a_roster_it_uses_text(owner: tuple[str, ...], urgent: bool | None) -> None:
    """Whether the others named are still there cannot be determined, and no one is suggested."""
    item = the_item(scan(registered(), entries=[entry(owner=owner)]), ())
    assert (item.roles, item.urgent, item.successor) == (("owner",), urgent, None)


def test_who_is_not_on_the_roster_is_found_by_text() -> None:
    """Already deleted there, and still in the registry."""
    judged = registered(identity=make_identity(created_by="arn:aws:iam::1:user/gus"))
    item = the_item(scan(judged, entries=[entry(owner=("Gus@example.com", "bob@example.com"))]), PEOPLE, STRANGER)
    assert (item.roles, item.successor) == (("owner", "created"), "bob@example.com")


@pytest.mark.parametrize(
    ("facts", "evidence"),
    [
        pytest.param(
            {"purpose": "Ada Lovelace's report"}, "purpose Ada Lovelace's report in registry.csv:2", id="purpose"
        ),
        pytest.param(
            {"extra": {"Notes": "see ada@example.com"}}, "Notes see ada@example.com in registry.csv:2", id="extra"
        ),
        pytest.param(
            {"owner": ("alovelace",)},
            "owner alovelace in registry.csv:2, which may be ada@example.com: user name derived from the name",
            id="may-be-meant",
        ),
        pytest.param({"purpose": "adamant", "owner": ("Ada Byron",)}, None, id="neither-a-word-nor-another-ada"),
        pytest.param({"purpose": "not-ada@example.com"}, None, id="another-e-mail"),
    ],
)
def test_texts_that_mention_the_leaver(facts: dict[str, Any], evidence: str | None) -> None:
    """Whole names alone; what may be meant says why."""
    declared = EntryAssessment(entry=entry(**facts), state="not_found")
    found = [one for item in left_behind(make_result(entries=(declared,))).items for one in item.evidence]

    assert found == ([evidence] if evidence else [])


def test_a_handover_is_true_of_the_state() -> None:
    """Nothing retired gets an owner, and an account for emergencies is not deleted for want of use."""
    unused = UsageVerdict(state="dormant", window_days=90, evidence="x")
    retired = RegistryVerdict(state="registered", entry="NHI-1", retired=True)
    sealed = RegistryVerdict(state="registered", entry="NHI-1", break_glass=True)
    declared = entry(id="NHI-1", owner=("ada@example.com",))

    assert the_item(scan(registered(registry=retired), entries=(declared,))).next_step == (
        "Disable it, then delete it with its credentials: entry NHI-1 is retired or has expired."
    )
    step = the_item(scan(registered(registry=sealed, usage=unused), entries=(declared,))).next_step
    assert step.startswith("Name a successor as owner in NHI-1.")
