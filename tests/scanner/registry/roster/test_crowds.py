"""Thousands of people who are called alike: each text that names them costs no copy of them all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.model import Origin, Person
from scanner.registry.roster.indexes import CROWD, NO_PEOPLE, Emails, Indexes, common, united
from tests.examples import examples

HERE = Origin(file="people.csv")
PEOPLE = [
    Person(email=f"{'svc' if n % 2 else f'p{n}'}@{n}.example", name="Ada Lovelace", team="Payments", origin=HERE)
    for n in range(2 * CROWD)
]


@examples(50)
@given(st.lists(st.frozensets(st.sampled_from("abcd")), min_size=1, max_size=4))
def test_they_are_joins_of_sets(several: list[Emails]) -> None:
    """Of any sets, also of those that are there twice or empty."""
    assert united(*several) == frozenset().union(*several)
    assert common(*several) == frozenset.intersection(*several)


def test_a_crowd_is_one_object() -> None:
    """By whichever key it is found, joined with nothing or itself, and joined again with another crowd."""
    indexes = Indexes(PEOPLE, lambda _: None)
    crowds = {id(one) for one in indexes.full_names.values()}
    (crowd, *_), other = indexes.full_names.values(), frozenset(f"x{n}" for n in range(2 * CROWD))
    groups, members = indexes.team("Payments")

    assert len(crowd) == len(PEOPLE)
    assert len(crowds) == 1
    assert united(crowd, NO_PEOPLE, crowd) is common(crowd, crowd) is crowd
    assert united(crowd, other) is united(crowd, other)
    assert common(crowd, members) is common(crowd, members)
    assert (groups, indexes.team("team:payments")[1]) == (NO_PEOPLE, members)
    assert indexes.team("payments")[1] is members


def test_a_user_name_at_a_domain_is_looked_up() -> None:
    """One of thousands with that user name."""
    assert Indexes(PEOPLE, lambda _: None).by_address("svc@7.example") == {"svc@7.example"}
