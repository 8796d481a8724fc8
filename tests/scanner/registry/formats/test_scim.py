"""SCIM resources as people and as entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scanner.registry.formats.reading import entries_of, facts, people_of

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

ADA = {
    "schemas": [f"{CORE}User", ENTERPRISE],
    "id": "2819c223",
    "externalId": "701984",
    "userName": "ada",
    "name": {"formatted": "Ms. Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
    "emails": [
        {"value": "ada@home.example", "type": "home"},
        {"value": "ada.l@example.com", "type": "work"},
        {"value": "ada@example.com", "type": "work", "primary": True},
    ],
    "active": True,
    ENTERPRISE: {"employeeNumber": "77", "department": "Core", "manager": {"value": "26118915"}},
}
CORE_TEAM = {
    "schemas": [f"{CORE}Group"],
    "id": "e9e30dba",
    "displayName": "Core Team",
    "members": [{"value": "2819c223", "display": "Ada"}, {"value": "26118915"}],
}
AGENT = {
    "schemas": [f"{CORE}agent"],
    "id": "ra-42",
    "externalId": "agent-42",
    "agentUserName": "support-agent",
    "displayName": "Support Agent",
    "description": "Answers tickets",
    "type": "assistant",
    "active": False,
    "subject": "sub-42",
    "oAuthClientIdentifiers": [{"issuer": "https://idp.example/", "clientId": "client-42", "subject": "sub-42"}],
    "owners": [{"value": "2819c223", "display": "Ada"}],
}


def page(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(resources),
        "Resources": list(resources),
    }


def test_users_and_groups_are_people(tmp_path: Path) -> None:
    """A user goes by the primary address and keeps the others, and a group's members are their ids."""
    people = people_of(tmp_path, "scim.json", page(ADA, CORE_TEAM, AGENT))

    assert facts(people["ada@example.com"], "id", "name", "status", "manager", "team", "aliases") == {
        "id": "2819c223",
        "name": "Ms. Ada Lovelace",
        "status": "active",
        "manager": "26118915",
        "team": "Core",
        "aliases": ("ada.l@example.com", "ada@home.example", "ada", "701984", "77"),
    }
    assert facts(people["team:Core Team"], "id", "members", "is_group") == {
        "id": "e9e30dba",
        "members": ("2819c223", "26118915"),
        "is_group": True,
    }
    assert len(people) == 2


@pytest.mark.parametrize(
    ("changed", "field", "expected"),
    [
        pytest.param({"active": False}, "status", "left", id="not active"),
        pytest.param({"active": None}, "status", "active", id="nothing said"),
        pytest.param({"emails": []}, "email", "ada", id="no address"),
        pytest.param({"emails": [{"value": "w@x", "type": "work"}, {"value": "h@x", "type": "home"}]}, "email", "w@x",
                     id="work before home"),
        pytest.param({"name": {"givenName": "Ada", "familyName": "L"}}, "name", "Ada L", id="parts of a name"),
        pytest.param({"name": "Ada"}, "name", None, id="a name of another shape"),
    ],
)  # fmt: skip
def test_a_user(tmp_path: Path, changed: dict[str, Any], field: str, expected: Any) -> None:
    """What a user says and does not say."""
    (person,) = people_of(tmp_path, "scim.json", [ADA | changed]).values()

    assert getattr(person, field) == expected


def test_agents_are_entries(tmp_path: Path) -> None:
    """An agent is known by its ids, subjects and client ids; users and groups are no entries."""
    entries = entries_of(tmp_path, "scim.json", page(ADA, AGENT, CORE_TEAM))

    assert list(entries) == ["agent:ra-42"]
    assert facts(entries["agent:ra-42"], "name", "kind", "purpose", "identities", "owner", "status", "extra") == {
        "name": "Support Agent",
        "kind": "agent",
        "purpose": "Answers tickets",
        "identities": ("ra-42", "agent-42", "sub-42", "support-agent", "client-42"),
        "owner": ("2819c223",),
        "status": "suspended",
        "extra": {"agent type": "assistant"},
    }


@pytest.mark.parametrize("name", ["AgenticIdentity", "Agent"])
def test_agents_of_either_draft(tmp_path: Path, name: str) -> None:
    """The drafts differ in what they call an agent; a lone resource is a list of one."""
    agent = {"schemas": [CORE + name], "id": "a", "displayName": "A", "active": True}

    assert [one.status for one in entries_of(tmp_path, "a.json", agent).values()] == ["active"]
