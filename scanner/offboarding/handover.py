"""Everything that somebody leaves behind, joined from a scan's verdicts, its registry and the roster. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from scanner.model import PRIVILEGES, Assessment, Entry, Person, PrivilegeLevel, RegistryVerdict, ScanResult
from scanner.offboarding.case import Case
from scanner.offboarding.leaver import Leaver
from scanner.offboarding.records import ROLES, Handover, HandoverItem
from scanner.offboarding.steps import Outlook, next_step
from scanner.offboarding.successors import answering, find_successor
from scanner.offboarding.ties import Tie, ties_to_entry, ties_to_identity
from scanner.text import counted

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
        yield f"{leaver.person.email} is not on the roster, and is told by that text alone."
    if any(one.registry.state == "unchecked" for one in result.identities):
        yield "The scan had no registry: only creators, tags and accounts tell what is theirs."
    gaps = sum(one.is_gap for one in result.coverage)
    if gaps:
        sections = counted(gaps, "section", "sections")
        yield f"Incomplete: {sections} could not be read in full, and what is theirs there may be missing."
