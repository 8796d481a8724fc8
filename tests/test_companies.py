"""Companies in eight languages, whose truth is known: nothing of them is registered falsely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.accuracy import COMPANIES_BEGIN, COMPANIES_END, COMPANIES_SEED
from benchmarks.accuracy import ROUNDS as PUBLISHED_ROUNDS
from benchmarks.companies import LANGUAGES, Outcome, make_company, outcomes, report
from benchmarks.companies.changes import CHANGES
from benchmarks.companies.company import NO_PARTNER, PATTERN
from benchmarks.companies.counting import date_readings, ownings, standing_readings, status_readings
from benchmarks.companies.shapes import BEYOND, SHAPES
from benchmarks.companies.traps import TRAPS
from scanner.model.judged import LIKELY

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "accuracy.md"
SEED, ROUNDS = 101, 1
"""Another seed than that of the page."""


@pytest.fixture(scope="module")
def as_kept() -> Sequence[Outcome]:
    return outcomes(SEED, ROUNDS)


@pytest.fixture(scope="module")
def explained() -> Sequence[Outcome]:
    """Names, owners and suggestions by themselves: the config explains the tables."""
    return outcomes(SEED, ROUNDS, explained=True)


@pytest.fixture(params=["as_kept", "explained"])
def judged(request: pytest.FixtureRequest) -> Sequence[Outcome]:
    found: Sequence[Outcome] = request.getfixturevalue(request.param)
    return found


def test_no_company_has_a_false_registration(judged: Sequence[Outcome]) -> None:
    """Traps included: whatever is registered is declared by that row."""
    false = [
        (outcome.company.language, case.truth.shape, case.said.identity.key, case.said.registry.evidence)
        for outcome in judged
        for case in outcome.cases
        if case.falsely_registered
    ]

    assert false == []


def test_what_a_colleague_reads_is_registered(explained: Sequence[Outcome]) -> None:
    """Of all that a cell names without a doubt, nearly everything."""
    due = [case for outcome in explained for case in outcome.cases if case.truth.is_due]
    missed = [(case.truth.shape, case.said.identity.key) for case in due if not case.rightly_registered]

    assert len(due) > 500
    assert len(missed) <= 0.01 * len(due), missed


def test_what_a_colleague_would_ask_about_has_a_warning(explained: Sequence[Outcome]) -> None:
    """With the line, and about this cell."""
    asked = [
        (row.cells["identity"], number in outcome.warned)
        for outcome in explained
        for number, row in enumerate(outcome.company.rows)
        if row.warns
    ]
    silent = [cell for cell, warned in asked if not warned]

    assert asked
    assert len(silent) <= 0.05 * len(asked), silent


def test_only_the_owners_are_named(judged: Sequence[Outcome]) -> None:
    """Whoever is named for certain is meant."""
    said = [one for outcome in judged for one in ownings(outcome)]

    assert said
    assert [(one.row.cells["owner"], one.named) for one in said if one.wrongly] == []


def test_owners_are_understood(explained: Sequence[Outcome]) -> None:
    """In nearly all forms that a colleague understands, for certain or first of those to ask."""
    meant = [one for outcome in explained for one in ownings(outcome) if one.row.owners]
    missed = [(one.row.cells["owner"], one.first) for one in meant if not one.right]

    assert len(meant) > 100
    assert len(missed) <= 0.03 * len(meant), missed


def test_no_status_and_no_date_is_misread(judged: Sequence[Outcome]) -> None:
    """What is not understood is unknown, with a message that names its line."""
    readings = (status_readings, date_readings, standing_readings)
    misread = [
        (outcome.company.language, one.kind, one.cell, one.read)
        for outcome in judged
        for reading in readings
        for one in reading(outcome)
        if one.came_to == "misread"
    ]

    assert misread == []


def test_suggestions_find_another_name(explained: Sequence[Outcome]) -> None:
    """Eight of ten are the first suggestion; nothing invites to confirm an entry of something deleted."""
    cases = [case for outcome in explained for case in outcome.cases]
    planted = [case for case in cases if case.truth.change]
    first = sum(bool(case.suggested) and case.suggested[0][0] == case.truth.row for case in planted)
    recreated = [case for case in cases if case.truth.shape == "deleted and recreated"]

    assert first >= 0.8 * len(planted)
    assert recreated
    assert [case for case in recreated if any(score >= LIKELY for _, score in case.suggested)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_holds_every_case(language: str) -> None:
    """Each shape, trap and change is planted, else its line in the table says nothing."""
    shapes = {truth.shape for truth in make_company(language, SEED, ROUNDS).truth.values()}

    assert shapes == {*SHAPES, *BEYOND, *TRAPS, *CHANGES, PATTERN, NO_PARTNER}


def test_a_seed_gives_the_same_company() -> None:
    """Also when others were made before it."""
    first = make_company("german", 7, 1)
    make_company("german", 8, 1)

    assert make_company("german", 7, 1) == first
    assert make_company("german", 8, 1) != first


def test_the_page_says_what_the_command_prints() -> None:
    """``python -m benchmarks accuracy --companies --write docs/explanation/accuracy.md`` writes it."""
    page = PAGE.read_text(encoding="utf-8")

    assert page.partition(COMPANIES_BEGIN)[2].partition(COMPANIES_END)[0] == report(COMPANIES_SEED, PUBLISHED_ROUNDS)
