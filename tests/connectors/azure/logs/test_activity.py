"""Azure's activity log: records of the REST API and of exports."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.logs.activity import AzureActivityLog, action_of, sort_of
from scanner.model.activity import LogDay
from tests.connectors.logs.audit_files import DAY, log_of, profiles, read_all, read_one, written
from tests.examples import examples
from tests.hostile_json import JSON, mutated

SUBSCRIPTION, APP = "11111111-2222-3333-4444-555555555555", "aaaaaaaa-0000-4000-8000-000000000001"
PRINCIPAL, OTHER = "bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
SITE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Web/sites/ledger"
_numbers = itertools.count(1)


def operation(name: str = "Microsoft.Web/sites/write", status: str = "Succeeded", **more: Any) -> dict[str, Any]:
    """A record of the REST API, and of ``az monitor activity-log list``."""
    number = next(_numbers)
    return {
        "eventDataId": f"dddddddd-0000-4000-8000-{number:012}",
        "correlationId": f"cccccccc-0000-4000-8000-{number:012}",
        "eventTimestamp": "2026-11-20T10:00:00.1234567Z",
        "caller": PRINCIPAL,
        "claims": {"appid": APP, OID: PRINCIPAL, "idtyp": "app", "ver": "1.0"},
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "operationName": {"value": name, "localizedValue": "Something"},
        "status": {"value": status, "localizedValue": status},
        "subStatus": {"value": "", "localizedValue": ""},
        "httpRequest": {"clientRequestId": "r", "clientIpAddress": "203.0.113.7", "method": "PUT"},
        "resourceId": SITE,
        "subscriptionId": SUBSCRIPTION,
        "properties": {"entity": SITE, "message": name},
        **more,
    }


def exported(name: str = "MICROSOFT.WEB/SITES/WRITE", result: str = "Success", **more: Any) -> dict[str, Any]:
    """The same as diagnostic settings write it."""
    return {
        "time": "2026-11-20T10:00:00.1234567Z",
        "resourceId": SITE.upper(),
        "operationName": name,
        "category": "Administrative",
        "resultType": result,
        "resultSignature": "Succeeded.OK",
        "callerIpAddress": "203.0.113.7",
        "correlationId": f"cccccccc-0000-4000-8000-{next(_numbers):012}",
        "identity": {"authorization": {"scope": SITE}, "claims": {"appid": APP, OID: PRINCIPAL, "idtyp": "app"}},
        "location": "global",
        **more,
    }


@pytest.mark.parametrize("record", [operation(), exported()])
def test_a_workload_by_its_ids_in_both_shapes(record: dict[str, Any], tmp_path: Path) -> None:
    """The client id as its name; no resource is kept but as what changed."""
    profile = profiles(AzureActivityLog, tmp_path, record)[APP]

    assert (profile.scope, profile.unique_id) == (SUBSCRIPTION, PRINCIPAL)
    assert profile.counts == {"write=microsoft.web:sites/write": (1, 0, 0), "network=203.0.113.0/24": (1, 0, 0)}


def test_an_operation_counts_once_as_it_ended(tmp_path: Path) -> None:
    """What began and did not end counts as well."""
    ended = operation(status="Failed", subStatus={"value": "Forbidden"})
    begun = {**operation(status="Started"), "correlationId": ended["correlationId"]}
    alone = operation(status="Accepted")
    profile = profiles(AzureActivityLog, tmp_path, begun, ended, ended, alone)[APP]

    assert profile.counts["write=microsoft.web:sites/write"] == (1, 1, 0)
    assert (profile.events, profile.denied) == (2, 1)


def test_people_azure_itself_and_records_without_claims(tmp_path: Path) -> None:
    """A person by name; alerts, health and policy are Azure's; a bare id is a caller's."""
    person = operation(caller="Alice@acme.example", claims={UPN: "Alice@acme.example", "appid": APP, OID: OTHER})
    reading = read_one(
        AzureActivityLog,
        tmp_path,
        person,
        operation(category={"value": "Policy"}),
        operation(caller=None, claims={}),
        operation(claims=None, caller=OTHER),
    )

    assert {(one.caller, one.unique_id) for one in reading.callers} == {("alice@acme.example", OTHER), (OTHER, OTHER)}
    assert (reading.events, reading.by_provider) == (4, 2)


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("Microsoft.Compute/virtualMachines/write", "write"),
        ("Microsoft.Storage/storageAccounts/listKeys/action", "secret"),
        ("Microsoft.ContainerService/managedClusters/listClusterUserCredential/action", "secret"),
        ("Microsoft.Compute/virtualMachines/runCommand/action", "become"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", "become"),
        ("Microsoft.Authorization/elevateAccess/action", "become"),
        ("Microsoft.Resources/deployments/validate/action", "read"),
    ],
)
def test_what_an_operation_is(name: str, sort: str) -> None:
    """In small letters, whatever the export says."""
    assert sort_of(action_of(name)) == sort
    assert action_of(name.upper()) == action_of(name)


def test_what_changes_an_identity(tmp_path: Path) -> None:
    """A role, which only the beginning of the operation names; a resource that runs as one."""
    body = json.dumps({"Id": "x", "Properties": {"PrincipalId": OTHER, "RoleDefinitionId": "y"}})
    ended = operation("Microsoft.Authorization/roleAssignments/write")
    begun = {**ended, "status": {"value": "Started"}, "properties": {"requestbody": body}}
    reading = read_one(AzureActivityLog, tmp_path, begun, ended, operation(), operation("Microsoft.Sql/servers/write"))

    assert {(one.target, one.by) for one in reading.changes} == {(OTHER, APP), (SITE.lower(), APP)}


def test_pages_and_folders_of_exports(tmp_path: Path) -> None:
    """What the API answers, and a subscription and a day of an export."""
    (tmp_path / "page.json").write_text(json.dumps({"value": [operation(), operation()]}, indent=1))
    where = f"insights-activity-logs/resourceId=/SUBSCRIPTIONS/{SUBSCRIPTION.upper()}/y=2026/m=11/d=20/h=10/m=00/"
    written(tmp_path, exported(), name=f"{where}PT1H.json")
    readings, gaps = read_all(log_of(AzureActivityLog, tmp_path))

    assert [(one.unit.name, one.events) for one in readings] == [(f"{SUBSCRIPTION}/2026-11-20", 1), ("files/", 2)]
    assert {one.coverage for one in readings} == {(LogDay(scope=SUBSCRIPTION, day=DAY),)}
    assert gaps == []


@examples(60, smoke=60)
@given(st.data())
def test_no_line_ends_a_reading(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It is counted, or its file is a gap."""
    record = data.draw(st.one_of(mutated(operation()), mutated(exported()), JSON))
    root = tmp_path_factory.mktemp("hostile")
    written(root, operation(), json.dumps(record))
    (reading,), _ = read_all(log_of(AzureActivityLog, root))

    assert reading.events >= 1 or {one.status for one in reading.coverage} == {"failed"}
