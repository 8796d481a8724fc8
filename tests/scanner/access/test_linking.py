"""Keys found by patterns, as their provider compares them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.access.trusts import Keys, compiled, with_links
from scanner.model import Link
from tests.factories import make_identity

FEW = st.text(st.sampled_from("aAb/*?[."), max_size=6)


@given(st.lists(FEW, max_size=8), FEW, st.sampled_from(["aws", "azure"]))
def test_a_pattern_finds_what_trying_each_key_finds(keys: list[str], pattern: str, provider: str) -> None:
    """In the order of the keys, each once; case matters with AWS and not with Azure."""
    alike = str.lower if provider == "azure" else str
    expected = [key for key in dict.fromkeys(keys) if compiled(alike(pattern)).match(alike(key))]

    found = Keys(provider, keys)

    assert list(found.named(pattern)) == expected
    assert found.named(pattern) == found.named(pattern)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("p/a", ("p/a",)),
        ("p/*", ("p/b", "p/a", "p/\U0010ffff")),
        ("p/?", ("p/b", "p/a", "p/\U0010ffff")),
        ("*", ("p/b", "q", "p/a", "p/\U0010ffff")),
        ("*a", ("p/a",)),
        ("p", ()),
        ("", ()),
    ],
)
def test_patterns_of_each_shape(pattern: str, found: tuple[str, ...]) -> None:
    """A whole key, all that begin alike, anything in the middle."""
    assert Keys("aws", ["p/b", "q", "p/a", "p/\U0010ffff"]).named(pattern) == found


def test_of_several_links_to_one_target_the_first_stays() -> None:
    """What is known already before what is added."""
    known = Link(relation="can_assume", target="b", evidence="known")
    added = [
        Link(relation="can_assume", target=target, evidence=why) for target, why in (("b", "x"), ("a", "y"), ("a", "z"))
    ]

    found = with_links(make_identity(links=(known,)), added)

    assert found.links == (added[1], known)
