"""What a row of Policy Analyzer reports on use, and of disuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.usage.activities import GcpActivity, Use, account_in, key_in, parse_use

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
KEY = "//iam.googleapis.com/projects/acme/serviceAccounts/a@acme.iam.gserviceaccount.com/keys/0123"


def _row(**fields: Any) -> GcpActivity:
    return msgspec.convert(fields, GcpActivity)


def _period(start: str, end: str) -> dict[str, str]:
    return {"startTime": f"{start}T07:00:00Z", "endTime": f"{end}T07:00:00Z"}


@pytest.mark.parametrize(
    ("period", "days"),
    [
        pytest.param(_period("2026-08-28", "2026-11-25"), 90, id="the first and the last day count"),
        pytest.param(_period("2026-11-25", "2026-11-25"), 1, id="one day"),
        pytest.param(_period("2025-01-01", "2026-11-20"), 689, id="behind, but not by much"),
        pytest.param(_period("2025-01-01", "2026-11-18"), None, id="too far behind"),
        pytest.param(_period("2026-11-25", "2026-11-24"), None, id="the wrong way round"),
        pytest.param({"endTime": "2026-11-25T07:00:00Z"}, None, id="no beginning"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_the_period_says_for_how_many_days_use_is_known(period: dict[str, str], days: int | None) -> None:
    """Never for more than Google says that it observed."""
    assert parse_use(_row(observationPeriod=period), now=NOW).tracked_days == days


@pytest.mark.parametrize("time", ["2026-11-20T07:00:00Z", "2026-11-20T07:00:00.123456789Z"])
def test_the_last_authentication_is_reported(time: str) -> None:
    """With any number of digits of a second."""
    used = parse_use(_row(activity={"lastAuthenticatedTime": time}), now=NOW).last_used_at

    assert used is not None
    assert used.replace(microsecond=0) == datetime(2026, 11, 20, 7, tzinfo=UTC)


def test_without_a_time_there_was_no_use_in_the_period() -> None:
    """The period is what makes that worth something."""
    use = parse_use(_row(observationPeriod=_period("2026-08-28", "2026-11-25")), now=NOW)

    assert use == Use(tracked_days=90, until=datetime(2026, 11, 25, 7, tzinfo=UTC))


@pytest.mark.parametrize("period", [{"endTime": "2026-11-25T07:00:00"}, {"startTime": "yesterday"}, {"startTime": 7}])
def test_times_that_are_none_make_a_bad_row(period: dict[str, Any]) -> None:
    """Nor is one taken that does not say in which zone it is."""
    with pytest.raises(msgspec.ValidationError):
        _row(observationPeriod=period)


@pytest.mark.parametrize(
    ("activity", "name", "subject"),
    [
        pytest.param({"serviceAccountKey": {"fullResourceName": KEY}}, "", KEY.partition("Accounts/")[2], id="inside"),
        pytest.param({}, KEY, KEY.partition("Accounts/")[2], id="outside"),
        pytest.param({}, KEY.partition("/keys")[0], None, id="no key"),
        pytest.param({}, "//iam.googleapis.com/projects/acme/keys/0123", None, id="no account"),
        pytest.param({}, "//iam.googleapis.com/projects/acme/serviceAccounts//keys/0123", None, id="empty account"),
    ],
)
def test_a_key_is_known_by_its_account_and_id(activity: dict[str, Any], name: str, subject: str | None) -> None:
    """Whatever the project is called: the account's address names one account in the world."""
    assert key_in(_row(activity=activity, fullResourceName=name)) == subject


def test_an_account_is_known_by_its_unique_id_alone() -> None:
    """A recreated account has another, and was not used before it was made."""
    subject = {"serviceAccountId": "123", "fullResourceName": "//iam.googleapis.com/projects/p/serviceAccounts/e"}

    assert account_in(_row(activity={"serviceAccount": subject})) == "123"
    assert account_in(_row(fullResourceName=subject["fullResourceName"])) is None


@given(
    start=st.none() | st.datetimes(timezones=st.just(UTC)),
    end=st.none() | st.datetimes(timezones=st.just(UTC)),
    now=st.datetimes(timezones=st.just(UTC)),
)
def test_a_period_never_reaches_further_back_than_its_beginning(
    start: datetime | None, end: datetime | None, now: datetime
) -> None:
    """Whatever a server says."""
    row = GcpActivity()
    row.observation_period = type(row.observation_period)(start_time=start, end_time=end)
    days = parse_use(row, now=now).tracked_days

    assert days is None or (start is not None and end is not None and end - timedelta(days=days) <= start)
