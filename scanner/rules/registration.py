"""Rules on how an identity is declared."""

from __future__ import annotations

from datetime import date

from scanner.model import Assessment, DriftAspect, Entry, Recreation
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_powerful, undeclared

# --- An identity that nobody declared ---


def _unregistered(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on unregistered identities that no entry proposes, either.

    ``provisional`` ones say so in their evidence: a gap may hide their match.
    """
    verdict = assessment.registry
    if verdict.state != "unregistered" or verdict.proposed is not None:
        return None
    imitates = verdict.look_alike is not None  # what it looks like is the last thing to take it for
    nearest = None if imitates else next((one.entry for one in verdict.candidates if one.is_likely), None)
    return undeclared(assessment, by, nearest_entry=nearest)


UNREGISTERED = IdentityRule(
    id="unregistered",
    severity="high",
    severity_note="critical for an admin; low within the grace that new identities have to be declared",
    title="Nobody has declared this identity",
    why="What is not in the registry has no owner, no purpose and no limits that anybody agreed to. It may be a "
    "forgotten experiment, a shadow integration, or an intruder's way back in.",
    remediation="Ask the best owner candidate what it is for. Declare it with an owner and a purpose, or disable it; "
    "if nobody knows it, treat it as an incident.",
    evidence=("created_at", "grace_days", "provisional", "nearest_entry"),
    thresholds=("new_identity_grace",),
    check=_unregistered,
)


# --- Several registry entries claim the same identity ---


def _ambiguous_registration(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the strongest rung hits several live entries that do not contradict each other over registries."""
    verdict = assessment.registry
    if verdict.state != "ambiguous" or verdict.contradictions:
        return None
    entries = sorted(candidate.entry for candidate in verdict.candidates)
    return Hit(evidence={"entries": entries} | ({"rung": verdict.rung} if verdict.rung else {}))


AMBIGUOUS_REGISTRATION = IdentityRule(
    id="ambiguous_registration",
    severity="medium",
    title="Several registry entries claim this identity",
    why="Two entries that match equally well mean that nobody can say which owner, purpose and limits hold. Each "
    "owner may believe that the other one looks after it.",
    remediation="Decide which of the entries stands for it and write its full id into that entry; narrow the pattern, "
    "provider or scope of the others.",
    evidence=("entries", "rung"),
    check=_ambiguous_registration,
)


# --- A tag on the identity is all that ties it to the registry ---


def _self_declared(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the rung is the tag, and nothing else in the entry names the identity."""
    verdict = assessment.registry
    if verdict.state != "registered" or verdict.rung != "tag" or verdict.also_by is not None:
        return None
    return Hit(evidence={"entry": verdict.entry} | ({"detail": verdict.evidence} if verdict.evidence else {}))


SELF_DECLARED = IdentityRule(
    id="self_declared",
    severity="medium",
    title="Only its own tag says that it is registered",
    why="Whoever creates an identity can copy a tag, and so pass off an identity of their own as a declared one.",
    remediation="Have the entry's owner confirm it, then write the identity's full id into the entry.",
    evidence=("entry", "detail"),
    check=_self_declared,
)


# --- An identity whose name only looks like a declared one ---


def _lookalike(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on identities that nothing exact registers and whose name a reader takes for a declared one."""
    found = assessment.registry.look_alike
    if found is None:
        return None
    return Hit(evidence={"entry": found.entry, "name": found.name, "detail": found.evidence})


LOOKALIKE = IdentityRule(
    id="lookalike",
    severity="high",
    title="Its name looks like that of a declared identity",
    why="Letters of another alphabet, invisible characters, emoji, or a space at the end make another name that people "
    "take for the declared one. That is how an intruder hides in a list, and gets approved by mistake.",
    remediation="Compare the two identities by their ids, not by their names, and find out who made this one. Treat it "
    "as an incident unless its maker explains it; then rename it. Never approve it in a hurry.",
    evidence=("entry", "name", "detail"),
    silent_on=frozenset({"exempt"}),
    check=_lookalike,
)


# --- Who was registered has been deleted, and another one made under its name ---


def _recreated(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on a registered identity that was made anew, until its entry was confirmed since."""
    identity = assessment.identity
    recreation, found = by.recreations.get(identity.key), by.entry_of(assessment)
    if recreation is None or found is None or recreation.unique_id != identity.unique_id:
        return None
    if _is_confirmed(found.entry, recreation, by.today):
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
    """By a date that is not yet to come, or by the unique id that it has now."""
    dates = (entry.approved_on, entry.last_reviewed)
    return recreation.unique_id in entry.identities or any(
        day is not None and recreation.recreated_on <= day <= today for day in dates
    )


RECREATED = IdentityRule(
    id="recreated",
    severity="high",
    title="It was deleted and made anew under its old name",
    why="What was approved no longer exists. Somebody made another identity that answers to the same name, and with it "
    "took over the registration: its owner, its permissions and whoever trusts that name.",
    remediation="Find out who made it anew and why. If it is what the entry stands for, confirm that: set "
    "last_reviewed or approved_on to a day since, or name its unique id in the entry. Otherwise delete it.",
    evidence=("unique_id", "before", "recreated_on", "entry"),
    silent_on=frozenset({"provider_managed"}),
    check=_recreated,
)


# --- An identity is other than its entry declares ---

# Credentials are findings of their own, one each.
_ASPECTS: tuple[DriftAspect, ...] = ("owner", "environment", "systems", "permissions")


def _drifted(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires on any aspect but credentials."""
    drifted: dict[str, str] = {}
    for one in assessment.drift:
        if one.aspect in _ASPECTS:
            said = f"declared {one.declared}, found {one.found}"
            drifted[one.aspect] = f"{drifted[one.aspect]}; {said}" if one.aspect in drifted else said
    if not drifted:
        return None
    entry = {"entry": assessment.registry.entry} if assessment.registry.entry else {}
    return Hit(evidence=entry | drifted, severity="medium" if is_powerful(assessment) else None)


DRIFTED = IdentityRule(
    id="drifted",
    severity="low",
    severity_note="medium where the identity is an admin or can make itself one",
    title="It is not what its entry declares",
    why="Somebody approved the identity as it is declared. What has changed since, nobody approved, and reviews go by "
    "what the entry says.",
    remediation="Ask the owner which is right: take back what was added, or have the change approved and correct the "
    "entry or the tag.",
    evidence=("entry", *_ASPECTS),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"tags", "permissions"}),
    check=_drifted,
)


# --- An identity is alive under an entry that nobody has approved ---


def _runs_before_approval(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on unregistered identities that a proposed entry matches."""
    verdict = assessment.registry
    if verdict.state != "unregistered" or verdict.proposed is None:
        return None
    return undeclared(assessment, by, entry=verdict.proposed, detail=verdict.evidence)


RUNS_BEFORE_APPROVAL = IdentityRule(
    id="runs_before_approval",
    severity="high",
    severity_note="critical for an admin; low within the grace that new identities have to be declared",
    title="It runs before its entry is approved",
    why="A proposed entry is a request. Until somebody approves it nobody is accountable, and whoever made the "
    "identity may have written the proposal, too.",
    remediation="Have the entry's owner confirm it, then approve it (status active, with who and when). Disable the "
    "identity until that is done.",
    evidence=("created_at", "grace_days", "provisional", "entry", "detail"),
    thresholds=("new_identity_grace",),
    silent_on=frozenset({"disabled"}),
    check=_runs_before_approval,
)


# --- An identity is alive under an entry that does not allow it for the time being ---


def _entry_not_active(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where the only entry that matches is suspended."""
    entry = by.entry_of(assessment)
    if entry is None or entry.state != "suspended":
        return None
    return Hit(evidence={"entry": entry.entry.id, "status": entry.state})


ENTRY_NOT_ACTIVE = IdentityRule(
    id="entry_not_active",
    severity="medium",
    title="It is alive, but its entry is suspended",
    why="A suspended identity should be off. This one can act all the same.",
    remediation="Disable the identity, or set its entry back to active with who approved that and when.",
    evidence=("entry", "status"),
    silent_on=frozenset({"disabled"}),
    check=_entry_not_active,
)


# --- An identity outlived its entry ---


def _retired_but_alive(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where the only entry that matches is retired or expired."""
    found = by.entry_of(assessment)
    if found is None or found.state != "retired_but_alive":
        return None
    entry = found.entry
    return Hit(
        evidence={"entry": entry.id, "status": entry.status} | ({"expires": entry.expires} if entry.expires else {})
    )


RETIRED_BUT_ALIVE = IdentityRule(
    id="retired_but_alive",
    severity="high",
    title="It was retired, and it is still alive",
    why="Everybody believes it is gone, so nobody watches it. Its credentials still work.",
    remediation="Disable it now and delete it with its credentials. If something still depends on it, set the entry "
    "back to active with an owner and a date.",
    evidence=("entry", "status", "expires"),
    silent_on=frozenset({"disabled"}),
    check=_retired_but_alive,
)
