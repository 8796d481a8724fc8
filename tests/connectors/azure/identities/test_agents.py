"""Agents, their blueprints and their accounts."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.relations import add_agent, add_agent_user, add_blueprint, add_owner
from scanner.demo.fakes.azure.tenant import Row, guid
from scanner.demo.fakes.azure.wire import refusal
from scanner.judging.agents.verdict import judge_agent
from scanner.judging.nature import judge_nature
from scanner.model import Identity
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantRead

KINDS = {"helper": "agent_blueprint", "helper-1": "agent_identity", "helper1@contoso.example": "agent_user"}


@pytest.fixture
def agents(azure: AzureEstate) -> dict[str, Row]:
    """A blueprint with a secret, an agent made from it, and the account that this one acts as."""
    tenant = azure.tenant
    blueprint = add_blueprint(tenant, "helper", passwordCredentials=[{"keyId": guid("secret")}])
    agent = add_agent(tenant, "helper-1", blueprint)
    return {"blueprint": blueprint, "agent": agent, "user": add_agent_user(tenant, "helper1", agent)}


def _links(identity: Identity) -> set[tuple[str, str]]:
    return {(link.relation, link.target) for link in identity.links}


def test_who_holds_a_blueprint_s_secret_is_each_of_its_agents(tenant_read: TenantRead, agents: dict[str, Row]) -> None:
    """And each agent is the account that was made for it."""
    found = tenant_read().identities

    assert {name: one.kind for name, one in found.items()} == KINDS
    blueprint, agent, user = found["helper"], found["helper-1"], found["helper1@contoso.example"]
    assert [one.id for one in blueprint.credentials] == [guid("secret")]
    assert agent.credentials == ()
    assert _links(blueprint) == {("can_assume", agent.key)}
    assert _links(agent) == {("can_assume", user.key), ("member_of", blueprint.key)}
    assert agent.unique_id == agents["agent"]["id"]
    assert user.attributes["agent"] == agent.key


def test_all_of_them_are_agents_and_no_people(tenant_read: TenantRead, agents: dict[str, Row]) -> None:
    """Entra says so, which is the strongest sign there is."""
    assert agents
    for identity in tenant_read().identities.values():
        assert judge_agent(identity).is_agent
        assert judge_nature(identity, None).verdict == "non_human"


@pytest.mark.parametrize("refused", [False, True])
def test_who_sponsors_them_is_reported(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row], *, refused: bool
) -> None:
    """With the lists, or one by one where that is not taken."""
    ada = azure.tenant.add_person("Ada", mail="ada@example.com")
    for row in agents.values():
        add_owner(azure.tenant, row, ada, relation="sponsors")
    if refused:
        path = r"/v1\.0/.*\?.*expand=sponsors"
        azure.server.faults.add(Fault(service="graph", path=path, reply=refusal("graph", 400, "Request_BadRequest")))

    found = tenant_read()

    assert found.gaps == {}
    told_of = {
        name: [one["email"] for one in identity.attributes["sponsors"]] for name, identity in found.identities.items()
    }
    assert told_of == {name: ["ada@example.com"] for name in KINDS}


def test_more_than_twenty_sponsors_are_asked_for(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row]
) -> None:
    """As with owners."""
    for number in range(23):
        person = azure.tenant.add_person(f"p{number}")
        add_owner(azure.tenant, agents["agent"], person, relation="sponsors")

    assert len(tenant_read().identities["helper-1"].attributes["sponsors"]) == 23


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (None, {"helper": [], "helper-1": [], "helper1@contoso.example": []}),
        ("servicePrincipals/microsoft.graph.agentIdentity\\?", {"helper": [], "helper1@contoso.example": []}),
        (
            "applications/microsoft.graph.agentIdentityBlueprint\\?",
            {"helper-1": [], "helper1@contoso.example": []},
        ),
        (
            "servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal\\?",
            {"helper-1": [], "helper1@contoso.example": []},
        ),
    ],
)
def test_that_no_one_sponsors_an_agent_is_said_where_it_is_known(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row], path: str | None, expected: dict[str, Any]
) -> None:
    """A list of their own type that cannot be read leaves it open; agents are found by the other lists."""
    if path is not None:
        azure.server.faults.deny("graph", rf"/v1\.0/{path}")

    found = tenant_read()

    assert agents
    sponsors = {name: one.attributes.get("sponsors") for name, one in found.identities.items()}
    assert {name: some for name, some in sponsors.items() if some is not None} == expected
    assert {name: one.kind for name, one in found.identities.items()} == KINDS
    assert len(found.gaps) == (0 if path is None else 1)


@pytest.mark.parametrize(("status", "code"), [(400, "Request_BadRequest"), (404, "Request_ResourceNotFound")])
def test_where_the_cloud_has_no_agents_that_is_no_gap(
    azure: AzureEstate, tenant_read: TenantRead, status: int, code: str
) -> None:
    """It does not know their types."""
    azure.tenant.add_application("shop")
    path = r"/v1\.0/\w+/microsoft\.graph\."
    azure.server.faults.add(Fault(service="graph", path=path, reply=refusal("graph", status, code)))

    found = tenant_read()

    assert found.gaps == {}
    sections = ("graph.agent_identities", "graph.agent_blueprints", "graph.agent_users")
    assert {found.coverage[section].status for section in sections} == {"not_offered"}
    assert found.identities.keys() == {"shop"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("applications/microsoft.graph.agentIdentityBlueprint", "partial"),
        ("servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal", "partial"),
        (".*/microsoft.graph.agentIdentityBlueprint", "denied"),
    ],
)
def test_either_face_of_a_blueprint_is_read_without_the_other(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row], path: str, status: str
) -> None:
    """Each list takes a permission of its own."""
    azure.server.faults.deny("graph", rf"/v1\.0/{path}")

    found = tenant_read()

    assert agents
    below = {"graph.inheritable_permissions": "denied"} if status == "denied" else {}
    assert found.gaps == {"graph.agent_blueprints": status, **below}
    assert found.coverage["graph.agent_blueprints"].calls == 2


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ("graph.agent_identities", r"servicePrincipals/microsoft\.graph\.agentIdentity\?"),
        ("graph.agent_blueprints", r"applications/microsoft\.graph\.agentIdentityBlueprint\?"),
        ("graph.agent_users", r"users/microsoft\.graph\.agentUser"),
    ],
)
def test_where_other_lists_say_of_agents_one_that_is_not_there_is_a_gap(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row], section: str, path: str
) -> None:
    """A cloud without agents has none of them; else those that were known would be said to have left."""
    missing = refusal("graph", 404, "Request_ResourceNotFound")
    azure.server.faults.add(Fault(service="graph", path=rf"/v1\.0/{path}", reply=missing))

    found = tenant_read()

    assert agents
    assert set(found.gaps) == {section}


def test_where_agents_cannot_be_listed_what_their_blueprint_becomes_is_uncertain(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row]
) -> None:
    """What was known of it before stands."""
    azure.server.faults.deny("graph", r"/v1\.0/servicePrincipals/microsoft\.graph\.agentIdentity\?")

    found = tenant_read().identities

    assert agents
    assert found["helper"].unread == ("permissions",)
    assert "can_assume" not in {relation for relation, _ in _links(found["helper"])}


def test_where_accounts_of_agents_cannot_be_listed_who_an_agent_becomes_is_uncertain(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row]
) -> None:
    """That it became an account is not over."""
    azure.server.faults.deny("graph", r"/v1\.0/users/microsoft\.graph\.agentUser")

    found = tenant_read().identities

    assert agents
    assert found["helper-1"].unread == ("permissions",)


@pytest.mark.parametrize("section", ["graph.service_principals", "graph.applications"])
def test_a_blueprint_that_a_plain_list_may_have_reported_of_has_not_left_where_that_broke_off(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row], section: str
) -> None:
    """Plain lists have blueprints and agents, too: where the lists of their own types do not, no one else says."""
    path = section.removeprefix("graph.").replace("service_p", "serviceP")
    azure.server.faults.deny("graph", rf"/v1\.0/{path}\?")

    gap = tenant_read().coverage[section]

    assert agents
    assert gap.is_gap
    assert "agent_blueprint" in gap.kinds


def test_an_agent_is_found_where_the_list_of_principals_does_not_have_it(
    azure: AzureEstate, tenant_read: TenantRead, agents: dict[str, Row]
) -> None:
    """Whether that list has agents is not documented, so their own is read, too."""
    azure.server.faults.add(
        Fault(service="graph", path=r"/v1\.0/servicePrincipals\?", reply=refusal("graph", 403, "x"), times=1)
    )

    found = tenant_read().identities

    assert agents
    assert {name for name, one in found.items() if one.kind == "agent_identity"} == {"helper-1"}
