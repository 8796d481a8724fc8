"""The fake is as strict as what it stands in for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.azure.client.api import AzureApi
from connectors.azure.client.errors import NotTaken, each_of
from connectors.azure.client.requests import BATCH
from connectors.core.contract import Gone
from scanner.demo.fakes.azure.tenant import guid
from tests.connectors.azure.estate import AzureEstate


@pytest.mark.parametrize(
    "params",
    [
        {"$select": "id,secretText"},
        {"$select": "id,notAField"},
        {"$top": 1000},
        {"$top": 0},
        {"$top": "many"},
        {"$skiptoken": "made-up"},
    ],
)
def test_what_graph_refuses_it_refuses(azure: AzureEstate, api: AzureApi, params: dict[str, Any]) -> None:
    """An unknown field, a page that is too large, a token that it never gave out."""
    azure.tenant.add_application("a")

    with pytest.raises(NotTaken):
        list(api.graph_pages("/applications", params=params))


def test_only_what_is_selected_is_given(azure: AzureEstate, api: AzureApi) -> None:
    """So that a field that was not asked for is missed in tests, too."""
    azure.tenant.add_application("a")

    ((row,),) = api.graph_pages("/applications", params={"$select": "id,displayName"})

    assert msgspec.json.decode(row) == {"id": guid("application/a"), "displayName": "a"}


def test_more_than_twenty_questions_are_refused(azure: AzureEstate, api: AzureApi) -> None:
    """In one batch."""
    azure.tenant.add_application("a")
    questions = [{"id": str(number), "method": "GET", "url": "/applications"} for number in range(21)]

    with pytest.raises(NotTaken, match="maximum of 20"):
        api.graph_post(BATCH, {"requests": questions}, dict)


def test_of_ids_only_those_that_are_there_come_back(azure: AzureEstate, api: AzureApi) -> None:
    """Silently, as in Graph; a kind that was not asked for is not given."""
    ids = [azure.tenant.add_service_principal("a")["id"], azure.tenant.add_person("ada")["id"], guid("nobody")]

    everything = api.graph_post("/directoryObjects/getByIds", {"ids": ids}, dict)["value"]
    people = api.graph_post("/directoryObjects/getByIds", {"ids": ids, "types": ["user"]}, dict)["value"]

    assert [row["displayName"] for row in everything] == ["a", "ada"]
    assert [row["displayName"] for row in people] == ["ada"]


@pytest.mark.parametrize(
    ("place", "custom", "names"),
    [
        ("", False, ["Reader"]),
        ("subscriptions/s-1", False, ["Reader", "Deployer"]),
        ("subscriptions/s-1", True, ["Deployer"]),
        ("subscriptions/s-2", True, []),
    ],
)
def test_roles_are_listed_where_they_can_be_assigned(
    azure: AzureEstate, api: AzureApi, place: str, custom: bool, names: list[str]
) -> None:
    """By the SDK's own client; the root is the empty scope."""
    azure.tenant.define_role("Reader", ["*/read"])
    azure.tenant.define_role("Deployer", ["*"], place="/subscriptions/s-1")
    rows = api.definition_client().role_definitions.list(place, filter="type eq 'CustomRole'" if custom else None)

    assert [row.role_name for row in each_of(rows, "roles")] == names


def test_what_is_not_there_is_not_found(azure: AzureEstate, api: AzureApi) -> None:
    """And of what is there, a list may be empty."""
    known = azure.tenant.add_application("a")["id"]

    assert list(api.graph_pages(f"/applications/{known}/owners")) == [[]]
    with pytest.raises(Gone):
        list(api.graph_pages(f"/applications/{guid('b')}/owners"))
