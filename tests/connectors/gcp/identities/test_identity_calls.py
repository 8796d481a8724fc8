"""How many calls identities take, and what is asked where bulk listing lacks something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.identities import add_engine, add_hmac_key, add_key, add_pool, add_provider
from scanner.model import Coverage
from tests.connectors.gcp.conftest import ORGANIZATION, Place
from tests.connectors.gcp.estate import (
    AT,
    BILLING,
    DEFAULT,
    DEV,
    GITHUB,
    PROD,
    company,
    coverage_in,
    identities_in,
    key_of,
    without_bulk,
)

NOT_COUNTED = (
    *("olic", "/roles", "v3/"),
    *("activities:query", "ecret", "compute.google", "/compute/", "/services?", "/jobs?", "/functions?", "/clusters?"),
)
ENGINES = "aiplatform.reasoning_engines"


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The company, running."""
    return start(company())


def _asked(place: Place, **facts: Any) -> Counter[str]:
    """How often each API was asked, apart from rights, use, which workload runs as which identity, and secrets."""
    del place.cloud.log[:]
    place.scan(**facts)
    lines = [line for line in place.cloud.log if not any(one in line for one in NOT_COUNTED)]
    return Counter(line.partition("?")[0] for line in lines)


@pytest.mark.parametrize("projects", [1, 5, 40])
def test_an_organisation_takes_few_calls(start: Callable[[Cloud], Place], projects: int) -> None:
    """One listing for accounts, keys and pools of all, one for engines, and one for HMAC keys of each project."""
    cloud = Cloud()
    organization = cloud.add_organization("123456789012")
    for number in range(projects):
        project = cloud.add_project(f"p-{number:03}", str(5000 + number), organization)
        cloud.add_account(project, "one")
        add_key(cloud, project, "one", f"{number:04}")
        add_hmac_key(cloud, project, "one", f"GOOG{number}")
        add_pool(cloud, project, "ci")
        add_provider(cloud, project, "ci", "github", GITHUB)
        add_engine(cloud, project, AT, "helper")

    asked = _asked(start(cloud))

    assets = f"GET /v1/{ORGANIZATION}/assets"
    assert asked[assets] == 3  # the first of them asks whether it may be used
    assert sum(asked.values()) == 3 + projects
    assert {line for line in asked if line != assets} == {
        f"GET /storage/v1/projects/p-{number:03}/hmacKeys" for number in range(projects)
    }


def test_project_by_project_takes_a_call_for_each_account(place: Place) -> None:
    """Keys have no other listing; pools that are trust domains are not asked for providers."""
    asked = _asked(without_bulk(place), projects=PROD)

    base = f"GET /v1/projects/{PROD}"
    pools = f"{base}/locations/global/workloadIdentityPools"
    accounts = [f"{base}/serviceAccounts/{email}/keys" for email in (BILLING, DEFAULT)]
    assert asked == Counter(
        [
            f"{base}/assets",
            f"google.iam.admin.v1.IAM/ListServiceAccounts projects/{PROD}",
            *accounts,
            f"GET /v2/projects/{PROD}/locations/global/keys",
            f"GET /storage/v1/projects/{PROD}/hmacKeys",
            pools,
            f"{pools}/ci/providers",
            f"{pools}/mesh/namespaces",
            f"{pools}/mesh/namespaces/shop/managedIdentities",
            f"{base}/locations/{AT}/reasoningEngines",
        ]
    )


def test_calls_are_counted_once(place: Place) -> None:
    """Over all coverage, as many as went out."""
    for facts in ({}, {"resources": "all"}, {"projects": PROD}):
        del place.cloud.log[:]
        coverage = [one for one in place.scan(**facts) if isinstance(one, Coverage)]
        assert sum(one.calls for one in coverage) == len(place.cloud.log) > 0
        assert len({(one.scope, one.section) for one in coverage}) == len(coverage)


@pytest.mark.parametrize("facts", [{}, {"projects": PROD}])
def test_a_type_that_cloud_asset_has_not_got_is_asked_for_in_each_project(place: Place, facts: dict[str, Any]) -> None:
    """No gap, and nothing is lost; calls are counted."""
    place.cloud.faults.unlisted_types.add("aiplatform.googleapis.com/ReasoningEngine")

    records = place.scan(**facts)
    every = [one for one in records if isinstance(one, Coverage)]
    coverage = coverage_in(every)

    assert {one.name for one in identities_in(records).values() if one.kind == "agent_engine"} >= {
        "support",
        "invoices",
    }
    assert [one for one in every if one.is_gap] == []
    assert len(coverage) == len(every)
    assert sum(one.calls for one in every) == len(place.cloud.log)
    assert coverage[PROD, ENGINES].identities == 2


def test_without_one_of_the_types_it_is_no_bulk_listing(place: Place) -> None:
    """Else all of them would be gaps."""
    place.cloud.faults.unlisted_types.add("apikeys.googleapis.com/Key")

    records = place.scan()

    assert [one for one in coverage_in(records).values() if one.is_gap] == []
    assert key_of(BILLING) in identities_in(records)


def test_optional_sections_are_off_and_no_gap(place: Place) -> None:
    """For each project, without a call."""
    coverage = coverage_in(place.scan())
    off = {key for key, one in coverage.items() if one.status == "off"}

    agents = ("auth_providers", "authorizations", "workloads", "access_summaries")
    names = ("agentregistry.agents", *(f"agentidentity.{name}" for name in agents), "iam.oauth_clients")
    assert off >= {(scope, name) for scope in (ORGANIZATION, PROD, DEV) for name in names}
    assert not any("/agents" in line or "authProviders" in line or "oauthClients" in line for line in place.cloud.log)


def test_an_account_that_is_gone_meanwhile_is_no_gap(place: Place) -> None:
    """It had keys, or had none."""
    without_bulk(place).cloud.faults.fail(404, api="iam", part=f"{BILLING}/keys")

    coverage = coverage_in(place.scan(projects=PROD))

    assert coverage[PROD, "iam.service_account_keys"].status == "complete"
