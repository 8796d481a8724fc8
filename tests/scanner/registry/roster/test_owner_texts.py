"""Owners as people write them: named for certain, or candidates, and never another person."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import Person
from scanner.registry.roster import Roster
from scanner.registry.roster.texts import parts, separations
from tests.factories import make_entry, make_person

JANE = make_person(
    "jane.doe@acme.example", id="E100", name="Jane Doe", aliases=("jdoe",), team="Payments", manager="boss@acme.example"
)
BOB = make_person("bob@acme.example", id="E101", name="Bob Müller", team="Risk")
BOSS = make_person("boss@acme.example", name="Big Boss", team="Sales")
SALE = make_person("sal@acme.example", name="Sal Esman", team="Sales", manager="boss@acme.example")
ANN_OF_RISK = make_person("ann.lee@acme.example", name="Ann Lee", team="Risk")
ANN_OF_PAYMENTS = make_person("ann.lee2@acme.example", name="Ann Lee", team="Payments")
JAMES_MARTIN = make_person("m.james@acme.example", name="James Martin")
MARTIN_JAMES = make_person("j.martin@acme.example", name="Martin James")
PAYMENTS = make_person("team:payments", name="Payments", members=("E100", "ann.lee2@acme.example"))
RISK = make_person("team:risk", members=("E101",))
EVERYBODY = [
    JANE, BOB, BOSS, SALE, ANN_OF_RISK, ANN_OF_PAYMENTS, JAMES_MARTIN, MARTIN_JAMES, PAYMENTS, RISK,
]  # fmt: skip
ROSTER = Roster(EVERYBODY, date(2026, 11, 25))


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Jane Doe (Payments)", JANE),
        ("Jane Doe [Payments]", JANE),
        ("Jane Doe - Payments", JANE),
        ("Jane Doe (she/her)", JANE),
        ("Jane Doe (E100)", JANE),
        ("Jane Doe (jane.doe@acme.example)", JANE),
        ("Jane Doe jane.doe@acme.example", JANE),
        ('"Doe, Jane" <jane.doe@acme.example>', JANE),
        ("jane.doe@acme.example (Payments)", JANE),
        ("jane.doe@acme.example<mailto:jane.doe@acme.example>", JANE),
        ("mailto:jane.doe@acme.example", JANE),
        ("mailto:jane.doe@acme.example?subject=svc", JANE),
        ("[Jane](mailto:jane.doe@acme.example)", JANE),
        ("jane.doe+aws@acme.example", JANE),
        ("jane.doe_acme.example#EXT#@tenant.onmicrosoft.example", JANE),
        ("Jane Doe <jane.doe@old.example>", JANE),
        (r"ACME\jdoe", JANE),
        (r"ACME\jane.doe", JANE),
        ("@jdoe", JANE),
        ("jane.doe", JANE),
        ("i:0#.f|membership|jane.doe@acme.example", JANE),
        (r"i:0#.w|acme\jdoe", JANE),
        ("12;#Jane Doe", JANE),
        ("CN=Jane Doe,OU=Staff,DC=acme,DC=example", JANE),
        (r"cn=Doe\, Jane,ou=Staff,dc=acme", JANE),
        ("uid=jdoe,ou=people,dc=acme", JANE),
        ("user:default/jdoe", JANE),
        ("Owner: Jane Doe", JANE),
        ("Doe Jane", JANE),
        ("DOE, Jane", JANE),
        ("Jane   Doe", JANE),
        ("Jane\u00a0Doe", JANE),
        ("\ufeffJane Doe", JANE),
        ("\u200ejane.doe@acme.example", JANE),
        ("Dr. Jane Doe", JANE),
        ("Bob Muller", BOB),
        ("Mueller, Bob", BOB),
        ("Payments team", PAYMENTS),
        ("The Payments Team", PAYMENTS),
        ("group:default/payments", PAYMENTS),
        ("Payments (Jane Doe)", JANE),
        ("Ann Lee (Risk)", ANN_OF_RISK),
        ("Ann Lee (Payments team)", ANN_OF_PAYMENTS),
        ("Ann Lee <ann.lee2@acme.example>", ANN_OF_PAYMENTS),
        ("Martin, James", JAMES_MARTIN),
        ("J. Doe", JANE),
        ("Doe, J.", JANE),
        ("Doe, Jane Doe", JANE),
        ("jdoe / Jane", JANE),
    ],
)
def test_who_is_meant_for_certain(text: str, person: Person) -> None:
    assert ROSTER.resolve(text) == person


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Jane", JANE),
        ("Jane A. Doe", JANE),
        ("Jnae Doe", JANE),
        ("doej", JANE),
        ("bob", BOB),
        (r"OTHER\bmuller", BOB),
        ("jane.doe@other.example", JANE),
        ("jane.deo@acme.example", JANE),
        ("Jane Doe <someone@other.example>", JANE),
        ("Jane Doe (E999)", JANE),
        ("Jane Doe (Risk)", JANE),
        ("Jane Doe?", JANE),
        ("formerly Jane Doe", JANE),
        ("Jane Doe (left in March)", JANE),
        ("not jane.doe@acme.example any more", JANE),
        ("Sales team", BOSS),
    ],
)
def test_who_may_be_meant_comes_first_and_is_not_taken(text: str, first: Person) -> None:
    meaning = ROSTER.meaning(text)

    assert meaning.person is None
    assert meaning.guesses[0].email == first.email
    assert meaning.why_unresolved.startswith("is not on the roster; it may be ")


@pytest.mark.parametrize(
    ("text", "could_be"),
    [
        ("Ann Lee", {ANN_OF_RISK, ANN_OF_PAYMENTS}),
        ("Lee, Ann", {ANN_OF_RISK, ANN_OF_PAYMENTS}),
        ("Ann Lee (Sales)", {ANN_OF_RISK, ANN_OF_PAYMENTS}),
        ("James Martin", {JAMES_MARTIN, MARTIN_JAMES}),
        ("Jane Doe (bob@acme.example)", {JANE, BOB}),
        ("Jane Doe <bob@acme.example>", {JANE, BOB}),
    ],
)
def test_several_who_go_by_a_text_are_all_named(text: str, could_be: set[Person]) -> None:
    meaning = ROSTER.meaning(text)

    assert (meaning.person, meaning.ambiguous) == (None, True)
    assert {one.email for one in meaning.guesses} == {one.email for one in could_be}


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("jane.doe@acme.example, bob@acme.example", ("jane.doe@acme.example", "bob@acme.example")),
        ("jane.doe@acme.example bob@acme.example", ("jane.doe@acme.example", "bob@acme.example")),
        ("Jane Doe / Bob Müller", ("Jane Doe", "Bob Müller")),
        ("Payments/Risk", ("Payments", "Risk")),
        ("Jane Doe and Bob Müller", ("Jane Doe", "Bob Müller")),
        ("Jane Doe (E100), Bob Müller (Risk)", ("Jane Doe (E100)", "Bob Müller (Risk)")),
        ("Jane Doe, nobody we know", None),
        ("Payments / Compliance", None),
        ("Payments & Risk", None),
        ("Doe, Jane", None),
        ("Lee, Ann", None),
        ("Ann Lee, Jane Doe", None),
    ],
)
def test_several_owners_in_one_cell_are_split_only_if_all_are_known(text: str, owners: tuple[str, ...] | None) -> None:
    assert ROSTER.parted(make_entry("x", owner=(text,))).owner == (owners or (text,))


_PIECES = st.sampled_from(
    ["Ann", "Lee", "Jane", "Doe", "jdoe", "James", "Martin", "(Risk)", "(Payments)", "ann.lee@acme.example", ",",
     "/", "@", "ACME\\", "CN=", "mailto:", "i:0#.f|membership|", "?", "\u200b", "<", ">", "|", "-", "12;#", "#EXT#"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=8).map(" ".join), st.lists(_PIECES).map("".join)))
def test_any_text_is_read_and_never_means_two(text: str) -> None:
    """Nothing raises; a text that gives only a name that two have never means one of them."""
    meaning = ROSTER.meaning(text)

    assert (meaning.person is None) or not meaning.guesses
    assert all(ROSTER.resolve(one) is not None for one in ROSTER.apart(text)) or ROSTER.apart(text) == (text,)
    assert len(parts(text).emails) <= 1
    assert all(map(len, separations(text)))


@given(
    st.permutations(["Ann", "Lee"]),
    st.sampled_from([" ", "  ", ", ", "\u00a0"]),
    st.sampled_from(["", "\ufeff", "Dr. "]),
    st.sampled_from(["", " ", " (Sales)", " (x)", ".", " - Berlin"]),
)
def test_two_of_one_name_are_never_one_of_them(words: list[str], between: str, before: str, after: str) -> None:
    meaning = ROSTER.meaning(f"{before}{between.join(words)}{after}")

    assert meaning.person is None
    assert {one.email for one in meaning.guesses} == {ANN_OF_RISK.email, ANN_OF_PAYMENTS.email}


@pytest.mark.parametrize("text", ["Kim Park", "kpark", "kim@acme.example", "kim"])
def test_people_who_fit_equally_well_are_sorted_by_email(text: str) -> None:
    """Else each run would have another order, or others of many, and an unchanged identity would count as changed."""
    emails = [f"kim@{word}.example" for word in ("delta", "alpha", "echo", "bravo", "charlie")]
    roster = Roster([make_person(email, name="Kim Park") for email in emails], date(2026, 11, 25))

    assert [one.email for one in roster.meaning(text).guesses] == sorted(emails)
