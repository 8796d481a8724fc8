"""Levels of random estates against an oracle: what is allowed where, written out for every account."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from connectors.gcp.keys import service_agent_key
from connectors.gcp.rights.assignments import identities_in
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.trusts import Pools
from scanner.access.assignments import held_by
from scanner.access.edges import resolve
from scanner.access.raised_privileges import raise_by_paths
from scanner.model import POTENTIAL, Identity, Privilege, Workload
from tests.connectors.gcp.rights.estate import ORGANIZATION, TREE, assigned, bound, key_of
from tests.examples import examples
from tests.factories import make_identity

PROJECTS = ("acme-prod", "acme-dev")
NUMBERS = {project: number for number, project in TREE.numbers.items()}
ACCOUNTS = {f"{name}@{project}.iam.gserviceaccount.com": project for name, project in product("abc", PROJECTS)}
ABOVE = {
    "acme-prod": {"projects/acme-prod", "folders/45", ORGANIZATION},
    "acme-dev": {"projects/acme-dev", ORGANIZATION},
}
POOL = "projects/{}/locations/global/workloadIdentityPools/ci"
SUBJECTS = {f"principal://iam.googleapis.com/{POOL.format(NUMBERS[one])}/subject/me": one for one in PROJECTS}
POD = "acme-prod.svc.id.goog[shop/cart]"
BUILD_AGENTS = {f"{NUMBERS[project]}@cloudbuild.gserviceaccount.com": project for project in PROJECTS}
MEMBERS = (*ACCOUNTS, *SUBJECTS, *BUILD_AGENTS, POD)

GRANT, TOKEN, ACT, RUN = (
    "resourcemanager.projects.setIamPolicy", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.actAs",
    "run.services.create",
)  # fmt: skip
CHANGE, VOUCH, BUILD, ORDER = (
    "iam.roles.update", "iam.workloadIdentityPoolProviders.update", "cloudbuild.builds.create",
    "osconfig.patchJobs.exec",
)  # fmt: skip
HARMLESS = "compute.instances.list"
PERMISSIONS = (GRANT, TOKEN, ACT, RUN, CHANGE, VOUCH, BUILD, ORDER, HARMLESS)
ROLES = {
    **{f"roles/{name}": (name,) for name in PERMISSIONS},
    "roles/runs": (ACT, RUN),
    "projects/acme-prod/roles/own": (HARMLESS,),
    "projects/acme-dev/roles/changes": (CHANGE,),
    f"{ORGANIZATION}/roles/own": (VOUCH,),
}
CONTAINERS = (ORGANIZATION, "folders/45", "projects/acme-prod", "projects/acme-dev")


class Given(Struct, frozen=True):
    """A binding: who has which role where. A place with an ``@`` is an account."""

    member: str
    role: str
    place: str

    def binding(self) -> Binding:
        place = key_of(self.place, ACCOUNTS[self.place]) if self.place in ACCOUNTS else self.place
        return bound(place, self.role, self.member if "://" in self.member else f"serviceAccount:{self.member}")


def _identities(bindings: list[Binding]) -> tuple[Identity, ...]:
    listed = [
        make_identity(
            email, key=key_of(email, project), provider="gcp", scope=project, kind="service_account",
            aliases=(email,), privilege=Privilege(level="normal"),
        )
        for email, project in ACCOUNTS.items()
    ]  # fmt: skip
    named = identities_in(bindings, TREE, Pools(()), source="prod", scope=ORGANIZATION)
    return (*listed, *named)


def _workloads() -> list[Workload]:
    """A machine in each project that runs as the account ``c`` there."""
    return [
        Workload(
            key=f"//compute.googleapis.com/projects/{project}/zones/z/instances/m", provider="gcp", source="prod",
            scope=project, kind="vm", name="m", runs_as=(key_of(f"c@{project}.iam.gserviceaccount.com", project),),
        )
        for project in PROJECTS
    ]  # fmt: skip


def _key(member: str) -> str:
    if member in ACCOUNTS:
        return key_of(member, ACCOUNTS[member])
    return service_agent_key(member) if member in BUILD_AGENTS else member


class Oracle:
    """What follows from the bindings, account by account, without patterns, roles or families of methods."""

    def __init__(self, given: frozenset[Given]) -> None:
        self.held = {(one.member, name, one.place) for one in given for name in ROLES[one.role]}
        custom = (one for one in given if not one.role.startswith("roles/"))
        self.roles = {(one.member, one.role) for one in custom if one.place in CONTAINERS}
        self.bound = {one.member for one in given}

    def may(self, member: str, permission: str, project: str, account: str = "") -> bool:
        return any((member, permission, place) in self.held for place in {*ABOVE[project], account})

    def is_admin(self, member: str) -> bool:
        return any((member, GRANT, place) in self.held for place in CONTAINERS)

    def raises_itself(self, member: str) -> bool:
        for holder, role in self.roles:
            parent = role.partition("/roles/")[0]
            above = ABOVE[parent.removeprefix("projects/")] if parent.startswith("projects/") else {ORGANIZATION}
            if holder == member and any((member, CHANGE, place) in self.held for place in above):
                return True
        return False

    def becomes(self, member: str) -> set[str]:
        found = set()
        for email, project in ACCOUNTS.items():
            runs = self.may(member, RUN, project) or self.may(member, BUILD, project)
            if self.may(member, TOKEN, project, email) or (self.may(member, ACT, project, email) and runs):
                found.add(email)
            if self.may(member, ORDER, project) and email.startswith("c@"):
                found.add(email)
        for others, permission in ((SUBJECTS, VOUCH), (BUILD_AGENTS, BUILD)):
            found |= {
                one for one, project in others.items() if one in self.bound and self.may(member, permission, project)
            }
        return found - {member}

    def powerful(self, member: str) -> bool:
        """Whether it is an admin, or reaches an admin or what raises itself."""
        seen, todo = {member}, [member]
        while todo:
            one = todo.pop()
            if self.is_admin(one) or self.raises_itself(one):
                return True
            for other in self.becomes(one) - seen:
                seen.add(other)
                todo.append(other)
        return False


bindings = st.builds(
    Given, st.sampled_from(MEMBERS), st.sampled_from(sorted(ROLES)), st.sampled_from([*CONTAINERS, *ACCOUNTS])
)


@examples(200, smoke=200)
@given(st.frozensets(bindings, max_size=8))
def test_levels_are_those_of_what_can_be_reached(given: frozenset[Given]) -> None:
    """In both directions, for every member; and whoever only could reach something says so."""
    made = [one.binding() for one in sorted(given, key=repr)]
    identities = _identities(made)
    oracle = Oracle(given)
    held = held_by(identities, assigned(*made, roles=ROLES))
    resolved = resolve(identities, held, _workloads(), ())
    own = {one.key: one.privilege for one in resolved.identities}
    raised = raise_by_paths(own, resolved.edges)

    members = {_key(member): member for member in MEMBERS}
    for identity in identities:
        member = members[identity.key]
        level = raised[identity.key].level
        assert (level == "admin") == oracle.is_admin(member), member
        assert (level in ("admin", "escalation")) == oracle.powerful(member), member
        assert level != "unknown"
        if own[identity.key].level == "escalation":
            assert own[identity.key].evidence[0].startswith("changing a custom role that it holds on ")
    _agree_with_paths(raised, own, {(one.source, one.target) for one in resolved.edges if not one.conditional})


def _agree_with_paths(
    raised: Mapping[str, Privilege], own: Mapping[str, Privilege], edges: set[tuple[str, str]]
) -> None:
    """An identity is powerful exactly if the unconditional edges lead to an admin or to one that raises itself."""
    able = {key for key, privilege in own.items() if privilege.level in ("admin", "escalation")}
    while more := {source for source, target in edges if target in able} - able:
        able |= more
    assert able == {key for key, privilege in raised.items() if privilege.level in ("admin", "escalation")}


@pytest.mark.parametrize(
    ("roles", "level"),
    [
        (("roles/iam.roles.update",), "high"),
        (("roles/iam.roles.update", "projects/acme-prod/roles/own"), "escalation"),
        (("projects/acme-dev/roles/changes",), "high"),
        (("roles/iam.roles.update", f"{ORGANIZATION}/roles/own"), "high"),
    ],
)
def test_only_who_holds_a_custom_role_there_can_change_its_own(roles: tuple[str, ...], level: str) -> None:
    """Google's own roles cannot be changed, and one of another project or of the organization is changed there."""
    made = [Given("a@acme-prod.iam.gserviceaccount.com", role, "projects/acme-prod").binding() for role in roles]
    (first, *_) = assigned(*made, roles=ROLES)

    assert first.privilege.level == level
    assert first.privilege.evidence[0].startswith(POTENTIAL) == (level == "high")


def test_a_custom_role_on_a_thing_gives_nothing_beyond_it() -> None:
    """Whatever it is changed to allow, it allows on that one account."""
    member = "a@acme-prod.iam.gserviceaccount.com"
    changes = Given(member, "roles/iam.roles.update", "projects/acme-prod").binding()
    narrow = Given(member, "projects/acme-prod/roles/own", "b@acme-prod.iam.gserviceaccount.com").binding()

    assert assigned(changes, narrow, roles=ROLES)[0].privilege.level == "high"


def test_principals_of_a_pool_are_reached_by_whoever_vouches_for_them() -> None:
    """Those of the cluster's pool are Google's, and nobody adds a provider to it."""
    member, subject = "a@acme-prod.iam.gserviceaccount.com", next(iter(SUBJECTS))
    vouches = Given(member, f"roles/{VOUCH}", "projects/acme-prod")
    others = [Given(one, f"roles/{HARMLESS}", ORGANIZATION) for one in (subject, POD)]

    estates = ([vouches], [vouches, *others])
    alone, among = (assigned(*(one.binding() for one in estate), roles=ROLES)[0] for estate in estates)

    assert (alone.privilege.level, alone.becomes) == ("high", ())
    assert (among.privilege.level, among.becomes) == (
        "high",
        (f"principal*://iam.googleapis.com/{POOL.format('111')}/*",),
    )
