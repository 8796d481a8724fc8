"""What cannot be read of which workload runs as which account, and what that costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.core.contract import Scope
from connectors.gcp.workloads.catalog import SECTIONS
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.consumers import AT, add_instance, add_run
from tests.connectors.gcp.conftest import ORGANIZATION, Place, small_company
from tests.connectors.gcp.consuming import DEV, PROD, coverage_in, shop, workloads_in
from tests.connectors.gcp.estate import without_bulk

RUN = f"//run.googleapis.com/projects/{PROD}/locations/{AT}"
AGENTS = ("agent", "mcp_server")


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The shop, running."""
    return start(shop())


def test_what_only_cloud_asset_says_is_said_to_be_missing(place: Place) -> None:
    """It is no gap: no one can close it but by allowing Cloud Asset, which is reported once."""
    others = coverage_in(without_bulk(place).scan())[PROD, "workloads.others"]

    assert (others.status, "Cloud Asset" in str(others.detail)) == ("not_offered", True)


@pytest.mark.parametrize(
    ("api", "section", "permission"),
    [
        ("compute", "workloads.compute", "compute.instances.list"),
        ("run", "workloads.run", "run.services.list"),
        ("cloudfunctions", "workloads.functions", "cloudfunctions.functions.list"),
        ("container", "workloads.kubernetes", "container.clusters.list"),
    ],
)
def test_an_api_that_is_denied_is_a_gap_of_its_own(place: Place, api: str, section: str, permission: str) -> None:
    """Which names what is missing; one that is off in the project is none."""
    without_bulk(place)
    place.cloud.faults.deny(api=api, place=f"projects/{PROD}")
    place.cloud.faults.disable_api(api, DEV, "2222")

    coverage = coverage_in(place.scan())

    assert (coverage[PROD, section].status, coverage[PROD, section].permission) == ("denied", permission)
    assert coverage[DEV, section].status == "not_offered"
    assert {name for (_, name), one in coverage.items() if one.is_gap} == {section}


def test_a_listing_that_fails_is_a_gap_of_every_project(place: Place) -> None:
    """Of all that it would have reported, so that the last scan's workloads do not seem to have gone."""
    connector = place.connector()
    scopes = [one for one in connector.scopes() if isinstance(one, Scope)]
    place.cloud.faults.fail(500, api="cloudasset")

    coverage = coverage_in(record for scope in scopes for record in connector.discover(scope))

    gaps = {(scope, name) for (scope, name), one in coverage.items() if one.is_gap and name in SECTIONS}
    assert gaps == {(scope, name) for scope in (ORGANIZATION, PROD, DEV) for name in SECTIONS}


def test_a_listing_that_breaks_off_is_partial_where_it_reported_something(start: Callable[[Cloud], Place]) -> None:
    """And failed where it reported nothing."""
    cloud = small_company()
    for number in range(1100):
        add_instance(cloud, PROD, f"vm-{number}")
    place = start(cloud)
    connector = place.connector()
    (scope,) = (one for one in connector.scopes() if isinstance(one, Scope))
    place.cloud.faults.only_first_pages = True

    records = list(connector.discover(scope))
    coverage = coverage_in(records)

    assert coverage[PROD, "workloads.compute"].status == "partial"
    assert coverage[PROD, "workloads.functions"].status == "failed"
    assert len(workloads_in(records)) == 1000


HOSTILE = "\x1b[2J<script>alert(1)</script>/../../x?y#z\u202e"


@pytest.mark.parametrize("bulk", [True, False])
def test_a_bad_row_costs_only_itself(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """Hostile names are data."""
    cloud = shop()
    add_run(cloud, PROD, "odd", HOSTILE, secrets=(HOSTILE, HOSTILE), creator=HOSTILE)
    cloud.rows[f"projects/{PROD}/instances"].insert(0, {"name": "bad", "zone": "zones/a", "labels": [HOSTILE]})
    place = start(cloud) if bulk else without_bulk(start(cloud))

    records = place.scan()
    compute = coverage_in(records)[ORGANIZATION if bulk else PROD, "workloads.compute"]

    assert {one.name for one in workloads_in(records).values()} >= {"vm-1", "vm-alone", "odd"}
    assert (compute.status, "could not be read" in str(compute.detail)) == ("partial", True)
    assert "\x1b" not in str(compute.detail)


def test_zones_that_compute_engine_cannot_reach_are_a_gap(place: Place) -> None:
    """It answers with those that it can."""
    without_bulk(place).cloud.faults.unreachable_zones.append("zones/us-east1-b")

    compute = coverage_in(place.scan())[PROD, "workloads.compute"]

    assert (compute.status, "us-east1-b" in str(compute.detail)) == ("partial", True)
