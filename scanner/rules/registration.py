"""Rules about the registration of identities."""

from __future__ import annotations

from datetime import date

from scanner.model import Assessment, DriftAspect, Entry, Recreation
from scanner.model.declared import LOOKED_AT
from scanner.rules.base import UNDECLARED_NOTE, Hit, IdentityRule, RuleContext, is_powerful, undeclared

# --- Identity is unregistered ---


def _unregistered(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires on unregistered identities without a proposed entry.

    ``provisional`` in the evidence: a gap may hide the match.
    """
    verdict = assessment.registry
    if verdict.state != "unregistered" or verdict.proposed is not None:
        return None
    imitates = verdict.look_alike is not None  # never suggest the identity that it imitates
    nearest = None if imitates else next((match.entry for match in verdict.candidates if match.is_likely), None)
    return undeclared(assessment, context, nearest_entry=nearest)


UNREGISTERED = IdentityRule(
    id="unregistered",
    severity="high",
    severity_note=UNDECLARED_NOTE,
    title="Identity is unregistered",
    why="An unregistered identity has no declared owner, purpose or approved permissions. It may be a forgotten "
    "experiment, a shadow integration, or an attacker's persistence.",
    remediation="Ask the best owner candidate what it is for. Declare it with an owner and a purpose, or disable it. "
    "If its origin cannot be explained, treat it as an incident.",
    evidence=("created_at", "grace_days", "provisional", "nearest_entry"),
    thresholds=("new_identity_grace",),
    check=_unregistered,
)


# --- Several registry entries match this identity ---


def _ambiguous_registration(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the strongest rung matches several live entries that do not contradict each other."""
    verdict = assessment.registry
    if verdict.state != "ambiguous" or verdict.contradictions:
        return None
    entries = sorted(candidate.entry for candidate in verdict.candidates)
    return Hit(evidence={"entries": entries} | ({"rung": verdict.rung} if verdict.rung else {}))


AMBIGUOUS_REGISTRATION = IdentityRule(
    id="ambiguous_registration",
    severity="medium",
    title="Several registry entries match this identity",
    why="Two entries match equally well, so it is unclear which owner, purpose and limits apply. Each owner may "
    "assume that the other is accountable.",
    remediation="Decide which entry is right and write the identity's full id into it. Narrow the pattern, provider "
    "or scope of the others.",
    evidence=("entries", "rung"),
    on_plans=True,
    check=_ambiguous_registration,
)


# --- Registration relies on the identity's own tag ---


def _self_declared(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the tag is the only match between the identity and the entry."""
    verdict = assessment.registry
    if verdict.state != "registered" or verdict.rung != "tag" or verdict.also_by is not None:
        return None
    return Hit(evidence={"entry": verdict.entry} | ({"detail": verdict.evidence} if verdict.evidence else {}))


SELF_DECLARED = IdentityRule(
    id="self_declared",
    severity="medium",
    title="Registration relies on the identity's own tag",
    why="Anyone who can create an identity can copy a tag, and so make their own identity look registered.",
    remediation="Ask the entry's owner to confirm the identity. Then write its full id into the entry.",
    evidence=("entry", "detail"),
    on_plans=True,
    check=_self_declared,
)


# --- Name imitates a declared identity ---


def _lookalike(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on identities without an exact match whose name reads like a declared one."""
    found = assessment.registry.look_alike
    if found is None:
        return None
    return Hit(evidence={"entry": found.entry, "name": found.name, "detail": found.evidence})


LOOKALIKE = IdentityRule(
    id="lookalike",
    severity="high",
    title="Name imitates a declared identity",
    why="Letters of another alphabet, invisible characters, emoji or trailing spaces make a different name that reads "
    "the same. Attackers use such names to blend in and to be approved by mistake.",
    remediation="Compare the two identities by id, not by name, and find out who created this one. Treat it as an "
    "incident unless its creator can explain it; then rename it. Do not approve it before that.",
    evidence=("entry", "name", "detail"),
    silent_on=frozenset({"exempt"}),
    on_plans=True,
    check=_lookalike,
)


# --- Identity was deleted and recreated under the same name ---


def _recreated(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires on an identity that was recreated, by its key or by its entry's unique id, until the entry is confirmed."""
    identity, former = assessment.identity, assessment.registry.former
    recreation = context.recreations.get(identity.key)
    found = context.entry_of(assessment) if former is None else context.entries.get(former.entry)
    if former is not None and identity.unique_id is not None and recreation is None:
        since = context.today if identity.created_at is None else identity.created_at.date()
        recreation = Recreation(unique_id=identity.unique_id, before=former.unique_id, recreated_on=since)
    if recreation is None or found is None or recreation.unique_id != identity.unique_id:
        return None
    if _is_confirmed(found.entry, recreation, context.today):
        return None
    return Hit(
        evidence={
            "unique_id": recreation.unique_id,
            "before": recreation.before,
            "recreated_on": recreation.recreated_on,
            "entry": found.entry.id,
        }
    )


def _is_confirmed(entry: Entry, recreation: Recreation, today: date) -> bool:
    """Return whether the entry names the new unique id, or a review or approval since; also if that is unreadable."""
    if entry.hides(*LOOKED_AT):
        return True
    dates = (entry.approved_on, entry.last_reviewed)
    return recreation.unique_id in entry.identities or any(
        day is not None and recreation.recreated_on <= day <= today for day in dates
    )


RECREATED = IdentityRule(
    id="recreated",
    severity="high",
    title="Identity was deleted and recreated under the same name",
    why="The approved identity no longer exists. A new identity has taken its name and with it the registration: the "
    "owner, the permissions, and the trust policies that name it.",
    remediation="Find out who recreated it and why. If it is legitimate, confirm it: set last_reviewed or approved_on "
    "to a later day, or add its unique id to the entry. Otherwise delete it.",
    evidence=("unique_id", "before", "recreated_on", "entry"),
    silent_on=frozenset({"provider_managed"}),
    check=_recreated,
)


# --- Identity differs from its registry entry ---

# Credentials have findings of their own.
_ASPECTS: tuple[DriftAspect, ...] = ("owner", "environment", "systems", "permissions")


def _drifted(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on drift in any aspect except credentials."""
    drifted: dict[str, str] = {}
    for drift in assessment.drift:
        if drift.aspect in _ASPECTS:
            detail = f"declared {drift.declared}, found {drift.found}"
            drifted[drift.aspect] = f"{drifted[drift.aspect]}; {detail}" if drift.aspect in drifted else detail
    if not drifted:
        return None
    entry = {"entry": assessment.registry.entry} if assessment.registry.entry else {}
    return Hit(evidence=entry | drifted, severity="medium" if is_powerful(assessment) else None)


DRIFTED = IdentityRule(
    id="drifted",
    severity="low",
    severity_note="medium for an admin, or an identity that can make itself one",
    title="Identity differs from its registry entry",
    why="The identity was approved as declared. Later changes were not approved, and reviews rely on the entry.",
    remediation="Ask the owner which is right. Revert the change, or have it approved and correct the entry or the "
    "tag.",
    evidence=("entry", *_ASPECTS),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"tags", "permissions"}),
    check=_drifted,
)


# --- More is within reach of an identity than its entry declares ---


def _reach_beyond_declaration(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on drift of what is within reach."""
    drift = next((one for one in assessment.drift if one.aspect == "reach"), None)
    if drift is None:
        return None
    evidence = {"entry": assessment.registry.entry, "declared": drift.declared, "found": drift.found}
    return Hit(evidence=evidence, severity="high" if is_powerful(assessment) else None)


REACH_BEYOND_DECLARATION = IdentityRule(
    id="reach_beyond_declaration",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="More is within reach than the registry entry declares",
    why="The declared blast radius was accepted as the worst that the identity could do. Through its own permissions, "
    "or as identities that it can become, it can do more.",
    remediation="See how with muster show. Take the permission or the path away, or have the larger blast radius "
    "approved and correct the entry.",
    evidence=("entry", "declared", "found"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"permissions"}),
    check=_reach_beyond_declaration,
)


# --- Identity is enabled before its entry is approved ---


def _runs_before_approval(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires on unregistered identities that match a proposed entry."""
    verdict = assessment.registry
    if verdict.state != "unregistered" or verdict.proposed is None:
        return None
    return undeclared(assessment, context, entry=verdict.proposed, detail=verdict.evidence)


RUNS_BEFORE_APPROVAL = IdentityRule(
    id="runs_before_approval",
    severity="high",
    severity_note=UNDECLARED_NOTE,
    title="Identity is enabled before its entry is approved",
    why="A proposed entry is a request. Until it is approved there is no accountable owner, and the identity's "
    "creator may have written the proposal.",
    remediation="Ask the entry's owner to confirm it. Then approve the entry: status active, with who approved it and "
    "when. Disable the identity until then.",
    evidence=("created_at", "grace_days", "provisional", "entry", "detail"),
    thresholds=("new_identity_grace",),
    silent_on=frozenset({"disabled"}),
    check=_runs_before_approval,
)


# --- Identity is enabled, but its entry is suspended ---


def _entry_not_active(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if the only matching entry is suspended."""
    entry = context.entry_of(assessment)
    if entry is None or entry.state != "suspended":
        return None
    return Hit(evidence={"entry": entry.entry.id, "status": entry.state})


ENTRY_NOT_ACTIVE = IdentityRule(
    id="entry_not_active",
    severity="medium",
    title="Identity is enabled, but its entry is suspended",
    why="A suspended identity should be disabled. This one can still act.",
    remediation="Disable the identity, or set its entry back to active with who approved it and when.",
    evidence=("entry", "status"),
    silent_on=frozenset({"disabled"}),
    on_plans=True,
    check=_entry_not_active,
)


# --- Identity is retired, but still enabled ---


def _retired_but_alive(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if the only matching entry is retired or expired."""
    found = context.entry_of(assessment)
    if found is None or found.state != "retired_but_alive":
        return None
    entry = found.entry
    return Hit(
        evidence={"entry": entry.id, "status": entry.status} | ({"expires": entry.expires} if entry.expires else {})
    )


RETIRED_BUT_ALIVE = IdentityRule(
    id="retired_but_alive",
    severity="high",
    title="Identity is retired, but still enabled",
    why="The entry says that the identity is gone, so its activity is not watched. Its credentials still work.",
    remediation="Disable the identity, then delete it with its credentials. If a workload still depends on it, set "
    "the entry back to active with an owner and a date.",
    evidence=("entry", "status", "expires"),
    silent_on=frozenset({"disabled"}),
    on_plans=True,
    check=_retired_but_alive,
)
