"""Who answers for an identity, or who to ask: each way with what it leaves behind, and the truth of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, TypeAlias

from msgspec import Struct

from benchmarks.organisation.roster import EMPTY_GROUP, Roster
from benchmarks.organisation.truth import OwnerSignal
from benchmarks.organisation.workloads import Workload
from scanner.model import OrphanReason, OwnershipState

_PERSON_TAGS = ("owner", "Owner", "owner-email", "app:Owner_Email", "contact", "maintainer", "contoso.example/owner")
_GROUP_TAGS = ("team", "owning-team", "squad", "Team")
_TERRAFORM = "arn:aws:sts::210987654321:assumed-role/terraform/terraform-cloud"


class Answer(Struct, frozen=True, kw_only=True):
    """``row`` and ``identity``: fields that say it. ``owner``: who answers, or who should be asked."""

    row: Mapping[str, Any] = {}
    identity: Mapping[str, Any] = {}
    state: OwnershipState = "owned"
    reason: OrphanReason | None = None
    owner: str | None = None
    signals: tuple[OwnerSignal, ...] = ()

    @property
    def truth(self) -> dict[str, Any]:
        """The fields of a Truth."""
        return {"ownership": self.state, "reason": self.reason, "owner": self.owner, "signals": self.signals}


Way: TypeAlias = Callable[[Roster, Random, Workload], Answer]


def by_person(roster: Roster, _rng: Random, workload: Workload) -> Answer:
    person = roster.someone(workload)
    return Answer(row={"owner": (roster.as_written(person),)}, owner=person.email)


def by_person_about_to_leave(roster: Roster, _rng: Random, workload: Workload) -> Answer:
    person = roster.about_to_leave(workload)
    return Answer(row={"owner": (roster.as_written(person),)}, owner=person.email)


def by_group(roster: Roster, rng: Random, workload: Workload) -> Answer:
    group = roster.groups[workload.team]
    return Answer(row={"owner": (rng.choice((group.email, workload.team, group.name)),)}, owner=group.email)


def by_nested_group(_roster: Roster, _rng: Random, workload: Workload) -> Answer:
    group = f"team:{workload.team}-oncall"
    return Answer(row={"owner": (group,)}, owner=group)


def by_second_owner(roster: Roster, _rng: Random, workload: Workload) -> Answer:
    person = roster.someone(workload)
    return Answer(row={"owner": (roster.leaver(workload).email, roster.as_written(person))}, owner=person.email)


def by_backup(roster: Roster, _rng: Random, workload: Workload) -> Answer:
    backup = roster.someone(workload)
    return Answer(row={"owner": (roster.leaver(workload).email,), "backup_owner": (backup.email,)}, owner=backup.email)


def departed(roster: Roster, _rng: Random, workload: Workload) -> Answer:
    leaver = roster.leaver(workload)
    row = {"owner": (roster.as_written(leaver),)}
    return Answer(row=row, state="orphaned", reason="departed", owner=leaver.manager, signals=("manager",))


def technical_owner_only(roster: Roster, _rng: Random, workload: Workload) -> Answer:
    person = roster.someone(workload)
    row = {"technical_owner": (roster.as_written(person),)}
    return Answer(row=row, state="orphaned", reason="never_assigned", owner=person.email, signals=("entry",))


def unknown_owner(roster: Roster, rng: Random, workload: Workload) -> Answer:
    person = roster.someone(workload)
    row = {"owner": (f"contractor{rng.randint(1, 99)}@agency.example",), "built_by": person.email}
    return Answer(row=row, state="orphaned", reason="unresolvable", owner=person.email, signals=("entry",))


def empty_group(roster: Roster, rng: Random, workload: Workload) -> Answer:
    hint = by_tag(roster, rng, workload)
    return Answer(
        row={"owner": (EMPTY_GROUP,)},
        identity=hint.identity,
        state="orphaned",
        reason="group_empty",
        owner=hint.owner,
        signals=hint.signals,
    )


def machine(roster: Roster, rng: Random, workload: Workload) -> Answer:
    hint = by_creator(roster, rng, workload)
    return Answer(
        row={"owner": (rng.choice(("terraform", "svc-deploy", "jenkins@contoso.example", "root")),)},
        identity=hint.identity,
        state="orphaned",
        reason="owner_is_machine",
        owner=hint.owner,
        signals=hint.signals,
    )


WAYS: Mapping[Way, int] = {
    by_person: 30, by_person_about_to_leave: 4, by_group: 12, by_nested_group: 5, by_second_owner: 4, by_backup: 4,
    departed: 10, technical_owner_only: 5, unknown_owner: 5, empty_group: 4, machine: 4,
}  # fmt: skip
"""How a row that represents something names an owner, with weights."""


def by_tag(roster: Roster, rng: Random, workload: Workload) -> Answer:
    person = roster.someone(workload)
    tags = {rng.choice(_PERSON_TAGS): roster.as_written(person)}
    if rng.random() < 0.3:  # anyone who asked for it years ago
        tags["requested-by"] = roster.someone_else(workload).email
    return _undeclared({"tags": tags, "created_by": _TERRAFORM}, person.email, "tag")


def by_tag_of_a_group(roster: Roster, rng: Random, workload: Workload) -> Answer:
    group = roster.groups[workload.team]
    tags = {rng.choice(_GROUP_TAGS): rng.choice((group.email, workload.team, str(group.name)))}
    return _undeclared({"tags": tags}, group.email, "group")


def by_creator(roster: Roster, rng: Random, workload: Workload) -> Answer:
    person = roster.someone(workload)
    session = f"arn:aws:sts::210987654321:assumed-role/Engineer/{person.email}"
    facts: dict[str, Any] = {"created_by": rng.choice((person.email, session, *person.aliases))}
    if rng.random() < 0.3:
        facts["tags"] = {"contact": roster.leaver(workload).email}
    return _undeclared(facts, person.email, "creator")


HINTS: tuple[Way, ...] = (by_tag, by_tag_of_a_group, by_creator)
"""Signals of the owner of an undeclared identity."""


def nobody_knows(_roster: Roster, _rng: Random, _workload: Workload) -> Answer:
    return Answer(state="orphaned", reason="unregistered")


def _undeclared(identity: Mapping[str, Any], owner: str, signal: OwnerSignal) -> Answer:
    return Answer(identity=identity, state="orphaned", reason="unregistered", owner=owner, signals=(signal,))
