"""A credential was made and never used."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.rules.base import CredentialRule, Hit, Yardstick


def check(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires after the window, and only where the record of use reaches back to its creation."""
    days = by.policy.dormant_credential
    tracked, until = credential.use_tracked_days, assessment.identity.observed_at
    if credential.last_used_at is not None or tracked is None or not by.past(credential.created_at, days, until=until):
        return None
    if by.past(credential.created_at, tracked, until=until):
        return None
    return Hit(
        evidence={"kind": credential.kind, "id": credential.id, "created_at": credential.created_at, "limit_days": days}
    )


RULE = CredentialRule(
    id="credential_never_used",
    severity="medium",
    title="A credential has never been used",
    why="It works, nobody needs it, and nobody would notice if somebody else began to use it.",
    remediation="Disable it today and delete it after a week without complaints; make a new one when there is a need.",
    evidence=("kind", "id", "created_at", "limit_days"),
    thresholds=("dormant_credential",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials", "use"}),
    check=check,
)
