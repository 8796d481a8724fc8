"""A credential has expired and is still there."""

from __future__ import annotations

from scanner.model import Assessment, Credential, CredentialKind
from scanner.rules.base import ExpiredCredentialRule, Hit, Yardstick

# Tokens, secret ids and delegated access go away by themselves once they have ended.
_KEPT: frozenset[CredentialKind] = frozenset(
    {"access_key", "password", "client_secret", "certificate", "api_key", "ssh_key", "service_specific"}
)


def check(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where it had ended already when the provider was looked at, and was listed there."""
    ended = by.past(credential.expires_at, 0, until=assessment.identity.observed_at)
    if not ended or credential.kind not in _KEPT or credential.key in by.not_listed:
        return None
    return Hit(evidence={"kind": credential.kind, "id": credential.id, "expires_at": credential.expires_at})


RULE = ExpiredCredentialRule(
    id="credential_expired",
    severity="low",
    title="A credential has expired and is still there",
    why="It opens nothing any more, and hides among what does. What used it has stopped, or has another credential "
    "that somebody should know of.",
    remediation="Remove it. If a workload still needs one, its owner makes a new one, or better lets it federate, "
    "which leaves nothing to expire.",
    evidence=("kind", "id", "expires_at"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
