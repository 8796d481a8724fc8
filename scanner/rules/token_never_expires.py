"""A credential that could end by itself was made to live for ever."""

from __future__ import annotations

from scanner.model import Assessment, Credential, CredentialKind
from scanner.rules.base import CredentialRule, Hit, Yardstick, is_powerful

# Only what its provider can give an end: access keys and passwords have none by nature.
_EXPIRING: frozenset[CredentialKind] = frozenset({"token", "secret_id", "api_key", "client_secret", "service_specific"})


def check(credential: Credential, assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says that it never expires."""
    if not credential.never_expires or credential.kind not in _EXPIRING:
        return None
    made = {"created_at": credential.created_at} if credential.created_at is not None else {}
    return Hit(
        evidence={"kind": credential.kind, "id": credential.id} | made,
        severity="high" if is_powerful(assessment) else None,
    )


RULE = CredentialRule(
    id="token_never_expires",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="A credential never expires",
    why="If it leaks, it works until somebody finds out. An end date limits the harm of every leak, also of those that "
    "nobody notices.",
    remediation="Issue a new one with an end (hours for tokens, at most the rotation period for secrets), move its "
    "consumers, then revoke this one; set a limit where such credentials are issued.",
    evidence=("kind", "id", "created_at"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
