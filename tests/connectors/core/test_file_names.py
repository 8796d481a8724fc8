"""The path of a file has a name as a whole, or not at all."""

from __future__ import annotations

from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.file_names import exact, named_in, words_in

NEUTRAL = frozenset({"iam", "policy"})


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("policy-app.json", "app"),
        ("my-app-policy.json", "my-app"),
        ("app/iam.json", "app"),
        ("2026-12-01T10/app.json", "app"),
        ("policy-your-app.json", None),
        ("application.json", None),
        ("app/other.json", None),
        ("other/app.json", "app"),
    ],
)
def test_only_a_whole_name_counts(file: str, name: str | None) -> None:
    """Beside it, and below, there are neutral words and dates; what is above may be called anything."""
    assert named_in(file, {"app", "my-app"}, NEUTRAL) == name


_NAMES = st.lists(st.text(ascii_lowercase, min_size=1, max_size=4), min_size=1, max_size=3).map("-".join)


@given(known=st.sets(_NAMES, min_size=1, max_size=6), part=_NAMES, words=st.sets(st.sampled_from(("iam", "policy"))))
def test_a_part_names_what_it_is_and_nothing_that_it_only_contains(known: set[str], part: str, words: set[str]) -> None:
    """With or without neutral words around it, which may be a part of a name that is known."""
    around = "-".join((*sorted(words), part))
    found = exact(around, known, NEUTRAL)

    assert (found is not None) or part not in known
    if found is not None:
        left = f"-{around}-".replace(f"-{found}-", "-", 1).strip("-")
        assert found in known
        assert NEUTRAL.issuperset(words_in(left))
