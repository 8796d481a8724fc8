"""What lint says of entries and people, and how complete it finds them."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import Entry, Origin, Person, Policy
from scanner.redaction.redact import SecretRef
from scanner.registry.editing.lint import lint_entries, lint_people
from scanner.registry.editing.quality import Standard, measure
from scanner.registry.roster import Roster
from tests.factories import NOW, make_entry, make_person

TODAY = NOW.date()
PEOPLE = (
    make_person(),
    make_person("left@example.com", status="left", left_on=date(2026, 1, 1)),
    make_person("soon@example.com", status="leaving", left_on=date(2026, 12, 31)),
    make_person("team:empty", members=("left@example.com",)),
    make_person("fixed@example.com", name="Fixed Term", left_on=date(2026, 12, 24)),
    make_person("team:leaving", members=("soon@example.com", "fixed@example.com")),
    make_person("team:changing", members=("soon@example.com", "ada@example.com")),
)
STANDARD = Standard(today=TODAY, policy=Policy(), roster=Roster(PEOPLE, TODAY), providers=frozenset({"aws", "vault"}))


def _good(*identities: str, row: int = 2, **facts: Any) -> Entry:
    """An entry about which there is nothing to say."""
    fine = {"purpose": "bills", "last_reviewed": date(2026, 11, 1), "origin": Origin(file="registry.csv", row=row)}
    return make_entry(*(identities or ("svc-billing",)), **{**fine, **facts})


def _said(*entries: Entry) -> list[tuple[bool, int | None, str | None, str]]:
    notes = lint_entries(entries, STANDARD)
    return [(one.is_problem, one.problem.line, one.problem.field, one.problem.message) for one in notes]


@pytest.mark.parametrize(
    ("facts", "is_problem", "field", "message"),
    [
        pytest.param({"owner": ("left@example.com",)}, True, "owner", "left@example.com left on 2026-01-01", id="left"),
        pytest.param({"owner": ("x@y",)}, True, "owner", "x@y is not on the roster", id="unknown"),
        pytest.param({"owner": ("terraform",)}, True, "owner", "terraform is a machine", id="machine"),
        pytest.param({"owner": ("team:empty",)}, True, "owner", "team:empty has no active member", id="empty group"),
        pytest.param({"owner": ()}, True, "owner", "no owner is named", id="no owner"),
        pytest.param({"backup_owner": ("x@y",)}, True, "backup_owner", "x@y is not on the roster", id="backup"),
        pytest.param(
            {"owner": ("soon@example.com",)}, False, "owner", "soon@example.com leaves on 2026-12-31", id="leaving"
        ),
        pytest.param(
            {"technical_owner": ("fixed@example.com",)}, False, "technical_owner",
            "fixed@example.com leaves on 2026-12-24", id="active with a last day",
        ),
        pytest.param(
            {"owner": ("team:leaving",)}, False, "owner",
            "team:leaving has active members, and all of them are leaving", id="group of leavers",
        ),
        pytest.param({"owner": (), "status": "proposed"}, False, "owner", "no owner is named", id="proposed"),
        pytest.param(
            {"expires": date(2026, 11, 24)}, True, "expires", "expired on 2026-11-24, yet is active", id="expired"
        ),
        pytest.param({"last_reviewed": None}, False, "last_reviewed", "was never reviewed", id="never reviewed"),
        pytest.param(
            {"next_review": date(2026, 11, 24)}, False, "next_review", "its review was due on 2026-11-24", id="overdue"
        ),
        pytest.param(
            {"last_reviewed": date(2026, 1, 1)}, False, "last_reviewed", "its review was due on 2026-06-30",
            id="overdue by the policy",
        ),
        pytest.param(
            {"last_reviewed": None, "approved_on": date(2026, 1, 1)}, False, "last_reviewed",
            "its review was due on 2026-06-30", id="overdue since its approval",
        ),
        pytest.param({"purpose": None}, False, "purpose", "is empty", id="no purpose"),
        pytest.param(
            {"provider": "awss"}, False, "provider", "awss cannot be scanned: this entry matches nothing",
            id="provider",
        ),
        pytest.param(
            {"provider": "AWS / Azure"}, False, "provider", "AWS / Azure cannot be scanned: this entry matches nothing",
            id="two providers",
        ),
        pytest.param(
            {"identities": ("svc-a, svc-b und svc-c",)}, False, "identities",
            "svc-a, svc-b und svc-c counts as 3 identities only if a scan finds all of them", id="several",
        ),
        pytest.param(
            {"identities": ("a*",)}, False, "identities", "the pattern a* is too broad", id="broad"
        ),
        pytest.param(
            {"status": "retired", "owner": ()}, False, "expires", "is retired without a date",
            id="retired",
        ),
    ],
)  # fmt: skip
def test_one_problem_is_one_note(facts: dict[str, Any], is_problem: bool, field: str, message: str) -> None:
    """With row and column; a problem or a warning."""
    entry = _good(**{key: value for key, value in facts.items() if key != "identities"})
    if "identities" in facts:
        entry = _good(*facts["identities"])

    assert _said(entry) == [(is_problem, 2, field, message)]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            {"expires": TODAY, "next_review": TODAY, "provider": "HashiCorp Vault"},
            id="today is not yet past, and a provider has other names",
        ),
        pytest.param({"last_reviewed": TODAY}, id="reviewed today"),
        pytest.param({"last_reviewed": None, "approved_on": date(2026, 11, 1)}, id="an approval is a review"),
        pytest.param({"last_reviewed": date(2026, 1, 1), "approved_on": date(2026, 11, 1)}, id="approved again since"),
        pytest.param({"owner": ("team:changing",)}, id="a group of which one stays"),
    ],
)
def test_no_problem_is_no_note(facts: dict[str, Any]) -> None:
    """As a scan sees it."""
    assert _said(_good(**facts)) == []


def test_an_entry_that_cannot_name_an_owner_is_only_warned_about() -> None:
    """If its format has no field for an owner, the problem could not be fixed."""
    entries = [_good("svc-a", owner=()), _good("svc-b", owner=(), id="b", row=3)]

    notes = lint_entries(entries, STANDARD, ownerless={"b"})

    assert [(one.problem.line, one.is_problem) for one in notes] == [(2, True), (3, False)]


@pytest.mark.parametrize(
    ("one", "other", "twins"),
    [
        pytest.param(_good("svc-a"), _good("SVC-A", row=3), True, id="names, but for case"),
        pytest.param(_good(r"a\*"), _good(r"a\*", row=3), True, id="an escaped star"),
        pytest.param(
            _good("arn:aws:iam::1:user/A"), _good("arn:aws:iam::1:user/a", row=3), False, id="ARNs differ by case"
        ),
        pytest.param(_good("svc-a", scope="1"), _good("svc-a", scope="2", row=3), False, id="in two places"),
        pytest.param(_good("svc-a", scope="1"), _good("svc-a", row=3), True, id="in one place and in any"),
        pytest.param(
            _good("svc-a"), _good("svc-a", status="retired", expires=TODAY, row=3), False, id="one is retired"
        ),
        pytest.param(_good("svc-a", registry="a"), _good("svc-a", registry="b", row=3), False, id="two lists agree"),
        pytest.param(_good("svc-a"), _good("svc-a", scope="1", row=3), True, id="in any place and in one"),
        pytest.param(
            _good("svc-a", provider="aws"), _good("svc-a", scope="1", row=3), True, id="in places that may be one"
        ),
        pytest.param(_good("svc-a", "SVC-A"), _good("svc-b", row=3), False, id="one entry says it twice"),
    ],
)  # fmt: skip
def test_identities_declared_twice_name_both_places(one: Entry, other: Entry, twins: bool) -> None:
    """At the later one; only if both can mean the same place."""
    assert _twice(one, other) == ([(True, 3, "declared at registry.csv:2, too")] if twins else [])


def _twice(*entries: Entry) -> list[tuple[bool, int | None, str]]:
    found = [said for said in _said(*entries) if "is declared at" in said[3]]
    return [(is_problem, line, message.partition(" is ")[2]) for is_problem, line, _, message in found]


@pytest.mark.parametrize(
    ("facts", "differing"),
    [
        pytest.param({}, None, id="the same"),
        pytest.param({"owner": ()}, None, id="one names no owner, as a state"),
        pytest.param({"owner": ("Fixed Term",)}, None, id="one person by two names"),
        pytest.param({"owner": ("team:leaving",)}, None, id="a group and a member"),
        pytest.param({"owner": ("ada@example.com",)}, "owner", id="two people"),
        pytest.param({"environment": "dev", "kind": "pipeline"}, "environment, kind", id="other columns"),
        pytest.param({"status": "suspended"}, "status", id="one is suspended"),
    ],
)
def test_two_registries_may_declare_the_same_as_long_as_they_agree(
    facts: dict[str, Any], differing: str | None
) -> None:
    """What agrees is one declaration to a scan, too."""
    declared: dict[str, Any] = {"owner": ("fixed@example.com",), "environment": "prod", "kind": "agent"}
    one, other = _good("svc-a", registry="a", **declared), _good("svc-a", registry="b", row=3, **{**declared, **facts})

    assert _twice(one, other) == (
        [(True, 3, f"declared at registry.csv:2, too, and differs in {differing}")] if differing else []
    )


_PLACES = st.fixed_dictionaries(
    {}, optional={"provider": st.sampled_from(["aws", "saas"]), "scope": st.sampled_from(["x", "y"])}
)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), _PLACES), max_size=8))
def test_entries_that_can_mean_the_same_place_are_found(declared: list[tuple[str, dict[str, str]]]) -> None:
    """Two entries do where all that both say of it is the same; compared with every one that came before."""
    entries = [_good(text, row=row, **place) for row, (text, place) in enumerate(declared)]
    later = [
        number
        for number, (text, place) in enumerate(declared)
        if any(
            text == other and all(place[column] == elsewhere[column] for column in place.keys() & elsewhere.keys())
            for other, elsewhere in declared[:number]
        )
    ]

    assert [line for _, line, _ in _twice(*entries)] == later


def test_a_second_one_in_a_registry_is_found_behind_one_that_agrees() -> None:
    """Another registry's entry, which agrees with both, does not hide that the two are rivals."""
    entries = [_good("svc-a", registry="a"), *(_good("svc-a", registry="b", row=row) for row in (3, 4))]

    assert [line for _, line, _ in _twice(*entries)] == [4]


def test_one_name_in_many_places_is_looked_at_once_for_each() -> None:
    """As the same pipeline's user in every account: 8,000 of them in seconds, not in a minute."""
    entries = [_good("svc-a", "svc-a*", scope=str(number), row=number) for number in range(8_000)]
    started = time.process_time()

    said = _said(*entries)

    assert [message for *_, message in said if "declared" in message or "covered" in message] == []
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("narrow", "wide", "covered"),
    [
        pytest.param("svc-pay-*", "svc-*", True, id="wider"),
        pytest.param("svc-*", "svc-pay-*", False, id="narrower"),
        pytest.param("svc-**", "svc-*", False, id="across segments"),
        pytest.param("svc-*-a", "svc-**", True, id="within segments"),
        pytest.param("svc-pay", "svc-*", False, id="one name is an exception, not a pattern"),
    ],
)
def test_patterns_inside_others_are_reported(narrow: str, wide: str, covered: bool) -> None:
    """The narrower one counts, so the two need not agree."""
    said = _said(_good(wide), _good(narrow, row=3))
    found = [message for _, line, _, message in said if line == 3 and "covered" in message]

    assert found == ([f"the pattern {narrow} is covered by {wide} at registry.csv:2"] if covered else [])


@pytest.mark.parametrize(
    ("person", "said"),
    [
        pytest.param(make_person("x@y", status="left"), ("left_on", "x@y is left, without a day"), id="no day"),
        pytest.param(make_person("x@y", manager="z@y"), ("manager", "z@y is not on the roster"), id="manager"),
        pytest.param(PEOPLE[3], ("members", "team:empty has no active member"), id="empty group"),
    ],
)
def test_people_are_looked_at_too(person: Person, said: tuple[str, str]) -> None:
    """What of the roster would make owners hard to find."""
    (note,) = lint_people([person], STANDARD)

    assert (note.is_problem, note.problem.field, note.problem.message) == (False, *said)


def test_quality_counts_what_is_filled_in_and_what_holds() -> None:
    """By column, without retired entries; the score is the mean over the columns that a registry should have."""
    found = measure(
        [
            _good(built_by="eve", systems=("erp",), credentials=("access_key",), baseline="b", blast_radius="c"),
            _good(owner=("left@example.com",), last_reviewed=date(2025, 1, 1), expires=date.max, provider="nope"),
            _good(status="retired"),
        ],
        STANDARD,
    )
    assert found is not None
    shares = {field.column: (field.filled, field.valid) for field in found.fields}

    assert shares["owner"] == shares["last_reviewed"] == (1.0, 0.5)
    assert (shares["purpose"], shares["built_by"], shares["provider"]) == ((1.0, 1.0), (0.5, 0.5), (0.5, 0.0))
    assert found.score == pytest.approx((1.0 + 7 * 0.5) / 8)
    assert [field.column for field in found.fields if "CIS 5.5" in field.counts_for] == [
        "purpose", "owner", "last_reviewed"
    ]  # fmt: skip


def test_without_entries_there_is_no_quality() -> None:
    """A share of nothing is no number."""
    assert measure([_good(status="retired")], STANDARD) is None


@pytest.mark.parametrize(
    ("facts", "is_problem", "field", "message"),
    [
        pytest.param({"identities": ("svc\u200b-a",)}, False, "identities",
                     "svc\\u200b-a holds an invisible character (U+200B)", id="invisible"),
        pytest.param({"identities": ("p\u0430yments",)}, False, "identities",
                     "p\u0430yments mixes letters that look alike (Cyrillic and Latin)", id="look-alike"),
        pytest.param({"identities": ("arn:aws:iam::12345:user/a",)}, False, "identities",
                     "12345 is not a valid AWS account number: it has 12 digits", id="account in an ARN"),
        pytest.param({"provider": "aws", "scope": "1234567890123"}, False, "scope",
                     "1234567890123 is not a valid AWS account number: it has 12 digits", id="scope too long"),
        pytest.param({"provider": "aws", "scope": "000000000000"}, False, "scope",
                     "000000000000 is not a valid AWS account number: it has 12 digits", id="nothing but zeros"),
        pytest.param({"identities": ("arn:aws:iam::123456789012:user/a",), "scope": "210987654321"}, True, "scope",
                     "is 210987654321, and arn:aws:iam::123456789012:user/a is of another account", id="scope"),
        pytest.param({"identities": ("arn:aws:iam::123456789012:user/a",), "provider": "vault"}, True, "provider",
                     "is vault, and arn:aws:iam::123456789012:user/a is an ARN", id="provider"),
        pytest.param({"owner": ("ada@example.com",), "approved_by": "ADA@example.com"}, False, "approved_by",
                     "ADA@example.com approved what they own", id="own approval"),
        pytest.param({"built_by": "ada@example.com", "approved_by": "ada@example.com", "owner": ("team:changing",)},
                     False, "approved_by", "ada@example.com approved what they built", id="approval by the builder"),
        pytest.param({"purpose": "login with password=hunter2hunter2"}, True, "purpose",
                     "holds what may be a secret", id="secret"),
        pytest.param({"credentials": ("q7Xw2RbT9vKp4ZsLm1NcY8dHf3GjQ6aUe5VoW0xI",)}, True, "credentials",
                     "holds what may be a secret", id="secret access key"),
        pytest.param({"extra": {"Notes": "-----BEGIN RSA PRIVATE KEY-----"}}, True, "Notes",
                     "holds what may be a secret", id="private key in another column"),
        pytest.param({"purpose": "TBD"}, False, "purpose", "says TBD", id="to be decided"),
    ],
)  # fmt: skip
def test_what_cannot_be_so_is_said(facts: dict[str, Any], is_problem: bool, field: str, message: str) -> None:
    """One note for each, and never what may be the secret."""
    identities = facts.pop("identities", ("svc-billing",))

    assert _said(_good(*identities, **{"owner": ("ada@example.com",), **facts})) == [(is_problem, 2, field, message)]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"provider": "aws", "scope": "1234567890"}, id="zeros that a spreadsheet took"),
        pytest.param({"identities": ("m\u00fcller-bot", "\u0431\u043e\u0442-7")}, id="accents, and one alphabet alone"),
        pytest.param({"identities": ("arn:aws:iam::*:role/a", "arn:aws:s3:::bucket-a")}, id="ARNs without an account"),
        pytest.param({"credentials": ("AKIAIOSFODNN7EXAMPLE", "9f86d081884c7d659a2f")}, id="public ids"),
        pytest.param({"owner": ("ada@example.com",), "approved_by": "team:empty"}, id="approved by another"),
        pytest.param({"identities": ("PaymentsReconciliationLoaderProduction01",)}, id="a name of forty letters"),
        pytest.param({"owner": ("team:changing",), "approved_by": "ada@example.com"}, id="approved by one of the team"),
    ],
)
def test_valid_values_cause_no_note(facts: dict[str, Any]) -> None:
    identities = facts.pop("identities", ("svc-billing",))

    assert _said(_good(*identities, **facts)) == []


def test_a_short_secret_of_the_settings_makes_no_name_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password such as ``bill`` is part of many names; a long secret is recognized wherever it is copied to."""
    monkeypatch.setenv("SHORT", "bill")
    monkeypatch.setenv("LONG", "correct horse battery")
    for name in ("SHORT", "LONG"):
        SecretRef(env=name).resolve()

    assert _said(_good("svc-billing")) == []
    assert _said(_good(purpose="correct horse battery")) == [(True, 2, "purpose", "holds what may be a secret")]


@pytest.mark.parametrize(
    ("facts", "hidden", "said"),
    [
        pytest.param({"owner": ()}, {"owner"}, [], id="owner"),
        pytest.param({"purpose": None}, {"purpose"}, [], id="purpose"),
        pytest.param({"last_reviewed": None}, {"approved_on"}, [], id="any day of review"),
        pytest.param({"status": "retired"}, {"expires"}, [], id="last day"),
        pytest.param({"owner": ()}, {"purpose"}, ["owner"], id="another cell"),
    ],
)
def test_nothing_is_said_of_cells_that_cannot_be_read(facts: dict[str, Any], hidden: set[str], said: list[str]) -> None:
    """Nor about checks that depend on them: an unreadable owner is not a missing owner."""
    notes = lint_entries([_good(**facts, id="torn")], STANDARD, hidden={"torn": hidden})

    assert [one.problem.field for one in notes] == said


@pytest.mark.parametrize(("hidden", "said"), [("identities", 0), ("scope", 0), ("team", 1)])
def test_a_row_with_an_unreadable_place_has_no_twin(hidden: str, said: int) -> None:
    """Its name alone may be of something else."""
    notes = lint_entries([_good(), _good(id="torn", row=3)], STANDARD, hidden={"torn": {hidden}})

    assert [one.problem.field for one in notes] == ["identities"] * said
