"""A long-lived credential was not rotated in time."""

from __future__ import annotations

from scanner.model import ROTATED, Assessment, Credential
from scanner.rules.base import CredentialRule, Hit, Yardstick, is_powerful


def check(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires past the policy's limit; where the entry sets one, ``credential_older_than_declared`` goes by that."""
    entry = by.entry_of(assessment)
    days = by.policy.rotation
    if entry is not None and entry.entry.max_credential_age is not None:
        return None
    if credential.kind not in ROTATED or not by.past(credential.created_at, days):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "created_at": credential.created_at,
            "limit_days": days,
        },
        severity="high" if is_powerful(assessment) else None,
    )


RULE = CredentialRule(
    id="credential_too_old",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="A credential is overdue for rotation",
    why="The longer a secret lives, the more copies of it there are, and the longer a thief can use one unnoticed.",
    remediation="Make a second credential, move every consumer to it, watch the old one's last use stand still, then "
    "disable and delete it. Better: replace it by federation or a role, which have nothing to rotate.",
    evidence=("kind", "id", "created_at", "limit_days"),
    thresholds=("rotation",),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
