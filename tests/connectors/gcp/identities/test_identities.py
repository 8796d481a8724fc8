"""Identities of every sort as they are found: in bulk, and project by project."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from connectors.core.contract import DiscoveredRecord
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.identities import add_access, add_api_key, add_key
from scanner.model import Assignment, Identity, StoredSecret, TokenSubject
from tests.connectors.gcp.conftest import ORGANIZATION, Place
from tests.connectors.gcp.estate import (
    APP_ENGINE,
    AT,
    BILLING,
    BUILDER,
    DEFAULT,
    DEV,
    PROD,
    TRUST_DOMAIN,
    company,
    coverage_in,
    credentials_of,
    identities_in,
    key_of,
    named,
    without_bulk,
)

KEYS = "//apikeys.googleapis.com/projects"
MESH = "principal://iam.googleapis.com/projects/1111/locations/global/workloadIdentityPools/mesh/subject/ns/shop/sa"


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The company, running."""
    return start(company())


def test_every_sort_of_identity_is_found(place: Place) -> None:
    """Each in its own project's scope; a bound API key is its account's, a registered engine is one identity."""
    found = identities_in(place.scan(resources="all"))

    assert sorted((one.scope, one.kind, one.name) for one in found.values()) == [
        (DEV, "agent_engine", "tinkering"),
        (DEV, "api_key", "Browser key (auto created by Firebase)"),
        (DEV, "service_account", "acme-dev"),
        (DEV, "service_account", "builder"),
        (PROD, "agent", "elsewhere"),
        (PROD, "agent_engine", "invoices"),
        (PROD, "agent_engine", "support"),
        (PROD, "api_key", "do everything"),
        (PROD, "mcp_server", "tickets"),
        (PROD, "oauth_client", "portal"),
        (PROD, "service_account", "1111-compute"),
        (PROD, "service_account", "billing"),
        (PROD, "workload_identity", "ns/shop/sa/cart"),
        (PROD, "workload_identity", "ns/shop/sa/till"),
    ]


@pytest.mark.parametrize("resources", ["usual", "all"])
def test_both_ways_find_the_same(start: Callable[[Cloud], Place], resources: str) -> None:
    """Cloud Asset, or each project's own APIs: identities and secrets, to the last fact."""
    bulk = start(company()).scan(resources=resources)
    direct = without_bulk(start(company())).scan(resources=resources)

    def things(records: Iterable[DiscoveredRecord]) -> dict[str, Any]:
        return {one.key: structs.asdict(one) for one in records if isinstance(one, Identity | StoredSecret)}

    assert things(bulk) == things(direct)
    assert [one for one in coverage_in([*bulk, *direct]).values() if one.is_gap] == []


def test_an_account_says_what_it_is(place: Place) -> None:
    """Default accounts are marked; owners may be reported by labels of the project."""
    found = identities_in(place.scan())
    billing = found[key_of(BILLING)]

    assert billing.tags == {"project:owner": "ada", "project:env": "prod"}
    assert billing.description == "nightly invoices, ask ada@example.com"
    assert billing.published_attributes == {
        "token_subjects": [["https://accounts.google.com", billing.unique_id]],
        "use_not_recorded_for": ["API keys bound to it", "HMAC keys"],
    }
    assert {key for key, one in found.items() if one.attributes.get("default_account")} == {
        key_of(DEFAULT),
        key_of(APP_ENGINE, DEV),
    }
    assert found[key_of(BUILDER, DEV)].enabled is False


@pytest.mark.parametrize("bulk", [True, False])
def test_an_account_has_its_keys(place: Place, bulk: bool) -> None:
    """Those that users manage, HMAC keys that are not deleted, and API keys that are bound to it."""
    found = identities_in((place if bulk else without_bulk(place)).scan())

    billing = credentials_of(found[key_of(BILLING)])
    assert {name: one.kind for name, one in billing.items()} == {
        "0001": "access_key",
        "0002": "access_key",
        "GOOG1EBILLING": "access_key",
        "bound-key": "api_key",
    }
    assert (billing["0001"].never_expires, billing["0001"].expires_at) == (True, None)
    assert billing["0002"].expires_at is not None
    assert billing["0002"].attributes["uploaded"] is True
    exposed = credentials_of(found[key_of(DEFAULT)])["0004"]
    assert exposed.enabled is True
    assert exposed.attributes["exposed"] == "Google found it exposed publicly: https://github.com/acme/app"
    assert {name: one.enabled for name, one in credentials_of(found[key_of(BUILDER, DEV)]).items()} == {
        "0005": False,
        "GOOG1EBUILDER": False,
    }


def test_what_is_left_out_is_counted(place: Place) -> None:
    """Keys that Google manages, and those of accounts that are not there."""
    coverage = coverage_in(place.scan())

    assert "1 key that Google manages" in str(coverage[ORGANIZATION, "iam.service_account_keys"].detail)
    assert "1 of accounts that were not listed" in str(coverage[DEV, "storage.hmac_keys"].detail)
    assert "minutes" in str(coverage[PROD, "iam.service_accounts"].detail)
    assert "acme-prod/ci/github" in str(coverage[PROD, "iam.workload_identity_pools"].detail)
    assert "guarded" not in str(coverage[PROD, "iam.workload_identity_pools"].detail)
    assert "gitlab" not in str(coverage[PROD, "iam.workload_identity_pools"].detail)


def test_keys_that_name_their_account_by_its_unique_id_are_its_own(start: Callable[[Cloud], Place]) -> None:
    """Cloud Asset does so for some."""
    cloud = company()
    account = cloud.rows[f"projects/{PROD}/serviceAccounts"][0]
    row = add_key(cloud, PROD, "billing", "0009")
    row["name"] = row["name"].replace(BILLING, account["uniqueId"])

    found = identities_in(start(cloud).scan())

    assert "0009" in credentials_of(found[key_of(BILLING)])


def test_an_account_that_was_made_again_is_another(start: Callable[[Cloud], Place]) -> None:
    """The same key, and another unique id."""
    cloud = company()
    cloud.rows[f"projects/{PROD}/serviceAccounts"][0]["uniqueId"] = "9" * 21

    found = identities_in(start(cloud).scan())

    assert found[key_of(BILLING)].unique_id == "9" * 21
    assert found[key_of(BILLING)].token_subjects == (TokenSubject("https://accounts.google.com", "9" * 21),)


def test_a_key_that_is_bound_to_a_outsider_s_account_is_an_identity(start: Callable[[Cloud], Place]) -> None:
    """It acts as that account."""
    cloud = company()
    email = "bot@vendor.iam.gserviceaccount.com"
    add_api_key(cloud, DEV, "foreign", serviceAccountEmail=email)

    found = identities_in(start(cloud).scan())[f"{KEYS}/{DEV}/locations/global/keys/foreign"]

    assert [(link.relation, link.target) for link in found.links] == [("acts_as", key_of(email, "vendor"))]
    assert found.attributes["bound_to"] == email


def test_agents_run_as_what_they_are_given(place: Place) -> None:
    """An account, an identity of their own, or the one that all agents without any share."""
    found = identities_in(place.scan(resources="all"))
    support, invoices, tinkering = (named(found, name) for name in ("support", "invoices", "tinkering"))

    assert [link.target for link in invoices.links] == [key_of(BILLING)]
    shared = "service-2222@gcp-sa-aiplatform-re.iam.gserviceaccount.com"
    assert [link.target for link in tinkering.links] == [key_of(shared, "-")]
    assert tinkering.attributes["shared_service_agent"] is True
    assert [link.relation for link in support.links] == ["stores"]
    number = support.key.rpartition("/")[2]
    assert (
        f"principal://{TRUST_DOMAIN}/resources/aiplatform/projects/1111/locations/{AT}/reasoningEngines/{number}"
        in (support.aliases)
    )
    assert support.tags["team"] == "care"
    assert {one.says for agent in (support, invoices, tinkering) for one in agent.signals} == {"agent"}


def test_a_registered_engine_is_reported_once(place: Place) -> None:
    """It learns its name in the registry; what runs elsewhere is an identity of its own."""
    found = identities_in(place.scan(resources="all"))

    assert "urn:agent:support" in named(found, "support").aliases
    assert named(found, "support").attributes["registered"] is True
    elsewhere = named(found, "elsewhere")
    assert [link.target for link in elsewhere.links] == [key_of(BILLING)]
    assert elsewhere.aliases == ("urn:agent:elsewhere",)
    assert [one.says for one in elsewhere.signals] == ["agent"]


def test_credentials_that_are_agent_credentials_are_stored_secrets(place: Place) -> None:
    """Only that they are there, and for what."""
    records = place.scan(resources="agentidentity")
    secrets = {one.name: one for one in records if isinstance(one, StoredSecret)}

    assert sorted(secrets) == ["calendar", "crm", "maps"]
    assert (secrets["crm"].attributes["type"], secrets["crm"].attributes["client_id"]) == ("oauth", "c-1")
    assert secrets["maps"].attributes["type"] == "api_key"
    assert secrets["crm"].tags["team"] == "care"


def test_who_authorized_a_credential_of_agents_and_who_uses_it(place: Place) -> None:
    """Suspended consents are no longer anybody's; workloads are named as Google names them."""
    records = place.scan(resources="agentidentity")
    calendar = next(one for one in records if isinstance(one, StoredSecret) and one.name == "calendar")

    assert calendar.attributes["type"] == "oauth_for_users"
    assert calendar.attributes["authorized_by"] == ["ann@acme.example"]
    assert calendar.attributes["granted_scopes"] == ["calendar.read"]
    assert calendar.attributes["suspended_authorizations"] == 1
    assert "principal://acme-prod.svc.id.goog/ns/shop/sa/cart" in calendar.attributes["used_by"]
    assert calendar.last_used_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize("projects", [None, PROD])
def test_an_agent_says_for_whom_it_acted_and_what_it_holds(place: Place, projects: str | None) -> None:
    """In bulk and by project; other agents hold nothing."""
    records = place.scan(resources="agentidentity", **({} if projects is None else {"projects": projects}))
    found = identities_in(records)
    support = named(found, "support")

    assert support.attributes["on_behalf_of"] == [
        {"person": "ann@acme.example", "last_at": "2026-11-20T10:00:00+00:00"},
        {"person": "ben@acme.example", "last_at": "2026-10-01T08:00:00+00:00"},
    ]
    assert support.last_used_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    secret = next(one for one in records if isinstance(one, StoredSecret) and one.name == "calendar")
    assert [(link.relation, link.target) for link in support.links] == [("stores", secret.key)]
    assert "on_behalf_of" not in named(found, "invoices").attributes


@pytest.mark.parametrize(
    "workload",
    [
        "spiffe://agents.global.org-1.system.id.goog.evil.example/resources/aiplatform/ENGINE",
        "https://agents.global.org-1.system.id.goog/resources/aiplatform/ENGINE",
        "spiffe://agents.global.org-1.system.id.goog/resources/aiplatform/ENGINE/x",
        "spiffe://agents.global.org-1.system.id.goog/resources/run/ENGINE",
    ],
)
def test_what_only_resembles_an_agent_s_identity_is_not_its(start: Callable[[Cloud], Place], workload: str) -> None:
    """Nobody acts for people in its name."""
    cloud = company()
    (engine,) = (row["name"] for row in cloud.rows[f"projects/{PROD}/locations/{AT}/reasoningEngines"][:1])
    cloud.rows[f"projects/{PROD}/locations/{AT}/accessSummaries"].clear()
    calendar = f"projects/{PROD}/locations/{AT}/authProviders/calendar"
    add_access(cloud, calendar, workload.replace("ENGINE", engine), "eve@acme.example", "2026-11-20T10:00:00Z")

    found = identities_in(start(cloud).scan(resources="agentidentity"))

    assert "on_behalf_of" not in named(found, "support").attributes


def test_managed_identities_are_named_as_bindings_name_them(place: Place) -> None:
    """Namespaces are only asked for in trust domains; a disabled one is off."""
    found = identities_in(place.scan())

    assert {key: one.enabled for key, one in found.items() if key.startswith(MESH)} == {
        f"{MESH}/cart": True,
        f"{MESH}/till": False,
    }
    asked = [line for line in place.cloud.log if "/namespaces" in line]
    assert len(asked) == 2
    assert all("/mesh/" in line for line in asked)


def test_a_managed_identity_that_holds_rights_is_reported_once(start: Callable[[Cloud], Place]) -> None:
    """Its binding names it as its key does."""
    cloud = company()
    binding = {"role": "roles/viewer", "members": [f"{MESH}/cart"]}
    cloud.set_policy(f"//cloudresourcemanager.googleapis.com/projects/{PROD}", binding)

    records = start(cloud).scan()

    assert [one.description for one in records if isinstance(one, Identity) and one.key == f"{MESH}/cart"] == ["carts"]
    assert [one.holder for one in records if isinstance(one, Assignment)] == [f"{MESH}/cart"]


def test_an_agent_s_rights_are_its_own(start: Callable[[Cloud], Place]) -> None:
    """However its binding names it."""
    cloud = company()
    engine = cloud.rows[f"projects/{PROD}/locations/{AT}/reasoningEngines"][0]["name"]
    member = f"principal://{TRUST_DOMAIN}/resources/aiplatform/{engine}"
    cloud.set_policy(
        f"//cloudresourcemanager.googleapis.com/projects/{PROD}", {"role": "roles/viewer", "members": [member]}
    )

    records = start(cloud).scan()
    (holder,) = [one.holder for one in records if isinstance(one, Assignment)]

    support = named(identities_in(records), "support")
    assert holder in (support.key, *support.aliases)
