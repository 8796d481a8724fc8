"""What entities the oracle lets pass, and that it refuses every other: a fake is only as true as this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.azure import oracle
from tests.connectors.azure.published import values
from tests.connectors.azure.published.shapes import derives, shapes

GUID = "0d2a5b6e-5a4b-4c1e-9a55-0b6c7f1d2e3a"
SECOND = "2026-11-01T08:30:00.1234567Z"
PRINCIPAL: Mapping[str, Any] = {
    "id": GUID,
    "appId": GUID,
    "displayName": "deploy",
    "servicePrincipalType": "Application",
    "accountEnabled": True,
    "createdDateTime": SECOND,
    "appOwnerOrganizationId": GUID,
    "tags": [],
    "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
    "passwordCredentials": [{"keyId": GUID, "secretText": None, "hint": "abc", "endDateTime": SECOND}],
    "keyCredentials": [{"keyId": GUID, "key": None, "customKeyIdentifier": "AAEC", "usage": "Verify"}],
    "owners": [{"@odata.type": "#microsoft.graph.user", "id": GUID, "userPrincipalName": "a@example.com"}],
}
ASSIGNMENT: Mapping[str, Any] = {
    "id": f"/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/{GUID}",
    "name": GUID,
    "type": "Microsoft.Authorization/roleAssignments",
    "properties": {"principalId": GUID, "principalType": "ServicePrincipal", "condition": None, "createdOn": SECOND},
}
VAULT: Mapping[str, Any] = {
    "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v",
    "properties": {
        "tenantId": GUID,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [{"tenantId": GUID, "objectId": GUID, "permissions": {"secrets": ["Get", "list"]}}],
    },
}
SECRET: Mapping[str, Any] = {"id": "https://v.vault.azure.net/secrets/s", "attributes": {"enabled": True, "exp": 1}}


@pytest.mark.parametrize(
    ("type_name", "entity"),
    [
        ("servicePrincipal", PRINCIPAL),
        (
            "application",
            {"id": GUID, "isDisabled": None, "owners@odata.nextLink": "https://x/", "managerApplications": []},
        ),
        (
            "agentIdentity",
            {"id": GUID, "agentIdentityBlueprintId": GUID, "servicePrincipalType": "ServiceIdentity", "owners": []},
        ),
        ("directoryObject", {"@odata.type": "#microsoft.graph.agentUser", "id": GUID, "identityParentId": GUID}),
        ("appRoleAssignment", {"id": "41W1zT6z1U-kJxf62svfp1HFE8pM", "appRoleId": GUID, "principalId": GUID}),
        ("federatedIdentityCredential", {"id": GUID, "name": "n", "issuer": "https://i", "audiences": ["a"]}),
        ("beta.appCredentialSignInActivity", {"id": "x", "keyId": GUID, "keyUsage": "sign"}),
        ("beta.servicePrincipalSignInActivity", {"id": "x", "lastSignInActivity": {"lastSignInDateTime": SECOND}}),
        ("authorization.RoleAssignment", ASSIGNMENT),
        ("msi.Identity", {"id": "/i", "location": "westeurope", "tags": {"a": "b"}, "properties": {"clientId": GUID}}),
        ("resources.Identity", {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {"/i": {}}}),
        ("vaults.Vault", VAULT),
        ("secrets.SecretItem", SECRET),
        ("certificates.CertificateItem", {"id": "https://v/certificates/c", "x5t": "fLi3U52HunIVNXubkEnf8tP6_-o"}),
    ],
)
def test_what_the_service_answers_passes(type_name: str, entity: Mapping[str, Any]) -> None:
    """Entities of each service as its documentation shows them."""
    assert oracle.check(entity, type_name) == []


@pytest.mark.parametrize(
    ("type_name", "change", "problem"),
    [
        ("servicePrincipal", {"owner": []}, "has no property owner"),
        ("servicePrincipal", {"displayname": "x"}, "has no property displayname"),
        ("servicePrincipal", {"id": None}, "None is no guid"),
        ("servicePrincipal", {"id": "sp-1"}, "'sp-1' is no guid"),
        ("servicePrincipal", {"tags": None}, "None is no string[]"),
        ("servicePrincipal", {"tags": "a"}, "'a' is no string[]"),
        ("servicePrincipal", {"tags": ["a", 1]}, "tags[1]: 1 is no string"),
        ("servicePrincipal", {"accountEnabled": "true"}, "'true' is no boolean"),
        ("servicePrincipal", {"appOwnerOrganizationId": "contoso"}, "'contoso' is no guid"),
        ("servicePrincipal", {"createdDateTime": "2026-11-01"}, "'2026-11-01' is no dateTime"),
        ("servicePrincipal", {"createdDateTime": "2026-13-01T00:00:00Z"}, "is no dateTime"),
        ("servicePrincipal", {"keyCredentials": [{"keyId": GUID, "key": "AAEC"}]}, "'AAEC' is no never"),
        ("servicePrincipal", {"passwordCredentials": [{"secretText": "s"}]}, "'s' is no never"),
        ("servicePrincipal", {"keyCredentials": [{"customKeyIdentifier": "AA EC"}]}, "is no base64"),
        ("servicePrincipal", {"verifiedPublisher": []}, "[] is no verifiedPublisher"),
        (
            "servicePrincipal",
            {"owners": [{"id": GUID, "displayName": "x"}]},
            "directoryObject has no property displayName",
        ),
        ("servicePrincipal", {"owners": [{"@odata.type": "#microsoft.graph.owner"}]}, "is no published type"),
        ("servicePrincipal", {"owners": [{"@odata.type": "microsoft.graph.user"}]}, "is no published type"),
        ("servicePrincipal", {"owners": [{"@odata.type": "user"}]}, "is no published type"),
        ("servicePrincipal", {"@odata.type": "#microsoft.graph.user"}, "user is no servicePrincipal"),
        ("servicePrincipal", {"owners": [{"id": GUID}] * 21}, "21 expanded"),
        ("servicePrincipal", {"owners": "me"}, "'me' is no directoryObject[]"),
        ("servicePrincipal", {"endpoints": ["x"]}, "'x' is no endpoint"),
        ("servicePrincipal", {"@odata.kind": "x"}, "no annotation is called odata.kind"),
        ("servicePrincipal", {"owner@odata.nextLink": "x"}, "has no property owner"),
        ("authorization.RoleAssignment", {"principalId": GUID}, "has no property principalId"),
        ("authorization.RoleAssignment", {"properties": {"principalType": "Unknown"}}, "'Unknown' is none of User"),
        ("authorization.RoleAssignment", {"properties": {"principalType": 1}}, "1 is none of User"),
        ("authorization.RoleAssignment", {"properties": "x"}, "'x' is no authorization.RoleAssignmentProperties"),
        ("vaults.Vault", {"properties": {"tenantId": GUID}}, "vaults.VaultProperties without sku"),
        ("vaults.Vault", {"tags": {"a": 1}}, "tags['a']: 1 is no string"),
        ("vaults.Vault", {"tags": []}, "[] is no string{}"),
        ("certificates.CertificateItem", {"x5t": "fLi3U52HunIVNXubkEnf8tP6+/o="}, "is no base64url"),
        ("secrets.SecretItem", {"value": "s"}, "has no property value"),
        ("secrets.SecretItem", {"attributes": {"exp": SECOND}}, "is no epoch"),
        ("secrets.SecretItem", {"attributes": {"exp": 1_800_000_000_000}}, "is no epoch"),
        ("secrets.SecretItem", {"attributes": {"enabled": 1}}, "1 is no boolean"),
        ("secrets.SecretItem", {"attributes": {"recoverableDays": True}}, "True is no integer"),
    ],
)
def test_what_no_service_answers_is_refused(type_name: str, change: Mapping[str, Any], problem: str) -> None:
    """Each a change to an entity that passes, so that nothing else can be what is refused."""
    whole = {
        "servicePrincipal": PRINCIPAL,
        "authorization.RoleAssignment": ASSIGNMENT,
        "vaults.Vault": VAULT,
        "secrets.SecretItem": SECRET,
        "certificates.CertificateItem": {"id": "https://v/certificates/c"},
    }
    problems = oracle.check({**whole[type_name], **change}, type_name)

    assert problems
    assert all(problem in reported for reported in problems), problems


def test_graph_compares_enumerations_exactly_and_azure_does_not() -> None:
    """Azure's enumerations are strings that may be written in any case."""
    assert oracle.check({"id": "x", "keyUsage": "Sign"}, "beta.appCredentialSignInActivity") != []
    assert (
        oracle.check({"id": "x", "properties": {"principalType": "serviceprincipal"}}, "authorization.RoleAssignment")
        == []
    )


@pytest.mark.parametrize(
    ("select", "expand", "entity", "problems"),
    [
        (None, None, {"appId": GUID}, ["servicePrincipal: no id"]),
        ("id,appId", None, {"appId": GUID}, ["servicePrincipal: no id"]),
        ("appId", None, {"appId": GUID}, []),
        ("id", None, {"id": GUID, "appId": GUID}, ["servicePrincipal.appId: not in $select"]),
        ("id", "", {"id": GUID, "owners": []}, ["servicePrincipal.owners: not in $expand"]),
        ("id", "owners($select=id)", {"id": GUID, "owners": []}, []),
        ("id", "owners", {"id": GUID, "memberOf": []}, ["servicePrincipal.memberOf: not in $expand"]),
    ],
)
def test_an_entity_holds_what_was_asked(
    select: str | None, expand: str | None, entity: Mapping[str, Any], problems: list[str]
) -> None:
    """Graph answers with what was selected and expanded, and with nothing else."""
    assert oracle.check(entity, "servicePrincipal", select=select, expand=expand) == problems


@pytest.mark.parametrize(
    ("type_name", "selected", "unknown"),
    [
        ("servicePrincipal", "id, appId,createdDateTime,isDisabled", []),
        ("agentIdentity", "id,agentIdentityBlueprintId,createdByAppId", []),
        ("directoryObject", "id,displayName,userPrincipalName", []),
        ("servicePrincipal", "id,createdOn", ["createdOn"]),
        ("servicePrincipal", "owners", ["owners"]),
        ("servicePrincipal", "agentIdentityBlueprintId", ["agentIdentityBlueprintId"]),
        ("user", "id,appId", ["appId"]),
    ],
)
def test_a_select_names_properties(type_name: str, selected: str, unknown: list[str]) -> None:
    """Relationships are expanded, not selected."""
    assert oracle.check_select(type_name, selected) == [f"$select: {type_name} has no property {x}" for x in unknown]


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_every_time_is_a_time(moment: datetime) -> None:
    """As Python writes it, with Z or an offset."""
    for written in (moment.isoformat(), moment.isoformat().replace("+00:00", "Z")):
        assert list(values.of_kind(written, "dateTime", "x")) == []


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(type_name=st.sampled_from(sorted(shapes())), value=ANY_JSON)
def test_whatever_is_answered_is_reported_and_raises_nothing(type_name: str, value: Any) -> None:
    """Fakes of faults answer anything."""
    for problem in values.of_kind(value, type_name, "x"):
        assert problem.startswith("x")


def test_agents_are_what_they_derive_from() -> None:
    """So that they may come in the lists of these."""
    assert derives("agentIdentity", "servicePrincipal")
    assert derives("agentIdentityBlueprint", "application")
    assert derives("agentUser", "user")
    assert not derives("servicePrincipal", "agentIdentity")
