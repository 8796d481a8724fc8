"""A long-lived credential was not rotated in time."""

from __future__ import annotations

from scanner.model import Assessment, Credential, CredentialKind
from scanner.rules.base import CredentialRule, Hit, Yardstick, is_powerful

# Shared secrets that live until somebody replaces them. A certificate ends by itself; federation has none to rotate.
_ROTATED: frozenset[CredentialKind] = frozenset(
    {"access_key", "client_secret", "secret_id", "token", "api_key", "ssh_key", "service_specific"}
)


def check(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where it is older than its entry allows, or than the policy where the entry says nothing."""
    entry = by.entry_of(assessment)
    declared = entry.entry.max_credential_age if entry is not None else None
    days = by.policy.rotation if declared is None else declared
    if credential.kind not in _ROTATED or not by.past(credential.created_at, days):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "created_at": credential.created_at,
            "limit_days": days,
            "limit_from": "policy" if declared is None else "entry",
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
    evidence=("kind", "id", "created_at", "limit_days", "limit_from"),
    controls=("owasp-nhi-2025:NHI7", "cis-aws-3.0.0:1.14", "nist-800-53r5:IA-5"),
    thresholds=("rotation",),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
