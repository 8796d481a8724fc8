"""Identities with something in the way: refusals, bad rows, hostile names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from connectors.core.contract import Scope
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.identities import add_api_key, add_pool, add_provider
from scanner.demo.fakes.gcp.roles import add_role
from scanner.model import Coverage
from tests.connectors.gcp.conftest import ORGANIZATION, Place
from tests.connectors.gcp.estate import (
    AT,
    BILLING,
    BUILDER,
    DEV,
    GITHUB,
    PROD,
    company,
    coverage_in,
    identities_in,
    key_of,
    without_bulk,
)

KEYS = "//apikeys.googleapis.com/projects"
MANAGER = "//cloudresourcemanager.googleapis.com"
PROJECT = "cloudresourcemanager.googleapis.com/Project"
POOL = "projects/1111/locations/global/workloadIdentityPools/ci"
ENGINES = "aiplatform.reasoning_engines"
LISTED = ("iam.service_accounts", "iam.service_account_keys", "apikeys.keys", "iam.workload_identity_pools")


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The company, running."""
    return start(company())


def test_a_failed_listing_is_a_gap_of_all_that_it_lists(place: Place) -> None:
    """Of each project, so that no one seems to have gone."""
    connector = place.connector()
    (scope,) = [one for one in connector.scopes() if isinstance(one, Scope)]
    place.cloud.faults.deny(api="cloudasset", part="assets")

    coverage = coverage_in(connector.discover(scope))

    for name in LISTED:
        assert {coverage[where, name].status for where in (ORGANIZATION, PROD, DEV)} == {"denied"}
    assert coverage[PROD, ENGINES].status == "denied"
    assert coverage[PROD, "iam.managed_identities"].status == "skipped"
    assert coverage[PROD, "storage.hmac_keys"].status == "complete"


def test_a_listing_that_ends_early_is_partial(start: Callable[[Cloud], Place]) -> None:
    """What came before is reported."""
    cloud = company()
    for number in range(1000):
        cloud.add_account(DEV, f"svc-{number}")
    place = start(cloud)
    connector = place.connector()
    (scope,) = [one for one in connector.scopes() if isinstance(one, Scope)]
    place.cloud.faults.fail(503, api="cloudasset", part="assets", after=1)

    found = list(connector.discover(scope))

    assert {coverage_in(found)[PROD, name].status for name in LISTED} == {"partial"}
    assert len(identities_in(found)) > 900


@pytest.mark.parametrize("bad", [{}, {"name": "projects/1/no/provider"}, {"oidc": {}}])
def test_who_signs_for_a_pool_is_unknown_unless_all_of_it_was_read(
    start: Callable[[Cloud], Place], bad: dict[str, Any]
) -> None:
    """Else who an account lets in would seem to be no one, or one of several."""
    cloud = company()
    member = f"principal://iam.googleapis.com/{POOL}/subject/repo:acme/app:ref:refs/heads/main"
    role = add_role(cloud, "roles/iam.workloadIdentityUser", "iam.serviceAccounts.getAccessToken")
    cloud.set_policy(
        key_of(BILLING), {"role": role, "members": [member]}, asset_type="iam.googleapis.com/ServiceAccount"
    )
    if bad:
        add_provider(cloud, PROD, "ci", "bad", GITHUB, **bad)

    found = identities_in(start(cloud).scan())

    for one in (found[key_of(BILLING)], found[member]):
        assert {trust.issuer for trust in one.trusts} == (set() if bad else {GITHUB})
        assert ("trusts" in one.unread) is bool(bad)


def _federated(cloud: Cloud, *, on: str, is_off: bool) -> str:
    """Lets a pool of one project into an account or project of the other. The member."""
    member = f"principalSet://iam.googleapis.com/{POOL}/*"
    role = add_role(cloud, "roles/iam.workloadIdentityUser", "iam.serviceAccounts.getAccessToken")
    kind = "iam.googleapis.com/ServiceAccount" if "serviceAccounts" in on else PROJECT
    cloud.set_policy(on, {"role": role, "members": [member]}, asset_type=kind)
    if is_off:
        (pool,) = [
            one
            for one in cloud.rows[f"projects/{PROD}/locations/global/workloadIdentityPools"]
            if one["name"].endswith("/ci")
        ]
        pool["disabled"] = True
    return member


@pytest.mark.parametrize("is_off", [False, True])
@pytest.mark.parametrize(
    "on",
    [key_of(BUILDER, DEV), f"{MANAGER}/projects/{DEV}", f"{MANAGER}/{ORGANIZATION}"],
    ids=["one", "project", "all"],
)
def test_a_pool_of_another_project_is_the_same_pool(start: Callable[[Cloud], Place], on: str, is_off: bool) -> None:
    """Whether all is listed in bulk or each project by itself: a pool that is off lets no one in anywhere."""
    reported = []
    for bulk in (True, False):
        cloud = company()
        member = _federated(cloud, on=on, is_off=is_off)
        place = start(cloud)
        found = identities_in((place if bulk else without_bulk(place)).scan())
        reported.append((found[member].trusts, found[key_of(BUILDER, DEV)].trusts))
        assert not {"trusts"} & {*found[member].unread, *found[key_of(BUILDER, DEV)].unread}

    assert reported[0] == reported[1]
    assert bool(reported[0][1]) is not is_off


def test_a_pool_of_another_project_that_cannot_be_read_leaves_it_open(start: Callable[[Cloud], Place]) -> None:
    """No one is called an outsider who no one could look at; what was known of it stands."""
    cloud = company()
    member = _federated(cloud, on=key_of(BUILDER, DEV), is_off=True)
    place = without_bulk(start(cloud))
    place.cloud.faults.fail(503, api="iam", part=f"{PROD}/locations/global/workloadIdentityPools")

    found = identities_in(place.scan())

    for one in (found[member], found[key_of(BUILDER, DEV)]):
        assert (one.trusts, "trusts" in one.unread) == ((), True)


def test_of_another_project_only_the_pools_that_are_named_are_asked_about(start: Callable[[Cloud], Place]) -> None:
    """By no one but the unit that it is of; pools of clusters are Google's own, and have no providers to ask for."""
    cloud = company()
    _federated(cloud, on=key_of(BUILDER, DEV), is_off=False)
    gke = f"principalSet://iam.googleapis.com/{POOL.replace('1111', '2222').replace('/ci', f'/{DEV}.svc.id.goog')}/*"
    cloud.set_policy(
        key_of(BILLING),
        {"role": "roles/iam.workloadIdentityUser", "members": [gke]},
        asset_type="iam.googleapis.com/ServiceAccount",
    )
    add_pool(cloud, PROD, "other")
    add_provider(cloud, PROD, "other", "x", GITHUB)
    place = without_bulk(start(cloud))

    found = identities_in(place.scan())

    pools = {project: f"GET /v1/projects/{project}/locations/global/workloadIdentityPools" for project in (PROD, DEV)}
    assert {trust.issuer for trust in found[key_of(BUILDER, DEV)].trusts} == {GITHUB}
    asked = Counter(line.partition("?")[0] for line in place.cloud.log)
    assert [asked[f"{pools[PROD]}/{pool}/providers"] for pool in ("ci", "other")] == [2, 1]
    assert asked[pools[DEV]] == 1


@pytest.mark.parametrize(("after", "expected"), [(0, ("denied", "skipped")), (1, ("partial", "partial"))])
def test_without_all_accounts_there_are_not_all_keys(place: Place, after: int, expected: tuple[str, str]) -> None:
    """Those of accounts that were listed are reported."""
    for number in range(100):
        place.cloud.add_account(PROD, f"svc-{number:03}")
    without_bulk(place).cloud.faults.fail(403, api="iam", part=f"{PROD}/serviceAccounts", times=1, after=after)

    coverage = coverage_in(place.scan(projects=PROD))

    assert (coverage[PROD, LISTED[0]].status, coverage[PROD, LISTED[1]].status) == expected


FAULTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("iam", "/keys", "iam.service_account_keys", ("credentials",)),
    ("storage", "hmacKeys", "storage.hmac_keys", ("credentials",)),
    ("apikeys", "keys", "apikeys.keys", ("credentials",)),
    ("iam", "workloadIdentityPools", "iam.workload_identity_pools", ()),
    ("iam", "/providers", "iam.workload_identity_pools", ()),
    ("iam", "/namespaces", "iam.managed_identities", ()),
    ("aiplatform", "reasoningEngines", ENGINES, ()),
    ("agentregistry", "agents", "agentregistry.agents", ()),
    ("agentidentity", "authProviders", "agentidentity.auth_providers", ()),
    ("agentidentity", "/authorizations", "agentidentity.authorizations", ()),
    ("agentidentity", ":queryWorkloads", "agentidentity.workloads", ()),
    ("agentidentity", "accessSummaries", "agentidentity.access_summaries", ()),
    ("iam", "oauthClients", "iam.oauth_clients", ()),
)


@pytest.mark.parametrize("fault", ["denied", "failed", "throttled"])
@pytest.mark.parametrize(("api", "part", "section", "unread"), FAULTS)
def test_what_cannot_be_read_is_a_gap_of_its_own(
    place: Place, api: str, part: str, section: str, unread: tuple[str, ...], fault: str
) -> None:
    """The rest is read, and accounts say what was kept from them."""
    faults = without_bulk(place).cloud.faults
    {
        "denied": lambda: faults.deny(api=api, part=part),
        "failed": lambda: faults.fail(503, api=api, part=part),
        "throttled": lambda: faults.throttle(api, part=part),
    }[fault]()

    records = place.scan(resources="all", projects=PROD)
    gaps = {one.section: one.status for one in coverage_in(records).values() if one.is_gap}
    billing = identities_in(records)[key_of(BILLING)]

    assert section in gaps
    # What is listed by credential is skipped if these could not be listed.
    assert set(gaps) <= {section, "iam.managed_identities", "agentidentity.authorizations", "agentidentity.workloads"}
    assert gaps[section] == ("denied" if fault == "denied" else "failed")
    assert set(unread) <= set(billing.unread)
    assert "trusts" not in billing.unread  # no pool is in a binding on it


def test_keys_that_google_manages_are_left_out_though_reported(place: Place) -> None:
    """They rotate by themselves and never leave Google."""
    without_bulk(place).cloud.faults.unheeded_key_types = True

    keys = identities_in(place.scan(projects=PROD))[key_of(BILLING)].credentials

    assert "0003" not in {key.id for key in keys}
    assert keys


@pytest.mark.parametrize(("gone", "status"), [(f"{BILLING}/keys", "complete"), ("/keys", "failed")])
def test_keys_of_accounts_that_vanished_meanwhile_are_no_gap(place: Place, gone: str, status: str) -> None:
    """Unless all of them did: then anyone who answers does not give keys."""
    place.cloud.add_account(PROD, "other")
    without_bulk(place).cloud.faults.fail(404, api="iam", part=gone)

    assert coverage_in(place.scan(projects=PROD))[PROD, "iam.service_account_keys"].status == status


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fault", ["throttled", "rate", "failed"])
def test_what_passes_is_no_gap(place: Place, fault: str, times: int) -> None:
    """A retry that succeeds."""
    faults = place.cloud.faults
    {
        "throttled": lambda: faults.throttle("cloudasset", times),
        "rate": lambda: faults.rate_limit("storage", times),
        "failed": lambda: faults.fail(503, api="cloudasset", times=times),
    }[fault]()

    assert [one for one in coverage_in(place.scan()).values() if one.is_gap] == []


def test_an_api_that_is_off_in_a_project_is_no_gap(place: Place) -> None:
    """There can be no agents there; they are not asked for at a second location."""
    without_bulk(place).cloud.faults.disable_api("aiplatform", DEV, "2222")

    coverage = coverage_in(place.scan(locations=(AT, "us-central1")))

    assert coverage[DEV, ENGINES].status == "not_offered"
    assert coverage[PROD, ENGINES].status == "complete"
    assert len([line for line in place.cloud.log if f"{DEV}/locations" in line and "reasoning" in line]) == 1


@pytest.mark.parametrize(
    ("api", "section"),
    [
        ("iam", "iam.service_accounts"),
        ("apikeys", "apikeys.keys"),
        ("storage", "storage.hmac_keys"),
        ("policyanalyzer", "policyanalyzer.accounts"),
    ],
)
def test_what_is_there_though_its_api_is_off_is_a_gap(place: Place, api: str, section: str) -> None:
    """Accounts and keys work without the API that lists them; so it says what to enable."""
    without_bulk(place).cloud.faults.disable_api(api, DEV, "2222")

    gap = coverage_in(place.scan(projects=DEV))[DEV, section]

    assert gap.status == "failed"
    assert f"gcloud services enable {api}.googleapis.com --project=2222" in str(gap.detail)


@pytest.mark.parametrize(("other", "found"), [(AT, 2), ("europe-west4", 0)])
def test_a_location_that_fails_is_a_gap_of_a_part(place: Place, other: str, found: int) -> None:
    """The others are read."""
    without_bulk(place).cloud.faults.deny(api="aiplatform", part="us-central1")

    engines = coverage_in(place.scan(locations=("us-central1", other), projects=PROD))[PROD, ENGINES]

    assert (engines.status, engines.identities) == ("partial", found)


def test_pages_may_begin_empty(place: Place) -> None:
    """In bulk and otherwise."""
    place.cloud.faults.empty_first_pages = True

    assert key_of(BILLING) in identities_in(place.scan())


HOSTILE = "\x1b[31m<script>alert(1)</script>\u202e"


ROWS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        f"projects/{PROD}/serviceAccounts/{BILLING}/keys",
        {"name": 7, "keyType": "USER_MANAGED"},
        "iam.service_account_keys",
    ),
    (
        f"projects/{PROD}/serviceAccounts/{BILLING}/keys",
        {"name": HOSTILE, "keyType": "USER_MANAGED", "validAfterTime": "x"},
        "iam.service_account_keys",
    ),
    (f"projects/{PROD}/locations/global/keys", {"name": HOSTILE, "createTime": HOSTILE}, "apikeys.keys"),
    (f"projects/{PROD}/locations/global/keys", {"name": "k", "restrictions": []}, "apikeys.keys"),
    (f"projects/{PROD}/locations/global/workloadIdentityPools", {"name": []}, "iam.workload_identity_pools"),
    (
        f"projects/{PROD}/locations/global/workloadIdentityPools/ci/providers",
        {"name": HOSTILE, "oidc": {"issuerUri": GITHUB}},
        "iam.workload_identity_pools",
    ),
    (f"projects/{PROD}/hmacKeys", {"accessId": HOSTILE, "serviceAccountEmail": None}, "storage.hmac_keys"),
    (f"projects/{PROD}/locations/{AT}/reasoningEngines", {"name": HOSTILE}, ENGINES),
    (f"projects/{PROD}/locations/{AT}/agents", {"name": HOSTILE, "attributes": {}}, "agentregistry.agents"),
    (f"projects/{PROD}/locations/{AT}/mcpServers", {"name": "a/b", "attributes": []}, "agentregistry.agents"),
    (f"projects/{PROD}/locations/{AT}/authProviders", {"name": "../.."}, "agentidentity.auth_providers"),
    (f"projects/{PROD}/locations/global/oauthClients", {"name": HOSTILE}, "iam.oauth_clients"),
)


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize(("collection", "row", "section"), ROWS)
def test_a_bad_row_costs_only_itself(
    start: Callable[[Cloud], Place], collection: str, row: dict[str, Any], section: str, bulk: bool
) -> None:
    """And nothing of it reaches a terminal."""
    cloud = company()
    cloud.rows[collection].insert(0, row)
    place = start(cloud)
    records = (place if bulk else without_bulk(place)).scan(resources="all")
    gaps = [one for one in records if isinstance(one, Coverage) and one.is_gap]

    assert {(one.section, one.status) for one in gaps} - {("iam.managed_identities", "skipped")} == {
        (section, "partial")
    }
    assert "could not be read" in str(gaps[0].detail)
    assert "\x1b" not in str(gaps[0].detail)
    assert key_of(BILLING) in identities_in(records)
    assert len(identities_in(records)) >= 12


def test_texts_of_people_are_data(start: Callable[[Cloud], Place]) -> None:
    """Whatever they are, they stand where they belong."""
    cloud = company()
    add_api_key(cloud, PROD, "odd", f"  {HOSTILE}", annotations={HOSTILE: HOSTILE})
    cloud.rows[f"projects/{PROD}/serviceAccounts"][0]["displayName"] = HOSTILE

    found = identities_in(start(cloud).scan())

    assert found[key_of(BILLING)].display_name == HOSTILE
    assert found[f"{KEYS}/{PROD}/locations/global/keys/odd"].name == HOSTILE
