"""Companies in eight languages, whose truth is known: nothing of them is registered falsely."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.companies import LANGUAGES, Outcome, make_company, outcomes
from benchmarks.companies.changes import CHANGES
from benchmarks.companies.company import NOBODY, PATTERN
from benchmarks.companies.shapes import BEYOND, SHAPES
from benchmarks.companies.traps import TRAPS

SEED, ROUNDS = 101, 1
"""Another seed than that of the page."""
UNREAD_STATUS = "only planned"
"""A status word that is not known counts as active, with a warning."""


@pytest.fixture(scope="module", params=[False, True], ids=["as they are", "explained"])
def judged(request: pytest.FixtureRequest) -> Sequence[Outcome]:
    return outcomes(SEED, ROUNDS, explained=request.param)


def test_no_company_has_a_false_registration(judged: Sequence[Outcome]) -> None:
    """Traps included: whatever is registered is declared by that row."""
    false = [
        (outcome.company.language, case.truth.shape, case.said.identity.key, case.said.registry.evidence)
        for outcome in judged
        for case in outcome.cases
        if case.falsely_registered and case.truth.shape != UNREAD_STATUS
    ]

    assert false == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_holds_every_case(language: str) -> None:
    """Each shape, trap and change is planted, else its line in the table says nothing."""
    shapes = {truth.shape for truth in make_company(language, SEED, ROUNDS).truth.values()}

    assert shapes == {*SHAPES, *BEYOND, *TRAPS, *CHANGES, PATTERN, NOBODY}


def test_a_seed_gives_the_same_company() -> None:
    """Also when others were made before it."""
    first = make_company("german", 7, 1)
    make_company("german", 8, 1)

    assert make_company("german", 7, 1) == first
    assert make_company("german", 8, 1) != first
