"""A stored secret keeps its value for too long."""

from __future__ import annotations

from scanner.model import StoredSecret
from scanner.rules.base import Hit, SecretRule, Yardstick


def check(secret: StoredSecret, by: Yardstick) -> Hit | None:
    """Fires where the value is older than the policy allows; one never rotated is as old as the secret."""
    days = by.policy.rotation
    written = "created_at" if secret.rotated_at is None else "rotated_at"
    moment = secret.created_at if secret.rotated_at is None else secret.rotated_at
    if not by.past(moment, days):
        return None
    return Hit(evidence={"name": secret.name, written: moment, "limit_days": days})


RULE = SecretRule(
    id="stale_secret",
    severity="low",
    title="A stored secret has not been rotated",
    why="A secrets manager protects a value only while it is new enough that old copies of it open nothing.",
    remediation="Turn on automatic rotation, or rotate it together with whatever it opens; delete it if nothing reads "
    "it.",
    evidence=("name", "created_at", "rotated_at", "limit_days"),
    thresholds=("rotation",),
    check=check,
)
