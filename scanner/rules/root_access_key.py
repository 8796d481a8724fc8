"""An account's root has an access key."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on a root with an active access key, whoever else it is exempt as."""
    identity = assessment.identity
    keys = sorted(key.id for key in identity.credentials if key.kind == "access_key" and by.live(key))
    if identity.kind != "root" or not keys:
        return None
    return Hit(evidence={"access_keys": keys})


RULE = IdentityRule(
    id="root_access_key",
    severity="critical",
    title="The account's root has an access key",
    why="Root can do anything, no policy limits it, and a key needs no second factor: one leaked line is the whole "
    "account.",
    remediation="Find what uses the key, give that a role of its own, then sign in as root and delete the key. In an "
    "organization, manage root access centrally and remove root credentials from member accounts.",
    evidence=("access_keys",),
    needs=frozenset({"credentials"}),
    check=check,
)
