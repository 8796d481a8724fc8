"""What every report says about one identity in words: its severity, its next step, its credentials, agent or not.

Pure functions over judged records. Columns of the tabular formats are in ``reports.columns``; what a view selects is in
``reports.views``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeAlias

from scanner.model import (
    SEVERITIES,
    AgentVerdict,
    Assessment,
    Credential,
    Finding,
    Identity,
    OrphanReason,
    OwnerCandidate,
    OwnershipVerdict,
    PrivilegeLevel,
    ScanResult,
    Severity,
)

ORPHANED_MEANS = (
    "Orphaned: nobody accountable. No declared owner resolves to an active person, directly or through a group."
)
"""The field uses the word in three senses, so every report says which is meant."""

SEPARATOR = "; "
"""Between the members of a list inside one cell."""

_PRIVILEGES: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "unknown", "normal")

_NEW_OWNER: Mapping[OrphanReason | None, str] = {
    "never_assigned": "Name an owner: its entry {entry} has none.",
    "departed": "Name a new owner: {owner} has left.",
    "unresolvable": "Name an owner who is on the roster: {owner} is not.",
    "group_empty": "Name a new owner: {owner} has no active member.",
    "owner_is_machine": "Name a person as owner: {owner} is a machine.",
    "ambiguous": "Decide which entry stands for it: {entries}.",
    "unregistered": "Find out who uses it, then declare it with an owner or switch it off.",
    None: "Name an owner.",
}
"""What an orphan needs, by the reason why it is one."""

Tone: TypeAlias = Literal["bad", "doubtful", "good"]
TONES: Mapping[str, Tone] = {
    **dict.fromkeys(("critical", "high", "orphaned", "unregistered", "admin", "escalation", "denied", "failed"), "bad"),
    **dict.fromkeys(("retired_but_alive", "not_found"), "bad"),
    **dict.fromkeys(("medium", "ambiguous", "dormant", "never_used", "unknown", "partial", "skipped"), "doubtful"),
    **dict.fromkeys(("unchecked", "not_evaluated", "suspended", "proposed", "mixed"), "doubtful"),
    **dict.fromkeys(("registered", "owned", "active", "complete", "found"), "good"),
}
"""How a state is coloured; what is neither good nor bad is not."""


# --- order --------------------------------------------------------------------


def severity_of(findings: Iterable[Finding]) -> Severity | None:
    """The gravest severity among findings; None without any."""
    return min((finding.severity for finding in findings), key=severity_rank, default=None)


def severity_rank(severity: Severity | None) -> int:
    """A sort key: 0 is the gravest, None comes last."""
    return len(SEVERITIES) if severity is None else SEVERITIES.index(severity)


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by severity, then rule, then subject."""
    return sorted(findings, key=lambda f: (severity_rank(f.severity), f.rule, f.identity or "", f.fingerprint))


def urgency(assessment: Assessment, findings: Iterable[Finding]) -> tuple[int, int, bool, str]:
    """A sort key for work lists: severity, then privilege, then what nobody uses, then the key."""
    severity = severity_rank(severity_of(findings))
    return severity, _PRIVILEGES.index(assessment.privilege.level), not assessment.abandoned, assessment.identity.key


def findings_by_fingerprint(result: ScanResult) -> dict[str, Finding]:
    """All findings, to look up those that an assessment names."""
    return {finding.fingerprint: finding for finding in result.findings}


def findings_of(assessment: Assessment, by_fingerprint: Mapping[str, Finding]) -> list[Finding]:
    """An identity's findings, gravest first; fingerprints that a view left out are skipped."""
    return gravest_first(by_fingerprint[print_] for print_ in assessment.findings if print_ in by_fingerprint)


# --- words --------------------------------------------------------------------


def next_step(assessment: Assessment, findings: Sequence[Finding]) -> str:
    """The one thing to do next about an identity, as a sentence; empty where there is nothing to do.

    Whoever answers for it comes first, since everything else needs somebody to decide; then its gravest finding.
    """
    if assessment.registry.provisional:
        return "Close the gap first: what would tell whether it is declared could not be read."
    if assessment.ownership.state == "orphaned":
        return _orphan_step(assessment)
    return next((finding.remediation for finding in gravest_first(findings)), "")


def _orphan_step(assessment: Assessment) -> str:
    ownership, registry = assessment.ownership, assessment.registry
    likely = ownership.candidates[0] if ownership.candidates else None
    if assessment.abandoned:
        asked = f"Ask {_because(likely)}, then switch" if likely else "Switch"
        return f"{asked} it off and delete it once nobody objects: nobody answers for it and nothing uses it."
    if ownership.reason == "unregistered" and registry.candidates:
        entry = registry.candidates[0]
        return f"Check whether entry {entry.entry} stands for it ({entry.evidence})."
    if ownership.reason == "unregistered" and likely:
        return f"Ask {_because(likely)} who answers for it, then declare it or switch it off."
    step = _NEW_OWNER[ownership.reason].format(
        owner=ownership.owner or "the one named",
        entry=registry.entry or "in the registry",
        entries=" or ".join(candidate.entry for candidate in registry.candidates) or "several match",
    )
    return f"{step} Ask {_because(likely)}." if likely else step


def _because(candidate: OwnerCandidate) -> str:
    return f"{candidate.person} ({candidate.evidence})" if candidate.evidence else candidate.person


def agent_text(verdict: AgentVerdict) -> str:
    """``yes``; ``suggested`` where only a weak signal says so; else ``no``."""
    if verdict.is_agent:
        return "yes"
    return "suggested" if any(signal.says == "agent" for signal in verdict.signals) else "no"


def owner_candidates_text(verdict: OwnershipVerdict) -> str | None:
    """People to ask, likeliest first, each with the reason."""
    return joined(map(_because, verdict.candidates))


def credential_text(credential: Credential) -> str:
    """A credential in one phrase: kind, public id, and the dates that are known."""
    facts = [
        "disabled" if credential.enabled is False else None,
        credential.created_at and f"created {_day(credential.created_at)}",
        credential.expires_at and f"expires {_day(credential.expires_at)}",
        "never expires" if credential.never_expires else None,
        credential.last_used_at and f"used {_day(credential.last_used_at)}",
    ]
    known = ", ".join(fact for fact in facts if fact)
    return f"{credential.kind} {credential.id} ({known})" if known else f"{credential.kind} {credential.id}"


def credentials_text(identity: Identity) -> str | None:
    """All credentials of an identity in one cell."""
    return joined(map(credential_text, identity.credentials))


def rules_text(findings: Iterable[Finding]) -> str | None:
    """The rules that fired, each once, in the order given."""
    return joined(dict.fromkeys(finding.rule for finding in findings))


def facts_text(facts: Mapping[str, Any]) -> str | None:
    """Evidence or tags as ``name: value`` pairs."""
    return joined(f"{name}: {plain(value)}" for name, value in facts.items() if value is not None)


def joined(members: Iterable[str]) -> str | None:
    """A list in one cell; None, so an empty cell, where it has no member."""
    return SEPARATOR.join(members) or None


def plain(value: Any) -> str:
    """A fact as a person writes it: no quotes, brackets, ``None`` or ``True``; times in UTC."""
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = iso(value)
        case date():
            text = value.isoformat()
        case Mapping():
            text = ", ".join(f"{name}={plain(member)}" for name, member in value.items())
        case list() | tuple():
            text = ", ".join(map(plain, value))
        case _:
            text = str(value)
    return text


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with ``Z``, to the second."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
