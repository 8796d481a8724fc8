"""The rule reference answers the same questions about every rule."""

from __future__ import annotations

from scanner.rules.catalog import RULES
from scanner.rules.reference import rules_markdown


def test_every_rule_has_a_section_of_one_shape() -> None:
    """Each section answers the same questions in the same order, and leaves out those with nothing to say."""
    sections = rules_markdown().split("\n## ")[1:]
    questions = [
        "Severity",
        "Checks",
        "Does not apply to",
        "Why it matters",
        "Evidence",
        "Remediation",
        "Thresholds",
        "Controls",
    ]

    assert [section.partition("\n")[0] for section in sections] == [rule.id for rule in RULES]
    for section in sections:
        asked = [line.split("**")[1] for line in section.splitlines() if line.startswith("- **")]
        assert asked == [question for question in questions if question in asked]
        assert {"Severity", "Checks", "Why it matters", "Remediation"} <= set(asked)
