"""Rules about registry entries and exemptions."""

from __future__ import annotations

from scanner.model import Assessment, EntryAssessment, Exemption
from scanner.model.declared import LOOKED_AT, review_due
from scanner.rules.base import EntryRule, ExemptionRule, Hit, IdentityRule, RuleContext, is_powerful

# --- Registry entry is about to expire ---


def _entry_expiring(assessment: EntryAssessment, context: RuleContext) -> Hit | None:
    """Fires on active entries from the warning day to the last day."""
    entry = assessment.entry
    days = context.policy.expiry_warning
    if entry.status != "active" or entry.expires is None or not 0 <= (entry.expires - context.today).days <= days:
        return None
    return Hit(evidence={"expires": entry.expires, "limit_days": days, "identities": assessment.identities})


ENTRY_EXPIRING = EntryRule(
    id="entry_expiring",
    severity="low",
    title="Registry entry is about to expire",
    why="After that day, identities that match the entry count as retired. Those that are still enabled become high "
    "severity findings.",
    remediation="Ask the owner to review the entry: set a new expiry date with the reason, or plan the shutdown of "
    "its identities.",
    evidence=("expires", "limit_days", "identities"),
    thresholds=("expiry_warning",),
    check=_entry_expiring,
)


# --- Declared identity does not exist ---


def _entry_not_found(assessment: EntryAssessment, _context: RuleContext) -> Hit | None:
    """Fires only if the scope that would contain the identity was read completely."""
    if assessment.state != "not_found":
        return None
    entry = assessment.entry
    return Hit(
        evidence={"declared_at": str(entry.origin), "identities": entry.identities}
        | ({"detail": assessment.evidence} if assessment.evidence else {})
    )


ENTRY_NOT_FOUND = EntryRule(
    id="entry_not_found",
    severity="medium",
    title="Declared identity does not exist",
    why="The identity was deleted and the registry was not updated, or its id is misspelt and the real identity is "
    "unregistered. The entry would also match a new identity created under that name.",
    remediation="Compare the entry with the unregistered identities. Correct the id if the identity is among them; "
    "otherwise set the entry to retired.",
    evidence=("declared_at", "identities", "detail"),
    check=_entry_not_found,
)


# --- Registration is overdue for review ---


def _review_overdue(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires past the entry's next review, or past the policy's interval since the last.

    Of an entry that was never reviewed, the interval runs from the day that it was created or first seen.
    """
    found = context.entry_of(assessment)
    if found is None:
        return None
    entry, powerful = found.entry, is_powerful(assessment)
    days = context.policy.review_privileged if powerful else context.policy.review
    first_seen = None if found.first_seen is None else found.first_seen.date()
    since = entry.created or first_seen
    due = review_due(entry, days, context.today, since)
    if due is None or due >= context.today:
        return None
    was_reviewed = entry.last_reviewed is not None or entry.approved_on is not None
    dates = {
        "last_reviewed": entry.last_reviewed,
        "approved_on": entry.approved_on,
        "never_reviewed_since": None if was_reviewed or entry.hides(*LOOKED_AT) else since,
        "due": due,
    }
    return Hit(
        evidence={"entry": entry.id} | {name: day for name, day in dates.items() if day is not None},
        severity="medium" if powerful else None,
    )


REVIEW_OVERDUE = IdentityRule(
    id="review_overdue",
    severity="low",
    severity_note="medium for an admin, or an identity that can make itself one",
    title="Registration is overdue for review",
    why="Owners change and purposes end while the registry stays the same. A review detects this.",
    remediation="Ask the owner whether the identity, its owner and its permissions are still right. Then set "
    "last_reviewed to the day of the review.",
    evidence=("entry", "last_reviewed", "approved_on", "never_reviewed_since", "due"),
    thresholds=("review", "review_privileged"),
    check=_review_overdue,
)


# --- Registries contradict each other about this identity ---


def _declared_differently(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if entries of different registries contradict each other, on any rung."""
    verdict = assessment.registry
    if not verdict.contradictions:
        return None
    evidence_of = {candidate.entry: candidate.evidence for candidate in verdict.candidates}
    if verdict.entry is None:
        detail = verdict.evidence
    else:
        detail = "; ".join(evidence_of[entry] for entry in verdict.contradictions if entry in evidence_of)
    entries = sorted({*verdict.contradictions, *((verdict.entry,) if verdict.entry else ())})
    return Hit(
        evidence={"entries": [_placed(entry, context) for entry in entries]} | ({"detail": detail} if detail else {})
    )


def _placed(entry: str, context: RuleContext) -> str:
    """Return the entry's id with its file and row."""
    found = context.entries.get(entry)
    return entry if found is None or entry == str(found.entry.origin) else f"{entry} ({found.entry.origin})"


DECLARED_DIFFERENTLY = IdentityRule(
    id="declared_differently",
    severity="medium",
    title="Registries contradict each other about this identity",
    why="Each team trusts its own registry. Where two name different owners, environments or expiry dates, one of "
    "them is wrong.",
    remediation="Ask the owners of both entries which is right and correct the other. If the entries mean different "
    "identities, write the full id into each.",
    evidence=("entries", "detail"),
    on_plans=True,
    check=_declared_differently,
)


# --- Exemption has expired ---


def _exemption_expired(exemption: Exemption, context: RuleContext) -> Hit | None:
    """Fires from the day after ``until``, the last valid day."""
    if exemption.until is None or exemption.until >= context.today:
        return None
    return Hit(evidence={"match": exemption.match, "reason": exemption.why, "until": exemption.until})


EXEMPTION_EXPIRED = ExemptionRule(
    id="exemption_expired",
    severity="medium",
    title="Exemption has expired",
    why="The exemption has no effect any more: identities that match it are judged like all others.",
    remediation="Review the identities that match it. Then remove the exemption from the configuration, or set a new "
    "date.",
    evidence=("match", "reason", "until"),
    check=_exemption_expired,
)


# --- Exemption is about to expire ---


def _exemption_expiring(exemption: Exemption, context: RuleContext) -> Hit | None:
    """Fires from the warning day to ``until``, the last valid day."""
    days = context.policy.expiry_warning
    if exemption.until is None or not 0 <= (exemption.until - context.today).days <= days:
        return None
    evidence = {"match": exemption.match, "reason": exemption.why, "until": exemption.until, "limit_days": days}
    return Hit(evidence=evidence)


EXEMPTION_EXPIRING = ExemptionRule(
    id="exemption_expiring",
    severity="low",
    title="Exemption is about to expire",
    why="From the day after, identities that match the exemption are judged like all others, and unregistered ones "
    "become findings.",
    remediation="Review the identities that match it: declare or disable them, or renew the exemption with its reason.",
    evidence=("match", "reason", "until", "limit_days"),
    thresholds=("expiry_warning",),
    check=_exemption_expiring,
)
