"""Rules on owners, and on use without one."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.model import POWERFUL, Assessment, Assignment, OrphanReason, Severity
from scanner.model.attributes import RESTORABLE_UNTIL, SPONSORS
from scanner.rules.base import AssignmentRule, Hit, IdentityRule, Yardstick, is_powerful

# --- A declared identity has nobody who answers for it ---

# No line for `unregistered`: the rule of that name says it already.
_SEVERITY: Mapping[OrphanReason, Severity] = {
    "departed": "high",
    "group_empty": "high",
    "never_assigned": "medium",
    "unresolvable": "medium",
    "owner_is_machine": "medium",
    "ambiguous": "medium",
}


def _orphaned(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on orphans by their reason."""
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
    severity_note="high where the owner has left or the owning group is empty: somebody did answer for it, and may "
    "still know its secrets",
    title="Nobody answers for this identity",
    why="Without an active owner nobody rotates its credentials, notices misuse, or says when it may go. A leaver may "
    "keep working credentials.",
    remediation="Ask the best owner candidate to take it over and write them into the entry; rotate its credentials if "
    "the last owner has left. If nobody claims it, disable it.",
    evidence=("reason", "entry", "named_owner", "detail"),
    check=_orphaned,
)


# --- Whoever answers for it is about to leave ---


def _owner_leaving(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on owned identities of which no owner stays."""
    verdict = assessment.ownership
    if verdict.state != "owned" or not verdict.leaving:
        return None
    facts = {
        "owner": verdict.owner,
        "leaving": verdict.leaving,
        "last_day": verdict.last_day,
        "backup_owner": _declared_backups(assessment, by),
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact},
        severity="high" if is_powerful(assessment) else None,
    )


def _declared_backups(assessment: Assessment, by: Yardstick) -> tuple[str, ...]:
    """As the entries that declare it name them, whether or not they are here."""
    declaring = (assessment.registry.entry or "", *assessment.registry.agreeing)
    entries = [by.entries[entry].entry for entry in declaring if entry in by.entries]
    return tuple(dict.fromkeys(backup for entry in entries for backup in entry.backup_owner))


OWNER_LEAVING = IdentityRule(
    id="owner_leaving",
    severity="medium",
    severity_note="high where it is an admin or can make itself one",
    title="Whoever answers for this identity is about to leave",
    why="After their last day nobody answers for it, and what only they know about it is gone. Now they can still hand "
    "it over.",
    remediation="Have them hand it over before their last day to the backup owner or to the likeliest candidate: what "
    "it does, who uses it, where its credentials are. Write the new owner into the entry and rotate what the leaver "
    "could read.",
    evidence=("owner", "leaving", "last_day", "backup_owner"),
    check=_owner_leaving,
)


# --- Only a backup owner is left ---


def _backup_owner_only(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where an active backup owner alone keeps the identity owned."""
    verdict = assessment.ownership
    if verdict.state != "owned" or not verdict.backup_only:
        return None
    return Hit(evidence={"backup_owner": verdict.owner} | ({"detail": verdict.evidence} if verdict.evidence else {}))


BACKUP_OWNER_ONLY = IdentityRule(
    id="backup_owner_only",
    severity="low",
    title="Only the backup owner is left",
    why="The accountable owner is gone or was never named. When the backup leaves as well, nobody answers for it.",
    remediation="Ask the backup owner to take it over, or to name who does, and write the new owner into the entry.",
    evidence=("backup_owner", "detail"),
    check=_backup_owner_only,
)


# --- Nobody is named with the provider as answering for an AI agent ---

_SPONSORED = frozenset({"agent_identity", "agent_blueprint"})


def _agent_without_sponsor(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider was asked and knows of none; where it was not asked, nothing is said."""
    identity = assessment.identity
    sponsors = identity.attributes.get(SPONSORS)
    if identity.kind not in _SPONSORED or not isinstance(sponsors, (list, tuple)) or sponsors:
        return None
    return Hit(
        evidence={"kind": identity.kind} | ({"created_at": identity.created_at} if identity.created_at else {}),
        severity="medium" if assessment.ownership.state == "owned" else None,
    )


AGENT_WITHOUT_SPONSOR = IdentityRule(
    id="agent_without_sponsor",
    severity="high",
    severity_note="medium where the registry names somebody who answers for it",
    title="An AI agent has no sponsor",
    why="A sponsor is the person whom the provider asks whether an agent is still needed, and whom it tells when one "
    "misbehaves. Without one it goes on acting, and nobody is asked.",
    remediation="Name the person who had it made as its sponsor, and a second one so that it does not depend on one; "
    "switch it off if nobody wants to be.",
    evidence=("kind", "created_at"),
    silent_on=frozenset({"disabled", "provider_managed", "exempt"}),
    check=_agent_without_sponsor,
)


# --- An identity is alive and nobody uses it ---


def _dormant(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on dormant and never used identities; the abandoned among them, whom nobody answers for, are told apart."""
    usage = assessment.usage
    if usage.state not in ("dormant", "never_used"):
        return None
    dates = {"created_at": assessment.identity.created_at, "last_used_at": usage.last_used_at}
    return Hit(
        evidence={
            "usage": usage.state,
            "detail": usage.evidence,
            "limit_days": usage.window_days,
            "abandoned": assessment.abandoned,
            **{name: moment for name, moment in dates.items() if moment is not None},
        },
        severity="high" if assessment.abandoned or is_powerful(assessment) else None,
    )


DORMANT = IdentityRule(
    id="dormant",
    severity="medium",
    severity_note="high where nobody answers for it either (abandoned), or it is an admin or can make itself one",
    title="Nobody uses this identity, and it is still there",
    why="It does no work and can only be misused. Nobody watches it, so misuse stays unnoticed; where nobody answers "
    "for it either, it is the first to switch off.",
    remediation="Ask the owner whether it is still needed; otherwise disable it, and delete it when nothing has broken "
    "after a month. Without an owner, disable first and see who asks.",
    evidence=("usage", "detail", "created_at", "last_used_at", "limit_days", "abandoned"),
    thresholds=("dormant_identity",),
    silent_on=frozenset({"disabled", "exempt"}),
    needs=frozenset({"use"}),
    check=_dormant,
)


# --- A right whose holder has been deleted ---


def _orphaned_grant(assignment: Assignment, _by: Yardstick) -> Hit | None:
    """Fires only where the provider says that the holder is gone."""
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
    severity_note="high where the right makes its holder an admin, or lets it make itself one",
    title="A deleted identity still holds a right",
    why="Whoever brings the identity back, or makes one that the provider takes for it, has the right at once, and it "
    "hides among those that mean something.",
    remediation="Delete the assignment. Where the holder can still be restored, find out first who deleted it and why.",
    evidence=("holder", "kind", "name", "grant", "resource", "privilege", "since", "restorable_until"),
    check=_orphaned_grant,
)
