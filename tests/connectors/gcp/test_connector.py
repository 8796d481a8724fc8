"""Units of work, and what each way of listing finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from connectors.core.contract import Scope
from connectors.gcp.units import GcpUnit as Unit
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.model import Coverage, Identity
from tests.connectors.gcp.conftest import ORGANIZATION, Place, small_company

BILLING = "//iam.googleapis.com/projects/acme-prod/serviceAccounts/billing@acme-prod.iam.gserviceaccount.com"


def _units(place: Place, **facts: object) -> dict[str, Unit]:
    return {one.id: one.context for one in place.connector(**facts).scopes() if isinstance(one, Scope)}


def _coverage(place: Place, **facts: object) -> dict[tuple[str, str], Coverage]:
    return {(one.scope, one.section): one for one in place.scan(**facts) if isinstance(one, Coverage)}


def test_an_organisation_that_cloud_asset_answers_for_is_one_unit(place: Place) -> None:
    """With its projects, their ancestors nearest first."""
    units = _units(place)

    assert list(units) == [ORGANIZATION]
    assert units[ORGANIZATION].bulk
    assert {one.id: one.ancestors for one in units[ORGANIZATION].projects} == {
        "acme-prod": ("folders/456", ORGANIZATION),
        "acme-dev": (ORGANIZATION,),
    }


def test_without_cloud_asset_each_place_is_a_unit(place: Place) -> None:
    """Denied at the organisation."""
    place.cloud.faults.deny(api="cloudasset", place=ORGANIZATION)

    units = _units(place)

    assert {name: unit.kind for name, unit in units.items()} == {
        ORGANIZATION: "organization",
        "folders/456": "folder",
        "acme-prod": "project",
        "acme-dev": "project",
    }
    assert not any(unit.bulk for unit in units.values())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"organization": "123456789012"}, {ORGANIZATION: ["acme-prod", "acme-dev"]}),
        ({"folders": "456"}, {"folders/456": ["acme-prod"]}),
        ({"projects": "acme-dev"}, {"acme-dev": ["acme-dev"]}),
        ({"skip_projects": "acme-dev"}, {ORGANIZATION: ["acme-prod"]}),
        ({"skip_projects": "2222"}, {ORGANIZATION: ["acme-prod"]}),
        ({"folders": "456", "organization": "123456789012"}, {ORGANIZATION: ["acme-prod", "acme-dev"]}),
        (
            {"folders": "456", "projects": ("acme-dev", "acme-prod")},
            {"folders/456": ["acme-prod"], "acme-dev": ["acme-dev"]},
        ),
    ],
)
def test_settings_say_where_to_start(place: Place, facts: dict[str, object], expected: dict[str, list[str]]) -> None:
    """What lies below another root is read once."""
    units = _units(place, **facts)

    assert {name: [one.id for one in unit.projects] for name, unit in units.items()} == expected


def test_projects_without_a_visible_organisation_are_roots(start: Callable[[Cloud], Place]) -> None:
    """Noise of Apps Script is left out and counted; what is being deleted is no project."""
    cloud = Cloud()
    cloud.add_project("alone-1", "31", "organizations/77")
    cloud.add_project("sys-12345", "32")
    cloud.add_project("leaving-1", "33", state="DELETE_REQUESTED")
    place = start(cloud)

    assert list(_units(place)) == ["alone-1"]
    assert "1 projects of Apps Script" in str(_coverage(place)["alone-1", "resourcemanager.projects"].detail)


def test_nothing_that_can_be_seen_is_a_gap_of_everything(start: Callable[[Cloud], Place]) -> None:
    """Not an empty, healthy estate."""
    ((key, coverage),) = _coverage(start(Cloud())).items()

    assert key == ("*", "resourcemanager.projects")
    assert (coverage.status, coverage.permission) == ("denied", "resourcemanager.projects.get")


@pytest.mark.parametrize("fault", ["denied", "off", "none"])
def test_both_ways_find_the_same(place: Place, fault: str) -> None:
    """Cloud Asset, or each project's own APIs; keys, scopes and facts alike."""
    if fault == "denied":
        place.cloud.faults.deny(api="cloudasset")
    if fault == "off":
        place.cloud.faults.disable_api("cloudasset", "-", "9", everywhere=True)

    found = {one.key: one for one in place.scan() if isinstance(one, Identity)}

    assert len(found) == 2
    billing = found[BILLING]
    assert (billing.scope, billing.name, billing.display_name, billing.enabled) == (
        "acme-prod",
        "billing",
        "Billing",
        True,
    )
    assert billing.aliases == ("billing@acme-prod.iam.gserviceaccount.com",)
    assert structs.asdict(billing)["privilege"].level == "normal"
    assert {one.enabled for one in found.values()} == {True, False}


@pytest.mark.parametrize(("code", "is_gap"), [(503, True), (429, True), (403, False), (404, False), (501, False)])
def test_cloud_asset_that_does_not_answer_is_a_gap_of_what_it_alone_says(
    place: Place, code: int, *, is_gap: bool
) -> None:
    """Rights and workloads that it listed the night before have not gone; where it may not be used it listed none."""
    place.cloud.faults.fail(code, api="cloudasset")

    coverage = _coverage(place)

    gaps = {section for (scope, section), one in coverage.items() if one.is_gap and scope == "acme-prod"}
    assert gaps == ({"iam.policies", "workloads.others"} if is_gap else set())
    assert coverage[ORGANIZATION, "cloudasset.assets"].is_gap is is_gap
    assert coverage["acme-prod", "iam.service_accounts"].identities == 1


def test_a_bulk_unit_says_how_each_project_was_read(place: Place) -> None:
    """Its calls count once."""
    coverage = _coverage(place)
    accounts = {scope: one for (scope, section), one in coverage.items() if section == "iam.service_accounts"}

    assert {scope: (one.status, one.identities) for scope, one in accounts.items()} == {
        ORGANIZATION: ("complete", 0),
        "acme-prod": ("complete", 1),
        "acme-dev": ("complete", 1),
    }
    assert [one.calls for one in accounts.values()] == [1, 0, 0]
    assert sum(one.calls for one in coverage.values()) == len(place.cloud.log) > 0


def test_a_failure_of_a_bulk_unit_is_a_gap_of_each_project(place: Place) -> None:
    """Else the last scan's identities would seem to have gone."""
    place.cloud.faults.fail(500, api="cloudasset", part="zzz")
    connector = place.connector()
    scopes = list(connector.scopes())
    place.cloud.faults.fail(500, api="cloudasset")

    records = [record for scope in scopes if isinstance(scope, Scope) for record in connector.discover(scope)]

    gaps = {one.scope: one.status for one in records if isinstance(one, Coverage) and one.is_gap}
    assert gaps == dict.fromkeys((ORGANIZATION, "acme-prod", "acme-dev"), "failed")


@pytest.mark.parametrize("bulk", [True, False])
def test_a_bad_row_costs_only_itself(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """Hostile names are data."""
    cloud = small_company()
    cloud.rows["projects/acme-prod/serviceAccounts"].insert(0, {"name": "\x1b[31m<script>", "email": 7})
    if not bulk:
        cloud.faults.deny(api="cloudasset")
    place = start(cloud)

    records = place.scan(grpc_endpoint=None)

    assert len([one for one in records if isinstance(one, Identity)]) == 2
    gaps = [one for one in records if isinstance(one, Coverage) and one.is_gap]
    (partial,) = {one.detail for one in gaps if one.section == "iam.service_accounts"}
    assert "could not be read" in str(partial)
    assert "\x1b" not in str(partial)


def test_a_folder_that_no_search_shows_is_looked_up(place: Place) -> None:
    """A search may be behind; what is above a project must be known."""
    place.cloud.faults.deny(api="cloudresourcemanager", place="folders:search")

    units = _units(place, projects="acme-prod")

    assert units["acme-prod"].project.ancestors == ("folders/456", ORGANIZATION)


def test_a_named_project_that_cannot_be_seen_is_a_gap_of_its_own(place: Place) -> None:
    """The others are read."""
    place.cloud.faults.deny(api="cloudresourcemanager", place="projects/acme-dev")

    coverage = _coverage(place, projects=("acme-dev", "acme-prod"))

    assert {(scope, one.status) for (scope, _), one in coverage.items() if one.is_gap} == {("acme-dev", "denied")}
    assert coverage["acme-prod", "iam.service_accounts"].identities == 1


@pytest.mark.parametrize("facts", [{"organization": "99"}, {"folders": "99"}, {"folders": ("99", "456")}])
def test_named_places_that_cannot_be_seen_are_gaps(place: Place, facts: dict[str, object]) -> None:
    """Not empty, healthy ones."""
    missing = f"{'organizations' if 'organization' in facts else 'folders'}/99"
    gaps = {scope for (scope, section), one in _coverage(place, **facts).items() if one.is_gap}

    assert gaps == {missing}
    assert missing not in _units(place, **facts)


def test_a_named_folder_that_no_search_shows_is_looked_up(place: Place) -> None:
    """It is a root all the same."""
    place.cloud.faults.deny(api="cloudresourcemanager", place="folders:search")

    units = _units(place, folders="456")

    assert units["folders/456"].ancestors == (ORGANIZATION,)
    assert [one.id for one in units["folders/456"].projects] == ["acme-prod"]


def test_only_projects_that_cannot_be_seen_end_in_gaps(place: Place) -> None:
    """No one else's projects are read instead."""
    coverage = _coverage(place, projects="nobody-s")

    assert {scope for scope, _ in coverage} == {"nobody-s"}
    assert coverage["nobody-s", "resourcemanager.projects"].status == "denied"
    assert coverage["nobody-s", "iam.service_accounts"].is_gap


@pytest.mark.parametrize("code", [403, 404, 501])
def test_a_named_project_that_cannot_be_looked_up_is_read_all_the_same(place: Place, code: int) -> None:
    """Its accounts may be listed by anyone who may not see the project, or where Resource Manager is missing."""
    place.cloud.faults.fail(code, api="cloudresourcemanager")
    place.cloud.faults.fail(404, api="cloudasset")

    records = place.scan(projects="acme-prod")

    assert BILLING in {one.key for one in records if isinstance(one, Identity)}
    reported = [
        one.is_gap for one in records if isinstance(one, Coverage) and one.section == "resourcemanager.projects"
    ]
    assert reported == [True]


def test_a_named_project_is_read_where_the_search_fails(place: Place) -> None:
    """What is below the organisation is a gap."""
    place.cloud.faults.fail(404, api="cloudresourcemanager", part=":search")

    records = place.scan(organization="123456789012", projects="acme-prod")

    assert BILLING in {one.key for one in records if isinstance(one, Identity)}
    assert {one.scope for one in records if isinstance(one, Coverage) and one.is_gap} >= {"*"}


@pytest.mark.parametrize("code", [404, 503])
@pytest.mark.parametrize("part", ["organizations:search", "folders:search"])
def test_projects_are_read_where_what_is_above_them_cannot_be_searched(place: Place, part: str, code: int) -> None:
    """By anyone who answers for projects alone, or while the other search is down: that is a gap."""
    place.cloud.faults.fail(code, api="cloudresourcemanager", part=part)

    records = place.scan()

    assert BILLING in {one.key for one in records if isinstance(one, Identity)}
    assert ("*", "resourcemanager.projects") in {
        (one.scope, one.section) for one in records if isinstance(one, Coverage) and one.is_gap
    }


def test_a_folder_that_cannot_be_looked_up_costs_no_project(place: Place) -> None:
    """It is a gap of its own, and the projects after it are read."""
    place.cloud.faults.deny(api="cloudresourcemanager", place="folders:search")
    place.cloud.faults.fail(503, api="cloudresourcemanager", part="folders/456")

    records = place.scan()

    assert {one.scope for one in records if isinstance(one, Identity)} == {"acme-prod", "acme-dev"}
    assert {one.scope for one in records if isinstance(one, Coverage) and one.is_gap} >= {"folders/456"}


@pytest.mark.parametrize("kind", ["organizations", "folders"])
def test_an_organization_or_folder_of_another_name_is_none(start: Callable[[Cloud], Place], kind: str) -> None:
    """The bad row is a gap, and no one asks for what it would be."""
    cloud = small_company()
    getattr(cloud, kind)["bad"] = {"name": "//x/\x1b[31mbad", "parent": ORGANIZATION, "state": "ACTIVE"}

    records = start(cloud).scan()

    (gap,) = [one for one in records if isinstance(one, Coverage) and one.is_gap]
    assert (gap.scope, gap.section, gap.status) == ("*", "resourcemanager.projects", "partial")
    assert "\x1b" not in str(gap.detail)
    assert len([one for one in records if isinstance(one, Identity)]) == 2


def test_searches_that_all_fail_are_no_denial(place: Place) -> None:
    """No role would help."""
    place.cloud.faults.fail(503, api="cloudresourcemanager")

    (gap,) = [one for one in place.scan() if isinstance(one, Coverage)]

    assert (gap.scope, gap.status, gap.permission) == ("*", "failed", None)


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "each"])
@pytest.mark.parametrize(
    ("email", "external"),
    [("x@elsewhere.iam.gserviceaccount.com", [True]), ("builder@acme-dev.iam.gserviceaccount.com", [])],
)
def test_both_ways_say_outsiders_from_the_organisation_s_own(
    place: Place, email: str, *, external: list[bool], bulk: bool
) -> None:
    """So that nothing is taken for mended when Cloud Asset is no longer answered by."""
    member = {"role": "roles/iam.serviceAccountTokenCreator", "members": [f"serviceAccount:{email}"]}
    place.cloud.set_policy(
        "//cloudresourcemanager.googleapis.com/projects/acme-prod",
        member,
        asset_type="cloudresourcemanager.googleapis.com/Project",
    )
    if not bulk:
        place.cloud.faults.deny(api="cloudasset")

    found = {one.key: one for one in place.scan(organization="123456789012") if isinstance(one, Identity)}

    assert [trust.external for trust in found[BILLING].trusts] == external


def test_of_an_organisation_that_only_a_search_shows_others_may_be_ours(place: Place) -> None:
    """It may be seen without its projects."""
    place.cloud.faults.deny(api="cloudasset")

    assert {unit.is_whole for unit in _units(place).values()} == {False}


@pytest.mark.parametrize("facts", [{}, {"organization": "123456789012"}, {"projects": ("acme-dev", "acme-prod")}])
def test_wrong_credentials_end_it_at_once(place: Place, facts: dict[str, object]) -> None:
    """One gap, and no request more."""
    place.cloud.faults.fail(401)

    ((key, coverage),) = _coverage(place, **facts).items()

    assert key == ("*", "resourcemanager.projects")
    assert coverage.status == "failed"
    assert "credentials" in str(coverage.detail)
    assert len(place.cloud.log) == 1


def test_without_a_way_to_a_token_nothing_is_asked(place: Place, tmp_path: Path) -> None:
    """Each request would wait for it anew, until the next morning."""
    subject = tmp_path / "subject"
    subject.write_text("a token of someone else's")
    credentials = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "http://127.0.0.1:1/token",
        "credential_source": {"file": str(subject)},
    }
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps(credentials))

    (coverage,) = _coverage(place, projects="acme-prod", credentials_file=path, access_token=None).values()

    assert (coverage.scope, coverage.status) == ("*", "failed")
    assert "the token could not be obtained" in str(coverage.detail)
    assert place.cloud.log == []
