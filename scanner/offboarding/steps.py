"""The one thing to do next about what somebody leaves behind, as a sentence or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from scanner.model import Assessment, Person
from scanner.offboarding.case import Case
from scanner.offboarding.leaver import Leaver
from scanner.offboarding.records import Role
from scanner.offboarding.successors import Successor
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
    "dormant": "Switch it off if nobody objects, for nothing uses it.",
    "never_used": "Switch it off if nobody objects, for nothing ever used it.",
    "disabled": "Delete it if nobody objects, for it is disabled.",
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
