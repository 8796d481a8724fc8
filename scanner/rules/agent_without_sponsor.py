"""Nobody is named with the provider as answering for an AI agent."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.model.attributes import SPONSORS
from scanner.rules.base import Hit, IdentityRule, Yardstick

_SPONSORED = frozenset({"agent_identity", "agent_blueprint"})


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider was asked and knows of none; where it was not asked, nothing is said."""
    identity = assessment.identity
    sponsors = identity.attributes.get(SPONSORS)
    if identity.kind not in _SPONSORED or not isinstance(sponsors, (list, tuple)) or sponsors:
        return None
    return Hit(
        evidence={"kind": identity.kind} | ({"created_at": identity.created_at} if identity.created_at else {}),
        severity="medium" if assessment.ownership.state == "owned" else None,
    )


RULE = IdentityRule(
    id="agent_without_sponsor",
    severity="high",
    severity_note="medium where the registry names somebody who answers for it",
    title="An AI agent has no sponsor",
    why="A sponsor is the person whom the provider asks whether an agent is still needed, and whom it tells when one "
    "misbehaves. Without one it goes on acting, and nobody is asked.",
    remediation="Name the person who had it made as its sponsor, and a second one so that it does not depend on one; "
    "switch it off if nobody wants to be.",
    evidence=("kind", "created_at"),
    silent_on=frozenset({"disabled", "provider_managed", "exempt"}),
    check=check,
)
