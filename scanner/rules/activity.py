"""Rules about use: dormant identities, and activity in audit logs.

About activity, these are the texts and severities: ``scanner/judging/activity`` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.model import Assessment, Severity
from scanner.model.activity import Deviation, SharedChange
from scanner.rules.base import (
    ActivityRule,
    Circumstance,
    Hit,
    IdentityRule,
    RuleContext,
    SharedChangeRule,
    is_powerful,
)

_COMMON = ("day", "reasons", "actions", "more_actions", "events", "first_at", "last_at", "event_ids", "explained",
           "explained_by")  # fmt: skip
"""Facts of every finding about a day."""
_LASTING = (*_COMMON, "days")
"""Facts of every finding about what lasts. ``day``: the last one; ``days``: how many; counts are of all of them."""
_SILENT_ON: frozenset[Circumstance] = frozenset({"human", "provider_managed"})


def evidence_of(deviation: Deviation) -> Mapping[str, Any]:
    """The facts of a finding about a day. ``explained`` is always present; None means unknown."""
    facts = {
        "day": deviation.day,
        "reasons": list(deviation.reasons) or None,
        **deviation.facts,
        "event_ids": list(deviation.event_ids) or None,
        "explained_by": deviation.explained_by,
    }
    return {name: fact for name, fact in facts.items() if fact is not None} | {"explained": deviation.explained}


def _hit(deviation: Deviation, _assessment: Assessment, _context: RuleContext) -> Hit:
    return Hit(evidence=evidence_of(deviation))


def _high_if_powerful(deviation: Deviation, assessment: Assessment, _context: RuleContext) -> Hit:
    return Hit(evidence=evidence_of(deviation), severity="high" if is_powerful(assessment) else None)


# --- Identity is dormant ---


def _dormant(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on dormant and never used identities. ``abandoned`` marks those that are also orphaned."""
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
    severity_note="high if it is also orphaned (abandoned), or if it is an admin or can make itself one",
    title="Identity is dormant",
    why="An unused identity has no benefit and can still be misused. Misuse goes unnoticed because its activity is "
    "not watched. Abandoned identities, which are dormant and orphaned, are the first to disable.",
    remediation="Ask the owner whether it is still needed. If not, disable it, and delete it after a month without "
    "failures. If it has no owner, disable it first.",
    evidence=("usage", "detail", "created_at", "last_used_at", "limit_days", "abandoned"),
    thresholds=("dormant_identity",),
    silent_on=frozenset({"disabled", "exempt", "break_glass"}),
    needs=frozenset({"use"}),
    check=_dormant,
)


# --- Use beyond the entry ---


def _outside(deviation: Deviation, _assessment: Assessment, _context: RuleContext) -> Hit:
    is_high = deviation.facts.get("consequential") is True
    return Hit(evidence=evidence_of(deviation), severity="high" if is_high else None)


USED_OUTSIDE_DECLARATION = ActivityRule(
    id="used_outside_declaration",
    severity="medium",
    severity_note="high if it wrote, read a secret or became another identity",
    title="Identity did what its entry does not declare",
    why="The entry lists the systems and permissions that were approved. Use beyond them was not approved by anyone, "
    "or the entry is out of date. Either way it was never assessed.",
    remediation="Ask the owner what the actions were for. Add them to the entry if they are needed, with a review. "
    "Otherwise remove the permissions and look for a misuse of the identity's credentials.",
    evidence=(*_LASTING, "entry", "declared", "consequential"),
    silent_on=_SILENT_ON,
    check=_outside,
)

# --- Use after the end ---

USED_AFTER_OWNER_LEFT = ActivityRule(
    id="used_after_owner_left",
    severity="high",
    title="Identity is used after its owner left",
    why="Its activity has no accountable owner, and a leaver may still hold its credentials.",
    remediation="Find out who uses it and make that team the owner. Rotate its credentials. Disable the identity if "
    "it stays unclaimed.",
    evidence=(*_LASTING, "owner", "left_on"),
    silent_on=_SILENT_ON,
    check=_hit,
)

ACTED_FOR_LEAVER = ActivityRule(
    id="acted_for_leaver",
    severity="high",
    title="Identity acted for a person who has left",
    why="A session, a consent or a token of the leaver still works, and something acts with the leaver's permissions. "
    "Nobody is accountable for what it does in that name.",
    remediation="End the person's sessions, revoke their consents and refresh tokens, and disable their account. Find "
    "out what started the identity after their last day.",
    evidence=(*_LASTING, "person", "left_on"),
    silent_on=_SILENT_ON,
    check=_hit,
)


def _without_person(deviation: Deviation, _assessment: Assessment, _context: RuleContext) -> Hit:
    return Hit(evidence=evidence_of(deviation), severity="medium" if deviation.facts.get("entry") else None)


ACTED_WITHOUT_PERSON = ActivityRule(
    id="acted_without_person",
    severity="low",
    severity_note="medium if its entry declares a human in the loop",
    title="Identity acted without a person",
    why="Its entry declares that a person is in the loop, or nearly all that it does is for people. It wrote, read a "
    "secret or became another identity more often than the log names a person, so nobody may have asked for it.",
    remediation="Ask the owner what started these actions. If they are intended, correct the human_in_the_loop of its "
    "entry. Otherwise take the permissions away from the identity itself, and let it act with those of the person.",
    evidence=(*_LASTING, "entry", "without_person", "for_people"),
    silent_on=_SILENT_ON,
    check=_without_person,
)

USED_THOUGH_RETIRED = ActivityRule(
    id="used_though_retired",
    severity="high",
    title="Retired identity is used",
    why="Its entry says that it is no longer needed, yet something uses it. A consumer was forgotten, or someone "
    "found its credentials.",
    remediation="Find the caller by the events named here. Move it to another identity or stop it, then disable this "
    "one.",
    evidence=(*_LASTING, "entry", "retired_since"),
    silent_on=_SILENT_ON,
    check=_hit,
)

USED_AFTER_EXPIRY = ActivityRule(
    id="used_after_expiry",
    severity="medium",
    severity_note="high if it is an admin or can become one",
    title="Identity is used after its entry expired",
    why="Its approval was limited in time. Its use was not approved again.",
    remediation="Ask the owner whether it is still needed. Review the entry and set a new date, or remove "
    "the identity.",
    evidence=(*_LASTING, "entry", "expires"),
    silent_on=_SILENT_ON,
    check=_high_if_powerful,
)

UNDECLARED_CREDENTIAL_USED = ActivityRule(
    id="undeclared_credential_used",
    severity="high",
    title="Identity was used with a credential that its entry does not list",
    why="The entry lists the ids of its credentials. Another one was created beside them and is in use, which is how "
    "access is kept after an intrusion.",
    remediation="Find out who created the credential and what uses it. Add it to the entry if it is legitimate. "
    "Otherwise disable it, and treat the identity as compromised.",
    evidence=(*_LASTING, "entry", "credentials", "declared"),
    silent_on=_SILENT_ON,
    check=_hit,
)

RETIRED_IDENTITY_CALLED = ActivityRule(
    id="retired_identity_called",
    severity="high",
    title="An identity that is being retired is called",
    why="Its retirement is under way, and somebody is refused because of it: a consumer that nobody knew of, or "
    "someone who found its credentials. The consumer is broken since then.",
    remediation="Ask whoever runs the caller named here. If it is needed, bring the identity back by the commands in "
    "the evidence and stop the retirement. If nobody knows the caller, treat the credential as stolen and go on.",
    evidence=(*_LASTING, "retired_since", "caller", "host", "minute", "way_back"),
    check=_hit,
)

# --- New behaviour ---

DORMANT_WOKE = ActivityRule(
    id="dormant_woke",
    severity="medium",
    severity_note="high if it is an admin or can become one",
    title="Dormant identity is used again",
    why="An identity without use for months is rarely watched and rarely missed. Its sudden use is a common sign "
    "of a stolen credential.",
    remediation="Ask the owner whether they expected it. If they did not, disable its credentials and look at what it "
    "did.",
    evidence=(*_COMMON, "last_used_at", "quiet_days"),
    silent_on=_SILENT_ON,
    check=_high_if_powerful,
)


def _changed(deviation: Deviation, assessment: Assessment, _context: RuleContext) -> Hit:
    severity: Severity | None = "high" if is_powerful(assessment) else None
    return Hit(evidence=evidence_of(deviation), severity="info" if deviation.explained else severity)


BEHAVIOUR_CHANGED = ActivityRule(
    id="behaviour_changed",
    severity="medium",
    severity_note="high if it is an admin or can become one; info if a change of the identity explains it",
    title="Identity behaves differently from before",
    why="Machines repeat themselves. One that does something new, from somewhere new or far more often was changed, or "
    "someone else uses it. An unexplained change is an incident until proven otherwise.",
    remediation="Compare the reasons with what was deployed on that day. If nothing was, rotate its credentials and "
    "examine the events. If the behaviour is intended, describe it in the entry's baseline and review the entry.",
    evidence=(*_COMMON, "new", "usual_events", "most_events", "hours", "usual_hours"),
    silent_on=_SILENT_ON,
    check=_changed,
)

# --- Changes of many ---

_MOST_OF_MANY = 20


def _shared(change: SharedChange, _context: RuleContext) -> Hit:
    facts = {
        "what": change.sort,
        "value": change.value,
        "instead_of": list(change.instead_of[:_MOST_OF_MANY]),
        "first_day": change.first_day,
        "last_day": change.last_day,
        "count": len(change.identities),
        "identities": list(change.identities[:_MOST_OF_MANY]),
        "and_more": max(0, len(change.identities) - _MOST_OF_MANY) or None,
    }
    return Hit(evidence={name: fact for name, fact in facts.items() if fact is not None})


SHARED_CHANGE = SharedChangeRule(
    id="shared_change",
    severity="low",
    title="Many identities changed their network or client at once",
    why="The new network or client took the place of the one before, for all of these identities. A gateway got "
    "another address, or a library was replaced. If nobody did that, somebody else acts in their place.",
    remediation="Confirm the change with the team that runs the network or the library. Acknowledge the finding. If "
    "nobody knows of it, rotate the credentials of these identities.",
    evidence=("what", "value", "instead_of", "first_day", "last_day", "count", "identities", "and_more"),
    check=_shared,
)

INTERACTIVE_USE = ActivityRule(
    id="interactive_use",
    severity="medium",
    severity_note="high if it is an admin or can become one",
    title="A person uses a machine's identity",
    why="Actions in a console or browser under a machine's identity cannot be attributed to a person. They bypass the "
    "person's own permissions, MFA and audit trail.",
    remediation="Find out who it was and give them access of their own. Rotate the identity's credentials.",
    evidence=(*_LASTING, "clients"),
    silent_on=_SILENT_ON,
    check=_high_if_powerful,
)

# --- Unused permissions ---

_LEAST_DAYS = 90
_LEAST_SERVICES = 2
_MOST_NAMED = 20


def _permissions_unused(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if at least half of the granted services were not used in 90 covered days.

    Services with actions that no log records never count as unused.
    """
    activity = assessment.activity
    if activity is None or activity.granted_services is None or activity.covered_days < _LEAST_DAYS:
        return None
    granted = [one for one in activity.granted_services if one not in activity.unlogged_services]
    used = set(activity.used_services)
    unused = [one for one in granted if one not in used]
    created_at = assessment.identity.created_at
    is_old = created_at is not None and context.past(created_at, _LEAST_DAYS)
    if not is_old or len(granted) < _LEAST_SERVICES or len(unused) * 2 < len(granted):
        return None
    return Hit(
        evidence={
            "used": len(granted) - len(unused),
            "granted": len(granted),
            "unused_services": unused[:_MOST_NAMED],
            "covered_days": _LEAST_DAYS,
        }
    )


PERMISSIONS_UNUSED = IdentityRule(
    id="permissions_unused",
    severity="low",
    title="Most of the services that an identity may use are never used",
    why="Permissions without use only serve an attacker. Unused ones can go without breaking anything.",
    remediation="Remove the services that are not used from its policies, beginning with those that read secrets or "
    "change permissions.",
    evidence=("used", "granted", "unused_services", "covered_days"),
    silent_on=frozenset({"disabled", "exempt", "provider_managed", "human", "break_glass"}),
    needs=frozenset({"permissions"}),
    check=_permissions_unused,
)
