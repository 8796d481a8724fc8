"""Use that goes by unrecorded: by credentials that leave no trace, and of callers that the record does not name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.identities import add_api_key, add_hmac_key
from scanner.demo.fakes.gcp.usage import ACCOUNTS, KEYS, add_key_use, add_use
from scanner.judging.usage import judge_usage
from scanner.model import Identity
from tests.connectors.gcp.conftest import Place
from tests.connectors.gcp.consuming import DEV, PROD, accounts_in, days_since, used_company

BUILDER = "builder@acme-dev.iam.gserviceaccount.com"


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The company, running."""
    return start(used_company())


def _usage(identity: Identity) -> str:
    return judge_usage(identity, window_days=45, now=datetime.now(UTC)).state


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        pytest.param(lambda cloud: add_hmac_key(cloud, DEV, "builder", "GOOG1E"), "HMAC keys", id="hmac"),
        pytest.param(
            lambda cloud: add_api_key(cloud, DEV, "bound", serviceAccountEmail=BUILDER),
            "API keys bound to it",
            id="api",
        ),
    ],
)
def test_who_has_credentials_without_a_trace_is_never_called_unused(
    start: Callable[[Cloud], Place], plant: Callable[[Cloud], Any], words: str
) -> None:
    """What is recorded of it is still reported."""
    cloud = used_company()
    cloud.rows[f"projects/{DEV}/serviceAccounts"][0].pop("disabled")
    cloud.rows[f"projects/{DEV}/activities/{ACCOUNTS}"].clear()
    add_use(cloud, DEV, "builder", 80)
    before = accounts_in(start(cloud).scan())["builder"]
    plant(cloud)

    found = accounts_in(start(cloud).scan())

    assert (_usage(before), _usage(found["builder"])) == ("dormant", "unknown")
    assert found["builder"].attributes["use_not_recorded_for"] == [words]
    assert days_since(found["builder"].last_used_at) == 80
    assert "use_not_recorded_for" not in found["billing"].attributes
    assert found["billing"].use_tracked_days == 90


def test_an_hmac_key_that_is_off_leaves_no_uncertainty(start: Callable[[Cloud], Place]) -> None:
    """No one can use it."""
    cloud = used_company()
    add_hmac_key(cloud, DEV, "builder", "GOOG1E", state="INACTIVE")

    assert accounts_in(start(cloud).scan())["builder"].use_tracked_days == 90


def test_credentials_that_were_not_read_may_be_used_without_a_trace(place: Place) -> None:
    """So no one is called unused in that project, and the last scan's knowledge stands."""
    place.cloud.faults.deny(api="storage", place=f"projects/{DEV}")

    found = accounts_in(place.scan())

    assert found["builder"].use_tracked_days is None
    assert set(found["builder"].unread) == {"credentials", "use"}
    assert found["builder"].attributes["use_doubtful_for"] == ["HMAC keys: not read"]
    assert (found["billing"].use_tracked_days, found["billing"].unread) == (90, ())


def test_who_is_in_no_row_is_not_known_to_be_unused(start: Callable[[Cloud], Place]) -> None:
    """A record that does not name it says nothing of it."""
    cloud = used_company()
    cloud.add_account(DEV, "unheard-of")

    found = accounts_in(start(cloud).scan())["unheard-of"]

    assert (found.last_used_at, found.use_tracked_days, found.unread) == (None, None, ())


def test_a_recreated_account_does_not_inherit_the_use_of_the_one_before(start: Callable[[Cloud], Place]) -> None:
    """Its unique id is another."""
    cloud = used_company()
    cloud.rows[f"projects/{PROD}/serviceAccounts"][0]["uniqueId"] = "999999999999999999999"

    assert accounts_in(start(cloud).scan())["billing"].last_used_at is None


def test_a_key_may_be_named_by_its_account_s_unique_id(start: Callable[[Cloud], Place]) -> None:
    """As other APIs have it."""
    cloud = used_company()
    unique = cloud.rows[f"projects/{PROD}/serviceAccounts"][0]["uniqueId"]
    cloud.rows[f"projects/{PROD}/activities/{KEYS}"].clear()
    add_key_use(cloud, PROD, unique, "0001", 7)

    keys = {one.id: one for one in accounts_in(start(cloud).scan())["billing"].credentials}

    assert days_since(keys["0001"].last_used_at) == 7
    assert (keys["0002"].last_used_at, keys["0002"].use_tracked_days) == (None, None)
