"""A credential is made to live longer than the policy allows."""

from __future__ import annotations

from datetime import timedelta

from scanner.model import Assessment, Credential
from scanner.rules.base import CredentialRule, Hit, Yardstick


def check(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:  # noqa: ARG001  # one shape for all
    """Fires where both ends of its life are known and lie too far apart."""
    if credential.created_at is None or credential.expires_at is None:
        return None
    if credential.expires_at - credential.created_at <= timedelta(days=by.policy.max_lifetime):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "created_at": credential.created_at,
            "expires_at": credential.expires_at,
            "limit_days": by.policy.max_lifetime,
        }
    )


RULE = CredentialRule(
    id="credential_lives_too_long",
    severity="low",
    title="A credential is valid for too long",
    why="An expiry date years ahead protects nobody: whoever steals the credential has all that time.",
    remediation="Issue a new one with a shorter life, set the same limit where such credentials are issued, and let "
    "the consumer renew it by itself.",
    evidence=("kind", "id", "created_at", "expires_at", "limit_days"),
    thresholds=("max_lifetime",),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
