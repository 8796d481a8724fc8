"""Last authentications from Policy Analyzer (pure).

It counts days in US Pacific time, given as 07:00 UTC; failed calls count as use. Authentication with an HMAC key, with
an API key that is bound to an account, or by domain-wide delegation is not recorded. Source: Policy Intelligence's
pages on the usage of service accounts, and the Policy Analyzer API.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct, field

from connectors.core.reading import Moment, in_utc

BEHIND = timedelta(days=7)
"""A record that ends longer ago is no evidence of disuse. Records are usually behind by a day or two."""


class _Account(Struct, frozen=True, kw_only=True):
    unique_id: str = field(name="serviceAccountId", default="")


class _ActivityKey(Struct, frozen=True, kw_only=True, rename="camel"):
    full_resource_name: str = ""


class _ActivityFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    last_authenticated_time: Moment | None = None
    service_account: _Account = _Account()
    service_account_key: _ActivityKey = _ActivityKey()


class _Period(Struct, frozen=True, kw_only=True, rename="camel"):
    start_time: Moment | None = None
    end_time: Moment | None = None


class GcpActivity(Struct, kw_only=True, rename="camel"):
    """An Activity of policyanalyzer.googleapis.com v1, of an account or of a key."""

    full_resource_name: str = ""
    activity: _ActivityFacts = _ActivityFacts()
    observation_period: _Period = _Period()


class Use(Struct, frozen=True, kw_only=True, gc=False):
    """The last use. ``tracked_days``: see ``Identity.use_tracked_days``. ``until``: the last recorded day."""

    last_used_at: datetime | None = None
    tracked_days: int | None = None
    until: datetime | None = None


def parse_use(row: GcpActivity, *, now: datetime) -> Use:
    """The use that a row reports. A record that ended long before ``now`` is no evidence of disuse."""
    period = row.observation_period
    return Use(
        last_used_at=in_utc(row.activity.last_authenticated_time),
        tracked_days=_days(period.start_time, period.end_time, now),
        until=in_utc(period.end_time),
    )


def account_in(row: GcpActivity) -> str | None:
    """The unique id of a row's account; an account that is created again with the same e-mail gets another id."""
    return row.activity.service_account.unique_id or None


def key_in(row: GcpActivity) -> str | None:
    """``ACCOUNT/keys/ID`` of a row's key; ACCOUNT is an e-mail or a unique id."""
    name = row.activity.service_account_key.full_resource_name or row.full_resource_name
    account, _, key = name.partition("/serviceAccounts/")[2].partition("/keys/")
    return f"{account}/keys/{key}" if account and key else None


def _days(start: datetime | None, end: datetime | None, now: datetime) -> int | None:
    """The number of observed days, including the first and the last: use on the last day is reported."""
    if start is None or end is None or end < start or now - end > BEHIND:
        return None
    return (end - start).days + 1
