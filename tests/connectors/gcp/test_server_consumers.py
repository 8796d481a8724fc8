"""The fake cloud's consumers, secrets and records of use, held against Google's discovery documents."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from connectors.gcp.client import requests as r
from connectors.gcp.client.requests import Request
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.consumers import AT, VALUE
from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.server import ROUTES, Tree, answer, fields_in, partial
from scanner.demo.fakes.gcp.usage import add_insight, add_key_use, add_use
from tests.connectors.gcp.conftest import ORGANIZATION
from tests.connectors.gcp.consuming import BILLING, PROD, more_of_assets, secretive, shop
from tests.connectors.gcp.discovery import check_answer, check_resource, document, find_method

_ACTIVITIES = "locations/global/activityTypes"
PATHS = (
    f"/compute/v1/projects/{PROD}/aggregated/instances",
    f"/v2/projects/{PROD}/locations/{AT}/services",
    f"/v2/projects/{PROD}/locations/{AT}/jobs",
    f"/v2/projects/{PROD}/locations/-/functions",
    f"/v1/projects/{PROD}/locations/-/clusters",
    f"/v1/projects/{PROD}/secrets",
    f"/v1/projects/{PROD}/secrets/db/versions",
    f"/v1/projects/{PROD}/locations/{AT}/secrets",
    f"/v1/projects/{PROD}/locations/{AT}/secrets/local/versions",
    f"/v1/projects/{PROD}/{_ACTIVITIES}/serviceAccountLastAuthentication/activities:query",
    f"/v1/{ORGANIZATION}/{_ACTIVITIES}/serviceAccountKeyLastAuthentication/activities:query",
    f"/v1/folders/456/{_ACTIVITIES}/serviceAccountLastAuthentication/activities:query",
    f"/v1/projects/{PROD}/locations/global/insightTypes/google.iam.policy.Insight/insights",
)
_AIPLATFORM = "GoogleCloudAiplatformV1"
SCHEMAS = {
    ("compute.googleapis.com/Instance", "v1"): ("compute.v1", "Instance"),
    ("compute.googleapis.com/InstanceTemplate", "v1"): ("compute.v1", "InstanceTemplate"),
    ("run.googleapis.com/Service", "v2"): ("run.v2", "GoogleCloudRunV2Service"),
    ("run.googleapis.com/Job", "v2"): ("run.v2", "GoogleCloudRunV2Job"),
    ("run.googleapis.com/Service", "v1"): ("run.v1", "Service"),
    ("run.googleapis.com/Job", "v1"): ("run.v1", "Job"),
    ("cloudfunctions.googleapis.com/Function", "v2"): ("cloudfunctions.v2", "Function"),
    ("cloudfunctions.googleapis.com/CloudFunction", "v1"): ("cloudfunctions.v1", "CloudFunction"),
    ("container.googleapis.com/Cluster", "v1"): ("container.v1", "Cluster"),
    ("container.googleapis.com/NodePool", "v1"): ("container.v1", "NodePool"),
    ("dataflow.googleapis.com/Job", "v1b3"): ("dataflow.v1b3", "Job"),
    ("cloudscheduler.googleapis.com/Job", "v1"): ("cloudscheduler.v1", "Job"),
    ("composer.googleapis.com/Environment", "v1"): ("composer.v1", "Environment"),
    ("cloudbuild.googleapis.com/BuildTrigger", "v1"): ("cloudbuild.v1", "BuildTrigger"),
    ("notebooks.googleapis.com/Instance", "v2"): ("notebooks.v2", "Instance"),
    ("notebooks.googleapis.com/Instance", "v1"): ("notebooks.v1", "Instance"),
    ("aiplatform.googleapis.com/Endpoint", "v1"): ("aiplatform.v1", f"{_AIPLATFORM}Endpoint"),
    ("appengine.googleapis.com/Version", "v1"): ("appengine.v1", "Version"),
    ("workflows.googleapis.com/Workflow", "v1"): ("workflows.v1", "Workflow"),
    ("dataproc.googleapis.com/Cluster", "v1"): ("dataproc.v1", "Cluster"),
    ("secretmanager.googleapis.com/Secret", "v1"): ("secretmanager.v1", "Secret"),
    ("secretmanager.googleapis.com/SecretVersion", "v1"): ("secretmanager.v1", "SecretVersion"),
    ("iam.googleapis.com/ServiceAccount", "v1"): ("iam.v1", "ServiceAccount"),
}
MASKED = [(one, dict(one.query)["fields"]) for one in r.REQUESTS if "fields" in dict(one.query)]


def _cloud() -> Cloud:
    cloud = more_of_assets(shop())
    for collection, rows in secretive().rows.items():
        if "ecrets" in collection:
            cloud.rows[collection] = rows
    add_use(cloud, PROD, "billing", 3)
    add_key_use(cloud, PROD, BILLING, "0001", 3)
    add_insight(cloud, PROD, "policy", {"member": f"serviceAccount:{BILLING}", "role": "roles/editor"})
    return cloud


@pytest.mark.parametrize("target", PATHS)
def test_answers_are_of_the_schema_that_google_promises(target: str) -> None:
    """Fields, types and enumerations; none of these answers is empty."""
    path = urlsplit(target).path
    api = next(one.api for one in ROUTES if one.method == "GET" and one.pattern.fullmatch(path))

    found = answer(_cloud(), "GET", target, None)

    assert found
    check_answer(api, "GET", path, found)


def test_assets_have_their_own_api_s_resource_as_data() -> None:
    """Every sort and version is there."""
    assets = answer(_cloud(), "GET", f"/v1/{ORGANIZATION}/assets?contentType=RESOURCE&pageSize=1000", None)["assets"]

    assert {(asset["assetType"], asset["resource"]["version"]) for asset in assets} == set(SCHEMAS)
    for asset in assets:
        check_resource(*SCHEMAS[asset["assetType"], asset["resource"]["version"]], asset["resource"]["data"])


def _id(case: Any) -> str:
    return case.path if isinstance(case, Request) else "fields"


def _check_fields(schemas: dict[str, Any], schema: dict[str, Any], tree: Tree, where: str) -> None:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    if schema.get("type") == "array":
        schema = schema["items"]
        return _check_fields(schemas, schema, tree, where)
    for name, inner in tree.items():
        known = schema.get("properties", {})
        assert name in known or (name == "*" and "additionalProperties" in schema), f"{where}: no field {name}"
        _check_fields(schemas, known.get(name, schema.get("additionalProperties", {})), inner, f"{where}.{name}")
    return None


@pytest.mark.parametrize(("request_", "fields"), MASKED, ids=_id)
def test_what_is_asked_for_of_an_answer_is_in_it(request_: Request, fields: str) -> None:
    """Google refuses a selection of fields that it does not have."""
    samples = {"project": PROD, "location": AT}
    name, method = find_method(request_.api, request_.method, request_.route(samples))

    _check_fields(document(name)["schemas"], {"$ref": method["response"]["$ref"]}, fields_in(fields), request_.path)


@pytest.mark.parametrize(("request_", "fields"), MASKED, ids=_id)
def test_values_are_not_even_sent(request_: Request, fields: str) -> None:
    """They stay with Google: what is not selected does not come."""
    path = request_.route({"project": PROD, "location": AT})

    assert VALUE in str(answer(_cloud(), "GET", path, None))
    assert VALUE not in str(answer(_cloud(), "GET", f"{path}?{urlencode({'fields': fields})}", None))


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ("a", {"a": {"b": 1, "c": 2}}),
        ("a/b", {"a": {"b": 1}}),
        ("a(b),d", {"a": {"b": 1}, "d": [{"e": 1, "f": {"g": 2}}]}),
        ("d(e)", {"d": [{"e": 1}]}),
        ("d/f/g", {"d": [{"f": {"g": 2}}]}),
        ("m/*/x", {"m": {"one": {"x": 1}, "two": {}}}),
        ("m/*(x,y)", {"m": {"one": {"x": 1, "y": 2}, "two": {}}}),
        ("nothing", {}),
    ],
)
def test_parts_of_an_answer(fields: str, left: dict[str, Any]) -> None:
    """As the guides of the APIs describe it."""
    whole = {
        "a": {"b": 1, "c": 2},
        "d": [{"e": 1, "f": {"g": 2}}],
        "m": {"one": {"x": 1, "y": 2}, "two": {"z": 3}},
    }

    assert partial(whole, fields) == left


@pytest.mark.parametrize("fields", ["a(b", "a)b", "a(b))"])
def test_a_selection_that_cannot_be_understood_is_refused(fields: str) -> None:
    """With 400, as the real ones do it."""
    with pytest.raises(Refused) as caught:
        partial({}, fields)
    assert caught.value.code == 400
