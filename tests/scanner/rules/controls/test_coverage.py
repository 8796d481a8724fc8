"""The coverage of controls in both directions, with the controls that no rule covers."""

from __future__ import annotations

from scanner.rules.catalog import RULES
from scanner.rules.controls.frameworks import NO_RULE, Control, Framework, coverage, frameworks

RULE_IDS = [rule.id for rule in RULES]


def test_each_control_stands_with_its_rules_and_each_rule_with_its_controls() -> None:
    """What no rule speaks to says so, and rules without any of these controls are named together."""
    mfa, root = (
        Control(number="1", title="Second factor"),
        Control(number="2", title="Root", rules=("root_access_key",)),
    )
    made_up = Framework(
        id="cis-aws-7.0.0", title="A", version="1", publisher="P", source="https://a.example", controls=(mfa, root)
    )

    lines = list(coverage([made_up], ["dormant", "root_access_key"]))

    assert lines[lines.index("  1  Second factor") + 1] == f"    {NO_RULE}"
    assert lines[lines.index("  2  Root") + 1] == "    root_access_key"
    assert lines[lines.index("  root_access_key") + 1] == "    cis-aws-7.0.0:2.4"
    assert lines[-1] == "    dormant"
    assert "1 of 2 controls has a rule" in "\n".join(lines)


def test_the_coverage_fits_on_a_terminal() -> None:
    """No line of it is longer than 79 columns."""
    lines = "\n".join(coverage(frameworks().values(), RULE_IDS)).splitlines()

    assert [line for line in lines if len(line) > 79] == []


def test_a_law_that_may_apply_says_so() -> None:
    """And that it is about AI agents alone."""
    assert "  may apply: AI agents; 5 of 7 controls have a rule" in coverage([frameworks()["eu-ai-act-2024"]], RULE_IDS)
