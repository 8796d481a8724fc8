"""A credential is no longer used."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.rules.base import CredentialRule, Hit, Yardstick


def check(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where the last use lies before the window, and the record of use covers all of the window."""
    days = by.policy.dormant_credential
    covers_window = credential.use_tracked_days is not None and credential.use_tracked_days >= days
    if not covers_window or not by.past(credential.last_used_at, days, until=assessment.identity.observed_at):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "last_used_at": credential.last_used_at,
            "limit_days": days,
        }
    )


RULE = CredentialRule(
    id="credential_unused",
    severity="medium",
    title="A credential is no longer used",
    why="What used it is gone, and the credential still opens the door. Copies of it live on in old configurations, "
    "images and laptops.",
    remediation="Disable it today and delete it after a week without complaints.",
    evidence=("kind", "id", "last_used_at", "limit_days"),
    thresholds=("dormant_credential",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials", "use"}),
    check=check,
)
