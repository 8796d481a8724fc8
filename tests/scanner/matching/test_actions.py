"""Patterns of actions against an enumeration of short texts, by another way of matching."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.actions import Actions, are_within, common, covers, parsed
from tests.examples import examples

TEXTS = ["".join(each) for length in range(6) for each in product("abz", repeat=length)]
PATTERNS = st.text(alphabet="abAB*?", min_size=1, max_size=4)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches, by its definition."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(matches(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0].lower() in ("?", text[0]) and matches(pattern[1:], text[1:])


@examples(60)
@given(PATTERNS, st.lists(PATTERNS, max_size=3), st.lists(PATTERNS, max_size=2))
def test_actions_are_within_patterns_that_match_all_of_them(pattern: str, declared: list[str], but: list[str]) -> None:
    expected = all(any(matches(one, text) for one in (*declared, *but)) for text in TEXTS if matches(pattern, text))

    assert are_within(Actions(pattern, tuple(but)), declared) is expected


@examples(60)
@given(PATTERNS, PATTERNS)
def test_what_two_patterns_have_in_common(one: str, other: str) -> None:
    found = common(one, other)

    assert found is not None
    for text in TEXTS:
        assert any(matches(each, text) for each in found) is (matches(one, text) and matches(other, text)), text


@pytest.mark.parametrize("text", ["s3:Get*", "* but iam:*, sts:*", "ec2: some actions"])
def test_actions_as_text(text: str) -> None:
    assert str(parsed(text)) == text


def test_hostile_patterns_are_decided_in_bounded_time() -> None:
    """A pattern that is not shown to be within others counts as beyond them."""
    hostile = "s3:" + "*?a" * 40

    assert not covers(hostile, "s3:*" + "?b" * 200)
    assert not are_within(Actions("s3:*"), [f"s3:*{'?' * number}a*" for number in range(60)])
    assert common(hostile, "*".join("s3:abcdefghijklmnop") + "*") is None
