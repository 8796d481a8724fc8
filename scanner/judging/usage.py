"""Judges whether an identity is used. Without a record of use, the verdict is unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scanner.model import Identity, UsageState, UsageVerdict, last_used_on
from scanner.model.attributes import USE_LAG_DAYS
from scanner.text import counted

_DAY = timedelta(days=1)
_LONGEST_LAG = 366
"""A longer lag, in days, is no lag but a record that says nothing."""
_FIRST = datetime.min.replace(tzinfo=UTC)


def judge_usage(identity: Identity, *, window_days: int, now: datetime) -> UsageVerdict:
    """Return the usage verdict over the last ``window_days`` days.

    The last use is the latest of the identity and its credentials. Missing use counts only as far back as the
    provider's record reaches (``use_tracked_days``); without a record, no identity is dormant. The window ends when
    the provider was read, which for an export is before ``now``.
    """
    last_used = identity.last_used_at
    for credential in identity.credentials:
        if credential.last_used_at is not None and (last_used is None or credential.last_used_at > last_used):
            last_used = credential.last_used_at
    window = timedelta(days=window_days)
    # The date of a list may be any day, even one so early that the window begins before the calendar.
    looked_at = max(min(identity.observed_at or now, now), _FIRST + window)
    state, evidence = _judge(identity, last_used, window, looked_at)
    if identity.observed_at is not None:
        evidence = f"{evidence} (as of {looked_at:%Y-%m-%d})"
    return UsageVerdict(state=state, last_used_at=last_used, window_days=window_days, evidence=evidence)


def _judge(identity: Identity, last_used: datetime | None, window: timedelta, now: datetime) -> tuple[UsageState, str]:
    used = last_used_on(last_used.date()) if last_used else "no use recorded"
    if identity.enabled is False:
        return "disabled", f"disabled; {used}"
    if last_used is not None and last_used >= now - window:
        return "active", used
    if last_used is not None and (lag := _lag(identity)) and last_used + lag >= now - window:
        late = counted(lag.days, "day", "days")
        return "unknown", f"{used}, but the record may lag {late} behind, so it may have been used in the window"
    # An identity existed on its last use, even if its creation is unknown.
    since = min((moment for moment in (identity.created_at, last_used) if moment is not None), default=None)
    if since is None:
        return "unknown", f"{used}, and its creation date is unknown"
    if since > now - window:
        return "unknown", f"{used} yet; created {since:%Y-%m-%d}, inside the window"
    return _unused(identity, last_used, since, window, now)


def _lag(identity: Identity) -> timedelta:
    days = identity.attributes.get(USE_LAG_DAYS)
    return timedelta(days=days) if isinstance(days, int) and 0 < days <= _LONGEST_LAG else timedelta()


def _unused(
    identity: Identity, last_used: datetime | None, since: datetime, window: timedelta, now: datetime
) -> tuple[UsageState, str]:
    """Judge an identity that existed for the whole window without a known use in it."""
    used = last_used_on(last_used.date()) if last_used else f"created {since:%Y-%m-%d}, no use recorded"
    tracked_days = identity.use_tracked_days
    if tracked_days is None:
        why = (
            "the record of its use was not read" if "use" in identity.unread else "the provider keeps no record of use"
        )
        return "unknown", f"{used}, but {why}"
    if tracked_days < window / _DAY:
        return "unknown", f"{used}, but the record reaches back only {counted(tracked_days, 'day', 'days')}"
    if last_used is not None:
        return "dormant", used
    if (now - since) / _DAY <= tracked_days:
        return "never_used", f"created {since:%Y-%m-%d}, never used"
    return "dormant", f"{used} in the {counted(tracked_days, 'day', 'days')} that the record keeps"
