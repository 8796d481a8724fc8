"""What the fake says of rights, and what is asked of it, held against what Microsoft publishes."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.demo.fakes.azure.rights import (
    BUILT_IN,
    DIRECTORY_ROLES,
    GRAPH,
    add_api,
    add_built_in_roles,
    add_directory_role,
    add_group,
    consent,
    delete_principal,
    give_directory_role,
    permit,
)
from tests.connectors.azure import oracle
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.rights.reading import read_place, read_tenant


@pytest.fixture
def full(azure: AzureEstate) -> AzureEstate:
    """A tenant with a right of each kind."""
    tenant = azure.tenant
    principal, leaver = tenant.add_service_principal("ci"), tenant.add_service_principal("leaver")
    graph = add_api(tenant, "Microsoft Graph", GRAPH, ["Mail.Read"])
    group = add_group(tenant, "operators", [principal])
    for name, (role, actions) in DIRECTORY_ROLES.items():
        add_directory_role(tenant, name, role, actions)
    give_directory_role(tenant, "Global Administrator", group)
    permit(tenant, graph, "Mail.Read", principal)
    consent(tenant, principal, graph, "Mail.Read", user=tenant.add_person("eve"))
    add_built_in_roles(tenant)
    scope = f"/subscriptions/{tenant.add_subscription('prod')['subscriptionId']}"
    tenant.assign_role(scope, principal["id"], tenant.define_role("Deployer", ["*"], place=scope)["name"])
    tenant.assign_role(scope, leaver["id"], BUILT_IN["Owner"])
    tenant.assign_role(scope, group["id"], BUILT_IN["Reader"], principalType="Group")
    delete_principal(tenant, leaver, on="2026-01-01T00:00:00Z")
    return azure


@pytest.mark.parametrize(
    ("path", "type_name"),
    [
        ("/roleManagement/directory/roleAssignments", "unifiedRoleAssignment"),
        ("/roleManagement/directory/roleDefinitions", "unifiedRoleDefinition"),
        ("/oauth2PermissionGrants", "oAuth2PermissionGrant"),
        ("/directory/deletedItems/microsoft.graph.servicePrincipal", "servicePrincipal"),
    ],
)
def test_rows_of_graph_are_of_their_type(full: AzureEstate, path: str, type_name: str) -> None:
    """Field by field."""
    rows = full.tenant.collections[path]

    assert rows
    assert [problem for row in rows for problem in oracle.check(row, type_name)] == []


def test_rows_below_an_object_are_of_their_type(full: AzureEstate) -> None:
    """Permissions given on an API, service principals in a group, the API itself."""
    types = {"appRoleAssignedTo": "appRoleAssignment", "microsoft.graph.servicePrincipal": "servicePrincipal"}
    kept: dict[str, list[dict[str, Any]]] = full.tenant.collections
    rows = [
        (row, types[path.rpartition("/")[2]]) for path in kept if path.rpartition("/")[2] in types for row in kept[path]
    ]
    rows += [(row, "servicePrincipal") for row in full.tenant.service_principals.values()]

    assert {type_name for _, type_name in rows} == set(types.values())
    assert [problem for row, type_name in rows for problem in oracle.check(row, type_name)] == []


def test_rows_of_the_resource_manager_are_of_their_type(full: AzureEstate) -> None:
    """Role definitions, Microsoft's and own, and assignments."""
    tenant = full.tenant
    problems = [one for row in tenant.role_definitions for one in oracle.check(row, "roles.RoleDefinition")]
    problems += [one for row in tenant.role_assignments for one in oracle.check(row, "authorization.RoleAssignment")]

    assert problems == []


def test_what_is_asked_is_published(full: AzureEstate) -> None:
    """Paths, options, page sizes, and the header that an advanced query needs."""
    (subscription,) = full.tenant.subscriptions
    assert read_tenant(full).gaps() == {}
    assert read_place(full, subscription).gaps() == {}

    asked = [call for call in full.server.log if call.path != "/v1.0/$batch"]
    problems = [
        problem
        for call in asked
        for problem in oracle.check_request(call.method, call.path, call.query, headers=call.headers)
    ]

    assert len(asked) > 8
    assert problems == []
