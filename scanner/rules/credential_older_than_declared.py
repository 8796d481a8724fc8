"""A credential is older than its own entry allows."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.rules.base import CredentialRule, Hit, Yardstick, drifted_credential


def check(credential: Credential, assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the entry sets an age of its own and the credential is past it."""
    return drifted_credential(credential, assessment, "credential_age")


RULE = CredentialRule(
    id="credential_older_than_declared",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="A credential is older than its entry allows",
    why="Whoever declared the identity promised to rotate its credentials, and may have got it approved for that. The "
    "longer a secret lives, the more copies of it there are.",
    remediation="Rotate it: make a second credential, move every consumer to it, watch the old one's last use stand "
    "still, then disable and delete it.",
    evidence=("kind", "id", "created_at", "entry", "declared"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
