"""Levels of random subscriptions against an oracle: who runs what where, written out for every identity."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from connectors.azure.reader import AzureUnit
from connectors.azure.rights.api_permissions import Permission, application_power
from connectors.azure.rights.assignments import AzureKnown, RoleAssignment, assignments_of
from connectors.azure.rights.holders import Holder, assignment
from connectors.azure.rights.power import Power
from connectors.azure.spec import SPEC
from connectors.core.contract import Scope
from scanner.access.assignments import held_by
from scanner.access.edges import resolve
from scanner.access.raised_privileges import raise_by_paths
from scanner.demo.fakes.azure.rights import GRAPH
from scanner.model import POTENTIAL, Assignment, Grant, Identity, Privilege, Workload
from tests.connectors.azure.rights.test_azure_privilege import judge
from tests.connectors.azure.rights.test_condition import ONLY_SOME_ROLES
from tests.connectors.azure.rights.test_places import SUB
from tests.examples import examples
from tests.factories import make_identity

TENANT = "aaaa"
GROUPS = {"one": f"{SUB}/resourceGroups/one".lower(), "two": f"{SUB}/resourceGroups/two".lower()}
MACHINES = {f"{place}/providers/microsoft.compute/virtualmachines/m": place for place in GROUPS.values()}
MANAGED = {
    f"{place}/providers/microsoft.managedidentity/userassignedidentities/{name}": place
    for place, name in product(GROUPS.values(), "xy")
}
APPLICATIONS = tuple(f"azure://{TENANT}/applications/{name}" for name in "abc")
KEYS = (*MACHINES, *MANAGED, *APPLICATIONS)
IDS = {key: f"{number:08d}-0000-0000-0000-000000000000" for number, key in enumerate(KEYS)}
"""Object ids. A machine's own identity has the machine's key."""

CREATES_MACHINES = {"Owner", "Contributor", "Virtual Machine Contributor"}
COMMANDS_MACHINES = {*CREATES_MACHINES, "Role Based Access Control Administrator"}
SIGNS_IN_AS_MANAGED = {
    "Owner", "Contributor", "Managed Identity Contributor", "Role Based Access Control Administrator",
}  # fmt: skip
ROLES = ("Reader", "Managed Identity Operator", *sorted(COMMANDS_MACHINES | SIGNS_IN_AS_MANAGED))
PERMISSIONS = (
    "RoleManagement.ReadWrite.Directory", "AppRoleAssignment.ReadWrite.All", "Application.ReadWrite.All",
    "Group.ReadWrite.All", "User.Read.All",
)  # fmt: skip
JUDGES = {name: judge(name) for name in ROLES}


class Given(Struct, frozen=True):
    """A role on a place; a permission of Graph if there is no place."""

    holder: str
    name: str
    place: str = ""
    condition: str | None = None


def _identities() -> tuple[Identity, ...]:
    return tuple(
        make_identity(
            key, key=key, provider="azure", scope="s", unique_id=IDS[key], privilege=Privilege(level="normal")
        )
        for key in KEYS
    )


def _assignments(given: frozenset[Given]) -> list[Assignment]:
    unit = AzureUnit(kind="subscription", tenant=TENANT)
    scope = Scope(source="prod", spec=SPEC, id=SUB.rpartition("/")[2], context=unit)
    rows = [
        RoleAssignment(
            id=f"{one.place}/{number}", principal_id=IDS[one.holder], scope=one.place, role_definition_id=one.name,
            principal_type="ServicePrincipal", condition=one.condition,
        )
        for number, one in enumerate(sorted(given, key=repr)) if one.place
    ]  # fmt: skip
    known = AzureKnown(judges={name.lower(): judge for name, judge in JUDGES.items()})
    of_graph = [one for one in given if not one.place]
    return [
        *assignments_of(scope, rows, known),
        *(
            assignment(
                scope, f"{one.holder} {one.name}", holder=Holder(id=IDS[one.holder]), power=_power(one.name),
                grant=Grant(name=one.name, via="direct"),
            )
            for one in of_graph
        ),
    ]  # fmt: skip


def _power(permission: str) -> Power:
    return application_power(Permission(name=permission, api=GRAPH, api_name="Graph"), TENANT)


class Oracle:
    """What follows from the rights, identity by identity, without patterns."""

    def __init__(self, given: frozenset[Given]) -> None:
        self.given = given

    def certain(self, holder: str) -> list[Given]:
        """Rights that no condition restricts; the condition is one on assigning roles alone."""
        return [one for one in self.given if one.holder == holder]

    def is_admin(self, holder: str) -> bool:
        return any(
            (one.name == "Owner" and one.place == SUB and not one.condition) or one.name == PERMISSIONS[0]
            for one in self.certain(holder)
        )

    def raises_itself(self, holder: str) -> bool:
        assigns = {"Role Based Access Control Administrator", "Owner"}
        return any(
            (one.name in assigns and one.place == SUB and not one.condition) or one.name == PERMISSIONS[1]
            for one in self.certain(holder)
        )

    def becomes(self, holder: str) -> set[str]:
        found: set[str] = set()
        creates = any(one.name in CREATES_MACHINES for one in self.certain(holder))
        for one in self.certain(holder):
            only_assigns = one.name == "Role Based Access Control Administrator" and one.condition
            for targets, able in (
                (MACHINES, one.name in COMMANDS_MACHINES),
                (MANAGED, one.name in SIGNS_IN_AS_MANAGED or (one.name == "Managed Identity Operator" and creates)),
            ):
                inside = {key for key, place in targets.items() if place.startswith(one.place.lower())}
                found |= inside if able and one.place and not only_assigns else set()
            found |= set(APPLICATIONS) if one.name == "Application.ReadWrite.All" else set()
        return found - {holder}

    def powerful(self, holder: str) -> bool:
        """Whether it is an admin, or reaches an admin or what raises itself."""
        seen, todo = {holder}, [holder]
        while todo:
            one = todo.pop()
            if self.is_admin(one) or self.raises_itself(one):
                return True
            for other in self.becomes(one) - seen:
                seen.add(other)
                todo.append(other)
        return False


roles = st.builds(
    Given,
    st.sampled_from(KEYS),
    st.sampled_from(ROLES),
    st.sampled_from([SUB, *GROUPS.values()]),
    st.sampled_from([None, None, ONLY_SOME_ROLES]),
)
permissions = st.builds(Given, st.sampled_from(APPLICATIONS), st.sampled_from(PERMISSIONS))


@examples(200, smoke=200)
@given(st.frozensets(roles | permissions, max_size=7))
def test_levels_are_those_of_what_can_be_reached(given: frozenset[Given]) -> None:
    """In both directions, for every identity; and whoever only could reach something says so."""
    identities, oracle = _identities(), Oracle(given)
    machines = [
        Workload(key=key, provider="azure", source="prod", scope="s", kind="vm", name="m", runs_as=(key,))
        for key in MACHINES
    ]
    resolved = resolve(identities, held_by(identities, _assignments(given)), machines, ())
    own = {one.key: one.privilege for one in resolved.identities}
    raised = raise_by_paths(own, resolved.edges)

    for key in KEYS:
        level = raised[key].level
        assert (level == "admin") == oracle.is_admin(key)
        assert (level in ("admin", "escalation")) == oracle.powerful(key)
        if own[key].level == "escalation":
            assert own[key].evidence[0].startswith("giving itself any ")
    edges = {(one.source, one.target) for one in resolved.edges if not one.conditional}
    able = {key for key, privilege in own.items() if privilege.level in ("admin", "escalation")}
    while more := {source for source, target in edges if target in able} - able:
        able |= more
    assert able == {key for key, privilege in raised.items() if privilege.level in ("admin", "escalation")}


def test_whoever_commands_machines_without_an_admin_is_high() -> None:
    """As long as none of them runs as an admin; then it escalates, and by itself it is what it was."""
    holder, machine = APPLICATIONS[0], next(iter(MACHINES))
    commands = Given(holder, "Virtual Machine Contributor", SUB)

    for rights, level in (({commands}, "high"), ({commands, Given(machine, "Owner", SUB)}, "escalation")):
        identities = _identities()
        machines = [
            Workload(key=machine, provider="azure", source="p", scope="s", kind="vm", name="m", runs_as=(machine,))
        ]
        resolved = resolve(identities, held_by(identities, _assignments(frozenset(rights))), machines, ())
        own = {one.key: one.privilege for one in resolved.identities}

        assert own[holder].level == "high"
        assert own[holder].evidence[0].startswith(POTENTIAL)
        assert raise_by_paths(own, resolved.edges)[holder].level == level
