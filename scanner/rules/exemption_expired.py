"""A configured exemption is past its day."""

from __future__ import annotations

from scanner.model import Exemption
from scanner.rules.base import ExemptionRule, Hit, Yardstick


def check(exemption: Exemption, by: Yardstick) -> Hit | None:
    """Fires from the day after ``until``, which is the last day it holds."""
    if exemption.until is None or exemption.until >= by.today:
        return None
    return Hit(evidence={"match": exemption.match, "reason": exemption.why, "until": exemption.until})


RULE = ExemptionRule(
    id="exemption_expired",
    severity="medium",
    title="An exemption has expired",
    why="It no longer exempts anything: what it covered is judged like everything else. Either the reason is gone, or "
    "somebody forgot to renew it.",
    remediation="Remove it from the configuration, or give it a new date after looking at what it covers.",
    evidence=("match", "reason", "until"),
    check=check,
)
