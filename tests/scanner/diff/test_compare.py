"""Two scans side by side: what is said of each identity, finding and entry, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.diff.aspects import NOT_READ_BEFORE, eras
from scanner.diff.compare import PLACE_NOT_READ_BEFORE, Differences, compare
from scanner.diff.records import Counts
from scanner.model import (
    Acknowledged,
    Assessment,
    Change,
    EntryAssessment,
    Grant,
    Origin,
    OwnerCandidate,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
)
from tests.factories import (
    NOW,
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_entry,
    make_finding,
    make_identity,
)
from tests.factories import make_result as scan

BILLING = make_assessment("svc-billing")
BETTER = make_assessment(
    "svc-billing", registry=RegistryVerdict(state="registered", entry="NHI-1"), privilege=Privilege(level="admin")
)
ACKNOWLEDGED = Acknowledged(reason="known", by="ada@example.com", until=NOW.date())
BLIND = scan(coverage=(make_coverage(status="denied"),))


def _changes(**facts: Any) -> list[Change]:
    return list(compare(Differences(**{"old": scan(), "new": scan(), **facts})).changes)


def _said(changes: list[Change]) -> list[tuple[str, str | None, str | None]]:
    return [(one.change, one.aspect, one.caveat) for one in changes]


def test_a_newcomer() -> None:
    """No one declared it, so that is what to do; the likeliest person is who to ask."""
    asked = OwnershipVerdict(
        state="orphaned", candidates=(OwnerCandidate(person="ada@example.com", score=0.9, evidence="tag"),)
    )
    (change,) = _changes(identities=[(None, make_assessment(make_identity("new"), ownership=asked))])

    assert change == Change(
        subject="identity",
        change="joined",
        key=make_identity("new").key,
        name="new",
        provider="aws",
        source="prod",
        scope="123456789012",
        kind="user",
        after="unregistered, orphaned, privilege normal",
        ask="ada@example.com",
        next_step="Declare it with an owner, or disable it.",
        appeared=True,
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"identities": [(None, BILLING)]}, [("joined", None, None)], id="joined"),
        pytest.param(
            {"identities": [(None, BILLING)], "old": BLIND},
            [("joined", None, PLACE_NOT_READ_BEFORE)],
            id="may have been there",
        ),
        pytest.param(
            {"identities": [(None, BILLING)], "old": scan(coverage=())},
            [("joined", None, PLACE_NOT_READ_BEFORE)],
            id="of a source that is new",
        ),
        pytest.param(
            {"identities": [(None, BILLING)], "returned": {BILLING.identity.key: days_ago(5)}},
            [("returned", None, None)],
            id="came back",
        ),
        pytest.param({"identities": [(BILLING, None)]}, [("left", None, None)], id="left"),
        pytest.param(
            {"identities": [(BILLING, None)], "new": BLIND}, [("not_rechecked", None, None)], id="never left in a gap"
        ),
        pytest.param(
            {"not_rechecked": [replace(BILLING, rechecked=False)]}, [("not_rechecked", None, None)], id="not looked at"
        ),
        pytest.param({"identities": [(BILLING, replace(BILLING, findings=("f",)))]}, [], id="no aspect of it moved"),
        pytest.param(
            {"identities": [(BILLING, BETTER)]},
            [("moved", "privilege", None), ("moved", "registry", None)],
            id="moved in two ways",
        ),
        pytest.param(
            {
                "identities": [
                    (make_assessment(make_identity(unique_id="1")), make_assessment(make_identity(unique_id="2")))
                ]
            },
            [("replaced", "unique_id", None)],
            id="deleted and made anew",
        ),
    ],
)
def test_what_is_reported_of_an_identity(
    facts: dict[str, Any], expected: list[tuple[str, str | None, str | None]]
) -> None:
    """One word for what happened to it."""
    assert _said(_changes(**facts)) == expected


def _moving(name: str, **facts: Any) -> tuple[Assessment, Assessment]:
    return make_assessment(make_identity(name)), make_assessment(make_identity(name, **facts.pop("of", {})), **facts)


def test_what_matters_comes_first_and_is_counted() -> None:
    """Newcomers without an entry, deleted and made anew, more reach, moves with a next step, others, leavers, gaps."""
    old = make_assessment(make_identity("h", unique_id="1"))
    new = make_assessment(make_identity("h", unique_id="2", environment="prod"))
    diff = compare(
        Differences(
            old=scan(),
            new=scan(notices=("worth knowing",)),
            identities=[
                (make_assessment("a"), None),
                _moving("b", of={"environment": "prod"}),
                _moving("c", registry=RegistryVerdict(state="ambiguous")),
                (None, make_assessment("d")),
                (None, make_assessment("e")),
                _moving("f", privilege=Privilege(level="high")),
                (old, new),
            ],
            returned={make_identity("e").key: NOW},
            not_rechecked=[make_assessment("g")],
            findings=[(make_finding(fingerprint="1"), None), (None, make_finding(fingerprint="2"))],
            entries=[(None, EntryAssessment(entry=make_entry("x"), state="found"))],
        )
    )

    assert [change.key.rpartition("/")[2] for change in diff.changes] == [
        "d", "h", "h", "f", "e", "c", "b", "a", "g", "2", "1", "NHI-1",
    ]  # fmt: skip
    assert diff.summary == Counts(
        joined=1, moved=4, left=1, returned=1, not_rechecked=1, reach_grew=1, replaced=1,
        new_findings=1, resolved_findings=1, entries=1, appeared=1,
    )  # fmt: skip
    assert diff.notices == ("worth knowing",)


@pytest.mark.parametrize(
    ("before", "after", "came_back", "expected"),
    [
        pytest.param(None, make_finding(), frozenset(), ["new"], id="new"),
        pytest.param(None, make_finding(), frozenset({"0f" * 16}), ["reopened"], id="reopened"),
        pytest.param(make_finding(), None, frozenset(), ["resolved"], id="resolved"),
        pytest.param(make_finding(), make_finding(owner="ada"), frozenset(), [], id="still there"),
        pytest.param(None, make_finding(held_back=True), frozenset(), [], id="held back is no news"),
        pytest.param(make_finding(held_back=True), make_finding(), frozenset(), ["new"], id="now it can be told"),
        pytest.param(make_finding(held_back=True), None, frozenset(), [], id="it was never told"),
        pytest.param(
            make_finding(severity="low"), make_finding(severity="high"), frozenset(), ["worsened"], id="worse"
        ),
        pytest.param(make_finding(severity="high"), make_finding(severity="low"), frozenset(), [], id="better"),
        pytest.param(
            make_finding(severity="low"),
            make_finding(severity="high", acknowledged=ACKNOWLEDGED),
            frozenset(),
            [],
            id="worse, but accepted",
        ),
    ],
)
def test_what_became_of_a_finding(before: Any, after: Any, came_back: frozenset[str], expected: list[str]) -> None:
    """As someone sees it who read the report of the older scan."""
    changes = _changes(findings=[(before, after)], came_back=came_back)

    assert [one.change for one in changes] == expected


def _row(number: int, name: str, state: Any = "found") -> EntryAssessment:
    """An entry without an id of its own, in that row."""
    entry = make_entry(
        name,
        id=f"registry.csv:{number}",
        origin=Origin(file="registry.csv", row=number),
        has_own_id=False,
        registry="registry.csv",
    )
    return EntryAssessment(entry=entry, state=state)


def test_a_row_that_only_moved_changed_nothing() -> None:
    """Someone sorted the spreadsheet: the same entries, with the same findings, in other rows."""
    old = [_row(2, "a"), _row(3, "b", "not_found")]
    new = [_row(2, "b", "not_found"), _row(3, "a")]
    owned = [make_assessment(registry=RegistryVerdict(state="registered", entry=f"registry.csv:{n}")) for n in (2, 3)]
    findings = [
        (make_finding(fingerprint="3", rule="entry_not_found", identity=None, entry="registry.csv:3"), None),
        (None, make_finding(fingerprint="2", rule="entry_not_found", identity=None, entry="registry.csv:2")),
    ]

    changes = _changes(entries=list(zip(old, new, strict=True)), identities=[(owned[0], owned[1])], findings=findings)

    assert changes == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("found", "not_found", [("moved", "found", "not found")], id="another state"),
        pytest.param("found", "found", [], id="another owner only"),
        pytest.param(None, "proposed", [("joined", None, "proposed")], id="declared"),
        pytest.param("retired", None, [("left", "retired", None)], id="no longer declared"),
    ],
)
def test_what_became_of_an_entry(before: Any, after: Any, expected: list[tuple[Any, ...]]) -> None:
    """Only its state counts."""
    old = before and EntryAssessment(entry=make_entry("a"), state=before)
    new = after and EntryAssessment(entry=make_entry("a", owner=("bob",)), state=after)

    assert [(one.change, one.before, one.after) for one in _changes(entries=[(old, new)])] == expected


def test_a_life_in_eras() -> None:
    """What it was first, then what was different, and when it had been gone."""
    versions = [
        (days_ago(9), days_ago(5), BILLING),
        (days_ago(5), days_ago(3), BETTER),
        (days_ago(2), None, BETTER),
    ]

    first, second, third = eras(versions)

    assert (first.states, first.differences) == (("unregistered", "orphaned", "active", "normal"), ())
    assert [one.aspect for one in second.differences] == ["privilege", "registry"]
    assert (second.was_gone, third.was_gone, third.until) == (False, True, None)
    assert eras([]) == ()


def test_what_was_forgotten_neither_left_nor_is_resolved() -> None:
    """Whatever the scan read: no one saw that it is gone; of others the same is said as ever."""
    other, read = make_assessment("other"), scan(coverage=(make_coverage(kinds=("user",)),))
    findings = [make_finding(fingerprint=one) for one in ("f1", "f2")]

    changes = _changes(
        new=read,
        identities=[(BETTER, None), (other, None)],
        findings=[(one, None) for one in findings],
        forgotten=frozenset({BETTER.identity.key, "f1"}),
    )

    assert [(one.change, one.key) for one in changes] == [
        ("left", other.identity.key),
        ("forgotten", BETTER.identity.key),
        ("resolved", "f2"),
        ("forgotten", "f1"),
    ]
    assert changes[1].next_step == "Retire its entry NHI-1, if it is gone for good."
    assert (changes[3].before, changes[3].next_step) == ("open", None)


@pytest.mark.parametrize(
    ("old", "new", "grew"),
    [
        pytest.param("denied", "complete", False, id="read at last"),
        pytest.param("denied", "denied", True, id="still in the dark, so it came from elsewhere"),
        pytest.param("complete", "complete", True, id="read all along"),
    ],
)
def test_a_right_may_be_older_where_its_place_was_not_read_before(old: Any, new: Any, *, grew: bool) -> None:
    """Whatever place that is: rights given there are held by identities of any other."""
    before, after = (
        scan(coverage=(make_coverage(kinds=("user",)), make_coverage(scope="s", status=one, feeds=("permissions",))))
        for one in (old, new)
    )
    entitled = replace(BILLING, identity=replace(BILLING.identity, grants=(Grant(name="Owner", via="direct"),)))

    (change,) = _changes(old=before, new=after, identities=[(BILLING, entitled)])

    assert (change.aspect, change.reach_grew, change.caveat) == ("permissions", grew, None if grew else NOT_READ_BEFORE)


@pytest.mark.parametrize("about", ["assignment", "credential"])
def test_one_that_is_mended_and_one_that_is_new_are_both_reported(about: str) -> None:
    """Of one rule, and about no identity and no entry."""
    old, new = (make_finding(fingerprint=one, identity=None, **{about: one}) for one in ("f1", "f2"))

    changes = _changes(findings=[(old, None), (None, new)])

    assert [(one.change, one.key) for one in changes] == [("new", "f2"), ("resolved", "f1")]


def _held(name: str, unique_id: str | None = "AIDAEXAMPLE", **facts: Any) -> Assessment:
    identity = make_identity(name, unique_id=unique_id, **facts)
    return make_assessment(
        replace(identity, credentials=(make_credential(identity),)),
        registry=RegistryVerdict(state="registered", entry="NHI-1", rung="name"),
    )


def test_a_new_name_for_a_known_unique_id_is_a_rename() -> None:
    """It moved; its credentials are the same, and its entry is to learn the new key."""
    facts: dict[str, Any] = {"registry": RegistryVerdict(state="unregistered"), "privilege": Privilege(level="admin")}
    old, new = _held("etl-old"), replace(_held("etl-new", display_name="Nightly load"), **facts)

    diff = compare(Differences(old=scan(), new=scan(), identities=[(old, None), (None, new)]))

    assert [(row.key, row.change, row.aspect) for row in diff.changes] == [
        (new.identity.key, "moved", "name"),
        (new.identity.key, "moved", "privilege"),
        (new.identity.key, "moved", "registry"),
    ]
    assert {row.name for row in diff.changes} == {"Nightly load"}
    assert (diff.changes[0].before, diff.changes[0].after) == (old.identity.key, new.identity.key)
    assert diff.changes[0].next_step == "It is the same identity: write its new key into entry NHI-1."
    assert diff.summary == Counts(moved=1, reach_grew=1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param([_held("a", None)], [_held("b", None)], id="no-unique-ids"),
        pytest.param([_held("a", "X")], [_held("b", "Y")], id="others"),
        pytest.param([_held("a", scope="1")], [_held("b", scope="2")], id="in-another-scope"),
        pytest.param([_held("a")], [_held("b", provider="saas")], id="of-another-provider"),
        pytest.param([_held("a"), _held("c")], [_held("b")], id="two-that-left-had-it"),
        pytest.param([_held("a")], [_held("b"), _held("c")], id="two-that-joined-have-it"),
    ],
)
def test_others_left_and_joined(old: list[Assessment], new: list[Assessment]) -> None:
    """No one is taken for another by anything but the one id that both have."""
    pairs = [*((one, None) for one in old), *((None, one) for one in new)]

    counts = compare(Differences(old=scan(), new=scan(coverage=(make_coverage(),)), identities=pairs)).summary

    assert counts.moved == 0
    assert counts.joined == len(new)
