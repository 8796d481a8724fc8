"""The handover of a leaver: its items, and the next step for each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from msgspec.structs import replace

from scanner.access.blast_radius.counts import Radii
from scanner.access.blast_radius.words import sentence
from scanner.lifecycle.offboarding.leaver import Case, Leaver, Tie, ties_to_entry, ties_to_identity
from scanner.lifecycle.offboarding.records import ROLES, Handover, HandoverItem, Role
from scanner.lifecycle.offboarding.successors import Successor, answering, find_successor
from scanner.model import PRIVILEGES, Assessment, Entry, Person, PrivilegeLevel, RegistryVerdict, ScanResult
from scanner.rules.next_step import instead
from scanner.text import counted, either

_STEPS: Mapping[Role, str] = {
    "only_one_left": "Name {successor} as owner in {entries}: {leaver} is the last active owner there.",
    "last_active_member": "Add {successor} to the group, or change {entries}: {leaver} is its last active member.",
    "owner": "Name {successor} as owner in {entries}.",
    "backup_owner": "Name {successor} as backup owner in {entries}.",
    "technical_owner": "Name {successor} as technical owner in {entries}, and hand over the knowledge.",
    "built_by": "Have {leaver} document it for {successor}.",
    "created": "Have {leaver} document it for {successor}.",
    "approved": "Have {successor} confirm the approval in {entries}.",
    "tagged": "Replace {leaver} by {successor} in the tag.",
    "mentioned": "Replace {leaver} by {successor} in the text, or clarify who it means.",
}
"""By the leaver's most important role, unless the state or the owners need another step first."""

_NO_OWNERS: frozenset[Role] = frozenset(
    {"backup_owner", "technical_owner", "built_by", "created", "approved", "tagged", "mentioned"}
)
"""Roles that are no ownership: if there is no owner, the next step is to name one."""

_UNUSED: Mapping[str, str] = {
    "dormant": "Disable it if there are no objections: nothing uses it.",
    "never_used": "Disable it if there are no objections: nothing ever used it.",
    "disabled": "Delete it if there are no objections: it is disabled.",
}
"""Steps to take instead of a handover, by usage."""


class RemainingOwners(NamedTuple):
    """Who remains after the leaver's last day. ``urgent``: no active owner remains; None: unknown."""

    answering: tuple[Person, ...]
    urgent: bool | None
    successor: Successor | None


def next_step(case: Case, remaining: RemainingOwners) -> str:
    """The next step, with the successor, or with the consequence if there is none."""
    judged = case.judged
    if judged is None:
        return _step(case, remaining)
    if case.role == "own_account":
        return _disable_account(judged, case.leaver)
    if judged.registry.state == "exempt":
        return f"No successor is needed: {judged.registry.evidence or 'it is exempt'}."
    if judged.registry.retired:
        return instead("orphaned", judged) or ""
    is_needed_unused = judged.registry.break_glass
    unused = _UNUSED.get(judged.usage.state) if remaining.urgent and not is_needed_unused else None
    return f"{unused} Otherwise: {_step(case, remaining)}" if unused else _step(case, remaining)


def _step(case: Case, remaining: RemainingOwners) -> str:
    step = _hand_over(case, remaining)
    if not remaining.urgent or remaining.successor is not None:
        return step
    is_orphan = case.leaver.has_left or (case.judged is not None and case.judged.ownership.state == "orphaned")
    becomes = "it stays orphaned" if is_orphan else "it becomes orphaned on their last day"
    return f"{step} No successor was found: {becomes}."


def _hand_over(case: Case, remaining: RemainingOwners) -> str:
    leaver = case.leaver.person.email
    successor = remaining.successor.person if remaining.successor else "a successor"
    entries = " and ".join(case.entry_ids) or "the registry"
    if case.declared is not None and case.declared.state == "not_found":
        return f"Retire {entries} if its identity is gone. Otherwise: name {successor} in it."
    if case.judged is not None and case.judged.registry.state == "unregistered":
        return f"Declare it first, with {successor} as owner."
    if case.is_ambiguous:
        rivals = " or ".join(entry.id for entry in case.entries)
        return f"Decide which entry declares it ({rivals}), and name {successor} as owner there."
    if remaining.urgent and case.role in _NO_OWNERS:
        return f"Name {successor} as owner in {entries}: it has no active owner."
    if case.role == "owner" and (others := _other_owners(case, remaining)):
        return f"Remove {leaver} from {entries}: {', '.join(others)} {either(len(others), 'owns', 'own')} it, too."
    return _STEPS[case.role].format(leaver=leaver, successor=successor, entries=entries)


def _other_owners(case: Case, remaining: RemainingOwners) -> list[str]:
    """The other active owners, without backup owners, who should become owners."""
    owners = {person.email for entry in case.entries for text in entry.owner if (person := case.leaver.staying(text))}
    return [person.email for person in remaining.answering if person.email in owners]


def _disable_account(judged: Assessment, leaver: Leaver) -> str:
    if judged.identity.enabled is False:
        return "It is disabled: delete it once nothing refers to it."
    when = "now" if leaver.has_left else f"on {leaver.person.left_on or 'their last day'}"
    live = sum(credential.enabled is not False for credential in judged.identity.credentials)
    revoke = f" and revoke {counted(live, 'credential', 'credentials')}" if live else ""
    moved = "First move what uses its keys to a separate identity. " if judged.nature.verdict == "mixed" else ""
    return f"{moved}Disable it {when}{revoke}."


# --- The items of a handover, from a scan's verdicts, the registry and the roster. Pure ---

_PRIVILEGES: tuple[PrivilegeLevel | None, ...] = (*PRIVILEGES, None)

_Ties: TypeAlias = Mapping[str, tuple[Tie, ...]]
"""The leaver's roles by entry; entries without one are left out."""


def handover(result: ScanResult, people: Sequence[Person], person: Person, today: date) -> Handover:
    """The handover of ``person``: identities and entries by every role in ``ROLES``.

    ``people``: the roster, empty if there is none. A person who is not on it is matched by e-mail text. ``today``
    decides who is active. Works before, on and after the last day.
    """
    leaver = Leaver(person, people, today)
    ties = {declared.entry.id: found for declared in result.entries if (found := ties_to_entry(declared.entry, leaver))}
    items = list(map(_item, (*_identity_cases(result, ties, leaver), *_entry_cases(result, ties, leaver))))
    return Handover(
        person=person,
        items=tuple(sorted(_with_blast_radius(items, result), key=_most_privileged_first)),
        notices=tuple(_notices(result, leaver)),
    )


def _with_blast_radius(items: Sequence[HandoverItem], result: ScanResult) -> Iterator[HandoverItem]:
    radii = Radii(result) if any(item.identity for item in items) else None
    for item in items:
        radius = radii.of(item.identity) if radii and item.identity else None
        yield item if radius is None else replace(item, worst=sentence(radius))


def _most_privileged_first(item: HandoverItem) -> tuple[int, int, str, tuple[str, ...]]:
    return _PRIVILEGES.index(item.privilege), ROLES.index(item.roles[0]), item.identity or "", item.entries


# --- items -----------------------------------------------


def _identity_cases(result: ScanResult, ties: _Ties, leaver: Leaver) -> Iterator[Case]:
    entries = {declared.entry.id: declared.entry for declared in result.entries}
    for judged in result.identities:
        registry = judged.registry
        declaring_ids = _entries_of(registry)
        named_in = tuple(one for one in (*declaring_ids, *registry.contradictions) if one in ties)
        found = (*(tie for one in named_in for tie in ties[one]), *ties_to_identity(judged, leaver))
        if found:
            declaring = tuple(entries[one] for one in declaring_ids if one in entries)
            yield Case(leaver=leaver, ties=found, named_in=named_in, entries=declaring, judged=judged)


def _entries_of(registry: RegistryVerdict) -> tuple[str, ...]:
    """The entries that declare an identity, or that are candidates if it is ambiguous."""
    if registry.state == "ambiguous":
        return tuple(candidate.entry for candidate in registry.candidates)
    return () if registry.entry is None else (registry.entry, *registry.agreeing)


def _entry_cases(result: ScanResult, ties: _Ties, leaver: Leaver) -> Iterator[Case]:
    """Entries without an identity. Retired ones need no successor."""
    for declared in result.entries:
        entry = declared.entry
        if entry.id in ties and not declared.identities and declared.state != "retired":
            yield Case(leaver=leaver, ties=ties[entry.id], named_in=(entry.id,), entries=(entry,), declared=declared)


# --- their content -------------------------------------------------------


def _item(case: Case) -> HandoverItem:
    staying = answering(case)
    ties = sorted(case.ties, key=lambda tie: ROLES.index(tie.role))
    remaining = RemainingOwners(
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
        urgent=remaining.urgent,
        successor=remaining.successor and remaining.successor.person,
        successor_evidence=remaining.successor and remaining.successor.evidence,
        next_step=next_step(case, remaining),
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
    """Whether no active owner remains; None if that is unknown."""
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
    """What is unknown, and what will change soon."""
    if staying and all(map(case.leaver.is_leaving, staying)):
        yield f"the other owners are leaving, too: {', '.join(person.email for person in staying)}"
    judged, declared = case.judged, case.declared
    if judged is not None:
        if not judged.rechecked:
            yield "not re-checked by the last scan: as last known"
        if judged.identity.unread:
            yield f"could not be read: {', '.join(judged.identity.unread)}"
        if judged.registry.provisional:
            yield "because of a gap, it is unknown whether it is registered"
    if declared is not None and (declared.state == "not_evaluated" or not declared.rechecked):
        yield f"whether its identity exists is unknown: {declared.evidence}"


def _notices(result: ScanResult, leaver: Leaver) -> Iterator[str]:
    if not leaver.has_roster:
        yield "No roster was given: people are matched by text alone, and there are no successors to suggest."
    elif not leaver.is_on_roster:
        yield f"{leaver.person.email} is not on the roster, and was matched by this text alone."
    if any(assessment.registry.state == "unchecked" for assessment in result.identities):
        yield "The scan had no registry: only creators, tags and accounts show what is theirs."
    gaps = sum(record.is_gap for record in result.coverage)
    if gaps:
        sections = counted(gaps, "section", "sections")
        yield f"Incomplete: {sections} could not be read in full, so items may be missing."
