"""Usage: every sentence of its definition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from scanner.judging.usage import judge_usage
from scanner.model.attributes import USE_LAG_DAYS
from tests.factories import NOW, days_ago, make_credential, make_identity


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        pytest.param({"last_used_at": days_ago(1)}, "active", id="used-inside"),
        pytest.param({"last_used_at": days_ago(90)}, "active", id="used-on-the-edge"),
        pytest.param({"last_used_at": days_ago(1), "use_tracked_days": None}, "active", id="a-use-needs-no-record"),
        pytest.param({"last_used_at": days_ago(1), "created_at": None}, "active", id="a-use-needs-no-creation"),
        pytest.param({"last_used_at": days_ago(90.1)}, "dormant", id="used-before"),
        pytest.param({"last_used_at": days_ago(91), "use_tracked_days": 90}, "dormant", id="record-covers-window"),
        pytest.param({"last_used_at": days_ago(91), "use_tracked_days": 89}, "unknown", id="record-too-short"),
        pytest.param({"last_used_at": days_ago(91), "use_tracked_days": None}, "unknown", id="no-record"),
        pytest.param({"last_used_at": days_ago(91), "created_at": None}, "dormant", id="used-so-it-existed"),
        pytest.param({}, "never_used", id="no-use-since-creation"),
        pytest.param({"use_tracked_days": 400}, "never_used", id="record-reaches-back-to-creation"),
        pytest.param({"use_tracked_days": 999_999}, "never_used", id="record-reaches-back-before-the-calendar"),
        pytest.param({"use_tracked_days": 2**62}, "never_used", id="record-reaches-back-before-everything"),
        pytest.param({"use_tracked_days": 399}, "dormant", id="record-covers-the-window-but-not-creation"),
        pytest.param({"use_tracked_days": 89}, "unknown", id="never-seen-but-record-too-short"),
        pytest.param({"use_tracked_days": None}, "unknown", id="cannot-tell"),
        pytest.param({"created_at": days_ago(89)}, "unknown", id="younger-than-the-window"),
        pytest.param({"created_at": days_ago(90)}, "never_used", id="exactly-the-window-old"),
        pytest.param({"created_at": None}, "unknown", id="age-unknown"),
        pytest.param({"last_used_at": days_ago(91), "observed_at": days_ago(1)}, "active", id="used-when-looked-at"),
        pytest.param({"last_used_at": days_ago(92), "observed_at": days_ago(1)}, "dormant", id="unused-when-looked-at"),
        pytest.param({"observed_at": datetime(1, 1, 2, tzinfo=UTC)}, "unknown", id="looked-at-before-the-calendar"),
        pytest.param({"created_at": days_ago(90), "observed_at": days_ago(1)}, "unknown", id="young-when-looked-at"),
        pytest.param(
            {"last_used_at": days_ago(91), "observed_at": NOW + timedelta(1)}, "dormant", id="looked-at-later"
        ),
        pytest.param({"enabled": False}, "disabled", id="disabled"),
        pytest.param({"enabled": False, "last_used_at": days_ago(1)}, "disabled", id="disabled-though-used"),
        pytest.param({"enabled": None, "last_used_at": days_ago(91)}, "dormant", id="unknown-counts-as-enabled"),
        pytest.param(
            {"credentials": (make_credential(last_used_at=days_ago(3)),)}, "active", id="by-one-of-its-credentials"
        ),
    ],
)
def test_state(facts: dict[str, Any], state: str) -> None:
    """Used within the window, evidently unused, or unknown."""
    assert judge_usage(make_identity(**facts), window_days=90, now=NOW).state == state


@pytest.mark.parametrize(
    "facts",
    [
        {"last_used_at": days_ago(10)},
        {"last_used_at": days_ago(200)},
        {},
        {"use_tracked_days": 300},
        {"use_tracked_days": 30},
        {"enabled": False},
    ],
)
def test_evidence_changes_only_with_a_fact(facts: dict[str, Any]) -> None:
    """The next day's verdict on the same facts reads the same: it names dates, not ages."""
    identity = make_identity(**facts)
    today, tomorrow = (judge_usage(identity, window_days=90, now=NOW + timedelta(days=day)) for day in (0, 1))
    assert today == tomorrow


def test_evidence_names_the_latest_use() -> None:
    """The latest use counts, the identity's own or a credential's."""
    used = make_identity(last_used_at=days_ago(30), credentials=(make_credential(last_used_at=days_ago(20)),))
    verdict = judge_usage(used, window_days=90, now=NOW)

    assert verdict.last_used_at == days_ago(20)
    assert verdict.evidence == f"last used {date(2026, 11, 5)}"


@pytest.mark.parametrize(
    ("unread", "why"),
    [
        ((), "the provider keeps no record of use"),
        (("permissions",), "the provider keeps no record of use"),
        (("use",), "the record of its use was not read"),
    ],
)
def test_evidence_separates_a_missing_record_from_an_unread_one(unread: tuple[Any, ...], why: str) -> None:
    """The first is how the provider is; the second can be put right."""
    verdict = judge_usage(make_identity(use_tracked_days=None, unread=unread), window_days=90, now=NOW)

    assert verdict.state == "unknown"
    assert verdict.evidence.endswith(f"no use recorded, but {why}")


@pytest.mark.parametrize(
    ("days", "state"), [(89, "active"), (91, "unknown"), (103, "unknown"), (105, "dormant"), (None, "never_used")]
)
def test_inside_the_lag_of_a_record_use_is_unknown(days: int | None, state: str) -> None:
    """Of a record that may show an earlier use for up to 14 days, as Active Directory's does."""
    identity = make_identity(
        created_at=days_ago(400),
        last_used_at=None if days is None else days_ago(days),
        use_tracked_days=36_500,
        attributes={USE_LAG_DAYS: 14},
    )

    verdict = judge_usage(identity, window_days=90, now=NOW)

    assert verdict.state == state
    assert ("may lag 14 days behind" in verdict.evidence) == (state == "unknown")


@pytest.mark.parametrize("lag", ["14", 14.5, -1, 10**9, None, [14]])
def test_a_lag_that_is_none_changes_nothing(lag: Any) -> None:
    """Lists may have any value there."""
    identity = make_identity(
        created_at=days_ago(400), last_used_at=days_ago(95), use_tracked_days=400, attributes={USE_LAG_DAYS: lag}
    )

    assert judge_usage(identity, window_days=90, now=NOW).state == "dormant"
