"""An API key opens whatever its project has switched on."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.model.attributes import UNRESTRICTED
from scanner.rules.base import CredentialRule, Hit, Yardstick


def check(credential: Credential, _assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says that nothing limits what it is for."""
    if credential.attributes.get(UNRESTRICTED) is not True:
        return None
    made = {"created_at": credential.created_at} if credential.created_at is not None else {}
    return Hit(evidence={"kind": credential.kind, "id": credential.id} | made)


RULE = CredentialRule(
    id="unrestricted_api_key",
    severity="medium",
    title="An API key is not limited to what it is for",
    why="Keys of this sort travel in pages, apps and logs, and nothing else is asked of whoever shows one. One that is "
    "limited to no interface opens all of them, also those that are switched on tomorrow.",
    remediation="Limit it to the interfaces that its application calls and to the hosts or apps that call them, or "
    "replace it by the application's own identity.",
    evidence=("kind", "id", "created_at"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"credentials"}),
    check=check,
)
