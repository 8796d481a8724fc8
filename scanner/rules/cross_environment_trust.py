"""Something of another environment may become this identity."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.rules.base import Hit, IdentityRule, Yardstick


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires once for all principals that are known to be of another environment."""
    found = sorted(
        f"{trust.principal} of {trust.crosses}: {trust.evidence}"
        for trust in assessment.identity.trusts
        if trust.crosses is not None
    )
    return Hit(evidence={"trusts": found}) if found else None


RULE = IdentityRule(
    id="cross_environment_trust",
    severity="medium",
    title="An identity of another environment may become this one",
    why="Environments are kept apart so that what is loosely guarded cannot reach what is not. Whoever gets into the "
    "one environment walks over this trust into the other.",
    remediation="Give the other environment an identity of its own here with the few rights that it needs, or take it "
    "out of the trust policy. If a tag or name tells the wrong environment, correct it.",
    evidence=("trusts",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    check=check,
)
