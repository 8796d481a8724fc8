"""Workloads and agents, and the identities they run as."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.access.workloads import agents_roles, consumers, placed, with_open_gateways, with_rights_of_roles
from scanner.model import AgentVerdict, Identity, Link, Privilege, PrivilegeLevel, Workload
from tests.factories import ACCOUNT, make_identity

ROLE = make_identity("etl", key=f"arn:aws:iam::{ACCOUNT}:role/jobs/etl", kind="role")
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:etl"
AGENT = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:agent/A1"


def workload(*runs_as: str, **facts: Any) -> Workload:
    """A function of the account."""
    defaults = {"key": FUNCTION, "provider": "aws", "source": "prod", "scope": ACCOUNT, "kind": "lambda_function"}
    return Workload(**{**defaults, "name": "etl", "runs_as": runs_as, **facts})


def agent(*roles: str, level: PrivilegeLevel = "unknown") -> Identity:
    """A Bedrock agent that runs as these."""
    links = tuple(Link(relation="runs_as", target=role, evidence="it says so") for role in roles)
    return make_identity("helper", key=AGENT, kind="bedrock_agent", links=links, privilege=Privilege(level=level))


@pytest.mark.parametrize(
    ("named", "identities", "found"),
    [
        (ROLE.key, [ROLE], ROLE.key),
        (f"arn:aws:iam::{ACCOUNT}:role/etl", [ROLE], ROLE.key),
        (f"arn:aws:iam::{ACCOUNT}:role/etl", [replace(ROLE, scope="9")], f"arn:aws:iam::{ACCOUNT}:role/etl"),
        (f"arn:aws:iam::{ACCOUNT}:role/etl", [ROLE, replace(ROLE, key="other")], f"arn:aws:iam::{ACCOUNT}:role/etl"),
        ("unknown", [ROLE], "unknown"),
    ],
    ids=["by key", "without its path", "in another account", "two of that name", "not discovered"],
)
def test_a_role_without_its_path_is_found(named: str, identities: list[Identity], found: str) -> None:
    """Some services name a role without its path. An ambiguous name is not resolved."""
    [one] = placed([workload(named)], identities)

    assert one.runs_as == (found,)


def test_consumers_are_workloads_and_agents() -> None:
    """Everything that runs as an identity, sorted by key."""
    found = consumers([workload(ROLE.key), workload(ROLE.key, key="z"), workload(key="idle")], [ROLE, agent(ROLE.key)])

    assert found == {ROLE.key: (AGENT, FUNCTION, "z")}


@pytest.mark.parametrize(
    ("facts", "decides"),
    [
        ({"sign_in": "NONE"}, None),
        ({"sign_in": "NONE", "policy_engine": "arn:engine"}, "a policy engine"),
        ({"sign_in": "NONE", "interceptors": ["arn:function"]}, "a function before each call"),
    ],
)
def test_a_gateway_without_an_authorizer_is_on_what_it_runs_as(facts: dict[str, Any], decides: str | None) -> None:
    """And on nothing else."""
    gateway = workload(ROLE.key, kind="agentcore_gateway", name="tools", attributes=facts)
    role, other = with_open_gateways([ROLE, make_identity("other")], [gateway])

    assert role.attributes["gateways_without_authorizer"] == [{"gateway": "tools", "decides": decides}]
    assert other.attributes == {}


@pytest.mark.parametrize(
    "near",
    [
        {"kind": "agentcore_gateway", "attributes": {"sign_in": "AWS_IAM"}},
        {"kind": "agentcore_gateway", "attributes": {"sign_in": "CUSTOM_JWT"}},
        {"kind": "agentcore_gateway", "attributes": {"sign_in": "AUTHENTICATE_ONLY"}},
        {"kind": "agentcore_gateway", "attributes": {}},
        {"kind": "agentcore_payment_manager", "attributes": {"sign_in": "NONE"}},
    ],
)
def test_a_gateway_with_an_authorizer_is_none_of_them(near: dict[str, Any]) -> None:
    """Neither is one whose authorizer is not known, or something else."""
    assert with_open_gateways([ROLE], [workload(ROLE.key, **near)]) == (ROLE,)


@pytest.mark.parametrize(
    ("own", "roles", "level", "evidence"),
    [
        ("unknown", {"r": "normal"}, "normal", ["runs as r, whose privilege is normal: why r"]),
        ("unknown", {"r": "normal", "s": "admin"}, "admin", ["runs as s, whose privilege is admin: why s"]),
        ("unknown", {"r": "normal", "gone": None}, "unknown", ["runs as gone, whose privilege is unknown"]),
        ("unknown", {"r": "high", "gone": None}, "high", ["runs as r, whose privilege is high: why r"]),
        ("high", {"r": "normal"}, "high", ["runs as r, whose privilege is normal: why r"]),
    ],
    ids=["its role's", "the highest", "an unknown role", "known to be more", "its own"],
)
def test_an_agent_has_the_rights_of_its_roles(
    own: PrivilegeLevel, roles: dict[str, PrivilegeLevel | None], level: PrivilegeLevel, evidence: list[str]
) -> None:
    """The highest first, with the reason."""
    known = {role: Privilege(level=of, evidence=(f"why {role}",)) for role, of in roles.items() if of is not None}
    subject = agent(*roles, level=own)
    found = with_rights_of_roles({AGENT: subject.privilege, **known}, [subject])

    assert found[AGENT].level == level
    assert list(found[AGENT].evidence[:1]) == evidence
    assert {key: found[key] for key in known} == known


@pytest.mark.parametrize("is_agent", [True, False])
def test_the_role_of_an_agent_is_an_agent(is_agent: bool) -> None:
    """The agent acts as the role. Workloads that are no agents do not make it one."""
    found = agents_roles([ROLE, agent(ROLE.key)], {ROLE.key: AgentVerdict(), AGENT: AgentVerdict(is_agent=is_agent)})

    assert found[ROLE.key].is_agent is is_agent
    assert [signal.evidence for signal in found[ROLE.key].signals] == ["the bedrock agent helper runs as it"] * is_agent
