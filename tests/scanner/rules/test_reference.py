"""The rule reference in docs/ is what the catalog says."""

from __future__ import annotations

from pathlib import Path

from scanner.rules.catalog import RULES
from scanner.rules.reference import rules_markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "rules.md"


def test_the_reference_is_up_to_date() -> None:
    """docs/reference/rules.md is made from the catalog: write ``rules_markdown()`` to it after changing a rule."""
    assert DOCUMENT.read_text(encoding="utf-8") == rules_markdown()


def test_every_rule_has_a_section_of_one_shape() -> None:
    """Each section answers the same questions in the same order."""
    sections = rules_markdown().split("\n## ")[1:]
    questions = [
        "Severity",
        "Looks at",
        "Silent on",
        "Why it matters",
        "Evidence",
        "Remediation",
        "Thresholds",
        "Controls",
    ]

    assert [section.partition("\n")[0] for section in sections] == [rule.id for rule in RULES]
    for section in sections:
        asked = [line.split("**")[1] for line in section.splitlines() if line.startswith("- **")]
        assert asked == questions
