"""Somebody else's application holds rights here, and nobody has verified who that is."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.model import Assessment
from scanner.model.attributes import EXTERNAL, PUBLISHER
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on applications of other organisations that hold anything and whose publisher is not verified."""
    identity = assessment.identity
    publisher = identity.attributes.get(PUBLISHER)
    is_unverified = isinstance(publisher, Mapping) and publisher.get("verified") is False
    if identity.attributes.get(EXTERNAL) is not True or not is_unverified:
        return None
    if not identity.grants and assessment.privilege.level in ("normal", "unknown"):
        return None
    name = publisher.get("name") if isinstance(publisher, Mapping) else None
    return Hit(
        evidence={"grants": len(identity.grants), "privilege": assessment.privilege.level}
        | ({"publisher": name} if isinstance(name, str) else {}),
        severity="high" if is_powerful(assessment) else None,
    )


RULE = IdentityRule(
    id="unverified_publisher",
    severity="medium",
    severity_note="high where it is an admin or can make itself one",
    title="An application of an unverified publisher holds rights",
    why="Anybody can publish an application under any name and have somebody consent to it. Whoever runs it acts with "
    "these rights from outside, and no one has checked who they are.",
    remediation="Find out who consented to it and what for. Take its rights away where nobody needs it; where it is "
    "needed, have the publisher verified, and let people consent to verified ones alone.",
    evidence=("publisher", "privilege", "grants"),
    silent_on=frozenset({"disabled", "provider_managed", "exempt"}),
    needs=frozenset({"permissions"}),
    check=check,
)
