"""The one thing to do next about what somebody leaves behind, as a sentence or two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from scanner.lifecycle.offboarding.leaver import Case, Leaver, Tie, ties_to_entry, ties_to_identity
from scanner.lifecycle.offboarding.records import ROLES, Handover, HandoverItem, Role
from scanner.lifecycle.offboarding.successors import Successor, answering, find_successor
from scanner.model import PRIVILEGES, Assessment, Entry, Person, PrivilegeLevel, RegistryVerdict, ScanResult
from scanner.text import counted, either

_STEPS: Mapping[Role, str] = {
    "only_one_left": "Name {successor} as owner in {entries}: nobody else named there still answers.",
    "last_active_member": "Add {successor} to the group, in which nobody else stays active, or change {entries}.",
    "owner": "Name {successor} as owner in {entries}.",
    "backup_owner": "Name {successor} as backup owner in {entries}.",
    "technical_owner": "Name {successor} as technical owner in {entries}, and hand over how it works.",
    "built_by": "Have {leaver} tell {successor} what nobody else knows of it.",
    "created": "Have {leaver} tell {successor} what nobody else knows of it.",
    "approved": "Have {successor} confirm the approval in {entries}.",
    "tagged": "Name {successor} in the tag instead of {leaver}.",
    "mentioned": "Write {successor} where the text names {leaver}, or settle whom it means.",
}
"""By what they mostly are to it, where neither its state nor its owners ask for something else first."""

_NO_OWNERS: frozenset[Role] = frozenset(
    {"backup_owner", "technical_owner", "built_by", "created", "approved", "tagged", "mentioned"}
)
"""Roles beside which an owner should stand: where nobody answers, that is what is missing."""

_UNUSED: Mapping[str, str] = {
    "dormant": "Switch it off if there are no objections: nothing uses it.",
    "never_used": "Switch it off if there are no objections: nothing ever used it.",
    "disabled": "Delete it if there are no objections: it is disabled.",
}
"""What is better than handing over, by use."""


class Outlook(NamedTuple):
    """What becomes of it once the leaver is gone. ``urgent``: nobody else answers; None: that cannot be told."""

    answering: tuple[Person, ...]
    urgent: bool | None
    successor: Successor | None


def next_step(case: Case, outlook: Outlook) -> str:
    """What to do, the successor named, and what becomes of it if there is none."""
    judged = case.judged
    if judged is None:
        return _step(case, outlook)
    if case.role == "own_account":
        return _switch_off(judged, case.leaver)
    if judged.registry.state == "exempt":
        return f"Nobody needs to take over: {judged.registry.evidence or 'it is exempt'}."
    unused = _UNUSED.get(judged.usage.state) if outlook.urgent else None
    return f"{unused} Otherwise: {_step(case, outlook)}" if unused else _step(case, outlook)


def _step(case: Case, outlook: Outlook) -> str:
    step = _hand_over(case, outlook)
    if not outlook.urgent or outlook.successor is not None:
        return step
    is_orphan = case.leaver.has_left or (case.judged is not None and case.judged.ownership.state == "orphaned")
    becomes = "it stays orphaned" if is_orphan else "it becomes orphaned when they go"
    return f"{step} Nobody is known who could take over: {becomes}."


def _hand_over(case: Case, outlook: Outlook) -> str:
    leaver = case.leaver.person.email
    successor = outlook.successor.person if outlook.successor else "somebody"
    entries = " and ".join(case.entry_ids) or "the registry"
    if case.declared is not None and case.declared.state == "not_found":
        return f"Retire {entries} if what it stands for is gone. Otherwise: name {successor} in it."
    if case.judged is not None and case.judged.registry.state == "unregistered":
        return f"Declare it first, with {successor} as owner."
    if case.is_ambiguous:
        rivals = " or ".join(entry.id for entry in case.entries)
        return f"Settle which entry stands for it ({rivals}), and name {successor} as owner there."
    if outlook.urgent and case.role in _NO_OWNERS:
        return f"Name {successor} as owner in {entries}: nobody named there answers for it."
    if case.role == "owner" and (others := _other_owners(case, outlook)):
        return f"Take {leaver} out of {entries}: {', '.join(others)} {either(len(others), 'owns', 'own')} it, too."
    return _STEPS[case.role].format(leaver=leaver, successor=successor, entries=entries)


def _other_owners(case: Case, outlook: Outlook) -> list[str]:
    """Those who answer as owners; a backup owner in their place should become one."""
    owners = {person.email for entry in case.entries for text in entry.owner if (person := case.leaver.staying(text))}
    return [person.email for person in outlook.answering if person.email in owners]


def _switch_off(judged: Assessment, leaver: Leaver) -> str:
    if judged.identity.enabled is False:
        return "It is switched off: delete it once nothing refers to it."
    when = "now" if leaver.has_left else f"on {leaver.person.left_on or 'their last day'}"
    live = sum(one.enabled is not False for one in judged.identity.credentials)
    revoke = f" and revoke {counted(live, 'credential', 'credentials')}" if live else ""
    moved = "Move what uses its keys to an identity of its own first. " if judged.nature.verdict == "mixed" else ""
    return f"{moved}Switch it off {when}{revoke}."


# --- Everything that somebody leaves behind, joined from a scan's verdicts, its registry and the roster. Pure ---

_PRIVILEGES: tuple[PrivilegeLevel | None, ...] = (*PRIVILEGES, None)

_Ties: TypeAlias = Mapping[str, tuple[Tie, ...]]
"""By entry; those to which the leaver is nothing are not in it."""


def handover(result: ScanResult, people: Sequence[Person], person: Person, today: date) -> Handover:
    """All that ``person`` owns, backs up, built, created, approved, is the last of, is named by, or is themselves.

    ``people``: the roster, empty where there is none; somebody who is not on it is told by the text of their e-mail.
    ``today`` decides who is still here. Works before, on and after the last day.
    """
    leaver = Leaver(person, people, today)
    ties = {one.entry.id: found for one in result.entries if (found := ties_to_entry(one.entry, leaver))}
    items = map(_item, (*_identity_cases(result, ties, leaver), *_entry_cases(result, ties, leaver)))
    return Handover(
        person=person, items=tuple(sorted(items, key=_gravest_first)), notices=tuple(_notices(result, leaver))
    )


def _gravest_first(item: HandoverItem) -> tuple[int, int, str, tuple[str, ...]]:
    return _PRIVILEGES.index(item.privilege), ROLES.index(item.roles[0]), item.identity or "", item.entries


# --- what there is to hand over -----------------------------------------------


def _identity_cases(result: ScanResult, ties: _Ties, leaver: Leaver) -> Iterator[Case]:
    entries = {one.entry.id: one.entry for one in result.entries}
    for judged in result.identities:
        registry = judged.registry
        standing = _standing_for(registry)
        named_in = tuple(one for one in (*standing, *registry.contradictions) if one in ties)
        found = (*(tie for one in named_in for tie in ties[one]), *ties_to_identity(judged, leaver))
        if found:
            declaring = tuple(entries[one] for one in standing if one in entries)
            yield Case(leaver=leaver, ties=found, named_in=named_in, entries=declaring, judged=judged)


def _standing_for(registry: RegistryVerdict) -> tuple[str, ...]:
    """The entries that stand for an identity; one that is only alike does not."""
    if registry.state == "ambiguous":
        return tuple(candidate.entry for candidate in registry.candidates)
    return () if registry.entry is None else (registry.entry, *registry.agreeing)


def _entry_cases(result: ScanResult, ties: _Ties, leaver: Leaver) -> Iterator[Case]:
    """Entries that stand for nothing. A retired one that does is where it should be, and nobody has to take over."""
    for declared in result.entries:
        entry = declared.entry
        if entry.id in ties and not declared.identities and declared.state != "retired":
            yield Case(leaver=leaver, ties=ties[entry.id], named_in=(entry.id,), entries=(entry,), declared=declared)


# --- what is said of it -------------------------------------------------------


def _item(case: Case) -> HandoverItem:
    staying = answering(case)
    ties = sorted(case.ties, key=lambda tie: ROLES.index(tie.role))
    outlook = Outlook(
        answering=staying,
        urgent=_urgent(case, staying),
        successor=None if case.role == "own_account" else find_successor(case),
    )
    return HandoverItem(
        **(_of_identity(case.judged) if case.judged else _of_entry(case.entries[0])),
        entries=case.entry_ids,
        roles=tuple(dict.fromkeys(tie.role for tie in ties)),
        evidence=tuple(dict.fromkeys(tie.evidence for tie in ties)),
        answering=tuple(person.email for person in staying),
        urgent=outlook.urgent,
        successor=outlook.successor and outlook.successor.person,
        successor_evidence=outlook.successor and outlook.successor.evidence,
        next_step=next_step(case, outlook),
        caveat="; ".join(_caveats(case, staying)) or None,
    )


def _of_identity(judged: Assessment) -> dict[str, Any]:
    return {
        "identity": judged.identity.key,
        **{field: getattr(judged.identity, field) for field in ("provider", "scope", "kind", "name", "credentials")},
        "privilege": judged.privilege.level,
        "usage": judged.usage.state,
        "last_used_at": judged.usage.last_used_at,
    }


def _of_entry(entry: Entry) -> dict[str, Any]:
    name = entry.name or "; ".join(entry.identities)
    return {"provider": entry.provider, "scope": entry.scope, "kind": entry.kind, "name": name}


def _urgent(case: Case, staying: Sequence[Person]) -> bool | None:
    """Whether nobody else answers for it; None where that cannot be told."""
    if case.judged is not None:
        if case.role == "own_account":
            return case.judged.identity.enabled is not False
        if case.judged.registry.state == "exempt":
            return False
        if case.judged.registry.state == "unchecked":
            return None
    others = (text for entry in case.entries for text in (*entry.owner, *entry.backup_owner))
    if not case.leaver.has_roster and not all(map(case.leaver.is_meant, others)):
        return None
    return not staying


def _caveats(case: Case, staying: Sequence[Person]) -> Iterator[str]:
    """What is not known of it, and what will not last."""
    if staying and all(map(case.leaver.is_leaving, staying)):
        yield f"who else answers is leaving, too: {', '.join(person.email for person in staying)}"
    judged, declared = case.judged, case.declared
    if judged is not None:
        if not judged.rechecked:
            yield "its place was not read by the last scan: as last known"
        if judged.identity.unread:
            yield f"could not be read: {', '.join(judged.identity.unread)}"
        if judged.registry.provisional:
            yield "a gap hides whether it is declared"
    if declared is not None and (declared.state == "not_evaluated" or not declared.rechecked):
        yield f"whether what it stands for is there could not be told: {declared.evidence}"


def _notices(result: ScanResult, leaver: Leaver) -> Iterator[str]:
    if not leaver.has_roster:
        yield "No roster was given: people are told by their texts alone, and nobody can be suggested."
    elif not leaver.is_on_roster:
        yield f"{leaver.person.email} is not on the roster, and was recognised by this text alone."
    if any(one.registry.state == "unchecked" for one in result.identities):
        yield "The scan had no registry: only creators, tags and accounts tell what is theirs."
    gaps = sum(one.is_gap for one in result.coverage)
    if gaps:
        sections = counted(gaps, "section", "sections")
        yield f"Incomplete: {sections} could not be read in full, and what is theirs there may be missing."
