"""How many examples a property is tried with where the profile's number would take too long, or say too little."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
"""The examples of a property that `examples` are counted by: hypothesis' own default."""
SMOKE = 25
"""Those of a run of all tests: enough to see that a property holds at all. `make fuzz` looks deeper."""
_FEWEST = 4
"""Fewer are the empty ones alone."""


def examples(number: int, *, smoke: int | None = None) -> settings:
    """As many where there are a hundred of others; a profile that tries fewer or more of everything has them follow.

    ``smoke``: those of a run of all tests, for a cheap property whose quarter leaves lines of ours unrun.
    """
    usual = settings().max_examples
    if smoke is not None and usual == SMOKE:
        return settings(max_examples=smoke)
    return settings(max_examples=max(min(number, _FEWEST), number * usual // USUAL))
