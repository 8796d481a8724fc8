"""How right Muster is about activity whose truth is known, and that the docs say so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.behaviour.__main__ import BEGIN, END, Outcome, counts, judged, report, true_and_said
from benchmarks.behaviour.moves import moved
from benchmarks.behaviour.organisation import EXACT_RULES, organisation

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "accuracy.md"
SEEDS, SIZE = (31, 32), 360
"""Others than those of the page, and than those by which thresholds were chosen."""


@pytest.fixture(scope="module")
def outcomes() -> Sequence[Outcome]:
    return [judged(organisation(seed, SIZE)) for seed in SEEDS]


@pytest.mark.parametrize("rule", sorted(EXACT_RULES))
def test_what_needs_no_baseline_is_exact(rule: str, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        true, said = true_and_said(rule, outcome)

        assert said == true


def test_attacks_are_found_and_quiet_machines_are_left_alone(outcomes: Sequence[Outcome]) -> None:
    ours = counts(outcomes)["Muster"]

    assert ours.attacks > 50
    assert ours.found >= 0.9 * ours.attacks
    assert ours.quiet <= 0.05 * ours.quiet_machines
    assert ours.around <= 0.2 * ours.deployed_machines


def test_a_gateway_and_an_sdk_that_are_replaced_are_one_finding_each(outcomes: Sequence[Outcome]) -> None:
    after = [judged(moved(outcome.truth)) for outcome in outcomes]
    before, ours = counts(outcomes)["Muster"], counts(after)["Muster"]

    assert [sorted(change.sort for change in outcome.shared) for outcome in after] == [["client", "network"]] * 2
    assert ours.quiet <= 0.05 * ours.quiet_machines
    assert ours.found == before.found


def test_a_known_deployment_explains_what_it_brings(outcomes: Sequence[Outcome]) -> None:
    labels = [(outcome, label) for outcome in outcomes for label in outcome.truth.labels if label.deploy]
    said = [
        one.explained
        for outcome, label in labels
        for one in outcome.said.get(label.identity, ())
        if one.day == label.day
    ]

    assert len(said) > 0.9 * len(labels)
    assert set(said) == {True}


def test_the_page_says_what_the_command_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.partition(BEGIN)[2].partition(END)[0] == report()
