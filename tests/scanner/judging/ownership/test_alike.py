"""Names that differ in numbers: taken for one another only where the numbers say nothing."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from scanner.judging.ownership.words import Alike, NamedAfter, Neighbours, words
from scanner.registry.roster import Roster
from tests.factories import make_identity, make_person
from tests.scanner.judging.ownership.people import TODAY, directory

ROSTER = Roster(
    [
        make_person("ada@example.com"),
        make_person("person1@example.com"),
        make_person("person2@example.com"),
        make_person("team:payments", members=("ada@example.com",)),
        make_person("team:42", members=("ada@example.com",)),
        make_person("team:2fa", members=("person1@example.com",)),
        make_person("team:tier-2", members=("person2@example.com",)),
    ],
    TODAY,
)
_PIECES = (
    *("svc", "Payments", "ada", "person", "team", "tier", "fa", "etl", "1", "2", "42", "0042", "٤٢", "5f3ada9c0ada"),
    *("0ada1234-ada0-ada0-ada0-ada0ada0ada0", "1ada1234-ada0-ada0-ada0-ada0ada0ada0", "abcdef12345", "x²"),
)
_NAMES = st.lists(st.sampled_from((*_PIECES, "-", "_")), min_size=1, max_size=8).map("".join)


@example(owned=[], asked="svc-etl-person1")
@example(owned=[("svc-etl-1", "ada@example.com")], asked="svc-etl-2")
@example(owned=[("svc-1-etl", "ada@example.com")], asked="svc-2-etl")
@example(owned=[("svc-5f3ada9c0ada", "ada@example.com")], asked="svc-6f3ada9c0ada")
@given(owned=st.lists(st.tuples(_NAMES, st.sampled_from(("ada@example.com", "person1@example.com")))), asked=_NAMES)
def test_a_name_says_what_it_would_say_alone(owned: list[tuple[str, str]], asked: str) -> None:
    """In any order of names, each has the hints of its own words."""
    named_after = NamedAfter(directory(ROSTER))
    neighbours = Neighbours((make_identity(name), owner) for name, owner in owned)
    alike = Alike(named_after, neighbours)
    for name in (*(name for name, _ in owned), *(asked.replace("2", digit) for digit in "123"), asked):
        one = make_identity(name)
        parts = words(name)
        expected = named_after.of_name(parts) + neighbours.of_name(one.provider, one.scope, parts)
        assert alike.of_identity(one) == expected
