"""Secrets of Secret Manager: names and dates, in bulk and project by project; never a value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Scope
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.secrets import Secret, SecretVersion, parse_secret
from scanner.demo.fakes.gcp.cloud import CREATED, Cloud
from scanner.demo.fakes.gcp.consumers import AT, add_secret
from tests.connectors.gcp.conftest import ORGANIZATION, Place, small_company
from tests.connectors.gcp.consuming import DEV, PROD, SECRETS, coverage_in, secretive, secrets_in
from tests.connectors.gcp.estate import without_bulk

NAME = "secretmanager.secrets"
DB = f"{SECRETS}/{PROD}/secrets/db"
PROJECT = ProjectRef(id="acme", number="11", labels={"owner": "ada"})


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """Four secrets, running."""
    return start(secretive())


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("bulk", [True, False])
def test_a_secret_is_as_old_as_its_newest_enabled_version(place: Place, bulk: bool) -> None:
    """Not as one that was disabled or destroyed."""
    found = secrets_in((place if bulk else without_bulk(place)).scan())

    assert set(found) == {
        DB,
        f"{SECRETS}/{PROD}/secrets/empty",
        f"{SECRETS}/{PROD}/locations/{AT}/secrets/local",
        f"{SECRETS}/{DEV}/secrets/api",
    }
    db, empty = found[DB], found[f"{SECRETS}/{PROD}/secrets/empty"]
    assert (db.name, db.scope, db.rotated_at) == ("db", PROD, _at("2025-01-01"))
    assert db.created_at == datetime.fromisoformat(CREATED)
    assert (db.rotation_enabled, db.tags) == (True, {"team": "shop", "project:owner": "ada"})
    assert db.attributes == {
        "next_rotation": "2027-01-01T00:00:00+00:00",
        "rotation_period": "2592000s",
        "enabled_versions": 1,
    }
    assert (empty.rotated_at, empty.rotation_enabled, empty.attributes) == (None, False, {"enabled_versions": 0})
    assert empty.expires_at == datetime(2027, 5, 5, 5, 5, 5, tzinfo=UTC)
    assert found[f"{SECRETS}/{PROD}/locations/{AT}/secrets/local"].attributes["location"] == AT
    assert found[f"{SECRETS}/{DEV}/secrets/api"].attributes["replicated_to"] == [AT, "europe-west4"]


def test_both_ways_find_the_same(start: Callable[[Cloud], Place]) -> None:
    """To the last field."""
    assert secrets_in(start(secretive()).scan()) == secrets_in(without_bulk(start(secretive())).scan())


def test_an_organisation_takes_one_listing(start: Callable[[Cloud], Place]) -> None:
    """Of secrets and versions of all projects, a call for each thousand."""
    cloud = small_company()
    for number in range(20):
        project = cloud.add_project(f"p-{number:02}", str(6000 + number), ORGANIZATION)
        for name in range(30):
            add_secret(cloud, project, f"s-{name}", (("ENABLED", CREATED),) * 2)
    place = start(cloud)

    records = place.scan()
    coverage = coverage_in(records)

    assert len(secrets_in(records)) == 600
    assert coverage[ORGANIZATION, NAME].calls == 2
    assert {one.identities for (scope, name), one in coverage.items() if name == NAME and scope[0] == "p"} == {30}
    assert sum("secretmanager" in line for line in place.cloud.log) == 2


def test_project_by_project_takes_a_call_for_each_secret(place: Place) -> None:
    """And one for each location; the versions of a regional one are asked for where it is."""
    without_bulk(place).scan(projects=PROD)

    base = f"GET /v1/projects/{PROD}"
    asked = sorted(path for line in place.cloud.log if "secrets" in (path := line.partition("?")[0]))
    assert asked == sorted(
        [
            f"{base}/secrets",
            f"{base}/locations/{AT}/secrets",
            f"{base}/secrets/db/versions",
            f"{base}/secrets/empty/versions",
            f"{base}/locations/{AT}/secrets/local/versions",
        ]
    )


def test_where_versions_are_denied_age_is_not_reported(place: Place) -> None:
    """Else a secret that was rotated would be called as old as itself. One is asked for, not all."""
    without_bulk(place).cloud.faults.deny(api="secretmanager", part="/versions")

    records = place.scan(projects=PROD)
    db, coverage = secrets_in(records)[DB], coverage_in(records)[PROD, NAME]

    assert (db.created_at, db.rotated_at, db.attributes["versions_unread"]) == (None, None, True)
    assert (coverage.status, coverage.permission) == ("partial", "secretmanager.versions.list")
    assert sum("/versions" in line for line in place.cloud.log) == 1


def test_a_secret_that_has_gone_meanwhile_is_no_gap(place: Place) -> None:
    """Its age is not reported."""
    without_bulk(place).cloud.faults.fail(404, api="secretmanager", part="secrets/db/versions")

    records = place.scan(projects=PROD)

    assert secrets_in(records)[DB].created_at is None
    assert secrets_in(records)[f"{SECRETS}/{PROD}/secrets/empty"].created_at is not None
    assert coverage_in(records)[PROD, NAME].status == "complete"


@pytest.mark.parametrize("bulk", [True, False])
def test_a_version_that_is_not_understood_leaves_age_uncertain(start: Callable[[Cloud], Place], bulk: bool) -> None:
    """It may be the newest."""
    cloud = secretive()
    cloud.add(f"projects/{PROD}/secrets/db/versions", {"name": "x", "state": "ENABLED", "createTime": "\x1b[2J"})
    place = start(cloud) if bulk else without_bulk(start(cloud))

    records = place.scan()
    coverage = coverage_in(records)[ORGANIZATION if bulk else PROD, NAME]

    assert secrets_in(records)[DB].rotated_at is None
    assert secrets_in(records)[DB].created_at is None
    assert (coverage.status, "\x1b" in str(coverage.detail)) == ("partial", False)


@pytest.mark.parametrize("row", [{"name": 7}, {"name": "projects/1/\x1b[2J"}, {"name": "x", "rotation": [1]}])
@pytest.mark.parametrize("bulk", [True, False])
def test_a_bad_row_costs_only_itself(start: Callable[[Cloud], Place], bulk: bool, row: dict[str, Any]) -> None:
    """Hostile names are data."""
    cloud = secretive()
    cloud.rows[f"projects/{PROD}/secrets"].insert(0, row)
    place = start(cloud) if bulk else without_bulk(start(cloud))

    records = place.scan()
    coverage = coverage_in(records)[ORGANIZATION if bulk else PROD, NAME]

    assert len(secrets_in(records)) == 4
    assert (coverage.status, "could not be read" in str(coverage.detail)) == ("partial", True)
    assert "\x1b" not in str(coverage.detail)


@pytest.mark.parametrize(
    ("plant", "status"),
    [
        pytest.param(lambda f: f.deny(api="secretmanager"), "denied", id="denied"),
        pytest.param(lambda f: f.disable_api("secretmanager", PROD, "1111"), "not_offered", id="off"),
        pytest.param(lambda f: f.throttle("secretmanager"), "failed", id="throttled"),
        pytest.param(lambda f: f.fail(500, api="secretmanager", part=f"locations/{AT}"), "partial", id="one location"),
    ],
)
def test_how_it_ends(place: Place, plant: Callable[[Any], None], status: str) -> None:
    """What was read before is kept."""
    plant(without_bulk(place).cloud.faults)

    records = place.scan(projects=PROD, locations=(AT,))

    assert coverage_in(records)[PROD, NAME].status == status
    assert (DB in secrets_in(records)) == (status == "partial")


def test_a_bulk_listing_that_breaks_off_keeps_what_it_reported(start: Callable[[Cloud], Place]) -> None:
    """Without ages: the newest versions may be on the pages that are missing."""
    cloud = small_company()
    for number in range(1100):
        add_secret(cloud, PROD, f"s-{number}")
    place = start(cloud)
    connector = place.connector()
    (scope,) = (one for one in connector.scopes() if isinstance(one, Scope))
    place.cloud.faults.only_first_pages = True

    records = list(connector.discover(scope))

    assert {one.created_at for one in secrets_in(records).values()} == {None}
    assert len(secrets_in(records)) > 100
    assert coverage_in(records)[PROD, NAME].status == "partial"


@given(
    st.lists(
        st.tuples(st.sampled_from(["ENABLED", "DISABLED", "DESTROYED", ""]), st.datetimes(timezones=st.just(UTC))),
        max_size=5,
    )
)
def test_no_version_that_is_not_enabled_counts(versions: list[tuple[str, datetime]]) -> None:
    """In whichever order they come."""
    rows = [SecretVersion(name="n", state=state, create_time=written) for state, written in versions]
    secret = parse_secret("prod", PROJECT, Secret(name="projects/11/secrets/s"), rows)

    assert secret.rotated_at == max((written for state, written in versions if state == "ENABLED"), default=None)
    assert secret.attributes["enabled_versions"] == sum(state == "ENABLED" for state, _ in versions)


@given(st.text())
def test_no_name_leads_to_a_key_of_another_project(name: str) -> None:
    """It is a secret's, or the row is refused."""
    try:
        secret = parse_secret("prod", PROJECT, Secret(name=name), ())
    except ValueError:
        return

    assert secret.key.startswith(f"{SECRETS}/acme/")
    assert msgspec.json.encode(secret)
