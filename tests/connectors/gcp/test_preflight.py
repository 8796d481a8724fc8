"""``doctor`` and ``--policy``: what is missing is named beforehand, and nothing outside the printed role is asked."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import yaml

from connectors.core.contract import Check
from connectors.gcp.client import requests as r
from connectors.gcp.client.requests import Request
from connectors.gcp.connector import GcpConnector
from connectors.gcp.least_privilege import custom_role
from connectors.gcp.preflight import FORBIDDEN
from connectors.gcp.sections import SECTIONS
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.faults import Refused
from tests.connectors.gcp.conftest import ORGANIZATION, Place
from tests.connectors.gcp.estate import company

TESTS = {r.TEST_ORGANIZATION, r.TEST_FOLDER, r.TEST_PROJECT}
GRPC = {"ListServiceAccounts": r.SERVICE_ACCOUNTS.permission}


def _permissions(policy: str) -> set[str]:
    role = yaml.safe_load(policy)
    assert role.keys() == {"title", "description", "stage", "includedPermissions"}
    return set(role["includedPermissions"])


def _asked(place: Place) -> set[str]:
    """The permissions that the requests took which were sent."""
    return {permission for line in place.cloud.log if (permission := _taken(line)) is not None}


def _taken(line: str) -> str | None:
    """By the request of the table that has that path; None for a test of one's own rights."""
    method, _, target = line.partition(" ")
    if method.startswith("google.iam.admin"):
        return GRPC[method.rpartition("/")[2]]
    path = target.partition("?")[0]
    request = next(one for one in r.REQUESTS if one.method == method and _pattern(one).fullmatch(path))
    return None if request in TESTS else request.permission


def _pattern(request: Request) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", request.path)
    places = ("([^:]+?)" if place == "parent" else "([^/:]+|[^/]+@[^/:]+)" for place in parts[1::2])
    return re.compile("".join(re.escape(text) + next(places, "") for text in parts[::2]))


def _checks(place: Place, **facts: object) -> dict[str, Check]:
    return {one.name: one for one in place.connector(**facts).check()}


def _wrong(place: Place, **facts: object) -> list[Check]:
    return [one for one in _checks(place, **facts).values() if not one.ok]


def test_the_role_has_what_the_table_of_requests_takes_and_no_more() -> None:
    """And can be read as gcloud reads it."""
    taken = {one.permission for one in r.REQUESTS if one not in TESTS and one not in r.OF_LOGS}

    assert _permissions(GcpConnector.base_policy()) == taken
    assert not [one for one in taken if re.search(r"\.(create|update|delete|set|access$|actAs|getKeyString)", one)]


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("resources", ["usual", "all"])
def test_nothing_outside_the_printed_role_is_asked(start: Callable[[Cloud], Place], bulk: bool, resources: str) -> None:
    """By a scan or by doctor, of everything there is."""
    place = start(company())
    if not bulk:
        place.cloud.faults.deny(api="cloudasset")
    connector = place.connector(resources=resources)

    place.scan(resources=resources)
    list(connector.check())

    assert _asked(place) <= _permissions(connector.policy())
    assert len(_asked(place)) > (10 if bulk else 15)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"organization": "99"}, "organizations add-iam-policy-binding 99 "),
        ({"organization": "99"}, "--organization=99 --file=muster-role.yaml"),
        ({"folders": ("45", "46")}, "folders add-iam-policy-binding 46 "),
        ({"projects": ("acme-prod", "acme-dev")}, "roles create musterAudit --project=acme-dev "),
        ({"quota_project": "acme-security"}, "projects add-iam-policy-binding acme-security "),
        (
            {"impersonate": "muster@acme-security.iam.gserviceaccount.com"},
            "--member=serviceAccount:muster@acme-security.iam.gserviceaccount.com",
        ),
        ({}, "--organization=ORGANIZATION "),
        ({}, "cloudasset.googleapis.com"),
    ],
)
def test_the_commands_are_those_of_the_source(place: Place, facts: dict[str, str], words: str) -> None:
    """With its places and its account; as comments, so that the whole is the role's file."""
    policy = place.connector(**facts).policy()

    assert words in policy
    assert _permissions(policy)


def test_a_role_of_a_project_has_nothing_that_such_a_role_may_not_have(place: Place) -> None:
    """IAM refuses to make it otherwise."""
    permissions = _permissions(place.connector(projects="acme-prod").policy())

    assert "resourcemanager.projects.get" in permissions
    assert not [
        one for one in permissions if one.startswith(("resourcemanager.organizations", "resourcemanager.folders"))
    ]


def test_optional_sections_are_in_the_role_if_they_are_asked_for(place: Place) -> None:
    """And only then."""
    permission = r.OAUTH_CLIENTS.permission

    assert permission not in _permissions(place.connector().policy())
    assert permission in _permissions(place.connector(resources="all").policy())
    assert permission in _permissions(custom_role(SECTIONS))


@pytest.mark.parametrize("bulk", [True, False])
def test_all_is_well_with_credentials_that_suffice(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """A line for each permission that can be tried."""
    place = start(company())
    if not bulk:
        place.cloud.faults.deny(api="cloudasset")
    checks = _checks(place)

    assert [one for one in checks.values() if not one.ok] == []
    root = ORGANIZATION if bulk else "projects/acme-prod"
    assert (f"iam.serviceAccountKeys.list at {root}" in checks) is not bulk
    assert checks[f"storage.hmacKeys.list at {root}"].detail == "allowed"


def test_a_missing_permission_is_named_with_what_is_lost(place: Place) -> None:
    """And only that."""
    place.cloud.faults.deny(api="storage")

    (wrong,) = _wrong(place)

    assert wrong.name == f"storage.hmacKeys.list at {ORGANIZATION}"
    assert wrong.fix == "grant storage.hmacKeys.list"
    assert "HMAC keys" in wrong.detail


def test_an_api_that_is_off_in_the_quota_project_is_reported_once_for_the_project(place: Place) -> None:
    """With the command that enables it."""
    place.cloud.faults.disable_api("policyanalyzer", "-", "999", everywhere=True)

    wrong = {one.name: one for one in _wrong(place)}

    assert "quota project" in wrong
    assert wrong["quota project"].fix == "gcloud services enable policyanalyzer.googleapis.com --project=999"


def test_an_api_that_is_off_in_the_project_is_nothing_wrong(start: Callable[[Cloud], Place]) -> None:
    """There is nothing of it there."""
    place = start(company())
    place.cloud.faults.deny(api="cloudasset")
    place.cloud.faults.disable_api("compute", "acme-prod", "1111")

    checks = _checks(place, projects="acme-prod")

    assert "not enabled" in checks["compute.instances.list at projects/acme-prod"].detail
    assert checks["compute.instances.list at projects/acme-prod"].ok


def test_a_quota_project_that_may_not_be_used_is_reported(place: Place) -> None:
    """With what to grant."""
    refused = Refused(403, "Caller does not have required permission to use project", reason="USER_PROJECT_DENIED")
    place.cloud.faults.refuse(refused, api="storage")

    wrong = {one.name: one for one in _wrong(place, quota_project="acme-security")}

    assert "acme-security" in wrong["quota project"].detail
    assert "serviceUsageConsumer" in str(wrong["quota project"].fix)


def test_credentials_that_may_do_more_than_read_are_warned_of(place: Place) -> None:
    """Each such right is named, in words."""
    place.cloud.rights = {"iam.serviceAccounts.getAccessToken", "secretmanager.versions.access"}

    (wrong,) = _wrong(place)

    assert wrong.name == "credentials' rights"
    assert [words in wrong.detail for words in FORBIDDEN.values()].count(True) == 2
    assert "--policy" in str(wrong.fix)


def test_wrong_credentials_are_reported_once(place: Place) -> None:
    """Nothing else is tried."""
    place.cloud.faults.fail(401)

    (wrong,) = _wrong(place)

    assert "credentials" in wrong.detail
    assert len(place.cloud.log) == 1


@pytest.mark.parametrize("status", [400, 404])
def test_what_is_not_there_to_be_asked_is_not_allowed(start: Callable[[Cloud], Place], status: int) -> None:
    """An address that knows nothing of an API is a gap of the scan, and doctor says so."""
    place = start(company())
    place.cloud.faults.deny(api="cloudasset")
    for part in ("hmacKeys", "/keys"):
        place.cloud.faults.fail(status, part=part)

    wrong = [one.name for one in _wrong(place, projects="acme-prod")]

    assert wrong == [
        f"{permission} at projects/acme-prod"
        for permission in ("iam.serviceAccountKeys.list", "apikeys.keys.list", "storage.hmacKeys.list")
    ]


def test_accounts_are_asked_for_as_a_scan_asks(start: Callable[[Cloud], Place]) -> None:
    """By gRPC, which a proxy may stop that lets HTTP through."""
    place = start(company())
    place.cloud.faults.deny(api="cloudasset")

    (wrong,) = _wrong(place, projects="acme-prod", grpc_endpoint="127.0.0.1:1", max_attempts=1)

    assert wrong.name == "iam.serviceAccounts.list at projects/acme-prod"
    assert "failed to connect" in wrong.detail
