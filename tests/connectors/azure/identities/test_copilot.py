"""Agents of Copilot Studio, as Resource Graph has them, joined with Entra."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.azure.identities.payloads import CopilotAgent
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.relations import add_agent, add_blueprint, add_owner
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply, refusal
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Coverage, Identity
from tests.connectors.azure.estate import AzureEstate

SECTION = "power_platform.agents"
QUERY = r"/providers/Microsoft\.ResourceGraph"


@pytest.fixture
def place(azure: AzureEstate) -> str:
    """An environment, in a tenant whose subscriptions are read."""
    azure.tenant.add_subscription("prod")
    return azure.tenant.add_environment("Sales")


def _read(azure: AzureEstate, **facts: Any) -> tuple[dict[str, Identity], Coverage]:
    records = azure.read(**facts)
    found = {one.name: one for one in records if isinstance(one, Identity) and one.kind == "copilot_agent"}
    (coverage,) = (one for one in records if isinstance(one, Coverage) and one.section == SECTION)
    return found, coverage


def test_an_agent_with_its_owner_and_its_agent_identity(azure: AzureEstate, place: str) -> None:
    tenant = azure.tenant
    ada = tenant.add_person("Ada", mail="ada@example.com")
    blueprint = add_blueprint(tenant, "studio")
    entra = add_agent(tenant, "helper-entra", blueprint)
    add_owner(tenant, blueprint, ada)
    row = tenant.add_copilot_agent(
        "Helper", place, ownerId=ada["id"], entraAgentId=entra["id"].upper(), botId="b-1", schemaName="cr1_helper",
        isQuarantined=False, model="gpt-5", authentication="Microsoft Entra", channels=["Teams", 7],
        createdAt="2026-04-01T00:00:00Z", lastPublishedAt="2026-05-01T00:00:00Z",
    )  # fmt: skip

    found, coverage = _read(azure)

    agent = found["Helper"]
    assert agent.key == f"azure://{tenant.id}/environments/{place}/agents/{row['name']}"
    assert [(link.relation, link.target) for link in agent.links] == [
        ("runs_as", f"azure://{tenant.id}/agentIdentities/{entra['id']}")
    ]
    facts = agent.attributes
    assert (facts["environment"], facts["environment_id"], facts["created_in"]) == ("Sales", place, "Copilot Studio")
    assert [(one["id"], one["email"]) for one in facts["owners"]] == [(ada["id"], "ada@example.com")]
    assert (facts["model"], facts["channels"], facts["authentication"]) == ("gpt-5", ["Teams"], "Microsoft Entra")
    assert (agent.aliases, agent.enabled, str(agent.created_at)[:10]) == (("b-1", "cr1_helper"), True, "2026-04-01")
    assert judge_agent(agent).is_agent
    assert (coverage.status, coverage.identities) == ("complete", 1)


def test_agents_of_one_id_in_two_environments_are_two(azure: AzureEstate, place: str) -> None:
    other = azure.tenant.add_environment("Dev")
    for environment, name in ((place, "a"), (other, "b")):
        azure.tenant.add_copilot_agent(name, environment)["name"] = guid("same")

    found, _ = _read(azure)

    assert len({one.key for one in found.values()}) == 2


@pytest.mark.parametrize(
    ("properties", "target", "level"),
    [
        ({"entraAgentId": guid("gone")}, f"/agentIdentities/{guid('gone')}", "normal"),
        ({"entraAppId": guid("app")}, f"/applications/{guid('app')}", "normal"),
        ({"entraAgentId": guid("x"), "entraAppId": guid("app")}, f"/agentIdentities/{guid('x')}", "normal"),
        ({}, None, "unknown"),
        ({"entraAgentId": 7, "entraAppId": ""}, None, "unknown"),
    ],
    ids=["not listed", "an application", "both", "neither", "of another shape"],
)
def test_what_it_signs_in_as(azure: AzureEstate, place: str, properties: Any, target: str | None, level: str) -> None:
    azure.tenant.add_copilot_agent("Helper", place, **properties)

    agent = _read(azure)[0]["Helper"]

    assert [link.target.removeprefix(f"azure://{azure.tenant.id}") for link in agent.links] == (
        [target] if target else []
    )
    assert (agent.privilege.level, agent.unread) == (level, ())


def test_a_quarantined_agent_is_switched_off(azure: AzureEstate, place: str) -> None:
    azure.tenant.add_copilot_agent("Helper", place, isQuarantined=True)
    azure.tenant.add_copilot_agent("Unclear", place, isQuarantined="yes")

    found, _ = _read(azure)

    assert (found["Helper"].enabled, found["Unclear"].enabled) == (False, None)


def test_an_owner_whom_nobody_else_names_is_an_id(azure: AzureEstate, place: str) -> None:
    """A roster with that id knows who it is."""
    azure.tenant.add_copilot_agent("Helper", place, ownerId=guid("bob"))

    (owner,) = _read(azure)[0]["Helper"].attributes["owners"]
    assert (owner["id"], owner["email"]) == (guid("bob"), None)


# --- What cannot be read ---


def test_a_refusal_is_denied_and_names_the_role(azure: AzureEstate, place: str) -> None:
    azure.tenant.add_copilot_agent("Helper", place)
    azure.server.faults.add(Fault(service="arm", path=QUERY, reply=refusal("arm", 403, "AuthorizationFailed")))

    found, coverage = _read(azure)

    assert (found, coverage.status) == ({}, "denied")
    assert "Power Platform Administrator" in str(coverage.permission)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (refusal("arm", 400, "BadRequest", "Table PowerPlatformResources is invalid or disallowed."), "not_offered"),
        (refusal("arm", 400, "BadRequest", "Something else."), "failed"),
        (Reply(status=502, body=b"<html>"), "failed"),
    ],
)
def test_other_answers(azure: AzureEstate, place: str, reply: Reply, status: str) -> None:
    assert place
    azure.server.faults.add(Fault(service="arm", path=QUERY, reply=reply))

    assert _read(azure)[1].status == status


def test_a_table_that_shows_nothing_says_what_may_be_missing(azure: AzureEstate) -> None:
    """Resource Graph does not refuse what an application may not see."""
    azure.tenant.add_subscription("prod")

    coverage = _read(azure)[1]

    assert coverage.status == "not_offered"
    assert "Power Platform Administrator" in str(coverage.detail)


def test_an_environment_without_agents_is_complete(azure: AzureEstate, place: str) -> None:
    assert place
    assert _read(azure)[1].status == "complete"


def test_a_row_without_its_environment_is_a_gap(azure: AzureEstate, place: str) -> None:
    """Its key would be another one the next time."""
    azure.tenant.add_copilot_agent("Helper", place)
    azure.tenant.add_copilot_agent("Lost", "")

    found, coverage = _read(azure)

    assert (set(found), coverage.status) == ({"Helper"}, "partial")


def test_without_subscriptions_resource_graph_is_not_asked(azure: AzureEstate, place: str) -> None:
    azure.tenant.add_copilot_agent("Helper", place)

    found, coverage = _read(azure, subscriptions=(), management_groups=())

    assert (found, coverage.status, coverage.calls) == ({}, "off", 0)


def test_many_agents_take_a_request_for_each_thousand(azure: AzureEstate, place: str) -> None:
    for number in range(1500):
        azure.tenant.add_copilot_agent(f"a{number}", place)

    found, coverage = _read(azure)

    assert (len(found), coverage.calls) == (1500, 2)


@pytest.mark.parametrize("value", [None, 7, "", "  ", ["x"]])
def test_a_property_of_another_shape_is_none(value: object) -> None:
    assert CopilotAgent(id="1", environment="e", properties={"model": value}).text("model") is None
