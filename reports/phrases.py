"""Texts about one identity or finding, shared by all reports: next step, credentials, owners, evidence.

Pure functions over judged records. Texts about a whole result are in ``reports.summary``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import islice
from operator import eq
from typing import Any, Literal, TypeAlias

from reports.judged import Judged
from scanner.model import (
    AgentVerdict,
    Assessment,
    Credential,
    Drift,
    Finding,
    Identity,
    OrphanReason,
    OwnerCandidate,
    OwnershipVerdict,
)
from scanner.model.stored import StoredFindings
from scanner.rules.base import ActivityRule
from scanner.rules.catalog import RULES

ORPHANED_MEANS = "Orphaned: no declared owner resolves to an active person, directly or through a group."
"""Others use the word differently, so every report defines it."""

SEPARATOR = "; "
"""The separator of a list in one cell."""

_FACTS = {rule.id: {name: place for place, name in enumerate(rule.evidence)} for rule in RULES}

ABOUT_A_DAY = frozenset(rule.id for rule in RULES if isinstance(rule, ActivityRule))
"""Rules about the activity of an identity on one day."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")

_NEW_OWNER: Mapping[OrphanReason | None, str] = {
    "never_assigned": "Name an owner: its entry {entry} has none.",
    "departed": "Name a new owner: {owner} has left.",
    "unresolvable": "Name an owner who is on the roster: {owner} is not.",
    "group_empty": "Name a new owner: {owner} has no active member.",
    "owner_is_machine": "Name a person as owner: {owner} is a machine.",
    "ambiguous": "Decide which entry matches it: {entries}.",
    "unregistered": "Find out who uses it, then register it with an owner or disable it.",
    None: "Name an owner.",
}
"""Next step for an orphaned identity, by reason."""


SHORTEST_FINGERPRINT = 8
ACKNOWLEDGE = "--reason TEXT --by PERSON"
"""The options that `muster acknowledge` needs besides the finding."""


def fingerprint_digits(findings: Sequence[Finding]) -> int:
    """The number of leading digits that make each finding's fingerprint unique: 8 or more."""
    if isinstance(findings, StoredFindings):
        whole = findings.fingerprints()
    else:
        whole = sorted({finding.fingerprint for finding in findings})
    digits = SHORTEST_FINGERPRINT
    while _are_alike([fingerprint[:digits] for fingerprint in whole]):
        digits += 1
    return digits


def _are_alike(ordered: Sequence[str]) -> bool:
    """Whether two neighbours are equal. Looking for equal ones in a set of a million takes four times as long."""
    return any(map(eq, ordered, islice(ordered, 1, None)))


def next_step(judged: Judged) -> str:
    """The next step for an identity, as a sentence; empty if there is none.

    A leaked credential comes first, since everything else can wait; then ownership, since other steps need an owner's
    decision; then the finding with the highest severity.
    """
    leak = next((one for one in judged.findings if one.rule in _LEAKS), None)
    after = _next_step_but_leaks(judged)
    return after if leak is None or after == leak.remediation else f"{leak.remediation} {after}".rstrip()


def _next_step_but_leaks(judged: Judged) -> str:
    if judged.verdicts.registry.provisional:
        why = judged.verdicts.registry.evidence or "the data needed to match it to a registry entry could not be read"
        return f"Close the gap first: {why}."
    if judged.verdicts.ownership.state == "orphaned":
        used = next((one for one in judged.findings if one.rule == "used_after_owner_left"), None)
        since = f" It is still used: on {plain(used.evidence.get('day'))}, by audit logs." if used else ""
        return _orphan_step(judged.verdicts) + since
    if not judged.findings:
        return ""
    first = judged.findings[0]
    return _day_step(first, judged.verdicts.ownership) if first.rule in _DAY_STEPS else first.remediation


def _orphan_step(assessment: Assessment) -> str:
    ownership, registry = assessment.ownership, assessment.registry
    likely = ownership.candidates[0] if ownership.candidates else None
    if registry.look_alike is not None:
        return f"Find out who created it before you register it: {registry.look_alike.evidence}."
    if assessment.abandoned:
        asked = f"Ask {likely.person}, then switch" if likely else "Switch"
        return f"{asked} it off and delete it if there are no objections: it is orphaned and unused."
    if registry.proposed is not None:
        return f"Approve entry {registry.proposed} (status active, with who and when), or switch it off until then."
    if ownership.reason == "unregistered" and registry.candidates and registry.candidates[0].is_likely:
        entry = registry.candidates[0]
        return f"Check whether entry {entry.entry} matches it ({entry.evidence})."
    if ownership.reason == "unregistered" and likely:
        return f"Ask {likely.person} who owns it, then register it or disable it."
    step = _NEW_OWNER[ownership.reason].format(
        owner=ownership.owner or "the one named",
        entry=registry.entry or "in the registry",
        entries=" or ".join(candidate.entry for candidate in registry.candidates) or "several match",
    )
    return f"{step} Ask {likely.person}." if likely else step


_LEAKS = ("exposed_credential", "exposed_identity")

_DAY_STEPS: Mapping[str, str] = {
    "used_outside_declaration": "Ask {owner} what {actions} on {day} was for. Add it to entry {entry} with a review, "
    "or remove the permission.",
    "used_after_owner_left": "Find out who used it on {day}: its owner has left. Make that team the owner, and rotate "
    "its credentials.",
    "used_though_retired": "Find out what used it on {day}, and move that to another identity. Then disable this one: "
    "entry {entry} is retired.",
    "used_after_expiry": "Ask {owner} whether it is still needed: it was used on {day}, and entry {entry} expired on "
    "{expires}.",
    "undeclared_credential_used": "Find out who created {credentials}, which was used on {day} and is not in entry "
    "{entry}. Disable it if this stays unknown.",
    "dormant_woke": "Ask {owner} whether its use on {day} was expected. If it was not, disable its credentials and "
    "look at what it did.",
    "behaviour_changed": "Ask {owner} about {day}: {reasons}. {explained} If it was not intended, rotate its "
    "credentials and examine the events.",
    "interactive_use": "Ask {owner} which person used it on {day}, give that person access of their own, and rotate "
    "its credentials.",
}
"""Next step by rule about a day. The evidence is that of the finding, as ``day_facts`` words it."""

_EXPLANATIONS: Mapping[str | None, str] = {
    "explained": "{by} explains it.",
    "unexplained": "No known change explains it.",
    "unknown": "Whether a change explains it is unknown.",
}


def _day_step(finding: Finding, ownership: OwnershipVerdict) -> str:
    facts = day_facts(finding)
    by = plain(finding.evidence.get("explained_by")) or "A change"
    known = {
        **facts,
        "owner": ownership.owner or "its owner",
        "actions": facts.get("actions", "its use"),
        "reasons": facts.get("reasons", "it behaved differently"),
        "explained": _EXPLANATIONS[explained(finding)].format(by=f"{by[:1].upper()}{by[1:]}"),
    }
    return _DAY_STEPS[finding.rule].format_map(defaultdict(lambda: "(unknown)", known))


def suggested_owner(assessment: Assessment) -> str | None:
    """The most likely owner; None for an identity that imitates a registered one."""
    candidates = assessment.ownership.candidates
    return candidates[0].person if candidates and assessment.registry.look_alike is None else None


def _because(candidate: OwnerCandidate) -> str:
    return f"{candidate.person} ({candidate.evidence})" if candidate.evidence else candidate.person


def in_full(judged: Judged) -> Iterator[str]:
    """The lines of an identity in a work list: name, verdicts, credentials, likely owners, next step."""
    identity, registry, ownership = judged.identity, judged.verdicts.registry, judged.verdicts.ownership
    reason = f" ({words(ownership.reason)})" if ownership.reason else ""
    yield identity.shown_name
    yield identity.key
    yield (
        f"{identity.kind} in {place(identity)}; {registry.state}{', provisional' if registry.provisional else ''}; "
        f"{words(ownership.state)}{reason}; privilege {judged.verdicts.privilege.level}"
    )
    yield f"{words(judged.verdicts.usage.state)}: {judged.verdicts.usage.evidence}"
    if held := credentials_text(identity):
        yield held
    if people := owner_candidates_text(ownership):
        yield f"likely owners: {people}"
    if step := next_step(judged):
        yield f"Next: {step}"


def place(identity: Identity) -> str:
    """The place of an identity."""
    return f"{identity.provider} {identity.scope}"


def agent_text(verdict: AgentVerdict) -> str:
    """``yes``; ``suggested`` if there is only a weak signal; else ``no``."""
    if verdict.is_agent:
        return "yes"
    return "suggested" if any(signal.says == "agent" for signal in verdict.signals) else "no"


def owner_candidates_text(verdict: OwnershipVerdict) -> str | None:
    """Likely owners with the reason for each, most likely first."""
    return joined(map(_because, verdict.candidates)) if verdict.candidates else None


def credential_text(credential: Credential) -> str:
    """A credential in one phrase: kind, public id, and the dates that are known."""
    facts = [
        "disabled" if credential.enabled is False else None,
        credential.created_at and f"created {_day(credential.created_at)}",
        credential.expires_at and f"expires {_day(credential.expires_at)}",
        "never expires" if credential.never_expires else None,
        credential.last_used_at and f"used {_day(credential.last_used_at)}",
    ]
    known = ", ".join(fact for fact in facts if fact)
    return f"{credential.kind} {credential.id} ({known})" if known else f"{credential.kind} {credential.id}"


def drift_text(drift: Drift) -> str:
    """Declared and observed value of an attribute."""
    return f"{words(drift.aspect)}: declared {drift.declared}, found {drift.found}"


def credentials_text(identity: Identity) -> str | None:
    """All credentials of an identity in one cell."""
    return joined(map(credential_text, identity.credentials)) if identity.credentials else None


def rules_text(findings: Iterable[Finding]) -> str | None:
    """The rules that fired, each once, in the given order."""
    return joined(dict.fromkeys(finding.rule for finding in findings))


def tags_text(tags: Mapping[str, str]) -> str | None:
    """Tags as ``name: value`` pairs, sorted by name, because providers list them in any order."""
    return facts_text(dict(sorted(tags.items())))


def facts_text(facts: Mapping[str, Any]) -> str | None:
    """Facts as ``name: value`` pairs, in the given order."""
    return joined(f"{name}: {plain(value)}" for name, value in facts.items() if value is not None)


def evidence_of(finding: Finding) -> dict[str, Any]:
    """A finding's evidence, most important facts first, independent of the stored order."""
    order = _FACTS.get(finding.rule, {})
    facts = sorted(finding.evidence.items(), key=lambda fact: (order.get(fact[0], len(order)), fact[0]))
    return {name: _sorted_within(value) for name, value in facts}


def facts_of(finding: Finding) -> Mapping[str, Any]:
    """A finding's evidence for people: as phrases for a finding about a day, otherwise unchanged."""
    return day_facts(finding) if finding.rule in ABOUT_A_DAY else evidence_of(finding)


Explained: TypeAlias = Literal["unexplained", "unknown", "explained"]


def explained(finding: Finding) -> Explained | None:
    """Whether a known change explains the activity on a day; None for a finding that is not about a day."""
    if finding.rule not in ABOUT_A_DAY:
        return None
    known = finding.evidence.get("explained")
    if known is None:
        return "unknown"
    return "explained" if known else "unexplained"


_EXPLAINED: Mapping[Explained | None, str] = {"unexplained": "no", "unknown": "unknown", "explained": "yes"}
_IN_OTHERS = frozenset({"reasons", "new", "actions", "more_actions", "events", "first_at", "last_at"})
"""Facts that ``day_facts`` puts into others."""
_LAST = ("event_ids", "explained", "explained_by")


def day_facts(finding: Finding) -> dict[str, str]:
    """The evidence of a finding about a day as short texts by name. ``explained`` is always there.

    ``reasons``: the new values for each; ``actions``: with counts; ``events``: the first and last time.
    """
    found = evidence_of(finding)
    others = {name: plain(fact) for name, fact in found.items() if name not in (*_IN_OTHERS, *_LAST)}
    facts = {
        "day": others.pop("day", ""),
        "reasons": _reasons(found),
        "actions": _actions(found),
        "events": _events(found),
        **{name: text[:10] if _MOMENT.fullmatch(text) else text for name, text in others.items()},
        "event_ids": plain(found.get("event_ids")),
        "explained": _EXPLAINED[explained(finding)],
        "explained_by": plain(found.get("explained_by")),
    }
    return {name: text for name, text in facts.items() if text}


def _reasons(found: Mapping[str, Any]) -> str:
    new = found.get("new")
    of_reason = new if isinstance(new, Mapping) else {}
    named = {plain(reason): plain(of_reason.get(reason)) for reason in found.get("reasons") or ()}
    return ", ".join(f"{words(reason)} ({what})" if what else words(reason) for reason, what in named.items())


def _actions(found: Mapping[str, Any]) -> str:
    actions, more = found.get("actions"), found.get("more_actions")
    if not isinstance(actions, Mapping):
        return plain(actions)
    listed = [name if times == 1 else f"{name} ({plain(times)} times)" for name, times in sorted(actions.items())]
    return ", ".join((*listed, *((f"and {plain(more)} more",) if more else ())))


def _events(found: Mapping[str, Any]) -> str:
    """The number of events, with the times of the first and last."""
    first, last = (
        text[11:16] if _MOMENT.fullmatch(text := plain(found.get(name))) else "" for name in ("first_at", "last_at")
    )
    times = f"{first} to {last} UTC" if first and last and first != last else f"{first} UTC" if first else ""
    return ", ".join(filter(None, (plain(found.get("events")), times)))


def _sorted_within(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _sorted_within(member) for name, member in sorted(value.items())}
        case list() | tuple():
            return [_sorted_within(member) for member in value]
        case _:
            return value


def evidence_line(finding: Finding) -> str | None:
    """A finding's evidence as one line, without the credential's kind and id and ids of events; times as dates."""
    said = ("event_ids", *(("kind", "id") if finding.credential else ()))
    facts = {name: plain(fact) for name, fact in facts_of(finding).items() if name not in said and fact is not False}
    return facts_text({name: fact[:10] if _MOMENT.fullmatch(fact) else fact for name, fact in facts.items()})


def acknowledged_text(finding: Finding) -> str | None:
    """Reason, person and last day of an acknowledgement; None if the finding is not acknowledged."""
    given = finding.acknowledged
    return None if given is None else f"{given.reason} ({given.by}, until {given.until})"


def words(state: str) -> str:
    """A state without underscores."""
    return state.replace("_", " ")


def joined(members: Iterable[str]) -> str | None:
    """A list in one cell; None, an empty cell, for an empty list."""
    return SEPARATOR.join(members) or None


def plain(value: Any) -> str:
    """A fact without quotes, brackets, ``None`` or ``True``; times in UTC."""
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = iso(value)
        case date():
            text = value.isoformat()
        case Mapping():
            text = ", ".join(f"{name}={plain(member)}" for name, member in sorted(value.items()))
        case list() | tuple():
            text = ", ".join(map(plain, value))
        case _:
            text = str(value)
    return text


@lru_cache(maxsize=10_000)  # most dates occur in many rows
def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with ``Z``, to the second."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="seconds")[: -len("+00:00")] + "Z"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
