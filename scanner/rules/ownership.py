"""Rules about owners, sponsors, and role assignments that deleted identities left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date

from scanner.model import POWERFUL, Assessment, Assignment, OrphanReason, Severity
from scanner.model.attributes import RESTORABLE_UNTIL, SPONSORS
from scanner.rules.base import AssignmentRule, Hit, IdentityRule, RuleContext, is_powerful

# --- Identity is unowned ---

# `unregistered` is not listed: the rule of that name reports it.
_SEVERITY: Mapping[OrphanReason, Severity] = {
    "departed": "high",
    "group_empty": "high",
    "never_assigned": "medium",
    "unresolvable": "medium",
    "owner_is_machine": "medium",
    "ambiguous": "medium",
}


def _orphaned(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on orphaned identities. The reason sets the severity."""
    verdict = assessment.ownership
    if verdict.state != "orphaned" or verdict.reason is None or verdict.reason not in _SEVERITY:
        return None
    facts = {"entry": assessment.registry.entry, "named_owner": verdict.owner, "detail": verdict.evidence}
    return Hit(
        evidence={"reason": verdict.reason} | {name: fact for name, fact in facts.items() if fact is not None},
        severity=_SEVERITY[verdict.reason],
    )


ORPHANED = IdentityRule(
    id="orphaned",
    severity="medium",
    severity_note="high if the owner has left or the owning group is empty: a former owner may still know its secrets",
    title="Identity is unowned",
    why="Without an active owner, its credentials are not rotated, misuse goes unnoticed, and it is never retired. A "
    "former owner may still hold working credentials.",
    remediation="Ask the best owner candidate to take over and write the new owner into the registry entry. If the "
    "last owner has left, rotate its credentials. If no owner is found, disable the identity.",
    evidence=("reason", "entry", "named_owner", "detail"),
    check=_orphaned,
)


# --- A leaver's own account is used ---


def _leaver_account_used(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on a person's own account that was used after that person's last day, exempt or not."""
    nature = assessment.nature
    used_on = _last_used_on(assessment)
    if not assessment.is_own_account or nature.left_on is None or used_on is None or used_on <= nature.left_on:
        return None
    return Hit(evidence={"person": nature.person, "left_on": nature.left_on, "last_used_on": used_on})


def _last_used_on(assessment: Assessment) -> date | None:
    """Return the day of the last use that is known of an identity, its credentials or its logs, in UTC."""
    uses = (
        assessment.usage.last_used_at,
        *(credential.last_used_at for credential in assessment.identity.credentials),
        None if assessment.activity is None else assessment.activity.last_event_at,
    )
    return max((moment.astimezone(UTC).date() for moment in uses if moment is not None), default=None)


LEAVER_ACCOUNT_USED = IdentityRule(
    id="leaver_account_used",
    severity="high",
    title="Own account of a leaver was used after the last day",
    why="The person has left, so nobody can have used the account on their behalf. Whoever did has their password or "
    "keys: the former employee, or somebody who took them over.",
    remediation="Disable the account and revoke its credentials and sessions. Look up in the audit log what was done "
    "after the last day, and from where. Move workloads that used its keys to an identity of their own.",
    evidence=("person", "left_on", "last_used_on"),
    needs=frozenset({"use"}),
    check=_leaver_account_used,
)


# --- Owner is about to leave ---


def _owner_leaving(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires on owned identities whose owners all leave."""
    verdict = assessment.ownership
    if verdict.state != "owned" or not verdict.leaving:
        return None
    facts = {
        "owner": verdict.owner,
        "leaving": verdict.leaving,
        "last_day": verdict.last_day,
        "backup_owner": _declared_backups(assessment, context),
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact},
        severity="high" if is_powerful(assessment) else None,
    )


def _declared_backups(assessment: Assessment, context: RuleContext) -> tuple[str, ...]:
    """Return the backup owners in the matching entries, active or not."""
    declaring = (assessment.registry.entry or "", *assessment.registry.agreeing)
    entries = [context.entries[entry].entry for entry in declaring if entry in context.entries]
    return tuple(dict.fromkeys(backup for entry in entries for backup in entry.backup_owner))


OWNER_LEAVING = IdentityRule(
    id="owner_leaving",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="Owner is about to leave",
    why="After the last day the identity is orphaned, and what only its owner knows is lost. Until then the owner can "
    "hand it over.",
    remediation="Hand the identity over to the backup owner or the best owner candidate before the last day: what it "
    "does, who uses it, where its credentials are. Write the new owner into the entry and rotate the credentials that "
    "the leaver could read.",
    evidence=("owner", "leaving", "last_day", "backup_owner"),
    on_plans=True,
    check=_owner_leaving,
)


# --- Only the backup owner is active ---


def _backup_owner_only(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the backup owner is the only active owner."""
    verdict = assessment.ownership
    if verdict.state != "owned" or not verdict.backup_only:
        return None
    return Hit(evidence={"backup_owner": verdict.owner} | ({"detail": verdict.evidence} if verdict.evidence else {}))


BACKUP_OWNER_ONLY = IdentityRule(
    id="backup_owner_only",
    severity="low",
    title="Only the backup owner is active",
    why="The owner has left or was never named. If the backup owner leaves too, the identity is orphaned.",
    remediation="Ask the backup owner to take over or to name a new owner. Write the new owner into the registry "
    "entry.",
    evidence=("backup_owner", "detail"),
    on_plans=True,
    check=_backup_owner_only,
)


# --- AI agent has no sponsor ---

_SPONSORED = frozenset({"agent_identity", "agent_blueprint"})


def _agent_without_sponsor(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the provider lists no sponsor, or all have left. Silent if the sponsors were not read."""
    identity = assessment.identity
    sponsors = identity.attributes.get(SPONSORS)
    left = assessment.agent.sponsors_left
    if identity.kind not in _SPONSORED or not isinstance(sponsors, (list, tuple)) or (sponsors and not left):
        return None
    return Hit(
        evidence={"kind": identity.kind}
        | ({"created_at": identity.created_at} if identity.created_at else {})
        | ({"left": list(left)} if left else {}),
        severity="medium" if assessment.ownership.state == "owned" else None,
    )


AGENT_WITHOUT_SPONSOR = IdentityRule(
    id="agent_without_sponsor",
    severity="high",
    severity_note="medium if the registry names an active owner",
    title="AI agent has no sponsor who is still here",
    why="The sponsor decides whether an agent is still needed and is notified when it misbehaves. Without a sponsor, "
    "the agent keeps acting unsupervised.",
    remediation="Assign the person who requested the agent as its sponsor, and a second sponsor as a backup. If it "
    "has no sponsor, disable it.",
    evidence=("kind", "created_at", "left"),
    silent_on=frozenset({"disabled", "provider_managed", "exempt"}),
    check=_agent_without_sponsor,
)


# --- Role assignment of a deleted identity ---


def _orphaned_grant(assignment: Assignment, _context: RuleContext) -> Hit | None:
    """Fires only if the provider reports that the holder was deleted."""
    if assignment.gone is not True:
        return None
    facts = {
        "holder": assignment.holder,
        "kind": assignment.holder_kind,
        "name": assignment.holder_name,
        "grant": assignment.grant.name,
        "resource": assignment.grant.resource,
        "privilege": assignment.privilege.level,
        "since": assignment.created_at,
        "restorable_until": assignment.attributes.get(RESTORABLE_UNTIL),
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact is not None},
        severity="high" if assignment.privilege.level in POWERFUL else None,
    )


ORPHANED_GRANT = AssignmentRule(
    id="orphaned_grant",
    severity="medium",
    severity_note="high if the permission makes its holder an admin, or lets it make itself one",
    title="Role assignment of a deleted identity",
    why="If the identity is restored, or a new one is created under the same id, it gets the permission immediately. "
    "Such assignments also hide the valid ones.",
    remediation="Delete the assignment. If the identity can still be restored, find out first who deleted it and why.",
    evidence=("holder", "kind", "name", "grant", "resource", "privilege", "since", "restorable_until"),
    check=_orphaned_grant,
)
