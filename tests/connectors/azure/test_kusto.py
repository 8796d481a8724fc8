"""The fake's Resource Graph: it answers what a query says, and refuses what it does not understand."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.demo.fakes.azure import kusto

ROWS: list[dict[str, Any]] = [
    {
        "id": "/B",
        "name": "b",
        "type": "microsoft.web/sites",
        "identity": {"principalId": "p"},
        "properties": {"a": {"b": 1}},
    },
    {"id": "/a", "name": "a", "type": "Microsoft.KeyVault/vaults", "identity": None, "properties": {}},
    {"id": "/c", "name": "c", "type": "microsoft.network/virtualnetworks", "properties": None},
]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("resources", ["b", "a", "c"]),
        ("Resources | order by id asc", ["a", "b", "c"]),
        ("resources | where isnotnull(identity)", ["b"]),
        ("resources | where isnotnull(properties.a.b)", ["b"]),
        ("resources | where type =~ 'microsoft.keyvault/vaults'", ["a"]),
        ("resources | where type == 'microsoft.keyvault/vaults'", []),
        ("resources | where type in~ ('microsoft.keyvault/vaults', 'x')", ["a"]),
        ("resources | where type in ('microsoft.keyvault/vaults')", []),
        ("resources | where isnotnull(identity) or type =~ 'microsoft.keyvault/vaults' | order by id asc", ["a", "b"]),
    ],
)
def test_rows_are_chosen_and_put_in_order(query: str, names: list[str]) -> None:
    """As the query says."""
    assert [row["name"] for row in kusto.run(query, {"resources": ROWS})] == names


def test_only_what_is_asked_for_is_given() -> None:
    """Under the names that the query gives; what is not there is null."""
    rows = kusto.run("resources | project id, b = properties.a.b", {"resources": ROWS})

    assert rows == [{"id": "/B", "b": 1}, {"id": "/a", "b": None}, {"id": "/c", "b": None}]


@pytest.mark.parametrize(
    "query",
    [
        "nothing",
        "resources | summarize count()",
        "resources | where name contains 'x'",
        "resources | where systemData.x =~ 'y'",
        "resources | project properties.a",
        "resources | project a = tostring(name)",
        "resources | project colour",
        "resources | order by id desc",
        "resources | take 5",
    ],
)
def test_what_it_does_not_know_it_refuses(query: str) -> None:
    """So that no query passes here which Resource Graph would read otherwise."""
    with pytest.raises(kusto.InvalidQuery):
        kusto.run(query, {"resources": ROWS})
