"""A declared identity has a credential that its entry does not know."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.rules.base import CredentialRule, Hit, Yardstick, drifted_credential


def check(credential: Credential, assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the entry lists credentials, and this one neither by its id nor by its kind."""
    return drifted_credential(credential, assessment, "credential_id", "credential_kind")


RULE = CredentialRule(
    id="undeclared_credential",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="The registry does not know this credential",
    why="A second key on a declared identity is a quiet way to stay: the identity looks in order, and whoever made the "
    "key can act as it.",
    remediation="Find out who made it and what uses it. If nobody knows, disable it and look at what it did; else "
    "write its id or kind into the entry.",
    evidence=("kind", "id", "created_at", "entry", "declared"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
