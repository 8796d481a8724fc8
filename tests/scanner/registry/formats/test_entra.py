"""Lists of Microsoft Graph as entries and people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scanner.registry.formats.reading import entries_of, facts, people_of

CONTEXT = "https://graph.microsoft.com/beta/$metadata#servicePrincipals"


def agent(**changed: Any) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.agentIdentity",
        "id": "59e617e5",
        "appId": "59e617e5",
        "displayName": "Expense agent",
        "accountEnabled": True,
        "agentIdentityBlueprintId": "65415bb1",
        "servicePrincipalType": "ServiceIdentity",
        "tags": ["finance"],
        "sponsors": [{"@odata.type": "#microsoft.graph.user", "id": "u1", "mail": "ada@example.com"}],
        "owners": [{"id": "u2", "userPrincipalName": "ops@example.com"}, {"id": "u3"}],
        "keyCredentials": [{"keyId": "k", "key": "hunter2"}],
    } | changed


def test_an_agent_identity_is_an_entry(tmp_path: Path) -> None:
    """Its sponsors answer for it, its owners run it, and no credential is looked at."""
    entries = entries_of(tmp_path, "agents.json", {"@odata.context": CONTEXT, "value": [agent()]})

    entry = entries["entra:59e617e5"]
    assert facts(
        entry, "name", "kind", "identities", "provider", "owner", "technical_owner", "status", "extra", "has_own_id"
    ) == {
        "name": "Expense agent",
        "kind": "agent",
        "identities": ("59e617e5",),
        "provider": "azure",
        "owner": ("ada@example.com",),
        "technical_owner": ("ops@example.com", "u3"),
        "status": "active",
        "extra": {"blueprint": "65415bb1", "directory tags": "finance"},
        "has_own_id": False,
    }
    assert "hunter2" not in repr(entry)
    assert entry.origin.row == 4


@pytest.mark.parametrize(
    ("changed", "field", "expected"),
    [
        pytest.param({"accountEnabled": False}, "status", "suspended", id="disabled"),
        pytest.param({"sponsors": []}, "owner", ("ops@example.com", "u3"), id="no sponsor"),
        pytest.param({"@odata.type": "#microsoft.graph.agentIdentityBlueprint"}, "kind", "agent", id="blueprint"),
        pytest.param({"@odata.type": "#microsoft.graph.servicePrincipal"}, "kind", "application", id="principal"),
        pytest.param({"@odata.type": "#microsoft.graph.servicePrincipal", "servicePrincipalType": "ManagedIdentity"},
                     "kind", "service", id="managed identity"),
    ],
)  # fmt: skip
def test_an_object_of_the_directory(tmp_path: Path, changed: dict[str, Any], field: str, expected: Any) -> None:
    """What kind of entry it is, who answers for it, whether it may be used."""
    (entry,) = entries_of(tmp_path, "a.json", {"value": [agent(**changed)]}).values()

    assert getattr(entry, field) == expected


def test_an_application_and_its_principal_are_one_entry(tmp_path: Path) -> None:
    """They share the client id; two entries for it would be ambiguous. What az prints says no types."""
    listed = [
        {"id": "o1", "appId": "c1", "displayName": "Billing", "signInAudience": "AzureADMyOrg"},
        {"id": "o2", "appId": "c1", "displayName": "Billing", "servicePrincipalType": "Application"},
    ]

    entries = entries_of(tmp_path, "az.json", listed)

    assert {key: one.identities for key, one in entries.items()} == {"entra:c1": ("o1", "c1", "o2")}


def test_users_and_groups_are_people(tmp_path: Path) -> None:
    """A person with a disabled account has left, and a state of an address is no status."""
    answer = {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users",
        "value": [
            {"id": "u1", "userPrincipalName": "ada@x.example", "mail": "ada@example.com", "displayName": "Ada",
             "accountEnabled": True, "state": "WA", "employeeId": "77", "department": "Core",
             "manager": {"id": "u2", "mail": "bob@example.com"}, "otherMails": ["a@home.example"]},
            {"id": "u2", "userPrincipalName": "bob@example.com", "mail": None, "accountEnabled": False},
            {"id": "g1", "displayName": "Core", "mail": "core@example.com", "securityEnabled": True,
             "members": [{"id": "u1"}, {"id": "u2"}]},
        ],
    }  # fmt: skip

    people = people_of(tmp_path, "users.json", answer)

    assert facts(people["ada@example.com"], "id", "status", "manager", "team", "aliases") == {
        "id": "u1",
        "status": "active",
        "manager": "bob@example.com",
        "team": "Core",
        "aliases": ("ada@x.example", "77", "a@home.example"),
    }
    assert people["bob@example.com"].status == "left"
    assert facts(people["team:Core"], "id", "members", "aliases") == {
        "id": "g1",
        "members": ("u1", "u2"),
        "aliases": ("core@example.com",),
    }
