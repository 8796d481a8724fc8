"""The fake expands as Graph does, and no better."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.azure.client.api import AzureApi
from connectors.azure.client.errors import NotTaken
from scanner.demo.fakes.azure.relations import add_agent, add_blueprint, add_owner
from tests.connectors.azure.estate import AzureEstate

AGENTS = "/servicePrincipals/microsoft.graph.agentIdentity"


def _rows(api: AzureApi, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    named = {f"${name}": value for name, value in params.items()}
    return [[msgspec.json.decode(row) for row in page] for page in api.graph_pages(path, params=named)]


@pytest.mark.parametrize(("many", "reported"), [(0, 0), (3, 3), (20, 20), (25, 20)])
def test_twenty_related_objects_are_read_and_no_more(
    azure: AzureEstate, api: AzureApi, many: int, reported: int
) -> None:
    """With those of their fields that are asked for, and without a word of the others."""
    row = azure.tenant.add_application("shop", principal=False)
    for number in range(many):
        add_owner(azure.tenant, row, azure.tenant.add_person(f"p{number}", mail="p@example.com"))

    ((found,),) = _rows(api, "/applications", select="id", expand="owners($select=id,displayName)")

    assert found.keys() == {"id", "owners"}
    assert len(found["owners"]) == reported
    assert all(one.keys() == {"@odata.type", "id", "displayName"} for one in found["owners"])


def test_pages_with_related_objects_are_small(azure: AzureEstate, api: AzureApi) -> None:
    """Whatever size is asked for."""
    for number in range(150):
        azure.tenant.add_application(f"a{number}", principal=False)

    assert [len(page) for page in _rows(api, "/applications", top=999, expand="owners")] == [100, 50]
    assert [len(page) for page in _rows(api, "/applications", top=999)] == [150]


@pytest.mark.parametrize("expand", ["sponsors", "keyCredentials", "owners,federatedIdentityCredentials", "owners(", ""])
def test_what_graph_does_not_expand_is_refused(azure: AzureEstate, api: AzureApi, expand: str) -> None:
    """Another type's relationship, a property, two at once."""
    azure.is_hostile = True

    with pytest.raises(NotTaken):
        _rows(api, "/applications", expand=expand or "(")


def test_a_list_of_one_type_has_that_type_alone(azure: AzureEstate, api: AzureApi) -> None:
    """With what only that type has."""
    blueprint = add_blueprint(azure.tenant, "helper")
    agent = add_agent(azure.tenant, "helper-1", blueprint)
    azure.tenant.add_application("shop")
    ada = azure.tenant.add_person("Ada")
    add_owner(azure.tenant, agent, ada, relation="sponsors")

    ((found,),) = _rows(api, AGENTS, select="id,agentIdentityBlueprintId", expand="sponsors($select=id)")

    assert (found["id"], found["agentIdentityBlueprintId"]) == (agent["id"], blueprint["appId"])
    assert [one["id"] for one in found["sponsors"]] == [ada["id"]]


def test_people_who_may_not_be_read_are_reported_by_their_ids(azure: AzureEstate, api: AzureApi) -> None:
    """In lists of owners as in what is expanded."""
    row = azure.tenant.add_application("shop", principal=False)
    ada = azure.tenant.add_person("Ada")
    add_owner(azure.tenant, row, ada)
    azure.tenant.shows_people = False

    ((owner,),) = _rows(api, f"/applications/{row['id']}/owners")
    ((found,),) = _rows(api, "/applications", select="id", expand="owners")

    assert owner == found["owners"][0] == {"@odata.type": "#microsoft.graph.user", "id": ada["id"]}
