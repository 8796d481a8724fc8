"""Rules about privileges and trust policies."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.model import POWERFUL, SEVERITIES, Assessment, Severity, Trust
from scanner.model.attributes import BOUND_BY_NAME, DEFAULT_ACCOUNT, DOMAIN_WIDE_DELEGATION, EXTERNAL, PUBLISHER
from scanner.rules.base import Hit, IdentityRule, RuleContext, is_powerful, is_unregistered_or_orphaned

# --- Non-human identity has full administrative permissions ---


def _admin(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on admins. The root user is always one, and is left to ``root_access_key``."""
    if assessment.privilege.level != "admin" or assessment.identity.kind == "root":
        return None
    return Hit(
        evidence={"because": assessment.privilege.evidence},
        severity="critical" if is_unregistered_or_orphaned(assessment) else None,
    )


ADMIN = IdentityRule(
    id="admin",
    severity="high",
    severity_note="critical if unregistered or orphaned",
    title="Non-human identity has full administrative permissions",
    why="An attacker with one of its credentials controls everything in its scope. Most workloads need a few actions, "
    "so nearly all of these permissions are unnecessary.",
    remediation="List the actions used in the last 90 days, grant those on the resources that were accessed, and "
    "remove the administrative grant. Where it must stay, use short-lived credentials and alert on their use.",
    evidence=("because",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=_admin,
)


# --- Non-human identity can escalate to admin ---


def _escalation(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if a known method or a chain of roles leads to administrative permissions."""
    if assessment.privilege.level != "escalation":
        return None
    return Hit(evidence={"because": assessment.privilege.evidence})


ESCALATION = IdentityRule(
    id="escalation",
    severity="high",
    title="Non-human identity can escalate to admin",
    why="Its permissions look limited, but a known privilege escalation method or a chain of roles leads to full "
    "administrative permissions. Protect it like an admin.",
    remediation="Break the first step of the attack path in the evidence: restrict the permission to the resources it "
    "needs, or remove this identity from the trust policy of the target.",
    evidence=("because",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=_escalation,
)


# --- Non-human identity can make others admins ---


def _makes_others_admin(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if it controls the holder of a method, but none of the targets."""
    privilege = assessment.privilege
    if privilege.level in POWERFUL or not privilege.makes_admin:
        return None
    return Hit(evidence={"targets": privilege.makes_admin, "because": privilege.evidence})


CAN_MAKE_OTHERS_ADMIN = IdentityRule(
    id="can_make_others_admin",
    severity="medium",
    title="Non-human identity can make others admins",
    why="It cannot become an admin by itself. But an attacker who also controls one of the identities that it can make "
    "admins has full administrative permissions, and nobody sees that in the permissions of either.",
    remediation="Restrict the permission to the identities that it has to change, and put a permissions boundary on "
    "those, so that no change makes one of them an admin.",
    evidence=("targets", "because"),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    on_plans=True,
    check=_makes_others_admin,
)


# --- Trust policy allows external principals ---

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


_INTERNAL_UNLESS_KNOWN = frozenset({"account", "principal", "service"})


def _open_trust(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires once for all open trusts, with the highest severity among them."""
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
    # An unknown account counts as internal, an unknown token issuer as external.
    if trust.external is False or (trust.external is None and trust.kind in _INTERNAL_UNLESS_KNOWN):
        return None
    # A shared token issuer without a restricting claim: anyone can assume it.
    is_anyone = trust.kind == "federated" and trust.external and trust.restriction == "none"
    return _SEVERITY.get(("anyone" if is_anyone else trust.kind, trust.restriction))


OPEN_TRUST = IdentityRule(
    id="open_trust",
    severity="high",
    severity_note="critical if anyone can assume it, including anyone with an account at a shared token issuer such "
    "as GitHub; medium for an external account behind a wildcard condition, or a single external principal without a "
    "condition; low if it trusts only a deleted principal, or any service",
    title="Trust policy allows external principals",
    why="An external principal can become this identity without stealing a credential. An external account without a "
    "condition is also exposed to the confused deputy problem.",
    remediation="Name the exact principal. Require an external id for a vendor's account, an exact subject "
    "(repository and branch or environment) for federation, and the source account or ARN for a service. Remove "
    "principals that no longer exist.",
    evidence=("trusts",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    on_plans=True,
    check=_open_trust,
)


# --- Trust policy allows principals of another environment ---


def _cross_environment_trust(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires once for all principals known to belong to another environment."""
    found = sorted(
        f"{trust.principal} of {trust.crosses}: {trust.evidence}"
        for trust in assessment.identity.trusts
        if trust.crosses is not None
    )
    return Hit(evidence={"trusts": found}) if found else None


CROSS_ENVIRONMENT_TRUST = IdentityRule(
    id="cross_environment_trust",
    severity="medium",
    title="Trust policy allows principals of another environment",
    why="Environments are separated so that a breach of a less protected one stays there. This trust lets an attacker "
    "cross from one environment to the other.",
    remediation="Create an identity with the permissions it needs for the other environment, or remove that "
    "environment from the trust policy. If a tag or name states the wrong environment, correct it.",
    evidence=("trusts",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    on_plans=True,
    check=_cross_environment_trust,
)


# --- Identity has domain-wide delegation ---


def _domain_wide_delegation(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the provider reports the delegation. The scopes become evidence if they are reported."""
    given = assessment.identity.attributes.get(DOMAIN_WIDE_DELEGATION)
    scopes = sorted(scope for scope in given if isinstance(scope, str)) if isinstance(given, (list, tuple)) else []
    if given is not True and not scopes:
        return None
    return Hit(
        evidence={"scopes": scopes} if scopes else {"scopes": "not reported"},
        severity="critical" if is_unregistered_or_orphaned(assessment) else None,
    )


DELEGATION = IdentityRule(
    id="domain_wide_delegation",
    severity="high",
    severity_note="critical if unregistered or orphaned",
    title="Identity has domain-wide delegation",
    why="It can read and write the mail, files and calendars of any user without consent, and the audit log names the "
    "user. Anyone who holds or can create one of its keys can do the same.",
    remediation="Remove the delegation where users can consent themselves. Otherwise limit it to the scopes that are "
    "needed, on a separate account without keys, in a project where few people can create keys.",
    evidence=("scopes",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    on_plans=True,
    check=_domain_wide_delegation,
)


# --- Application of an unverified publisher holds permissions ---


def _unverified_publisher(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on external applications with permissions whose publisher is not verified."""
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
    severity_note="high for an admin, or an identity that can make itself one",
    title="Application of an unverified publisher holds permissions",
    why="Anyone can publish an application under any name and ask for consent. Its publisher acts with these "
    "permissions from outside the organization, and their identity has not been verified.",
    remediation="Find out who consented to the application and why. Remove its permissions if it is not needed; "
    "otherwise have the publisher verified. Allow user consent for verified publishers only.",
    evidence=("publisher", "privilege", "grants"),
    silent_on=frozenset({"disabled", "provider_managed", "exempt"}),
    needs=frozenset({"permissions"}),
    on_plans=True,
    check=_unverified_publisher,
)


# --- Default account is in use ---

_MORE_THAN_NORMAL = frozenset({"admin", "escalation", "high"})
_NAMED = 10
"""Maximum number of consumers and roles in the evidence."""


def _shared_default_account(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on default accounts that have consumers, a high privilege, or roles that name them."""
    attributes, is_strong = assessment.identity.attributes, assessment.privilege.level in _MORE_THAN_NORMAL
    bound = attributes.get(BOUND_BY_NAME)
    if attributes.get(DEFAULT_ACCOUNT) is not True or not (is_strong or assessment.consumers or bound):
        return None
    facts = {
        "roles": list(bound[:_NAMED]) if isinstance(bound, (list, tuple)) else None,
        "and_more_roles": max(0, len(bound) - _NAMED) if isinstance(bound, (list, tuple)) else None,
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
    severity_note="high for an admin, or an identity that can make itself one",
    title="Default account is in use",
    why="The provider assigns the default account to workloads that name no other, often with permissions on the "
    "whole project. All of them share its permissions, so a breach of one exposes the others, and audit logs cannot "
    "separate them.",
    remediation="Give each workload its own account with the permissions it needs. Then remove the roles of the "
    "default account and disable it.",
    evidence=("roles", "privilege", "because", "run_as", "consumers"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"permissions"}),
    on_plans=True,
    check=_shared_default_account,
)
