"""How lint reads in a terminal."""

from __future__ import annotations

import pytest

from scanner.errors import Problem
from scanner.registry.editing.lint import LintReport
from scanner.registry.editing.text import lint_text


def _said(*problems: Problem) -> list[str]:
    return list(lint_text(LintReport(problems=problems, warnings=(), quality=None)))


def _problem(line: int | None, message: str = "no owner is named", file: str = "r.csv") -> Problem:
    return Problem(file=file, line=line, field="owner", message=message, fix="name an owner")


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ((None,), "r.csv"),
        ((4,), "r.csv:4"),
        ((4, 5), "r.csv:4-5"),
        ((2, 4, 5, 6, 9), "r.csv:2, 4-6, 9"),
        ((2, 3, 5, 6), "r.csv:2-3, 5-6"),
    ],
)
def test_what_is_said_of_several_lines_is_said_once(lines: tuple[int | None, ...], place: str) -> None:
    """And every one of them is counted."""
    first, *_, last = _said(*map(_problem, lines))

    assert first == f"problem: {place}: owner: no owner is named (name an owner)"
    assert last.startswith(f"{len(lines)} problem")


def test_what_differs_stays_apart() -> None:
    """In another file, or in other words."""
    said = _said(_problem(2), _problem(3, "has left"), _problem(4, file="s.csv"), _problem(5))

    assert [line.partition(" (")[0] for line in said[:-1]] == [
        "problem: r.csv:2, 5: owner: no owner is named",
        "problem: r.csv:3: owner: has left",
        "problem: s.csv:4: owner: no owner is named",
    ]
