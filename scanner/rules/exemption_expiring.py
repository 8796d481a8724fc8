"""A configured exemption is about to end."""

from __future__ import annotations

from scanner.model import Exemption
from scanner.rules.base import ExemptionRule, Hit, Yardstick


def check(exemption: Exemption, by: Yardstick) -> Hit | None:
    """Fires from the warning on up to ``until``, which is the last day it holds."""
    days = by.policy.expiry_warning
    if exemption.until is None or not 0 <= (exemption.until - by.today).days <= days:
        return None
    evidence = {"match": exemption.match, "reason": exemption.why, "until": exemption.until, "limit_days": days}
    return Hit(evidence=evidence)


RULE = ExemptionRule(
    id="exemption_expiring",
    severity="low",
    title="An exemption is about to expire",
    why="From the day after, everything it covers is judged like all else, and what nobody declared is a finding.",
    remediation="Look at what it covers: declare it, switch it off, or renew the exemption with its reason.",
    evidence=("match", "reason", "until", "limit_days"),
    thresholds=("expiry_warning",),
    check=check,
)
