"""Last authentications as Policy Analyzer gives them (pure).

It counts days of US Pacific time, each named by 07:00 UTC; failed calls count as use. What is authenticated by an HMAC
key, by an API key that is bound to an account, or by domain-wide delegation is in no record of it. Source: Policy
Intelligence's pages on the usage of service accounts, and the Policy Analyzer API.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct, field

from connectors.gcp.client.payloads import Moment, in_utc

BEHIND = timedelta(days=7)
"""A record that ends longer ago than this says nothing about disuse: it is usually behind by a day or two."""


class _Account(Struct, frozen=True, kw_only=True):
    unique_id: str = field(name="serviceAccountId", default="")


class _Key(Struct, frozen=True, kw_only=True, rename="camel"):
    full_resource_name: str = ""


class _Facts(Struct, frozen=True, kw_only=True, rename="camel"):
    last_authenticated_time: Moment | None = None
    service_account: _Account = _Account()
    service_account_key: _Key = _Key()


class _Period(Struct, frozen=True, kw_only=True, rename="camel"):
    start_time: Moment | None = None
    end_time: Moment | None = None


class Activity(Struct, kw_only=True, rename="camel"):
    """A row as policyanalyzer.googleapis.com v1 has it, of an account or of a key."""

    full_resource_name: str = ""
    activity: _Facts = _Facts()
    observation_period: _Period = _Period()


class Use(Struct, frozen=True, kw_only=True, gc=False):
    """When something was last used; ``tracked_days`` as on Identity. ``until``: the last day that is recorded."""

    last_used_at: datetime | None = None
    tracked_days: int | None = None
    until: datetime | None = None


def parse_use(row: Activity, *, now: datetime) -> Use:
    """What a row says. A record that ended long before ``now`` is none of disuse."""
    period = row.observation_period
    return Use(
        last_used_at=in_utc(row.activity.last_authenticated_time),
        tracked_days=_days(period.start_time, period.end_time, now),
        until=in_utc(period.end_time),
    )


def account_in(row: Activity) -> str | None:
    """The unique id of the account that a row is of, which a recreated account of the same e-mail does not have."""
    return row.activity.service_account.unique_id or None


def key_in(row: Activity) -> str | None:
    """``ACCOUNT/keys/ID`` of the key that a row is of; the account by its e-mail or unique id."""
    name = row.activity.service_account_key.full_resource_name or row.full_resource_name
    account, _, key = name.partition("/serviceAccounts/")[2].partition("/keys/")
    return f"{account}/keys/{key}" if account and key else None


def _days(start: datetime | None, end: datetime | None, now: datetime) -> int | None:
    """How many days were observed: the first and the last both count, for a use on the last day is reported."""
    if start is None or end is None or end < start or now - end > BEHIND:
        return None
    return (end - start).days + 1
