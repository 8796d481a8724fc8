"""An identity keeps two access keys alive."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on two and more active access keys."""
    keys = sorted(key.id for key in assessment.identity.credentials if key.kind == "access_key" and by.live(key))
    return Hit(evidence={"access_keys": keys}) if len(keys) > 1 else None


RULE = IdentityRule(
    id="two_active_keys",
    severity="low",
    title="It has more than one active access key",
    why="A second key is for the hours of a rotation. When it stays, there is twice as much to leak, and a rotation of "
    "one leaves the other.",
    remediation="Compare when each was last used, move what uses the older one, then disable and delete it.",
    evidence=("access_keys",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials"}),
    check=check,
)
