"""The use of accounts and keys: asked at once or project by project, and what goes by unrecorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.usage import ACCOUNTS as ACTIVITY
from scanner.demo.fakes.gcp.usage import KEYS as KEY_ACTIVITY
from scanner.demo.fakes.gcp.usage import add_use
from tests.connectors.gcp.conftest import ORGANIZATION, Place, small_company
from tests.connectors.gcp.consuming import DEV, PROD, accounts_in, coverage_in, days_since, used_company

ACCOUNTS, KEYS = "policyanalyzer.accounts", "policyanalyzer.keys"
BUILDER = "builder@acme-dev.iam.gserviceaccount.com"


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The company, running."""
    return start(used_company())


def _asked(place: Place) -> list[str]:
    return [line.partition("/locations")[0] for line in place.cloud.log if f"/{ACTIVITY}/" in line]


@pytest.mark.parametrize("way", ["at once", "project by project", "without Cloud Asset"])
def test_use_is_known_by_either_way(place: Place, way: str) -> None:
    """Whether an organisation may be asked, or only projects."""
    if way == "project by project":
        place.cloud.faults.deny(api="policyanalyzer", place=ORGANIZATION)
    if way == "without Cloud Asset":
        place.cloud.faults.deny(api="cloudasset")

    found = accounts_in(place.scan())

    billing, builder = found["billing"], found["builder"]
    assert (days_since(billing.last_used_at), billing.use_tracked_days, billing.unread) == (3, 90, ())
    assert (builder.last_used_at, builder.use_tracked_days, builder.unread) == (None, 90, ())
    keys = {one.id: one for one in billing.credentials}
    assert (days_since(keys["0001"].last_used_at), keys["0001"].use_tracked_days) == (5, 90)
    assert (keys["0002"].last_used_at, keys["0002"].use_tracked_days) == (None, 400)


def test_an_organisation_is_asked_once_for_all_its_projects(start: Callable[[Cloud], Place]) -> None:
    """Accounts and keys apart, a call for each thousand."""
    cloud = small_company()
    for number in range(30):
        cloud.add_project(f"p-{number:02}", str(7000 + number), ORGANIZATION)
    place = start(cloud)
    for number in range(1200):
        cloud.add_account("p-07", f"svc-{number}")
        add_use(cloud, "p-07", f"svc-{number}", number % 80)

    found = accounts_in(place.scan())

    assert _asked(place) == [f"GET /v1/{ORGANIZATION}"] * 2
    assert days_since(found["svc-1199"].last_used_at) == 1199 % 80


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(lambda f: f.deny(api="policyanalyzer", place=ORGANIZATION), id="denied"),
        pytest.param(lambda f: f.refuse(Refused(400, "no"), api="policyanalyzer", place=ORGANIZATION), id="400"),
        pytest.param(lambda f: f.refuse(Refused(404, "no"), api="policyanalyzer", place=ORGANIZATION), id="404"),
    ],
)
def test_where_an_organisation_cannot_be_asked_each_project_is(place: Place, plant: Callable[[Any], None]) -> None:
    """That is no gap, and every call is counted once."""
    plant(place.cloud.faults)

    records = place.scan()
    coverage = coverage_in(records)

    places = (ORGANIZATION, f"projects/{PROD}", f"projects/{DEV}")
    assert sorted(_asked(place)) == sorted(f"GET /v1/{one}" for one in places)
    assert [one for one in coverage.values() if one.is_gap] == []
    assert "each was read" in str(coverage[ORGANIZATION, ACCOUNTS].detail)
    assert sum(one.calls for one in coverage.values()) == len(place.cloud.log)
    assert accounts_in(records)["billing"].last_used_at is not None


def test_a_project_that_is_denied_leaves_only_its_own_accounts_uncertain(place: Place) -> None:
    """No one there is called unused; the others are as they were."""
    place.cloud.faults.deny(api="policyanalyzer", place=ORGANIZATION)
    place.cloud.faults.deny(api="policyanalyzer", place=f"projects/{DEV}")

    records = place.scan()
    found, coverage = accounts_in(records), coverage_in(records)

    assert (found["builder"].use_tracked_days, found["builder"].unread) == (None, ("use",))
    assert (found["billing"].use_tracked_days, found["billing"].unread) == (90, ())
    denied = coverage[DEV, ACCOUNTS]
    assert (denied.status, denied.permission) == (
        "denied",
        "policyanalyzer.serviceAccountLastAuthenticationActivities.query",
    )
    assert coverage[DEV, KEYS].permission == "policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query"
    assert not coverage[PROD, ACCOUNTS].is_gap


@pytest.mark.parametrize(
    ("plant", "status"),
    [
        pytest.param(lambda f: f.throttle("policyanalyzer"), "failed", id="throttled"),
        pytest.param(lambda f: f.fail(500, api="policyanalyzer"), "failed", id="broken"),
        pytest.param(lambda f: f.disable_api("policyanalyzer", "-", "9", everywhere=True), "failed", id="off"),
    ],
)
def test_what_would_fail_everywhere_is_not_asked_of_each_project(
    place: Place, plant: Callable[[Any], None], status: str
) -> None:
    """It is a gap of all of them at once."""
    plant(place.cloud.faults)

    records = place.scan()

    assert {line.partition("/locations")[0] for line in place.cloud.log if "activities:query" in line} == {
        f"GET /v1/{ORGANIZATION}"
    }
    assert {scope: one.status for (scope, name), one in coverage_in(records).items() if name == ACCOUNTS} == (
        dict.fromkeys((ORGANIZATION, PROD, DEV), status)
    )
    assert {one.unread for one in accounts_in(records).values()} == {("use",)}
    assert {one.use_tracked_days for one in accounts_in(records).values()} == {None}


def test_a_pause_is_waited_for(place: Place) -> None:
    """Throttled twice, then reported."""
    place.cloud.faults.throttle("policyanalyzer", 2)

    assert accounts_in(place.scan())["billing"].last_used_at is not None


@pytest.mark.parametrize("row", [{"activity": 7}, {"fullResourceName": "\x1b[31m<script>"}, {"observationPeriod": "x"}])
def test_a_bad_row_costs_only_itself(start: Callable[[Cloud], Place], row: dict[str, Any]) -> None:
    """Anyone who is in none of the good ones is uncertain; nothing hostile gets through."""
    cloud = used_company()
    cloud.add_account(DEV, "unheard-of")
    cloud.rows[f"projects/{PROD}/activities/{ACTIVITY}"].insert(0, row)

    records = start(cloud).scan()
    found, partial = accounts_in(records), coverage_in(records)[ORGANIZATION, ACCOUNTS]

    assert (partial.status, "could not be read" in str(partial.detail)) == ("partial", True)
    assert "\x1b" not in str(partial.detail)
    assert (found["billing"].use_tracked_days, found["billing"].unread) == (90, ())
    assert found["unheard-of"].unread == ("use",)


def test_keys_whose_record_was_not_read_leave_their_account_uncertain(place: Place) -> None:
    """Not those that have none."""
    place.cloud.faults.deny(api="policyanalyzer", part=KEY_ACTIVITY)

    found = accounts_in(place.scan())

    assert (found["billing"].use_tracked_days, found["billing"].unread) == (90, ("use",))
    assert {one.use_tracked_days for one in found["billing"].credentials} == {None}
    assert found["builder"].unread == ()


def test_the_record_s_end_and_its_blind_spots_are_reported(place: Place) -> None:
    """With the section, for anyone who reads the verdict."""
    detail = str(coverage_in(place.scan())[ORGANIZATION, ACCOUNTS].detail)

    assert f"recorded up to {datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}" in detail
    assert "domain-wide delegation" in detail
