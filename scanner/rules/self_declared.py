"""A tag on the identity is all that ties it to the registry."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the rung is the tag, and nothing else in the entry names the identity."""
    verdict = assessment.registry
    if verdict.state != "registered" or verdict.rung != "tag" or verdict.also_by is not None:
        return None
    return Hit(evidence={"entry": verdict.entry} | ({"detail": verdict.evidence} if verdict.evidence else {}))


RULE = IdentityRule(
    id="self_declared",
    severity="medium",
    title="Only its own tag says that it is registered",
    why="Whoever creates an identity can copy a tag, and so pass off an identity of their own as a declared one.",
    remediation="Have the entry's owner confirm it, then write the identity's full id into the entry.",
    evidence=("entry", "detail"),
    check=check,
)
