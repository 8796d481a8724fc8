"""What agents inherit from their blueprint: what it declares inheritable, and was granted here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.rights.inheritance import MICROSOFT_GRAPH, AzureLine, Inheritable, Pattern, blocked
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.relations import add_agent, add_blueprint, hand_on
from scanner.demo.fakes.azure.rights import GRAPH, add_api, consent, permit
from scanner.demo.fakes.azure.tenant import Row, Tenant, guid
from scanner.demo.fakes.azure.wire import refusal
from scanner.model import Assignment
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantRead, TenantReading

PERMISSIONS = ("Mail.ReadWrite", "Files.ReadWrite.All", "User.Read.All")
ALL_SCOPES = {"@odata.type": "#microsoft.graph.allAllowedScopes", "kind": "allAllowed"}
ALL_ROLES = {"@odata.type": "#microsoft.graph.allAllowedRoles", "kind": "allAllowed"}
SOME_SCOPES = {"@odata.type": "#microsoft.graph.enumeratedScopes", "kind": "enumerated", "scopes": ["Mail.Send"]}
INHERITABLE = r"/v1\.0/applications/[\w-]+/microsoft\.graph\.agentIdentityBlueprint/inheritable"
VENDOR = guid("fabrikam")


class Place:
    """A blueprint with an agent, and Graph."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.graph = add_api(tenant, "Microsoft Graph", GRAPH, PERMISSIONS)
        self.blueprint = add_blueprint(tenant, "helper")
        self.principal = next(one for one in tenant.service_principals.values() if one["displayName"] == "helper")
        self.agent = add_agent(tenant, "helper-1", self.blueprint)

    def grant(self) -> None:
        """An application permission that agents may have, a blocked one, and two delegated ones."""
        permit(self.tenant, self.graph, "Mail.ReadWrite", self.principal)
        permit(self.tenant, self.graph, "Files.ReadWrite.All", self.principal)
        consent(self.tenant, self.principal, self.graph, "Mail.Send Directory.AccessAsUser.All")
        consent(self.tenant, self.principal, self.graph, "Chat.ReadWrite", user=self.tenant.add_person("Ada"))


@pytest.fixture
def place(azure: AzureEstate) -> Place:
    return Place(azure.tenant)


def _inherited(read: TenantReading, agent: Row) -> dict[str, Assignment]:
    return {one.grant.name: one for one in read.assignments if one.holder == agent["id"]}


@pytest.mark.parametrize(
    ("scopes", "roles", "expected"),
    [
        (ALL_SCOPES, ALL_ROLES, {"Mail.ReadWrite", "Mail.Send", "Chat.ReadWrite"}),
        (ALL_SCOPES, None, {"Mail.Send", "Chat.ReadWrite"}),
        (SOME_SCOPES, None, {"Mail.Send"}),
        (None, ALL_ROLES, {"Mail.ReadWrite"}),
        (None, None, set()),
    ],
)
def test_an_agent_has_what_its_blueprint_hands_on_and_was_granted(
    place: Place, tenant_read: TenantRead, scopes: Row | None, roles: Row | None, expected: set[str]
) -> None:
    """Scopes and roles each on their own, without what is blocked for agents; with the reasons of the blueprint's."""
    place.grant()
    hand_on(place.tenant, place.blueprint, place.graph, scopes=scopes, roles=roles)

    read = tenant_read()

    found = _inherited(read, place.agent)
    own = {one.grant.name: one for one in read.assignments if one.holder == place.principal["id"]}
    assert found.keys() == expected
    for name, right in found.items():
        assert right.grant.via == "inherited from helper"
        assert (right.privilege, right.consequences) == (own[name].privilege, own[name].consequences)
    agent = read.identities["helper-1"]
    assert {text.partition(" ")[0] for text in agent.attributes.get("inherits", ())} == expected
    assert agent.attributes.get("inherits", []) == sorted(agent.attributes.get("inherits", ()))
    assert (agent.privilege.level, agent.unread, read.gaps) == ("normal", (), {})
    assert len({one.key for one in read.assignments}) == len(read.assignments)


def test_what_an_agent_inherits_is_named_with_its_api(place: Place, tenant_read: TenantRead) -> None:
    """As the lock of agents has it."""
    place.grant()
    hand_on(place.tenant, place.blueprint, place.graph, scopes=SOME_SCOPES, roles=ALL_ROLES)

    assert tenant_read().identities["helper-1"].attributes["inherits"] == [
        "Mail.ReadWrite of Microsoft Graph",
        "Mail.Send of Microsoft Graph (delegated)",
    ]


def test_an_api_that_is_not_declared_is_not_inherited(place: Place, tenant_read: TenantRead) -> None:
    """Each API is declared on its own."""
    place.grant()
    other = add_api(place.tenant, "Orders", guid("orders"), ["Orders.Read"])
    permit(place.tenant, other, "Orders.Read", place.principal)
    hand_on(place.tenant, place.blueprint, other, roles=ALL_ROLES)

    assert _inherited(tenant_read(), place.agent).keys() == {"Orders.Read"}


@pytest.mark.parametrize(("status", "expected"), [(403, "denied"), (404, "failed"), (500, "failed")])
def test_where_declarations_cannot_be_read_the_agent_is_unknown(
    azure: AzureEstate, place: Place, tenant_read: TenantRead, status: int, expected: str
) -> None:
    """Never without a right, whatever was granted."""
    azure.server.faults.add(Fault(service="graph", path=INHERITABLE, reply=refusal("graph", status, "x")))

    read = tenant_read()

    assert place.agent["displayName"] in read.identities
    assert read.gaps == {"graph.inheritable_permissions": expected}
    agent = read.identities["helper-1"]
    assert agent.privilege.level == "unknown"
    assert agent.privilege.evidence == ("what its blueprint hands on to it could not be read",)
    assert agent.unread == ("permissions",)
    assert read.identities["helper"].privilege.level == "normal"


def test_without_the_roles_in_the_answer_it_is_unknown_whether_they_are_inherited(
    place: Place, tenant_read: TenantRead
) -> None:
    """The metadata of Graph v1.0 has scopes alone."""
    place.grant()
    del hand_on(place.tenant, place.blueprint, place.graph, scopes=SOME_SCOPES)["inheritableRoles"]

    read = tenant_read()

    assert _inherited(read, place.agent).keys() == {"Mail.Send"}
    privilege = read.identities["helper-1"].privilege
    assert privilege.level == "unknown"
    assert privilege.evidence == (
        "whether it inherits Mail.ReadWrite of Microsoft Graph from its blueprint helper is not known",
    )


@pytest.mark.parametrize(("granted", "level"), [(False, "normal"), (True, "unknown")])
def test_a_blueprint_of_another_tenant_hands_on_what_it_was_granted_here_at_most(
    azure: AzureEstate, tenant_read: TenantRead, *, granted: bool, level: str
) -> None:
    """What it declares stands in its own tenant."""
    tenant = azure.tenant
    graph = add_api(tenant, "Microsoft Graph", GRAPH, PERMISSIONS)
    kind = "#microsoft.graph.agentIdentityBlueprintPrincipal"
    foreign = tenant.add_service_principal("vendor", appOwnerOrganizationId=VENDOR, **{"@odata.type": kind})
    add_agent(tenant, "vendor-1", foreign, appOwnerOrganizationId=VENDOR)
    if granted:
        permit(tenant, graph, "Mail.ReadWrite", foreign)

    read = tenant_read()

    assert read.gaps == {}
    assert read.identities["vendor-1"].privilege.level == level


@pytest.mark.parametrize(
    ("owner", "publisher"),
    [
        (VENDOR, {"name": None, "verified": False, "tenant": VENDOR}),
        (None, None),
        ("f8cdef31-a31e-4b4a-93e4-5f571e91255a", None),
    ],
    ids=["vendor", "own", "Microsoft"],
)
def test_whose_blueprint_an_agent_is_made_from(
    azure: AzureEstate, tenant_read: TenantRead, owner: str | None, publisher: Any
) -> None:
    """By the blueprint's principal, as the agent itself is of this tenant."""
    tenant = azure.tenant
    kind = "#microsoft.graph.agentIdentityBlueprintPrincipal"
    facts = {"appOwnerOrganizationId": owner} if owner else {}
    maker = tenant.add_service_principal("maker", **facts, **{"@odata.type": kind})
    add_agent(tenant, "made-1", maker)

    assert tenant_read().identities["made-1"].attributes.get("blueprint_publisher") == publisher


def test_a_blueprint_may_create_agents_without_a_grant(place: Place, tenant_read: TenantRead) -> None:
    """As normal power; its agents may not."""
    found = tenant_read().identities

    assert place.blueprint["displayName"] == "helper"
    assert found["helper"].attributes["implied"] == ["AgentIdentity.CreateAsManager of Microsoft Graph"]
    assert found["helper"].privilege.level == "normal"
    assert "AgentIdentity.CreateAsManager" in found["helper"].privilege.evidence[0]
    assert "implied" not in found["helper-1"].attributes


PATTERNS = st.sampled_from(
    [
        ({"kind": "allAllowed"}, True),
        ({"odata_type": "#microsoft.graph.allAllowedScopes"}, True),
        ({"odata_type": "microsoft.graph.allAllowedRoles"}, True),
        ({"kind": "none"}, False),
        ({"odata_type": "#microsoft.graph.noRoles"}, False),
        ({"odata_type": "#microsoft.graph.enumeratedScopes", "scopes": ("A.B",)}, True),
        ({"kind": "enumerated", "roles": ("a.b",)}, True),
        ({"kind": "enumerated", "scopes": ("C.D",)}, False),
        ({"kind": "unknownFutureValue"}, None),
        ({}, None),
    ]
)


@given(PATTERNS, st.sampled_from(["A.B", "a.B"]))
def test_both_forms_of_a_pattern_are_read(pattern: tuple[dict[str, Any], bool | None], name: str) -> None:
    """The kind, and the type; what neither tells is unknown."""
    facts, expected = pattern

    assert Pattern(**facts).has(name) is expected


@given(st.sampled_from(sorted(blocked())), st.booleans())
def test_what_is_blocked_for_agents_is_never_inherited(name: str, read: bool) -> None:
    """Whatever the blueprint declares, or whether that was read."""
    everything = Pattern(kind="allAllowed")
    declared = (Inheritable(resource_app_id=GRAPH, inheritable_scopes=everything, inheritable_roles=everything),)
    line = AzureLine(name="helper", declared=declared if read else None)

    for kind in blocked()[name]:
        assert line.hands_on(MICROSOFT_GRAPH, kind, name) is False  # type: ignore[arg-type]
        assert line.hands_on("another", kind, name) is (False if read else None)  # type: ignore[arg-type]
