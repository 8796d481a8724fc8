"""Two registries declare the same identity, and not the same of it."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
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


RULE = IdentityRule(
    id="declared_differently",
    severity="medium",
    title="Two registries declare it differently",
    why="Each list is believed by those who keep it. Where they name different owners, environments or ends, one of "
    "them is wrong, and nobody knows that it is theirs.",
    remediation="Have the owners of both entries settle which one is right, and correct the other; if they mean "
    "different identities, write the full id into each.",
    evidence=("entries", "detail"),
    check=check,
)
