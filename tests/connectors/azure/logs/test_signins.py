"""Entra's sign-ins: rows of Graph, its ready-made counts, and exports of Azure Monitor."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.logs.signins import EntraLog
from scanner.model.activity import LogDay
from tests.connectors.logs.audit_files import DAY, log_of, profiles, read_all, read_one, written
from tests.examples import examples
from tests.hostile_json import JSON, mutated

TENANT, APP = "11111111-2222-3333-4444-555555555555", "aaaaaaaa-0000-4000-8000-000000000001"
PRINCIPAL, KEY = "bbbbbbbb-0000-4000-8000-000000000001", "cccccccc-0000-4000-8000-000000000001"
NO_ID = "00000000-0000-0000-0000-000000000000"
_numbers = itertools.count(1)


def sign_in(**more: Any) -> dict[str, Any]:
    """A row of ``auditLogs/signIns``."""
    return {
        "id": f"dddddddd-0000-4000-8000-{next(_numbers):012}",
        "createdDateTime": "2026-11-20T10:05:14Z",
        "appId": APP,
        "servicePrincipalId": PRINCIPAL,
        "servicePrincipalName": "ledger",
        "servicePrincipalCredentialKeyId": KEY,
        "federatedCredentialId": NO_ID,
        "userId": "",
        "userPrincipalName": None,
        "ipAddress": "203.0.113.7",
        "resourceDisplayName": "Microsoft Graph",
        "resourceTenantId": TENANT,
        "signInEventTypes": ["servicePrincipal"],
        "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
        "location": {"city": "", "countryOrRegion": "NL"},
        "agent": {"agentType": "notAgentic", "parentAppId": None},
        **more,
    }


def summary(**more: Any) -> dict[str, Any]:
    """A row of ``getSummarizedServicePrincipalSignIns``."""
    return {
        "id": f"eeeeeeee-0000-4000-8000-{next(_numbers):012}",
        "signInCount": 24,
        "aggregationDateTime": "2026-11-20T06:00:00Z",
        "firstSignInDateTime": "2026-11-20T06:05:14Z",
        "userPrincipalName": "",
        "appId": APP,
        "ipAddress": "203.0.113.88",
        "resourceDisplayName": "Azure Key Vault",
        "resourceId": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
        "tenantId": TENANT,
        "servicePrincipalId": PRINCIPAL,
        "status": {"errorCode": 0, "failureReason": None},
        "managedServiceIdentity": {"msiType": "none", "associatedResourceId": None},
        **more,
    }


def test_a_sign_in_is_a_token_for_a_resource(tmp_path: Path) -> None:
    """The caller by its client id and its principal's id, both of which identities have."""
    profile = profiles(EntraLog, tmp_path, sign_in())[APP]

    assert (profile.scope, profile.unique_id) == (TENANT, PRINCIPAL)
    assert profile.counts == {
        "secret=microsoft graph:sign-in": (1, 0, 0),
        "network=203.0.113.0/24": (1, 0, 0),
        "region=NL": (1, 0, 0),
        f"credential={KEY}": (1, 0, 0),
    }


def test_summaries_count_what_they_sum_up(tmp_path: Path) -> None:
    """Each row once, however often it is read; refused ones, too."""
    row = summary()
    refused = summary(signInCount=3, status={"errorCode": 7000215, "failureReason": "Invalid client secret"})
    reading = read_one(EntraLog, tmp_path, row, row, refused, summary(signInCount=0))
    (profile,) = reading.callers

    assert (reading.events, profile.events, profile.denied) == (27, 27, 3)
    assert profile.counts["secret=azure key vault:sign-in"] == (24, 3, 0)
    assert profile.hours == 1 << 6


def test_a_managed_identity_without_principal_is_known_by_its_client_id(tmp_path: Path) -> None:
    """So are those of Graph's summary."""
    resource = "/subscriptions/S/resourceGroups/g/providers/Microsoft.Logic/workflows/w"
    managed = {"msiType": "systemAssigned", "associatedResourceId": resource}
    found = profiles(
        EntraLog,
        tmp_path,
        summary(servicePrincipalId="", managedServiceIdentity=managed),
        summary(servicePrincipalId="", appId=NO_ID, managedServiceIdentity=managed),
    )

    assert {(one.caller, one.unique_id) for one in found.values()} == {(APP, ""), (resource.lower(), "")}


def test_people_microsoft_and_agents(tmp_path: Path) -> None:
    """People are left out, Microsoft's applications are apart, an agent's user acts for its blueprint."""
    person = sign_in(servicePrincipalId="", userId="f" * 36, userPrincipalName="alice@acme.example")
    microsoft = sign_in(appOwnerTenantId="f8cdef31-a31e-4b4a-93e4-5f571e91255a")
    agent = sign_in(
        servicePrincipalId="",
        userId="99999999-0000-4000-8000-000000000001",
        userPrincipalName="Agent@acme.example",
        agent={"agentType": "agentUser", "parentAppId": APP},
    )
    reading = read_one(EntraLog, tmp_path, person, microsoft, agent)

    assert (reading.events, reading.by_provider) == (2, 1)
    (profile,) = reading.callers
    assert (profile.caller, profile.unique_id) == ("agent@acme.example", "99999999-0000-4000-8000-000000000001")
    assert f"assumed_by={APP}" in profile.counts


ALICE = {"userId": "f" * 36, "userPrincipalName": "Alice@acme.example"}


@pytest.mark.parametrize(
    ("more", "whom"),
    [
        (
            {"agent": {"agentType": "agenticAppInstance", "agentSubjectType": "notAgentic"}, **ALICE},
            "person:alice@acme.example",
        ),
        (
            {"agent": {"agentType": "agenticAppInstance", "agentSubjectType": "notAgentic"}, "userId": "f" * 36},
            f"person:{'f' * 36}",
        ),
        ({"agent": {"agentType": "agenticAppInstance"}}, "nobody"),
        ({"agent": {"agentType": "agenticAppInstance"}, "resourceDisplayName": "AAD Token Exchange Endpoint"}, None),
        ({}, None),
    ],
    ids=["for a person", "without a name", "for itself", "a token to exchange", "no agent"],
)
def test_whom_an_agent_signs_in_for(more: dict[str, Any], whom: str | None, tmp_path: Path) -> None:
    """The agent is the caller, not the person. What is no agent says nothing of it."""
    (profile,) = profiles(EntraLog, tmp_path, sign_in(**more)).values()

    found = [text.partition("=")[2] for text in profile.counts if text.startswith("on_behalf_of=")]
    assert (profile.caller, profile.unique_id, found) == (APP, PRINCIPAL, [whom] if whom else [])


@pytest.mark.parametrize(
    ("code", "counts"), [(0, (1, 0, 0)), (7000222, (0, 1, 0)), (53003, (0, 1, 0)), (90033, (0, 0, 1))]
)
def test_outcomes(code: int, counts: tuple[int, int, int], tmp_path: Path) -> None:
    """Refused, or Entra's own fault."""
    profile = profiles(EntraLog, tmp_path, sign_in(status={"errorCode": code}))[APP]

    assert profile.counts["secret=microsoft graph:sign-in"] == counts


@pytest.mark.parametrize("as_lines", [True, False])
def test_pages_of_graph(as_lines: bool, tmp_path: Path) -> None:
    """As it answered them, or their rows alone."""
    rows = [sign_in(), summary()]
    page = {"@odata.context": "https://graph.microsoft.com/beta/$metadata#auditLogs/signIns", "value": rows}
    text = json.dumps(page) if as_lines else json.dumps(page, indent=2)
    (tmp_path / "page.json").write_text(f"{text}\n")
    (reading,), _ = read_all(log_of(EntraLog, tmp_path))

    assert reading.events == 25
    assert reading.coverage == (LogDay(scope=TENANT, day=DAY),)


def test_what_diagnostic_settings_write(tmp_path: Path) -> None:
    """A tenant and a day are a unit; other logs in the account are left out."""
    line = {
        "time": "2026-11-20T10:05:14.0000000Z",
        "resourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam",
        "operationName": "Sign-in activity",
        "category": "ServicePrincipalSignInLogs",
        "tenantId": TENANT,
        "location": "NL",
        "properties": sign_in(resourceTenantId=None),
    }
    where = f"tenantId={TENANT}/y=2026/m=11/d=20/h=10/m=00/PT1H.json"
    written(tmp_path, line, name=f"insights-logs-serviceprincipalsigninlogs/{where}")
    written(tmp_path, {"time": "x"}, name=f"insights-logs-auditlogs/{where}")
    (reading,), gaps = read_all(log_of(EntraLog, tmp_path))

    assert (reading.unit.name, reading.events) == (f"{TENANT}/2026-11-20", 1)
    assert reading.coverage == (LogDay(scope=TENANT, day=DAY),)
    assert reading.callers[0].scope == TENANT
    assert gaps == []


@examples(60, smoke=60)
@given(st.data())
def test_no_line_ends_a_reading(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It is counted, or its file is a gap."""
    record = data.draw(st.one_of(mutated(sign_in()), mutated(summary()), JSON))
    root = tmp_path_factory.mktemp("hostile")
    written(root, sign_in(), json.dumps(record))
    (reading,), _ = read_all(log_of(EntraLog, root))

    assert reading.events >= 1 or {one.status for one in reading.coverage} == {"failed"}
