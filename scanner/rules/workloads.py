"""Rules about combinations of rights and workloads."""

from __future__ import annotations

from typing import Any

from scanner.model import Assessment, Assignment
from scanner.model.attributes import (
    GRANTS_ACROSS,
    HOST_ACCESS,
    NARROWER_RIGHTS,
    ROLE_MISSING,
    SHARED_SUBJECTS,
    UNUSED_TOKENS,
)
from scanner.rules.base import AssignmentRule, Hit, IdentityRule, RuleContext, is_powerful

_NAMED = 10
"""Maximum number of workloads or rights in the evidence."""


def _listed(assessment: Assessment, name: str) -> list[str]:
    """Return the texts of an attribute that is a list."""
    found = assessment.identity.attributes.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, (list, tuple)) else []


def _some(name: str, found: list[str]) -> dict[str, Any]:
    return {name: found[:_NAMED]} | ({"and_more": len(found) - _NAMED} if len(found) > _NAMED else {})


# --- Powerful identity runs where its host can be reached ---


def _powerful_near_host(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on identities with high privilege, run by a workload that can reach the machine that it runs on."""
    workloads = _listed(assessment, HOST_ACCESS)
    if not workloads or not (is_powerful(assessment) or assessment.privilege.level == "high"):
        return None
    return Hit(
        evidence={"privilege": assessment.privilege.level, **_some("workloads", workloads)},
        severity="high" if is_powerful(assessment) else None,
    )


POWERFUL_NEAR_HOST = IdentityRule(
    id="powerful_near_host",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="Privileged identity is used by a container that reaches its host",
    why="A container that is privileged, or has folders or processes of its host, can take over the machine, and with "
    "it the tokens of all that runs there. An attacker in the container has both, the machine and these permissions.",
    remediation="Remove the container's access to the host, or the identity's permissions. Where it needs both, as "
    "agents for networks and storage do, run it in a namespace of its own that few people can change.",
    evidence=("privilege", "workloads", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"permissions"}),
    check=_powerful_near_host,
)


# --- Workloads get tokens without rights ---


def _unused_tokens(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if a workload is given tokens of an identity without rights."""
    workloads = _listed(assessment, UNUSED_TOKENS)
    return Hit(evidence=_some("workloads", workloads)) if workloads else None


UNUSED_TOKEN_MOUNTED = IdentityRule(
    id="unused_token_mounted",
    severity="low",
    title="Workloads get tokens that they have no use for",
    why="The identity has no permissions, so no workload needs its tokens, but each container has one. A stolen token "
    "shows which APIs are installed, and gets every permission that is granted to all identities later.",
    remediation="Set automountServiceAccountToken to false on the service account, and to true on the workloads that "
    "call the API.",
    evidence=("workloads", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"permissions"}),
    check=_unused_tokens,
)


# --- Permissions in another environment ---


def _cross_environment_grant(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if an identity of one environment has permissions in another, both being known."""
    grants = _listed(assessment, GRANTS_ACROSS)
    return Hit(evidence=_some("grants", grants)) if grants else None


CROSS_ENVIRONMENT_GRANT = IdentityRule(
    id="cross_environment_grant",
    severity="medium",
    title="Identity has permissions in another environment",
    why="Environments are separated so that a breach of a less protected one stays there. With these permissions, an "
    "attacker who controls the identity also acts in the other environment.",
    remediation="Create an identity in the other environment for this purpose, and remove the grant. If a label or "
    "name states the wrong environment, correct it.",
    evidence=("grants", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"permissions"}),
    check=_cross_environment_grant,
)


# --- Permission has a narrower replacement ---


def _narrower_rights(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the provider's source reports permissions that a narrower one replaces."""
    found = assessment.identity.attributes.get(NARROWER_RIGHTS)
    listed = [one for one in found if isinstance(one, dict)] if isinstance(found, (list, tuple)) else []
    texts = [f"{one.get('right')} ({one.get('by')}); instead: {one.get('instead')}" for one in listed]
    if not texts:
        return None
    return Hit(evidence=_some("rights", texts), severity="medium" if is_powerful(assessment) else None)


NARROWER_RIGHT = IdentityRule(
    id="narrower_right",
    severity="low",
    severity_note="medium for an admin, or an identity that can make itself one",
    title="Permission has a narrower replacement",
    why="The permission allows far more than its usual purpose takes: a proxy to a kubelet runs commands where only "
    "metrics are read, and a list of secrets contains their values.",
    remediation="Grant what the evidence names instead, watch for denied requests, and remove the wide permission.",
    evidence=("rights", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"permissions"}),
    check=_narrower_rights,
)


# --- Trusted subject belongs to several identities ---


def _shared_subject(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if identities of several scopes have tokens of one subject that is trusted."""
    found = assessment.identity.attributes.get(SHARED_SUBJECTS)
    listed = [one for one in found if isinstance(one, dict)] if isinstance(found, (list, tuple)) else []
    texts = [
        f"{one.get('subject')}: {', '.join(keys[:_NAMED])}"
        for one in listed
        if isinstance(keys := one.get("identities"), (list, tuple))
    ]
    return (
        Hit(evidence=_some("subjects", texts), severity="high" if is_powerful(assessment) else None) if texts else None
    )


SHARED_SUBJECT = IdentityRule(
    id="shared_subject",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="Trusted subject belongs to identities of several places",
    why="The trust cannot tell them apart. Clusters that share a pool of identities, as those of a Google project do, "
    "give accounts of the same name the same subject. An attacker in the least protected cluster gets what was meant "
    "for another.",
    remediation="Keep clusters that do not trust each other in different projects. Otherwise give namespaces names "
    "that no other cluster has, or trust the accounts of one cluster only.",
    evidence=("subjects", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    check=_shared_subject,
)


# --- Assignment of a role that does not exist ---


def _missing_role(assignment: Assignment, _context: RuleContext) -> Hit | None:
    """Fires only if the source knows that the role does not exist."""
    if assignment.attributes.get(ROLE_MISSING) is not True:
        return None
    facts = {
        "grant": assignment.grant.name,
        "by": assignment.grant.via,
        "resource": assignment.grant.resource,
        "holder": assignment.holder_name or assignment.holder,
        "kind": assignment.holder_kind,
        "since": assignment.created_at,
    }
    return Hit(evidence={name: fact for name, fact in facts.items() if fact is not None})


MISSING_ROLE = AssignmentRule(
    id="missing_role",
    severity="low",
    title="Assignment of a role that does not exist",
    why="It grants nothing now. If a role of this name is created, the holder gets its permissions at once, and the "
    "creator of the role does not see that.",
    remediation="Delete the assignment, or create the role that it was meant for.",
    evidence=("grant", "by", "resource", "holder", "kind", "since"),
    check=_missing_role,
)
