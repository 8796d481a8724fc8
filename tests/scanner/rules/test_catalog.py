"""The catalog: what every rule must declare."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from scanner.model import SEVERITIES, Policy
from scanner.rules import catalog
from scanner.rules.base import Rule, fingerprint
from scanner.rules.catalog import RULES

RULE_IDS = [rule.id for rule in RULES]
MACHINERY = {"__init__", "base", "catalog", "evaluation", "reference"}


@pytest.mark.parametrize("rule", RULES, ids=RULE_IDS)
def test_a_rule_says_everything_about_itself(rule: Rule) -> None:
    """A rule has an id, a severity, all its texts, the facts it shows, and thresholds that exist."""
    sentences = (rule.why, rule.remediation)

    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", rule.id)
    assert rule.severity in SEVERITIES
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert all(text[0].isupper() and text.endswith(".") for text in sentences)
    assert rule.evidence
    assert set(rule.thresholds) <= set(Policy.__struct_fields__)


def test_ids_are_unique_and_sorted() -> None:
    """The catalog is in the order of its ids."""
    assert sorted(set(RULE_IDS)) == RULE_IDS


def test_no_rule_is_forgotten() -> None:
    """Every rule that a topic's file defines is in the catalog."""
    topics = {path.stem for path in Path(catalog.__file__).parent.glob("*.py")} - MACHINERY
    modules = [importlib.import_module(f"scanner.rules.{topic}") for topic in sorted(topics)]
    defined = [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]

    assert {rule.id for rule in defined} == set(RULE_IDS)


@pytest.mark.parametrize(
    ("rule_id", "subject", "expected"),
    [
        pytest.param(
            "dormant", "arn:aws:iam::123456789012:user/svc-billing", "bc5a78a096204c572cf40d934176ba71", id="plain"
        ),
        pytest.param("dormant", "naïve", "d8e25492c27158780047e8a1bb24c64a", id="non-ASCII"),
        pytest.param("dormant", "\ud800", "13df24b31228df7f767ba6721c466c7c", id="lone surrogate"),
    ],
)
def test_fingerprints_never_change(rule_id: str, subject: str, expected: str) -> None:
    """A fingerprint is the same for ever, so that nothing becomes new by an update of ours."""
    assert fingerprint(rule_id, subject) == expected


def test_fingerprint_knows_rule_from_subject() -> None:
    """Rule and key cannot run into each other."""
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_every_threshold_of_the_policy_is_used() -> None:
    """Each threshold is read by a rule; dormancy of identities is judged as a verdict."""
    used = {name for rule in RULES for name in rule.thresholds}

    assert set(Policy.__struct_fields__) == used | {"dormant_identity"}
