"""Several nights through a real store: what is new, what came back, and what a gap in between must not change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec import json
from msgspec.structs import replace

from scanner.app.changes import changes_between
from scanner.app.scanning import Run, conclude
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.pipeline import Declared
from scanner.matching.places import SourceRef
from scanner.model import (
    Acknowledged,
    Acknowledgement,
    Assignment,
    Coverage,
    Entry,
    Grant,
    Identity,
    Origin,
    OtherRecord,
    Privilege,
    ScanResult,
    TokenSubject,
    Trust,
    Workload,
)
from scanner.model.attributes import HOLDERS, JOBS_SUBJECTS, TENANT_SUBJECTS, UNREAD_CREDENTIALS
from scanner.store.store import Store
from tests.databases import empty_store, sqlite_file
from tests.factories import NOW, days_ago, make_assignment, make_coverage, make_credential, make_entry, make_identity

USERS = make_coverage(kinds=("user",))
DENIED = make_coverage(kinds=("user",), status="denied")
KEYED = make_identity("keyed", credentials=(make_credential("keyed", "AKIAOLD", created_at=days_ago(900)),))
PLAIN = make_identity("plain", created_at=days_ago(900))


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return empty_store(sqlite_file)


def _night(
    store: Store,
    number: int,
    identities: Sequence[Identity],
    coverage: Sequence[Coverage] = (USERS,),
    entries: Sequence[Entry] = (),
    *,
    accept_drop: bool = False,
    acknowledgements: Sequence[Acknowledgement] = (),
    assignments: Sequence[Assignment] = (),
    workloads: Sequence[Workload] = (),
) -> ScanResult:
    reading = ScopeReading(
        source="prod",
        scope="123456789012",
        identities=tuple(identities),
        assignments=tuple(assignments),
        workloads=tuple(workloads),
        coverage=tuple(coverage),
    )
    other = ScopeReading(source="other", scope="x", coverage=(make_coverage(source="other", scope="x"),))
    result = conclude(
        store,
        join([reading, other], {"prod": 0, "other": 0}),
        Declared(
            entries=tuple(entries),
            sources=(SourceRef(name="prod", provider="aws"),),
            acknowledgements=tuple(acknowledgements),
        ),
        Run(scan_id=f"night-{number}", started=NOW + timedelta(days=number)),
        lists=(),
        accept_drop=accept_drop,
    )
    # As JSON, for evidence holds tuples, which come back as lists.
    loaded = store.with_past(store.load())
    assert json.decode(json.encode(loaded)) == json.decode(json.encode(result)), "a loaded scan says the same"
    return result


def _status(result: ScanResult, rule: str) -> list[tuple[str, int]]:
    """Of the findings of a rule, status and the night in which each was first seen."""
    return [
        (finding.status, (finding.first_seen - NOW).days)
        for finding in result.findings
        if finding.rule == rule and finding.first_seen is not None
    ]


def test_since_when(store: Store) -> None:
    """On the first night nothing is new; afterwards a finding is new once, open then, and as old as it is."""
    nights = [
        _night(store, 0, [PLAIN]),
        _night(store, 1, [PLAIN, KEYED]),
        _night(store, 2, [PLAIN, KEYED]),
    ]

    assert [_status(night, "credential_too_old") for night in nights] == [[], [("new", 1)], [("open", 1)]]
    assert sorted(_status(nights[2], "unregistered")) == [("open", 0), ("open", 1)]
    assert all(finding.first_seen is not None for night in nights for finding in night.findings)
    assert [(nights[2].first_seen[one.key] - NOW).days for one in (PLAIN, KEYED)] == [0, 1]


def test_a_key_that_came_back(store: Store) -> None:
    """Its finding is resolved while the key is gone and reopened when it returns: new again, and as old as it is."""
    without = replace(KEYED, credentials=())
    nights = [_night(store, number, [one]) for number, one in enumerate([KEYED, without, KEYED, KEYED])]

    statuses = [_status(night, "credential_too_old") for night in nights]
    assert statuses == [[("open", 0)], [], [("reopened", 0)], [("open", 0)]]
    reopened = [sum(finding.reopened for finding in one.findings) for one in nights]
    assert reopened == [one.summary.reopened_findings for one in nights]
    assert [number > 0 for number in reopened] == [False, False, True, False]
    assert [one.summary.resolved_findings > 0 for one in nights] == [False, True, False, False]
    assert [one.new for one in nights[2].findings if one.rule == "credential_too_old"] == [True]
    diff = changes_between(store, "night-1", "night-2")
    assert "credential_too_old" in {change.rule for change in diff.changes if change.change == "reopened"}
    assert diff.summary.new_findings == 0


OLD, NEW = (replace(PLAIN, unique_id=one, created_at=None) for one in ("AIDAOLD", "AIDANEW"))
DECLARED = make_entry(PLAIN.key, last_reviewed=days_ago(5).date())


@pytest.mark.parametrize(
    ("nights", "entry", "expected"),
    [
        pytest.param([OLD, NEW, NEW, NEW], DECLARED, [[], [("new", 1)], [("open", 1)], [("open", 1)]], id="until then"),
        pytest.param([OLD, None, NEW], DECLARED, [[], [], [("new", 2)]], id="gone for a night"),
        pytest.param([OLD, OLD], DECLARED, [[], []], id="the same"),
        pytest.param([OLD, replace(OLD, unique_id=None)], DECLARED, [[], []], id="its id is no longer read"),
        pytest.param([NEW], DECLARED, [[]], id="a first scan"),
        pytest.param([OLD, replace(NEW, source="list")], DECLARED, [[], []], id="an id of another source's making"),
        pytest.param(
            [replace(OLD, created_at=days_ago(9)), replace(NEW, created_at=NOW)],
            DECLARED,
            [[], [("new", 1)]],
            id="made since",
        ),
        pytest.param([OLD, NEW], make_entry(PLAIN.key, "AIDANEW"), [[], []], id="the entry names it"),
        pytest.param([OLD, NEW], make_entry("other"), [[], []], id="undeclared"),
    ],
)
def test_recreated(
    store: Store, nights: list[Identity | None], entry: Entry, expected: list[list[tuple[str, int]]]
) -> None:
    """What passes for something declared under its old name is a finding."""
    found = [_night(store, number, [one] if one else [], entries=[entry]) for number, one in enumerate(nights)]

    assert [_status(night, "recreated") for night in found] == expected


def test_recreated_after_a_night_whose_clock_was_ahead(store: Store) -> None:
    """It was made before that scan, by that scan's clock, and yet the scan had the other."""
    _night(store, 90, [replace(OLD, created_at=days_ago(9))], entries=[DECLARED])
    found = _night(store, 1, [replace(NEW, created_at=NOW)], entries=[DECLARED])

    assert _status(found, "recreated") == [("new", 1)]


def test_recreated_until_its_entry_was_reviewed(store: Store) -> None:
    """A review of before confirms nothing; a later one does, and not for the next time."""
    later = make_entry(PLAIN.key, last_reviewed=(NOW + timedelta(days=2)).date())
    again = replace(NEW, unique_id="AIDATHIRD")
    nights = [OLD, NEW, NEW, again]
    entries = [DECLARED, DECLARED, later, later]
    pairs = enumerate(zip(nights, entries, strict=True))
    found = [_night(store, number, [one], entries=[entry]) for number, (one, entry) in pairs]

    expected = [[], [("new", 1)], [], [("reopened", 1)]]
    assert [_status(night, "recreated") for night in found] == expected


def test_a_finding_keeps_its_age_after_an_acknowledgement(store: Store) -> None:
    """It stood all the time: new on the day after the last, when it alarms again, but not reopened."""
    given = Acknowledged(reason="until the move", by="ana@example.com", until=(NOW + timedelta(days=2)).date())
    acknowledgement = Acknowledgement(
        origin=Origin(file="ack.toml", row=1), rule="credential_too_old", match="**", given=given
    )
    nights = [_night(store, 0, [KEYED])]
    nights += [_night(store, number, [KEYED], acknowledgements=[acknowledgement]) for number in range(1, 5)]

    statuses = [_status(night, "credential_too_old") for night in nights]
    assert statuses == [[("open", 0)], [("open", 0)], [("open", 0)], [("new", 0)], [("open", 0)]]
    assert [one.summary.acknowledged for one in nights] == [0, 1, 1, 0, 0]
    assert [one.summary.resolved_findings for one in nights] == [0] * 5


def test_what_a_gap_held_back_is_new_and_as_old_as_it_is(store: Store) -> None:
    """It was never announced, so it is not reopened; but it was there before."""
    blind = make_coverage(section="iam.tags", status="denied", kinds=(), rungs=("tag",))
    _night(store, 0, [PLAIN])
    held = _night(store, 1, [PLAIN, KEYED], (USERS, blind))
    read = _night(store, 2, [PLAIN, KEYED])

    assert ("open", 1) in _status(held, "unregistered")
    assert ("new", 1) in _status(read, "unregistered")
    assert read.summary.reopened_findings == 0


def test_what_a_gap_holds_back_can_worsen(store: Store) -> None:
    """A gap that stays must not silence what an undeclared identity comes to; and nothing is said of it twice."""
    blind = make_coverage(section="iam.tags", status="denied", kinds=(), rungs=("tag",))
    admin = replace(KEYED, privilege=Privilege(level="admin", evidence=("everything",)))
    _night(store, 0, [PLAIN])
    _night(store, 1, [PLAIN, KEYED], (USERS, blind))
    worse = _night(store, 2, [PLAIN, admin], (USERS, blind))
    rows = [one for one in changes_between(store).changes if one.change == "worsened" and one.rule == "unregistered"]
    same = _night(store, 3, [PLAIN, admin], (USERS, blind))

    found = [one for one in worse.findings if one.rule == "unregistered" and one.identity == KEYED.key]
    assert [(one.was, one.severity, one.held_back, one.raises_alarm) for one in found] == [
        ("low", "critical", True, True)
    ]
    assert [(one.before, one.after, one.identity) for one in rows] == [("low", "critical", KEYED.key)]
    assert not any(one.worsened for one in same.findings)


def test_a_finding_held_back_by_a_gap_is_reopened(store: Store) -> None:
    """Declared for a night, then not, which a gap hides at first: reopened once the gap has closed."""
    blind = make_coverage(section="iam.tags", status="denied", kinds=(), rungs=("tag",))
    nights = [
        _night(store, 0, [PLAIN]),
        _night(store, 1, [PLAIN], entries=[make_entry("plain")]),
        _night(store, 2, [PLAIN], (USERS, blind)),
        _night(store, 3, [PLAIN]),
    ]

    statuses = [_status(night, "unregistered") for night in nights]
    assert statuses == [[("open", 0)], [], [("open", 0)], [("reopened", 0)]]
    assert nights[2].summary.reopened_findings == 0


def test_a_denied_night_between_two_good_ones(store: Store) -> None:
    """No identity left, nothing is resolved, and nothing is new, reopened or moved after that night."""
    entry = make_entry("plain")
    nights = [
        _night(store, 0, [KEYED, PLAIN], entries=[entry]),
        _night(store, 1, [], [DENIED], entries=[entry]),
        _night(store, 2, [KEYED, PLAIN], entries=[entry]),
    ]

    blind, after = changes_between(store, "night-0", "night-1"), changes_between(store, "night-1", "night-2")
    assert {change.change for change in blind.changes} == {"not_rechecked"}
    assert blind.summary.not_rechecked == 2
    assert after.changes == ()
    assert [one.summary.resolved_findings for one in nights] == [0, 0, 0]
    assert [one.summary.new_findings for one in nights] == [0, 0, 0]
    assert {finding.status for night in nights for finding in night.findings} == {"open"}


def test_a_listing_that_broke_off_is_asked_about(store: Store) -> None:
    """A source that lost most of its identities is partly read until the loss is confirmed."""
    many = [make_identity(f"svc-{number:03}") for number in range(30)]
    _night(store, 0, many)
    broken = _night(store, 1, many[:3])
    again = _night(store, 2, many[:3])
    accepted = _night(store, 3, many[:3], accept_drop=True)

    assert [len(night.identities) for night in (broken, again, accepted)] == [30, 30, 3]
    assert [night.summary.not_rechecked for night in (broken, again, accepted)] == [27, 27, 0]
    assert "--accept-drop" in broken.notices[0]
    assert (broken.summary.gaps, accepted.notices) == (1, ())
    assert changes_between(store, "night-0", "night-2").summary.left == 0
    assert changes_between(store).summary.left == 27


def test_a_small_estate_may_halve(store: Store) -> None:
    """A small clean-up needs no confirmation."""
    few = [make_identity(f"svc-{number}") for number in range(8)]
    _night(store, 0, few)
    halved = _night(store, 1, few[:3])

    assert (halved.summary.gaps, halved.notices, len(halved.identities)) == (0, (), 3)


def test_a_finding_keeps_its_age_when_its_entry_moves_to_another_row(store: Store) -> None:
    """Entries without an id are called after their row; sorting a spreadsheet makes nothing new or resolved."""
    first = make_entry("gone", id="r.csv:2", has_own_id=False, registry="r.csv", scope="123456789012", provider="aws")
    _night(store, 0, [PLAIN], entries=[first])
    moved = _night(store, 1, [PLAIN], entries=[replace(first, id="r.csv:3")])

    assert _status(moved, "entry_not_found") == [("open", 0)]
    assert (moved.summary.resolved_findings, changes_between(store).changes) == (0, ())


def test_the_store_remembers_rights_under_a_gap(store: Store) -> None:
    """The age of the finding stays; it is acknowledged by its fingerprint, or by the assignment's key."""
    gone = make_assignment("0-1", provider="aws", scope="123456789012", gone=True)
    acknowledgement = Acknowledgement(
        origin=Origin(file="acknowledged.toml"),
        rule="orphaned_grant",
        match=gone.key,
        given=Acknowledged(reason="it comes back", by="ada@example.com", until=(NOW + timedelta(days=4)).date()),
    )
    nights = [
        _night(store, 0, [PLAIN]),
        _night(store, 1, [PLAIN], assignments=[gone]),
        _night(store, 2, [PLAIN], [DENIED]),
        _night(store, 3, [PLAIN], acknowledgements=[acknowledgement], assignments=[gone]),
        _night(store, 4, [PLAIN]),
    ]

    assert [_status(night, "orphaned_grant") for night in nights] == [
        [],
        [("new", 1)],
        [("open", 1)],
        [("open", 1)],
        [],
    ]
    assert [len(night.assignments) for night in nights] == [0, 1, 1, 1, 0]
    (acknowledged,) = (finding for finding in nights[3].findings if finding.rule == "orphaned_grant")
    assert acknowledged.acknowledged == acknowledgement.given
    diff = changes_between(store, "night-0", "night-1")
    assert [change.identity for change in diff.changes if change.rule == "orphaned_grant"] == [gone.key]


HERE = {"provider": "aws", "scope": "123456789012"}
NO_SECRETS = make_coverage(section="secrets", kinds=("secret",), status="denied")
NO_RIGHTS = make_coverage(section="rights", feeds=("permissions",), status="denied")
NO_HOLDERS = make_coverage(section="holders", status="denied")


def _right(holder: str = "stranger") -> Assignment:
    """A right that is given where the identities live."""
    return make_assignment(holder, **HERE)


@pytest.mark.parametrize(
    ("unread", "stays"),
    [
        pytest.param(None, True, id="any kind may be unread"),
        pytest.param(["access_key"], True, id="its kind is"),
        pytest.param(["hmac", "ssh_key"], False, id="others are"),
    ],
)
def test_a_key_that_was_deleted_is_gone_though_other_kinds_are_unread(
    store: Store, unread: list[str] | None, *, stays: bool
) -> None:
    """And so is the finding that it is old."""
    _night(store, 0, [KEYED])
    facts = {} if unread is None else {UNREAD_CREDENTIALS: unread}
    now = replace(KEYED, credentials=(), unread=("credentials",), attributes=facts)

    night = _night(store, 1, [now])

    (found,) = (one.identity for one in night.identities)
    assert bool(found.credentials) is stays
    assert bool(_status(night, "credential_too_old")) is stays


@pytest.mark.parametrize("record", ["assignment", "workload"])
@pytest.mark.parametrize(
    ("gaps", "stays"),
    [
        pytest.param(("agents", "agent", ()), False, id="agents are denied"),
        pytest.param(("rights", "user", ("assignment", "workload")), True, id="what lists it is denied"),
        pytest.param(("*", "user", ()), True, id="the rest is denied"),
    ],
)
def test_what_a_source_says_it_lists_elsewhere_is_gone(
    store: Store, gaps: tuple[str, str, tuple[OtherRecord, ...]], record: str, *, stays: bool
) -> None:
    """In a real estate some section is always denied: only the one that lists rights or workloads hides them."""
    section, kind, records = gaps
    listed = make_coverage(section="listed", kinds=("user",), records=("assignment", "workload"))
    runs = Workload(key="w", name="w", kind="machine", source="prod", provider="aws", scope=HERE["scope"])
    _night(store, 0, [PLAIN], assignments=[_right()], workloads=[runs])

    denied = make_coverage(section=section, kinds=(kind,), status="denied", records=records)
    night = _night(store, 1, [PLAIN], (listed, denied))

    assert len(night.assignments if record == "assignment" else night.workloads) == stays


@pytest.mark.parametrize(
    ("gaps", "rights"),
    [
        pytest.param((USERS, NO_SECRETS), 0, id="names of secrets are denied, as ever"),
        pytest.param((USERS, NO_RIGHTS), 1, id="rights are denied"),
        pytest.param((DENIED,), 1, id="identities are denied"),
        pytest.param((), 1, id="the place is listed no more"),
    ],
)
def test_a_withdrawn_right_is_held_no_more(store: Store, gaps: Sequence[Coverage], rights: int) -> None:
    """Unless what could not be read may hide it: some section of a place is denied for years."""
    _night(store, 0, [PLAIN], assignments=[_right()])

    night = _night(store, 1, [PLAIN], gaps)

    assert len(night.assignments) == rights


@pytest.mark.parametrize(
    ("gaps", "now", "gone"),
    [
        pytest.param((USERS, NO_HOLDERS), None, [("open", 0)], id="it could not be asked"),
        pytest.param((USERS,), None, [], id="it was read without an answer"),
        pytest.param((USERS, NO_HOLDERS), False, [], id="it is back"),
    ],
)
def test_a_deleted_holder_stays_deleted_while_its_scope_is_unread(
    store: Store, gaps: Sequence[Coverage], now: bool | None, gone: list[tuple[str, int]]
) -> None:
    """The right is still listed, so the finding is not resolved."""
    _night(store, 0, [PLAIN], assignments=[replace(_right(), gone=True)])

    night = _night(store, 1, [PLAIN], gaps, assignments=[replace(_right(), gone=now)])

    assert _status(night, "orphaned_grant") == gone


def test_rights_of_a_place_that_is_listed_no_more_are_announced(store: Store) -> None:
    """They are held until the place is forgotten."""
    right = replace(_right(), scope="sub-9")
    there = make_coverage(scope="sub-9", section="rights", feeds=("permissions",))
    _night(store, 0, [PLAIN], [USERS, there], assignments=[right])

    night = _night(store, 1, [PLAIN])

    assert "source prod no longer lists sub-9: 1 right of sub-9 shown as last seen" in night.notices


def test_a_right_of_an_unseen_holder_is_not_given_to_a_namesake(store: Store) -> None:
    """Who takes another's id as a further name of its own does not get its rights while that one is not read."""
    holder = make_identity("holder", unique_id="ID-1", kind="role")
    namesake = make_identity("namesake", aliases=("ID-1",))
    roles = make_coverage(section="roles", kinds=("role",))
    right = replace(_right("ID-1"), grant=Grant(name="Owner", via="direct"))
    _night(store, 0, [holder, namesake], [USERS, roles], assignments=[right])

    night = _night(store, 1, [namesake], [USERS, replace(roles, status="denied")], assignments=[right])

    assert {assessment.identity.name: len(assessment.identity.grants) for assessment in night.identities} == {
        "holder": 1,
        "namesake": 0,
    }


def test_uncertainty_about_everybody_is_one_notice_and_no_change(store: Store) -> None:
    """One place that gives rights is denied, and everybody of the source may hold some there."""
    many = [make_identity(f"m{number}", privilege=Privilege(level="normal")) for number in range(20)]
    _night(store, 0, many)

    night = _night(store, 1, many, [USERS, NO_RIGHTS])

    assert {identity.privilege.level for identity in night.identities} == {"unknown"}
    assert sum("the privilege of 20 identities is unknown" in notice for notice in night.notices) == 1
    assert changes_between(store).changes == ()


def test_a_finding_stays_while_a_fact_it_needs_is_unread(store: Store) -> None:
    """Also with no gap: a provider that says it keeps no record tonight kept one yesterday."""
    tracked = replace(PLAIN, use_tracked_days=900)
    unread = replace(PLAIN, use_tracked_days=None, unread=("use",))

    _night(store, 0, [tracked])
    second = _night(store, 1, [unread])

    assert ("dormant", False) in [(finding.rule, finding.rechecked) for finding in second.findings]
    assert second.coverage[0].status == "complete"


def test_a_rename_suggests_its_entry_until_that_is_written_down(store: Store) -> None:
    """By the unique id, also in later nights; none is reported as left or joined."""
    old = make_identity("etl-old", unique_id="AIDAEXAMPLEEXAMPLE01")
    new = make_identity("loader", unique_id="AIDAEXAMPLEEXAMPLE01")
    entry = make_entry(old.key, origin=Origin(file="registry.csv", row=2))
    first = _night(store, 1, [old, PLAIN], entries=[entry])
    second = _night(store, 2, [new, PLAIN], entries=[entry])
    third = _night(store, 3, [new, PLAIN], entries=[entry])
    written = replace(entry, identities=(new.key,))
    fourth = _night(store, 4, [new, PLAIN], entries=[written])

    evidence = f"was {old.key} and has the same unique id, AIDAEXAMPLEEXAMPLE01"
    for night in (second, third):
        verdict = next(assessment.registry for assessment in night.identities if assessment.identity.key == new.key)
        assert verdict.state == "unregistered"
        assert (verdict.candidates[0].entry, verdict.candidates[0].evidence) == ("NHI-1", evidence)
        [judged] = night.entries
        assert (judged.state, judged.renamed) == ("not_found", {new.key: old.key})
        assert (judged.candidates[0].identity, judged.candidates[0].evidence) == (new.key, evidence)
    assert [(one.state, one.renamed) for one in fourth.entries] == [("found", {})]
    counts = changes_between(store, first.scan.id, second.scan.id).summary
    assert (counts.joined, counts.left, counts.moved) == (0, 0, 1)


def test_another_identity_under_a_former_name_is_no_rename(store: Store) -> None:
    """Another unique id is another identity, and so is the same one in another scope."""
    old = make_identity("etl-old", unique_id="AIDAEXAMPLEEXAMPLE01")
    others = [
        make_identity("a", unique_id="AIDAEXAMPLEEXAMPLE02"),
        make_identity("b", unique_id="AIDAEXAMPLEEXAMPLE01", scope="999999999999"),
    ]
    entry = make_entry(old.key, origin=Origin(file="registry.csv", row=2))
    _night(store, 1, [old, PLAIN], entries=[entry])
    night = _night(store, 2, [*others, PLAIN], entries=[entry])

    assert [one.renamed for one in night.entries] == [{}]


# --- Trusts, which tokens of another source decide ---

GITHUB = "token.actions.githubusercontent.com"
TRUSTING = make_identity(
    "deploy",
    kind="user",
    trusts=(
        Trust(
            principal=GITHUB,
            kind="federated",
            restriction="exact",
            evidence="statement 1",
            issuer=GITHUB,
            subject="repo:acme/shop:ref:refs/heads/main",
        ),
    ),
)
REPOSITORY = Workload(
    key="github:acme/shop",
    provider="github",
    source="prod",
    scope="123456789012",
    kind="repository",
    name="shop",
    attributes={
        HOLDERS: "workflow",
        TENANT_SUBJECTS: [[GITHUB, "repo:acme/*"]],
        JOBS_SUBJECTS: [[GITHUB, "repo:acme/shop:*"]],
    },
)
WORKFLOWS = make_coverage(section="workflows", kinds=("workflow",))
PIPELINE = make_identity(
    "deploy.yml", kind="workflow", token_subjects=(TokenSubject(GITHUB, "repo:acme/shop:ref:refs/heads/main"),)
)


def test_a_gap_of_pipelines_resolves_no_finding_about_a_trust(store: Store) -> None:
    """It stays as it was, and is resolved once a workflow is seen that the trust accepts, or the trust is gone."""
    unread = replace(WORKFLOWS, status="denied")
    nights = [
        _night(store, number, identities, (USERS, coverage), workloads=workloads)
        for number, (identities, coverage, workloads) in enumerate(
            [
                ([TRUSTING], WORKFLOWS, [REPOSITORY]),
                ([TRUSTING], unread, [REPOSITORY]),
                ([TRUSTING], unread, []),
                ([TRUSTING, PIPELINE], WORKFLOWS, [REPOSITORY]),
                ([TRUSTING], WORKFLOWS, [REPOSITORY]),
                ([replace(TRUSTING, trusts=())], unread, [REPOSITORY]),
            ]
        )
    ]

    assert [_status(night, "trust_unused") for night in nights] == [
        [("open", 0)], [("open", 0)], [("open", 0)], [], [("reopened", 0)], [],
    ]  # fmt: skip
    assert [one.rechecked for night in nights for one in night.findings if one.rule == "trust_unused"] == [
        True, False, False, True,
    ]  # fmt: skip
