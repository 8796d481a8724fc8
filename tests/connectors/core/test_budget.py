"""The time and bytes that a scope, a section and an answer may take."""

from __future__ import annotations

import math
import time

import pytest

from connectors.core.budget import MEBIBYTE, AnswerTooLarge, Budget, Limits, current
from scanner.errors import DeadlineExceeded

OVER, FAR = -1.0, 1000.0


@pytest.mark.parametrize(
    ("left", "share", "of_what"),
    [
        pytest.param(OVER, 0.75, "the scope$", id="scope"),
        pytest.param(FAR, 0.0, r"one section \(0% of what the scope had left\)", id="section"),
    ],
)
def test_the_time_of_a_section_ends_with_that_of_its_scope(left: float, share: float, of_what: str) -> None:
    """The message says which of them is over, because it takes another remedy."""
    section = Budget(time.monotonic() + left, 0, Limits(share=share)).section()

    with pytest.raises(DeadlineExceeded, match=of_what):
        section.check()
    with pytest.raises(DeadlineExceeded, match=of_what):
        section.pause(0)


def test_a_section_of_a_section_is_one_of_the_scope() -> None:
    """Else each would have a share of a share."""
    scope = Budget(math.inf, 15, Limits(section_bytes=10))

    assert scope.section().section().whole is scope


def test_answers_are_added_up_by_section_and_scope() -> None:
    """None of them is too large alone."""
    scope = Budget(math.inf, 15, Limits(section_bytes=10))
    one, other = scope.section(), scope.section()

    one.take(10)
    with pytest.raises(AnswerTooLarge, match="responses to one section are larger than 10 bytes"):
        one.take(1)
    with pytest.raises(AnswerTooLarge, match="responses to one scope are larger than 15 bytes"):
        other.take(6)


@pytest.mark.parametrize(("limit", "words"), [(10, "10 bytes"), (2 * MEBIBYTE, "2 MiB")])
def test_the_pieces_of_an_answer_are_added_up(limit: int, words: str) -> None:
    """Whatever it promised to be."""
    answer = Budget(math.inf, 0, Limits(answer_bytes=limit)).answer()

    answer.take(limit // 2)
    answer.take(limit // 2)
    with pytest.raises(AnswerTooLarge, match=f"a response is larger than {words}"):
        answer.take(1)


def test_outside_a_scope_only_each_answer_is_limited() -> None:
    """The lists of people and the registry may be of any size together."""
    current().section().take(2**50)
    with pytest.raises(AnswerTooLarge):
        current().answer().take(2**50)
