"""Rules about planned changes, before they are deployed. Only the gate (``muster check``) runs them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from scanner.model import POWERFUL, PRIVILEGES, Credential, CredentialKind, Drift, Grant, Identity
from scanner.model.attributes import ALLOWED_ACTIONS, END_COMPUTED, LIVES_HOURS, STORED_IN
from scanner.model.planned import PlannedChange, PlannedPlace
from scanner.rules.base import Hit, PlanCredentialRule, PlanRule, RuleContext, is_powerful, is_unregistered_or_orphaned

PLACE = ("file", "resource", "line")
"""The facts that the gate adds to the evidence of every finding."""


_RIGHTS = ("credentials", "grants", "trusts", "links", "reach", "token_subjects")


def adds_nothing(change: PlannedChange) -> bool:
    """Return whether an existing identity gets no right, trust or credential that it did not have, as with new tags.

    False if the state before is unknown, or a part is only known after deployment.
    """
    if change.planned.effect != "changed" or change.before is None or change.planned.computed:
        return False
    before, after = change.before.identity, change.after.identity
    levels = [PRIVILEGES.index(one.privilege.level) for one in (change.before, change.after)]
    more = any(one not in getattr(before, name) for name in _RIGHTS for one in getattr(after, name))
    allows = after.attributes.get(ALLOWED_ACTIONS) != before.attributes.get(ALLOWED_ACTIONS)
    return not (more or allows or levels[1] < levels[0] or (before.enabled is False and after.enabled is not False))


def gains_privilege(change: PlannedChange) -> bool:
    """Return whether the change makes the identity an admin, or lets it escalate to one, and it could not before.

    An import changes no rights. If the state before is unknown, all rights count as gained.
    """
    if not is_powerful(change.after):
        return False
    if change.before is None:
        return change.planned.effect != "imported"
    before, after = change.before.privilege.level, change.after.privilege.level
    return before not in POWERFUL or PRIVILEGES.index(after) < PRIVILEGES.index(before)


def cause_of(change: PlannedChange, reasons: Iterable[str] = ()) -> PlannedPlace | None:
    """Return the place of the policy, attachment or binding that causes a finding about rights.

    ``reasons``: why the finding fires; a grant that they name, or an action of it, comes first. None: nothing that the
    change adds or changes gives these rights, or the identity's own resource does.
    """
    givers, text = change.planned.givers, "; ".join(reasons)
    of = {name: giver.place for giver in reversed(givers) for name in giver.grants}
    before = frozenset(() if change.before is None else change.before.identity.grants)
    identity = change.after.identity
    gained = [grant for grant in identity.grants if grant not in before or grant.name in of]
    at_work = [one for one in gained if not text or one.admin or _is_named(one, identity, text)]
    at_work.sort(key=lambda grant: (not grant.admin, not _is_named(grant, identity, text), grant.name not in of))
    if at_work and at_work[0].name in of:
        return of[at_work[0].name]
    return next((giver.place for giver in givers if not gained or not giver.grants), None)


def _is_named(grant: Grant, identity: Identity, text: str) -> bool:
    allowed = identity.attributes.get(ALLOWED_ACTIONS)
    actions = allowed.get(grant.name, ()) if isinstance(allowed, Mapping) else ()
    words = (one for one in (grant.name, *actions) if isinstance(one, str))
    return any(re.search(rf"(?<![\w*-]){re.escape(one)}(?![\w*-])", text) for one in words)


# --- Planned identity is unregistered ---


def _unregistered(change: PlannedChange, _context: RuleContext) -> Hit | None:
    """Fires on unregistered identities, but for existing ones that get nothing new, which scans report.

    A proposed entry is a request: it makes the finding medium.
    """
    assessment, verdict = change.after, change.after.registry
    if verdict.state != "unregistered" or adds_nothing(change):
        return None
    likely = (match.entry for match in verdict.candidates if match.is_likely and match.entry != verdict.proposed)
    facts = {
        "proposed_entry": verdict.proposed,
        "nearest_entry": next(likely, None) if verdict.look_alike is None else None,
        "provisional": verdict.provisional or None,
    }
    is_admin = assessment.privilege.level == "admin"
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact is not None},
        severity="critical" if is_admin else "medium" if verdict.proposed is not None else None,
        place=None if change.planned.effect in ("created", "imported") else cause_of(change),
    )


PLANNED_UNREGISTERED = PlanRule(
    id="planned_unregistered",
    severity="high",
    severity_note="critical for an admin; medium if a proposed entry waits for its approval",
    title="Change brings an unregistered identity",
    why="Before deployment, the author of the change knows what the identity is for and who owns it. After it, "
    "both have to be found out.",
    remediation="Declare the identity in the registry with an owner and a purpose, in the same change. `muster check "
    "--draft FILE` drafts the entry.",
    evidence=("proposed_entry", "nearest_entry", "provisional", *PLACE),
    check=_unregistered,
)


# --- Planned identity has no owner ---


def _without_owner(change: PlannedChange, _context: RuleContext) -> Hit | None:
    """Fires on registered and ambiguous identities without an active owner."""
    registry, verdict = change.after.registry, change.after.ownership
    if registry.state not in ("registered", "ambiguous") or verdict.state != "orphaned":
        return None
    facts = {
        "reason": verdict.reason,
        "entry": registry.entry,
        "named_owner": verdict.owner,
        "detail": verdict.evidence,
    }
    return Hit(evidence={name: fact for name, fact in facts.items() if fact is not None})


PLANNED_WITHOUT_OWNER = PlanRule(
    id="planned_without_owner",
    severity="high",
    title="Change brings an identity without an active owner",
    why="Without an active owner, credentials are not rotated, misuse goes unnoticed, and the identity is never "
    "retired.",
    remediation="Write an active person or team into the entry as owner, and let them approve the change.",
    evidence=("reason", "entry", "named_owner", "detail", *PLACE),
    check=_without_owner,
)


# --- Planned identity gains administrative permissions ---


def _privilege(change: PlannedChange, _context: RuleContext) -> Hit | None:
    """Fires if admin or escalation is gained by the change, also if the identity is declared."""
    if not gains_privilege(change):
        return None
    assessment, before = change.after, change.before
    of_credentials = change.planned.credentials_at.values()
    others = tuple(place.resource for place in change.planned.places[1:] if place not in of_credentials)
    facts = {
        "level": assessment.privilege.level,
        "before": before.privilege.level if before is not None else None,
        "because": assessment.privilege.evidence,
        "given_by": others or None,
        "blast_radius": change.blast_radius,
    }
    is_critical = assessment.privilege.level == "admin" and is_unregistered_or_orphaned(assessment)
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact is not None},
        severity="critical" if is_critical else None,
        place=cause_of(change, assessment.privilege.evidence),
    )


PLANNED_PRIVILEGE = PlanRule(
    id="planned_privilege",
    severity="high",
    severity_note="critical for an admin that is unregistered or has no active owner",
    title="Change makes an identity an admin, or lets it escalate to one",
    why="An attacker with one of its credentials would control everything in its scope. Most workloads need a few "
    "actions, and permissions are easier to leave out than to remove.",
    remediation="Grant the actions that the workload needs, on the resources that it needs them on. Where full "
    "permissions must be given, have them approved, use short-lived credentials and alert on their use.",
    evidence=("level", "before", "because", "given_by", "blast_radius", *PLACE),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    check=_privilege,
)


# --- Planned credential lives long ---

_NO_EXPIRY: frozenset[CredentialKind] = frozenset({"access_key", "ssh_key", "service_specific"})
"""Kinds that work until they are deleted, unless the plan sets an end."""
_LONGEST = 24 * 365 * 1000
"""Hours; a later end may be none that a date can have."""


def _long_lived_credential(credential: Credential, change: PlannedChange, context: RuleContext) -> Hit | None:
    """Fires if the credential has no end, lives longer than the limit, or is a cloud's key stored in a workflow.

    So does an end that only deploying determines: it may be any day. Of what does not expire, no end is known.
    """
    if credential.kind == "federation":
        return None
    days, ends, stored = context.policy.max_lifetime, credential.expires_at, credential.attributes.get(STORED_IN)
    begins, hours = credential.created_at or context.now, credential.attributes.get(LIVES_HOURS)
    if ends is None and isinstance(hours, int | float):
        ends = begins + timedelta(hours=min(hours, _LONGEST))
    computed = ends is None and credential.attributes.get(END_COMPUTED) is True
    if ends is None and not (credential.never_expires or credential.kind in _NO_EXPIRY or stored or computed):
        return None
    if ends is not None and ends - begins <= timedelta(days=days):
        return None
    facts = {
        "kind": credential.kind,
        "id": credential.id,
        "expires_at": ends,
        "end": "not known before deployment" if computed else None,
        "limit_days": days if ends is not None or computed else None,
        "stored_in": stored,
    }
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact is not None},
        severity="high" if is_powerful(change.after) else None,
    )


PLANNED_LONG_LIVED_CREDENTIAL = PlanCredentialRule(
    id="planned_long_lived_credential",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="Change brings a long-lived credential",
    why="A key or password that does not expire works for anyone who finds a copy: in the state file, in a log, in a "
    "pipeline's secrets.",
    remediation="Let the workload prove itself by federation or its platform's own identity, which stores no secret. "
    "Where a credential must be, give it an end within the limit.",
    evidence=("kind", "id", "expires_at", "end", "limit_days", "stored_in", *PLACE),
    thresholds=("max_lifetime",),
    silent_on=frozenset({"provider_managed"}),
    check=_long_lived_credential,
)


# --- Entry of a planned admin does not name its blast radius ---


def _without_blast_radius(change: PlannedChange, context: RuleContext) -> Hit | None:
    """Fires if admin or escalation is gained and the matching entry's blast radius is empty."""
    found = context.entry_of(change.after)
    if found is None or not gains_privilege(change) or found.entry.hides("blast_radius"):
        return None
    if (found.entry.blast_radius or "").strip():
        return None
    return Hit(
        evidence={"entry": found.entry.id, "level": change.after.privilege.level},
        place=cause_of(change, change.after.privilege.evidence),
    )


PLANNED_WITHOUT_BLAST_RADIUS = PlanRule(
    id="planned_without_blast_radius",
    severity="medium",
    title="Entry of a planned admin names no blast radius",
    why="The approver of the change should know the worst that the identity could do, and so should the responder to "
    "an incident with it.",
    remediation="Describe in the entry's blast_radius what could be read, changed and deleted with these permissions, "
    "and which other identities could be assumed.",
    evidence=("entry", "level", *PLACE),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    check=_without_blast_radius,
)


# --- Planned identity goes beyond its entry ---


def _beyond_declaration(change: PlannedChange, _context: RuleContext) -> Hit | None:
    """Fires on drift from the entry that the identity did not have before."""
    known = frozenset() if change.before is None else frozenset(change.before.drift)
    drifts = [one for one in change.after.drift if one.credential is None and one not in known]
    if not drifts:
        return None
    beyond = [one.found for one in drifts if one.aspect in _OF_RIGHTS]
    entry = {"entry": change.after.registry.entry} if change.after.registry.entry else {}
    return Hit(
        evidence=entry | _drifted(drifts),
        severity="high" if is_powerful(change.after) else None,
        place=cause_of(change, beyond) if beyond else None,
    )


_OF_RIGHTS = frozenset({"permissions", "systems"})
"""Aspects that policies and bindings cause; the others are of the identity's own resource."""


def _drifted(drifts: Collection[Drift]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for drift in drifts:
        found.setdefault(drift.aspect, []).append(f"declared {drift.declared}, planned {drift.found}")
    return {aspect: "; ".join(texts) for aspect, texts in found.items()}


PLANNED_BEYOND_DECLARATION = PlanRule(
    id="planned_beyond_declaration",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="Change goes beyond what is declared",
    why="The identity was approved as declared. What the change adds has not been approved.",
    remediation="Leave out what goes beyond the entry, or correct the entry in the same change and have its owner "
    "approve it.",
    evidence=("entry", "owner", "environment", "systems", "permissions", *PLACE),
    silent_on=frozenset({"disabled"}),
    check=_beyond_declaration,
)
