"""Which workload runs as which account, by Cloud Asset and by each project's own APIs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import DiscoveredRecord
from connectors.gcp.workloads.catalog import SORTS
from connectors.gcp.workloads.records import path_in
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.consumers import AT, VALUE, add_instance, add_run
from scanner.demo.fakes.gcp.identities import add_registered
from scanner.model import Identity
from tests.connectors.gcp.conftest import ORGANIZATION, Place, small_company
from tests.connectors.gcp.consuming import (
    APP_ENGINE,
    BILLING,
    DEFAULT,
    DEV,
    PROD,
    SECRETS,
    coverage_in,
    key_of,
    more_of_assets,
    shop,
    workloads_in,
)
from tests.connectors.gcp.estate import without_bulk

RUN = f"//run.googleapis.com/projects/{PROD}/locations/{AT}"
AGENTS = ("agent", "mcp_server")


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The shop, running."""
    return start(shop())


def _agents(records: list[DiscoveredRecord]) -> dict[str, Identity]:
    return {one.name: one for one in records if isinstance(one, Identity) and one.kind in AGENTS}


def test_both_ways_find_the_same(start: Callable[[Cloud], Place]) -> None:
    """To the last field."""
    bulk, each = start(shop()).scan(), without_bulk(start(shop())).scan()

    assert workloads_in(bulk) == workloads_in(each)
    assert _agents(bulk) == _agents(each)
    assert len(workloads_in(bulk)) == 9


@pytest.mark.parametrize("bulk", [True, False])
def test_what_it_runs_as_and_uses_are_keys(place: Place, bulk: bool) -> None:
    """Secrets of other projects that are not read keep the name that they go by."""
    found = workloads_in((place if bulk else without_bulk(place)).scan())

    checkout = found[f"{RUN}/services/checkout"]
    assert (checkout.kind, checkout.scope, checkout.runs_as) == ("run_service", PROD, (key_of(BILLING),))
    assert checkout.uses == (f"{SECRETS}/{PROD}/secrets/db", f"{SECRETS}/{PROD}/secrets/tls")
    assert (checkout.created_by, checkout.tags) == ("ada@example.com", {"team": "shop", "project:owner": "ada"})
    assert found[f"{RUN}/jobs/nightly"].uses[1] == f"{SECRETS}/other-7/secrets/x"
    names = {one.name: one for one in found.values()}
    assert names["resize"].runs_as == (key_of(DEFAULT),)
    assert names["resize"].uses == (f"{SECRETS}/{PROD}/secrets/db", f"{SECRETS}/{DEV}/secrets/api")
    assert (names["vm-alone"].runs_as, names["vm-1"].runs_as) == ((), (key_of(BILLING),))
    assert names["main/pool-2"].key.endswith(f"/locations/{AT}/clusters/main/nodePools/pool-2")


@pytest.mark.parametrize("bulk", [True, False])
def test_what_cloud_run_has_as_an_agent_is_an_identity(place: Place, bulk: bool) -> None:
    """It runs as its account; so does a server of tools, which is no agent."""
    records = (place if bulk else without_bulk(place)).scan()
    found = _agents(records)

    helper, tools = found["helper"], found["tools"]
    assert (helper.kind, helper.key, helper.scope) == ("agent", f"{RUN}/services/helper", PROD)
    assert [one.says for one in helper.signals] == ["agent"]
    assert [(one.relation, one.target) for one in helper.links] == [("runs_as", key_of(DEFAULT))]
    assert helper.attributes["uses"] == [f"{SECRETS}/{PROD}/secrets/db"]
    assert (tools.kind, [one.says for one in tools.signals]) == ("mcp_server", ["machine"])
    assert coverage_in(records)[PROD, "workloads.run"].identities == 2
    assert helper.key not in workloads_in(records)


@pytest.mark.parametrize("bulk", [True, False])
def test_an_agent_that_is_registered_as_well_is_one_identity(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """Known by the service that it runs on."""
    cloud = shop()
    uri = f"{RUN}/services/helper".replace(PROD, "1111")
    runtime = {"agentregistry.googleapis.com/system/RuntimeReference": {"uri": uri}}
    add_registered(cloud, PROD, AT, "agents", "helper", attributes=runtime)
    place = start(cloud) if bulk else without_bulk(start(cloud))

    agents = [one for one in place.scan(resources="all") if isinstance(one, Identity) and one.name == "helper"]

    assert [(one.key, one.attributes["registered"]) for one in agents] == [(f"{RUN}/services/helper", True)]


def test_cloud_asset_says_of_more(start: Callable[[Cloud], Place]) -> None:
    """Of every sort that there is, in one listing; pipelines that have ended are left out."""
    place = start(more_of_assets(shop()))

    found = workloads_in(place.scan())

    assert {one.kind for one in found.values()} == {sort.kind for sort in SORTS.values()}
    assert not any(one.name == "pipeline-done" for one in found.values())
    names = {one.name: one for one in found.values()}
    assert names["old-shop"].key == f"{RUN}/services/old-shop"
    assert names["old-shop"].uses == (f"{SECRETS}/{PROD}/secrets/db", f"{SECRETS}/{PROD}/secrets/tls")
    assert names["ancient"].runs_as == names["default/v1"].runs_as == (key_of(APP_ENGINE),)
    for name in ("web", "air", "hourly", "on-push", "nb", "nb-old", "scoring", "spark", "pipeline-running"):
        assert names[name].runs_as == (key_of(BILLING),), name
    assert sum("compute.googleapis.com" in line for line in place.cloud.log) == 1


def test_rare_types_that_cloud_asset_lacks_do_no_harm(start: Callable[[Cloud], Place]) -> None:
    """The others of the listing are reported."""
    place = start(more_of_assets(shop()))
    place.cloud.faults.unlisted_types |= {"dataflow.googleapis.com/Job", "notebooks.googleapis.com/Instance"}

    records = place.scan()

    assert [one for one in coverage_in(records).values() if one.is_gap] == []
    assert any(one.kind == "workflow" for one in workloads_in(records).values())


@pytest.mark.parametrize("bulk", [True, False])
def test_no_value_of_a_variable_is_kept(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """Nor of metadata, nor a password of a cluster."""
    cloud = more_of_assets(shop())
    place = start(cloud) if bulk else without_bulk(start(cloud))

    assert VALUE in str(cloud.rows)
    assert VALUE.encode() not in msgspec.json.encode(place.scan())


def test_an_organisation_takes_one_listing(start: Callable[[Cloud], Place]) -> None:
    """However many projects and sorts there are; a call for each thousand."""
    cloud = small_company()
    for number in range(40):
        project = cloud.add_project(f"p-{number:02}", str(6000 + number), ORGANIZATION)
        for name in range(30):
            add_instance(cloud, project, f"vm-{name}")
            add_run(cloud, project, f"app-{name}")
    place = start(cloud)

    records = place.scan()
    asked = [line for line in place.cloud.log if "compute.googleapis.com" in line]

    assert len(workloads_in(records)) == 2400
    assert len(asked) == 3
    assert sum(one.calls for one in coverage_in(records).values()) == len(place.cloud.log)


def test_project_by_project_takes_five_calls_and_two_for_each_location(place: Place) -> None:
    """Whether anything is there or not."""
    without_bulk(place).scan(projects=DEV, locations=("europe-west1", "us-east4"))

    ends = ("/instances", "/services", "/jobs", "/functions", "/clusters")
    paths = (line.partition("?")[0] for line in place.cloud.log)
    asked = Counter(path for path in paths if path.endswith(ends))
    at = f"GET /v2/projects/{DEV}/locations"
    assert asked == Counter(
        [
            f"GET /compute/v1/projects/{DEV}/aggregated/instances",
            *(f"{at}/{location}/{kind}" for location in (AT, "us-east4") for kind in ("services", "jobs")),
            f"{at}/-/functions",
            f"GET /v1/projects/{DEV}/locations/-/clusters",
        ]
    )


@pytest.mark.parametrize("bulk", [True, False])
def test_a_project_s_number_in_a_name_is_its_id_in_the_key(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """Both are used; rights report on workloads by the id."""
    cloud = shop()
    add_run(cloud, PROD, "numbered")["name"] = f"projects/1111/locations/{AT}/services/numbered"
    place = start(cloud) if bulk else without_bulk(start(cloud))

    assert f"{RUN}/services/numbered" in workloads_in(place.scan())


@given(st.text())
def test_a_link_gives_a_resource_name_or_nothing(link: str) -> None:
    """Whatever it is."""
    assert path_in(link) == "" or path_in(link).startswith("projects/")
    assert path_in(f"https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/i?{link}") == (
        "projects/p/zones/z/instances/i"
    )
