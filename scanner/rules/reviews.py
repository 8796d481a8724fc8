"""Rules about access reviews: decisions that were not carried out, and missing decisions.

Decisions count from the day their review was closed. A gap proves nothing: an identity whose place was not read keeps
its earlier findings, and gets no new ones.
"""

from __future__ import annotations

from typing import Any

from scanner.model import PRIVILEGES, Assessment
from scanner.model.attributes import GRANTED_SERVICES
from scanner.model.reviews import OutcomeName, ReviewOutcome
from scanner.rules.base import Hit, IdentityRule, RuleContext, is_powerful


def _decided(assessment: Assessment, context: RuleContext, outcome: OutcomeName) -> ReviewOutcome | None:
    """Return the latest review of an identity, if it has this decision."""
    found = context.reviews.get(assessment.identity.key)
    return found if found is not None and found.outcome == outcome else None


def _hit(found: ReviewOutcome, assessment: Assessment, **facts: Any) -> Hit:
    evidence = {
        "review": found.review,
        "since": found.since,
        "decided_by": found.by,
        "reason": found.reason,
        **facts,
    }
    return Hit(
        evidence={name: fact for name, fact in evidence.items() if fact is not None},
        severity="high" if is_powerful(assessment) else None,
    )


# --- Revoked in a review, but still enabled ---


def _revocation_not_done(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires while a revoked identity exists and is not disabled."""
    found = _decided(assessment, context, "revoke")
    if found is None or assessment.identity.enabled is False:
        return None
    live = [one.id for one in assessment.identity.credentials if context.live(one)]
    return _hit(found, assessment, enabled=assessment.identity.enabled, live_credentials=live or None)


REVOCATION_NOT_DONE = IdentityRule(
    id="revocation_not_done",
    severity="high",
    title="Identity was revoked in a review and is still enabled",
    why="The owner decided that nothing needs it. Until it is disabled or deleted, the decision exists on paper only, "
    "and an unwatched credential keeps working.",
    remediation="Disable the identity and its credentials, wait for complaints, then delete it. If it is needed after "
    "all, review it again and decide to keep it.",
    evidence=("review", "since", "decided_by", "reason", "enabled", "live_credentials"),
    check=_revocation_not_done,
)


# --- Permissions not reduced after a review ---


def _reduction_not_done(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires until its privilege is lower, a grant is gone, or its permissions reach fewer services, and none grew."""
    found = _decided(assessment, context, "reduce")
    identity, level = assessment.identity, assessment.privilege.level
    if found is None or identity.enabled is False or "unknown" in (level, found.privilege):
        return None
    was, now = PRIVILEGES.index(found.privilege), PRIVILEGES.index(level)
    grants = {grant.name for grant in identity.grants}
    listed = identity.attributes.get(GRANTED_SERVICES)
    services = len(listed) if isinstance(listed, list | tuple) else None
    lost = not set(found.grants) <= grants
    narrowed = found.services is not None and services is not None and services < found.services
    # Whether a position in PRIVILEGES is a lower privilege: the list begins with the highest.
    if (now > was) or (now == was and (lost or narrowed)):
        return None
    return _hit(
        found,
        assessment,
        privilege_then=found.privilege,
        privilege=level,
        grants=sorted(grants.intersection(found.grants)) or None,
    )


REDUCTION_NOT_DONE = IdentityRule(
    id="reduction_not_done",
    severity="medium",
    severity_note="high for an admin or an identity that can escalate",
    title="Permissions were to be reduced and are unchanged",
    why="A review found that it may do more than it needs. It still holds every grant that it had then.",
    remediation="Remove the grants that it does not use; its activity shows which services it used. If it needs all "
    "of them, review it again and decide to keep it.",
    evidence=("review", "since", "decided_by", "reason", "privilege_then", "privilege", "grants"),
    needs=frozenset({"permissions"}),
    check=_reduction_not_done,
)


# --- Owner not changed after a review ---


def _reassignment_not_done(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires until the entry names the new owner."""
    found = _decided(assessment, context, "reassign")
    if found is None or found.new_owner is None or assessment.identity.enabled is False:
        return None
    entry = context.entry_of(assessment)
    if entry is not None and entry.entry.hides("owner"):
        return None
    declared = entry.entry.owner if entry is not None else ()
    if found.new_owner.casefold() in {owner.casefold() for owner in (*declared, assessment.ownership.owner or "")}:
        return None
    named = assessment.ownership.owner or next(iter(declared), None)
    return _hit(found, assessment, new_owner=found.new_owner, owner=named)


REASSIGNMENT_NOT_DONE = IdentityRule(
    id="reassignment_not_done",
    severity="medium",
    severity_note="high for an admin or an identity that can escalate",
    title="Identity was reassigned in a review and has its former owner",
    why="The reviewer named another owner. Until the registry says so, questions and alarms go to a person who is not "
    "responsible for it.",
    remediation="Write the new owner into the registry entry, or register the identity with that owner.",
    evidence=("review", "since", "decided_by", "reason", "new_owner", "owner"),
    check=_reassignment_not_done,
)


# --- Not decided in a review ---


def _review_undecided(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires on identities without a decision in a closed or overdue review."""
    found = _decided(assessment, context, "undecided")
    if found is None or assessment.identity.enabled is False:
        return None
    return _hit(found, assessment, decided_by=None, reviewer=found.by)


REVIEW_UNDECIDED = IdentityRule(
    id="review_undecided",
    severity="low",
    severity_note="high for an admin or an identity that can escalate",
    title="Access review has no decision",
    why="No reviewer decided about it by the due day. Access without a decision is not approved.",
    remediation="Ask the reviewer, or their manager, to decide. `muster review remind` sends the reminder; a closed "
    "review needs a new one.",
    evidence=("review", "since", "reviewer"),
    check=_review_undecided,
)
