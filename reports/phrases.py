"""Texts about one identity or finding, shared by all reports: next step, credentials, owners, evidence.

Pure functions over judged records. Texts about a whole result are in ``reports.summary``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import eq
from typing import Any

from reports.judged import Judged
from scanner.model import (
    AgentVerdict,
    Assessment,
    Credential,
    Drift,
    Finding,
    Identity,
    OwnerCandidate,
    OwnershipVerdict,
)
from scanner.model.stored import StoredFindings
from scanner.rules.next_step import next_step as step_for
from scanner.rules.wording import facts_of, is_moment, plain, words

ORPHANED_MEANS = "Orphaned: no declared owner resolves to an active person, directly or through a group."
"""Others use the word differently, so every report defines it."""

SEPARATOR = "; "
"""The separator of a list in one cell."""

SHORTEST_FINGERPRINT = 8
ACKNOWLEDGE = "--reason TEXT --by PERSON"
"""The options that `muster acknowledge` needs besides the finding."""


def fingerprint_digits(findings: Sequence[Finding]) -> int:
    """The number of leading digits that make each finding's fingerprint unique: 8 or more."""
    if isinstance(findings, StoredFindings):
        whole = findings.fingerprints()
    else:
        whole = sorted({finding.fingerprint for finding in findings})
    digits = SHORTEST_FINGERPRINT
    while _are_alike([fingerprint[:digits] for fingerprint in whole]):
        digits += 1
    return digits


def _are_alike(ordered: Sequence[str]) -> bool:
    """Whether two neighbours are equal. Looking for equal ones in a set of a million takes four times as long."""
    return any(map(eq, ordered, islice(ordered, 1, None)))


def next_step(judged: Judged) -> str:
    """The next step for an identity, as a sentence; empty if there is none."""
    return step_for(judged.verdicts, judged.findings)


def suggested_owner(assessment: Assessment) -> str | None:
    """The most likely owner; None for an identity that imitates a registered one."""
    candidates = assessment.ownership.candidates
    return candidates[0].person if candidates and assessment.registry.look_alike is None else None


def _because(candidate: OwnerCandidate) -> str:
    return f"{candidate.person} ({candidate.evidence})" if candidate.evidence else candidate.person


def in_full(judged: Judged) -> Iterator[str]:
    """The lines of an identity in a work list: name, verdicts, credentials, likely owners, next step."""
    identity, registry, ownership = judged.identity, judged.verdicts.registry, judged.verdicts.ownership
    reason = f" ({words(ownership.reason)})" if ownership.reason else ""
    yield identity.shown_name
    yield identity.key
    yield (
        f"{identity.kind} in {place(identity)}; {registry.state}{', provisional' if registry.provisional else ''}; "
        f"{words(ownership.state)}{reason}; privilege {judged.verdicts.privilege.level}"
    )
    yield f"{words(judged.verdicts.usage.state)}: {judged.verdicts.usage.evidence}"
    if held := credentials_text(identity):
        yield held
    if people := owner_candidates_text(ownership):
        yield f"likely owners: {people}"
    if step := next_step(judged):
        yield f"Next: {step}"


def place(identity: Identity) -> str:
    """The place of an identity."""
    return f"{identity.provider} {identity.scope}"


def agent_text(verdict: AgentVerdict) -> str:
    """``yes``; ``suggested`` if there is only a weak signal; else ``no``."""
    if verdict.is_agent:
        return "yes"
    return "suggested" if any(signal.says == "agent" for signal in verdict.signals) else "no"


def owner_candidates_text(verdict: OwnershipVerdict) -> str | None:
    """Likely owners with the reason for each, most likely first."""
    return joined(map(_because, verdict.candidates)) if verdict.candidates else None


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


def drift_text(drift: Drift) -> str:
    """Declared and observed value of an attribute."""
    return f"{words(drift.aspect)}: declared {drift.declared}, found {drift.found}"


def credentials_text(identity: Identity) -> str | None:
    """All credentials of an identity in one cell."""
    return joined(map(credential_text, identity.credentials)) if identity.credentials else None


def rules_text(findings: Iterable[Finding]) -> str | None:
    """The rules that fired, each once, in the given order."""
    return joined(dict.fromkeys(finding.rule for finding in findings))


def tags_text(tags: Mapping[str, str]) -> str | None:
    """Tags as ``name: value`` pairs, sorted by name, because providers list them in any order."""
    return facts_text(dict(sorted(tags.items())))


def facts_text(facts: Mapping[str, Any]) -> str | None:
    """Facts as ``name: value`` pairs, in the given order."""
    return joined(f"{name}: {plain(value)}" for name, value in facts.items() if value is not None)


def evidence_line(finding: Finding) -> str | None:
    """A finding's evidence as one line, without the credential's kind and id and ids of events; times as dates."""
    said = ("event_ids", *(("kind", "id") if finding.credential else ()))
    facts = {name: plain(fact) for name, fact in facts_of(finding).items() if name not in said and fact is not False}
    return facts_text({name: fact[:10] if is_moment(fact) else fact for name, fact in facts.items()})


def acknowledged_text(finding: Finding) -> str | None:
    """Reason, person and last day of an acknowledgement; None if the finding is not acknowledged."""
    given = finding.acknowledged
    if given is None:
        return None
    approved = f", approved by {given.approved_by}" if given.approved_by else ""
    return f"{given.reason} ({given.by}{approved}, until {given.until})"


def asked_text(finding: Finding) -> str | None:
    """Reason, person and last day of an acknowledgement that waits for a reviewer; None if there is none."""
    asked = finding.asked
    return None if asked is None else f"{asked.reason} ({asked.by}, until {asked.until}, asked {_day(asked.at)})"


def joined(members: Iterable[str]) -> str | None:
    """A list in one cell; None, an empty cell, for an empty list."""
    return SEPARATOR.join(members) or None


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
