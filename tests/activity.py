"""Activity for tests: what callers did by day, as the store gives it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scanner.model.activity import ActivityPast, Caller, CallerPast, DayCounts, LogPast
from tests.factories import ACCOUNT, NOW

TODAY = NOW.date()
Did = Mapping[str, int]
"""Features with how often they succeeded; ``-3`` represents three denials."""


def day_ago(days: int) -> date:
    """A day before the day of ``NOW``."""
    return TODAY - timedelta(days=days)


def make_past(
    did: Mapping[str, Mapping[int, Did]],
    *,
    covered: Iterable[int] = range(1, 91),
    log: Mapping[str, Any] | None = None,
    scope: str = ACCOUNT,
    hours: Callable[[str, int], Sequence[int]] = lambda _caller, _day: (3,),
    **more: Any,
) -> ActivityPast:
    """The past of callers by ARN (``ARN|unique id`` with a unique id). Days are counted back from today."""
    facts: dict[str, Any] = {
        "log": "trail",
        "provider": "aws",
        "source": None,
        "first_read_at": NOW - timedelta(days=1),
        "covered": {scope: frozenset(day_ago(day).toordinal() for day in covered)},
    }
    callers, pasts = [], {}
    for number, (text, by_day) in enumerate(did.items(), start=1):
        key, _, unique_id = text.partition("|")
        caller = Caller(number=number, log="trail", scope=scope, caller=key, unique_id=unique_id)
        callers.append(caller)
        features = tuple(dict.fromkeys(feature for one in by_day.values() for feature in one))
        pasts[number] = CallerPast(
            caller=caller,
            features=features,
            days=tuple(
                (day_ago(day).toordinal(), _counts(by_day[day], features, day, hours(key, day)))
                for day in sorted(by_day, reverse=True)
            ),
        )
    return ActivityPast(
        logs={"trail": LogPast(**(facts | dict(log or {})))},
        callers=tuple(callers),
        read=lambda numbers: [pasts[number] for number in numbers],
        **more,
    )


def _counts(did: Did, features: Sequence[str], day: int, hours: Sequence[int]) -> DayCounts:
    midnight = datetime.combine(day_ago(day), datetime.min.time(), UTC)
    actions = {feature: count for feature, count in did.items() if feature.partition("=")[0] in _ACTIONS}
    return DayCounts(
        first=int((midnight + timedelta(hours=min(hours))).timestamp()),
        last=int((midnight + timedelta(hours=max(hours), minutes=30)).timestamp()),
        hours=sum(1 << hour for hour in hours),
        events=sum(map(abs, actions.values())),
        denied=-sum(count for count in actions.values() if count < 0),
        counts=tuple(
            (features.index(feature), count) if count > 0 else (features.index(feature), 0, -count)
            for feature, count in did.items()
        ),
        samples=tuple((features.index(feature), f"event-{day}-{feature}") for feature in did),
    )


_ACTIONS = ("read", "write", "secret", "become")
