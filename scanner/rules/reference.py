"""Generates the rule reference as Markdown from the catalog."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec

from scanner.model import Policy
from scanner.rules.base import (
    ActivityRule,
    AssignmentRule,
    Circumstance,
    CredentialRule,
    EntryRule,
    ExemptionRule,
    ExpiredCredentialRule,
    IdentityRule,
    PlanCredentialRule,
    PlanRule,
    Rule,
    SecretRule,
    SharedChangeRule,
    TicketRule,
)
from scanner.rules.catalog import BUILT_IN
from scanner.rules.controls.frameworks import controls_of, usually_cited

_SUBJECTS: Mapping[type[Rule], str] = {
    IdentityRule: "an identity",
    CredentialRule: "a live credential (neither disabled nor expired)",
    ExpiredCredentialRule: "a credential that has expired and is not disabled; no other rule checks those",
    EntryRule: "a registry entry",
    SecretRule: "a stored secret",
    AssignmentRule: "an assignment (a grant as listed at the resource that gives it)",
    ExemptionRule: "a configured exemption",
    TicketRule: "an identity whose ticket was closed by people (see [Tickets](../how-to/tickets.md))",
    ActivityRule: "what an identity did, by audit logs; what is new on another day is another finding",
    SharedChangeRule: "a change that many identities made at once, by audit logs",
    PlanRule: "an identity that a change would create or change; only the gate runs it",
    PlanCredentialRule: "a credential that a change would create; only the gate runs it",
}
_CIRCUMSTANCES: Mapping[Circumstance, str] = {
    "disabled": "disabled identities",
    "exempt": "exempt identities",
    "provider_managed": "provider-managed identities",
    "human": "people",
    "break_glass": "identities that the registry declares for emergencies (kind `break_glass`)",
}
_HEAD = """\
# Rules

<!-- Made from the catalog by scanner/rules/reference.py; a test holds the two equal. -->

A rule checks one identity, credential, registry entry, stored secret, assignment or exemption. A finding's
fingerprint is derived from the rule's id and the subject's key. Its evidence contains facts, dates and limits, never
ages, so a finding changes only when a fact changes. Thresholds are in days, set under `[policy]` in the configuration.
"Older than" a limit means more than that many days: on the day of the limit, a rule does not fire yet.

Without a registry, the rules about registration and ownership do not run. Subjects that could not be read in this scan
are not judged again: their earlier findings stay, marked as not re-checked.

Rules whose ids begin with `planned_` check a change before it is deployed, in place of those that need a deployed
identity: see [The gate in CI](../how-to/gate.md). Scans do not run them.

Each rule lists the controls of the frameworks that findings cite by default, for all clouds. See
[Controls](controls.md) for all frameworks, including the controls without a rule. What does
not apply to a rule is left out.
"""


def rules_markdown() -> str:
    """Return the document, ending in a line break."""
    return "\n".join([_HEAD, _overview(), *map(_section, BUILT_IN)])


def _overview() -> str:
    rows = (f"| [`{rule.id}`](#{rule.id}) | {rule.severity} | {rule.title} |" for rule in BUILT_IN)
    return "\n".join(["| rule | severity | title |", "|---|---|---|", *rows, ""])


def _section(rule: Rule) -> str:
    facts = {
        "Severity": rule.severity + (f"; {rule.severity_note}" if rule.severity_note else ""),
        "Checks": f"{_SUBJECTS[type(rule)]}{'; the gate also checks planned changes' if rule.on_plans else ''}",
        "Does not apply to": ", ".join(text for name, text in _CIRCUMSTANCES.items() if name in rule.silent_on),
        "Why it matters": rule.why,
        "Evidence": ", ".join(f"`{name}`" for name in rule.evidence),
        "Remediation": rule.remediation,
        "Thresholds": ", ".join(f"`{name}` ({_default(name)} days)" for name in rule.thresholds),
        "Controls": ", ".join(f"`{control}`" for control in controls_of(rule.id, usually_cited())),
    }
    lines = (f"- **{question}**: {answer}" for question, answer in facts.items() if answer)
    return "\n".join([f"## {rule.id}", "", f"**{rule.title}.**", "", *lines, ""])


def _default(threshold: str) -> int:
    defaults: dict[str, int] = msgspec.structs.asdict(Policy())
    return defaults[threshold]


if __name__ == "__main__":
    sys.stdout.write(rules_markdown())
