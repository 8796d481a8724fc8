"""What a difference asks for."""

from __future__ import annotations

import pytest

from scanner.diff.aspects import after_moving
from scanner.diff.records import Difference
from scanner.model import Aspect

IN_USE = "Confirm that it is meant to be in use."


@pytest.mark.parametrize(
    ("aspect", "before", "after", "step"),
    [
        ("enabled", "no", "yes", IN_USE),
        ("enabled", "unknown", "yes", IN_USE),
        ("enabled", "yes", "unknown", None),
        ("enabled", "no", "unknown", None),
        ("enabled", "yes", "no", None),
        ("enabled", "unknown", "no", None),
        ("agent", "yes", "unknown", None),
        ("usage", "active", "dormant", "Ask whether it is still needed."),
        ("usage", "dormant", "unknown", None),
        ("trust", "a", None, None),
        ("trust", None, "a", "Confirm who may assume it."),
    ],
)
def test_only_what_is_known_asks_for_something(
    aspect: Aspect, before: str | None, after: str | None, step: str | None
) -> None:
    """That something is no longer known is no news of the identity."""
    assert after_moving(Difference(aspect=aspect, before=before, after=after)) == step
