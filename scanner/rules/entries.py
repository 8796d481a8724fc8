"""Rules on registry entries and exemptions."""

from __future__ import annotations

from scanner.model import Assessment, EntryAssessment, Exemption
from scanner.model.dates import review_due
from scanner.rules.base import EntryRule, ExemptionRule, Hit, IdentityRule, Yardstick, is_powerful

# --- An entry is about to expire ---


def _entry_expiring(assessment: EntryAssessment, by: Yardstick) -> Hit | None:
    """Fires on active entries from the warning on up to the last day itself."""
    entry = assessment.entry
    days = by.policy.expiry_warning
    if entry.status != "active" or entry.expires is None or not 0 <= (entry.expires - by.today).days <= days:
        return None
    return Hit(evidence={"expires": entry.expires, "limit_days": days, "identities": assessment.identities})


ENTRY_EXPIRING = EntryRule(
    id="entry_expiring",
    severity="low",
    title="A registry entry is about to expire",
    why="After that day its identities count as retired, and what still runs on them is a finding of high severity.",
    remediation="Have the owner review it: set a new date with the reason, or plan the shutdown of its identities.",
    evidence=("expires", "limit_days", "identities"),
    thresholds=("expiry_warning",),
    check=_entry_expiring,
)


# --- An entry is declared active, and nothing of it exists ---


def _entry_not_found(assessment: EntryAssessment, _by: Yardstick) -> Hit | None:
    """Fires only where the place in which it would be was read completely."""
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
    title="A declared identity does not exist",
    why="It was deleted without telling the registry, or its id is misspelt and the real one runs undeclared. An entry "
    "that stands for nothing also waits for whoever creates something of that name.",
    remediation="Compare it with the unregistered identities: correct the id if it is there, else set the entry to "
    "retired.",
    evidence=("declared_at", "identities", "detail"),
    check=_entry_not_found,
)


# --- The registration of an identity was to be reviewed, and was not ---


def _review_overdue(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires past the entry's own next review, or past the policy's time since the last; silent without any date."""
    found = by.entry_of(assessment)
    if found is None:
        return None
    entry, powerful = found.entry, is_powerful(assessment)
    due = review_due(entry, by.policy.review_privileged if powerful else by.policy.review, by.today)
    if due is None or due >= by.today:
        return None
    dates = {"last_reviewed": entry.last_reviewed, "approved_on": entry.approved_on, "due": due}
    return Hit(
        evidence={"entry": entry.id} | {name: day for name, day in dates.items() if day is not None},
        severity="medium" if powerful else None,
    )


REVIEW_OVERDUE = IdentityRule(
    id="review_overdue",
    severity="low",
    severity_note="medium where the identity is an admin or can make itself one",
    title="Its registration is overdue for review",
    why="Owners move on and purposes end without anybody telling the registry. A review is when somebody finds out.",
    remediation="Ask the owner whether it is still needed, still theirs and still allowed too much; write the day into "
    "last_reviewed.",
    evidence=("entry", "last_reviewed", "approved_on", "due"),
    thresholds=("review", "review_privileged"),
    check=_review_overdue,
)


# --- Two registries declare the same identity, and not the same of it ---


def _declared_differently(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where entries of different registries contradict each other, on whichever rungs they name it."""
    verdict = assessment.registry
    if not verdict.contradictions:
        return None
    told = {candidate.entry: candidate.evidence for candidate in verdict.candidates}
    if verdict.entry is None:
        detail = verdict.evidence
    else:
        detail = "; ".join(told[entry] for entry in verdict.contradictions if entry in told)
    entries = sorted({*verdict.contradictions, *((verdict.entry,) if verdict.entry else ())})
    return Hit(evidence={"entries": [_placed(entry, by) for entry in entries]} | ({"detail": detail} if detail else {}))


def _placed(entry: str, by: Yardstick) -> str:
    """The entry's id, with the file and row where it stands."""
    found = by.entries.get(entry)
    return entry if found is None or entry == str(found.entry.origin) else f"{entry} ({found.entry.origin})"


DECLARED_DIFFERENTLY = IdentityRule(
    id="declared_differently",
    severity="medium",
    title="Two registries declare it differently",
    why="Each list is believed by those who keep it. Where they name different owners, environments or ends, one of "
    "them is wrong, and nobody knows that it is theirs.",
    remediation="Have the owners of both entries settle which one is right, and correct the other; if they mean "
    "different identities, write the full id into each.",
    evidence=("entries", "detail"),
    check=_declared_differently,
)


# --- A configured exemption is past its day ---


def _exemption_expired(exemption: Exemption, by: Yardstick) -> Hit | None:
    """Fires from the day after ``until``, which is the last day it holds."""
    if exemption.until is None or exemption.until >= by.today:
        return None
    return Hit(evidence={"match": exemption.match, "reason": exemption.why, "until": exemption.until})


EXEMPTION_EXPIRED = ExemptionRule(
    id="exemption_expired",
    severity="medium",
    title="An exemption has expired",
    why="It no longer exempts anything: what it covered is judged like everything else. Either the reason is gone, or "
    "somebody forgot to renew it.",
    remediation="Remove it from the configuration, or give it a new date after looking at what it covers.",
    evidence=("match", "reason", "until"),
    check=_exemption_expired,
)


# --- A configured exemption is about to end ---


def _exemption_expiring(exemption: Exemption, by: Yardstick) -> Hit | None:
    """Fires from the warning on up to ``until``, which is the last day it holds."""
    days = by.policy.expiry_warning
    if exemption.until is None or not 0 <= (exemption.until - by.today).days <= days:
        return None
    evidence = {"match": exemption.match, "reason": exemption.why, "until": exemption.until, "limit_days": days}
    return Hit(evidence=evidence)


EXEMPTION_EXPIRING = ExemptionRule(
    id="exemption_expiring",
    severity="low",
    title="An exemption is about to expire",
    why="From the day after, everything it covers is judged like all else, and what nobody declared is a finding.",
    remediation="Look at what it covers: declare it, switch it off, or renew the exemption with its reason.",
    evidence=("match", "reason", "until", "limit_days"),
    thresholds=("expiry_warning",),
    check=_exemption_expiring,
)
