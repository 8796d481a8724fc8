"""How many examples a property is tried with where the profile's number would take too long."""

from __future__ import annotations

from hypothesis import settings


def examples(number: int) -> settings:
    """As many in place of the usual hundred; a profile that tries more of everything tries more of these, too."""
    return settings(max_examples=number * settings().max_examples // 100)
