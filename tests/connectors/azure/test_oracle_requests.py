"""What requests and exchanges the oracle lets pass, and that it refuses every other."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.azure import oracle
from tests.connectors.azure.published import requests, values
from tests.connectors.azure.published.shapes import shapes

GUID = "0d2a5b6e-5a4b-4c1e-9a55-0b6c7f1d2e3a"
SCOPE = "/subscriptions/s/providers/Microsoft.Authorization"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("expand", "problem"),
    [
        ("owners", ""),
        ("owners($select=id,displayName,userPrincipalName)", ""),
        ("federatedIdentityCredentials", ""),
        ("sponsors", "has no relationship sponsors"),
        ("keyCredentials", "has no relationship keyCredentials"),
        ("owners($select=id,upn)", "has no property upn"),
        ("owners,memberOf", "2 relationships"),
        ("", "0 relationships"),
    ],
)
def test_an_expand_names_one_relationship(expand: str, problem: str) -> None:
    """Of the type, and what is selected within is of what it leads to."""
    problems = oracle.check_expand("servicePrincipal", expand)

    assert bool(problems) == bool(problem)
    assert all(problem in reported for reported in problems)


@pytest.mark.parametrize(
    ("method", "path", "query", "problem"),
    [
        ("GET", "/v1.0/servicePrincipals", {"$top": "999", "$select": "id", "$expand": "owners"}, ""),
        ("GET", "/v1.0/servicePrincipals", {"$filter": "servicePrincipalType eq 'ManagedIdentity'"}, ""),
        ("GET", "/v1.0/servicePrincipals/microsoft.graph.agentIdentity", {"$select": "agentIdentityBlueprintId"}, ""),
        ("GET", f"/v1.0/servicePrincipals/{GUID}/appRoleAssignedTo", {"$top": "999"}, ""),
        ("GET", f"/v1.0/servicePrincipals(appId='{GUID}')", {"$select": "id"}, ""),
        (
            "GET",
            "/v1.0/users",
            {"$filter": "startswith(displayName,'appOwner eq 1') or assignedPlans/any(p:p/x eq 1)"},
            "",
        ),
        ("GET", f"{SCOPE}/roleAssignments", {"api-version": "2022-04-01", "$filter": "atScope()"}, ""),
        ("GET", f"{SCOPE}/ROLEASSIGNMENTS".lower(), {"api-version": "2022-04-01"}, ""),
        ("GET", "/providers/Microsoft.Authorization/roleDefinitions", {"api-version": "2022-05-01-preview"}, ""),
        ("GET", "/secrets", {"api-version": "7.6", "maxresults": "25"}, ""),
        ("GET", "/v1.0/servicePrincipal", {}, "no published request"),
        ("GET", "/servicePrincipals", {}, "no published request"),
        ("DELETE", f"/v1.0/applications/{GUID}", {}, "no published request"),
        ("POST", "/v1.0/applications", {}, "no published request"),
        ("GET", "/secrets/s", {"api-version": "7.6"}, "no published request"),
        ("GET", "/v1.0/servicePrincipals", {"$select": "id,owner"}, "has no property owner"),
        ("GET", "/v1.0/servicePrincipals", {"$filter": "type eq 'ManagedIdentity'"}, "has no property type"),
        ("GET", "/v1.0/servicePrincipals", {"$filter": "startswith(name,'a')"}, "has no property name"),
        ("GET", "/v1.0/servicePrincipals", {"$expand": "sponsors"}, "has no relationship sponsors"),
        ("GET", "/v1.0/servicePrincipals", {"$top": "1000"}, "1000 is more than 999"),
        ("GET", "/v1.0/servicePrincipals", {"$top": "all"}, "'all' is no number of rows"),
        ("GET", "/v1.0/servicePrincipals", {"$top": "0"}, "'0' is no number of rows"),
        ("GET", "/v1.0/servicePrincipals", {"top": "9"}, "no query option top"),
        ("GET", "/v1.0/servicePrincipals/microsoft.graph.agentIdentity", {"$top": "999"}, "999 is more than 100"),
        ("GET", "/v1.0/roleManagement/directory/roleAssignments", {"$top": "1"}, "no query option $top"),
        ("GET", "/beta/reports/appCredentialSignInActivities", {"$top": "1", "$skiptoken": "x"}, ""),
        ("GET", "/beta/reports/appCredentialSignInActivities", {"$select": "id"}, "no query option $select"),
        ("GET", f"{SCOPE}/roleAssignments", {"api-version": "2020-10-01"}, "api-version 2020-10-01 is not published"),
        ("GET", f"{SCOPE}/roleAssignments", {}, "api-version None is not published"),
        ("GET", "/secrets", {"api-version": "7.6", "maxresults": "26"}, "26 is more than 25"),
    ],
)
def test_a_request_is_a_published_one(method: str, path: str, query: dict[str, str], problem: str) -> None:
    """Its path, its options, what it names, how much it asks for and its version."""
    problems = oracle.check_request(method, path, query)

    assert bool(problems) == bool(problem), problems
    assert all(problem in reported for reported in problems)


@pytest.mark.parametrize(
    ("query", "headers", "problem"),
    [
        ({"$count": "true"}, {"consistencylevel": "Eventual"}, ""),
        ({"$count": "true"}, None, ""),
        ({"$filter": "appId eq 'a ne b'"}, {}, ""),
        ({"$count": "true"}, {}, "without ConsistencyLevel"),
        ({"$filter": "appOwnerOrganizationId ne null"}, {}, "without ConsistencyLevel"),
        ({"$count": "true", "$expand": "owners"}, None, "not together with an advanced query"),
    ],
)
def test_an_advanced_query_says_so(query: dict[str, str], headers: dict[str, str] | None, problem: str) -> None:
    """By a header, and it expands nothing."""
    problems = oracle.check_request("GET", "/v1.0/servicePrincipals", query, headers=headers)

    assert bool(problems) == bool(problem), problems
    assert all(problem in reported for reported in problems)


def exchange(path: str, status: int, answer: object, *, method: str = "GET", sent: object = None) -> list[str]:
    """What the oracle says of an exchange of JSON; None is no body."""
    url = "https://localhost:8443" + path
    bodies = [b"" if body is None else json.dumps(body).encode() for body in (answer, sent)]
    return oracle.check_exchange(method, url, status, bodies[0], sent=bodies[1])


APPLICATIONS = "/v1.0/applications"
SUBSCRIPTIONS = "/subscriptions?api-version=2022-12-01"
ONE: dict[str, Any] = {"id": GUID}
DENIED = {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}


@pytest.mark.parametrize(
    ("path", "status", "answer", "problem"),
    [
        (f"{APPLICATIONS}?$select=id", 200, {"value": [ONE], "@odata.nextLink": "https://x"}, ""),
        (f"{APPLICATIONS}?$expand=owners", 200, {"value": [{**ONE, "owners": []}]}, ""),
        (f"{APPLICATIONS}/{GUID}", 200, {**ONE, "@odata.context": "https://x"}, ""),
        (SUBSCRIPTIONS, 200, {"value": [], "nextLink": None}, ""),
        (APPLICATIONS, 403, {"error": DENIED}, ""),
        (APPLICATIONS, 502, None, ""),
        ("/t/v2.0/.well-known/openid-configuration", 400, {"error": "invalid_tenant"}, ""),
        ("/v1.0/me", 200, {}, "no published request"),
        (f"{APPLICATIONS}?$select=owner", 200, {"value": []}, "has no property owner"),
        (APPLICATIONS, 200, [], "the answer is not an object"),
        (APPLICATIONS, 200, None, "the answer is not an object"),
        (APPLICATIONS, 200, {}, "without a list called value"),
        (APPLICATIONS, 200, {"value": [], "nextLink": "x"}, "no page of graph has nextLink"),
        (SUBSCRIPTIONS, 200, {"value": [], "@odata.count": 0}, "no page of arm has @odata.count"),
        (APPLICATIONS, 200, {"value": [], "@odata.nextLink": None}, "@odata.nextLink: None is no link"),
        (SUBSCRIPTIONS, 200, {"value": [], "nextLink": 2}, "nextLink: 2 is no link"),
        (APPLICATIONS, 200, {"value": ["x"]}, "value[0]: no object"),
        (APPLICATIONS, 200, {"value": [{}]}, "value[0]: no id"),
        (f"{APPLICATIONS}?$select=id", 200, {"value": [{**ONE, "appId": GUID}]}, "value[0].appId: not in $select"),
        (APPLICATIONS, 200, {"value": [{**ONE, "owners": []}]}, "value[0].owners: not in $expand"),
        (APPLICATIONS, 200, {"value": [ONE] * 101}, "101 rows on a page of at most 100"),
        (f"{APPLICATIONS}?$top=2", 200, {"value": [ONE] * 3}, "3 rows on a page of at most 2"),
        (f"{APPLICATIONS}?$top=999&$expand=owners", 200, {"value": [ONE] * 101}, "101 rows on a page of at most 100"),
        ("/secrets?api-version=7.6", 200, {"value": [{"id": "x"}] * 26}, "26 rows on a page of at most 25"),
        (f"{APPLICATIONS}/{GUID}", 200, {**ONE, "appid": GUID}, "has no property appid"),
        (APPLICATIONS, 403, {"error": "denied"}, "'denied' is no mainError"),
        (APPLICATIONS, 403, {"error": {"message": "denied"}}, "without its code and message"),
        (APPLICATIONS, 403, {"error": {**DENIED, "status": 403}}, "has no property status"),
    ],
)
def test_an_answer_is_held_against_what_was_asked(path: str, status: int, answer: object, problem: str) -> None:
    """Page, rows, what was selected and expanded, and errors."""
    problems = exchange(path, status, answer)

    assert bool(problems) == bool(problem), problems
    assert not problem or any(problem in reported for reported in problems), problems


@pytest.mark.parametrize("answer", [b"", b"<html>", b'"\xff"', b"[" * 5000])
def test_what_is_no_json_is_reported(answer: bytes) -> None:
    """With a status of success it is no answer; gateways say their errors so."""
    assert oracle.check_exchange("GET", APPLICATIONS, 200, answer) == [
        f"GET {APPLICATIONS}: the answer is not an object"
    ]
    assert oracle.check_exchange("GET", APPLICATIONS, 502, answer) == []


QUERY = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
FOUND = {"totalRecords": 1, "count": 1, "resultTruncated": "false", "data": [{"id": "x"}]}
BATCH = "/v1.0/$batch"
STEP = {"id": "1", "method": "GET", "url": f"/applications/{GUID}/owners?$select=id"}
STEPS = {"requests": [STEP, {**STEP, "id": "2", "url": f"/applications/{GUID}"}]}
OWNERS = {"id": "1", "status": 200, "body": {"value": []}}
GONE = {"id": "2", "status": 404, "body": {"error": {"code": "Request_ResourceNotFound", "message": ""}}}


@pytest.mark.parametrize(
    ("path", "sent", "answer", "problem"),
    [
        (QUERY, {"query": "resources", "options": {"$top": 1000}}, FOUND, ""),
        (QUERY, {"query": ""}, {**FOUND, "skipToken": "x"}, "has no property skipToken"),
        (QUERY, {"query": "", "options": {"top": 1}}, FOUND, "has no property top"),
        (QUERY, {}, FOUND, "QueryRequest without query"),
        (QUERY, None, FOUND, "is no resourcegraph.QueryRequest"),
        (BATCH, STEPS, {"responses": [GONE, OWNERS]}, ""),
        ("/v1.0/%24batch", STEPS, {"responses": [OWNERS, GONE]}, ""),
        (BATCH, STEPS, {"value": []}, "no batch: Object missing required field `responses`"),
        (BATCH, {"requests": [{"id": 1}]}, {"responses": []}, "no batch: Expected `str`, got `int`"),
        (BATCH, {"requests": [{**STEP, "url": f"applications/{GUID}/owners"}]}, {"responses": [OWNERS]}, ""),
        (BATCH, {"requests": [{**STEP, "url": "/users?$count=true"}]}, {"responses": [OWNERS]}, "ConsistencyLevel"),
        (BATCH, STEPS, {"responses": [OWNERS]}, "a batch of ['1', '2'] was answered for ['1']"),
        (BATCH, STEPS, {"responses": [OWNERS, {**OWNERS, "id": "3"}]}, "was answered for ['1', '3']"),
        (BATCH, STEPS, {"responses": [{**OWNERS, "body": {}}, GONE]}, "[1] GET"),
        (BATCH, STEPS, {"responses": [OWNERS, {**GONE, "body": {}}]}, "[2] GET"),
        (BATCH, {"requests": [{**STEP, "id": str(n)} for n in range(21)]}, {"responses": []}, "a batch of 21"),
    ],
)
def test_a_post_is_held_with_what_was_sent(path: str, sent: object, answer: object, problem: str) -> None:
    """A query with its options, and a batch request by request, in whatever order it is answered."""
    problems = exchange(path, 200, answer, method="POST", sent=sent)

    assert bool(problems) == bool(problem), problems
    assert not problem or any(problem in reported for reported in problems), problems


@given(path=st.text(), query=st.dictionaries(st.text(), st.text()), answer=ANY_JSON, status=st.integers(200, 599))
def test_whatever_is_asked_is_reported_and_raises_nothing(
    path: str, query: dict[str, str], answer: Any, status: int
) -> None:
    """Paths, queries and answers that no one publishes."""
    for known in ("", "/v1.0/servicePrincipals", "/v1.0/$batch", QUERY.partition("?")[0], "/secrets"):
        asked = known + quote(path)
        assert isinstance(oracle.check_request("GET", asked, query), list)
        assert isinstance(oracle.check_request("POST", asked, query), list)
        assert isinstance(exchange(asked, status, answer, method="POST", sent=answer), list)
        assert isinstance(exchange(known, status, answer), list)


def test_all_that_the_tables_name_is_published() -> None:
    """Types that requests answer with, and those that a type is made of or derived from."""
    known = shapes()
    listed = [request for service in requests.services().values() for request in service.requests]
    errors = {service.error for service in requests.services().values()}
    named = {request.entity for request in listed} | {request.sends for request in listed} | errors
    parts = {kind.rstrip("?[]{}") for shape in known.values() for kind in shape.properties.values()}

    assert named - {""} <= known.keys()
    assert parts <= known.keys() | values.PRIMITIVES.keys()
    assert all(shape.base is None or shape.base in known for shape in known.values())


@pytest.mark.parametrize("request_path", [r.path for s in requests.services().values() for r in s.requests])
def test_every_published_path_finds_itself(request_path: str) -> None:
    """A more literal path is found before one with a placeholder in its place."""
    parts = {"{scope*}": "subscriptions/s", "{appId}": GUID, "{id}": GUID}
    written = request_path
    for placeholder, part in parts.items():
        written = written.replace(placeholder, part)
    found = [requests.find(method, written) for method in ("GET", "POST")]

    assert request_path in {item[0].path for item in found if item is not None}
