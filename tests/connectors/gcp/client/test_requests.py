"""The table of requests against the discovery documents, and against itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.client import requests as r
from connectors.gcp.client.requests import Request
from connectors.gcp.logs import live
from connectors.gcp.logs.batching import question
from connectors.gcp.logs.spec import SPEC as AUDIT
from connectors.gcp.sections import SECTIONS
from connectors.logs.live import Span
from tests.connectors.gcp.discovery import UNDOCUMENTED, check_resource, document, find_method

SPAN = Span(datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC))
SAMPLES = {
    "parent": "organizations/1",
    "project": "acme-prod",
    "kind": "organizations",
    "place": "1",
    "location": "global",
}
DOCUMENTED = [one for one in r.REQUESTS if one.api not in UNDOCUMENTED]
DANGEROUS = re.compile(r":access\b|keyString|lookupKey|generate\w*Token|signJwt|signBlob|:undelete|:set|:create")


def _sample(request: Request) -> str:
    return request.route({place: SAMPLES.get(place, f"a{place}") for place in request.places})


def _id(request: Request) -> str:
    return f"{request.api} {request.path}"


@pytest.mark.parametrize("request_", DOCUMENTED, ids=_id)
def test_every_request_is_in_the_discovery_documents(request_: Request) -> None:
    """Method, path, and each parameter that may be sent."""
    name, method = find_method(request_.api, request_.method, _sample(request_).replace("%2F", "_"))
    known = set(method["parameters"]) | set(document(name)["parameters"])
    sized = set() if request_.size is None else {request_.sized_by, "pageToken"}
    sent = {parameter for parameter, _ in request_.query} | set(request_.takes) | sized

    # getIamPolicy takes the version in the body as well, and some documents report on that alone.
    assert sent - known <= ({"options.requestedPolicyVersion"} if request_.method == "POST" else set())


@pytest.mark.parametrize("request_", [one for one in DOCUMENTED if one.items], ids=_id)
def test_listings_name_the_field_with_the_rows(request_: Request) -> None:
    """Of the answer's schema."""
    name, method = find_method(request_.api, request_.method, _sample(request_))
    schema = document(name)["schemas"][method["response"]["$ref"]]["properties"]

    assert request_.items in schema
    assert ("nextPageToken" in schema) == (request_.size is not None)


def test_nothing_that_is_asked_changes_anything_or_reads_a_value() -> None:
    """POST only where a question needs a body."""
    assert {one.path for one in r.REQUESTS if DANGEROUS.search(one.path)} == set()
    assert {one.path.rpartition(":")[2] for one in r.REQUESTS if one.method == "POST"} == {
        "getIamPolicy",
        "list",  # of entries of logs
        "testIamPermissions",
    }


def test_every_permission_is_reported_by_a_section() -> None:
    """The custom role is made from them."""
    needed_by_sections = {permission for section in SECTIONS for permission in section.permissions}
    of_sections = [one for one in r.REQUESTS if one not in r.OF_LOGS]
    needed = {one.permission for one in of_sections if not one.path.endswith(":testIamPermissions")}

    assert needed == needed_by_sections


def test_every_permission_of_logs_is_reported_by_their_type() -> None:
    """What is tested for, though no request names it, included."""
    assert {one.permission for one in r.OF_LOGS} | {*live.NEEDED, r.PROJECT.permission} == {*AUDIT.permissions}
    check_resource("logging.v2", "ListLogEntriesRequest", question(["acme", "folders/2"], SPAN))


def test_requests_are_made_nowhere_but_in_the_table() -> None:
    """The client sends nothing else, and everything above holds for the table."""
    package = Path(r.__file__).parent
    making = {
        path.name for path in package.rglob("*.py") if re.search(r"\bRequest\(", path.read_text(encoding="utf-8"))
    }

    assert making - {"request.py"} == {"requests.py"}


def test_no_two_apis_share_a_path() -> None:
    """One address can answer for all of them."""
    flat = [re.sub(r"\{\w+\}", "*", f"{one.method} {one.path}") for one in r.REQUESTS if one.regional is None]

    assert len(flat) == len(set(flat))


@given(st.text())
def test_a_name_never_leads_to_another_path(name: str) -> None:
    """Whatever a server says that something is called."""
    try:
        route = r.SECRET_VERSIONS.route({"project": "p", "secret": name})
    except ValueError:
        return

    assert re.fullmatch(r"/v1/projects/p/secrets/[^/?#]+/versions", route)
    assert "/../" not in route
    assert "/./" not in route


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "a?b", "a#b", "a b", "a\nb", "a%2fb", "a\\b"])
def test_names_that_would_lead_elsewhere_are_refused(name: str) -> None:
    """None of them is a secret's."""
    with pytest.raises(ValueError, match="is not a secret"):
        r.SECRET_VERSIONS.route({"project": "p", "secret": name})
