"""The rule reference as Markdown, made from the catalog alone: a section a rule, all of one shape."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import msgspec

from scanner.model import Policy
from scanner.rules.base import (
    AssignmentRule,
    Circumstance,
    CredentialRule,
    EntryRule,
    ExemptionRule,
    ExpiredCredentialRule,
    IdentityRule,
    Rule,
    SecretRule,
)
from scanner.rules.catalog import BUILT_IN
from scanner.rules.controls.frameworks import controls_of, usually_cited

_SUBJECTS: Mapping[type[Rule], str] = {
    IdentityRule: "an identity",
    CredentialRule: "a live credential (neither disabled nor expired)",
    ExpiredCredentialRule: "a credential that has expired and is not disabled; no other rule looks at those",
    EntryRule: "a registry entry",
    SecretRule: "a stored secret",
    AssignmentRule: "an assignment (a right as the place that gives it tells it)",
    ExemptionRule: "a configured exemption",
}
_CIRCUMSTANCES: Mapping[Circumstance, str] = {
    "disabled": "disabled identities",
    "exempt": "exempt identities",
    "provider_managed": "identities that the provider manages itself",
    "human": "people",
}
_HEAD = """\
# Rules

<!-- Made from the catalog by scanner/rules/reference.py; a test holds the two equal. -->

A rule is a pure function over one identity, credential, entry, stored secret, assignment or exemption. A
finding's fingerprint comes from the rule's id and the subject's key alone. Its evidence holds facts, dates and limits,
never ages, so a finding changes only when a fact does. Thresholds are days, set under `[policy]` in the configuration.
"Older than" a limit means more than that many days: on the day itself a rule is still silent.

Without a registry, rules about registration and ownership are silent. What could not be read this time is not judged
again: its earlier findings stand, marked as not re-checked.

The controls are those of the frameworks that findings usually cite, of every cloud; [all of them](controls.md) stand by
framework, with those that no rule speaks to.
"""


def rules_markdown() -> str:
    """The whole document, ending in a line break."""
    return "\n".join([_HEAD, _overview(), *map(_section, BUILT_IN)])


def _overview() -> str:
    rows = (f"| [`{rule.id}`](#{rule.id}) | {rule.severity} | {rule.title} |" for rule in BUILT_IN)
    return "\n".join(["| rule | severity | says |", "|---|---|---|", *rows, ""])


def _section(rule: Rule) -> str:
    lines = (
        f"## {rule.id}",
        f"**{rule.title}.**",
        f"- **Severity**: {rule.severity}" + (f"; {rule.severity_note}" if rule.severity_note else ""),
        f"- **Looks at**: {_SUBJECTS[type(rule)]}",
        f"- **Silent on**: {_listed(_CIRCUMSTANCES[name] for name in _CIRCUMSTANCES if name in rule.silent_on)}",
        f"- **Why it matters**: {rule.why}",
        f"- **Evidence**: {_listed(f'`{name}`' for name in rule.evidence)}",
        f"- **Remediation**: {rule.remediation}",
        f"- **Thresholds**: {_listed(f'`{name}` ({_default(name)} days)' for name in rule.thresholds)}",
        f"- **Controls**: {_listed(f'`{control}`' for control in controls_of(rule.id, usually_cited()))}",
    )
    heading, title, *facts = lines
    return "\n".join([heading, "", title, "", *facts, ""])


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items) or "none"


def _default(threshold: str) -> int:
    defaults: dict[str, int] = msgspec.structs.asdict(Policy())
    return defaults[threshold]


if __name__ == "__main__":
    sys.stdout.write(rules_markdown())
