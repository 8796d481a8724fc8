"""Owners and sponsors as they are reported."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.azure.identities.facts import contacts
from connectors.azure.identities.payloads import Person

USER = "#microsoft.graph.user"


def _told(*rows: dict[str, Any]) -> list[dict[str, str | None]] | None:
    return contacts(msgspec.convert(rows, tuple[Person, ...]))


@pytest.mark.parametrize(
    ("facts", "email", "kind"),
    [
        ({"@odata.type": USER, "userPrincipalName": "ada@example.com"}, "ada@example.com", "user"),
        ({"@odata.type": USER, "userPrincipalName": "ada@x.example", "mail": "a@example.com"}, "a@example.com", "user"),
        ({"@odata.type": USER, "userPrincipalName": "ada_example.com#EXT#@contoso.example"}, None, "user"),
        ({"@odata.type": USER, "userPrincipalName": "ada"}, None, "user"),
        ({"@odata.type": "#microsoft.graph.group", "mail": "team@example.com"}, "team@example.com", "group"),
        ({"@odata.type": "#microsoft.graph.servicePrincipal"}, None, "servicePrincipal"),
        ({"@odata.type": "#microsoft.graph.directoryObject"}, None, None),
        ({}, None, None),
    ],
)
def test_each_is_reported_with_its_address_where_it_has_one(
    facts: dict[str, Any], email: str | None, kind: str | None
) -> None:
    """A guest's sign-in name looks like an address of ours and is none."""
    assert _told({"id": "x", "displayName": "Ada", **facts}) == [
        {"id": "x", "name": "Ada", "email": email, "kind": kind}
    ]


def test_no_one_and_not_known_are_distinguished() -> None:
    """An empty list says that there is no one."""
    assert _told() == []
    assert contacts(None) is None


def test_who_is_named_twice_is_reported_once() -> None:
    """Both faces may have the same owner."""
    assert [one["id"] for one in _told({"id": "a"}, {"id": "b"}, {"id": "A"}) or []] == ["A", "b"]
