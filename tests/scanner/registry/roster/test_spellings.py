"""Spellings of people in any roster: the only one who fits is named or a candidate, and never another person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from scanner.model import Person
from scanner.registry.roster import Roster
from tests.examples import examples
from tests.factories import make_person

TODAY = date(2026, 11, 25)
_GIVEN = ("Hans", "Heike", "Anna", "Jörg", "Zoé", "Jean-Pierre", "Martin", "Paul")
_FAMILY = ("Müller", "Schmidt", "Groß", "Lefèvre", "Martin", "Paul", "von der Leyen", "Müller-Lüdenscheid", "O'Brien")
_TEAMS = ("IT-Betrieb", "Zahlungsverkehr", "Recht", "Paiements")


@st.composite
def _rosters(draw: st.DrawFn) -> list[Person]:
    """A few people; names may be shared, e-mails are not."""
    names = draw(st.lists(st.tuples(st.sampled_from(_GIVEN), st.sampled_from(_FAMILY)), min_size=1, max_size=8))
    return [
        make_person(
            f"p{number}@acme.example",
            id=f"{number + 100:08}",
            name=f"{first} {last}",
            team=draw(st.sampled_from((*_TEAMS, None))),
            aliases=(f"u{number}x",),
        )
        for number, (first, last) in enumerate(names)
    ]


_NAMED = 5
"""The most candidates of a text."""

_Spelling = Callable[[str, str, Person], str]
_FULL: tuple[_Spelling, ...] = (
    lambda first, last, _: f"{first} {last}",
    lambda first, last, _: f"{last}, {first}",
    lambda first, last, _: f"{last} {first}",
    lambda first, last, _: f"{last.upper()} {first}",
    lambda first, last, _: f"Dr. {first} {last}",
    lambda first, last, _: f"{first} {last}, Tel. 1234",
    lambda first, last, _: f"Ansprechpartner: {last}, {first}",
    lambda first, last, one: f"{one.team} ({first} {last})" if one.team else f"{first} {last}",
    lambda first, last, one: f"{first} {last} / {one.team}" if one.team else f"{first} {last}",
)
_SURE: tuple[_Spelling, ...] = (
    lambda first, last, one: f"{first} {last} [{one.id}]",
    lambda _first, _last, one: str(one.id).lstrip("0"),
    lambda _first, _last, one: f"ACME\\{one.aliases[0]}",
    lambda first, last, one: f"{first} {last} <{one.email}>",
    lambda _first, _last, one: one.email.replace("@", "(at)"),
)
_SHORT: tuple[_Spelling, ...] = (
    lambda first, last, _: f"{first[0]}. {last}",
    lambda _first, last, _: f"Herr {last}",
    lambda _first, last, one: f"{one.team}: {last}" if one.team else last,
    lambda _first, last, _: last,
    lambda first, _last, _: first,
)


def _words(person: Person) -> set[str]:
    return set((person.name or "").replace("-", " ").split())


def _split(person: Person) -> tuple[str, str]:
    first, _, last = (person.name or "").partition(" ")
    return first, last


@given(_rosters(), st.data())
def test_a_full_name_of_one_person_is_that_person_and_of_two_is_neither(
    people: list[Person], data: st.DataObject
) -> None:
    """A team or number beside it may tell them apart; two who fit all of it are never one of them."""
    person = data.draw(st.sampled_from(people))
    spelling = data.draw(st.sampled_from(_FULL))
    text = spelling(*_split(person), person)
    meaning = Roster(people, TODAY).meaning(text)

    words = sorted((person.name or "").lower().split())
    namesakes = [one for one in people if sorted((one.name or "").lower().split()) == words]
    fitting = [one for one in namesakes if person.team is None or person.team not in text or one.team == person.team]
    if len(namesakes) == 1:
        assert meaning.person == person
    elif len(fitting) > 1:
        assert meaning.person is None or {one.name for one in fitting} > {meaning.person.name}  # as it is written
    assert meaning.person is None or meaning.person in fitting


@given(_rosters(), st.data())
def test_a_number_or_address_is_its_holder(people: list[Person], data: st.DataObject) -> None:
    person = data.draw(st.sampled_from(people))
    text = data.draw(st.sampled_from(_SURE))(*_split(person), person)

    assert Roster(people, TODAY).resolve(text) == person


@given(_rosters(), st.data())
def test_a_short_name_is_the_person_or_a_candidate_not_another(people: list[Person], data: st.DataObject) -> None:
    person = data.draw(st.sampled_from(people))
    text = data.draw(st.sampled_from(_SHORT))(*_split(person), person)
    meaning = Roster(people, TODAY).meaning(text)

    alike = [one for one in people if _words(one) & _words(person)]
    assert meaning.person in (None, person)
    assert meaning.person == person or len(alike) > _NAMED or person.email in {one.email for one in meaning.guesses}


_PIECES = st.sampled_from(
    ["Herr", "M.", "Team", "Recht", "Müller", "Anna", "Martin", "/", "(", ")", ",", ":", "und", "Stv.", "100", "?",
     "さん", "・", "\n", "geb."]
)  # fmt: skip


@given(_rosters(), st.lists(_PIECES, max_size=9).map(" ".join))
@examples(300, smoke=300)
def test_any_text_names_at_most_one_and_never_raises(people: list[Person], text: str) -> None:
    roster = Roster(people, TODAY)
    meaning = roster.meaning(text)

    assert meaning.person is None or not meaning.guesses
    assert all(roster.resolve(owner) for owner in roster.apart(text)) or roster.apart(text) == (text,)


def test_the_order_of_the_roster_does_not_matter() -> None:
    people = [make_person(f"p{number}@acme.example", name=f"Anna {last}") for number, last in enumerate(_FAMILY)]
    texts = [f"Frau {last}" for last in _FAMILY] + ["Anna", "A. Müller", "Martin, Anna"]

    assert [Roster(people, TODAY).meaning(text) for text in texts] == [
        Roster(people[::-1], TODAY).meaning(text) for text in texts
    ]
