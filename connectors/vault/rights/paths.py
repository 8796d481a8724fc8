"""Paths that patterns of rules have in common (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.vault.rights.policies import Rules, is_templated, split_pattern

ANY = "muster-any"
"""A name that no rule mentions: whatever is allowed on it is allowed on every name."""


def overlaps(rules: Rules, target: str) -> Iterator[str]:
    """A path for each rule whose pattern overlaps the target, sorted, each once. Templated rules have none."""
    found = (overlap(pattern, target) for pattern in rules if not is_templated(pattern))
    yield from sorted({path for path in found if path is not None})


def overlap(one: str, other: str) -> str | None:
    """A path that both patterns match, with ``ANY`` where both have wildcards; None if there is none."""
    (left, left_open), (right, right_open) = split_pattern(one), split_pattern(other)
    path: list[str] = []
    for index in range(max(len(left), len(right))):
        at_left, at_right = _at(left, left_open, index), _at(right, right_open, index)
        if at_left is None or at_right is None:
            return None
        (a, a_open), (b, b_open) = at_left, at_right
        if a_open and b.startswith(a):
            path.append(b + ANY if b_open else b)
        elif b_open and a.startswith(b):
            path.append(a)
        elif a == "+":
            path.append(f"{b}{ANY}" if b_open and b != "+" else b)
        elif b in ("+", a):
            path.append(f"{a}{ANY}" if a_open and b == "+" else a)
        else:
            return None
    return "/".join(ANY if segment in ("+", "") else segment for segment in path)


def _at(segments: Sequence[str], open_ended: bool, index: int) -> tuple[str, bool] | None:
    """The segment at an index, and whether it is a prefix; past an open end, any segment matches."""
    if index < len(segments):
        return segments[index], open_ended and index == len(segments) - 1
    return ("", True) if open_ended else None
