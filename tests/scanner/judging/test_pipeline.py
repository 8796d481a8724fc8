"""The pipeline over several nights: what a gap must not change, and what may be new when it closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from scanner.discovery.inventory import Inventory, ScopeReading, join
from scanner.judging.last_known.remembered import Remembered, filled
from scanner.judging.pipeline import Declared, judge
from scanner.matching.places import SourceRef
from scanner.model import (
    Assessment,
    Assignment,
    Coverage,
    CoverageStatus,
    Entry,
    Finding,
    Identity,
    KnownFinding,
    Link,
    Origin,
    Privilege,
    ScanInfo,
    ScanResult,
    Takeover,
    TokenSubject,
    Trust,
    Way,
    Workload,
)
from scanner.model.attributes import UNLISTED
from scanner.rules.next_step import next_step
from tests.factories import NOW, make_assignment, make_coverage, make_credential, make_entry, make_identity, make_person

FIRST, SECOND = "111111111111", "222222222222"


def _coverage(scope: str, status: CoverageStatus = "complete", **facts: object) -> Coverage:
    defaults: dict[str, object] = {"section": "iam.users", "kinds": ("user", "role"), "rungs": ("key", "name")}
    return msgspec.convert(
        {"source": "prod", "provider": "aws", "scope": scope, "status": status, **defaults, **facts}, Coverage
    )


def _night(
    number: int,
    identities: Sequence[Identity],
    coverage: Sequence[Coverage],
    before: ScanResult | None = None,
    entries: Sequence[Entry] = (),
    workloads: Sequence[Workload] = (),
    assignments: Sequence[Assignment] = (),
    lists: Sequence[str] = (),
) -> ScanResult:
    """One scan, remembering all of the one before."""
    remembered = Remembered()
    if before is not None:
        remembered = Remembered(
            assessments=tuple(before.identities),
            secrets=tuple(before.secrets),
            workloads=tuple(before.workloads),
            assignments=tuple(before.assignments),
            entries=tuple(before.entries),
            findings=tuple(before.findings),
            known={
                one.fingerprint: KnownFinding(one.first_seen, one.severity)
                for one in before.findings
                if not one.held_back
            },
        )
    moment = NOW + timedelta(days=number)
    sources = (SourceRef(name="prod", provider="aws"), *(SourceRef(name=list_, provider="file") for list_ in lists))
    declared = Declared(entries=tuple(entries), sources=sources)
    of_lists = [identity for identity in identities if identity.source in lists]
    reading = ScopeReading(
        source="prod",
        scope="s",
        identities=tuple(identity for identity in identities if identity.source not in lists),
        workloads=tuple(workloads),
        assignments=tuple(assignments),
    )
    listed = [ScopeReading(source=one.source, scope="s", identities=(one,)) for one in of_lists]
    inventory = join([reading, *listed], {"prod": 0, **dict.fromkeys(lists, 2)})
    inventory = msgspec.structs.replace(inventory, coverage=tuple(coverage))
    info = ScanInfo(id=f"night-{number}", started_at=moment, finished_at=moment, version="0")
    return judge(inventory, declared, remembered, info)


def _new(result: ScanResult) -> list[str]:
    return [finding.rule for finding in result.findings if finding.new]


def _of(result: ScanResult, rule: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.rule == rule]


def test_a_rotated_key_is_gone_under_a_lasting_gap_elsewhere() -> None:
    """A report that is denied for good keeps no deleted key alive, nor makes two keys of one."""
    gap = (_coverage(FIRST), _coverage(FIRST, "denied", section="iam.credential_report", kinds=()))
    night = None
    for number, key in enumerate(("AKIAOLD", "AKIANEW", "AKIANEW")):
        user = make_identity("svc", scope=FIRST, credentials=(make_credential("svc", key),), unread=("use",))
        night = _night(number, [user], gap, night)

    assert night is not None
    assert [credential.id for credential in night.identities[0].identity.credentials] == ["AKIANEW"]
    assert _of(night, "two_active_keys") == []


def test_keys_that_could_not_be_listed_stay_as_last_known() -> None:
    """And with them what was found about them; when they are listed again, nothing is new."""
    user = make_identity("svc", scope=FIRST, credentials=(make_credential("svc", "AKIA1"),))
    blind = msgspec.structs.replace(user, credentials=(), unread=("credentials",))
    denied = _coverage(FIRST, "denied", section="iam.access_keys", kinds=(), rungs=("credential",))

    first = _night(0, [user], [_coverage(FIRST)])
    second = _night(1, [blind], [_coverage(FIRST), denied], first)
    third = _night(2, [user], [_coverage(FIRST)], second)

    assert [credential.id for credential in second.identities[0].identity.credentials] == ["AKIA1"]
    assert [len(_of(night, "credential_too_old")) for night in (first, second, third)] == [1, 1, 1]
    assert (_new(second), _new(third)) == ([], [])


def test_an_expired_certificate_ends_with_its_findings() -> None:
    """Where the provider lists none; one that is listed elsewhere stays, with what was found of it."""
    facts = {"kind": "certificate", "created_at": NOW - timedelta(days=900), "expires_at": NOW + timedelta(hours=36)}
    signed = make_credential("svc", "signed", **facts, attributes={UNLISTED: True})
    held = make_credential("svc", "held", **facts)
    user = make_identity("svc", scope=FIRST, credentials=(signed, held), unread=("credentials",))
    blind = msgspec.structs.replace(user, credentials=())

    night = _night(0, [user], [_coverage(FIRST)])
    said = []
    for number in (1, 2, 3):
        night = _night(number, [blind], [_coverage(FIRST)], night)
        too_long = [one.credential for one in _of(night, "credential_lives_too_long")]
        said.append(([one.id for one in night.identities[0].identity.credentials], sorted(too_long, key=str)))

    both = (["held", "signed"], sorted((signed.key, held.key)))
    assert said == [both, (["held"], [held.key]), (["held"], [held.key])]


_KEY = make_credential("svc", "AKIA1", last_used_at=NOW - timedelta(days=200))
_OTHER_KEY = make_credential("svc", "AKIA2", use_tracked_days=None)
_SIGNED_OFF: dict[str, Any] = {"enabled": False, "credentials": ()}


@pytest.mark.parametrize(
    ("unread", "facts", "standing"),
    [
        (("use",), {}, ["credential_unused", "dormant"]),
        (("use",), {"credentials": ()}, ["dormant"]),
        (("use",), {"credentials": (_OTHER_KEY,)}, ["dormant"]),
        (("use",), {"credentials": (msgspec.structs.replace(_KEY, enabled=False),)}, ["dormant"]),
        (("use",), {"enabled": False}, []),
        (("use",), {"managed_by": "AWS"}, []),
        (("use", "credentials"), {"credentials": ()}, ["credential_unused", "dormant"]),
        (("use", "credentials"), _SIGNED_OFF, []),
    ],
    ids=["as it was", "deleted", "rotated", "key disabled", "disabled", "managed", "not listed", "disabled unlisted"],
)
def test_what_was_read_mends_a_finding_though_use_can_never_be_read(
    unread: tuple[Any, ...], facts: dict[str, Any], standing: list[str]
) -> None:
    """Its key is deleted, or it is disabled itself: use does not matter any more."""
    idle = NOW - timedelta(days=200)
    user = make_identity("svc", scope=FIRST, credentials=(_KEY,), last_used_at=idle)
    blind: dict[str, Any] = {"use_tracked_days": None, "last_used_at": None, "unread": unread}
    blind["credentials"] = (msgspec.structs.replace(_KEY, use_tracked_days=None, last_used_at=None),)
    gap = _coverage(FIRST, "denied", section="reports.sign_ins", kinds=())

    first = _night(0, [user], [_coverage(FIRST)])
    second = _night(1, [msgspec.structs.replace(user, **{**blind, **facts})], [_coverage(FIRST), gap], first)

    asked = ["credential_unused", "dormant"]
    found = [sorted(finding.rule for finding in night.findings if finding.rule in asked) for night in (first, second)]
    assert found == [asked, standing]


def test_a_key_that_is_only_remembered_has_not_newly_expired() -> None:
    """It is unknown whether it still exists, so its earlier finding stays."""
    idle, end = NOW - timedelta(days=200), NOW + timedelta(hours=12)
    secret = make_credential("svc", "s-1", kind="client_secret", last_used_at=idle, expires_at=end)
    user = make_identity("svc", scope=FIRST, credentials=(secret,))
    blind = msgspec.structs.replace(user, credentials=(), unread=("credentials",))
    denied = _coverage(FIRST, "denied", section="iam.access_keys", kinds=(), rungs=("credential",))
    gap = [_coverage(FIRST), denied]

    first = _night(0, [user], [_coverage(FIRST)])
    hidden = _night(1, [blind], gap, first)
    read = _night(1, [user], [_coverage(FIRST)], first)
    kept = _night(2, [blind], gap, read)

    found = [[one.rechecked for one in _of(night, "credential_expired")] for night in (first, hidden, read, kept)]
    assert found == [[], [], [True], [False]]
    assert [len(_of(night, "credential_unused")) for night in (first, hidden, read, kept)] == [1, 1, 0, 0]


def test_a_key_that_was_listed_has_expired_though_another_list_was_not_read() -> None:
    """Beside it is a key that only the last scan had, which may be gone."""
    end = NOW + timedelta(hours=12)
    listed, hidden = (make_credential("svc", one, kind="client_secret", expires_at=end) for one in ("s-1", "s-2"))
    user = make_identity("svc", scope=FIRST, credentials=(listed, hidden))
    half = msgspec.structs.replace(user, credentials=(listed,), unread=("credentials",))
    denied = _coverage(FIRST, "denied", section="iam.access_keys", kinds=(), rungs=("credential",))

    first = _night(0, [user], [_coverage(FIRST)])
    second = _night(1, [half], [_coverage(FIRST), denied], first)

    assert [one.credential for one in _of(second, "credential_expired")] == [listed.key]
    assert len(second.identities[0].identity.credentials) == 2


@pytest.mark.parametrize("unlooked", [(), (_coverage(FIRST, "denied"),)], ids=["not scanned", "denied"])
def test_a_list_that_names_it_is_no_look_at_it(unlooked: tuple[Coverage, ...]) -> None:
    """Its keys and rights stay as last seen, and so does its entry, until the better source is read again."""
    admin = Privilege(level="admin", evidence=("all of it",))
    key = f"arn:aws:iam::{FIRST}:user/svc"
    keys = (make_credential("svc", "AKIA1"),)
    user = make_identity("svc", key=key, scope=FIRST, privilege=admin, credentials=keys)
    gone = make_identity("gone", key=f"{key}-2", scope=FIRST)
    named = make_identity("svc", key=key, scope=FIRST, source="bots", privilege=Privilege(level="unknown"))
    listed = _coverage(FIRST, source="bots", kinds=("*",))
    entries = [make_entry(one.key, id=one.name, provider="aws", scope=FIRST) for one in (user, gone)]

    first = _night(0, [user, named, gone], [_coverage(FIRST), listed], entries=entries, lists=["bots"])
    second = _night(1, [named], [*unlooked, listed], first, entries=entries, lists=["bots"])
    third = _night(2, [user, named, gone], [_coverage(FIRST), listed], second, entries=entries, lists=["bots"])

    assert [identity.rechecked for identity in second.identities] == [False, False]
    assert [assessment.identity for assessment in second.identities] == [
        assessment.identity for assessment in first.identities
    ]
    assert [(entry.state, entry.rechecked) for entry in second.entries] == [("found", False)] * 2
    found = [{finding.fingerprint for finding in night.findings} for night in (first, second, third)]
    assert found == [found[0]] * 3
    assert (_new(second), _new(third)) == ([], [])


def test_permissions_that_could_not_be_read_mend_nothing() -> None:
    """An administrator does not become harmless because permissions could not be read."""
    admin = make_identity("svc", scope=FIRST, privilege=Privilege(level="admin", evidence=("all of it",)))
    blind = msgspec.structs.replace(admin, privilege=Privilege(level="unknown"), unread=("permissions",))

    first = _night(0, [admin], [_coverage(FIRST)])
    second = _night(1, [blind], [_coverage(FIRST), _coverage(FIRST, "denied", section="iam.policies", kinds=())], first)

    assert second.identities[0].privilege.level == "admin"
    assert len(_of(second, "admin")) == 1


def test_an_account_that_was_not_read_hides_no_path_through_it() -> None:
    """An identity that could become an admin of the other account still can, as far as is known."""
    caller = make_identity("caller", key=f"arn:aws:iam::{FIRST}:role/caller", scope=FIRST, kind="role")
    caller = msgspec.structs.replace(
        caller, privilege=Privilege(level="normal"), reach=(Way(kind="assume", on=("*",)),)
    )
    trust = Trust(principal=caller.key, kind="principal", external=True, restriction="exact", evidence="trust policy")
    admin = make_identity("admin", key=f"arn:aws:iam::{SECOND}:role/admin", scope=SECOND, kind="role", trusts=(trust,))
    admin = msgspec.structs.replace(admin, privilege=Privilege(level="admin"))

    first = _night(0, [caller, admin], [_coverage(FIRST), _coverage(SECOND)])
    second = _night(1, [caller], [_coverage(FIRST), _coverage(SECOND, "denied")], first)

    levels = [
        {assessment.identity.name: assessment.privilege.level for assessment in night.identities}
        for night in (first, second)
    ]
    assert levels == [{"caller": "escalation", "admin": "admin"}] * 2
    assert [link.target for assessment in second.identities for link in assessment.identity.links] == [admin.key]


def test_a_finding_under_a_gap_is_new_once_and_registration_waits_for_the_gap() -> None:
    """Facts outside the gap are announced at once; that the identity is undeclared, when the gap has closed."""
    gap = _coverage(FIRST, "denied", section="iam.access_keys", kinds=(), rungs=("credential",))
    quiet = make_identity("quiet", scope=FIRST, privilege=Privilege(level="normal"))
    admin = make_identity("admin", scope=FIRST, privilege=Privilege(level="admin"))

    first = _night(0, [quiet], [_coverage(FIRST)], entries=[make_entry("quiet")])
    second = _night(1, [quiet, admin], [_coverage(FIRST), gap], first, entries=[make_entry("quiet")])
    third = _night(2, [quiet, admin], [_coverage(FIRST)], second, entries=[make_entry("quiet")])
    fourth = _night(3, [quiet, admin], [_coverage(FIRST)], third, entries=[make_entry("quiet")])

    assert ("admin" in _new(second), "unregistered" in _new(second)) == (True, False)
    assert _new(third) == ["unregistered"]
    assert _new(fourth) == []


def test_a_known_finding_is_not_news_because_a_gap_came_and_went() -> None:
    """It was announced before the gap."""
    gap = _coverage(FIRST, "denied", section="iam.access_keys", kinds=(), rungs=("credential",))
    user = make_identity("svc", scope=FIRST)

    first = _night(0, [user], [_coverage(FIRST)])
    second = _night(1, [user], [_coverage(FIRST), gap], first)
    third = _night(2, [user], [_coverage(FIRST)], second)

    assert [_new(night) for night in (first, second, third)] == [[], [], []]
    assert len(_of(third, "unregistered")) == 1


def test_places_that_were_not_read_are_announced() -> None:
    """A source that was left out and a scope that vanished: nothing in them is gone, and it is said."""
    here, there = make_identity("here", scope=FIRST), make_identity("there", scope=SECOND)

    first = _night(0, [here, there], [_coverage(FIRST), _coverage(SECOND)])
    second = _night(1, [here], [_coverage(FIRST)], first)
    third = _night(2, [], [], first)

    assert {assessment.identity.name: assessment.rechecked for assessment in second.identities} == {
        "here": True,
        "there": False,
    }
    assert second.notices[0] == (f"source prod no longer lists {SECOND}: 1 identity of {SECOND} shown as last seen")
    assert third.notices[0].startswith("source prod was not scanned")


def _rows(*names: str) -> list[Entry]:
    """A registry without ids: entries are called after their rows."""
    return [
        make_entry(name, id=f"r.csv:{row}", has_own_id=False, origin=Origin(file="r.csv", row=row))
        for row, name in enumerate(names, start=2)
    ]


def test_entries_called_after_their_rows_are_followed_when_these_move() -> None:
    """Under a gap each entry stays the same, wherever its row is now, and so do its matches."""
    found = [make_identity(name, scope=FIRST) for name in ("alpha", "beta")]
    before = _night(0, found, [_coverage(FIRST)], entries=_rows("alpha", "beta", "gamma"))
    after = _night(1, [], [_coverage(FIRST, "failed")], before, _rows("gamma", "alpha", "beta"))

    states = {entry.entry.identities[0]: entry.state for entry in after.entries}
    assert states == {"alpha": "found", "beta": "found", "gamma": "not_found"}
    assert {assessment.identity.name: assessment.registry.entry for assessment in after.identities} == {
        "alpha": "r.csv:3",
        "beta": "r.csv:4",
    }
    assert [finding.entry for finding in _of(after, "entry_not_found")] == ["r.csv:2"]


def test_a_cell_with_several_names_stays_split_over_the_nights() -> None:
    """A deleted identity, a gap and a moved row change nothing about the others that the cell names."""
    three = [make_identity(name, scope=FIRST) for name in ("alpha", "beta", "gamma")]
    read, entries = [_coverage(FIRST)], _rows("alpha, beta und gamma")
    first = _night(0, three, read, entries=entries)
    deleted = _night(1, three[:2], read, first, entries)
    unread = _night(2, [], [_coverage(FIRST, "failed")], deleted, entries)
    moved = _night(3, three[:2], read, unread, _rows("other", "alpha, beta und gamma"))

    for night in (first, deleted, unread, moved):
        states = {one.identity.name: (one.registry.state, one.registry.entry) for one in night.identities}
        assert {state for state, _ in states.values()} == {"registered"}, states
    assert [entry.state for entry in moved.entries] == ["not_found", "found"]
    assert not _new(deleted)
    assert not [one for one in (*first.notices, *deleted.notices) if "alpha" in one]


def test_a_cell_that_names_something_unknown_is_a_candidate_on_both_sides() -> None:
    found = _night(0, [make_identity("svc-b", scope=FIRST)], [_coverage(FIRST)], entries=_rows("svc-a / svc-b"))
    (one,), (entry,) = found.identities, found.entries
    assert one.registry.state == "unregistered"
    assert one.registry.look_alike is None, "a separator is no disguise"
    assert [candidate.entry for candidate in one.registry.candidates] == [entry.entry.id]
    assert [candidate.identity for candidate in entry.candidates] == [one.identity.key]
    assert 'r.csv:2: of "svc-a / svc-b", svc-b may be meant; svc-a was not found' in found.notices[0]


def test_a_known_finding_on_an_entry_is_not_news_because_its_row_moved() -> None:
    """The row that takes the place of another is news, though."""
    found, read = [make_identity("alpha", scope=FIRST)], [_coverage(FIRST)]
    before = _night(0, found, read, entries=_rows("alpha", "gamma"))
    moved = _night(1, found, read, before, _rows("gamma", "alpha"))
    replaced = _night(2, found, read, moved, _rows("delta", "alpha"))

    assert _of(moved, "entry_not_found")[0].entry == "r.csv:2"
    assert "entry_not_found" not in _new(moved)
    assert "entry_not_found" in _new(replaced)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "found"),
        ({"owner": ("bob@example.com",)}, "found"),
        ({"identities": ("zeta",)}, "not_evaluated"),
        ({"provider": "azure"}, "not_evaluated"),
        ({"status": "retired"}, "not_evaluated"),
    ],
    ids=["the same", "another owner", "another identity", "another place", "another status"],
)
def test_an_entry_that_says_something_else_has_nothing_to_remember(facts: dict[str, Any], state: str) -> None:
    """What was found of the old entry is no evidence for the new one, and what wasn't is none against it."""
    before = _night(0, [make_identity("alpha", scope=FIRST)], [_coverage(FIRST)], entries=[make_entry("alpha")])
    changed = make_entry(*facts.pop("identities", ("alpha",)), **facts)
    after = _night(1, [], [_coverage(FIRST, "failed")], before, [changed])

    assert after.entries[0].state == state


def test_the_creator_is_remembered() -> None:
    """Audit logs expire; a recreated identity can have another creator."""
    kept, remade = (make_identity(name, scope=FIRST, unique_id="AIDA1") for name in ("kept", "remade"))
    creators = {kept.key: ("AIDA1", "ada@example.com"), remade.key: ("AIDA0", "ada@example.com")}
    inventory = filled(Inventory(identities=(kept, remade)), Remembered(creators=creators), [], NOW)

    assert [identity.created_by for identity in inventory.identities] == ["ada@example.com", None]


def test_last_known_workloads_stay_until_they_are_read() -> None:
    """Under a gap anywhere in the scope nothing that ran there is gone."""
    role = make_identity("etl", scope=FIRST)
    function = Workload(
        key="f", provider="aws", source="prod", scope=FIRST, kind="lambda_function", name="f", runs_as=(role.key,)
    )
    read, unread = _coverage(FIRST), _coverage(FIRST, "denied", section="lambda.functions", kinds=())
    before = _night(0, [role], [read], workloads=[function])
    gap = _night(1, [role], [read, unread], before)
    gone = _night(2, [role], [read], gap)

    assert [night.workloads for night in (before, gap, gone)] == [(function,), (function,), ()]
    assert [night.identities[0].consumers for night in (before, gap, gone)] == [("f",), ("f",), ()]
    assert [night.summary.workloads for night in (before, gap, gone)] == [1, 1, 0]


ADMIN = Privilege(level="admin", evidence=("Owner of everything",))
NOT_READ: dict[str, Any] = {"section": "arm.assignments", "kinds": (), "feeds": ("permissions",)}


def test_last_known_rights_stay_until_they_are_read() -> None:
    """Under a gap at the place of assignments, none is lost; where none is known, privileges are unknown."""
    holder, other = (
        make_identity(name, scope=FIRST, unique_id=f"AROA-{name}", privilege=Privilege(level="normal"))
        for name in ("holder", "other")
    )
    right = make_assignment("AROA-holder", provider="aws", scope=SECOND, privilege=ADMIN)
    read, unread = _coverage(FIRST), _coverage(SECOND, "denied", **NOT_READ)
    there = _coverage(SECOND, **NOT_READ)
    before = _night(0, [holder, other], [read, there], assignments=[right])
    gap = _night(1, [holder, other], [read, unread], before)
    gone = _night(2, [holder, other], [read, there], gap)

    levels = [[identity.privilege.level for identity in night.identities] for night in (before, gap, gone)]
    assert levels == [["admin", "normal"], ["admin", "unknown"], ["normal", "normal"]]
    assert [night.assignments for night in (before, gap, gone)] == [(right,), (right,), ()]
    assert [night.identities[0].identity.grants for night in (before, gap, gone)] == [
        (right.grant,),
        (right.grant,),
        (),
    ]
    assert gap.identities[1].privilege.evidence == (f"arm.assignments of {SECOND} could not be read (denied)",)
    assert [night.summary.assignments for night in (before, gap, gone)] == [1, 1, 0]


def test_a_right_leads_on_through_others() -> None:
    """To identities that can escalate; under a condition it is high at most."""
    names = ("admin", "becomes", "may", "deploys")
    admin, becomes, may, deploys = (
        make_identity(name, scope=FIRST, unique_id=f"AROA-{name}", privilege=Privilege(level="normal"))
        for name in names
    )
    facts: dict[str, Any] = {"provider": "aws", "scope": SECOND}
    rights = [
        make_assignment("AROA-admin", key="1", privilege=ADMIN, **facts),
        make_assignment("AROA-becomes", key="2", becomes=(admin.key,), **facts),
        make_assignment("AROA-may", key="3", becomes=(admin.key,), conditional=True, **facts),
        make_assignment("AROA-deploys", key="4", takes_over=(Takeover(by="it deploys it", on=("f*",)),), **facts),
    ]
    place: dict[str, Any] = {"provider": "aws", "source": "prod", "scope": SECOND, "kind": "job"}
    function = Workload(key="f1", name="f1", runs_as=(becomes.key,), **place)
    night = _night(
        0,
        [admin, becomes, may, deploys],
        [_coverage(FIRST), _coverage(SECOND)],
        assignments=rights,
        workloads=[function],
    )

    levels = {assessment.identity.name: assessment.privilege.level for assessment in night.identities}
    assert levels == {"admin": "admin", "becomes": "escalation", "may": "high", "deploys": "escalation"}


@pytest.mark.parametrize(("subject", "is_open"), [("1234", False), ("12*", True)])
def test_tokens_lead_from_one_provider_to_another(subject: str, is_open: bool) -> None:
    """A token that an admin accepts lets its holder become the admin; an exact, known subject is not external."""
    bot = make_identity(
        "bot", key="//iam/bot", provider="gcp", scope=FIRST, privilege=Privilege(level="normal"),
        token_subjects=(TokenSubject("https://accounts.google.com", "1234"),),
    )  # fmt: skip
    trust = Trust(
        principal="accounts.google.com", kind="federated", external=True, evidence="its trust policy",
        issuer="https://accounts.google.com", subject=subject,
    )  # fmt: skip
    role = make_identity("role", scope=FIRST, privilege=ADMIN, trusts=(trust,))
    night = _night(0, [bot, role], [_coverage(FIRST)])

    assert {assessment.identity.name: assessment.privilege.level for assessment in night.identities} == {
        "bot": "escalation",
        "role": "admin",
    }
    assert bool(_of(night, "open_trust")) is is_open


@pytest.mark.parametrize("seen", [True, False])
def test_a_takeover_of_a_cluster_leads_to_what_trusts_its_tokens(*, seen: bool) -> None:
    """With another provider, too; an undiscovered cluster may be external."""
    issuer = "https://westeurope.oic.prod-aks.azure.com/T/C"
    trust = Trust(
        principal=issuer, kind="federated", evidence="its trust policy", restriction="loose",
        issuer=issuer, subject="system:serviceaccount:*",
    )  # fmt: skip
    role = make_identity("role", scope=FIRST, privilege=ADMIN, trusts=(trust,))
    runner = make_identity(
        "runner", key="azure://runner", provider="azure", source="azure", scope=SECOND, unique_id="0-1",
        privilege=Privilege(level="normal"),
    )  # fmt: skip
    place: dict[str, Any] = {"provider": "azure", "source": "azure", "scope": SECOND}
    cluster = Workload(key="aks", name="aks", kind="cluster", signs_tokens_as=(issuer,), **place)
    right = make_assignment("0-1", takes_over=(Takeover(by="it runs commands", on=("aks",)),), **place)
    coverage = [_coverage(FIRST), make_coverage(section="arm.workloads", **place)]
    night = _night(0, [role, runner], coverage, assignments=[right], workloads=[cluster] if seen else [])

    levels = {assessment.identity.name: assessment.privilege.level for assessment in night.identities}
    assert levels == {"role": "admin", "runner": "escalation" if seen else "normal"}
    consumers = {assessment.identity.name: assessment.consumers for assessment in night.identities}
    assert consumers["role"] == (("aks",) if seen else ())
    assert bool(_of(night, "open_trust")) is not seen

    if seen:
        later = _night(1, [runner], [_coverage(FIRST, "denied"), coverage[1]], night, (), [cluster], [right])
        assert {assessment.identity.name: assessment.privilege.level for assessment in later.identities} == levels
        assert [len(_of(one, "escalation")) for one in (night, later)] == [1, 1]


def test_what_an_earlier_version_kept_in_another_shape_is_a_gap_that_names_it() -> None:
    """Its place was not read this time; one that this scan has named already is not named again."""
    place: dict[str, Any] = {"provider": "aws", "source": "prod", "scope": FIRST}
    odd = make_identity("odd", scope=FIRST, attributes={"token_subjects": "x"})
    cluster = Workload(key="k8s", name="k8s", kind="cluster", attributes={"signs_tokens_as": 7}, **place)
    first = _night(0, [odd], [_coverage(FIRST)], workloads=[cluster])
    denied = _coverage(FIRST, "denied")
    second = _night(1, [], [denied], first)
    named = _coverage(FIRST, "partial", section="reach")
    third = _night(1, [], [denied, named], first)

    (gap,) = (one for one in second.coverage if one.section == "reach")
    assert (gap.source, gap.scope, gap.status) == ("prod", FIRST, "partial")
    assert f"{odd.key}: the attribute token_subjects does not fit" in str(gap.detail)
    assert "k8s: the attribute signs_tokens_as does not fit" in str(gap.detail)
    assert third.coverage == (denied, named)


def test_the_right_of_a_deleted_holder_is_a_finding() -> None:
    """New once, and of no identity."""
    right = make_assignment("0-1", provider="aws", scope=FIRST, gone=True)
    first = _night(0, [], [_coverage(FIRST)])
    second = _night(1, [], [_coverage(FIRST)], first, assignments=[right])
    third = _night(2, [], [_coverage(FIRST)], second, assignments=[right])

    found = [_of(night, "orphaned_grant") for night in (first, second, third)]
    assert [[(one.identity, one.assignment, one.status) for one in night] for night in found] == [
        [],
        [(None, right.key, "new")],
        [(None, right.key, "open")],
    ]


# --- What next steps rest on ---


def test_the_entry_of_an_agent_is_a_candidate_for_its_role() -> None:
    """Its role runs nothing else, so whoever declared the agent may have meant it; a retired entry says nothing."""
    agent = make_identity(
        "dispatch", scope=FIRST, links=(Link(relation="runs_as", target="role", evidence="it says so"),)
    )
    role = make_identity("runtime-9", key="role", scope=FIRST)
    found = {
        status: _night(1, [agent, role], [_coverage(FIRST)], entries=[make_entry("dispatch", id="N-1", status=status)])
        for status in ("active", "retired")
    }
    (candidate,) = _judged(found["active"], "role").registry.candidates

    assert (candidate.entry, candidate.score) == ("N-1", 0.8)
    assert candidate.evidence == f"it declares {agent.key}, which runs as it"
    assert _judged(found["retired"], "role").registry.candidates == ()


def test_what_the_entry_says_of_its_identity_is_in_the_verdict() -> None:
    """Retired, or for emergencies; an account for emergencies is not dormant."""
    sealed, over = (make_identity(name, scope=FIRST, last_used_at=None) for name in ("sealed", "over"))
    entries = [
        make_entry("sealed", id="N-1", kind="break_glass", owner=("ada@example.com",)),
        make_entry("over", id="N-2", status="retired", owner=("ada@example.com",)),
    ]
    night = _night(1, [sealed, over], [_coverage(FIRST)], entries=entries)
    verdicts = {one.identity.name: one.registry for one in night.identities}

    assert (verdicts["sealed"].break_glass, verdicts["sealed"].retired) == (True, False)
    assert (verdicts["over"].break_glass, verdicts["over"].retired) == (False, True)
    assert sealed.key not in {one.identity for one in _of(night, "dormant")}


def test_an_own_account_used_after_the_last_day_is_found_though_exempt() -> None:
    """By the roster: whose account it is, and when that person left."""
    left = make_person("ada@example.com", status="left", left_on=(NOW - timedelta(days=9)).date())
    user = make_identity(
        "ada", scope=FIRST, last_used_at=NOW - timedelta(days=1), attributes={"console_password": True}
    )
    reading = ScopeReading(source="prod", scope="s", identities=(user,))
    inventory = msgspec.structs.replace(join([reading], {"prod": 0}), coverage=(_coverage(FIRST),))
    info = ScanInfo(id="night", started_at=NOW, finished_at=NOW, version="0")
    night = judge(inventory, Declared(entries=(), people=(left,)), Remembered(), info)
    (judged,) = night.identities
    (finding,) = _of(night, "leaver_account_used")

    assert (judged.registry.state, judged.nature.person, finding.severity) == ("exempt", "ada@example.com", "high")
    assert next_step(judged, night.findings).startswith(
        "Disable it, revoke its credentials, and find out who used it on"
    )


def _judged(night: ScanResult, key: str) -> Assessment:
    return next(one for one in night.identities if one.identity.key == key)
