"""Outsiders, or somebody who no longer exists, may become this identity."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.model import SEVERITIES, Assessment, Severity, Trust
from scanner.rules.base import Hit, IdentityRule, Yardstick

_SEVERITY: Mapping[tuple[str, str], Severity] = {
    ("anyone", "none"): "critical",
    ("anyone", "loose"): "high",
    ("account", "none"): "high",
    ("account", "loose"): "medium",
    ("principal", "none"): "medium",
    ("service", "none"): "low",
    ("federated", "none"): "high",
    ("federated", "loose"): "high",
}


_INNOCENT_UNTIL_KNOWN = frozenset({"account", "principal", "service"})


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires once for all of its open trusts, with the worst one's severity."""
    found = [(severity, trust) for trust in assessment.identity.trusts if (severity := _severity(trust)) is not None]
    if not found:
        return None
    return Hit(
        evidence={
            "trusts": sorted(
                {
                    f"{trust.kind} {trust.principal} (restriction: {trust.restriction}): {trust.evidence}"
                    for _, trust in found
                }
            )
        },
        severity=min((severity for severity, _ in found), key=SEVERITIES.index),
    )


def _severity(trust: Trust) -> Severity | None:
    if trust.kind == "deleted":
        return "low"
    # An account that may be our own is no outsider until we know; an issuer is one until we know it for our own.
    if trust.external is False or (trust.external is None and trust.kind in _INNOCENT_UNTIL_KNOWN):
        return None
    # An issuer that signs for everybody, and no claim that keeps anybody out: that is anyone at all.
    is_anyone = trust.kind == "federated" and trust.external and trust.restriction == "none"
    return _SEVERITY.get(("anyone" if is_anyone else trust.kind, trust.restriction))


RULE = IdentityRule(
    id="open_trust",
    severity="high",
    severity_note="critical where anyone at all may become it, whoever has an account with a shared token issuer "
    "such as GitHub included; medium for an outside account behind a wildcard "
    "condition, or a principal in one without any; low where only a deleted principal is trusted, or a service that "
    "serves other accounts as well",
    title="Outsiders may become this identity",
    why="No credential of ours has to be stolen: whoever the trust lets in takes on this identity from outside. An "
    "outside account without a condition can also be tricked into it on behalf of somebody else.",
    remediation="Name the exact principal; for a vendor's account require an external id, for federation an exact "
    "subject (repository and branch or environment), for a service the source account or ARN. Remove principals that "
    "no longer exist.",
    evidence=("trusts",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    check=check,
)
