"""Rules on what an identity could do, and on whom its trust policies let in."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.model import SEVERITIES, Assessment, Severity, Trust
from scanner.model.attributes import DEFAULT_ACCOUNT, DOMAIN_WIDE_DELEGATION, EXTERNAL, PUBLISHER
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful, is_unanswered

# --- A non-human identity can do everything ---


def _admin(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on admins; an account's root cannot be anything else and is left to ``root_access_key``."""
    if assessment.privilege.level != "admin" or assessment.identity.kind == "root":
        return None
    return Hit(
        evidence={"because": assessment.privilege.evidence},
        severity="critical" if is_unanswered(assessment) else None,
    )


ADMIN = IdentityRule(
    id="admin",
    severity="high",
    severity_note="critical where nobody declared it or nobody answers for it",
    title="A non-human identity has full administrative rights",
    why="Whoever gets hold of one of its credentials owns everything in its scope. Machines seldom need more than a "
    "handful of actions, so nearly all of this power is there for an attacker only.",
    remediation="List the actions it used in the last 90 days, grant those on the resources they touched, and take "
    "the administrative grant away. Where it must stay, use short-lived credentials and have its use alerted on.",
    evidence=("because",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=_admin,
)


# --- A non-human identity can make itself an admin ---


def _escalation(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where a known method or a chain of assumed roles leads to administrative rights."""
    if assessment.privilege.level != "escalation":
        return None
    return Hit(evidence={"because": assessment.privilege.evidence})


ESCALATION = IdentityRule(
    id="escalation",
    severity="high",
    title="A non-human identity can make itself an admin",
    why="Its permissions look limited, but a known method or a chain of roles it may assume leads to full "
    "administrative rights. It has to be guarded like an admin, and usually is not.",
    remediation="Break the first step of the path named in the evidence: narrow the permission to the resources it "
    "needs, or have whatever it leads to trust this identity no longer.",
    evidence=("because",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=_escalation,
)


# --- Outsiders, or somebody who no longer exists, may become this identity ---

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


def _open_trust(assessment: Assessment, _by: Yardstick) -> Hit | None:
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


OPEN_TRUST = IdentityRule(
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
    check=_open_trust,
)


# --- Something of another environment may become this identity ---


def _cross_environment_trust(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires once for all principals that are known to be of another environment."""
    found = sorted(
        f"{trust.principal} of {trust.crosses}: {trust.evidence}"
        for trust in assessment.identity.trusts
        if trust.crosses is not None
    )
    return Hit(evidence={"trusts": found}) if found else None


CROSS_ENVIRONMENT_TRUST = IdentityRule(
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
    check=_cross_environment_trust,
)


# --- An identity may act as any person of the organisation ---


def _domain_wide_delegation(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says so, with the scopes if it tells them."""
    given = assessment.identity.attributes.get(DOMAIN_WIDE_DELEGATION)
    scopes = sorted(one for one in given if isinstance(one, str)) if isinstance(given, (list, tuple)) else []
    if given is not True and not scopes:
        return None
    return Hit(
        evidence={"scopes": scopes} if scopes else {"scopes": "not told"},
        severity="critical" if is_unanswered(assessment) else None,
    )


DELEGATION = IdentityRule(
    id="domain_wide_delegation",
    severity="high",
    severity_note="critical where nobody declared it or nobody answers for it",
    title="An identity may act as anybody in the organisation",
    why="It reads and writes mail, files and calendars in the name of whomever it likes, without their consent, and "
    "the trail names the person. Who holds a key of it, or can make one, can do the same.",
    remediation="Take the delegation away where the people concerned can consent themselves; else keep it to the few "
    "scopes that are needed, on an account of its own without keys, in a project where few can make any.",
    evidence=("scopes",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    check=_domain_wide_delegation,
)


# --- Somebody else's application holds rights here, and nobody has verified who that is ---


def _unverified_publisher(assessment: Assessment, _by: Yardstick) -> Hit | None:
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


UNVERIFIED_PUBLISHER = IdentityRule(
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
    check=_unverified_publisher,
)


# --- What names no account of its own runs as one that all share ---

_MORE_THAN_NORMAL = frozenset({"admin", "escalation", "high"})
_NAMED = 10
"""So many of what runs as it are named."""


def _shared_default_account(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on default accounts that something runs as, or that hold more than ordinary rights."""
    is_strong = assessment.privilege.level in _MORE_THAN_NORMAL
    if assessment.identity.attributes.get(DEFAULT_ACCOUNT) is not True or not (is_strong or assessment.consumers):
        return None
    facts = {
        "privilege": assessment.privilege.level,
        "because": assessment.privilege.evidence if is_strong else None,
        "run_as": len(assessment.consumers),
        "consumers": list(assessment.consumers[:_NAMED]),
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact},
        severity="high" if is_powerful(assessment) else None,
    )


SHARED_DEFAULT_ACCOUNT = IdentityRule(
    id="shared_default_account",
    severity="medium",
    severity_note="high where it is an admin or can make itself one",
    title="A default account is in use",
    why="The provider made it for whatever names no account of its own, often with rights on the whole project. All "
    "that run as it share its rights, so that who breaks into one has what any of them needs, and the trail does not "
    "tell them apart.",
    remediation="Give each workload an account of its own with the few rights it needs; then take the default "
    "account's roles away and disable it.",
    evidence=("privilege", "because", "run_as", "consumers"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"permissions"}),
    check=_shared_default_account,
)
