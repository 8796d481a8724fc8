"""The provider itself has found a credential in the open."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.model.attributes import EXPOSED
from scanner.rules.base import CredentialRule, Hit, Yardstick


def check(credential: Credential, _assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says so, with its words if it has any."""
    exposed = credential.attributes.get(EXPOSED)
    if exposed is not True and not (exposed and isinstance(exposed, str)):
        return None
    facts = {
        "kind": credential.kind,
        "id": credential.id,
        "created_at": credential.created_at,
        "where": exposed if isinstance(exposed, str) else None,
    }
    return Hit(evidence={name: fact for name, fact in facts.items() if fact is not None})


RULE = CredentialRule(
    id="exposed_credential",
    severity="critical",
    title="A credential was found in the open",
    why="The provider came across its value in a public place, and so has anybody who looks there. Such keys are tried "
    "within minutes.",
    remediation="Disable it at once, make a new one for whatever needs it, and look in the audit log for what it was "
    "used for since it was exposed; then remove it from where it was found, history included.",
    evidence=("kind", "id", "created_at", "where"),
    needs=frozenset({"credentials"}),
    check=check,
)
