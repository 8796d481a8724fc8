"""How right Muster is about organisations whose truth is known: no one is registered falsely, and the docs say so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import companies
from benchmarks.accuracy import BEGIN, COMPANIES_BEGIN, COMPANIES_END, COMPANIES_SEED, END, WAYS, report
from benchmarks.cases import Case, Outcome, judged, owners_said
from benchmarks.organisation import CHANGES, IMITATIONS, OWNER_SIGNALS, organisation
from benchmarks.organisation.written import STYLES, Cell, Style, written
from scanner.model import RUNGS, OwnershipVerdict, Rung

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "accuracy.md"
SEEDS, SIZE = (101, 102), 500
"""Others than those of the page."""


@pytest.fixture(scope="module")
def outcomes() -> Sequence[Outcome]:
    return [judged(organisation(seed, SIZE)) for seed in SEEDS]


@pytest.fixture(scope="module")
def owners() -> Sequence[tuple[Cell, OwnershipVerdict]]:
    return [pair for seed in SEEDS for pair in owners_said(written(seed, 100))]


@pytest.fixture(scope="module")
def cases(outcomes: Sequence[Outcome]) -> Sequence[Case]:
    return [case for outcome in outcomes for case in outcome.cases]


@pytest.mark.parametrize("rung", RUNGS)
def test_no_rung_registers_falsely(rung: Rung, cases: Sequence[Case]) -> None:
    """Its precision is 1: every entry it leads to really declares the identity."""
    registered = [case for case in cases if case.said.registry.rung == rung and case.registered_to is not None]

    assert registered
    assert [(case.said.identity.key, case.registered_to) for case in registered if case.falsely_registered] == []


@pytest.mark.parametrize("rung", RUNGS)
def test_everything_declared_is_found(rung: Rung, cases: Sequence[Case]) -> None:
    """Its recall is 1, too: strictness never costs an identity that a row names as its provider compares."""
    declared = [case for case in cases if case.truth.rung == rung and len(case.truth.entries) == 1]

    assert declared
    assert [case.said.identity.key for case in declared if case.registered_to not in case.truth.entries] == []


@pytest.mark.parametrize("trick", [*IMITATIONS, "something before a pattern", "its other environment"])
def test_no_imitation_registers(trick: str, cases: Sequence[Case]) -> None:
    """Neither a look-alike name nor someone else's id, tag or name elsewhere."""
    imitations = [case for case in cases if case.truth.trick == trick]

    assert imitations
    assert [(one.said.identity.key, one.said.registry.evidence) for one in imitations if one.registered_to] == []


@pytest.mark.parametrize("style", STYLES)
def test_owners_are_found_however_they_are_written_and_no_one_else(
    style: Style, owners: Sequence[tuple[Cell, OwnershipVerdict]]
) -> None:
    """Anyone who is named for certain is the right one; in 19 of 20 cells the right one is named, or asked first."""
    cells = [(cell, verdict) for cell, verdict in owners if cell.style == style and cell.owner is not None]
    named = [(cell, verdict) for cell, verdict in cells if verdict.state == "owned"]
    found = [
        cell
        for cell, verdict in cells
        if cell.owner in (verdict.owner, *(one.person for one in verdict.candidates[:1]))
    ]

    assert named
    assert [(cell.text, verdict.owner) for cell, verdict in named if verdict.owner != cell.owner] == []
    assert len(found) >= 0.95 * len(cells)


def test_a_name_of_two_people_is_ambiguous_however_it_is_written(
    owners: Sequence[tuple[Cell, OwnershipVerdict]],
) -> None:
    """Neither of them is taken, and the reason says what is to be settled."""
    said = [verdict for cell, verdict in owners if cell.owner is None]

    assert said
    assert {(one.state, one.reason) for one in said} == {("orphaned", "ambiguous")}


@pytest.mark.parametrize("way", [way for way in WAYS if way != "Muster"])
def test_the_imitations_would_deceive_others(way: str, cases: Sequence[Case]) -> None:
    """A trap that no one could fall into would prove nothing."""
    deceived = {case.truth.trick for case in cases if case.truth.trick is not None and WAYS[way](case) is not None}

    assert "on both sides" in deceived
    assert len(deceived) > len(IMITATIONS) / 2


def test_states_are_what_they_should_be(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> None:
    """Of every entry, and of every identity's registry and ownership, with the one who answers."""
    entries = [pair for outcome in outcomes for pair in outcome.states if pair[0] != pair[1]]
    registry = [
        (one.said.identity.key, one.said.registry) for one in cases if one.truth.registry != one.said.registry.state
    ]
    wrong = [
        (one.said.identity.key, one.said.ownership)
        for one in cases
        if (one.truth.ownership, one.truth.reason) != (one.said.ownership.state, one.said.ownership.reason)
        or (one.truth.ownership == "owned" and one.truth.owner != one.said.ownership.owner)
    ]

    assert (entries, registry, wrong) == ([], [], [])


def test_an_organisation_holds_every_case(cases: Sequence[Case]) -> None:
    """Each change and each owner signal is planted, else its line in the table says nothing."""
    assert {case.truth.change for case in cases} == {None, *CHANGES}
    assert {signal for case in cases for signal in case.truth.signals} == set(OWNER_SIGNALS)


def test_a_seed_gives_the_same_organisation() -> None:
    """Also when others were made before it."""
    first = organisation(7, 50)
    organisation(8, 50)

    assert organisation(7, 50) == first
    assert organisation(8, 50) != first


def test_the_page_says_what_the_command_prints() -> None:
    """The published numbers are those of this version."""
    page = PAGE.read_text(encoding="utf-8")

    assert page.partition(BEGIN)[2].partition(END)[0] == report()


def test_writing_touches_only_what_is_between_the_markers(tmp_path: Path) -> None:
    """The rest of the page is written by hand."""
    page = tmp_path / "page.md"
    page.write_text(
        f"before\n{BEGIN}old\n{END}\nbetween\n{COMPANIES_BEGIN}old\n{COMPANIES_END}\nafter\n", encoding="utf-8"
    )
    options = ("--seeds", "1", "--size", "20", "--rounds", "1", "--write", str(page))
    subprocess.run(
        [sys.executable, "-m", "benchmarks", "accuracy", *options], check=True, cwd=ROOT, capture_output=True
    )

    of_companies = companies.report(COMPANIES_SEED, 1)
    assert page.read_text(encoding="utf-8") == (
        f"before\n{BEGIN}{report(seeds=1, size=20)}{END}\nbetween\n"
        f"{COMPANIES_BEGIN}{of_companies}{COMPANIES_END}\nafter\n"
    )
