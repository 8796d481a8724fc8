"""What entries declare of a blast radius, in exact words, and what is beyond it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.access.blast_radius.declared import Counted, Statement, beyond, declared_by, drafted
from scanner.model import CONSEQUENCES, BlastRadius, ConsequenceKind, Count
from tests.examples import examples
from tests.factories import make_entry

SENDS = BlastRadius(kinds=("send",), identities=Count(number=3), scopes=Count(number=1))
MANY = BlastRadius(identities=Count(number=9, at_least=True))
ADMIN = BlastRadius(kinds=("administer",), administers=("aws 1",), administered=1, identities=Count(number=400))


def statement(blast_radius: str | None = None, *high_consequence: str) -> Statement:
    """Of an entry with these cells."""
    return declared_by(make_entry("x", blast_radius=blast_radius, high_consequence=high_consequence))


@pytest.mark.parametrize(
    ("blast_radius", "high_consequence", "kinds", "most"),
    [
        ("send messages", (), {"send"}, {}),
        (None, ("Send  E-mail", "send email", "DESTROY DATA."), {"send", "delete"}, {}),
        ("read_secrets, pay\ninvoke models", (), {"read_secrets", "pay", "invoke_models"}, {}),
        ("nothing", (), set(), {}),
        ("at most 1,200 other identities; 3 stored secrets, 1 scope", (), None,
         {"identities": 1200, "secrets": 3, "scopes": 1}),
        ("it could send messages to customers", (), None, {}),
        ("low", ("see wiki",), None, {}),
        (None, (), None, {}),
        ("12345678901 secrets", (), None, {}),
    ],
)  # fmt: skip
def test_only_exact_words_declare_anything(
    blast_radius: str | None,
    high_consequence: tuple[str, ...],
    kinds: set[ConsequenceKind] | None,
    most: dict[Counted, int],
) -> None:
    """Whatever else is in a cell is left to people."""
    found = statement(blast_radius, *high_consequence)

    assert found == Statement(kinds=None if kinds is None else frozenset(kinds), most=most)
    assert bool(found) == (kinds is not None or bool(most))


@pytest.mark.parametrize(
    ("blast_radius", "radius", "found"),
    [
        ("send messages", SENDS, None),
        ("destroy data", SENDS, ("destroy data", "send messages")),
        ("none", SENDS, ("nothing of high consequence", "send messages")),
        ("send; 3 identities", SENDS, None),
        ("send; 2 identities; 0 scopes", SENDS, ("2 identities; 0 scopes", "3 identities and 1 scope")),
        ("2 identities", MANY, ("2 identities", "at least 9 identities")),
        ("9 identities", MANY, None),
        ("send; 400 identities", ADMIN, ("send messages", "do everything in aws 1")),
        ("administer everything", ADMIN, None),
        ("a disaster", ADMIN, None),
    ],
)  # fmt: skip
def test_what_is_beyond_is_named_beside_what_was_declared(
    blast_radius: str, radius: BlastRadius, found: tuple[str, str] | None
) -> None:
    """Nothing is beyond an admin, and nothing is beyond what was not declared in exact words."""
    given = beyond(statement(blast_radius), radius)

    assert (None if given is None else (given.declared, given.found)) == found


@examples(30, smoke=30)
@given(
    st.builds(
        BlastRadius,
        kinds=st.sets(st.sampled_from(tuple(CONSEQUENCES))).map(lambda of: tuple(k for k in CONSEQUENCES if k in of)),
        identities=st.builds(Count, number=st.integers(0, 10**8), at_least=st.booleans()),
        secrets=st.builds(Count, number=st.integers(0, 10**8), at_least=st.booleans()),
        unknown=st.sampled_from([(), ("something",)]),
    )
)
def test_nothing_is_beyond_what_was_drafted(radius: BlastRadius) -> None:
    """And one more of anything that is counted is."""
    cells = drafted(radius)
    worst, high = cells.get("blast_radius"), cells.get("high_consequence", ())
    assert worst is None or isinstance(worst, str)
    declared = statement(worst, *high)

    assert beyond(declared, radius) is None
    more = BlastRadius(kinds=tuple(CONSEQUENCES), identities=radius.identities)
    if radius.kinds and "administer" not in radius.kinds:
        assert beyond(declared, more) is not None
