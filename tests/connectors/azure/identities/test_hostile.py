"""Rows that no one publishes: no traceback, no markup, no two identities of one key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.client.api import AzureApi
from connectors.azure.identities.agents import agent_user
from connectors.azure.identities.credentials import federation_of
from connectors.azure.identities.faces import Faces
from connectors.azure.identities.facts import contacts
from connectors.azure.identities.payloads import AgentUser, Application, FederatedCredential, Person, ServicePrincipal
from connectors.azure.identities.reading import identities, ownerships
from connectors.azure.reader import AzureReader, AzureUnit
from connectors.azure.settings import AzureSettings
from connectors.azure.usage.reading import credential_signs, principal_signs
from connectors.azure.usage.record import CredentialActivity, PrincipalActivity
from connectors.core.contract import Meter, Scope
from scanner.demo.fakes.azure.tenant import MICROSOFT, guid
from scanner.model import Identity
from scanner.text import printable
from tests.connectors.azure.identities.made import TENANT, found

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text() | st.sampled_from(["\x1b[31mred", "<script>", "a:b", "../..", "é", "a\nb", ":=", "//"])
IDS = st.sampled_from([guid(str(number)) for number in range(4)] + [guid("2").upper()])
DATES = st.sampled_from(
    ["2026-01-02T03:04:05.1234567Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-8:00", "x", None, 7]
)
PASSWORD = st.fixed_dictionaries({}, optional={"keyId": IDS, "displayName": TEXT, "endDateTime": DATES})
KEY = st.fixed_dictionaries(
    {},
    optional={
        "keyId": IDS,
        "usage": st.sampled_from(["Sign", "Verify", "", None]),
        "type": TEXT,
        "customKeyIdentifier": st.sampled_from(["AAEC", "!", None, ""]),
        "endDateTime": DATES,
    },
)
FACE: dict[str, Any] = {
    "@odata.type": st.sampled_from(["#microsoft.graph.agentIdentityBlueprint", "#x", None]),
    "displayName": TEXT | st.none(),
    "createdDateTime": DATES,
    "tags": st.lists(TEXT, max_size=3),
    "notes": TEXT,
    "disabledByMicrosoftStatus": TEXT,
    "verifiedPublisher": st.none() | st.fixed_dictionaries({}, optional={"displayName": TEXT}),
    "keyCredentials": st.lists(KEY, max_size=4),
    "passwordCredentials": st.lists(PASSWORD, max_size=3),
}
PRINCIPALS = st.fixed_dictionaries(
    {"id": IDS, "appId": IDS},
    optional={
        **FACE,
        "servicePrincipalType": st.sampled_from(["Application", "ManagedIdentity", "ServiceIdentity", "", None]),
        "appOwnerOrganizationId": st.sampled_from([TENANT, MICROSOFT, "", "x", None]),
        "alternativeNames": st.lists(TEXT | st.just("/subscriptions/") | st.just("/subscriptions//x/"), max_size=2),
        "agentIdentityBlueprintId": IDS | TEXT,
    },
)
APPLICATIONS = st.fixed_dictionaries({"id": IDS, "appId": IDS}, optional=FACE)
USERS = st.fixed_dictionaries({"id": IDS}, optional={"identityParentId": IDS | TEXT, "userPrincipalName": TEXT})
PEOPLE = st.fixed_dictionaries(
    {"id": IDS | TEXT},
    optional={
        "@odata.type": st.sampled_from(["#microsoft.graph.servicePrincipal", "#microsoft.graph.user", "", None]),
        "displayName": TEXT,
        "userPrincipalName": TEXT,
    },
)
FEDERATED = st.fixed_dictionaries({"id": TEXT, "issuer": TEXT}, optional={"subject": TEXT | st.none(), "name": TEXT})


@given(
    principals=st.lists(PRINCIPALS, max_size=4),
    applications=st.lists(APPLICATIONS, max_size=4),
    users=st.lists(USERS, max_size=2),
    people=st.lists(PEOPLE, max_size=3),
    federated=st.lists(FEDERATED, max_size=3),
)
def test_whatever_names_and_states_there_are_each_identity_is_reported_once(
    principals: list[Any], applications: list[Any], users: list[Any], people: list[Any], federated: list[Any]
) -> None:
    """With keys of its own, credentials of their own, and evidence that can be shown."""
    owners = tuple(msgspec.convert(people, list[Person]))
    tenant = found(
        principals={one.id.lower(): one for one in msgspec.convert(principals, list[ServicePrincipal])},
        applications={one.app_id.lower(): one for one in msgspec.convert(applications, list[Application])},
        agent_users={one.id.lower(): one for one in msgspec.convert(users, list[AgentUser])},
        owners=dict.fromkeys((guid("1"), guid("2")), owners),
        federated={guid("1"): tuple(msgspec.convert(federated, list[FederatedCredential]))},
    )

    listed = list(identities(tenant))
    rights = list(ownerships(tenant))

    assert len({one.key for one in listed}) == len(listed)
    assert len({one.key for one in rights}) == len(rights)
    for identity in listed:
        keys = [credential.key for credential in identity.credentials]
        assert len(set(keys)) == len(keys)
        assert identity.name
        assert all(trust.evidence == printable(trust.evidence) for trust in identity.trusts)
        assert msgspec.json.decode(msgspec.json.encode(identity), type=Identity) == identity


ROWS: dict[type[Any], Callable[[Any], object]] = {
    ServicePrincipal: lambda row: Faces(principal=row).name,
    Application: lambda row: Faces(application=row).enabled,
    AgentUser: lambda row: agent_user(found(), row),
    Person: lambda row: contacts([row]),
    FederatedCredential: lambda row: federation_of("key", TENANT, [row]),
    PrincipalActivity: principal_signs,
    CredentialActivity: credential_signs,
}


@given(
    row=st.sampled_from(sorted(ROWS, key=lambda one: one.__name__)),
    value=ANY_JSON | st.dictionaries(st.sampled_from(["id", "appId", "keyId", "issuer", "signInActivity"]), ANY_JSON),
)
def test_whatever_a_row_is_it_is_a_row_or_a_gap_of_its_size(row: Any, value: Any) -> None:
    """And the section goes on."""
    unit = AzureUnit(kind="tenant", tenant=TENANT)
    scope: Scope = found().scope
    reader = AzureReader(
        AzureApi(AzureSettings(), Meter()), msgspec.structs.replace(scope, context=unit), Meter(), AzureSettings()
    )
    with reader.section("graph.applications") as section:
        decoded = reader.row(section, msgspec.Raw(msgspec.json.encode(value)), row)
        if decoded is not None:
            ROWS[row](decoded)

    assert (decoded is None) == section.coverage.is_gap
