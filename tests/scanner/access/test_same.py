"""Which identities are the same thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.access.same import MOST, same_things
from scanner.model import Identity, Link, Relation, Trust, Workload
from tests.factories import make_identity


def linked(key: str, relation: Relation, *targets: str, kind: str = "role", trusts: tuple[Trust, ...] = ()) -> Identity:
    links = tuple(Link(relation=relation, target=target, evidence="x") for target in targets)
    return make_identity(key, key=key, kind=kind, links=links, trusts=trusts)


def workload(*roles: str) -> Workload:
    return Workload(key="w", provider="aws", source="prod", scope="1", kind="ecs_task", name="shop", runs_as=roles)


def pairs(*identities: Identity, workloads: tuple[Workload, ...] = ()) -> dict[str, list[str]]:
    found = same_things(identities, workloads)
    return {key: [one.key for one in others] for key, others in sorted(found.items())}


ROLE, ISSUER = make_identity("r", key="r"), make_identity("i", key="i", kind="oidc_provider")
TRUST = Trust(principal="u", kind="principal", external=False, restriction="exact", evidence="x")


@pytest.mark.parametrize(
    ("identities", "expected"),
    [
        ([linked("a", "runs_as", "r"), ROLE], {"a": ["r"], "r": ["a"]}),
        ([linked("a", "runs_as", "r")], {}),
        ([linked("a", "federates", "r"), ROLE], {"a": ["r"], "r": ["a"]}),
        ([linked("a", "federates", "r"), linked("r", "federates", "a")], {"a": ["r"], "r": ["a"]}),
        ([linked("a", "federates", "r", "b"), ROLE, make_identity("b", key="b")], {}),
        ([linked("a", "federates", "r"), linked("b", "federates", "r"), ROLE], {}),
        ([linked("a", "federates", "i"), ISSUER], {}),
        ([linked("a", "federates", "i", "r"), ISSUER, ROLE], {"a": ["r"], "r": ["a"]}),
        ([linked("u", "can_assume", "t"), linked("t", "stores", trusts=(TRUST,))], {}),
        ([linked("u", "can_assume", "t"), linked("t", "stores", "s", trusts=(TRUST,))], {"t": ["u"], "u": ["t"]}),
        ([linked("u", "can_assume", "t", "s"), linked("t", "stores", "s", trusts=(TRUST,))], {}),
        ([linked("u", "can_assume", "t"), linked("t", "stores", "s", trusts=(TRUST, TRUST))], {}),
        ([linked("a", "member_of", "r"), ROLE], {}),
    ],
    ids=[
        "agent and role", "role unread", "federated", "both say so", "names two", "named by two", "issuer only",
        "issuer beside", "trust unread", "only it may become it", "may become others", "trusted beside others", "group",
    ],
)  # fmt: skip
def test_what_is_the_same_thing(identities: list[Identity], expected: dict[str, list[str]]) -> None:
    """An agent and its role; two that only each other sign in as. Whoever is shared is nobody's."""
    assert pairs(*identities) == expected


def test_a_role_of_many_agents_is_shared() -> None:
    """What many run as says nothing about each."""
    agents = [linked(f"a{number}", "runs_as", "r") for number in range(MOST + 1)]

    assert pairs(*agents, ROLE) == {}
    assert set(pairs(*agents[1:], ROLE)["r"]) == {"a1", "a2", "a3"}


@pytest.mark.parametrize(("roles", "others"), [(("r", "x"), {"r": ["x"], "x": ["r"]}), (("r",), {}), ((), {})])
def test_roles_of_one_workload(roles: tuple[str, ...], others: dict[str, list[str]]) -> None:
    """The task role and the execution role of a task are one thing."""
    assert pairs(ROLE, workloads=(workload(*roles),)) == others


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.sampled_from(("runs_as", "federates", "can_assume")),
            st.lists(st.sampled_from("abcd"), max_size=3),
        ),
        max_size=4,
        unique_by=lambda one: one[0],
    )
)
def test_it_is_mutual(estate: list[tuple[str, Relation, list[str]]]) -> None:
    """If one is the same thing as another, that is the same thing as the one; nothing is compared with itself."""
    found = pairs(*(linked(key, relation, *targets) for key, relation, targets in estate))

    assert all(key in found[other] for key, others in found.items() for other in others)
    assert all(key not in others for key, others in found.items())
