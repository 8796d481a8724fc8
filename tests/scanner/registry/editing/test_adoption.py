"""Which entry an answer belongs to, and what it changes there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scanner.errors import RegistryError
from scanner.model import Entry, EntryAssessment, Identity, Origin, RegistryVerdict, ScanResult
from scanner.registry.editing.adoption import AdoptionPlan, Change, TargetRegistry, plan
from scanner.registry.editing.filled_in import FilledInAnswer
from scanner.registry.roster import Roster
from tests.factories import NOW, make_assessment, make_entry, make_identity, make_person, make_result

ROSTER = Roster([make_person(name="Ada Lovelace"), make_person("left@example.com", status="left")], NOW.date())
ADA, BOB = ("ada@example.com",), ("bob@example.com",)


def make_answer(
    identity: Identity | str = "svc-billing", /, *, row: int = 2, entry: str | None = None, **cells: Any
) -> FilledInAnswer:
    """A row that an owner filled in."""
    subject = identity if isinstance(identity, Identity) else make_identity(identity)
    return FilledInAnswer(
        origin=Origin(file="orphans.csv", row=row), identity=subject, entry=entry, cells={"owner": ADA, **cells}
    )


def _entry(*identities: str, row: int = 2, **facts: Any) -> Entry:
    """An entry without its own id, as a stand-in names it."""
    origin = Origin(file="registry.csv", row=row)
    return make_entry(*identities, **{"id": f"registry.csv:{row}", "has_own_id": False, "origin": origin, **facts})


def _plan(
    answers: list[FilledInAnswer],
    *entries: Entry,
    in_sheet: bool = True,
    scan: ScanResult | None = None,
    accept_unknown: bool = False,
) -> AdoptionPlan:
    return plan(
        answers,
        entries,
        ROSTER,
        into=TargetRegistry(registry="", in_sheet=in_sheet),
        today=NOW.date(),
        tag_keys=["muster:entry"],
        scan=scan,
        accept_unknown=accept_unknown,
    )


def _changed(found: AdoptionPlan) -> list[tuple[str | None, dict[str, Any]]]:
    return [(change.entry.id if change.entry else None, dict(change.cells)) for change in found.changes]


def test_a_new_entry_names_the_identity_and_where_it_lives() -> None:
    """Its key is escaped, and what was filled in goes along, in the order of the registry's columns."""
    identity = make_identity("a*b", key="saas:a*b", provider="saas", scope="acme")
    (change,) = _plan([make_answer(identity, purpose="billing", kind="agent")]).changes

    assert list(change.cells.items()) == [
        ("name", "a*b"),
        ("kind", "agent"),
        ("purpose", "billing"),
        ("identities", (r"saas:a\*b",)),
        ("provider", "saas"),
        ("scope", "acme"),
        ("owner", ADA),
    ]
    assert change == Change(entry=None, cells=change.cells, places=("orphans.csv:2",))


@pytest.mark.parametrize(
    ("entries", "answer", "expected"),
    [
        pytest.param(
            [make_entry("svc-billing", owner=BOB)], make_answer(entry="NHI-1"), ("NHI-1", {"owner": ADA}),
            id="by its own id",
        ),
        pytest.param(
            [make_entry("x", owner=BOB)], make_answer(entry="NHI-1"),
            ("NHI-1", {"identities": ("x", make_identity().key), "owner": ADA}),
            id="by its own id, for which it did not stand",
        ),
        pytest.param(
            [make_entry("svc-billing", owner=BOB), make_entry("svc-billing", id="NHI-2", owner=ADA)],
            make_answer(entry="NHI-1"),
            ("NHI-1", {"identities": ("svc-billing", make_identity().key), "owner": ADA}),
            id="by one of two ids",
        ),
        pytest.param(
            [make_entry("x", owner=BOB)], make_answer(make_identity(tags={"muster:entry": "NHI-1"}), entry="NHI-1"),
            ("NHI-1", {"owner": ADA}), id="which a tag says already",
        ),
        pytest.param(
            [make_entry("svc-billing", owner=("Ada Lovelace",)),
             make_entry("svc-billing", id="NHI-2", registry="b", owner=ADA)],
            make_answer(entry="NHI-1", owner=("Ada Lovelace",), purpose="bills"), ("NHI-1", {"purpose": "bills"}),
            id="by one of two registries that mean the same person",
        ),
        pytest.param(
            [_entry("svc-billing", owner=BOB)], make_answer(entry="registry.csv:2"),
            ("registry.csv:2", {"owner": ADA}),
            id="by file and row",
        ),
        pytest.param(
            [make_entry("svc-billing", owner=BOB)], make_answer(), ("NHI-1", {"owner": ADA}),
            id="by name, without an id",
        ),
        pytest.param(
            [make_entry(make_identity().key, owner=BOB)], make_answer(status="retired", kind="agent"),
            ("NHI-1", {"owner": ADA, "status": "retired"}), id="an update leaves the kind alone",
        ),
        pytest.param(
            [make_entry("svc-billing", purpose="old")], make_answer(purpose="new"), ("NHI-1", {"purpose": "new"}),
            id="only what differs",
        ),
    ],
)  # fmt: skip
def test_an_answer_updates_the_entry_it_belongs_to(
    entries: list[Entry], answer: FilledInAnswer, expected: tuple[str, dict[str, Any]]
) -> None:
    """By id; without one, by what names the identity exactly; never a second entry for the same."""
    assert _changed(_plan([answer], *entries)) == [expected]


SAYS_SO = RegistryVerdict(state="registered", entry="NHI-1", rung="name")
SAYS_OTHER = RegistryVerdict(state="registered", entry="NHI-7", rung="name")


@pytest.mark.parametrize(
    ("verdict", "identities"),
    [
        pytest.param(SAYS_SO, None, id="it stands for it"),
        pytest.param(RegistryVerdict(state="registered", entry="NHI-2", agreeing=("NHI-1",)), None, id="it agrees"),
        pytest.param(RegistryVerdict(state="unchecked"), None, id="it had no registry"),
        pytest.param(RegistryVerdict(state="exempt"), None, id="it asks for none"),
        pytest.param(RegistryVerdict(state="unregistered"), ("svc-billing", make_identity().key), id="nothing does"),
        pytest.param(SAYS_OTHER, ("svc-billing", make_identity().key), id="another does"),
    ],
)
def test_what_the_scan_saw_counts_as_well(verdict: RegistryVerdict, identities: tuple[str, ...] | None) -> None:
    """It may know better than the name alone: whose name is another's id, for one."""
    scan = make_result(make_assessment(registry=verdict))
    (change,) = _plan([make_answer(entry="NHI-1")], make_entry("svc-billing", owner=BOB), scan=scan).changes

    assert change.cells.get("identities") == identities


@pytest.mark.parametrize(
    ("then", "taken"),
    [pytest.param(("other",), True, id="where it was"), pytest.param(("else",), False, id="moved since")],
)
def test_a_row_that_has_not_moved_since_the_scan_may_be_named(then: tuple[str, ...], taken: bool) -> None:
    """Like an entry that is only similar: only its row says which one is meant."""
    declared = EntryAssessment(entry=_entry(*then, owner=BOB), state="not_found")
    scan = make_result(make_assessment(), entries=(declared,))
    answer, entry = make_answer(entry="registry.csv:2"), _entry("other", owner=BOB)

    if taken:
        assert _changed(_plan([answer], entry, scan=scan)) == [
            ("registry.csv:2", {"identities": ("other", make_identity().key), "owner": ADA})
        ]
    else:
        with pytest.raises(RegistryError, match="no longer matches"):
            _plan([answer], entry, scan=scan)


def test_an_entry_gets_all_identities_that_it_should_match() -> None:
    """Each once, behind what it names already."""
    answers = [make_answer(name, row=row, entry="NHI-1") for row, name in enumerate(("a", "b", "a"), start=2)]
    (change,) = _plan(answers, make_entry("x")).changes

    assert change.cells == {"identities": ("x", make_identity("a").key, make_identity("b").key)}
    assert change.places == ("orphans.csv:2", "orphans.csv:3", "orphans.csv:4")


@pytest.mark.parametrize(
    ("entries", "identity", "message"),
    [
        pytest.param(
            [make_entry("x"), make_entry(make_identity().key, id="NHI-2", owner=BOB)], make_identity(),
            "it is declared at registry.csv:2, too", id="another names its key",
        ),
        pytest.param(
            [make_entry("x", provider="saas")], make_identity(), "its provider or scope is another", id="elsewhere"
        ),
        pytest.param([make_entry("x", provider="saas")], make_identity(source=""), None, id="of which little is known"),
    ],
)  # fmt: skip
def test_an_id_that_changes_nothing_is_refused(entries: list[Entry], identity: Identity, message: str | None) -> None:
    """As long as the identity was scanned: its name in a list does not say where it is."""
    answers = [make_answer(identity, entry="NHI-1")]
    if message is None:
        assert len(_plan(answers, *entries).changes) == 1
        return
    with pytest.raises(RegistryError) as caught:
        _plan(answers, *entries)

    assert [(problem.line, problem.field, problem.message) for problem in caught.value.problems] == [
        (2, "id", f"NHI-1 would still not match {make_identity().key}: {message}")
    ]


def test_a_pattern_is_no_entry_for_one_of_them() -> None:
    """Adopting one identity of a pattern does not adopt all."""
    (change,) = _plan([make_answer()], make_entry("svc-*", owner=BOB)).changes

    assert change.entry is None


@pytest.mark.parametrize(
    ("entries", "answers", "message"),
    [
        pytest.param([], [make_answer(entry="NHI-9")], "there is no entry NHI-9", id="no such id"),
        pytest.param(
            [_entry("other", owner=BOB)], [make_answer(entry="registry.csv:2")], "no longer matches", id="rows moved"
        ),
        pytest.param(
            [make_entry("svc-billing"), make_entry("svc-billing", id="NHI-2")], [make_answer()],
            "several entries name it: registry.csv:2, registry.csv:2", id="ambiguous",
        ),
        pytest.param(
            [make_entry("svc-*", owner=BOB)],
            [make_answer("svc-a", entry="NHI-1"), make_answer("svc-b", row=3, entry="NHI-1", owner=("eve@x",))],
            "orphans.csv:3: owner: orphans.csv:2 has other values for the same entry (make them agree, or empty the "
            "id of one to give it an entry of its own)", id="two answers disagree",
        ),
        pytest.param([], [make_answer(purpose="1.2E+10")], "holds something that no registry", id="unwritable"),
    ],
)  # fmt: skip
def test_ambiguous_answers_are_refused(entries: list[Entry], answers: list[FilledInAnswer], message: str) -> None:
    """With file and row, and nothing else is done."""
    with pytest.raises(RegistryError) as caught:
        _plan(answers, *entries)

    assert message in str(caught.value)


def test_another_registry_is_not_written_to() -> None:
    """An identity that is declared elsewhere gets no second entry here."""
    with pytest.raises(RegistryError, match=r"is declared in other\.csv"):
        _plan([make_answer()], make_entry("svc-billing", owner=BOB, registry="other.csv"))


def test_adopting_again_changes_nothing() -> None:
    """Also where rows have moved since: what they say is already there."""
    answers = [make_answer(entry="registry.csv:2"), make_answer(entry="registry.csv:2"), make_answer("svc-b", row=3)]
    moved = _entry("svc-billing", row=7)
    then = RegistryVerdict(state="registered", entry="registry.csv:2", rung="name")
    scan = make_result(make_assessment(registry=then))
    found = _plan(answers, moved, make_entry(make_identity("svc-b").key), scan=scan)

    assert (found.changes, found.settled) == ((), 3)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param(["NHI-007", "NHI-019", "X-1"], ["NHI-020", "NHI-021"], id="the numbering used most"),
        pytest.param(["9"], ["10", "11"], id="bare numbers"),
        pytest.param(["billing", "a-b"], [None, None], id="nothing numbered"),
        pytest.param([], [None, None], id="no ids"),
    ],
)
def test_new_ids_go_on_where_the_registrys_end(ids: list[str], expected: list[str | None]) -> None:
    """In its own numbering and width; where it has none, the column stays empty."""
    entries = [make_entry(f"other-{id_}", id=id_) for id_ in ids]
    found = _plan([make_answer("a"), make_answer("b", row=3)], *entries)

    assert [change.cells.get("id") for change in found.changes] == expected


def test_owners_who_are_not_there_are_refused_unless_they_are_accepted() -> None:
    """The roster may be out of date, but adopting unknown owners needs an option.

    Owners who have left cause a warning.
    """
    several = "ada@example.com, b@x"
    answer = make_answer(owner=("left@example.com", "stranger"), backup_owner=(several,))
    strangers = [
        (2, "owner", "stranger is not on the roster", None),
        (
            2,
            "backup_owner",
            f"{several} is not on the roster; it may be ada@example.com (the rest of the text contradicts it)",
            "separate them by ;",
        ),
    ]

    with pytest.raises(RegistryError) as refused:
        _plan([answer])
    found = _plan([answer], accept_unknown=True)

    assert [
        (problem.line, problem.field, problem.message, problem.fix) for problem in refused.value.problems
    ] == strangers
    assert sorted((one.line, one.field, one.message, one.fix) for one in found.warnings) == sorted(
        [*strangers, (2, "owner", "left@example.com is on the roster, but not active", None)]
    )
    assert len(found.changes) == 1


def test_a_key_that_no_cell_can_hold_is_left_out_with_a_warning() -> None:
    """A line break would part it in two; in a document's list it is fine."""
    answer = make_answer(make_identity("x", key="saas:a\nb"))

    named = make_answer(answer.identity, entry="NHI-1")

    assert (len(_plan([answer]).changes), len(_plan([answer]).warnings)) == (0, 1)
    assert (len(_plan([named], make_entry("y")).changes), len(_plan([named], make_entry("y")).warnings)) == (0, 1)
    assert _plan([answer], in_sheet=False).changes[0].cells["identities"] == ("saas:a\nb",)


@pytest.mark.parametrize(("days", "taken"), [(0, True), (1, False)], ids=["today", "tomorrow"])
def test_a_review_is_taken_unless_it_is_yet_to_come(days: int, taken: bool) -> None:
    """A review in the future would suppress every reminder until then."""
    day = NOW.date() + timedelta(days=days)

    if taken:
        assert _plan([make_answer(last_reviewed=day)]).changes[0].cells["last_reviewed"] == day
    else:
        with pytest.raises(RegistryError, match=f"last_reviewed: {day} is in the future"):
            _plan([make_answer(last_reviewed=day)])
