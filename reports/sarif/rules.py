"""SARIF descriptors of the rules: title, reason, remediation, severity."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from scanner.model import Finding, Severity
from scanner.rules.base import Rule
from scanner.rules.catalog import RULES
from scanner.text import markdown_sentence

LEVELS: Mapping[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
_SCORES: Mapping[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}
"""Code-scanning hosts call critical what is above 9.0, high from 7.0, medium from 4.0, low above 0."""
TAGS_SHOWN = 10
"""Number of a rule's tags that a host shows."""
_WORD = re.compile(r"\w+")
_CATALOG = {rule.id: rule for rule in RULES}


def rules_of(findings: Iterable[Finding]) -> dict[str, dict[str, Any]]:
    """By id, sorted: the descriptor of each rule that fired, tagged with the controls that its findings cite.

    A rule that is not in the catalog is described by its finding.
    """
    fired: dict[str, Finding] = {}
    cited: dict[str, dict[str, None]] = defaultdict(dict)
    for finding in findings:
        fired[finding.rule] = finding
        cited[finding.rule] |= dict.fromkeys(finding.controls)
    return {
        name: _described(_CATALOG[name], cited[name]) if name in _CATALOG else _as_found(fired[name], cited[name])
        for name in sorted(fired)
    }


def _described(rule: Rule, controls: Iterable[str]) -> dict[str, Any]:
    severity = f"{rule.severity}; {rule.severity_note}" if rule.severity_note else rule.severity
    text = f"Why it matters: {rule.why}\n\nWhat to do: {rule.remediation}\n\nSeverity: {severity}."
    markdown = f"**Why it matters.** {rule.why}\n\n**What to do.** {rule.remediation}\n\n**Severity**: {severity}."
    return {**_named(rule.id, rule.title, rule.why, text, markdown), **_graded(rule.severity, controls)}


def _as_found(finding: Finding, controls: Iterable[str]) -> dict[str, Any]:
    named = _named(
        finding.rule, finding.title, finding.title, finding.remediation, markdown_sentence(finding.remediation)
    )
    return {**named, **_graded(finding.severity, controls)}


def _named(name: str, title: str, description: str, text: str, markdown: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in _WORD.findall(title)),
        "shortDescription": {"text": title},
        "fullDescription": {"text": description},
        "help": {"text": text, "markdown": markdown},
    }


def _graded(severity: Severity, controls: Iterable[str]) -> dict[str, Any]:
    return {
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {
            "tags": ["security", *controls][:TAGS_SHOWN],
            "precision": "high",
            "security-severity": _SCORES[severity],
        },
    }
